"""Plots of notebook 07: feature maps in numbers, a table of shares, curves of a setting, content against style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import MARKERS, SERIES


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


def share_table(
    values: Float[Tensor, "rows columns"], rows: Sequence[str], columns: Sequence[str], label: str
) -> Figure:
    """A table of shares as colored cells with their percent: 1 is all of it, 0 nothing, below 0 the wrong way."""
    figure, ax = new_figure(figsize=(1.25 * len(columns) + 2.6, 0.55 * len(rows) + 1.1))
    ax.imshow(values.cpu().numpy(), cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values.cpu().numpy()):
        color = "w" if abs(value) > 0.7 else "k"
        ax.text(column, row, f"{value:.0%}", ha="center", va="center", color=color)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(label)
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
            look = {"fontsize": 7, "color": color, "annotation_clip": False}
            ax.annotate(label, place, xytext=(5, 4), textcoords="offset points", **look)
    ax.set(xlabel=xlabel, ylabel="style distance, less is better", xlim=(-0.01, None), ylim=(0, None))
    ax.legend()
    return figure
