"""The figures of notebook 07: what is drawn is looked up in the figure, and each can be written."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401

from colorstyle_lib.course.plots.stylize import cells, curves, matrix, recorded_summaries, tradeoff
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.benchmarks.style import Summary, numbers_of
from colorstyle_lib.reproduction.figures.style import pareto
from colorstyle_lib.reproduction.results.store import Provenance


def test_cells_hold_their_numbers_and_statistics():
    x = torch.tensor([[[1.0, 3.0], [1.0, 3.0]], [[0.0, 0.0], [4.0, 4.0]]])
    written = texts(cells({"x": x, "half": x / 2}))
    assert written.count("3") == 2
    assert {"x", "half", "1.5", "channel 2", "mean 2, dev. 1", "mean 2, dev. 2", "mean 1, dev. 0.5"} <= set(written)


def test_a_matrix_says_percent():
    figure = matrix(torch.tensor([[0.5, -0.2], [0.904, 0.0]]), ["all", "one"], ["color", "shape"], "share")
    assert {"50%", "-20%", "90%", "0%", "all", "shape", "share"} <= set(texts(figure))


def test_curves_are_thin_for_each_and_thick_for_the_mean():
    figure = curves([0.0, 1.0], {"a": np.array([[0.0, 2.0], [2.0, 4.0]]), "b": np.zeros((2, 2))}, "strength")
    ax = figure.axes[0]
    (mean,) = (line for line in ax.lines if line.get_marker() == "o")
    assert mean.get_ydata().tolist() == [1.0, 3.0]
    assert len(ax.lines) == 3
    assert {"a", "b", "strength"} <= set(texts(figure))


def test_a_way_with_several_points_is_a_line():
    figure = tradeoff({"ours": [("0", 0.0, 0.5), ("1", 0.6, 0.1)], "swap": [("", 0.3, 0.3)]})
    (ax,) = figure.axes
    ours, swap = ax.lines
    assert (ours.get_linestyle(), swap.get_linestyle()) == ("-", "None")
    assert ours.get_xydata().tolist() == [[0.0, 0.5], [0.6, 0.1]]
    assert {"ours", "swap", "0", "1", "style distance, less is better"} <= set(texts(figure))


def summary(content: float) -> Summary:
    around = {
        measure: Estimate(value, 0.9 * value, 1.1 * value, 9)
        for measure, value in (("content", content), ("style", content / 10), ("perceptual", content / 2))
    }
    return Summary(around, 1.0)


def test_what_the_benchmark_wrote_is_read_back():
    kept = {("released", 1.0): summary(0.6), ("released", 0.5): summary(0.3), ("Lab statistics", 1.0): summary(0.2)}
    provenance = Provenance("c", "full", "abc", "a machine")
    numbers = {one.key: one for one in numbers_of(kept, "style_pairs", provenance)}
    found = recorded_summaries(numbers)
    assert {key: one.measures for key, one in found.items()} == {key: one.measures for key, one in kept.items()}
    assert "released (n = 9)" in texts(pareto(found))
    assert not recorded_summaries(numbers, "elsewhere")
    del numbers["style_pairs/released at 0.5/style_style"]
    assert set(recorded_summaries(numbers)) == set(kept) - {("released", 0.5)}


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 2)])
def test_even_maps_can_be_drawn(shape: tuple[int, int, int]):
    assert texts(cells({"flat": torch.zeros(shape)}))
