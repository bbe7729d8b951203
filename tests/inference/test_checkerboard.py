"""Of a drawn picture only the faint pattern of its own grid goes; things stay."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from colorstyle_lib import ColorStyle
from colorstyle_lib.data.demo_photos import photograph
from colorstyle_lib.data.style_gallery import style
from colorstyle_lib.inference import stylizer as stylizing
from colorstyle_lib.inference.checkerboard import remove_checkerboard

SIDE = 64
_INNER = (..., slice(16, -16), slice(16, -16))


def tiles(seed: int, strength: float, period: int = 4) -> torch.Tensor:
    """A pattern that repeats, of mean 0."""
    tile = torch.rand(1, 3, period, period, generator=torch.Generator().manual_seed(seed))
    return strength * (tile - tile.mean((2, 3), keepdim=True)).repeat(1, 1, SIDE // period, SIDE // period)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.005, 0.05))
def test_a_faint_pattern_of_four_pixels_goes(seed, strength):
    drawn = 0.5 + tiles(seed, strength)
    torch.testing.assert_close(
        remove_checkerboard(drawn)[_INNER], torch.full_like(drawn, 0.5)[_INNER], atol=1e-4, rtol=0
    )


def test_another_period_is_no_pattern_of_the_grid():
    drawn = 0.5 + torch.cos(torch.arange(SIDE) * 2 * torch.pi / 5.7).mul(0.03).expand(1, 3, SIDE, SIDE)
    kept = remove_checkerboard(drawn) - 0.5
    assert kept.square().mean() > 0.9 * (drawn - 0.5).square().mean()


def test_what_is_smooth_stays():
    across = torch.linspace(0, 1, SIDE)
    ramp = (across[:, None] + across).expand(1, 3, SIDE, SIDE) / 2
    torch.testing.assert_close(remove_checkerboard(ramp)[_INNER], ramp[_INNER], atol=1e-4, rtol=0)


def test_an_edge_hardly_echoes():
    drawn = torch.zeros(1, 3, SIDE, SIDE)
    drawn[..., 30:] = 1
    drawn[..., 10:12, :] = 1
    assert (remove_checkerboard(drawn) - drawn).abs().max() < 0.04


def test_of_a_plain_sky_most_of_the_grid_goes(monkeypatch):
    model, look, sky = ColorStyle.load(), style("brush").image, (..., slice(10, 70), slice(200, 260))
    drawn = {}
    for name in ("filtered", "raw"):
        if name == "raw":
            monkeypatch.setattr(stylizing, "without_lattice", lambda change: change)
        drawn[name] = stylizing.Stylizer(model, look).change(photograph("rocket").open()).difference[sky]
    assert repeated(drawn["raw"], 4) > 3 * repeated(drawn["raw"], 5), "these weights draw no grid: delete the filter"
    assert repeated(drawn["filtered"], 4) < 0.5 * repeated(drawn["raw"], 4)


def repeated(change: torch.Tensor, period: int) -> float:
    """How strong the mean over all tiles of so many pixels is."""
    tile = change.unflatten(-1, (-1, period)).unflatten(-3, (-1, period)).mean((-4, -2))
    return float((tile - tile.mean((-2, -1), keepdim=True)).square().mean().sqrt())


@pytest.mark.parametrize("size", [(17, 16), (1, 1), (700, 16)])
def test_small_and_narrow_pictures_are_still_restyled(size):
    picture = photograph("coffee").open().resize(size)
    assert ColorStyle.load().stylize(picture, style("ink").image).image.size == size
