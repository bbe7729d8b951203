"""Plots of notebook 01: Lab, the ab plane, one gray's many colors, and the loader's speed."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from colorstyle_lib.course.plots.common import Captioned, captioned_grid, new_figure, show_picture
from colorstyle_lib.metrics.coloring import AB_REACH

# Signed maps of a and b with gray in the middle. Magenta has blue in it and green has not: the ends stay apart for
# readers who do not tell red from green.
_DIVERGING_A = ("#00563f", "#3fb08f", "#e6e6e6", "#e08cc0", "#8e1766")
_DIVERGING_B = ("#083a73", "#4c93d0", "#e6e6e6", "#f0c030", "#8a6200")
_EXTENT = (-AB_REACH, AB_REACH, -AB_REACH, AB_REACH)


def lab_planes(rgb: Float[Tensor, "3 h w"], lab: Float[Tensor, "3 h w"]) -> Figure:
    """A picture beside its three Lab planes, each with its scale."""
    tall = 10 / 4 * rgb.shape[1] / rgb.shape[2]
    figure, (axes, scales) = new_figure(2, 4, figsize=(10.6, tall + 0.75), height_ratios=(20 * tall, 1.5))
    show_picture(axes[0], rgb, "the picture")
    scales[0].set_axis_off()
    reach = float(lab[1:].abs().max())
    planes = (
        ("L: black to white", "gray", 0, 100),
        ("a: green to magenta", LinearSegmentedColormap.from_list("a", _DIVERGING_A), -reach, reach),
        ("b: blue to yellow", LinearSegmentedColormap.from_list("b", _DIVERGING_B), -reach, reach),
    )
    for ax, scale, plane, (title, colors, low, high) in zip(axes[1:], scales[1:], lab, planes, strict=True):
        drawn = ax.imshow(plane.cpu().numpy(), cmap=colors, vmin=low, vmax=high)
        ax.set_title(title)
        ax.set_axis_off()
        figure.colorbar(drawn, cax=scale, orientation="horizontal")
    return figure


def _ab_axes(ax: Axes, title: str, *, first: bool = True) -> None:
    ticks = (-100, -50, 0, 50, 100)
    ax.set(xlim=_EXTENT[:2], ylim=_EXTENT[2:], xticks=ticks, yticks=ticks, aspect="equal", title=title, xlabel="a")
    ax.set_ylabel("b" if first else "")


def gamut_slices(
    slices: Mapping[float, tuple[Float[Tensor, "3 s s"], Bool[Tensor, "s s"]]],
    before: Float[Tensor, "k 2"],
    after: Mapping[float, Float[Tensor, "k 2"]],
) -> Figure:
    """The colors of the ab plane that are in the gamut at each L, and where ``fit_gamut`` moves a few colors (ab)."""
    figure, axes = new_figure(1, len(slices), figsize=(3.5 * len(slices), 3.7), sharey=True)
    for ax, (lightness, (rgb, inside)) in zip(axes, slices.items(), strict=True):
        shown = torch.cat((rgb, inside[None].to(rgb))).permute(1, 2, 0)  # outside is transparent
        ax.imshow(shown.cpu().numpy(), origin="lower", extent=_EXTENT, interpolation="bilinear")
        ax.contour(inside.float().cpu().numpy(), levels=[0.5], colors="black", linewidths=0.8, extent=_EXTENT)
        for start, end in zip(before.tolist(), after[lightness].tolist(), strict=True):
            ax.plot(*zip(start, end, strict=True), color="black", linewidth=0.9)
            (asked,) = ax.plot(*start, "o", color="white", markeredgecolor="black", markersize=5)
            (fitted,) = ax.plot(*end, "o", color="black", markersize=5)
        _ab_axes(ax, f"L = {lightness:g}", first=ax is axes[0])
    axes[0].legend((asked, fitted), ("asked for", "after fit_gamut"), loc="upper left")
    return figure


def lightness_shifts(
    pictures: Mapping[str, Float[Tensor, "3 h w"]], shifts: Mapping[str, Float[Tensor, "h w"]]
) -> Figure:
    """Pictures, and below each how far its L, in Lab units, is from what it should be, where that is given."""
    worst = max(float(shift.abs().max()) for shift in shifts.values())
    notes = {title: f"L moved by {shift.abs().mean():.2f} on average" for title, shift in shifts.items()}
    maps = [Captioned(shifts.get(title), notes.get(title, "")) for title in pictures]
    rows = [[Captioned(picture, title) for title, picture in pictures.items()], maps]
    return captioned_grid(rows, height=2.6, scale=(-worst, worst, "change of L", "PuOr"))


def ab_statistics(
    histogram: Float[Tensor, "bins bins"], chromas: Float[Tensor, " k"], near_gray: float = 10.0
) -> Figure:
    """The histogram of pixels over the ab plane, and the share of pixels with at most a given chroma."""
    figure, (left, right) = new_figure(1, 2, figsize=(9.6, 4.0), width_ratios=(1.1, 1))
    figure.get_layout_engine().set(wspace=0.08)
    most = float(histogram.max())
    least = max(float(histogram[histogram > 0].min()), most / 1e5)
    shares = histogram.masked_fill(histogram == 0, float("nan")).cpu().numpy()
    drawn = left.imshow(shares, origin="lower", extent=_EXTENT, cmap="viridis", norm=LogNorm(least, most))
    angle = np.linspace(0, 2 * np.pi, 100)
    dotted = {"color": "black", "linestyle": ":", "linewidth": 1.2}
    left.plot(near_gray * np.cos(angle), near_gray * np.sin(angle), **dotted)
    _ab_axes(left, f"where pixels lie (dotted: chroma {near_gray:g})")
    figure.colorbar(drawn, ax=left, label="share of pixels in a square")
    ordered = chromas.sort().values.cpu().numpy()
    right.plot(ordered, np.linspace(0, 1, len(ordered)))
    share = float((chromas < near_gray).float().mean())
    right.plot([near_gray, near_gray, 0], [0, share, share], **dotted)
    right.annotate(f"{share:.0%} of the pixels are nearly gray", (near_gray, share), (near_gray + 12, share - 0.08))
    right.set(xlabel="chroma", title="share of pixels with at most this chroma", xlim=(0, 100), ylim=(0, 1.02))
    right.yaxis.set_major_formatter(PercentFormatter(1))
    return figure


def square_errors(
    cases: Mapping[str, tuple[Float[Tensor, "_ 2"], Float[Tensor, "s s"]]], patches: Float[Tensor, "3 s s"]
) -> Figure:
    """The expected square error of every guess, with the true colors (ab) and the best guess, each in its own color.

    Errors stand on a grid over the ab plane, as ``patches`` do, which are its sRGB at one lightness.
    """
    figure, axes = new_figure(1, len(cases), figsize=(3.9 * len(cases) + 0.6, 3.9), sharey=True)
    side = patches.shape[1]

    def mark(ax: Axes, ab: Sequence[float], shape: str, size: int) -> None:
        column, row = (round((value + AB_REACH) / (2 * AB_REACH) * (side - 1)) for value in ab)
        ax.plot(*ab, shape, color=patches[:, row, column].tolist(), markersize=size, markeredgecolor="black")

    for ax, (name, (colors, errors)) in zip(axes, cases.items(), strict=True):
        root = errors.sqrt().cpu().numpy()
        lines = ax.contour(root, levels=range(20, 161, 20), cmap="viridis_r", linewidths=1, extent=_EXTENT)
        ax.clabel(lines, fontsize=7, fmt="%g")
        for color in colors.tolist():
            mark(ax, color, "o", 13)
        mark(ax, colors.mean(dim=0).tolist(), "D", 11)
        _ab_axes(ax, name, first=ax is axes[0])
        ax.axhline(0, color="0.8", linewidth=0.6, zorder=0)
        ax.axvline(0, color="0.8", linewidth=0.6, zorder=0)
    for shape, label in (("o", "a true color"), ("D", "the best guess")):
        axes[0].plot([], [], shape, color="white", markeredgecolor="black", label=label)
    axes[0].legend(loc="lower right", frameon=True, framealpha=1)
    return figure
