"""The figures of notebook 06: bringing chroma to size, pictures with their numbers, curves of knobs, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from colorstyle_lib.course.plots.common import Picture, new_figure, show_picture
from colorstyle_lib.course.plots.palette import BLUE, GREEN, ORANGE, PINK, VERMILION
from colorstyle_lib.inference.hints import Hint

WAY_COLORS = (BLUE, ORANGE, GREEN, PINK, VERMILION)


@dataclass(frozen=True)
class Captioned:
    """A picture in a figure, with what is said about it.

    Attributes:
        picture: what is shown.
        title: above it.
        note: below it, such as a number.
        hints: drawn as discs of their color, in the picture's pixels.
        box: left, top, right, bottom in the picture's pixels: drawn as a frame.
    """

    picture: Picture
    title: str = ""
    note: str = ""
    hints: Sequence[Hint] = ()
    box: tuple[int, int, int, int] | None = None


def chroma_profile(
    guide: Float[Tensor, " w"], truth: Float[Tensor, " w"], ways: Mapping[str, Float[Tensor, " w"]], name: str = "b"
) -> Figure:
    """One row of pixels: L, and a plane of chroma as it is and as several ways bring it back from half the size.

    Args:
        guide: L of each pixel.
        truth: the plane, of each pixel.
        ways: what came back, by title.
        name: of the plane.
    """
    figure, (above, below) = new_figure(2, 1, figsize=(5.6, 3.6), sharex=True, height_ratios=(1, 2))
    x = np.arange(len(guide))
    above.bar(x, guide.tolist(), width=1, color=[str(L / 100) for L in guide.tolist()], edgecolor="0.5", linewidth=0.6)
    above.set(ylabel="L", ylim=(0, 100))
    below.bar(x, truth.tolist(), width=1, color="0.88", label="truth")
    for i, (title, values) in enumerate(ways.items()):
        # Beside each other within a pixel, so that equal values do not hide one another.
        place = x + (i - (len(ways) - 1) / 2) * 0.2
        below.plot(
            place, values.tolist(), "osd^v"[i % 5], color=WAY_COLORS[i % 5], label=title, markersize=6, clip_on=False
        )
    below.set(ylabel=name, xlabel="column of pixels", xticks=x)
    below.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def captioned_grid(
    rows: Sequence[Sequence[Captioned]], *, row_titles: Sequence[str] = (), height: float = 1.8
) -> Figure:
    """Pictures in rows, each with a title, a line below, its hints and a frame.

    Args:
        rows: equally many in each row.
        row_titles: written at the left.
        height: of a row, in inches.
    """
    ratios = [max(_aspect(row[j].picture) for row in rows) for j in range(len(rows[0]))]
    size = (height * sum(ratios) * 1.02, (height + 0.35) * len(rows))
    figure, axes = new_figure(len(rows), len(ratios), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios})
    figure.get_layout_engine().set(h_pad=0.1)  # room between a note and the next row's title
    for i, row in enumerate(rows):
        for ax, shown in zip(axes[i], row, strict=True):
            show_picture(ax, shown.picture, shown.title)
            _below(ax, shown.note)
            _mark(ax, shown)
        if row_titles:
            _beside(axes[i, 0], row_titles[i])
    return figure


def _aspect(picture: Picture) -> float:
    width, height = picture.shape[:0:-1] if isinstance(picture, Tensor) else picture.size
    return width / height


def _below(ax: Axes, note: str) -> None:
    ax.text(0.5, -0.03, note, transform=ax.transAxes, ha="center", va="top", fontsize=8)


def _beside(ax: Axes, title: str) -> None:
    ax.text(-0.04, 0.5, title, transform=ax.transAxes, rotation=90, ha="right", va="center")


def _mark(ax: Axes, shown: Captioned) -> None:
    for x, y, color in shown.hints:
        # A black ring in a white one shows on any picture.
        ax.plot(x, y, "o", color="white", markersize=8)
        ax.plot(x, y, "o", color=to_rgb(color), markersize=6, markeredgecolor="black", markeredgewidth=0.8)
    if shown.box is not None:
        left, top, right, bottom = shown.box
        for color, width in (("black", 2.4), ("white", 1.2)):
            frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=color, linewidth=width)
            ax.add_patch(frame)


def grid_with_maps(
    rows: Sequence[tuple[Sequence[Captioned], Sequence[tuple[str, Float[Tensor, "_ _"]]]]], top: float, label: str
) -> Figure:
    """Rows of pictures, then of maps, all maps on one scale.

    Args:
        rows: for each row its pictures, and its maps with their titles; equally many in every row.
        top: the scale's end; it begins at 0.
        label: what the maps measure.
    """
    pictures, maps = rows[0]
    ratios = [_aspect(shown.picture) for shown in pictures] + [m.shape[1] / m.shape[0] for _, m in maps]
    size = (1.75 * sum(ratios) + 1.0, 2.05 * len(rows))
    figure, axes = new_figure(len(rows), len(ratios), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios})
    for axes_row, (pictures, maps) in zip(axes, rows, strict=True):
        for ax, shown in zip(axes_row, pictures, strict=False):
            show_picture(ax, shown.picture, shown.title)
            _below(ax, shown.note)
            _mark(ax, shown)
        for ax, (title, values) in zip(axes_row[len(pictures) :], maps, strict=True):
            drawn = ax.imshow(values.cpu().numpy(), cmap="cividis", vmin=0, vmax=top)
            ax.set_title(title)
            ax.set_axis_off()
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.8)
    return figure


def paired_values(values: Mapping[str, Float[np.ndarray, " n"]], label: str) -> Figure:
    """What several ways reach on the same images: a thin line for each image, a bar for the mean.

    Args:
        values: one an image, by way.
        label: what is measured.
    """
    figure, ax = new_figure(figsize=(1.5 * len(values) + 1.4, 3.2))
    table = np.stack(list(values.values()))
    for column in table.T:
        ax.plot(range(len(table)), column, "o-", color="0.7", linewidth=0.7, markersize=3)
    for i, mean in enumerate(table.mean(axis=1)):
        ax.plot([i - 0.25, i + 0.25], [mean, mean], color="black", linewidth=2.2)
        ax.text(i + 0.28, mean, f"{mean:.0f}", va="center", fontsize=9, weight="bold")
    ax.set_xticks(range(len(table)), list(values))
    ax.set(ylabel=label, xlim=(-0.5, len(table) - 0.3), ylim=(0, None))
    return figure


def error_by_hints(counts: Sequence[int], errors: Mapping[str, Float[np.ndarray, "n k"]], wanted: float) -> Figure:
    """Error against the number of hints, in percent of the error without any; a panel for each way of placing them.

    Args:
        counts: numbers of hints, the first 0.
        errors: squared ab error by image and number, by way.
        wanted: the criterion, percent.
    """
    figure, axes = new_figure(1, len(errors), figsize=(3.6 * len(errors), 3.1), sharey=True, squeeze=False)
    for ax, (title, table) in zip(axes[0], errors.items(), strict=True):
        share = 100 * table / table[:, :1].clip(1e-9)
        ax.plot(counts, share.T, color="0.75", linewidth=0.7)
        mean = 100 * table.mean(axis=0) / table[:, 0].mean()
        ax.plot(counts, mean, "o-", color=WAY_COLORS[0], label="all images together")
        ax.axhline(wanted, color=WAY_COLORS[4], linestyle=":", label=f"criterion: {wanted:.0f} %")
        ax.set(title=title, xlabel="hints", xticks=counts)
        ax.set_ylim(0, min(250, 1.1 * max(share.max(), 100)))
    axes[0, 0].set_ylabel("squared ab error, % of that without")
    axes[0, 0].legend(loc="upper right")
    return figure


def saturation_curves(values: Sequence[float], error: Sequence[float], colorful: Sequence[float]) -> Figure:
    """What saturation costs and buys: squared ab error, and colorfulness in percent of the truth's.

    Args:
        values: of the knob.
        error: at each, mean over images.
        colorful: at each, percent.
    """
    figure, (left, right) = new_figure(1, 2, figsize=(6.6, 2.8))
    left.plot(values, error, "o-", color=WAY_COLORS[0])
    best = int(np.argmin(error))
    left.plot(values[best], error[best], "o", color=WAY_COLORS[4], markersize=9, fillstyle="none")
    left.set(ylabel="squared ab error", ylim=(0, None))
    right.plot(values, colorful, "o-", color=WAY_COLORS[0])
    right.axhline(100, color=WAY_COLORS[4], linestyle=":")
    right.set(ylabel="colorfulness, % of real", ylim=(0, None))
    for ax in (left, right):
        ax.set_xlabel("saturation")
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
        within: the factor that the criterion allows either way; its band is shaded.
    """
    figure, ax = new_figure(figsize=(4.6, 4.2))
    end = 1.08 * max(predicted.max(), interval[1].max(), *(max(p.max(), a.max()) for p, a in each), 1.0)
    line = np.array([0, end])
    ax.fill_between(line, line / within, line * within, color="0.93", label=f"within a factor of {within:g}")
    ax.plot(line, line, color="0.5", linewidth=1)
    for p, a in each:
        ax.plot(p, a, color="0.72", linewidth=0.7)
    reach = np.abs(interval - actual)
    ax.errorbar(predicted, actual, yerr=reach, fmt="o-", color=WAY_COLORS[0], capsize=2, label="all images, 95 %")
    ax.text(0.97, 0.04, "too cautious", transform=ax.transAxes, ha="right", color="0.4", fontsize=9)
    ax.text(0.03, 0.74, "too sure", transform=ax.transAxes, color="0.4", fontsize=9)
    ax.set(xlabel="predicted spread of ab (Lab units)", ylabel="actual ab error, RMS (Lab units)")
    ax.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    ax.legend(loc="upper left")
    return figure
