"""The figures of notebook 07: what is drawn is looked up in the figure, and each can be written."""

from __future__ import annotations

import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401

from colorstyle_lib.course import plots


def test_cells_hold_their_numbers_and_statistics():
    x = torch.tensor([[[1.0, 3.0], [1.0, 3.0]], [[0.0, 0.0], [4.0, 4.0]]])
    written = texts(plots.feature_maps({"x": x, "half": x / 2}))
    assert written.count("3") == 2
    assert {"x", "half", "1.5", "channel 2", "mean 2, dev. 1", "mean 2, dev. 2", "mean 1, dev. 0.5"} <= set(written)


def test_a_matrix_says_percent():
    figure = plots.share_table(torch.tensor([[0.5, -0.2], [0.904, 0.0]]), ["all", "one"], ["color", "shape"], "share")
    assert {"50%", "-20%", "90%", "0%", "all", "shape", "share"} <= set(texts(figure))


def test_a_way_with_several_points_is_a_line():
    figure = plots.tradeoff({"ours": [("0", 0.0, 0.5), ("1", 0.6, 0.1)], "swap": [("", 0.3, 0.3)]})
    (ax,) = figure.axes
    ours, swap = ax.lines
    assert (ours.get_linestyle(), swap.get_linestyle()) == ("-", "None")
    assert ours.get_xydata().tolist() == [[0.0, 0.5], [0.6, 0.1]]
    assert {"ours", "swap", "0", "1", "style distance, less is better"} <= set(texts(figure))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 2)])
def test_even_maps_can_be_drawn(shape: tuple[int, int, int]):
    assert texts(plots.feature_maps({"flat": torch.zeros(shape)}))
