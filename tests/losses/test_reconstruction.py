from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.reconstruction import (
    attention_collapse,
    bin_cross_entropy,
    chroma_weight,
    content_distance,
    feature_distance,
    huber_ab,
    huber_ab_gradient,
    style_distance,
    style_statistics,
)
from colorstyle_lib.metrics.feature_distance import perceptual_distances
from colorstyle_lib.model.color_bins import ab_bins, encode_soft, rebalancing

Q = len(ab_bins())


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def planes(*rows: list[float]) -> Tensor:
    """One image of one plane."""
    return torch.tensor(rows)[None, None]


# Huber


def test_attention_collapse_by_hand():
    even, certain = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([1.0, 0.0, 0.0])
    some = torch.tensor([0.9, 0.1, 0.0])
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / math.log(2)
    alpha = torch.stack((even, some)).view(2, 3, 1, 1)
    assert attention_collapse(alpha, 0.8).item() == pytest.approx((0.8 - entropy) / 2, abs=1e-4)
    assert attention_collapse(alpha, 0.0).item() == 0
    # A place that is certain beside one that is not: their mean counts, and no slope is infinite.
    both = torch.stack((even, certain), dim=1).view(1, 3, 2, 1).requires_grad_()
    loss = attention_collapse(both, 0.9)
    assert loss.item() == pytest.approx(0.4, abs=1e-4)
    loss.backward()
    assert torch.isfinite(both.grad).all()
    alone = certain.view(1, 3, 1, 1)
    assert attention_collapse(alone, 0.9).item() == 0  # one modality is present: nothing to choose
    energies = torch.tensor([[6.0, 0.0]]).requires_grad_()
    attention_collapse(energies.softmax(1).view(1, 2, 1, 1), 0.5).backward()
    assert energies.grad[0, 0] > 0 > energies.grad[0, 1]  # descending brings them together


def test_huber_is_a_square_near_and_a_line_far():
    predicted = torch.tensor([3.0, -20.0]).view(1, 2, 1, 1)
    expected = (3**2 / (2 * 5) + (20 - 5 / 2)) / 2
    assert huber_ab(predicted, torch.zeros(1, 2, 1, 1), delta=5.0).item() == pytest.approx(expected)


def test_huber_takes_the_mean_over_the_weights():
    predicted, target = random(2, 2, 4, 4), random(2, 2, 4, 4, seed=1)
    weight = torch.zeros(2, 1, 4, 4)
    weight[..., :2] = 7.0
    left = huber_ab(predicted[..., :2], target[..., :2], delta=1.0)
    torch.testing.assert_close(huber_ab(predicted, target, delta=1.0, weight=weight), left)


def test_huber_gradient_sees_differences_only():
    target = random(1, 2, 5, 6) * 20
    moved = target + 30
    assert huber_ab_gradient(moved, target, delta=5.0).item() == pytest.approx(0, abs=1e-5)
    edge = torch.zeros(1, 2, 2, 3)
    edge[..., 1:] = 10.0  # one of the two differences across is 10, none down
    expected = (10 - 5 / 2) / 2
    assert huber_ab_gradient(edge, torch.zeros(1, 2, 2, 3), delta=5.0).item() == pytest.approx(expected)
    assert huber_ab_gradient(edge.mT, torch.zeros(1, 2, 3, 2), delta=5.0).item() == pytest.approx(expected)  # down


def test_chroma_weight_by_hand():
    ab = torch.tensor([66.0, -88.0]).view(1, 2, 1, 1)  # chroma 110
    assert chroma_weight(ab, 3.0).item() == pytest.approx(4)


# Bins


def test_bin_cross_entropy_is_torch_s_on_the_dense_target():
    logits, ab = random(2, Q, 5, 6) * 3, random(2, 2, 5, 6, seed=1) * 30
    logits.requires_grad_()
    numbers, weights = encode_soft(ab)
    dense = torch.zeros(2, Q, 5, 6).scatter(1, numbers, weights)
    expected = nnf.cross_entropy(logits, dense)
    ours = bin_cross_entropy(logits, ab).mean()
    torch.testing.assert_close(ours, expected)
    (ours_slope,) = torch.autograd.grad(ours, logits)
    (expected_slope,) = torch.autograd.grad(expected, logits)
    torch.testing.assert_close(ours_slope, expected_slope)


def test_bin_cross_entropy_of_knowing_nothing_is_log_q():
    ab = random(1, 2, 3, 3) * 30
    assert bin_cross_entropy(torch.zeros(1, Q, 3, 3), ab).item() == pytest.approx(math.log(Q))


def test_balance_weighs_each_pixel_by_its_nearest_bin():
    ab = torch.zeros(1, 2, 1, 2)
    ab[0, 0, 0, 1] = 50.0
    logits = random(1, Q, 1, 2)
    balance = torch.ones(Q)
    balance[ab_bins().tolist().index([50, 0])] = 3.0
    gray, red = (bin_cross_entropy(logits[..., i : i + 1], ab[..., i : i + 1]) for i in range(2))
    torch.testing.assert_close(bin_cross_entropy(logits, ab, balance=balance), (gray + 3 * red) / 2)
    equal = rebalancing(torch.rand(Q).softmax(dim=0), uniform=1.0)
    torch.testing.assert_close(bin_cross_entropy(logits, ab, balance=equal), bin_cross_entropy(logits, ab))


@pytest.mark.parametrize("size", [80.0, -80.0])
def test_bin_cross_entropy_stays_finite_in_half_precision(size: float):
    logits = torch.zeros(1, Q, 2, 2, dtype=torch.bfloat16)
    logits[:, ::2] = size
    logits.requires_grad_()
    loss = bin_cross_entropy(logits, torch.zeros(1, 2, 2, 2))
    loss.backward()
    assert loss.isfinite()
    assert loss.dtype == torch.float32
    assert logits.grad.isfinite().all()


def test_bins_that_do_not_match_are_named():
    with pytest.raises(ConfigError, match="313 logits"):
        bin_cross_entropy(torch.zeros(1, 313, 1, 1), torch.zeros(1, 2, 1, 1))


# Features


def test_feature_distance_by_hand():
    found, wanted = planes([1.0, 2.0]), planes([3.0, 1.0])
    assert feature_distance(found, wanted).item() == pytest.approx((4 + 1) / (9 + 1))


def test_feature_distance_gives_every_image_its_own_scale():
    wanted = torch.cat((planes([1.0, 1.0]), planes([100.0, 100.0])))
    assert feature_distance(1.5 * wanted, wanted).tolist() == pytest.approx([0.25, 0.25])
    assert feature_distance(torch.zeros_like(wanted), wanted).tolist() == pytest.approx([1, 1])


def test_perceptual_is_the_mean_of_layers_and_content_the_deepest():
    found, wanted = [planes([1.0]), planes([3.0])], [planes([2.0]), planes([1.0])]
    assert perceptual_distances(found, wanted).item() == pytest.approx((0.25 + 4) / 2)
    assert content_distance(found, wanted).item() == pytest.approx(4)


def test_style_statistics_of_a_2_x_2_map_by_hand():
    (statistics,) = style_statistics([planes([0.0, 2.0], [4.0, 6.0])])
    torch.testing.assert_close(statistics, torch.tensor([[[3.0], [math.sqrt(5)]]]))


def test_style_distance_by_hand():
    found = [torch.tensor([[[1.0, 2.0], [0.0, 1.0]]])]  # means 1 and 2, deviations 0 and 1
    wanted = [torch.tensor([[[1.0, 0.0], [2.0, 1.0]]])]
    assert style_distance(found, wanted).item() == pytest.approx((0 + 4 + 4 + 0) / (1 + 0 + 4 + 1))
    layers = ([torch.cat((found[0], wanted[0])), torch.cat((wanted[0], found[0]))], [torch.cat((wanted[0],) * 2)] * 2)
    assert style_distance(*layers, per_image=True).tolist() == pytest.approx([4 / 6, 4 / 6])  # means over two layers
    assert style_distance(*layers).item() == pytest.approx(4 / 6)  # and over two images


def test_the_style_s_scale_is_the_mean_square_of_its_features():
    maps = random(3, 4, 5, 6).abs()
    (statistics,) = style_statistics([maps])
    mean_square = statistics.square().sum(dim=(1, 2)) / 4
    torch.testing.assert_close(mean_square, maps.square().mean(dim=(1, 2, 3)))


def test_style_forgets_places_and_content_does_not():
    maps = random(1, 4, 6, 6).relu()
    shuffled = maps.flatten(2)[..., torch.randperm(36)].view_as(maps)
    assert style_distance(style_statistics([shuffled]), style_statistics([maps])).item() < 1e-9
    assert content_distance([shuffled], [maps]).item() > 0.1


@given(st.floats(1e-2, 1e3))
def test_feature_terms_ignore_the_scale_of_a_weights_file(scale: float):
    found, wanted = [random(2, 3, 4, 4).relu() + 0.1], [random(2, 3, 4, 4, seed=1).relu() + 0.1]
    scaled = [found[0] * scale], [wanted[0] * scale]
    torch.testing.assert_close(perceptual_distances(*scaled), perceptual_distances(found, wanted))
    torch.testing.assert_close(
        style_distance(*map(style_statistics, scaled)),
        style_distance(style_statistics(found), style_statistics(wanted)),
    )


def test_dead_channels_do_not_spoil_the_gradient():
    maps = torch.zeros(1, 2, 3, 3)
    maps[:, 0] = random(3, 3)
    maps.requires_grad_()
    wanted = style_statistics([random(1, 2, 3, 3)])
    style_distance(style_statistics([maps]), wanted).backward()
    assert maps.grad.isfinite().all()
    assert maps.grad[:, 0].abs().max() > 0


def test_terms_are_taken_in_full_precision():
    maps = [random(2, 3, 8, 8).bfloat16()]
    assert style_statistics(maps)[0].dtype == torch.float32
    assert feature_distance(maps[0], maps[0]).dtype == torch.float32


def test_feature_terms_are_differentiated_rightly():
    found = random(2, 3, 4, 4).double().requires_grad_()
    wanted = random(2, 3, 4, 4, seed=1).double()
    assert torch.autograd.gradcheck(lambda f: perceptual_distances([f], [wanted]), found)
    style = style_statistics([wanted])
    assert torch.autograd.gradcheck(lambda f: style_distance(style_statistics([f]), style), found)
