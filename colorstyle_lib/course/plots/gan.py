"""The figures of notebook 02: a game on points, the optimal discriminator, saturation, collapse, and true colors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from colorstyle_lib.color import lab_to_rgb
from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import BLUE, ORANGE, VERMILION
from colorstyle_lib.course.toy_point_gan import REACH, Snapshot

_REAL, _FAKE = "0.55", "black"


def _plane(ax: Axes, title: str) -> None:
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(), yticks=(), aspect="equal", title=title)


def point_gan(snapshots: Sequence[Snapshot], arrows: int = 60) -> Figure:
    """The discriminator's field and the generator's arrows as both evolve.

    Args:
        snapshots: the moments to show, in order.
        arrows: how many of the generated points show theirs. Each panel has its own scale of arrows, written
            below it, because their lengths differ by orders of magnitude.
    """
    figure, axes = new_figure(1, len(snapshots), figsize=(2.9 * len(snapshots) + 0.6, 3.3), squeeze=False)
    surest = max(float((torch.sigmoid(shot.field) - 0.5).abs().quantile(0.99)) for shot in snapshots)
    for ax, shot in zip(axes[0], snapshots, strict=True):
        belief = torch.sigmoid(shot.field).cpu().numpy()
        extent = (-REACH, REACH, -REACH, REACH)
        drawn = ax.imshow(belief, origin="lower", extent=extent, cmap="PuOr", alpha=0.8)
        drawn.set_clim(0.5 - surest, 0.5 + surest)
        ax.plot(*shot.real.T.cpu().numpy(), ".", color=_REAL, markersize=3, label="real")
        ax.plot(*shot.fake.T.cpu().numpy(), ".", color=_FAKE, markersize=3, label="generated")
        push = shot.arrows[:arrows]
        longest = float(push.norm(dim=1).quantile(0.9))
        ax.quiver(
            *shot.fake[:arrows].T.cpu().numpy(),
            *(push / max(longest, 1e-12)).T.cpu().numpy(),
            angles="xy",
            scale_units="xy",
            scale=2.2,
            width=0.005,
            color=VERMILION,
        )
        _plane(ax, f"step {shot.step}")
        ax.set_xlabel(f"long arrow: {longest:.2g}")
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
    """Two densities, and below them the best discriminator by formula and by gradient ascent.

    Args:
        x: middles of the histogram's bins.
        p: share of real samples in each.
        q: share of generated ones.
        formula: p / (p + q).
        learned: what gradient ascent on equation (1) has found.
    """
    figure, (top, bottom) = new_figure(2, 1, figsize=(6.6, 4.2), sharex=True)
    top.stairs(p.tolist(), _edges(x), fill=True, alpha=0.5, label="p: real")
    top.stairs(q.tolist(), _edges(x), fill=True, alpha=0.5, label="q: generated")
    top.set(ylabel="share of samples", yticks=())
    top.legend()
    bottom.plot(x, formula, color="black", linewidth=3, alpha=0.35, label="p / (p + q)")
    bottom.plot(x, learned, "o", color=VERMILION, markersize=3, label="found by ascent")
    bottom.axhline(0.5, color="0.7", linewidth=0.8, linestyle=":")
    bottom.set(ylim=(-0.03, 1.03), xlabel="x", ylabel="D(x)")
    bottom.legend()
    return figure


def _edges(middles: Tensor) -> list[float]:
    half = float(middles[1] - middles[0]) / 2
    return [float(middles[0]) - half, *(middles + half).tolist()]


def loss_gradients(logits: Float[Tensor, " k"], by_objective: Mapping[str, Float[Tensor, " k"]]) -> Figure:
    """How hard each generator loss pulls on one logit.

    Args:
        logits: the discriminator's, on a generated picture.
        by_objective: size of the loss's derivative at each of them.
    """
    figure, ax = new_figure(figsize=(6.8, 3.4))
    styles = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
    for (name, slope), style in zip(by_objective.items(), styles, strict=False):
        ax.plot(logits, slope, linestyle=style, label=name.replace("_", " "))
    ax.axvline(0, color="0.7", linewidth=0.8)
    ax.set(xlabel="logit of a generated picture  (left: surely fake, right: fooled)", ylabel="|slope| of the loss")
    ax.set_ylim(0, 2.2)  # the least squares' grows without end
    ax.set_xlim(float(logits[0]), float(logits[-1]))
    ax.legend(loc="upper left")
    return figure


def gradient_norms(steps: Sequence[int], norms: Mapping[str, Sequence[float]]) -> Figure:
    """The generator's gradient while only the discriminator learns; logarithmic.

    Args:
        steps: the discriminator's.
        norms: of the generator's gradient, by objective.
    """
    figure, ax = new_figure(figsize=(6.2, 3.2))
    for (name, values), mark in zip(norms.items(), "osD^v", strict=False):
        ax.plot(steps, values, marker=mark, markersize=4, label=name.replace("_", " "))
    ax.set_yscale("log")
    ax.set(xlabel="steps of the discriminator against a generator that stands still", ylabel="gradient's norm")
    ax.legend()
    return figure


def point_clouds(
    points: Mapping[str, Float[Tensor, "n 2"]], real: Float[Tensor, "m 2"], notes: Mapping[str, str]
) -> Figure:
    """Generated points over real ones, a panel for each way of training.

    Args:
        points: generated, by title.
        real: the same real points for all.
        notes: a line below each panel, by title.
    """
    figure, axes = new_figure(1, len(points), figsize=(2.5 * len(points), 3.0), squeeze=False)
    for ax, (title, cloud) in zip(axes[0], points.items(), strict=True):
        ax.plot(*real.T.cpu().numpy(), ".", color=ORANGE, markersize=3, alpha=0.5)
        ax.plot(*cloud.T.cpu().numpy(), ".", color=BLUE, markersize=2)
        _plane(ax, title)
        ax.set_xlabel(notes[title])
    handles = [ax.plot([], [], "o", color=color)[0] for color in (ORANGE, BLUE)]
    figure.legend(handles, ("real", "generated"), loc="outside lower center", ncols=2)
    return figure


def modes_and_quality(results: Mapping[str, Sequence[tuple[int, float]]], modes: int = 8) -> Figure:
    """Each way of training as a row, each seed as a mark: modes covered at the left, quality at the right.

    Args:
        results: for each way, a pair of modes covered and share of points on a mode, one a seed.
        modes: how many there are.
    """
    figure, (left, right) = new_figure(1, 2, figsize=(8.0, 0.42 * len(results) + 0.9), sharey=True)
    names = list(results)[::-1]
    for row, name in enumerate(names):
        for ax, values in zip((left, right), zip(*results[name], strict=True), strict=True):
            spread = torch.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else torch.zeros(1)
            ax.plot(values, row + spread, "o", color=BLUE, markersize=5, clip_on=False)
            middle = sum(values) / len(values)
            ax.plot([middle, middle], [row - 0.3, row + 0.3], color="black", linewidth=1.6)
            ax.axhline(row, color="0.9", linewidth=0.6, zorder=0)
    left.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    left.set(xlim=(0, modes), xlabel=f"modes covered, of {modes} (dots: seeds, bar: mean)")
    right.set(xlim=(0, 1), xlabel="share of points on a mode")
    right.tick_params(left=False)
    return figure


def predicted_colors(
    colors: Mapping[str, Mapping[str, Float[Tensor, "k 2"]]], true: Mapping[str, Float[Tensor, "_ 2"]], near: float
) -> Figure:
    """Where answers lie in the ab plane: a row for each kind of object, a column for each way of training.

    Args:
        colors: by way of training, by kind: one (a, b) for each object and draw.
        true: by kind, the colors that it can have; their mean is marked too.
        near: radius of the circle within which an answer counts as true.
    """
    size = (2.4 * len(colors) + 0.5, 2.5 * len(true) + 0.4)
    figure, axes = new_figure(len(true), len(colors), figsize=size, squeeze=False, sharex=True, sharey=True)
    for i, (kind, known) in enumerate(true.items()):
        for j, (way, by_kind) in enumerate(colors.items()):
            ax = axes[i, j]
            for center in known.tolist():
                ax.add_patch(_circle(center, near))
            ax.plot(*by_kind[kind].T.cpu().numpy(), ".", color=BLUE, markersize=3, alpha=0.4)
            ax.plot(*known.mean(dim=0).tolist(), "D", color=VERMILION, markeredgecolor="white", markersize=7)
            ax.set(xlim=(-65, 65), ylim=(-65, 65), aspect="equal", xticks=(-50, 0, 50), yticks=(-50, 0, 50))
            if i == 0:
                ax.set_title(way)
            if i == len(true) - 1:
                ax.set_xlabel("a")
            if j == 0:
                ax.set_ylabel(f"{kind}\nb")
    axes[0, 0].plot([], [], "D", color=VERMILION, markersize=6, label="mean")
    axes[0, 0].plot([], [], "o", color="none", markeredgecolor="black", markersize=8, label="true")
    axes[0, 0].legend(loc="lower right", handletextpad=0.1)
    return figure


def color_shares(
    found: Mapping[str, Sequence[Sequence[float]]], true: Mapping[str, Float[Tensor, "_ 2"]], lightness: float = 57.0
) -> Figure:
    """How often each true color is the answer: a row for each, a dot for each seed, filled with that color.

    Args:
        found: by kind, for each seed the share of answers near each of its true colors.
        true: by kind, these colors (a, b); a bar marks the share that each would have if all were equally likely.
        lightness: L in which the dots are filled.
    """
    rows = [
        (kind, color, [one[i] for one in found[kind]]) for kind, known in true.items() for i, color in enumerate(known)
    ]
    figure, ax = new_figure(figsize=(7.2, 0.4 * len(rows) + 0.9))
    for row, (kind, color, values) in zip(range(len(rows))[::-1], rows, strict=True):
        rgb = lab_to_rgb(torch.tensor([lightness, *color.tolist()])[:, None, None]).flatten().tolist()
        spread = torch.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else torch.zeros(1)
        ax.plot(values, row + spread, "o", color=rgb, markeredgecolor="black", markersize=7, clip_on=False)
        ax.plot([1 / len(true[kind])] * 2, [row - 0.35, row + 0.35], color="black", linewidth=1.6)
        ax.axhline(row, color="0.9", linewidth=0.6, zorder=0)
    names = [f"{kind} ({color[0]:.0f}, {color[1]:.0f})" for kind, color, _ in rows]
    ax.set_yticks(range(len(rows))[::-1], names)
    ax.set(xlim=(0, 0.6), xlabel="share of answers near this true color (a, b)  (dots: seeds, bar: if all were equal)")
    return figure


def _circle(center: Sequence[float], radius: float) -> Circle:
    return Circle((center[0], center[1]), radius, fill=False, edgecolor="black", linewidth=1.2)
