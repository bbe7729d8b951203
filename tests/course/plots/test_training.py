"""Plots of notebooks 02 and 04: what is drawn is looked up in the figure, and each can be written."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.figure import Figure

from colorstyle_lib.config import get_preset
from colorstyle_lib.course import plots, toy_point_gan


def marks(ax: plt.Axes) -> list[list[list[float]]]:
    return [np.asarray(line.get_xydata()).tolist() for line in ax.lines]


def snapshot(step: int, logit: float) -> toy_point_gan.Snapshot:
    real, fake = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.5]])
    field = torch.zeros(61, 61)
    field[0, :] = logit  # the lowest row of the plane
    return toy_point_gan.Snapshot(step, real, fake, field, torch.tensor([[3.0, 4.0]]))


def test_a_game_shows_field_points_and_arrows_at_each_moment():
    figure = plots.point_gan([snapshot(0, 0.0), snapshot(90, math.log(3))])
    first, last = figure.axes[:2]
    assert np.allclose(last.images[0].get_array()[0], 0.75)
    assert last.images[0].origin == "lower"
    assert last.images[0].get_clim() == first.images[0].get_clim() == pytest.approx((0.25, 0.75), abs=0.01)
    assert [[1.0, 0.0]] in marks(first)
    assert [[0.0, 0.5]] in marks(first)
    (arrows,) = (c for c in first.collections if hasattr(c, "U"))
    assert (arrows.U[0], arrows.V[0]) == pytest.approx((0.6, 0.8))
    assert {"step 0", "step 90", "long arrow: 5"} <= set(texts(figure))


def test_every_seed_is_a_dot_and_the_mean_a_bar():
    figure = plots.modes_and_quality({"a_b": [(8, 0.5), (4, 0.25)], "c": [(1, 0.125), (3, 0.125)]})
    left, right = figure.axes
    assert [x for x, _ in marks(left)[0]] == [1, 3]  # the last row is drawn first, at the bottom
    assert [x for x, _ in marks(left)[1]] == [2, 2]
    assert [[0.375] * 2] in [[[x for x, _ in line]] for line in marks(right)]
    assert "a b" in texts(figure)


TINY = get_preset("tiny").training


def curve(ax: plt.Axes, label: str) -> list[list[float]]:
    (line,) = (line for line in ax.lines if line.get_label() == label)
    return np.asarray(line.get_xydata()).tolist()


def panel(figure: Figure, title: str) -> plt.Axes:
    (ax,) = (ax for ax in figure.axes if ax.get_title() == title)
    return ax


def line(step: int, stage: str, **more) -> dict:
    facts = {"psnr_ab": 20.0 + step, "colorfulness_ratio": 0.1 * step, "attention": {}, "loss": 30.0 / step}
    return {"step": step, "stage": stage, **facts, **more}


def test_curves_show_stages_verdicts_and_quality():
    log = [
        line(1, "supervised"),
        line(2, "catch_up", discriminator_accuracy=0.6),
        line(3, "joint", discriminator_accuracy=0.8, hole=0.0),
    ]
    figure = plots.training_curves(log)
    assert len(figure.axes) == 4
    assert curve(panel(figure, "discriminator accuracy"), "discriminator accuracy") == [[2, 0.6], [3, 0.8]]
    assert curve(panel(figure, "losses"), "loss") == [[1, 30], [2, 15], [3, 10]]
    assert "hole" not in [one.get_label() for one in panel(figure, "losses").lines]  # 0 all along
    assert curve(panel(figure, "PSNR ab of the average, dB"), "psnr ab")[-1] == [3, 23]
    ends = [one.get_xdata()[0] for one in panel(figure, "losses").lines if one.get_linestyle() == ":"]
    assert ends == [1, 2, 3]
    assert {"supervised", "catch_up", "joint", "chance"} <= set(texts(figure))


def test_curves_show_attention_of_both_players():
    weights = {"attention": {"4": {"color": 0.0, "texture": 0.7, "shape": 0.3}}}
    log = [
        line(1, "supervised", **weights),
        line(2, "joint", **weights, **{"weight_in_d/8/color": 0.5, "weight_in_d/8/texture": 0.25}),
    ]
    figure = plots.training_curves(log)
    in_g, in_d = panel(figure, "mean attention weight in G"), panel(figure, "mean attention weight in D")
    assert curve(in_g, "texture, 1/4") == [[1, 0.7], [2, 0.7]]
    assert "color, 1/4" not in [one.get_label() for one in in_g.lines]  # absent on gray pictures
    assert curve(in_d, "color, 1/8") == [[2, 0.5]]
    texts(figure)


def test_each_seed_is_a_dot_and_the_mean_a_bar():
    figure = plots.values_by_seed({"plain": {"dB": [1.0, 3.0]}, "rich": {"dB": [5.0, 7.0]}})
    (ax,) = figure.axes
    drawn = [[x for x, _ in one.get_xydata()] for one in ax.lines]
    assert [1, 3] in drawn
    assert [2, 2] in drawn
    assert [6, 6] in drawn
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rich", "plain"]  # the first row on top
    assert "dB" in texts(figure)
