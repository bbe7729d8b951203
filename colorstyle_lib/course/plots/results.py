"""Plots of notebooks 05 to 07: evaluation, coloring and style transfer."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import BLUE, VERMILION, new_figure
from colorstyle_lib.metrics.bootstrap import Estimate


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
