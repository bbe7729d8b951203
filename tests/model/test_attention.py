"""Equation (2), and the block that modulates features by it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.attention import (
    AttentionOverride,
    MultiModalAttention,
    attention_spread,
    multimodal_attention,
    product_energies,
)
from colorstyle_lib.model.modalities import MODALITIES, Modalities, describe, match_reference

ENERGIES = arrays("float32", (4, 3, 2, 2), elements=st.floats(-50, 50, width=32)).map(torch.from_numpy)
SOMETHING_PRESENT = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any), min_size=4, max_size=4
).map(torch.tensor)
EVERYTHING = torch.ones(4, 3, dtype=torch.bool)


def pictures(seed: int = 0, n: int = 4) -> Modalities:
    lab = torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 60
    return describe(lab)


def trained(block: MultiModalAttention) -> MultiModalAttention:
    """Weights as if training had moved them away from zero."""
    torch.manual_seed(1)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block.eval()


def features(n: int = 4, channels: int = 6, size: int = 8) -> torch.Tensor:
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(2))


# Equation (2)


@settings(max_examples=50)
@given(energies=ENERGIES)
def test_equals_torch_softmax_where_all_are_present(energies: torch.Tensor) -> None:
    torch.testing.assert_close(multimodal_attention(energies, EVERYTHING), energies.softmax(1))


@settings(max_examples=50)
@given(energies=ENERGIES, present=SOMETHING_PRESENT)
def test_sums_to_one_over_the_present_and_is_exactly_zero_elsewhere(
    energies: torch.Tensor, present: torch.Tensor
) -> None:
    energies.requires_grad_()
    alpha = multimodal_attention(energies, present)
    torch.testing.assert_close(alpha.sum(1), torch.ones(4, 2, 2))
    absent = ~present[:, :, None, None].expand_as(alpha)
    assert (alpha[absent] == 0).all()
    alpha.square().sum().backward()
    assert energies.grad is not None
    assert energies.grad.isfinite().all()
    assert (energies.grad[absent] == 0).all()
    # As if the absent were not in the list at all.
    for image, flags in enumerate(present):
        torch.testing.assert_close(alpha[image, flags], energies[image, flags].softmax(0))


@settings(max_examples=30)
@given(energies=ENERGIES, present=SOMETHING_PRESENT, order=st.permutations(range(3)))
def test_the_order_of_modalities_does_not_matter(
    energies: torch.Tensor, present: torch.Tensor, order: list[int]
) -> None:
    torch.testing.assert_close(
        multimodal_attention(energies[:, order], present[:, order]),
        multimodal_attention(energies, present)[:, order],
    )


def test_huge_energies_in_bf16_stay_finite() -> None:
    energies = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], dtype=torch.bfloat16, requires_grad=True)
    alpha = multimodal_attention(energies, torch.ones(2, 3, dtype=torch.bool))
    torch.testing.assert_close(alpha, torch.tensor([[1.0, 0, 0], [1 / 3, 1 / 3, 1 / 3]]))
    alpha[:, 0].sum().backward()
    assert energies.grad is not None
    assert energies.grad.isfinite().all()


def test_an_image_without_any_modality_is_an_error() -> None:
    with pytest.raises(ConfigError, match="at least one modality"):
        multimodal_attention(torch.zeros(2, 3), torch.tensor([[True, False, False], [False, False, False]]))


# The block


@pytest.mark.parametrize("plain", [False, True])
def test_it_starts_as_the_norm_alone_with_uniform_attention(plain: bool) -> None:
    block = MultiModalAttention(6, plain=plain)
    x, seen = features(), pictures().without("color")
    y, alpha = block(x, seen)
    torch.testing.assert_close(y, torch.nn.functional.batch_norm(x, None, None, training=True))
    assert alpha.shape == ((4, 3, 1, 1) if plain else (4, 3, 8, 8))
    assert (alpha[:, 0] == 0).all()
    torch.testing.assert_close(alpha[:, 1:], torch.full_like(alpha[:, 1:], 0.5))


@pytest.mark.parametrize("plain", [False, True])
def test_without_any_modality_it_is_the_norm_alone(plain: bool) -> None:
    block = trained(MultiModalAttention(6, plain=plain))
    x = features()
    y, alpha = block(x, pictures().without(*MODALITIES))
    assert not alpha.any()
    torch.testing.assert_close(y, block.norm(x))
    assert not torch.allclose(block(x, pictures())[0], y)


def test_the_output_is_the_equation() -> None:
    """With all weight on one modality, scale and shift are its own; otherwise they mix linearly."""
    block, x, seen = trained(MultiModalAttention(6)), features(), pictures()
    alone = [block(x, seen, override=AttentionOverride(fix={m: 1.0}))[0] for m in MODALITIES]
    mixed, alpha = block(x, seen, override=AttentionOverride(fix={"color": 0.5, "texture": 0.3, "shape": 0.2}))
    torch.testing.assert_close(alpha.mean((0, 2, 3)), torch.tensor([0.5, 0.3, 0.2]))
    torch.testing.assert_close(mixed, 0.5 * alone[0] + 0.3 * alone[1] + 0.2 * alone[2], atol=1e-4, rtol=1e-4)
    assert (alone[0] - alone[1]).abs().max() > 0.1


def test_energies_and_modulation_by_hand() -> None:
    query = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    keys = [torch.tensor(key).view(1, 3, 1, 1) for key in ([1.0, 2.0, 5.0], [-1.0, 0.0, 0.0])]
    energies = product_energies(query, keys).flatten().tolist()
    assert energies == pytest.approx([(3 + 8 + 5) / math.sqrt(2), -3 / math.sqrt(2)])
    block, x, seen = trained(MultiModalAttention(6)), features(), []
    block.modulation.register_forward_hook(lambda layer, given, made: seen.append(made))
    y, _ = block.eval()(x, pictures())
    scale, shift = seen[0][:, :6], seen[0][:, 6:]
    assert min(scale.abs().mean(), shift.abs().mean()) > 0.01
    torch.testing.assert_close(y, block.norm(x) * (1 + scale) + shift)


def test_an_absent_modality_has_no_say() -> None:
    """Its projections get no gradient, whatever stands in its descriptors."""
    block = trained(MultiModalAttention(6))
    y, alpha = block(features(), pictures().without("color"))
    y.square().sum().backward()
    assert (alpha[:, 0] == 0).all()
    own = (block.from_vector[0].weight, block.from_map[0].weight, block.energy[0].weight)
    others = (block.from_vector[1].weight, block.from_map[1].weight, block.energy[1].weight)
    assert not any(w.grad is not None and w.grad.any() for w in own)
    assert all(w.grad is not None and w.grad.any() for w in others)


@pytest.mark.parametrize("plain", [False, True])
def test_training_moves_the_energies_away_from_uniform(plain: bool) -> None:
    """From its start of zeros a block must be able to learn to look at one modality."""
    torch.manual_seed(0)
    block = MultiModalAttention(6, plain=plain)
    optimizer = torch.optim.Adam(block.parameters(), lr=0.02)
    x, seen = features(), pictures()
    target = features(channels=1)[:, :, :1, :1].sign()
    entropies = []
    for _ in range(20):
        y, alpha = block(x, seen)
        loss = (y - block.norm(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        entropies.append(float(torch.special.entr(alpha.detach()).sum(1).mean()))
    assert entropies[0] == pytest.approx(math.log(3), abs=1e-4)
    assert entropies[-1] < entropies[0] - 1e-3
    assert all(p.grad is not None and p.grad.any() for p in block.energy.parameters() if p.grad is not None)


@pytest.mark.parametrize("plain", [False, True])
def test_weights_depend_on_picture_and_reference_and_place(plain: bool) -> None:
    block, x = trained(MultiModalAttention(6, plain=plain)), features()
    content, other = pictures(0), pictures(5)
    _, alpha = block(x, content)
    assert attention_spread(alpha).min() > 1e-4
    _, referred = block(x, content, match_reference(other, content))
    assert (alpha - referred).abs().max() > 1e-3
    assert plain or alpha.std((-2, -1)).min() > 1e-4
    # A reference brings a modality that the content lacks.
    _, lifted = block(x, content.without("color"), other)
    assert (lifted[:, 0] > 0).all()


def test_the_paper_preset_has_two_modalities_and_one_weight_where_only_texture_is_left() -> None:
    block = trained(MultiModalAttention(6, modalities=("color", "texture"), plain=True))
    _, alpha = block(features(), pictures().without("color"))
    assert alpha.flatten(1).tolist() == [[0.0, 1.0]] * 4
    with pytest.raises(ConfigError, match="no modality 'colour'; did you mean 'color'"):
        MultiModalAttention(6, modalities=("colour",))


@pytest.mark.parametrize("size", [1, 2, 8, 13])
def test_any_level_of_a_decoder(size: int) -> None:
    y, alpha = trained(MultiModalAttention(6))(features(size=size), pictures())
    assert y.shape == (4, 6, size, size)
    assert alpha.shape == (4, 3, size, size)


def test_bf16_is_close_to_float32() -> None:
    block, x, seen = trained(MultiModalAttention(6)), features(), pictures()
    y, alpha = block(x, seen)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough, weights = block(x, seen)
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights.sum(1), torch.ones(4, 8, 8))
    assert (weights - alpha).abs().mean() < 0.02
    assert (rough.float() - y).abs().mean() < 0.03 * y.abs().mean()


# What collapse looks like


def test_spread_by_hand() -> None:
    alpha = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    torch.testing.assert_close(attention_spread(alpha), torch.tensor([0.25, 0.25, 0.0]))
    maps = alpha[:, :, None, None].expand(2, 3, 4, 5)
    torch.testing.assert_close(attention_spread(maps), attention_spread(alpha))


# Compiled


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Tracers cannot look into the shape checks that tests switch on; users have none."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
def test_the_compiled_block_gives_the_same() -> None:
    block, x, seen = trained(MultiModalAttention(6)), features(), pictures().without("color")
    # aot_eager traces the whole graph as every backend does, without a C++ compiler's minutes.
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    for expected, found in zip(block(x, seen), compiled(x, seen), strict=True):
        torch.testing.assert_close(expected, found, atol=1e-4, rtol=1e-4)


def attend(override: AttentionOverride, energies: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    return multimodal_attention(*override.apply(energies, present))


@settings(max_examples=30)
@given(energies=ENERGIES, present=SOMETHING_PRESENT)
def test_what_each_override_does(energies: torch.Tensor, present: torch.Tensor) -> None:
    places = torch.ones(1, 1, 2, 2)
    count = present.sum(1, keepdim=True)
    uniform = attend(AttentionOverride(equalise=True), energies, present)
    torch.testing.assert_close(uniform, (present / count)[:, :, None, None] * places)

    weights = torch.tensor([3.0, 1.0, 2.0])
    fixed = attend(AttentionOverride(fix=dict(zip(MODALITIES, weights.tolist(), strict=True))), energies, present)
    expected = present * weights / (present * weights).sum(1, keepdim=True)
    torch.testing.assert_close(fixed, expected[:, :, None, None] * places)

    both = present.clone()
    both[:, :2] = True
    swapped = attend(AttentionOverride(permute={"color": "texture", "texture": "color"}), energies, both)
    torch.testing.assert_close(swapped, multimodal_attention(energies, both)[:, [1, 0, 2]])

    without = attend(AttentionOverride(remove=("color",)), energies, both)
    left = both & torch.tensor([False, True, True])
    torch.testing.assert_close(without, multimodal_attention(energies, left))
    assert (without[:, 0] == 0).all()

    nothing = AttentionOverride()
    torch.testing.assert_close(attend(nothing, energies, present), multimodal_attention(energies, present))


def test_a_partner_that_is_absent_leaves_an_energy_as_it_was() -> None:
    energies, present = torch.tensor([[5.0, 1.0, 2.0]]), torch.tensor([[False, True, True]])
    override = AttentionOverride(permute={"color": "texture", "texture": "color"})
    torch.testing.assert_close(attend(override, energies, present), multimodal_attention(energies, present))
    # Nor does one that is not weighed at all, as in the paper's preset, which has no shape.
    override, names = AttentionOverride(permute={"color": "shape", "shape": "color"}), ("color", "texture")
    energies, present = energies[:, :2], torch.ones(1, 2, dtype=torch.bool)
    swapped = multimodal_attention(energies, present, override=override, modalities=names)
    torch.testing.assert_close(swapped, multimodal_attention(energies, present, modalities=names))


def test_removal_comes_before_the_weights_are_shared_out() -> None:
    override = AttentionOverride(remove=("shape",), fix={"texture": 1.0, "shape": 3.0, "color": 1.0})
    alpha = attend(override, torch.zeros(1, 3), torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(alpha, torch.tensor([[0.5, 0.5, 0.0]]))


def test_parsing_takes_numbers_and_says_what_is_wrong() -> None:
    override = AttentionOverride(fix={"texture": 1.0, "shape": 0.0})
    alpha = attend(override, torch.randn(2, 3), torch.ones(2, 3, dtype=torch.bool))
    assert alpha.tolist() == [[0.0, 1.0, 0.0]] * 2
    for weights, message in (
        ({"textur": 1.0}, "did you mean 'texture'"),
        ({"color": -1.0}, "'color' is a number from 0 up, not -1.0"),
        ({"color": math.nan}, "from 0 up"),
        ({"color": math.inf}, "from 0 up"),
        ({"color": 0.0}, "at least one attention weight"),
        ({}, "at least one attention weight"),
    ):
        with pytest.raises(ConfigError, match=message):
            AttentionOverride(fix=weights)
    with pytest.raises(ConfigError, match="exactly one"):
        AttentionOverride(permute={"color": "shape"})
