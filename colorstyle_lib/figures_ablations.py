"""The figure of the matrix: what each change does, with its interval and its seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colorstyle_lib.ablation_effects import METRICS, Effect
from colorstyle_lib.ablations import BASE, COMPARISONS, Comparison
from colorstyle_lib.benchmark_colorize import KERNEL
from colorstyle_lib.figures import new_figure

_PANELS = ("psnr_ab", "colorfulness_ratio", KERNEL, "reference_psnr_ab")
_BETTER = {
    "psnr_ab": "better →",
    "colorfulness_ratio": "more colorful →",
    KERNEL: "← better",
    "reference_psnr_ab": "better →",
}
_DECIDED, _OPEN = "#0072B2", "0.55"
_SHOWN = 0.85  # share of the effects that set a panel's reach; a few large ones would flatten all others
_REACH = 1.4
_GROUPS = {
    "C4": "C4  against gray",
    "C2": "C2  attention",
    "C3": "C3  modalities",
    "C6": "C6  adversary",
    "C7": "C7  optimizer, objective",
    "C1": "C1  one model for all tasks",
}


def effects(found: Sequence[Effect], metrics: Sequence[str] = _PANELS) -> Figure:
    """A row a comparison, a panel a metric: difference, 95 % interval over pictures, and each seed as a small dot.

    Filled where the interval leaves 0 out and every seed is on the same side. What lies beyond a panel is written at
    its rim.

    Args:
        found: from :func:`colorstyle_lib.ablation_effects.effects_of`.
        metrics: of :data:`colorstyle_lib.ablation_effects.METRICS`.
    """
    present = {effect.comparison.name for effect in found}
    ticks: list[tuple[float, str, bool]] = []  # place, text, whether it is a heading
    places: dict[str, float] = {}
    at = 0.0
    for claim, title in _GROUPS.items():
        members = [c for c in COMPARISONS.values() if c.claim == claim and c.name in present]
        if members:
            ticks.append((at, title, True))
            rows = {c.name: at + 1 + i for i, c in enumerate(members)}
            ticks += [(rows[c.name], _label(c), False) for c in members]
            places |= rows
            at += len(members) + 1.6
    size = (2.3 * len(metrics) + 2.6, 0.21 * (ticks[-1][0] + 3))
    figure, axes = new_figure(1, len(metrics), figsize=size, squeeze=False, sharey=True)
    for ax, metric in zip(axes[0], metrics, strict=True):
        _panel(ax, [e for e in found if e.metric == metric], places)
        ax.set_xlabel(f"{METRICS[metric]}\ndifference, {_BETTER.get(metric, '')}")
    first = axes[0, 0]
    first.set_yticks([place for place, _, _ in ticks], [text for _, text, _ in ticks])
    for label, (_, _, heading) in zip(first.get_yticklabels(), ticks, strict=True):
        label.set_fontweight("bold" if heading else "normal")
    first.set_ylim(ticks[-1][0] + 0.8, -0.8)
    for ax in axes[0]:
        ax.tick_params(axis="y", length=0)
    return figure


def _label(comparison: Comparison) -> str:
    against = comparison.other[0]
    return comparison.title if against == BASE else f"{comparison.title} (against {against.replace('_', ' ')})"


def _panel(ax: Axes, found: Sequence[Effect], places: dict[str, float]) -> None:
    ends = [max(abs(e.estimate.low), abs(e.estimate.high)) for e in found]
    reach = _REACH * float(np.quantile(ends, _SHOWN)) if ends else 1.0
    reach = reach or 1.0
    ax.axvline(0, color="0.3", linewidth=0.8)
    for effect in found:
        y, e = places[effect.comparison.name], effect.estimate
        color = _DECIDED if effect.decided else _OPEN
        if abs(e.value) > reach:
            side = 1 if e.value > 0 else -1
            ax.plot([side * reach], [y], ">" if side > 0 else "<", color=color, markersize=5, clip_on=False)
            ax.text(
                side * 0.93 * reach, y, f"{e.value:+.2g}", ha="right" if side > 0 else "left", va="center", fontsize=7
            )
            continue
        ax.plot([max(e.low, -reach), min(e.high, reach)], [y, y], color=color, linewidth=1.4, solid_capstyle="butt")
        ax.plot([e.value], [y], "o", color=color, markerfacecolor=color if effect.decided else "white", markersize=5)
        inside = [value for value in effect.by_seed.values() if abs(value) <= reach]
        ax.plot(inside, [y] * len(inside), "|", color="black", markersize=5, markeredgewidth=0.8)
    ax.set_xlim(-reach, reach)
    ax.spines["left"].set_visible(False)
