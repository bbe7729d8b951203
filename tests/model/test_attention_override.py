"""Overrides of attention: what each does to the weights, and which are refused."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.attention import AttentionOverride, multimodal_attention
from colorstyle_lib.model.modalities import MODALITIES

ENERGIES = arrays("float32", (4, 3, 2, 2), elements=st.floats(-50, 50, width=32)).map(torch.from_numpy)
SOMETHING_PRESENT = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any), min_size=4, max_size=4
).map(torch.tensor)


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
