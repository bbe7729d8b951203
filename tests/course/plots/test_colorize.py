"""The figures of notebook 06: what is drawn is looked up in the figure, and each can be written."""

import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401

from colorstyle_lib.course import plots


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
