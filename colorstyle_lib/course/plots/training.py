"""Plots of notebooks 02 and 04: GANs on points, tasks, learning curves, and seeds."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.course.plots.common import (
    BLUE,
    GREEN,
    MODALITY_COLORS,
    PINK,
    SKY,
    VERMILION,
    YELLOW,
    dots_and_bar,
    name_rows,
    new_figure,
)
from colorstyle_lib.course.toy_point_gan import REACH, Snapshot


def _plane(ax: Axes, title: str, below: str) -> None:
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(), yticks=(), aspect="equal")
    ax.set(title=title, xlabel=below)


def point_gan(snapshots: Sequence[Snapshot], arrows: int = 60) -> Figure:
    """The discriminator's field and the generator's arrows at several moments; each panel scales its own arrows."""
    figure, axes = new_figure(1, len(snapshots), figsize=(2.9 * len(snapshots) + 0.8, 3.3), squeeze=False)
    surest = max(float((torch.sigmoid(shot.field) - 0.5).abs().quantile(0.99)) for shot in snapshots)
    scale = {"cmap": "PuOr", "alpha": 0.8, "vmin": 0.5 - surest, "vmax": 0.5 + surest}
    for ax, shot in zip(axes[0], snapshots, strict=True):
        belief = torch.sigmoid(shot.field).cpu().numpy()
        drawn = ax.imshow(belief, origin="lower", extent=(-REACH, REACH, -REACH, REACH), **scale)
        ax.plot(*shot.real.T.cpu().numpy(), ".", color="0.55", markersize=3, label="real")
        ax.plot(*shot.fake.T.cpu().numpy(), ".", color="black", markersize=3, label="generated")
        push = shot.arrows[:arrows]
        longest = float(push.norm(dim=1).quantile(0.9))
        start, way = shot.fake[:arrows].T.cpu().numpy(), (push / max(longest, 1e-12)).T.cpu().numpy()
        ax.quiver(*start, *way, angles="xy", scale_units="xy", scale=2.2, width=0.005, color=GREEN)
        _plane(ax, f"step {shot.step}", f"long arrow: {longest:.2g}")
    axes[0, 0].legend(loc="upper left", markerscale=2, handletextpad=0.1, frameon=True)
    figure.colorbar(drawn, ax=list(axes[0]), label="D: probability of being real", shrink=0.8)
    return figure


def modes_and_quality(results: Mapping[str, Sequence[tuple[int, float]]], modes: int = 8) -> Figure:
    """Modes covered and share of points on a mode: a row for each way of training, a dot for each seed."""
    titles = (f"modes covered, of {modes} (dots: seeds, bar: mean)", "share of points on a mode")
    rows = {name.replace("_", " "): zip(*found, strict=True) for name, found in results.items()}
    table = {name: dict(zip(titles, columns, strict=True)) for name, columns in rows.items()}
    return values_by_seed(table, limits=((0, modes), (0, 1)), width=3.4)


def orbits(
    paths: Mapping[str, Float[Tensor, "n 2"]],
    notes: Mapping[str, str],
    averages: Mapping[str, Float[Tensor, "n 2"]] | None = None,
) -> Figure:
    """The paths of two numbers (x, y) in a two-player game, a panel for each way of stepping, with a note below it.

    ``averages`` are second paths to draw: the moving average of the first.
    """
    figure, axes = new_figure(1, len(paths), figsize=(max(2.6 * len(paths), 3.5), 3.3), squeeze=False, sharey=True)
    reach = 1.1 * max(float(path.abs().max()) for path in paths.values())
    legend = {}
    for ax, (title, path) in zip(axes[0], paths.items(), strict=True):
        ax.plot(*path.T.tolist(), "-o", color=BLUE, markersize=2.5, linewidth=0.8, label="(x, y)")
        ax.plot(*path[0].tolist(), "s", color="black", markersize=6, label="start")
        if averages and title in averages:
            ax.plot(*averages[title].T.tolist(), "-", color=VERMILION, linewidth=2, label="moving average")
        ax.plot(0, 0, "+", color="black", markersize=10, label="equilibrium")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
        ax.set_xlabel(f"x, which descends\n{notes[title]}")
        legend |= {line.get_label(): line for line in ax.lines}
    axes[0, 0].set_ylabel("y, which ascends")
    figure.legend(legend.values(), legend, loc="outside lower center", ncols=len(legend))
    return figure


_STAGE_COLORS = {"supervised": SKY, "catch_up": YELLOW, "joint": PINK}

_NUMBERS = {
    "losses": ("loss", "color", "lightness", "adversarial", "discriminator"),
    "PSNR ab of the average, dB": ("psnr_ab",),
    "discriminator accuracy": ("discriminator_accuracy",),
    "colorfulness, 1 is real": ("colorfulness_ratio",),
}
"""The entries of a line of the log that are drawn, by panel."""


def training_curves(log: Sequence[Mapping[str, Any]]) -> Figure:
    """Losses, discriminator accuracy, quality of the pictures, and attention, from the lines of ``log.jsonl``."""
    panels = {title: [{n: line[n] for n in names if line.get(n)} for line in log] for title, names in _NUMBERS.items()}
    keys = {key: "{2}, 1/{1}".format(*key.split("/")) for line in log for key in line if key.startswith("weight_in_d/")}
    panels["mean attention weight in D"] = [{keys[key]: line[key] for key in keys if line.get(key)} for line in log]
    panels["mean attention weight in G"] = [
        {f"{name}, 1/{level}": w for level, some in line["attention"].items() for name, w in some.items() if w}
        for line in log
    ]
    # A stage goes up to the last line of the log at which it was the running one.
    ends = [(stage, list(lines)[-1]["step"]) for stage, lines in groupby(log, key=lambda line: line["stage"])]
    stages = [(stage, start, end) for (stage, end), (_, start) in zip(ends, [("", 0), *ends], strict=False)]
    columns = 3 if any(map(any, list(panels.values())[-2:])) else 2
    figure, axes = new_figure(2, columns, figsize=(3.8 * columns, 5.6), sharex=True)
    for ax, (title, values) in zip(axes.T.flat, panels.items(), strict=False):
        for stage, start, end in stages:
            ax.axvspan(start, end, color=_STAGE_COLORS[stage], alpha=0.15, linewidth=0)
            ax.text((start + end) / 2, 1.02, stage, transform=ax.get_xaxis_transform(), ha="center", fontsize=7)
        levels = list(dict.fromkeys(name.partition(", ")[2] for one in values for name in one))
        for name in dict.fromkeys(name for one in values for name in one):
            modality, _, level = name.partition(", ")
            look = {"linestyle": ("-", "--", ":", "-.")[levels.index(level)], "color": MODALITY_COLORS.get(modality)}
            points = [(line["step"], one[name]) for line, one in zip(log, values, strict=True) if name in one]
            ax.plot(*zip(*points, strict=True), label=name, **(look if level else {"marker": "o", "markersize": 4}))
        ax.set_title(title, pad=18)  # above the names of the stages
        if len(ax.lines) > 1:
            ax.legend(ncols=2, fontsize=7)
    (losses, accuracy), (_, colorfulness) = axes[:, :2]
    losses.set_yscale("symlog", linthresh=0.1, linscale=0.3)
    accuracy.axhline(0.97, color=VERMILION, linewidth=0.8, linestyle="--", label="too sure to teach")
    accuracy.axhline(0.5, color="0.5", linewidth=0.8, linestyle=":", label="a coin")
    accuracy.legend(handles=accuracy.lines[-2:], loc="lower left")
    colorfulness.axhline(1, color="0.5", linewidth=0.8, linestyle=":")
    colorfulness.set_ylim(0, None)
    for ax in (accuracy, *axes[:, 2:].flat):
        ax.set_ylim(-0.03, 1.03)
    for ax in axes[1]:
        ax.set_xlabel("step")
    return figure


def values_by_seed(
    results: Mapping[str, Mapping[str, Sequence[float | int]]],
    limits: Sequence[tuple[int, int]] = (),
    width: float = 2.5,
) -> Figure:
    """Values of each seed as dots with a bar at their mean: a row for each way of training, a panel a measure."""
    measures = list(next(iter(results.values())))
    size = (width * len(measures) + 1.2, 0.41 * len(results) + 1.0)
    figure, axes = new_figure(1, len(measures), figsize=size, sharey=True, squeeze=False)
    names = list(results)[::-1]  # the first row on top
    for ax, measure in zip(axes[0], measures, strict=True):
        for row, name in enumerate(names):
            dots_and_bar(ax, row, results[name][measure], color=BLUE, markersize=5)
        name_rows(ax, names)
        ax.set_xlabel(measure)
    for ax, ends in zip(axes[0], limits, strict=False):
        ax.set_xlim(ends)
    return figure
