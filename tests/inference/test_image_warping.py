"""Carrying moves what it is told to where it is told, and wears nothing out."""

import pytest
import torch

from colorstyle_lib.data.demo_photos import photograph
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.image_warping import carried, filtered


def still(x: float, y: float, height: int, width: int) -> torch.Tensor:
    return torch.tensor([x, y]).view(1, 2, 1, 1).expand(1, 2, height, width)


def test_carrying_by_whole_pixels_moves_them():
    picture = torch.rand(1, 2, 9, 12)
    moved, inside = carried(picture, still(3.0, -2.0, 9, 12))
    assert torch.allclose(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-4)
    assert torch.equal(inside[0, 0, :, :9], torch.arange(9)[:, None].expand(9, 9) >= 2)
    assert not inside[..., 9:].any()


@pytest.mark.parametrize("part", [0.25, 0.5, 0.8])
def test_slopes_and_waves_go_exactly_as_far_as_told(part: float):
    x = torch.arange(64.0)
    for line in (lambda at: at / 64, lambda at: 0.5 + 0.4 * torch.sin(0.6 * at)):
        moved, _ = carried(line(x).expand(1, 1, 8, 64), still(part, 0.0, 8, 64))
        assert (moved[0, 0, 4] - line(x + part))[20:-20].abs().max() < 1e-3


def test_a_long_way_in_small_steps_wears_little_out():
    picture = to_tensor(photograph("coffee").open().resize((150, 100)))[None]
    start, moved = picture, picture
    for step in (0.3, -0.3, 0.5, -0.5, 0.2, -0.2) * 5:
        moved, _ = carried(moved, still(step, -step, 100, 150))
    inside = (..., slice(20, -20), slice(20, -20))
    off = (moved - start)[inside].abs().mean()
    assert off < 0.6 * (start - filtered(start, torch.ones(3) / 3))[inside].abs().mean()
    assert moved.diff()[inside].abs().mean() < start.diff()[inside].abs().mean()  # and nothing rings


def test_filtering_mirrors_beyond_the_rim():
    assert torch.equal(filtered(torch.ones(1, 1, 3, 5), torch.ones(9) / 9).round(decimals=5), torch.ones(1, 1, 3, 5))
    line = filtered(torch.tensor([1.0, 2.0, 4.0]).expand(1, 1, 3, 3), torch.tensor([0.25, 0.5, 0.25]))
    assert torch.allclose(line[0, 0, 1], torch.tensor([1.5, 2.25, 3.0]))
