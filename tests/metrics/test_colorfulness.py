"""Signed and absolute differences, ratios of means and means of ratios: by hand, and where they part."""

import pytest
import torch

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.bootstrap import bootstrap, mean_of, ratio_of
from colorstyle_lib.metrics.colorfulness import colorfulness_of_absolutes, colorfulness_ratios
from colorstyle_lib.metrics.coloring import colorfulness


def halves(left: tuple[float, float, float], right: tuple[float, float, float]) -> torch.Tensor:
    """A picture of two flat colors."""
    return torch.tensor([left, right], dtype=torch.float32).T[None, :, None].repeat(1, 1, 4, 1)


def test_red_beside_green_is_colorful_and_its_absolute_differences_do_not_see_it():
    both = halves((1, 0, 0), (0, 1, 0))
    # rg is 255 and -255, yb is 127.5 twice.
    assert colorfulness(both).item() == pytest.approx(255 + 0.3 * 127.5)
    assert colorfulness_of_absolutes(both).item() == pytest.approx(0.3 * (255**2 + 127.5**2) ** 0.5)


def test_one_hue_is_the_same_either_way_and_gray_is_0():
    warm = halves((1, 0.5, 0), (0.5, 0.25, 0))
    assert colorfulness_of_absolutes(warm).item() == pytest.approx(colorfulness(warm).item())
    assert colorfulness_of_absolutes(halves((0.2, 0.2, 0.2), (0.7, 0.7, 0.7))).item() == pytest.approx(0, abs=1e-4)


def test_absolute_differences_are_by_hand_an_image_at_a_time():
    rgb = torch.rand(2, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    expected = []
    for image in (255 * rgb).double().numpy():
        rg, yb = abs(image[0] - image[1]), abs((image[0] + image[1]) / 2 - image[2])
        expected.append((rg.std() ** 2 + yb.std() ** 2) ** 0.5 + 0.3 * (rg.mean() ** 2 + yb.mean() ** 2) ** 0.5)
    assert colorfulness_of_absolutes(rgb).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_pale_picture_counts_in_a_mean_of_ratios_and_hardly_in_a_ratio_of_means():
    found, real = torch.tensor([10.0, 25.0]), torch.tensor([5.0, 50.0])
    assert colorfulness_ratios(found, real).tolist() == [2.0, 0.5]
    assert bootstrap(mean_of(colorfulness_ratios(found, real)), 2).value == pytest.approx(1.25)  # "too colorful"
    assert bootstrap(ratio_of(found, real), 2).value == pytest.approx(35 / 55)  # "too pale"


def test_a_gray_real_picture_has_no_ratio():
    with pytest.raises(ConfigError, match="1 of 2 real pictures are gray"):
        colorfulness_ratios(torch.ones(2), torch.tensor([0.5, 20.0]))
