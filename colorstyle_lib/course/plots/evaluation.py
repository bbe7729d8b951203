"""The figures of notebook 05: crowds on a line, drawn samples, trainings that disagree, and metrics beside the eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import BLUE, VERMILION
from colorstyle_lib.metrics.bootstrap import Estimate

_GRAY = "0.55"
_BINS = 30


def feature_histograms(
    real: Float[Tensor, " n"], others: Mapping[str, Float[Tensor, " m"]], notes: Mapping[str, Sequence[str]]
) -> Figure:
    """Crowds of one feature beside the real one, a panel for each.

    Args:
        real: each member's feature; drawn in every panel.
        others: those to compare, by title.
        notes: lines below each panel, by title.
    """
    figure, axes = new_figure(1, len(others), figsize=(1.9 * len(others) + 0.4, 2.5), squeeze=False, sharey=True)
    everything = torch.cat([real, *others.values()])
    low, high = everything.min().item(), everything.max().item()
    for ax, (title, values) in zip(axes[0], others.items(), strict=True):
        options = {"bins": _BINS, "range": (low, high), "density": True}
        ax.hist(real.tolist(), color="0.8", label="real", **options)
        ax.hist(values.tolist(), color=BLUE, histtype="step", linewidth=1.4, label="results", **options)
        ax.set_title(title)
        ax.set_xlabel("\n".join(notes[title]), fontsize=8)
        ax.set_yticks([])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def bootstrap_samples(samples: Mapping[str, tuple[Float[Tensor, " b"], Estimate]], label: str) -> Figure:
    """What statistics become when pictures are drawn again and again, with their intervals; a panel for each.

    Args:
        samples: the statistic of each drawn sample, and the estimate, by title.
        label: what the statistic is.
    """
    figure, axes = new_figure(1, len(samples), figsize=(3.5 * len(samples), 2.5), squeeze=False, sharex=True)
    for ax, (title, (values, estimate)) in zip(axes[0], samples.items(), strict=True):
        ax.hist(values.tolist(), bins=_BINS, color="0.8")
        top = ax.get_ylim()[1]
        ax.plot([estimate.low, estimate.high], [0.05 * top] * 2, color=BLUE, linewidth=4, solid_capstyle="butt")
        ax.plot(estimate.value, 0.05 * top, "o", color="black", markersize=5)
        ax.axvline(0, color="0.3", linewidth=0.8, linestyle=":")
        ax.set(title=title, xlabel=label, yticks=[])
    return figure


def training_intervals(estimates: Sequence[Estimate], recipe: float, label: str = "PSNR ab, dB") -> Figure:
    """One recipe trained again and again: each training's interval over pictures, and what the recipe is worth.

    Args:
        estimates: of each training, the first one's interval shaded. Drawn in red, as a square, where the interval
            leaves out the recipe's value.
        recipe: the mean over all trainings there could be.
        label: what was measured.
    """
    first = estimates[0]
    figure, ax = new_figure(figsize=(5.4, 0.16 * len(estimates) + 1.2))
    ax.axvspan(first.low, first.high, color="0.92", label="interval of the first")
    ax.axvline(recipe, color="black", linewidth=1, label="the recipe: mean of all trainings")
    for row, one in enumerate(estimates):
        color = BLUE if one.low <= recipe <= one.high else VERMILION
        ax.plot([one.low, one.high], [row, row], color=color, linewidth=1.4)
        ax.plot(one.value, row, "o" if color == BLUE else "s", color=color, markersize=4)
    ax.set(xlabel=label, ylabel="training", yticks=[], ylim=(len(estimates) - 0.3, -0.7))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def metric_ranks(eye: Sequence[str], ranked: Mapping[str, Sequence[str]], notes: Mapping[str, str]) -> Figure:
    """Each metric's order of pictures against a viewer's; what both agree on lies on the diagonal.

    Args:
        eye: pictures by name, the worst first.
        ranked: the same, as each metric orders them.
        notes: a line below each panel, by metric.
    """
    figure, axes = new_figure(1, len(ranked), figsize=(2.1 * len(ranked) + 0.7, 2.9), squeeze=False, sharey=True)
    for ax, (title, order) in zip(axes[0], ranked.items(), strict=True):
        _ranks(ax, eye, order)
        ax.set(title=title, aspect="equal")
        ax.set_xlabel(f"rank by the metric\n{notes[title]}")
    axes[0, 0].set_yticks(range(1, len(eye) + 1), [f"{name} {rank}" for rank, name in enumerate(eye, start=1)])
    axes[0, 0].set_ylabel("rank to the viewer (1 is worst)")
    return figure


def _ranks(ax: Axes, eye: Sequence[str], order: Sequence[str]) -> None:
    n = len(eye)
    ax.plot([1, n], [1, n], color=_GRAY, linewidth=0.8, linestyle=":")
    ax.plot([order.index(name) + 1 for name in eye], range(1, n + 1), "o", color=BLUE, markersize=5)
    ax.set(xticks=range(1, n + 1), xlim=(0.4, n + 0.6), ylim=(n + 0.6, 0.4))
