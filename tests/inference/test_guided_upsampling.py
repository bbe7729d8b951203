"""From a small chroma to a big picture: edges stay sharp, L stays, and what does not fit the gamut makes no blobs."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from colorstyle_lib.color import luma_to_gray, rgb_to_lab
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.guided_upsampling import guided_coefficients, rows_at_size, with_chroma

TIMES = 8
SIDE = 40


def lab_of(picture):
    return rgb_to_lab(to_tensor(picture)[None])


def width_of_step(row: torch.Tensor) -> int:
    """Pixels on the way from 10 to 90 % of a step."""
    low, high = row[:8].mean(), row[-8:].mean()
    part = (row - low) / (high - low)
    return int(((part > 0.1) & (part < 0.9)).sum())


@pytest.mark.parametrize("at", [160, 163, 171])
def test_chroma_ends_where_lightness_does(at):
    """Two colors that meet at an edge of L, at eight times the size at which chroma is known."""
    side = SIDE * TIMES
    lab = torch.empty(1, 3, side, side)
    lab[..., :at] = torch.tensor([35.0, 30.0, -20.0]).view(3, 1, 1)
    lab[..., at:] = torch.tensor([70.0, -20.0, 30.0]).view(3, 1, 1)
    picture = to_picture(luma_to_gray(lab[:, :1]))
    small = nnf.avg_pool2d(lab, TIMES)
    ours = lab_of(with_chroma(picture, small[:, :1], small[:, 1:]))[0, 1, side // 2]
    bilinear = nnf.interpolate(small[:, 1:], scale_factor=TIMES, mode="bilinear")[0, 0, side // 2]
    assert width_of_step(ours) <= 1
    assert width_of_step(bilinear) >= 6
    assert ours[at - 3] == pytest.approx(30, abs=4)
    assert ours[at + 2] == pytest.approx(-20, abs=4)


@pytest.mark.parametrize("degrees", range(0, 360, 30))
def test_too_much_chroma_in_dark_and_bright_places_makes_no_blobs(degrees):
    """A color that no dark or bright pixel can have gives way smoothly: hue stays, nothing jumps, L is the input's."""
    lightness = torch.linspace(0, 100, 512).expand(1, 1, 32, 512).contiguous()
    picture = to_picture(luma_to_gray(lightness))
    hue = math.radians(degrees)
    ab = 100 * torch.tensor([math.cos(hue), math.sin(hue)]).view(1, 2, 1, 1).expand(1, 2, 8, 128)
    made = lab_of(with_chroma(picture, nnf.avg_pool2d(lightness, 4), ab))
    asked = lab_of(picture)
    assert (made[:, 0] - asked[:, 0]).abs().mean() < 0.5
    row = made[0, 1:, 16]
    chroma = row.norm(dim=0)
    turned = torch.rad2deg(torch.atan2(row[1], row[0])) - degrees
    turned = (turned + 180) % 360 - 180
    assert turned[chroma > 15].abs().max() < 6  # 8-bit rounding turns dark colors by a few degrees
    assert chroma.max() > 30
    assert chroma.diff().abs().max() < 6  # between neighbours, whose L differs by 0.2
    assert max(chroma[0], chroma[-1]) < 2  # black and white have none


def test_lightness_is_kept_whatever_chroma_comes():
    random = torch.Generator().manual_seed(0)
    lightness = nnf.interpolate(100 * torch.rand(1, 1, 12, 16, generator=random), size=(96, 128), mode="bicubic")
    picture = to_picture(luma_to_gray(lightness.clamp(0, 100)))
    ab = 220 * torch.rand(1, 2, 24, 32, generator=random) - 110
    made = with_chroma(picture, nnf.avg_pool2d(lightness.clamp(0, 100), 4), ab)
    difference = (lab_of(made)[:, 0] - lab_of(picture)[:, 0]).abs()
    assert difference.mean() < 0.5
    assert difference.max() < 2


def test_the_picture_given_is_left_alone():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))
    before = picture.tobytes()
    made = with_chroma(picture, torch.full((1, 1, 10, 8), 50.0), torch.full((1, 2, 10, 8), 30.0))
    assert made.size == picture.size
    assert picture.tobytes() == before != made.tobytes()


@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40), st.data())
def test_rows_equal_those_of_the_whole(small_height, small_width, height, width, data):
    planes = torch.rand(1, 2, small_height, small_width, generator=torch.Generator().manual_seed(small_height))
    top = data.draw(st.integers(0, height - 1))
    bottom = data.draw(st.integers(top + 1, height))
    whole = nnf.interpolate(planes, size=(height, width), mode="bilinear", align_corners=False)
    assert torch.allclose(rows_at_size(planes, top, bottom, height, width), whole[..., top:bottom, :], atol=1e-5)


def test_guided_filter_keeps_chroma_on_its_side_of_an_edge():
    guide = torch.full((1, 1, 16, 16), 20.0)
    guide[..., 8:] = 80
    chroma = torch.where(guide > 50, 40.0, -40.0)
    slope, offset = guided_coefficients(guide, chroma)
    assert torch.allclose(slope * guide + offset, chroma, atol=2.5)
    blurred = nnf.avg_pool2d(chroma, 7, 1, 3, count_include_pad=False)
    assert (slope * guide + offset - chroma).abs().max() < 0.1 * (blurred - chroma).abs().max()


def test_guided_filter_smooths_where_lightness_is_flat():
    chroma = torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    slope, offset = guided_coefficients(torch.full((1, 1, 32, 32), 50.0), chroma)
    assert slope.abs().max() < 1e-3
    assert offset.std() < 0.3 * chroma.std()
