"""Plots of notebooks 05 to 07: evaluation, coloring and style transfer."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import BLUE, MARKERS, SERIES, VERMILION, new_figure
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


def training_intervals(estimates: Sequence[Estimate], truth: float, truth_is: str, label: str) -> Figure:
    """Intervals that should contain one number: red squares mark those that do not; the first one's is shaded."""
    first = estimates[0]
    figure, ax = new_figure(figsize=(6.4, 0.2 * len(estimates) + 1.2))
    ax.axvspan(first.low, first.high, color="0.92", label="interval of the first")
    ax.axvline(truth, color="black", linewidth=1, label=truth_is)
    for row, one in enumerate(estimates):
        color, marker = (BLUE, "o") if one.low <= truth <= one.high else (VERMILION, "s")
        ax.plot([one.low, one.high], [row, row], color=color, linewidth=1.4)
        ax.plot(one.value, row, marker, color=color, markersize=4)
    ax.set(xlabel=label, yticks=[], ylim=(len(estimates) - 0.3, -0.7))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def paired_values(values: Mapping[str, Float[np.ndarray, " n"]], label: str) -> Figure:
    """Results of several ways on the same images: a thin line for each image, a bar for the mean."""
    figure, ax = new_figure(figsize=(1.5 * len(values) + 1.4, 3.2))
    table = np.stack(list(values.values()))
    ax.plot(range(len(table)), table, "o-", color="0.7", linewidth=0.7, markersize=3)
    for i, mean in enumerate(table.mean(axis=1)):
        ax.plot([i - 0.25, i + 0.25], [mean, mean], color="black", linewidth=2.2)
        ax.text(i + 0.28, mean, f"{mean:.0f}", va="center", fontsize=9, weight="bold")
    ax.set_xticks(range(len(table)), list(values))
    ax.set(ylabel=label, xlim=(-0.5, len(table) - 0.3), ylim=(0, None))
    return figure


def calibration(
    predicted: Float[np.ndarray, " bins"],
    actual: Float[np.ndarray, " bins"],
    interval: Float[np.ndarray, "2 bins"],
    each: Sequence[tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"]]] = (),
    within: float = 1.5,
) -> Figure:
    """Predicted spread against actual error, bin by bin; on the diagonal the model is as wrong as it says.

    Both are root mean squares, Lab units, of the same pixels, the error with an interval; ``each`` holds both for
    single images. The criterion allows a factor of ``within`` either way.
    """
    figure, ax = new_figure(figsize=(4.6, 4.2))
    end = 1.08 * max(predicted.max(), interval[1].max(), *(max(p.max(), a.max()) for p, a in each), 1.0)
    line = np.array([0, end])
    ax.fill_between(line, line / within, line * within, color="0.93", label=f"within a factor of {within:g}")
    ax.plot(line, line, color="0.5", linewidth=1)
    for p, a in each:
        ax.plot(p, a, color="0.72", linewidth=0.7)
    reach = np.abs(interval - actual)
    ax.errorbar(predicted, actual, yerr=reach, fmt="o-", color=BLUE, capsize=2, label="all images, 95 %")
    ax.text(0.97, 0.04, "too cautious", transform=ax.transAxes, ha="right", color="0.4", fontsize=9)
    ax.text(0.03, 0.74, "too sure", transform=ax.transAxes, color="0.4", fontsize=9)
    ax.set(xlabel="predicted spread of ab (Lab units)", ylabel="actual ab error, RMS (Lab units)")
    ax.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    ax.legend(loc="upper left")
    return figure


def feature_maps(maps: Mapping[str, Float[Tensor, "c h w"]]) -> Figure:
    """Small feature maps as grids of numbers, a row for each channel, with mean and deviation below each."""
    channels = len(next(iter(maps.values())))
    figure, axes = new_figure(channels, len(maps), figsize=(1.6 * len(maps), 1.75 * channels), squeeze=False)
    low, high = min(float(x.min()) for x in maps.values()), max(float(x.max()) for x in maps.values())
    for column, (title, x) in zip(axes.T, maps.items(), strict=True):
        column[0].set_title(title)
        for ax, plane in zip(column, x.cpu(), strict=True):
            ax.imshow(plane.numpy(), cmap="cividis", vmin=low, vmax=high)
            for (i, j), value in np.ndenumerate(plane.numpy()):
                color = "w" if value < (low + high) / 2 else "k"
                ax.text(j, i, f"{value:g}", ha="center", va="center", color=color)
            note = f"mean {float(plane.mean()):.3g}, dev. {float(plane.std(correction=0)):.2g}"
            ax.text(0.5, -0.05, note, transform=ax.transAxes, ha="center", va="top", fontsize=8)
            ax.set(xticks=[], yticks=[])
    for number, ax in enumerate(axes[:, 0], start=1):
        ax.set_ylabel(f"channel {number}")
    return figure


def tradeoff(
    ways: Mapping[str, Sequence[tuple[str, float, float]]], xlabel: str = "content distance, less is better"
) -> Figure:
    """Content distance against style distance: for each way to restyle, its points with what stands beside them."""
    figure, ax = new_figure(figsize=(5.6, 3.8))
    for (name, points), color, marker in zip(ways.items(), SERIES, MARKERS, strict=False):
        _, content, style = zip(*points, strict=True)
        ax.plot(content, style, marker=marker, linestyle="-" if len(points) > 1 else "none", color=color, label=name)
        for label, *place in points:
            look = {"fontsize": 8, "annotation_clip": False}
            ax.annotate(label, place, xytext=(5, 4), textcoords="offset points", **look)
    ax.set(xlabel=xlabel, ylabel="style distance, less is better", xlim=(-0.01, None), ylim=(0, None))
    ax.legend()
    return figure
