"""The figures of notebook 04: orbits, questions, learning curves, seeds, and photographs before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.color import lab_to_rgb, luma_to_gray
from colorstyle_lib.course.plots.attention import MODALITY_COLORS
from colorstyle_lib.course.plots.common import Picture, new_figure, show_picture
from colorstyle_lib.course.plots.palette import BLUE, GREEN, ORANGE, PINK, SKY, VERMILION, YELLOW
from colorstyle_lib.training.tasks import TASKS, TaskBatch

STAGE_COLORS = {"supervised": SKY, "catch_up": YELLOW, "joint": PINK}


def orbits(
    paths: Mapping[str, Float[Tensor, "n 2"]],
    notes: Mapping[str, str],
    averages: Mapping[str, Float[Tensor, "n 2"]] | None = None,
) -> Figure:
    """Where two numbers go that play a game, a panel for each way of playing.

    Args:
        paths: (x, y) after each step, by title.
        notes: a line below each panel, by title.
        averages: a second path to draw into a panel: the moving average of the first.
    """
    figure, axes = new_figure(1, len(paths), figsize=(2.6 * len(paths), 3.3), squeeze=False, sharey=True)
    reach = 1.1 * max(float(path.abs().max()) for path in paths.values())
    for ax, (title, path) in zip(axes[0], paths.items(), strict=True):
        ax.plot(*path.T.tolist(), "-o", color=BLUE, markersize=2.5, linewidth=0.8, label="(x, y)")
        ax.plot(*path[0].tolist(), "s", color="black", markersize=6, label="start")
        if averages and title in averages:
            ax.plot(*averages[title].T.tolist(), "-", color=VERMILION, linewidth=2, label="moving average")
        ax.plot(0, 0, "+", color="black", markersize=10, label="equilibrium")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
        ax.set_xlabel(f"x, which descends\n{notes[title]}")
    axes[0, 0].set_ylabel("y, which ascends")
    handles, labels = axes[0, -1].get_legend_handles_labels()
    for ax in axes[0]:
        more = zip(*ax.get_legend_handles_labels(), strict=True)
        fresh = [(handle, label) for handle, label in more if label not in labels]
        handles, labels = handles + [handle for handle, _ in fresh], labels + [label for _, label in fresh]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def task_inputs(examples: TaskBatch) -> Figure:
    """What the generator is told in a step and what would be right, a column for each picture.

    Args:
        examples: a few pictures with their tasks. What is told of color is shown where it is known; where L is not
            known the picture is white. The picture beside it is left out where the task does not show it.
    """
    told = _told(examples)
    titles = [TASKS[task] for task in examples.task.tolist()]
    shown = examples.asked("reference", "stylize").tolist()
    figure, axes = new_figure(3, len(titles), figsize=(1.3 * len(titles) + 0.3, 4.1), squeeze=False)
    for j, title in enumerate(titles):
        show_picture(axes[0, j], told[j], title)
        axes[1, j].set_axis_off()
        if shown[j]:
            show_picture(axes[1, j], examples.other[j])
        show_picture(axes[2, j], examples.rgb[j])
    for ax, name in zip(axes[:, 0], ("told", "shown beside", "right"), strict=True):
        ax.text(-0.08, 0.5, name, transform=ax.transAxes, rotation=90, ha="right", va="center")
    return figure


def _told(examples: TaskBatch) -> Float[Tensor, "n 3 h w"]:
    content = examples.content()
    lab = content[:, :3] * content.new_tensor([100, 110, 110]).view(3, 1, 1)
    gray = luma_to_gray(lab[:, :1])
    known_lightness, known_color = content[:, 3:4] > 0, content[:, 4:5] > 0
    picture = torch.where(known_color, lab_to_rgb(lab).clamp(0, 1), gray)
    return torch.where(known_lightness, picture, 1.0)


def training_curves(log: Sequence[Mapping[str, Any]]) -> Figure:
    """A training as its log tells it: losses, who wins, how good the pictures are, where attention goes.

    Args:
        log: lines of ``log.jsonl``, in order.
    """
    levels_of_d = sorted({name.split("/")[1] for one in log for name in one if name.startswith("weight_in_d/")})
    columns = 3 if levels_of_d or log[-1]["attention"] else 2
    figure, axes = new_figure(2, columns, figsize=(3.8 * columns, 5.6), sharex=True)
    (losses, verdicts), (quality, color) = axes[:, :2]
    for ax in axes.flat:
        _stages(ax, log)
    for name, mark in zip(("loss", "color", "lightness", "adversarial", "discriminator"), "os^vD", strict=True):
        if any(one.get(name) for one in log):
            _line(losses, log, name, marker=mark)
    losses.set_yscale("symlog", linthresh=0.1, linscale=0.3)
    bottom, top = losses.get_ylim()
    losses.set_ylim(min(bottom, 0), 6 * top)  # room for the names
    losses.legend(ncols=3, loc="upper center")
    _line(verdicts, log, "discriminator_accuracy", marker="o", color=BLUE)
    sure = verdicts.axhline(0.97, color=VERMILION, linewidth=0.8, linestyle="--", label="too sure to teach")
    coin = verdicts.axhline(0.5, color="0.5", linewidth=0.8, linestyle=":", label="a coin")
    verdicts.set_ylim(0, 1.03)
    verdicts.legend(handles=[sure, coin], loc="lower left")
    _line(quality, log, "psnr_ab", marker="o", color=BLUE)
    _line(color, log, "colorfulness_ratio", marker="s", color=ORANGE)
    color.axhline(1, color="0.5", linewidth=0.8, linestyle=":")
    color.set_ylim(0, None)
    titles = ["losses", "discriminator accuracy", "PSNR ab of the average, dB", "colorfulness, 1 is real"]
    titled = [losses, verdicts, quality, color]
    if columns == 3:
        _weights(axes[0, 2], log, {level: f"weight_in_d/{level}" for level in levels_of_d})
        _weights(axes[1, 2], log, {level: f"attention/{level}" for level in log[-1]["attention"]})
        titles += ["mean attention weight in D", "mean attention weight in G"]
        titled += list(axes[:, 2])
    for ax, title in zip(titled, titles, strict=True):
        ax.set_title(title, pad=18)  # above the names of the stages
    for ax in axes[1]:
        ax.set_xlabel("step")
    return figure


def _stages(ax: Axes, log: Sequence[Mapping[str, Any]]) -> None:
    """Shade the stages, each up to the last look at which it was the running one."""
    start = 0
    for stage, lines in groupby(log, key=lambda one: one["stage"]):
        end = list(lines)[-1]["step"]
        ax.axvspan(start, end, color=STAGE_COLORS[stage], alpha=0.15, linewidth=0)
        ax.text((start + end) / 2, 1.02, stage, transform=ax.get_xaxis_transform(), ha="center", fontsize=7)
        start = end


def _line(ax: Axes, log: Sequence[Mapping[str, Any]], name: str, **look: Any) -> None:
    """A number of the log against the step, where it is there."""
    points = [(one["step"], one[name]) for one in log if name in one]
    if points:
        ax.plot(*zip(*points, strict=True), label=name, markersize=4, **look)


def _weights(ax: Axes, log: Sequence[Mapping[str, Any]], levels: Mapping[str, str]) -> None:
    """Mean weight of each modality, a line style for each level; what a picture does not have is left out.

    Args:
        ax: where to draw.
        log: lines of the log.
        levels: for each level what its numbers' names begin with, joined by ``/``.
    """
    ax.set_ylim(-0.03, 1.03)
    for (level, prefix), style in zip(levels.items(), ("-", "--", ":", "-."), strict=False):
        for name, color in MODALITY_COLORS.items():
            points = [(one["step"], _find(one, f"{prefix}/{name}")) for one in log]
            points = [(step, weight) for step, weight in points if weight]  # 0 and None: not there
            if points:
                ax.plot(*zip(*points, strict=True), style, color=color, label=f"{name}, 1/{level}")
    if ax.lines:
        ax.legend(ncols=2)
    else:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", color="0.5")


def _find(line: Mapping[str, Any], name: str) -> float | None:
    """A number of a line by its full name, whether that is one key or a path through dicts."""
    if name in line:
        return line[name]
    head, _, rest = name.partition("/")
    inner = line.get(head)
    return _find(inner, rest) if rest and isinstance(inner, Mapping) else None


def curves_by_seed(
    panels: Mapping[str, Mapping[str, Sequence[tuple[Sequence[int], Sequence[float]]]]],
    labels: tuple[str, str],
    line: tuple[float, str] | None = None,
) -> Figure:
    """Curves of several seeds: each thin, their mean thick, a color for each way, a panel for each question.

    Args:
        panels: by title, by way: for each seed the steps and the values.
        labels: of the axes.
        line: a value to compare with, and its name.
    """
    figure, axes = new_figure(1, len(panels), figsize=(4.4 * len(panels), 3.4), squeeze=False, sharey=True)
    for ax, (title, ways) in zip(axes[0], panels.items(), strict=True):
        for (way, seeds), color, mark in zip(ways.items(), (BLUE, ORANGE, GREEN, PINK), "os^D", strict=False):
            for steps, values in seeds:
                ax.plot(steps, values, color=color, alpha=0.35, linewidth=0.9)
            middle = torch.tensor([values for _, values in seeds]).mean(0)
            ax.plot(seeds[0][0], middle, color=color, marker=mark, markersize=4, linewidth=2, label=way)
        if line:
            ax.axhline(line[0], color="0.5", linewidth=0.9, linestyle=":")
            ax.text(1.01, line[0], line[1], transform=ax.get_yaxis_transform(), va="center", fontsize=8)
        ax.set(xlabel=labels[0], title=title)
        ax.legend()
    axes[0, 0].set_ylabel(labels[1])
    return figure


def values_by_seed(results: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Each way of training as a row, each measure as a panel, each seed as a dot, their mean as a bar.

    Args:
        results: by way, by measure: a value a seed.
    """
    measures = list(next(iter(results.values())))
    size = (2.5 * len(measures) + 1.2, 0.4 * len(results) + 1.0)
    figure, axes = new_figure(1, len(measures), figsize=size, sharey=True, squeeze=False)
    names = list(results)[::-1]
    for ax, measure in zip(axes[0], measures, strict=True):
        for row, name in enumerate(names):
            values = results[name][measure]
            spread = torch.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else torch.zeros(1)
            ax.axhline(row, color="0.9", linewidth=0.6, zorder=0)
            ax.plot(values, row + spread, "o", color=BLUE, markersize=5, clip_on=False)
            ax.plot([sum(values) / len(values)] * 2, [row - 0.3, row + 0.3], color="black", linewidth=1.6)
        ax.set_xlabel(measure)
        ax.tick_params(left=False)
    axes[0, 0].set_yticks(range(len(names)), names)
    return figure


def before_after(rows: Mapping[str, Sequence[Picture]], titles: Sequence[str], trained_until: float | None) -> Figure:
    """Rows of the same pictures, and a line up to where each was trained on.

    Args:
        rows: pictures by the row's name.
        titles: of the columns.
        trained_until: share of the width; None where no part of them was trained on.
    """
    first = next(iter(rows.values()))
    ratios = [p.shape[2] / p.shape[1] if isinstance(p, Tensor) else p.width / p.height for p in first]
    size = (1.35 * sum(ratios), 1.35 * len(rows) + 0.25)
    figure, axes = new_figure(len(rows), len(first), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios})
    for i, (name, pictures) in enumerate(rows.items()):
        for j, picture in enumerate(pictures):
            show_picture(axes[i, j], picture, titles[j] if i == 0 else "")
            if trained_until is not None:
                left, right = axes[i, j].get_xlim()
                x = left + trained_until * (right - left)
                axes[i, j].axvline(x, color="white", linewidth=1.8)  # two lines: to be seen on light and on dark
                axes[i, j].axvline(x, color="black", linewidth=1.0, linestyle="--")
        label = axes[i, 0]
        label.text(-0.04, 0.5, name, transform=label.transAxes, rotation=90, ha="right", va="center")
    return figure
