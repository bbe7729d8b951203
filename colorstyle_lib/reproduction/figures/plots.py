"""Drawings of recorded numbers: dots with intervals, effects of ablations, training, content against style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from colorstyle_lib.course.plots.common import BLACK, BLUE, MARKERS, SERIES, VERMILION, new_figure
from colorstyle_lib.errors import DataError, check_known
from colorstyle_lib.reproduction.ablations.configs import BASE, COMPARISONS
from colorstyle_lib.reproduction.ablations.effects import METRICS, Effect
from colorstyle_lib.reproduction.benchmarks.coloring import ATLAS, KERNEL, sizes_of
from colorstyle_lib.reproduction.results.store import Number

_DOTS = tuple(zip((*SERIES[:5], BLACK), MARKERS, strict=False))  # light blue is too pale for a thin interval
_DOTTED = {"color": "0.5", "linewidth": 0.8, "linestyle": ":"}
_BELOW = "outside lower center"


@dataclass(frozen=True)
class Panel:
    """Numbers of one metric."""

    title: str  # what is measured
    numbers: Mapping[str, Mapping[str, Number]]  # by method, then by row
    line: float | None = None  # a value to compare with, such as 0 for differences
    scale: float = 1.0  # to multiply with, such as 100 for percent

    @property
    def rows(self) -> list[str]:
        """The names of the rows, none twice."""
        return list(dict.fromkeys(row for some in self.numbers.values() for row in some))


def intervals(panels: Sequence[Panel], *, columns: int | None = None, width: float = 2.6) -> Figure:
    """Numbers as dots with their intervals, a panel a metric, a row a data set or comparison, a marker a method.

    Args:
        panels: of the same methods and rows; what a method lacks is left out.
        columns: panels side by side; by default all.
        width: of a panel, in inches.
    """
    columns = min(columns or len(panels), len(panels))
    lines = -(-len(panels) // columns)
    methods = list(dict.fromkeys(method for panel in panels for method in panel.numbers))
    rows = list(dict.fromkeys(row for panel in panels for row in panel.rows))
    tall = lines * (0.9 + len(rows) * max(0.34, 0.17 * len(methods)))
    size = (width * columns + 1.1, tall + (0.3 if len(methods) > 1 else 0))
    figure, axes = new_figure(lines, columns, figsize=size, squeeze=False, sharey=True)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, panel in zip(axes.flat, panels, strict=False):
        _dots(ax, panel, methods, rows, apart=0.6 / len(methods), margin=0.08)
    if len(methods) > 1:
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc=_BELOW, ncols=len(labels))
    return figure


def _dots(ax: Axes, panel: Panel, methods: Sequence[str], rows: Sequence[str], *, apart: float, margin: float) -> None:
    """A dot with its interval for each method in each row, the methods ``apart`` of one another."""
    for i, (method, (color, marker)) in enumerate(zip(methods, cycle(_DOTS), strict=False)):
        shift = apart * (i - (len(methods) - 1) / 2)
        mine = panel.numbers.get(method, {})
        known = [(place + shift, mine[row]) for place, row in enumerate(rows) if row in mine]
        for place, one in known:
            if one.interval is not None:
                ax.plot([panel.scale * end for end in one.interval], [place] * 2, color=color, linewidth=1.2)
        x, y = [panel.scale * one.value for _, one in known], [place for place, _ in known]
        ax.plot(x, y, marker, color=color, markersize=5, label=method)
    if panel.line is not None:
        ax.axvline(panel.line, **_DOTTED, zorder=0)
    ax.set_title(panel.title)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.margins(x=margin)


def metric_variants(numbers: Mapping[str, Number]) -> Figure:
    """Four pairs of measures of one name each, on the same outputs of the released weights, with 95 % intervals.

    Args:
        numbers: by address, from :func:`.read_results`.

    Raises:
        DataError: a number is not there.
    """
    method, data, uneven = "released", "scenes", "imagenet_sample"  # uneven: not square, so cropping is not stretching

    def of(metric: str, home: str = data, who: str = method) -> Number:
        key = f"{home}/{who}/{ATLAS}{metric}"
        if key not in numbers:
            raise DataError(f"there is no number {key!r}; measure it: colorstyle evaluate --atlas --data ROOT")
        return numbers[key]

    def share(number: Number, whole: float) -> Number:
        low_high = number.interval and tuple(100.0 / whole * end for end in number.interval)
        return replace(number, value=100.0 / whole * number.value, interval=low_high)

    n, count = of("psnr_ab").n, of("crop_psnr_ab", uneven).n
    ways = {
        f"{kind} differences,\n{way.replace('_', ' ')}": of(f"colorfulness_{kind}_{way}")
        for kind in ("signed", "absolute")
        for way in ("ratio_of_means", "mean_of_ratios")
    }
    psnr = {who: {"ab": of("psnr_ab", who=who), "RGB": of("psnr_rgb", who=who)} for who in (method, "gray")}
    squares = {f"{kind} to\na square": of(f"{kind}_colorfulness_ratio", uneven) for kind in ("crop", "stretch")}
    few, many = sizes_of(n)
    distances = {
        f"{title},\nn = {size}": share(of(f"{name}_n{size}"), of(f"{name}_n{many}").value)
        for title, name in (("kernel", "kernel"), ("Fréchet", "frechet"))
        for size in (few, many)
    }
    panels = (
        Panel(f"colorfulness, % of the real; {data}, n = {n}", {method: ways}, 100.0, 100.0),
        Panel(f"PSNR, dB; {data}, n = {n}", psnr),
        Panel(f"colorfulness, % of the real; {uneven}, n = {count}", {method: squares}, 100.0, 100.0),
        Panel(f"distance, % of that of n = {many}; {data}", {method: distances}, 100.0),
    )
    figure, axes = new_figure(2, 2, figsize=(8.2, 5.2))
    figure.get_layout_engine().set(h_pad=0.1)
    for ax, panel in zip(axes.flat, panels, strict=True):
        _dots(ax, panel, list(panel.numbers), panel.rows, apart=0.26, margin=0.1)
    axes[0, 1].legend(loc="center")
    paired = of("stretch_minus_crop_colorfulness_ratio", uneven).text(1, 100.0)
    axes[1, 0].set_xlabel(f"stretch minus crop, paired: {paired}")
    lacking = [str(size) for size in (few, many) if "rank-deficient" in of(f"frechet_n{size}").note]
    if lacking:
        axes[1, 1].set_xlabel(f"the Fréchet distance is rank-deficient at n = {' and '.join(lacking)}")
    return figure


_PANELS = {
    "psnr_ab": "better →",
    "colorfulness_ratio": "more colorful →",
    KERNEL: "← better",
    "reference_psnr_ab": "better →",
}
_GROUPS = {
    "C4": "C4  against gray",
    "C2": "C2  attention",
    "C3": "C3  modalities",
    "C6": "C6  adversary",
    "C7": "C7  optimizer, objective",
    "C1": "C1  one model for all tasks",
}
_OPEN = "0.55"
_LOWER = 0.55  # of a row, from a comparison's mark to that of its longer training


def ablation_effects(found: Sequence[Effect], *, longer: Sequence[Effect] = ()) -> Figure:
    """A row a comparison, a panel a metric: difference, 95 % interval over pictures, and each seed as a small tick.

    Filled where the interval leaves 0 out and every seed is on the same side. A diamond below is the same comparison
    after longer trainings, filled where its interval leaves 0 out. What lies beyond a panel is written at its rim.

    Args:
        found: from :func:`.effects_of`.
        longer: as ``found``, of longer trainings; those without a row here are left out.
    """
    present, again = ({effect.comparison.name for effect in some} for some in (found, longer))
    places: dict[str, float] = {}
    texts: dict[float, str] = {}
    at = -1.6
    for claim, title in _GROUPS.items():
        members = [c for c in COMPARISONS.values() if c.claim == claim and c.name in present]
        at += 1.6 if members else 0.0
        texts |= {at: title} if members else {}
        for comparison in members:
            at += 1
            against, places[comparison.name] = comparison.other[0], at
            texts[at] = comparison.title + ("" if against == BASE else f" (against {against.replace('_', ' ')})")
            at += _LOWER if comparison.name in again else 0.0
    size = (2.3 * len(_PANELS) + 2.6, 0.21 * (at + 3) + 0.4)
    figure, axes = new_figure(1, len(_PANELS), figsize=size, sharey=True)
    for ax, (metric, better) in zip(axes, _PANELS.items(), strict=True):
        small, long = ([e for e in s if e.metric == metric and e.comparison.name in places] for s in (found, longer))
        _effects_panel(ax, small, long, places)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(f"{METRICS[metric]}\ndifference, {better}")
    axes[0].set_yticks(list(texts), list(texts.values()))
    for label, place in zip(axes[0].get_yticklabels(), texts, strict=True):
        label.set_fontweight("normal" if place in places.values() else "bold")
    axes[0].set_ylim(at + 0.8, -0.8)
    marks = {
        "all trainings on one side of 0": (BLUE, "o", BLUE, "-"),
        "not decided": (_OPEN, "o", "white", "-"),
        "one training": ("black", "|", "black", ""),
    }
    if again & present:
        marks["one longer training"] = (VERMILION, "D", VERMILION, "-")
    handles = [
        Line2D([], [], color=color, marker=marker, markerfacecolor=face, linestyle=style, markersize=5, label=text)
        for text, (color, marker, face, style) in marks.items()
    ]
    figure.legend(handles=handles, loc=_BELOW, ncols=4)
    return figure


def _effects_panel(ax: Axes, small: Sequence[Effect], long: Sequence[Effect], places: Mapping[str, float]) -> None:
    ends = [max(abs(e.estimate.low), abs(e.estimate.high)) for e in (*small, *long)]
    reach = (1.4 * float(np.quantile(ends, 0.85)) if ends else 0) or 1.0  # a few large ones would flatten all others
    ax.axvline(0, color="0.3", linewidth=0.8)
    marks = [(e, places[e.comparison.name], "o", BLUE if e.decided else _OPEN, 5, e.decided) for e in small]
    marks += [(e, places[e.comparison.name] + _LOWER, "D", VERMILION, 4, e.side != 0) for e in long]
    for effect, y, marker, color, size, filled in marks:
        e = effect.estimate
        if abs(e.value) > reach:  # at the rim, with its value
            side, ha = (1, "right") if e.value > 0 else (-1, "left")
            ax.plot([side * reach], [y], ">" if side > 0 else "<", color=color, markersize=size, clip_on=False)
            ax.text(side * 0.94 * reach, y, f"{e.value:+.2g}", ha=ha, va="center", fontsize=7)
            continue
        ax.plot([max(e.low, -reach), min(e.high, reach)], [y, y], color=color, linewidth=1.4, solid_capstyle="butt")
        ax.plot([e.value], [y], marker, color=color, markerfacecolor=color if filled else "white", markersize=size)
        if marker == "o":
            inside = [value for value in effect.by_seed.values() if abs(value) <= reach]
            ax.plot(inside, [y] * len(inside), "|", color="black", markersize=5, markeredgewidth=0.8)
    ax.set_xlim(-1.06 * reach, 1.06 * reach)  # nothing at the rim is cut or lies on the labels
    ax.spines["left"].set_visible(False)


def training_curves(log: Sequence[Mapping[str, Any]], recorded: Mapping[str, Number], sides: tuple[int, int]) -> Figure:
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
    joint = [one for some in runs.values() for one in some if one[1].get("stage") == "joint"]
    for ax, (metric, (title, scale)) in zip(axes, titles.items(), strict=True):
        for (run, some), (color, marker) in zip(runs.items(), cycle(_DOTS), strict=False):
            x, y = [step for step, _ in some], [scale * one[metric] for _, one in some]
            ax.plot(x, y, "-", color=color, marker=marker, markersize=4, label=f"run {run}")
        x, y = [step for step, _ in joint], [scale * one[metric] for _, one in joint]
        ring = {"color": "black", "fillstyle": "none", "markersize": 9}
        ax.plot(x, y, "o", **ring, label="after steps with a discriminator")
        number, place = recorded[metric], 1.04 * end
        released = f"released, at {sides[1]} px, n = {number.n}, 95 %"
        ax.plot([place, place], [scale * bound for bound in number.interval or ()], color="black", linewidth=1.2)
        ax.plot(place, scale * number.value, "D", color="black", markersize=4, label=released)
        ax.set(title=title, xlabel=f"steps, one run after the other; at {sides[0]} px")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc=_BELOW, ncols=3)
    return figure


Distances = dict[str, Number]
"""Distances of restyled photographs with intervals: ``content`` and ``perceptual`` from the photograph, ``style``."""

_DISTANCES = {"content": "content loss at relu4_1", "perceptual": "perceptual content distance"}


def pareto(
    distances: Mapping[tuple[str, float], Distances], *, beat: str | None = None, content: str = "content"
) -> Figure:
    """Content loss against style loss, a marker for each method and a line over its strengths, with 95 % intervals.

    Who lies below and to the left of another is better in both.

    Args:
        distances: by name and strength.
        beat: a method; where its result at full strength would be beaten in both losses is shaded.
        content: which distance from the photograph to draw: ``content`` or ``perceptual``.

    Raises:
        ConfigError: there is no such distance.
    """
    check_known("distance", content, _DISTANCES)
    figure, ax = new_figure(figsize=(6.4, 4.4))
    names = dict.fromkeys(name for name, _ in distances)
    for name, color, marker in zip(names, cycle(SERIES), cycle(MARKERS), strict=False):
        points = {s: distances[name, s] for s in sorted(s for other, s in distances if other == name)}
        x, y = ([one[measure] for one in points.values()] for measure in (content, "style"))
        fewest, most = min(e.n for e in x), max(e.n for e in x)
        xerr, yerr = (np.array([[abs(end - e.value) for end in e.interval] for e in some]).T for some in (x, y))
        style = {"color": color, "marker": marker, "linestyle": "-" if len(points) > 1 else "none", "elinewidth": 0.7}
        label = f"{name} (n = {fewest if fewest == most else f'{fewest} to {most}'})"
        ax.errorbar([e.value for e in x], [e.value for e in y], xerr=xerr, yerr=yerr, **style, label=label)
        for strength, one_x, one_y in zip(points, x, y, strict=True) if len(points) > 1 else ():
            place = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 7, "color": color}
            ax.annotate(f"{strength:g}", (one_x.value, one_y.value), **place)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(left=-0.02)
    ax.set(xlabel=f"{_DISTANCES[content]}, less is better", ylabel="style loss, less is better")
    if beat:
        right, top = (distances[beat, 1.0][measure].value for measure in (content, "style"))
        left, bottom = ax.get_xlim()[0], ax.get_ylim()[0]
        shade = {"color": "0.5", "alpha": 0.12, "linewidth": 0, "label": f"better than {beat} in both"}
        ax.fill_between([left, right], bottom, top, **shade)
        ax.set(xlim=(left, None), ylim=(bottom, None))
    ax.legend()
    return figure
