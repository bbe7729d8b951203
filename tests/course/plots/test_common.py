"""Figures take data and show it: what is drawn is looked up in the figure, and each figure can be written."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from PIL import Image

from colorstyle_lib.course import plots
from colorstyle_lib.course.plots import Captioned


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand((3, 20, 30), generator=torch.Generator().manual_seed(0))


def drawn(image: AxesImage) -> np.ndarray:
    """What an image in a figure shows; NaN where it is empty."""
    return np.ma.filled(image.get_array(), np.nan)


def test_pyplot_keeps_no_figure(picture: torch.Tensor):
    plots.captioned_grid([[picture]])
    assert plt.get_fignums() == [], "a notebook would show it twice"


def test_grid_shows_tensors_and_pictures_as_they_are(picture: torch.Tensor):
    red = Image.new("RGB", (30, 20), "#ff0000")
    figure = plots.captioned_grid([[picture, red]], titles=["noise", "red"], row_titles=["row"])
    left, right = (np.asarray(ax.images[0].get_array()) for ax in figure.axes)
    assert np.allclose(left, picture.permute(1, 2, 0).numpy())
    assert (right == (255, 0, 0)).all()
    assert {"noise", "row", "red"} <= set(texts(figure))


def test_curves_have_names_scales_and_a_level():
    T = torch.tensor([0.1, 1.0, 10.0])
    weights = {"color": (T, torch.tensor([1.0, 0.7, 0.4])), "shape": (T, torch.tensor([0.0, 0.3, 0.6]))}
    figure = plots.curves({"a panel": weights}, xlabel="T", ylabel="weight", level=(0.5, "even"), xscale="log")
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    assert np.allclose(ax.lines[0].get_xydata(), [[0.1, 1], [1, 0.7], [10, 0.4]])
    assert {"color", "shape", "a panel", "T", "weight", "even"} <= set(texts(figure))


def test_curves_of_seeds_are_thin_and_their_mean_is_thick():
    seeds = {"SGD": ([1, 2], [[10.0, 20.0], [20.0, 40.0]]), "Adam": ([1, 2], [5.0, 6.0])}
    figure = plots.curves({"race": seeds, "other": {"": ([0, 1], np.zeros((2, 2)))}}, xlabel="step")
    sgd, *_ = lines = [line.get_xydata().tolist() for line in figure.axes[0].lines]
    assert sgd == [[1, 10], [2, 20]]
    assert [[1, 15], [2, 30]] in lines
    assert len(lines) == 4
    assert figure.axes[0].get_ylim() != figure.axes[1].get_ylim()
    assert {"race", "SGD", "Adam", "step"} <= set(texts(figure))


def gray_picture(height: int = 16, width: int = 24) -> torch.Tensor:
    return torch.full((3, height, width), 0.5)


def test_a_picture_carries_its_note_hints_and_frame():
    shown = Captioned(gray_picture(), "colored", "error 12", [(4, 5, "#b5302a")], (2, 3, 10, 9))
    figure = plots.captioned_grid([[Captioned(gray_picture(), "given"), shown]], row_titles=["flower"])
    plain, marked = figure.axes
    assert not plain.lines
    assert not plain.patches
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marked.lines] == [(4, 5), (4, 5)]
    assert to_hex(marked.lines[-1].get_markerfacecolor()) == "#b5302a"
    frames = [patch.get_bbox().bounds for patch in marked.patches if isinstance(patch, Rectangle)]
    assert frames == [(2, 3, 8, 6)] * 2
    assert {"given", "colored", "error 12", "flower"} <= set(texts(figure))


def test_a_column_is_as_wide_as_its_widest_picture():
    tall, wide = Captioned(gray_picture(20, 10)), Captioned(gray_picture(10, 30))
    figure = plots.captioned_grid([[tall, tall], [wide, tall]])
    texts(figure)
    first, second = (figure.axes[i].get_position(original=True).width for i in (0, 1))
    assert first == pytest.approx(6 * second, rel=0.1)


def test_maps_share_one_scale():
    maps = [torch.full((4, 6), 3.0), torch.full((4, 6), 30.0)]
    rows = [([Captioned(gray_picture(), "china", "error 3")], [("spread", m)]) for m in maps]
    figure = plots.grid_with_maps(rows, 50.0, "Lab units")
    drawn = [figure.axes[1].images[0], figure.axes[3].images[0]]
    assert [float(image.get_array().mean()) for image in drawn] == [3, 30]
    assert [image.get_clim() for image in drawn] == [(0, 50), (0, 50)]
    assert {"china", "error 3", "spread", "Lab units"} <= set(texts(figure))


def test_calibration_shows_the_band_the_interval_and_single_images():
    predicted, actual = np.array([10.0, 20.0]), np.array([8.0, 30.0])
    interval = np.array([[6.0, 25.0], [9.0, 36.0]])
    each = [(np.array([10.0]), np.array([44.0]))]
    figure = plots.calibration(predicted, actual, interval, each, within=2.0)
    (ax,) = figure.axes
    bars = ax.containers[0]
    assert bars.lines[0].get_xydata().tolist() == [[10, 8], [20, 30]]
    ends = [segment[:, 1].tolist() for segment in bars.lines[2][0].get_segments()]
    assert ends == [[6, 9], [25, 36]]
    assert ax.get_ylim() == ax.get_xlim()
    assert ax.get_xlim()[1] > 44  # a single image far off is not cut away
    assert {"too sure", "too cautious", "within a factor of 2"} <= set(texts(figure))
