"""The figures of notebook 07: feature maps in numbers, what carries what, curves of knobs, content against style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.colorize import WAY_COLORS
from colorstyle_lib.course.plots.common import new_figure

_MARKS = "osD^vPX"
_BELOW = {"ha": "center", "va": "top", "fontsize": 8}


def feature_maps(maps: Mapping[str, Float[Tensor, "c h w"]]) -> Figure:
    """Small feature maps as grids of numbers, a row for each channel, with mean and deviation below each.

    Args:
        maps: by title; equally many channels each.
    """
    channels = len(next(iter(maps.values())))
    size = (1.6 * len(maps), 1.75 * channels)
    figure, axes = new_figure(channels, len(maps), figsize=size, squeeze=False)
    low, high = min(float(x.min()) for x in maps.values()), max(float(x.max()) for x in maps.values())
    for column, (title, x) in zip(axes.T, maps.items(), strict=True):
        for number, (ax, plane) in enumerate(zip(column, x, strict=True)):
            ax.imshow(plane.cpu().numpy(), cmap="cividis", vmin=low, vmax=high)
            for row, column_number in np.ndindex(*plane.shape):
                value = float(plane[row, column_number])
                dark = value < (low + high) / 2
                ax.text(column_number, row, f"{value:g}", ha="center", va="center", color="w" if dark else "k")
            ax.set_title(title if number == 0 else "")
            mean, deviation = float(plane.mean()), float(plane.std(correction=0))
            ax.text(0.5, -0.05, f"mean {mean:.3g}, dev. {deviation:.2g}", transform=ax.transAxes, **_BELOW)
            ax.set(xticks=[], yticks=[])
    for ax, number in zip(axes[:, 0], range(channels), strict=True):
        ax.set_ylabel(f"channel {number + 1}")
    return figure


def share_table(
    values: Float[Tensor, "rows columns"], rows: Sequence[str], columns: Sequence[str], label: str
) -> Figure:
    """A table of shares as colored cells with their percent; what points the other way is blue.

    Args:
        values: 1 for all of it, 0 for nothing, below 0 for the wrong way.
        rows: their names.
        columns: theirs.
        label: of the numbers.
    """
    figure, ax = new_figure(figsize=(1.25 * len(columns) + 2.6, 0.55 * len(rows) + 1.1))
    ax.imshow(values.cpu().numpy(), cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto")
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        ax.text(column, row, f"{value:.0%}", ha="center", va="center", color="w" if abs(value) > 0.7 else "k")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(label)
    return figure


def curves_by_setting(x: Sequence[float], panels: Mapping[str, Float[np.ndarray, "n k"]], xlabel: str) -> Figure:
    """Several measures over one knob: a thin line for each pair of pictures, a thick one for their mean.

    Args:
        x: values of the knob, k of them.
        panels: by what is measured, a row for each pair.
        xlabel: of the knob.
    """
    figure, axes = new_figure(1, len(panels), figsize=(3.0 * len(panels), 2.8), squeeze=False)
    for number, (ax, (title, table)) in enumerate(zip(axes[0], panels.items(), strict=True)):
        ax.plot(x, table.T, color="0.78", linewidth=0.7)
        ax.plot(x, table.mean(axis=0), "o-", color=WAY_COLORS[number % len(WAY_COLORS)], linewidth=2)
        ax.set(title=title, xlabel=xlabel, ylim=(min(0.0, float(table.min())), None))
    return figure


def tradeoff(
    ways: Mapping[str, Sequence[tuple[str, float, float]]], xlabel: str = "content distance, less is better"
) -> Figure:
    """Content against style: a mark for each way to restyle, a line through those of one way.

    Args:
        ways: for each, its points: what stands beside a point, its content distance, its style distance.
        xlabel: of the content distance.
    """
    figure, ax = new_figure(figsize=(5.6, 3.8))
    for number, (name, points) in enumerate(ways.items()):
        color, marker = WAY_COLORS[number % len(WAY_COLORS)], _MARKS[number % len(_MARKS)]
        labels, content, style = zip(*points, strict=True)
        ax.plot(content, style, marker=marker, linestyle="-" if len(points) > 1 else "none", color=color, label=name)
        for label, at_x, at_y in zip(labels, content, style, strict=True):
            ax.annotate(
                label,
                (at_x, at_y),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=7,
                color=color,
                annotation_clip=False,
            )
    ax.set(xlabel=xlabel, ylabel="style distance, less is better", xlim=(-0.01, None), ylim=(0, None))
    ax.legend()
    return figure
