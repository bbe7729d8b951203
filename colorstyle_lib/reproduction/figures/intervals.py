"""Figures of recorded numbers: dots with their intervals, and how the released weights came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import BLACK, MARKERS, SERIES
from colorstyle_lib.reproduction.results.store import Number

_LOOKS = tuple(zip((*SERIES[:5], BLACK), MARKERS[:6], strict=True))


@dataclass(frozen=True)
class Panel:
    """One metric.

    Attributes:
        title: what is measured.
        numbers: by method, then by row.
        line: a value to compare with, such as 0 for differences.
        scale: to multiply with, such as 100 for percent.
    """

    title: str
    numbers: Mapping[str, Mapping[str, Number]]
    line: float | None = None
    scale: float = 1.0


def intervals(panels: Sequence[Panel], *, columns: int | None = None, width: float = 2.6) -> Figure:
    """Numbers as dots with their intervals, a panel a metric, a row a data set or comparison, a mark a method.

    Args:
        panels: of the same methods and rows; what a method lacks is left out.
        columns: panels side by side; by default all.
        width: of a panel, in inches.
    """
    columns = min(columns or len(panels), len(panels))
    lines = -(-len(panels) // columns)
    methods = list(dict.fromkeys(method for panel in panels for method in panel.numbers))
    rows = list(dict.fromkeys(row for panel in panels for some in panel.numbers.values() for row in some))
    tall = lines * (0.9 + len(rows) * max(0.34, 0.17 * len(methods)))
    size = (width * columns + 1.1, tall + (0.3 if len(methods) > 1 else 0))
    figure, axes = new_figure(lines, columns, figsize=size, squeeze=False, sharey=True)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, panel in zip(axes.flat, panels, strict=False):
        for number, method in enumerate(methods):
            shift = (number - (len(methods) - 1) / 2) * 0.6 / len(methods)
            _dots(ax, panel, method, [row_number + shift for row_number in range(len(rows))], rows, number)
        if panel.line is not None:
            ax.axvline(panel.line, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
        ax.set_title(panel.title)
        ax.margins(x=0.08)
    axes[0, 0].set_yticks(range(len(rows)), rows)
    axes[0, 0].set_ylim(len(rows) - 0.5, -0.5)
    if len(methods) > 1:
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _dots(ax: Axes, panel: Panel, method: str, places: Sequence[float], rows: Sequence[str], number: int) -> None:
    color, mark = _LOOKS[number % len(_LOOKS)]
    known = [
        (place, panel.numbers[method][row])
        for place, row in zip(places, rows, strict=True)
        if row in panel.numbers.get(method, {})
    ]
    for place, one in known:
        if one.interval is not None:
            ax.plot([end * panel.scale for end in one.interval], [place, place], color=color, linewidth=1.2)
    x = [one.value * panel.scale for _, one in known]
    ax.plot(x, [place for place, _ in known], mark, color=color, markersize=5, label=method)


def training(log: Sequence[Mapping[str, Any]], recorded: Mapping[str, Number], sides: tuple[int, int]) -> Figure:
    """PSNR ab and colorfulness at every evaluation of the runs behind the weights, one run after the other.

    Args:
        log: lines of ``companion.log.jsonl``, in order.
        recorded: the numbers in the end, ``psnr_ab`` and ``colorfulness_ratio``, drawn with their intervals.
        sides: pixels of the squares that the runs were measured on, and of those that the weights were.
    """
    figure, axes = new_figure(1, 2, figsize=(7.6, 3.0))
    runs: dict[int, list[tuple[int, Mapping[str, Any]]]] = {}
    before = end = 0
    for one in log:
        if one["run"] not in runs:
            before = end
        end = before + one["step"]
        runs.setdefault(one["run"], []).append((end, one))
    titles = {"psnr_ab": ("PSNR ab, dB", 1.0), "colorfulness_ratio": ("colorfulness, % of the real", 100.0)}
    for ax, (metric, (title, scale)) in zip(axes, titles.items(), strict=True):
        for i, (run, some) in enumerate(runs.items()):
            color, mark = _LOOKS[i % len(_LOOKS)]
            ax.plot(*_xy(some, metric, scale), "-", color=color, marker=mark, markersize=4, label=f"run {run}")
        played = [one for some in runs.values() for one in some if one[1].get("stage") == "joint"]
        ring = {"color": "black", "fillstyle": "none", "markersize": 9}
        ax.plot(*_xy(played, metric, scale), "o", **ring, label="after steps with a discriminator")
        number, place = recorded[metric], 1.04 * end
        released = f"released, at {sides[1]} px, n = {number.n}, 95 %"
        ax.plot([place, place], [scale * bound for bound in number.interval or ()], color="black", linewidth=1.2)
        ax.plot(place, scale * number.value, "D", color="black", markersize=4, label=released)
        ax.set(title=title, xlabel=f"steps, one run after the other; at {sides[0]} px")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _xy(some: Sequence[tuple[int, Mapping[str, Any]]], metric: str, scale: float) -> tuple[list[int], list[float]]:
    return [step for step, _ in some], [scale * one[metric] for _, one in some]
