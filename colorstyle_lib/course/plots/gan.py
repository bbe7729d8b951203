"""Plots of notebook 02: a GAN on points, the optimal discriminator, saturation, collapse, and true colors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from colorstyle_lib.color import lab_to_rgb
from colorstyle_lib.course.plots.common import dots_and_bar, name_rows, new_figure
from colorstyle_lib.course.plots.palette import BLUE, ORANGE, VERMILION
from colorstyle_lib.course.plots.training import values_by_seed
from colorstyle_lib.course.toy_point_gan import REACH, Snapshot


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
        ax.quiver(*start, *way, angles="xy", scale_units="xy", scale=2.2, width=0.005, color=VERMILION)
        _plane(ax, f"step {shot.step}", f"long arrow: {longest:.2g}")
    axes[0, 0].legend(loc="upper left", markerscale=2, handletextpad=0.1, frameon=True)
    figure.colorbar(drawn, ax=list(axes[0]), label="D: probability of being real", shrink=0.8)
    return figure


def optimal_discriminator(
    x: Float[Tensor, " k"],
    p: Float[Tensor, " k"],
    q: Float[Tensor, " k"],
    formula: Float[Tensor, " k"],
    learned: Float[Tensor, " k"],
) -> Figure:
    """Shares p of real and q of generated samples in bins around x; below, the best D by formula and as learned."""
    figure, (top, bottom) = new_figure(2, 1, figsize=(6.6, 4.2), sharex=True)
    half = (x[1] - x[0]) / 2
    edges = torch.cat((x[:1] - half, x + half)).tolist()
    for share, label in ((p, "p: real"), (q, "q: generated")):
        top.stairs(share.tolist(), edges, fill=True, alpha=0.5, label=label)
    top.set(ylabel="share of samples", yticks=())
    top.legend()
    bottom.plot(x, formula, color="black", linewidth=3, alpha=0.35, label="p / (p + q)")
    bottom.plot(x, learned, "o", color=VERMILION, markersize=3, label="found by ascent")
    bottom.axhline(0.5, color="0.7", linewidth=0.8, linestyle=":")
    bottom.set(ylim=(-0.03, 1.03), xlabel="x", ylabel="D(x)")
    bottom.legend()
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
    table = {
        name.replace("_", " "): dict(zip(titles, zip(*found, strict=True), strict=True))
        for name, found in results.items()
    }
    return values_by_seed(table, limits=((0, modes), (0, 1)), width=3.4)


def predicted_colors(
    colors: Mapping[str, Mapping[str, Float[Tensor, "k 2"]]], true: Mapping[str, Float[Tensor, "_ 2"]], near: float
) -> Figure:
    """Predicted (a, b) by way of training and kind of object, with circles around the kind's true colors."""
    size = (2.4 * len(colors) + 0.5, 2.5 * len(true) + 0.4)
    figure, axes = new_figure(len(true), len(colors), figsize=size, squeeze=False, sharex=True, sharey=True)
    for axes_row, (kind, known) in zip(axes, true.items(), strict=True):
        axes_row[0].set_ylabel(f"{kind}\nb")
        for ax, by_kind in zip(axes_row, colors.values(), strict=True):
            for center in known.tolist():
                ax.add_patch(Circle(tuple(center), near, fill=False, edgecolor="black", linewidth=1.2))
            ax.plot(*by_kind[kind].T.cpu().numpy(), ".", color=BLUE, markersize=3, alpha=0.4)
            ax.plot(*known.mean(dim=0).tolist(), "D", color=VERMILION, markeredgecolor="white", markersize=7)
            ax.set(xlim=(-65, 65), ylim=(-65, 65), aspect="equal", xticks=(-50, 0, 50), yticks=(-50, 0, 50))
    for top, bottom, way in zip(axes[0], axes[-1], colors, strict=True):
        top.set_title(way)
        bottom.set_xlabel("a")
    axes[0, 0].plot([], [], "D", color=VERMILION, markersize=6, label="mean")
    axes[0, 0].plot([], [], "o", color="none", markeredgecolor="black", markersize=8, label="true")
    axes[0, 0].legend(loc="lower right", handletextpad=0.1)
    return figure


def color_shares(
    found: Mapping[str, Sequence[Sequence[float]]], true: Mapping[str, Float[Tensor, "_ 2"]], lightness: float = 57.0
) -> Figure:
    """Shares of predictions near each true color (a, b), by kind: a dot for each seed, filled with that color.

    A bar marks the share that each color would have if all were equally likely.
    """
    rows = [(kind, i, color) for kind, known in true.items() for i, color in enumerate(known)]
    figure, ax = new_figure(figsize=(7.2, 0.4 * len(rows) + 0.9))
    for row, (kind, i, color) in zip(range(len(rows))[::-1], rows, strict=True):
        rgb = lab_to_rgb(torch.tensor([lightness, *color.tolist()])[:, None, None]).flatten().tolist()
        shares = [one[i] for one in found[kind]]
        dots_and_bar(ax, row, shares, 1 / len(true[kind]), color=rgb, markeredgecolor="black", markersize=7)
    name_rows(ax, [f"{kind} ({color[0]:.0f}, {color[1]:.0f})" for kind, _, color in rows[::-1]])
    ax.set(xlim=(0, 0.6), xlabel="share of answers near this true color (a, b)  (dots: seeds, bar: if all were equal)")
    return figure
