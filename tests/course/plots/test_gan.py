"""The figures of notebook 02: what is drawn is looked up in the figure, and each can be written."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.patches import Circle

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


def test_the_optimal_discriminator_stands_beside_the_one_found():
    x, p, q = torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.1, 0.2, 0.7])
    figure = plots.optimal_discriminator(x, p, q, p / (p + q), torch.tensor([0.8, 0.5, 0.2]))
    found = marks(figure.axes[1])
    assert [[-1, pytest.approx(0.875)], [0, 0.5], [1, pytest.approx(0.125)]] in found
    assert [[-1, pytest.approx(0.8)], [0, 0.5], [1, pytest.approx(0.2)]] in found
    edges = figure.axes[0].patches[0].get_data().edges
    assert np.allclose(edges, [-1.5, -0.5, 0.5, 1.5])


def test_clouds_have_a_panel_and_a_note_each():
    clouds = {"good": torch.tensor([[1.0, 0.0]]), "bad": torch.tensor([[0.0, 0.25]])}
    figure = plots.point_clouds(clouds, torch.tensor([[0.5, 0.5]]), {"good": "8 of 8", "bad": "1 of 8"})
    assert [[0.0, 0.25]] in marks(figure.axes[1])
    assert [[0.5, 0.5]] in marks(figure.axes[0])
    assert {"good", "bad", "8 of 8", "1 of 8", "real", "generated"} <= set(texts(figure))


def test_every_seed_is_a_dot_and_the_mean_a_bar():
    figure = plots.modes_and_quality({"a_b": [(8, 0.5), (4, 0.25)], "c": [(1, 0.125), (3, 0.125)]})
    left, right = figure.axes
    assert [x for x, _ in marks(left)[0]] == [1, 3]  # the last row is drawn first, at the bottom
    assert [x for x, _ in marks(left)[1]] == [2, 2]
    assert [[0.375] * 2] in [[[x for x, _ in line]] for line in marks(right)]
    assert "a b" in texts(figure)


def test_answers_show_true_colors_as_circles_and_their_mean():
    true = {"disc": torch.tensor([[40.0, 0.0], [0.0, -40.0]])}
    colors = {"L2": {"disc": torch.tensor([[20.0, -20.0]])}, "GAN": {"disc": torch.tensor([[38.0, 1.0]])}}
    figure = plots.predicted_colors(colors, true, near=15.0)
    left, right = figure.axes
    circles = [p for p in left.patches if isinstance(p, Circle)]
    assert [(c.center, c.radius) for c in circles] == [((40.0, 0.0), 15.0), ((0.0, -40.0), 15.0)]
    assert [[20.0, -20.0]] in marks(left)
    assert [[38.0, 1.0]] in marks(right)
    assert {"L2", "GAN", "mean", "true"} <= set(texts(figure))


def test_each_true_color_is_a_row_with_a_dot_for_each_seed_and_its_fair_share():
    true = {"disc": torch.tensor([[40.0, 0.0], [0.0, -40.0]]), "dots": torch.tensor([[24.0, 42.0]])}
    figure = plots.color_shares({"disc": [[0.5, 0.25], [0.4, 0.1]], "dots": [[0.3], [0.2]]}, true)
    (ax,) = figure.axes
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[0.5, 0.4], [0.25, 0.1], [0.3, 0.2]]
    red, green, blue = dots[0].get_color()
    assert red > max(green, blue), "filled with its own color"
    bars = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    assert [bar for bar in bars if bar > 0] == [0.5, 0.5, 1.0]
    assert {"disc (40, 0)", "disc (0, -40)", "dots (24, 42)"} <= set(texts(figure))
