"""Drawings of recorded numbers: what is drawn is looked up in the figure, and each can be written."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from figure_texts import house_style, texts  # noqa: F401
from made_numbers import number_of

from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.figures.from_results import Panel, intervals, pareto, style_distances, training_curves
from colorstyle_lib.reproduction.results.store import Number, Provenance

HERE = Provenance("colorstyle evaluate", "full", "abc1234", "CPU")


def made(metric: str, method: str, data: str, value: float) -> Number:
    return number_of(metric, method, data, Estimate(value, value - 1, value + 2, 9), HERE)


def test_dots_stand_where_their_numbers_are():
    ours = {"all": made("psnr_ab", "ours", "all", 0.5), "scenes": made("psnr_ab", "ours", "scenes", 0.7)}
    gray = {"all": replace(made("psnr_ab", "gray", "all", 0.1), interval=None)}
    panels = [Panel("share, %", {"ours": ours, "gray": gray}, 50.0, 100.0), Panel("ours alone", {"ours": ours})]
    figure = intervals(panels)
    left, right = figure.axes
    dots = [
        (line.get_label(), *line.get_xdata(), *line.get_ydata()) for line in left.lines if line.get_marker() in "os"
    ]
    (first, second), (gray_dot,) = ([at for at in dots if at[0] == name] for name in ("ours", "gray"))
    assert np.allclose([first[1], gray_dot[1], second[1]], [50, 10, 70])
    assert first[2] < gray_dot[2] < second[2]
    bars = [line.get_xdata() for line in left.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    assert np.allclose(sorted(x.tolist() for x in map(np.asarray, bars)), [[-50, 250], [-30, 270]])  # gray has none
    assert [line for line in left.lines if list(line.get_xdata()) == [50.0, 50.0]]
    assert {"all", "scenes", "ours", "gray", "share, %", "ours alone"} <= set(texts(figure))
    assert not [line for line in right.lines if line.get_label() == "gray" and len(line.get_xdata())]


def test_runs_follow_one_another():
    log = [
        {"run": 1, "n": 8, "step": 500, "psnr_ab": 20.0, "colorfulness_ratio": 0.5},
        {"run": 1, "n": 8, "step": 1000, "psnr_ab": 21.0, "colorfulness_ratio": 0.6},
        {"run": 2, "n": 9, "step": 500, "psnr_ab": 22.0, "colorfulness_ratio": 0.7, "stage": "joint"},
    ]
    recorded = {m: made(m, "released", "all", v) for m, v in (("psnr_ab", 23.0), ("colorfulness_ratio", 0.8))}
    figure = training_curves(log, recorded, (128, 160))
    quality, color = figure.axes
    lines = {line.get_label(): line for line in color.lines}
    assert np.allclose(lines["run 1 (n = 8)"].get_xydata(), [[500, 50], [1000, 60]])
    assert np.allclose(lines["run 2 (n = 9)"].get_xydata(), [[1500, 70]])
    assert np.allclose(lines["after steps with a discriminator"].get_xydata(), [[1500, 70]])
    assert np.allclose(next(line for line in quality.lines if "released" in line.get_label()).get_ydata(), [23])
    assert "released, at 160 px, n = 9, 95 %" in texts(figure)


def distances(content: float, style: float, n: int = 5, method: str = "any") -> dict[str, Number]:
    values = {"content": content, "style": style, "perceptual": content / 2}
    estimates = {name: Estimate(value, 0.9 * value, 1.2 * value, n) for name, value in values.items()}
    return {name: number_of(f"style_{name}", method, "style_pairs", e, HERE) for name, e in estimates.items()}


FOUND = {
    ("ours", 1.0): distances(0.6, 0.04),
    ("ours", 0.5): distances(0.3, 0.1),
    ("other", 1.0): distances(1.1, 0.05),
}


def line(ax: plt.Axes, color: str) -> list[list[float]]:
    found = [one.get_xydata() for one in ax.lines if one.get_color() == color and one.get_marker() in "os"]
    (points,) = found
    return np.asarray(points).tolist()


def test_a_contender_is_a_line_over_its_strengths():
    figure = pareto(FOUND)
    (ax,) = figure.axes
    assert line(ax, "#0072B2") == [[0.3, 0.1], [0.6, 0.04]]  # rising strength, whatever the order they came in
    assert line(ax, "#D55E00") == [[1.1, 0.05]]
    written = texts(figure)
    assert ax.get_yscale() == "log"
    assert "0.05" in written  # not 5 times ten to the power of -2
    assert {"ours (n = 5)", "other (n = 5)", "0.5", "content loss at relu4_1, less is better"} <= set(written)
    (bars,) = (c for c in ax.containers if c.get_label() == "other (n = 5)")
    (across, _) = bars[2]
    assert np.allclose(across.get_segments()[0], [[0.99, 0.05], [1.32, 0.05]])


def test_the_shade_ends_at_the_contender_to_beat():
    figure = pareto(FOUND, beat="other")
    (ax,) = figure.axes
    corner = ax.collections[-1].get_paths()[0].vertices.max(0)
    assert np.allclose(corner, [1.1, 0.05])
    assert "better than other in both" in texts(figure)


def test_different_numbers_of_pairs_are_told():
    figure = pareto(
        {
            ("ours", 0.5): distances(0.3, 0.1, 9),
            ("ours", 0.7): distances(0.4, 0.1, 4),
            ("ours", 1.0): distances(0.6, 0.04),
        }
    )
    assert "ours (n = 4 to 9)" in texts(figure)


def test_what_the_benchmark_wrote_is_read_back():
    kept = {
        ("released", 1.0): distances(0.6, 0.06, method="released"),
        ("released", 0.5): distances(0.3, 0.03, method="released at 0.5"),
        ("Lab statistics", 1.0): distances(0.2, 0.02, method="Lab statistics"),
    }
    numbers = {one.key: one for some in kept.values() for one in some.values()}
    found = style_distances(numbers)
    assert found == kept
    assert "released (n = 5)" in texts(pareto(found))
    assert not style_distances(numbers, "elsewhere")
    del numbers["style_pairs/released at 0.5/style_style"]
    assert set(style_distances(numbers)) == set(kept) - {("released", 0.5)}
