"""Plots of notebook 01: what is drawn is looked up in the figure, and each can be written."""

import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.image import AxesImage

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course import plots
from colorstyle_lib.metrics.coloring import ab_histogram, ab_slice, expected_square_error


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand((3, 20, 30), generator=torch.Generator().manual_seed(0))


def drawn(image: AxesImage) -> np.ndarray:
    """What an image in a figure shows; NaN where it is empty."""
    return np.ma.filled(image.get_array(), np.nan)


def test_lab_planes_share_one_scale_for_a_and_b(picture: torch.Tensor):
    lab = rgb_to_lab(picture)
    figure = plots.lab_planes(picture, lab)
    planes = [ax.images[0] for ax in figure.axes[1:4]]
    assert all(np.allclose(drawn(p), plane.numpy()) for p, plane in zip(planes, lab, strict=True))
    assert planes[0].get_clim() == (0, 100)
    assert planes[1].get_clim() == planes[2].get_clim()
    assert planes[1].get_clim() == pytest.approx((-lab[1:].abs().max().item(), lab[1:].abs().max().item()))
    assert "a: green to magenta" in texts(figure)


def test_gamut_slices_are_transparent_outside():
    slices = {level: ab_slice(level, side=31) for level in (30.0, 60.0)}
    before = torch.tensor([[90.0, 0.0]])
    figure = plots.gamut_slices(slices, before, {30.0: before / 2, 60.0: before / 3})
    alpha = drawn(figure.axes[0].images[0])[..., 3]
    assert np.array_equal(alpha == 1, slices[30.0][1].numpy())
    assert [45.0, 0.0] in [xy[-1].tolist() for line in figure.axes[0].lines if len(xy := line.get_xydata())]
    assert "L = 60" in texts(figure)


def test_lightness_shifts_share_one_symmetric_scale(picture: torch.Tensor):
    shifts = {"cut": torch.full((20, 30), -8.0), "kept": torch.zeros(20, 30)}
    figure = plots.lightness_shifts({"true": picture, "cut": picture, "kept": picture}, shifts)
    maps = [ax.images[0] for ax in figure.axes if ax.images and ax.images[0].get_array().ndim == 2]
    assert [m.get_clim() for m in maps[:2]] == [(-8, 8), (-8, 8)]
    assert "L moved by 8.00 on average" in texts(figure)


def test_ab_statistics_say_the_share_near_gray():
    pixels = torch.tensor([[50.0, 1.0, 1.0]] * 3 + [[50.0, 40.0, 30.0]])
    figure = plots.ab_statistics(ab_histogram(pixels, bins=22), pixels[:, 1:].norm(dim=1))
    assert "75% of the pixels are nearly gray" in texts(figure)
    assert np.isnan(drawn(figure.axes[0].images[0])).sum() == 22 * 22 - 2


def test_square_errors_mark_the_truths_and_their_mean():
    cases = {}
    for name, colors in (("two", [[40.0, 0.0], [-20.0, 0.0]]), ("three", [[0.0, 30.0], [0.0, 0.0], [30.0, 0.0]])):
        cases[name] = (torch.tensor(colors), expected_square_error(torch.tensor(colors), side=45))
    figure = plots.square_errors(cases, ab_slice(57.0, side=45)[0])
    marks = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [[10.0, 0.0]] in marks
    assert "three" in texts(figure)
