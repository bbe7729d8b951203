from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.adversarial import (
    OBJECTIVES,
    get_objective,
    minimax_value,
    zero_centered_penalty,
)

REAL = torch.tensor([2.0, -1.0])
FAKE = torch.tensor([0.5, -3.0])


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# By hand from each equation, on the four logits above.
BY_HAND = {
    "saturating": (
        -(math.log(sigmoid(2)) + math.log(sigmoid(-1))) / 2
        - (math.log(1 - sigmoid(0.5)) + math.log(1 - sigmoid(-3))) / 2,
        (math.log(1 - sigmoid(0.5)) + math.log(1 - sigmoid(-3))) / 2,
    ),
    "non_saturating": (
        (softplus(-2) + softplus(1) + softplus(0.5) + softplus(-3)) / 2,
        -(math.log(sigmoid(0.5)) + math.log(sigmoid(-3))) / 2,
    ),
    "least_squares": (((1 + 4) / 2 + (0.25 + 9) / 2) / 2, (0.25 + 16) / 2 / 2),
    "hinge": ((0 + 2) / 2 + (1.5 + 0) / 2, -(0.5 - 3) / 2),
    "relativistic": ((softplus(0.5 - 2) + softplus(-3 + 1)) / 2, (softplus(2 - 0.5) + softplus(-1 + 3)) / 2),
}


def slope(loss, *logits: Tensor) -> tuple[Tensor, ...]:
    leaves = [x.clone().requires_grad_() for x in logits]
    return torch.autograd.grad(loss(*leaves), leaves)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_values_by_hand(name: str):
    discriminator, generator = BY_HAND[name]
    objective = get_objective(name)
    assert objective.name == name
    assert objective.discriminator_loss(REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-5)
    assert objective.generator_loss(FAKE, REAL).item() == pytest.approx(generator, rel=1e-5)


def test_equation_1_is_binary_cross_entropy_and_minus_log_4_at_equilibrium():
    bce = nnf.binary_cross_entropy_with_logits
    expected = -bce(REAL, torch.ones(2)) - bce(FAKE, torch.zeros(2))
    torch.testing.assert_close(minimax_value(REAL, FAKE), expected)
    assert minimax_value(torch.zeros(7), torch.zeros(3)).item() == pytest.approx(-math.log(4))


def test_the_saturating_slope_vanishes_where_the_discriminator_is_sure():
    logits = torch.linspace(-20, 20, 41)
    (saturating,) = slope(OBJECTIVES["saturating"].generator_loss, logits)
    torch.testing.assert_close(saturating * 41, -logits.sigmoid())
    (non_saturating,) = slope(OBJECTIVES["non_saturating"].generator_loss, logits)
    torch.testing.assert_close(non_saturating * 41, -(-logits).sigmoid())
    assert saturating[0].abs() * 41 < 1e-8
    assert non_saturating[0].abs() * 41 > 0.999


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_differentiated_rightly(name: str):
    real = torch.tensor([2.0, -1.0, 0.3], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([0.5, -3.0, 0.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(OBJECTIVES[name].discriminator_loss, (real, fake))
    assert torch.autograd.gradcheck(OBJECTIVES[name].generator_loss, (fake, real))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_player_pulls_the_right_way(name: str):
    real_slope, fake_slope = slope(OBJECTIVES[name].discriminator_loss, torch.zeros(4), torch.full((4,), 0.5))
    assert (real_slope < 0).all()  # descending raises the real logits
    assert (fake_slope > 0).all()
    fake_slope, *_ = slope(lambda f: OBJECTIVES[name].generator_loss(f, torch.zeros(4)), torch.full((4,), 0.5))
    assert (fake_slope < 0).all()


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("real", [80.0, -80.0])
@pytest.mark.parametrize("fake", [80.0, -80.0])
def test_extreme_half_precision_logits_stay_finite(name: str, real: float, fake: float):
    reals, fakes = torch.full((3, 2), real).bfloat16(), torch.full((3, 2), fake).bfloat16()
    for loss, logits in (
        (OBJECTIVES[name].discriminator_loss, (reals, fakes)),
        (OBJECTIVES[name].generator_loss, (fakes, reals)),
    ):
        value = loss(*logits)
        assert value.isfinite()
        assert value.dtype == torch.float32
        leaves = [x.clone().requires_grad_() for x in logits]
        gradients = torch.autograd.grad(loss(*leaves), leaves, allow_unused=True)
        assert all(g.isfinite().all() for g in gradients if g is not None)


def test_half_precision_means_are_taken_in_full():
    logits = torch.full((1000,), 1.0).bfloat16()
    logits[::2] = 1.0078125  # the next bfloat16: the mean lies between the two
    assert OBJECTIVES["hinge"].generator_loss(logits).item() == pytest.approx(-1.00390625)


def test_maps_of_patches_count_patch_by_patch():
    real, fake = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    for objective in OBJECTIVES.values():
        flat = objective.discriminator_loss(real.flatten(), fake.flatten())
        torch.testing.assert_close(objective.discriminator_loss(real, fake), flat)


def test_only_paired_objectives_need_real_logits():
    for objective in OBJECTIVES.values():
        if objective.paired:
            with pytest.raises(ConfigError, match="real_logits"):
                objective.generator_loss(FAKE)
        else:
            assert objective.generator_loss(FAKE) == objective.generator_loss(FAKE, REAL)


def test_relativistic_refuses_what_does_not_pair():
    with pytest.raises(ConfigError, match="do not pair"):
        OBJECTIVES["relativistic"].discriminator_loss(torch.zeros(4, 1), torch.zeros(4))


def test_a_mistyped_objective_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'hinge'"):
        get_objective("hing")


def test_penalty_of_a_linear_discriminator_by_hand():
    weight = torch.randn(12, generator=torch.Generator().manual_seed(0))
    images = torch.rand(5, 3, 2, 2, requires_grad=True)
    for logits in (images.flatten(1) @ weight, (images.flatten(1) @ weight)[:, None]):
        penalty = zero_centered_penalty(logits, images, gamma=3.0)
        torch.testing.assert_close(penalty, 1.5 * weight.square().sum())


def test_penalty_is_blind_to_the_number_of_patches():
    images = torch.rand(2, 3, 4, 4, requires_grad=True)
    evidence = images.square().sum(dim=(1, 2, 3))
    once = zero_centered_penalty(evidence, images, gamma=1.0)
    patches = evidence[:, None, None, None].expand(2, 1, 3, 3)
    torch.testing.assert_close(zero_centered_penalty(patches, images, gamma=1.0), once)
    torch.testing.assert_close(once, 2 * images.square().sum(dim=(1, 2, 3)).mean())  # D = |x|^2, so |2 x|^2 / 2


def test_penalty_teaches_the_discriminator():
    weight = torch.tensor([3.0, -4.0], requires_grad=True)
    images = torch.rand(6, 2, requires_grad=True)
    zero_centered_penalty(images @ weight, images, gamma=2.0).backward()
    torch.testing.assert_close(weight.grad, 2 * weight.detach())  # of |w|^2


def test_penalty_needs_pictures_that_require_a_gradient():
    images = torch.rand(2, 3)
    with pytest.raises(ConfigError, match="requires_grad_"):
        zero_centered_penalty(images.sum(dim=1), images, gamma=1.0)
