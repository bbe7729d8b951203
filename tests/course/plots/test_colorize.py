"""The figures of notebook 06: what is drawn is looked up in the figure, and each can be written."""

import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from colorstyle_lib.course import plots
from colorstyle_lib.course.plots import Captioned


def gray_picture(height: int = 16, width: int = 24) -> torch.Tensor:
    return torch.full((3, height, width), 0.5)


def test_a_step_shows_every_way_beside_the_truth():
    truth = torch.tensor([0.0, 40.0, 40.0])
    ways = {"nearest": torch.tensor([20.0, 20.0, 40.0]), "guided": truth}
    figure = plots.chroma_profile(torch.tensor([20.0, 80.0, 80.0]), truth, ways)
    above, below = figure.axes
    assert [bar.get_height() for bar in above.patches] == [20, 80, 80]
    assert [bar.get_height() for bar in below.patches] == [0, 40, 40]
    nearest, guided = below.lines
    assert list(nearest.get_ydata()) == [20, 20, 40]
    assert (guided.get_xdata() > nearest.get_xdata()).all()  # equal values stay visible
    assert {"nearest", "guided", "truth", "L", "b"} <= set(texts(figure))


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


def test_a_line_for_each_image_and_a_bar_for_the_mean():
    figure = plots.paired_values({"none": np.array([100.0, 300.0]), "good": np.array([50.0, 70.0])}, "error")
    (ax,) = figure.axes
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[100, 50], [300, 70]]
    assert [line.get_ydata()[0] for line in ax.lines[2:]] == [200, 60]
    assert {"none", "good", "200", "60", "error"} <= set(texts(figure))


def test_hints_are_measured_against_none():
    table = np.array([[100.0, 50.0], [300.0, 350.0]])
    figure = plots.error_by_hints([0, 10], {"random": table}, 60.0)
    (ax,) = figure.axes
    single, other, mean = (line.get_ydata() for line in ax.lines[:3])
    assert single.tolist() == [100, 50]
    assert other == pytest.approx([100, 350 / 3])
    assert mean.tolist() == [100, 100]  # of the sums, so that a hard image counts for more
    assert ax.get_ylim()[1] > 350 / 3
    assert {"random", "criterion: 60 %"} <= set(texts(figure))


def test_an_image_without_error_can_be_drawn():
    texts(plots.error_by_hints([0, 1], {"random": np.array([[0.0, 0.0], [4.0, 1.0]])}, 60.0))


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
