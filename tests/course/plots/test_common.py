"""Figures take data and show it: what is drawn is looked up in the figure, and each figure can be written."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course import plots
from colorstyle_lib.metrics.ab_statistics import ab_histogram, ab_slice, expected_square_error


@pytest.fixture(autouse=True)
def style():
    with plt.style.context(paths.STYLE_FILE):
        yield


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand((3, 20, 30), generator=torch.Generator().manual_seed(0))


def texts(figure: Figure) -> str:
    """Everything written in a figure; writing it also proves that it can be drawn."""
    figure.savefig(io.BytesIO(), format="png")
    return " | ".join(t.get_text() for t in figure.findobj(plt.Text) if t.get_text())


def drawn(image: AxesImage) -> np.ndarray:
    """What an image in a figure shows; NaN where it is empty."""
    return np.ma.filled(image.get_array(), np.nan)


def test_pyplot_keeps_no_figure(picture: torch.Tensor):
    plots.picture_grid([[picture]])
    assert plt.get_fignums() == [], "a notebook would show it twice"


def test_grid_shows_tensors_and_pictures_as_they_are(picture: torch.Tensor):
    red = Image.new("RGB", (30, 20), "#ff0000")
    figure = plots.picture_grid([[picture, red]], titles=["noise", "red"], row_titles=["row"])
    left, right = (np.asarray(ax.images[0].get_array()) for ax in figure.axes)
    assert np.allclose(left, picture.permute(1, 2, 0).numpy())
    assert (right == (255, 0, 0)).all()
    assert {"noise", "row", "red"} <= set(texts(figure).split(" | "))


def test_curves_have_names_scales_and_a_level():
    T = torch.tensor([0.1, 1.0, 10.0])
    weights = {"color": (T, torch.tensor([1.0, 0.7, 0.4])), "shape": (T, torch.tensor([0.0, 0.3, 0.6]))}
    figure = plots.curves({"a panel": weights}, xlabel="T", ylabel="weight", level=(0.5, "even"), xscale="log")
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    assert np.allclose(ax.lines[0].get_xydata(), [[0.1, 1], [1, 0.7], [10, 0.4]])
    assert {"color", "shape", "a panel", "T", "weight", "even"} <= set(texts(figure).split(" | "))


def test_curves_of_seeds_are_thin_and_their_mean_is_thick():
    seeds = {"SGD": ([1, 2], [[10.0, 20.0], [20.0, 40.0]]), "Adam": ([1, 2], [5.0, 6.0])}
    figure = plots.curves({"race": seeds, "other": {"": ([0, 1], np.zeros((2, 2)))}}, xlabel="step")
    sgd, *_ = lines = [line.get_xydata().tolist() for line in figure.axes[0].lines]
    assert sgd == [[1, 10], [2, 20]]
    assert [[1, 15], [2, 30]] in lines
    assert len(lines) == 4
    assert figure.axes[0].get_ylim() != figure.axes[1].get_ylim()
    assert {"race", "SGD", "Adam", "step"} <= set(texts(figure).split(" | "))


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


def test_strips_have_a_patch_for_each_lightness():
    rows = {"gray": torch.rand(3, 3), "color": torch.rand(3, 3)}
    figure = plots.lightness_strips([25.0, 50.0, 75.0], rows)
    assert np.allclose(drawn(figure.axes[1].images[0])[0], rows["color"].numpy())
    assert {"25", "50", "75", "gray", "color"} <= set(texts(figure).split(" | "))


def test_square_errors_mark_the_truths_and_their_mean():
    cases = {}
    for name, colors in (
        ("two", [[40.0, 0.0], [-20.0, 0.0]]),
        ("three", [[0.0, 30.0], [0.0, 0.0], [30.0, 0.0]]),
    ):
        cases[name] = (torch.tensor(colors), expected_square_error(torch.tensor(colors), side=45))
    figure = plots.square_errors(cases, ab_slice(57.0, side=45)[0])
    marks = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [[10.0, 0.0]] in marks
    assert "three" in texts(figure)


def test_every_guess_is_inside_the_axes():
    guesses = {"gray": (500.0, 0.0), "mean": (90.0, 45.0), "neon": (510.0, 85.0)}
    figure = plots.error_and_colorfulness(guesses, 53.0)
    axes = figure.axes[0]
    for error, colorful in guesses.values():
        assert axes.get_xlim()[0] <= error < axes.get_xlim()[1]
        assert axes.get_ylim()[0] <= colorful < axes.get_ylim()[1]
    assert all(name in texts(figure) for name in guesses)


def test_speeds_are_written_at_their_bars():
    figure = plots.loader_speeds({"slow": 12.0, "fast": 3456.0})
    assert "3,456" in texts(figure)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [3456.0, 12.0]
