"""The figure of the matrix: what each change does, with its interval and its seeds, and what a longer training says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import BLUE, VERMILION
from colorstyle_lib.reproduction.ablations.configs import BASE, COMPARISONS, Comparison
from colorstyle_lib.reproduction.ablations.effects import METRICS, Effect
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL

_PANELS = ("psnr_ab", "colorfulness_ratio", KERNEL, "reference_psnr_ab")
_BETTER = {
    "psnr_ab": "better →",
    "colorfulness_ratio": "more colorful →",
    KERNEL: "← better",
    "reference_psnr_ab": "better →",
}
_DECIDED, _OPEN, _LONGER = BLUE, "0.55", VERMILION
_SHOWN = 0.85  # share of the effects that set a panel's reach; a few large ones would flatten all others
_REACH = 1.4
_RIM = 1.06  # of the reach, so that nothing at the rim is cut or lies on the labels
_LOWER = 0.55  # of a row, from a comparison's mark to that of its longer training
_GROUPS = {
    "C4": "C4  against gray",
    "C2": "C2  attention",
    "C3": "C3  modalities",
    "C6": "C6  adversary",
    "C7": "C7  optimizer, objective",
    "C1": "C1  one model for all tasks",
}


def effects(found: Sequence[Effect], metrics: Sequence[str] = _PANELS, *, longer: Sequence[Effect] = ()) -> Figure:
    """A row a comparison, a panel a metric: difference, 95 % interval over pictures, and each seed as a small tick.

    Filled where the interval leaves 0 out and every seed is on the same side. A diamond below is the same comparison
    after longer trainings, filled where its interval leaves 0 out. What lies beyond a panel is written at its rim.

    Args:
        found: from :func:`.effects_of`.
        metrics: of :data:`.METRICS`.
        longer: as ``found``, of longer trainings; those without a row here are left out.
    """
    present = {effect.comparison.name for effect in found}
    again = {effect.comparison.name for effect in longer}
    ticks: list[tuple[float, str, bool]] = []  # place, text, whether it is a heading
    places: dict[str, float] = {}
    at = 0.0
    for claim, title in _GROUPS.items():
        members = [c for c in COMPARISONS.values() if c.claim == claim and c.name in present]
        if members:
            ticks.append((at, title, True))
            for comparison in members:
                at += 1
                ticks.append((at, _label(comparison), False))
                places[comparison.name] = at
                at += _LOWER if comparison.name in again else 0.0
            at += 1.6
    end = at - 1.6
    size = (2.3 * len(metrics) + 2.6, 0.21 * (end + 3) + 0.4)
    figure, axes = new_figure(1, len(metrics), figsize=size, squeeze=False, sharey=True)
    for ax, metric in zip(axes[0], metrics, strict=True):
        mine, later = ([e for e in some if e.metric == metric] for some in (found, longer))
        _panel(ax, mine, [e for e in later if e.comparison.name in places], places)
        ax.set_xlabel(f"{METRICS[metric]}\ndifference, {_BETTER.get(metric, '')}")
    first = axes[0, 0]
    first.set_yticks([place for place, _, _ in ticks], [text for _, text, _ in ticks])
    for label, (_, _, heading) in zip(first.get_yticklabels(), ticks, strict=True):
        label.set_fontweight("bold" if heading else "normal")
    first.set_ylim(end + 0.8, -0.8)
    for ax in axes[0]:
        ax.tick_params(axis="y", length=0)
    figure.legend(handles=_legend(bool(again & present)), loc="outside lower center", ncols=4)
    return figure


def _label(comparison: Comparison) -> str:
    against = comparison.other[0]
    return comparison.title if against == BASE else f"{comparison.title} (against {against.replace('_', ' ')})"


def _legend(longer: bool) -> list[Line2D]:
    def mark(text: str, marker: str, color: str, *, filled: bool, line: bool = True) -> Line2D:
        face = color if filled else "white"
        style = "-" if line else ""
        return Line2D(
            [], [], color=color, marker=marker, markerfacecolor=face, linestyle=style, markersize=5, label=text
        )

    marks = [
        mark("all trainings on one side of 0", "o", _DECIDED, filled=True),
        mark("not decided", "o", _OPEN, filled=False),
        mark("one training", "|", "black", filled=True, line=False),
    ]
    return [*marks, mark("one longer training", "D", _LONGER, filled=True)] if longer else marks


def _panel(ax: Axes, found: Sequence[Effect], longer: Sequence[Effect], places: dict[str, float]) -> None:
    ends = [max(abs(e.estimate.low), abs(e.estimate.high)) for e in (*found, *longer)]
    reach = _REACH * float(np.quantile(ends, _SHOWN)) if ends else 1.0
    reach = reach or 1.0
    ax.axvline(0, color="0.3", linewidth=0.8)
    for effect in found:
        y = places[effect.comparison.name]
        _mark(ax, effect, y, reach, "o", _DECIDED if effect.decided else _OPEN, filled=effect.decided)
        if abs(effect.estimate.value) <= reach:
            inside = [value for value in effect.by_seed.values() if abs(value) <= reach]
            ax.plot(inside, [y] * len(inside), "|", color="black", markersize=5, markeredgewidth=0.8)
    for effect in longer:
        y = places[effect.comparison.name] + _LOWER
        _mark(ax, effect, y, reach, "D", _LONGER, filled=effect.side != 0)
    ax.set_xlim(-_RIM * reach, _RIM * reach)
    ax.spines["left"].set_visible(False)


def _mark(ax: Axes, effect: Effect, y: float, reach: float, marker: str, color: str, *, filled: bool) -> None:
    """A difference with its interval; at the rim with its value, where it lies beyond."""
    e, size = effect.estimate, 5 if marker == "o" else 4
    if abs(e.value) > reach:
        side, ha = (1, "right") if e.value > 0 else (-1, "left")
        ax.plot([side * reach], [y], ">" if side > 0 else "<", color=color, markersize=size, clip_on=False)
        ax.text(side * 0.94 * reach, y, f"{e.value:+.2g}", ha=ha, va="center", fontsize=7)
        return
    ax.plot([max(e.low, -reach), min(e.high, reach)], [y, y], color=color, linewidth=1.4, solid_capstyle="butt")
    ax.plot([e.value], [y], marker, color=color, markerfacecolor=color if filled else "white", markersize=size)
