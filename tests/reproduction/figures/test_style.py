"""The figures of style transfer: what is drawn is looked up in the figure, and each can be written."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from figure_texts import house_style, texts  # noqa: F401

from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.benchmarks.style import Summary, numbers_of
from colorstyle_lib.reproduction.figures.style import pareto, recorded_summaries
from colorstyle_lib.reproduction.results.store import Provenance


def summary(content: float, style: float, n: int = 5) -> Summary:
    def around(value: float) -> Estimate:
        return Estimate(value, 0.9 * value, 1.2 * value, n)

    return Summary({"content": around(content), "style": around(style), "perceptual": around(content / 2)}, 1.0)


FOUND = {
    ("ours", 1.0): summary(0.6, 0.04),
    ("ours", 0.5): summary(0.3, 0.1),
    ("other", 1.0): summary(1.1, 0.05),
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
    figure = pareto(FOUND, beat="other", content="perceptual")
    (ax,) = figure.axes
    corner = ax.collections[-1].get_paths()[0].vertices.max(0)
    assert np.allclose(corner, [0.55, 0.05])
    assert {"better than other in both", "perceptual content distance, less is better"} <= set(texts(figure))


def test_different_numbers_of_pairs_are_told():
    figure = pareto(
        {("ours", 0.5): summary(0.3, 0.1, 9), ("ours", 0.7): summary(0.4, 0.1, 4), ("ours", 1.0): summary(0.6, 0.04)}
    )
    assert "ours (n = 4 to 9)" in texts(figure)


def test_what_the_benchmark_wrote_is_read_back():
    kept = {
        ("released", 1.0): summary(0.6, 0.06),
        ("released", 0.5): summary(0.3, 0.03),
        ("Lab statistics", 1.0): summary(0.2, 0.02),
    }
    provenance = Provenance("c", "full", "abc", "a machine")
    numbers = {one.key: one for one in numbers_of(kept, "style_pairs", provenance)}
    found = recorded_summaries(numbers)
    assert {key: one.measures for key, one in found.items()} == {key: one.measures for key, one in kept.items()}
    assert "released (n = 5)" in texts(pareto(found))
    assert not recorded_summaries(numbers, "elsewhere")
    del numbers["style_pairs/released at 0.5/style_style"]
    assert set(recorded_summaries(numbers)) == set(kept) - {("released", 0.5)}
