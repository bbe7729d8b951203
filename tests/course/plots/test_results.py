"""Plots of notebooks 05 to 07: what is drawn is looked up in the figure, and each can be written."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.colors import to_hex

from colorstyle_lib.course import plots
from colorstyle_lib.course.plots import training_intervals
from colorstyle_lib.metrics.bootstrap import Estimate


def test_a_training_whose_interval_misses_the_recipe_is_marked():
    found = [Estimate(28.0, 27.8, 28.2, 9), Estimate(28.6, 28.4, 28.8, 9)]
    figure = training_intervals(found, 28.1, "the recipe", "dB")
    _, _, hit, _, miss = figure.axes[0].lines
    assert (hit.get_marker(), miss.get_marker()) == ("o", "s")
    assert to_hex(hit.get_color()) != to_hex(miss.get_color())
    assert any("recipe" in text for text in texts(figure))


def test_a_line_for_each_image_and_a_bar_for_the_mean():
    figure = plots.paired_values({"none": np.array([100.0, 300.0]), "good": np.array([50.0, 70.0])}, "error")
    (ax,) = figure.axes
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[100, 50], [300, 70]]
    assert [line.get_ydata()[0] for line in ax.lines[2:]] == [200, 60]
    assert {"none", "good", "200", "60", "error"} <= set(texts(figure))


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


def test_cells_hold_their_numbers_and_statistics():
    x = torch.tensor([[[1.0, 3.0], [1.0, 3.0]], [[0.0, 0.0], [4.0, 4.0]]])
    written = texts(plots.feature_maps({"x": x, "half": x / 2}))
    assert written.count("3") == 2
    assert {"x", "half", "1.5", "channel 2", "mean 2, dev. 1", "mean 2, dev. 2", "mean 1, dev. 0.5"} <= set(written)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 2)])
def test_even_maps_can_be_drawn(shape: tuple[int, int, int]):
    assert texts(plots.feature_maps({"flat": torch.zeros(shape)}))
