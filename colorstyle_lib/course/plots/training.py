"""Plots of notebooks 02 and 04: GANs on points, learning curves, and seeds."""

from collections.abc import Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any

import torch
from matplotlib.figure import Figure

from colorstyle_lib.course.plots.common import BLUE, GREEN, curves, dots_and_bar, new_figure
from colorstyle_lib.course.toy_point_gan import REACH, Snapshot


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
        ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(), yticks=(), aspect="equal")
        ax.set(title=f"step {shot.step}", xlabel=f"long arrow: {longest:.2g}")
    axes[0, 0].legend(loc="upper left", markerscale=2, handletextpad=0.1, frameon=True)
    figure.colorbar(drawn, ax=list(axes[0]), label="D: probability of being real", shrink=0.8)
    return figure


def modes_and_quality(results: Mapping[str, Sequence[tuple[int, float]]], modes: int = 8) -> Figure:
    """Modes covered and share of points on a mode: a row for each way of training, a dot for each seed."""
    titles = (f"modes covered, of {modes} (dots: seeds, bar: mean)", "share of points on a mode")
    columns = {name: zip(titles, zip(*found, strict=True), strict=True) for name, found in results.items()}
    table = {name.replace("_", " "): dict(of_name) for name, of_name in columns.items()}
    return values_by_seed(table, limits=((0, modes), (0, 1)), width=3.4)


_NUMBERS = {  # by panel, the entries of a line of the log that are drawn
    "losses": ("loss", "color", "hole", "adversarial", "discriminator"),
    "PSNR ab of the average, dB": ("psnr_ab",),
    "discriminator accuracy": ("discriminator_accuracy",),
    "colorfulness, 1 is real": ("colorfulness_ratio",),
}


def training_curves(log: Sequence[Mapping[str, Any]]) -> Figure:
    """Losses, discriminator accuracy, quality of the pictures, and attention, from the lines of ``log.jsonl``.

    A dotted line with a name marks the end of each stage.
    """
    panels: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in log:
        shown = {title: {name: line.get(name) for name in names} for title, names in _NUMBERS.items()}
        in_d = {"{2}, 1/{1}".format(*key.split("/")): line[key] for key in line if key.startswith("weight_in_d/")}
        in_g = {f"{name}, 1/{k}": weight for k, some in line["attention"].items() for name, weight in some.items()}
        shown |= {"mean attention weight in D": in_d, "mean attention weight in G": in_g}
        for title, name, value in ((title, *one) for title, some in shown.items() for one in some.items()):
            if value:
                panels.setdefault(title, {}).setdefault(name, []).append((line["step"], value))
    drawn = {title: {n: tuple(zip(*one, strict=True)) for n, one in some.items()} for title, some in panels.items()}
    figure = curves(drawn, columns=2 + (len(drawn) > 4), xlabel="step", xlim=(0, log[-1]["step"]))
    for ax, title in zip(figure.axes, drawn, strict=False):
        ax.get_legend().set_frame_on(True)  # where it lies over a curve, it can still be read
        for stage, lines in groupby(log, key=lambda line: line["stage"]):
            end = list(lines)[-1]["step"]
            ax.axvline(end, color="0.6", linewidth=0.8, linestyle=":")
            ax.text(end, 0.98, stage, transform=ax.get_xaxis_transform(), rotation=90, ha="right", va="top", fontsize=7)
        if title == "discriminator accuracy":
            for level, name in ((0.97, "G learns little from D"), (0.5, "chance")):
                ax.axhline(level, color="0.5", linewidth=0.8, linestyle="--")
                ax.text(0, level, name, va="bottom", fontsize=8)
    figure.axes[0].set_yscale("symlog", linthresh=0.1, linscale=0.3)
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
    for ax, measure, ends in zip_longest(axes[0], measures, limits):
        for row, name in enumerate(names):
            dots_and_bar(ax, row, results[name][measure], color=BLUE, markersize=5)
        ax.set_yticks(range(len(names)), names)
        ax.yaxis.grid(True, color="0.9", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set(xlabel=measure, xlim=ends)
    return figure
