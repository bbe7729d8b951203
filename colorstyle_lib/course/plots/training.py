"""Plots of notebooks 02 and 04: GANs on points, tasks, learning curves, and seeds."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.color import lab_to_rgb, luma_to_gray
from colorstyle_lib.course.plots.common import (
    BLUE,
    GREEN,
    MARKERS,
    MODALITY_COLORS,
    ORANGE,
    PINK,
    SKY,
    VERMILION,
    YELLOW,
    Picture,
    dots_and_bar,
    name_rows,
    new_figure,
    picture_grid,
)
from colorstyle_lib.course.toy_point_gan import REACH, Snapshot
from colorstyle_lib.training.tasks import TASKS, TaskBatch


def _plane(ax: Axes, title: str, below: str) -> None:
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(), yticks=(), aspect="equal")
    ax.set(title=title, xlabel=below)


def point_gan(snapshots: Sequence[Snapshot], arrows: int = 60) -> Figure:
    """The discriminator's field and the generator's arrows at several moments; each panel scales its own arrows."""
    figure, axes = new_figure(1, len(snapshots), figsize=(2.9 * len(snapshots) + 0.6, 3.3), squeeze=False)
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


def point_clouds(
    points: Mapping[str, Float[Tensor, "n 2"]], real: Float[Tensor, "m 2"], notes: Mapping[str, str]
) -> Figure:
    """Generated points over real ones, a panel for each way of training, with a line below it."""
    figure, axes = new_figure(1, len(points), figsize=(2.5 * len(points), 3.0), squeeze=False)
    for ax, (title, cloud) in zip(axes[0], points.items(), strict=True):
        ax.plot(*real.T.cpu().numpy(), ".", color=ORANGE, markersize=3, alpha=0.5)
        ax.plot(*cloud.T.cpu().numpy(), ".", color=BLUE, markersize=2)
        _plane(ax, title, notes[title])
    handles = [ax.plot([], [], "o", color=color)[0] for color in (ORANGE, BLUE)]
    figure.legend(handles, ("real", "generated"), loc="outside lower center", ncols=2)
    return figure


def modes_and_quality(results: Mapping[str, Sequence[tuple[int, float]]], modes: int = 8) -> Figure:
    """Modes covered and share of points on a mode: a row for each way of training, a dot for each seed."""
    titles = (f"modes covered, of {modes} (dots: seeds, bar: mean)", "share of points on a mode")
    rows = {name.replace("_", " "): zip(*found, strict=True) for name, found in results.items()}
    table = {name: dict(zip(titles, columns, strict=True)) for name, columns in rows.items()}
    return values_by_seed(table, limits=((0, modes), (0, 1)), width=3.4)


_STAGE_COLORS = {"supervised": SKY, "catch_up": YELLOW, "joint": PINK}


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


def task_inputs(examples: TaskBatch) -> Figure:
    """The generator's input in a step and the real picture, a column for each picture with its task as title.

    The input shows color where it is known, and white where L is not known. The reference or style between the two is
    left out where the task has none.
    """
    content = examples.content
    lab = content[:, :3] * content.new_tensor([100, 110, 110]).view(3, 1, 1)
    known_lightness, known_color = content[:, 3:4] > 0, content[:, 4:5] > 0
    inputs = torch.where(known_color, lab_to_rgb(lab).clamp(0, 1), luma_to_gray(lab[:, :1]))
    inputs = torch.where(known_lightness, inputs, 1.0)
    has_other = examples.has_task("reference", "stylize").tolist()
    others = [other if shown else None for other, shown in zip(examples.other, has_other, strict=True)]
    titles = [TASKS[task] for task in examples.task.tolist()]
    row_titles = ("input", "reference", "real")
    return picture_grid([[*inputs], others, [*examples.rgb]], titles=titles, row_titles=row_titles, height=1.3)


def training_curves(log: Sequence[Mapping[str, Any]]) -> Figure:
    """Losses, discriminator accuracy, quality of the pictures, and attention, from the lines of ``log.jsonl``."""
    in_d = [_weights_in_d(line) for line in log]
    in_g = [line["attention"] for line in log]
    columns = 3 if any(in_d) or in_g[-1] else 2
    figure, axes = new_figure(2, columns, figsize=(3.8 * columns, 5.6), sharex=True)
    # A stage goes up to the last line of the log at which it was the running one.
    ends = [(stage, list(lines)[-1]["step"]) for stage, lines in groupby(log, key=lambda line: line["stage"])]
    stages = [(stage, start, end) for (stage, end), (_, start) in zip(ends, [("", 0), *ends], strict=False)]
    titles = ["losses", "discriminator accuracy", "mean attention weight in D"][:columns]
    titles += ["PSNR ab of the average, dB", "colorfulness, 1 is real", "mean attention weight in G"][:columns]
    for ax, title in zip(axes.flat, titles, strict=True):
        for stage, start, end in stages:
            ax.axvspan(start, end, color=_STAGE_COLORS[stage], alpha=0.15, linewidth=0)
            ax.text((start + end) / 2, 1.02, stage, transform=ax.get_xaxis_transform(), ha="center", fontsize=7)
        ax.set_title(title, pad=18)  # above the names of the stages
    (losses, accuracy), (quality, color) = axes[:, :2]
    for name, marker in zip(("loss", "color", "lightness", "adversarial", "discriminator"), MARKERS, strict=False):
        if any(line.get(name) for line in log):
            _plot_number(losses, log, name, marker=marker)
    losses.set_yscale("symlog", linthresh=0.1, linscale=0.3)
    bottom, top = losses.get_ylim()
    losses.set_ylim(min(bottom, 0), 6 * top)  # room for the names
    losses.legend(ncols=3, loc="upper center")
    _plot_number(accuracy, log, "discriminator_accuracy", marker="o", color=BLUE)
    sure = accuracy.axhline(0.97, color=VERMILION, linewidth=0.8, linestyle="--", label="too sure to teach")
    coin = accuracy.axhline(0.5, color="0.5", linewidth=0.8, linestyle=":", label="a coin")
    accuracy.set_ylim(0, 1.03)
    accuracy.legend(handles=[sure, coin], loc="lower left")
    _plot_number(quality, log, "psnr_ab", marker="o", color=BLUE)
    _plot_number(color, log, "colorfulness_ratio", marker="s", color=ORANGE)
    color.axhline(1, color="0.5", linewidth=0.8, linestyle=":")
    color.set_ylim(0, None)
    if columns == 3:
        for ax, weights in zip(axes[:, 2], (in_d, in_g), strict=True):
            _plot_weights(ax, [line["step"] for line in log], weights)
    for ax in axes[1]:
        ax.set_xlabel("step")
    return figure


def _weights_in_d(line: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The entries ``weight_in_d/LEVEL/MODALITY`` of a log's line, by level and modality."""
    found: dict[str, dict[str, float]] = {}
    for key in sorted(line):
        if key.startswith("weight_in_d/"):
            _, level, name = key.split("/")
            found.setdefault(level, {})[name] = line[key]
    return found


def _plot_number(ax: Axes, log: Sequence[Mapping[str, Any]], name: str, **look: Any) -> None:
    """Draw a number of the log against the step, where it is there."""
    points = [(line["step"], line[name]) for line in log if name in line]
    if points:
        ax.plot(*zip(*points, strict=True), label=name, markersize=4, **look)


def _plot_weights(ax: Axes, steps: Sequence[int], weights: Sequence[Mapping[str, Mapping[str, float]]]) -> None:
    """Draw mean weights by level and modality, a line style for each level; 0 and None are absent modalities."""
    ax.set_ylim(-0.03, 1.03)
    levels = dict.fromkeys(level for one in weights for level in one)
    for level, style in zip(levels, ("-", "--", ":", "-."), strict=False):
        for name, color in MODALITY_COLORS.items():
            values = [(step, one.get(level, {}).get(name)) for step, one in zip(steps, weights, strict=True)]
            points = [(step, weight) for step, weight in values if weight]
            if points:
                ax.plot(*zip(*points, strict=True), style, color=color, label=f"{name}, 1/{level}")
    if ax.lines:
        ax.legend(ncols=2)
    else:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", color="0.5")


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


def before_after(rows: Mapping[str, Sequence[Picture]], titles: Sequence[str], trained_until: float | None) -> Figure:
    """Rows of the same pictures, and a line up to the share of the width that was trained on, if any was."""
    figure = picture_grid(list(rows.values()), titles=titles, row_titles=list(rows), height=1.35)
    for ax in figure.axes if trained_until is not None else ():
        left, right = ax.get_xlim()
        x = left + trained_until * (right - left)
        ax.axvline(x, color="white", linewidth=1.8)  # two lines: to be seen on light and on dark
        ax.axvline(x, color="black", linewidth=1.0, linestyle="--")
    return figure
