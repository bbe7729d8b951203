"""Plots of notebook 06: bringing chroma to size, errors by image, curves of settings, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import BLUE, MARKERS, SERIES, VERMILION


def chroma_profile(
    guide: Float[Tensor, " w"], truth: Float[Tensor, " w"], ways: Mapping[str, Float[Tensor, " w"]], name: str = "b"
) -> Figure:
    """L of one row of pixels, and a plane of chroma as it is and as several ways bring it back from half the size."""
    figure, (above, below) = new_figure(2, 1, figsize=(5.6, 3.6), sharex=True, height_ratios=(1, 2))
    x = np.arange(len(guide))
    above.bar(x, guide.tolist(), width=1, color=[str(L / 100) for L in guide.tolist()], edgecolor="0.5", linewidth=0.6)
    above.set(ylabel="L", ylim=(0, 100))
    below.bar(x, truth.tolist(), width=1, color="0.88", label="truth")
    # Beside each other within a pixel, so that equal values do not hide one another.
    places = 0.2 * (np.arange(len(ways)) - (len(ways) - 1) / 2)
    for (title, values), place, color, marker in zip(ways.items(), places, SERIES, MARKERS, strict=False):
        below.plot(x + place, values.tolist(), marker, color=color, label=title, markersize=6, clip_on=False)
    below.set(ylabel=name, xlabel="column of pixels", xticks=x)
    below.legend(loc="upper left", bbox_to_anchor=(1, 1))
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


def error_by_hints(counts: Sequence[int], errors: Mapping[str, Float[np.ndarray, "n k"]], wanted: float) -> Figure:
    """Squared ab error by image and number of hints, in percent of that without; a panel for each way."""
    figure, axes = new_figure(1, len(errors), figsize=(3.6 * len(errors), 3.1), sharey=True, squeeze=False)
    for ax, (title, table) in zip(axes[0], errors.items(), strict=True):
        share = 100 * table / table[:, :1].clip(1e-9)
        ax.plot(counts, share.T, color="0.75", linewidth=0.7)
        mean = 100 * table.mean(axis=0) / table[:, 0].mean()
        ax.plot(counts, mean, "o-", color=BLUE, label="all images together")
        ax.axhline(wanted, color=VERMILION, linestyle=":", label=f"criterion: {wanted:.0f} %")
        ax.set(title=title, xlabel="hints", xticks=counts, ylim=(0, min(250, 1.1 * max(share.max(), 100))))
    axes[0, 0].set_ylabel("squared ab error, % of that without")
    axes[0, 0].legend(loc="upper right")
    return figure


def calibration(
    predicted: Float[np.ndarray, " bins"],
    actual: Float[np.ndarray, " bins"],
    interval: Float[np.ndarray, "2 bins"],
    each: Sequence[tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"]]] = (),
    within: float = 1.5,
) -> Figure:
    """Predicted spread against actual error, bin by bin; on the diagonal the model is as wrong as it says.

    Args:
        predicted: root mean square of the spread in each bin, Lab units.
        actual: root mean square ab error of the same pixels.
        interval: lower and upper end for ``actual``.
        each: the same for single images.
        within: the factor that the criterion allows either way.
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
