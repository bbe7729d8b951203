"""The figures of style transfer: what is given of the content for how much of the style."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import MARKERS, SERIES
from colorstyle_lib.errors import check_known
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS
from colorstyle_lib.reproduction.benchmarks.style import MEASURES, Summary
from colorstyle_lib.reproduction.results.store import Number

_LOOKS = tuple(zip(SERIES, MARKERS, strict=True))
_MEASURES = {"content": "content loss at relu4_1", "perceptual": "perceptual content distance"}


def pareto(
    summaries: Mapping[tuple[str, float], Summary], *, beat: str | None = None, content: str = "content"
) -> Figure:
    """Content loss against style loss, a mark for each contender and a line over its strengths.

    Bars are 95 % intervals. Who lies below and to the left of another is better in both.

    Args:
        summaries: by name and strength, see :func:`.summarize`.
        beat: a contender; where its result at full strength would be beaten in both losses is shaded.
        content: which distance from the photograph to draw: ``content`` or ``perceptual``.

    Raises:
        ConfigError: there is no such distance.
    """
    check_known("distance", content, _MEASURES)
    figure, ax = new_figure(figsize=(6.4, 4.4))
    names = list(dict.fromkeys(name for name, _ in summaries))
    for number, name in enumerate(names):
        strengths = sorted(strength for other, strength in summaries if other == name)
        color, marker = _LOOKS[number % len(_LOOKS)]
        _line(ax, name, {s: summaries[name, s] for s in strengths}, content, color, marker)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(left=-0.02)
    ax.set(xlabel=f"{_MEASURES[content]}, less is better", ylabel="style loss, less is better")
    if beat:
        _shade(ax, beat, summaries[beat, 1.0], content)
    ax.legend()
    return figure


def _line(ax: Axes, name: str, points: Mapping[float, Summary], content: str, color: str, marker: str) -> None:
    x, y = ([one.measures[measure] for one in points.values()] for measure in (content, "style"))
    fewest, most = min(e.n for e in x), max(e.n for e in x)
    ax.errorbar(
        [e.value for e in x],
        [e.value for e in y],
        xerr=[[e.value - e.low for e in x], [e.high - e.value for e in x]],
        yerr=[[e.value - e.low for e in y], [e.high - e.value for e in y]],
        color=color,
        marker=marker,
        linestyle="-" if len(points) > 1 else "none",
        elinewidth=0.7,
        label=f"{name} (n = {fewest if fewest == most else f'{fewest} to {most}'})",
    )
    if len(points) > 1:
        for strength, one_x, one_y in zip(points, x, y, strict=True):
            place = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 7, "color": color}
            ax.annotate(f"{strength:g}", (one_x.value, one_y.value), **place)


def _shade(ax: Axes, name: str, target: Summary, content: str) -> None:
    right, top = target.measures[content].value, target.measures["style"].value
    left, bottom = ax.get_xlim()[0], ax.get_ylim()[0]
    ax.fill_between(
        [left, right], bottom, top, color="0.5", alpha=0.12, linewidth=0, label=f"better than {name} in both"
    )
    ax.set(xlim=(left, None), ylim=(bottom, None))


def recorded_distances(numbers: Mapping[str, Number], data: str = "style_pairs") -> list[Number]:
    """Everybody's distances, but those of short trainings, which are compared with each other alone.

    Arguments as in :func:`recorded_summaries`.
    """
    measures = {f"style_{measure}" for measure in MEASURES}
    return [n for n in numbers.values() if n.data == data and n.metric in measures and n.method not in SPECIALISTS]


def recorded_summaries(numbers: Mapping[str, Number], data: str = "style_pairs") -> dict[tuple[str, float], Summary]:
    """What :func:`.numbers_of` wrote, for :func:`pareto`.

    Args:
        numbers: by address, from :func:`.read_results`.
        data: on which pairs.

    Returns:
        By name and strength; none where nothing was recorded, or not every measure with its interval. Times are not
        kept there and are NaN.
    """
    sure = [one for one in recorded_distances(numbers, data) if one.interval is not None]
    return {key: one for key, one in summaries_of(sure).items() if len(one.measures) == len(MEASURES)}


def summaries_of(distances: Sequence[Number]) -> dict[tuple[str, float], Summary]:
    """Recorded distances by name and strength, whichever there are; times are not kept there and are NaN.

    Args:
        distances: from :func:`recorded_distances`.
    """
    found: dict[tuple[str, float], dict[str, Estimate]] = {}
    for one in distances:
        name, strength = re.fullmatch(r"(.*?)(?: at ([\d.]+))?", one.method).groups()
        estimate = Estimate(one.value, *(one.interval or (one.value, one.value)), one.n)
        found.setdefault((name, float(strength or 1)), {})[one.metric.removeprefix("style_")] = estimate
    return {key: Summary(measures, float("nan")) for key, measures in found.items()}
