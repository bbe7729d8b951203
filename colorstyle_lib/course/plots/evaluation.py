"""Plots of notebook 05: histograms of a feature, drawn samples, trainings that disagree, metrics beside a viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import BLUE, VERMILION
from colorstyle_lib.metrics.bootstrap import Estimate

_BINS = 30


def feature_histograms(
    real: Float[Tensor, " n"], others: Mapping[str, Float[Tensor, " m"]], notes: Mapping[str, Sequence[str]]
) -> Figure:
    """Histograms of one feature beside that of real pictures, a panel for each with lines of notes below it."""
    figure, axes = new_figure(1, len(others), figsize=(1.9 * len(others) + 0.4, 2.5), squeeze=False, sharey=True)
    everything = torch.cat([real, *others.values()])
    options = {"bins": _BINS, "range": (everything.min().item(), everything.max().item()), "density": True}
    for ax, (title, values) in zip(axes[0], others.items(), strict=True):
        ax.hist(real.tolist(), color="0.8", label="real", **options)
        ax.hist(values.tolist(), color=BLUE, histtype="step", linewidth=1.4, label="results", **options)
        ax.set_xlabel("\n".join(notes[title]), fontsize=8)
        ax.set(title=title, yticks=[])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def bootstrap_samples(samples: Mapping[str, tuple[Float[Tensor, " b"], Estimate]], label: str) -> Figure:
    """Histograms of a statistic over drawn samples of pictures, each with its estimate and interval, by title."""
    figure, axes = new_figure(1, len(samples), figsize=(3.5 * len(samples), 2.5), squeeze=False, sharex=True)
    for ax, (title, (values, estimate)) in zip(axes[0], samples.items(), strict=True):
        ax.hist(values.tolist(), bins=_BINS, color="0.8")
        height = 0.05 * ax.get_ylim()[1]
        ax.plot([estimate.low, estimate.high], [height] * 2, color=BLUE, linewidth=4, solid_capstyle="butt")
        ax.plot(estimate.value, height, "o", color="black", markersize=5)
        ax.axvline(0, color="0.3", linewidth=0.8, linestyle=":")
        ax.set(title=title, xlabel=label, yticks=[])
    return figure


def training_intervals(estimates: Sequence[Estimate], recipe: float, label: str = "PSNR ab, dB") -> Figure:
    """One recipe trained many times: each training's interval over pictures, and the mean over all trainings.

    Red squares are trainings whose interval leaves out the recipe's value; the first one's interval is shaded.
    """
    first = estimates[0]
    figure, ax = new_figure(figsize=(5.4, 0.16 * len(estimates) + 1.2))
    ax.axvspan(first.low, first.high, color="0.92", label="interval of the first")
    ax.axvline(recipe, color="black", linewidth=1, label="the recipe: mean of all trainings")
    for row, one in enumerate(estimates):
        color, marker = (BLUE, "o") if one.low <= recipe <= one.high else (VERMILION, "s")
        ax.plot([one.low, one.high], [row, row], color=color, linewidth=1.4)
        ax.plot(one.value, row, marker, color=color, markersize=4)
    ax.set(xlabel=label, ylabel="training", yticks=[], ylim=(len(estimates) - 0.3, -0.7))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def metric_ranks(eye: Sequence[str], ranked: Mapping[str, Sequence[str]], notes: Mapping[str, str]) -> Figure:
    """Each metric's order of pictures, worst first, against a viewer's; agreement lies on the diagonal."""
    figure, axes = new_figure(1, len(ranked), figsize=(2.1 * len(ranked) + 0.7, 2.9), squeeze=False, sharey=True)
    ranks, ends = range(1, len(eye) + 1), (0.4, len(eye) + 0.6)
    for ax, (title, order) in zip(axes[0], ranked.items(), strict=True):
        ax.plot([1, len(eye)], [1, len(eye)], color="0.55", linewidth=0.8, linestyle=":")
        ax.plot([order.index(name) + 1 for name in eye], ranks, "o", color=BLUE, markersize=5)
        ax.set(title=title, aspect="equal", xticks=ranks, xlim=ends, ylim=ends[::-1])
        ax.set_xlabel(f"rank by the metric\n{notes[title]}")
    axes[0, 0].set_yticks(ranks, [f"{name} {rank}" for rank, name in enumerate(eye, start=1)])
    axes[0, 0].set_ylabel("rank to the viewer (1 is worst)")
    return figure
