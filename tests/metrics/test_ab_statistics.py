import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from colorstyle_lib.color import fit_gamut, lab_to_linear, rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.ab_statistics import (
    AB_REACH,
    ab_histogram,
    ab_slice,
    chroma,
    expected_square_error,
    mean_by_lightness,
    sample_pixels,
)


def random_pixels(count: int, seed: int = 0) -> torch.Tensor:
    rgb = torch.rand((3, count, 1), generator=torch.Generator().manual_seed(seed))
    return rgb_to_lab(rgb)[:, :, 0].T


def test_chroma_of_a_right_triangle():
    assert chroma(torch.tensor([50.0, -30.0, 40.0])[:, None, None]).item() == 50
    assert chroma(rgb_to_lab(torch.full((2, 3, 4, 5), 0.3))).max() < 1e-2


@given(seed=st.integers(0, 2**31), count=st.integers(1, 60))
def test_sampled_pixels_are_distinct_and_repeatable(seed: int, count: int):
    images = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    drawn = sample_pixels(images, count, seed)
    assert drawn.shape == (min(count, 40), 3)
    assert len(drawn.unique(dim=0)) == len(drawn)
    assert torch.equal(drawn[:, 1] - drawn[:, 0], torch.full((len(drawn),), 20.0)), "planes of one pixel stay together"
    assert torch.equal(drawn, sample_pixels(images, count, seed))


def test_sampling_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        sample_pixels(torch.zeros(1, 3, 2, 2), 0)


def test_histogram_puts_a_along_columns_and_b_along_rows():
    histogram = ab_histogram(torch.tensor([[50.0, 101.0, -99.0], [50.0, 0.5, 0.5]]), bins=11)  # squares of 20
    assert histogram[0, 10] == 0.5
    assert histogram[5, 5] == 0.5


def test_histogram_counts_every_color_of_a_screen():
    corners = torch.cartesian_prod(*3 * [torch.tensor([0.0, 1.0])]).T[:, :, None]
    pixels = torch.cat((rgb_to_lab(corners)[:, :, 0].T, random_pixels(1000)))
    assert pixels[:, 1:].abs().max() < AB_REACH
    histogram = ab_histogram(pixels)
    assert histogram.sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(histogram * len(pixels), (histogram * len(pixels)).round(), atol=1e-3)


def test_mean_by_lightness_of_opposite_colors_is_gray_but_their_chroma_is_not():
    pixels = torch.tensor([[12.0, 30.0, 40.0], [18.0, -30.0, -40.0], [95.0, 6.0, 8.0], [100.0, 0.0, 0.0]])
    average, typical = mean_by_lightness(pixels, bins=10)
    assert average[1].tolist() == [15, 0, 0]
    assert typical[1].item() == pytest.approx(50)
    assert average[9].tolist() == pytest.approx([95, 3, 4])
    assert typical[9].item() == pytest.approx(5)
    assert average[5].tolist() == [55, 0, 0], "a bin without pixels"


@pytest.mark.parametrize("lightness", [25.0, 50.0, 75.0])
def test_a_slice_holds_what_fits_the_gamut_and_nothing_else(lightness: float):
    rgb, inside = ab_slice(lightness, side=45)
    along = torch.linspace(-AB_REACH, AB_REACH, 45)
    lab = torch.stack((torch.full((45, 45), lightness), along.expand(45, 45), along[:, None].expand(45, 45)))
    back = rgb_to_lab(rgb)
    assert (back - lab).abs().amax(dim=0)[inside].max() < 1e-2
    assert (back - lab).abs().amax(dim=0)[~inside].min() > 1e-2
    moved = (fit_gamut(lab) - lab).abs().amax(dim=0) > 0
    assert not (moved & inside).any()


def test_black_and_white_have_no_colors():
    for lightness in (0.0, 100.0):
        assert ab_slice(lightness, side=23)[1].sum() <= 1
    assert (lab_to_linear(torch.tensor([50.0, 0.0, 0.0])[:, None, None]) < 1).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 6))
def test_the_least_square_error_is_at_the_mean(seed: int, count: int):
    colors = 80 * torch.rand((count, 2), generator=torch.Generator().manual_seed(seed)) - 40
    errors = expected_square_error(colors, side=221)  # one guess a unit
    row, column = divmod(int(errors.argmin()), 221)
    mean = colors.mean(dim=0)
    assert abs(column - AB_REACH - mean[0]) <= 0.51
    assert abs(row - AB_REACH - mean[1]) <= 0.51
    unavoidable = (colors - mean).square().sum(dim=1).mean()
    assert math.isclose(errors[110, 110], unavoidable + mean.square().sum(), rel_tol=1e-3, abs_tol=1e-2)
