"""Plots of every notebook: grids of pictures and maps with captions, curves, calibration, rows of dots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.inference.hints import Hint

_STYLE = rc_params_from_file(paths.STYLE_FILE, use_default_template=False)
BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW, BLACK = _STYLE["axes.prop_cycle"].by_key()["color"]

SERIES = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, BLACK)  # colors of data series, in order
MARKERS = "osD^vPX"  # of the same series
MODALITY_COLORS = {"color": VERMILION, "texture": BLUE, "shape": GREEN}

Picture = Image.Image | Tensor  # a PIL picture, or a ``(3, H, W)`` tensor of sRGB in [0, 1]


@dataclass(frozen=True)
class Captioned:
    """A picture or map in a grid, with its captions."""

    picture: Picture | None  # a picture; or a map, a ``(h, w)`` tensor of numbers; or None, an empty place
    title: str = ""  # above it
    note: str = ""  # below it, such as a number
    hints: Sequence[Hint] = ()  # drawn as discs of their color, in the picture's pixels
    box: tuple[int, int, int, int] | None = None  # left, top, right, bottom in the picture's pixels: drawn as a frame

    @property
    def aspect(self) -> float:
        """Width divided by height; 0 where there is no picture."""
        if self.picture is None:
            return 0.0
        width, height = self.picture.shape[-1:-3:-1] if isinstance(self.picture, Tensor) else self.picture.size
        return width / height


def new_figure(*args: Any, **options: Any) -> tuple[Figure, Any]:
    """``plt.subplots`` that pyplot forgets at once: else a notebook shows it twice, made and returned."""
    figure, axes = plt.subplots(*args, **options)
    plt.close(figure)
    return figure, axes


def show_picture(ax: Axes, picture: Picture, title: str = "") -> None:
    """Draw a picture without ticks or frame."""
    if isinstance(picture, Tensor):
        picture = picture.detach().float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    ax.imshow(np.asarray(picture))
    ax.set_title(title)
    ax.set_axis_off()


def captioned_grid(
    rows: Sequence[Sequence[Picture | Captioned | None]],
    *,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    height: float = 1.8,
    scale: tuple[float, float, str, str] | None = None,
) -> Figure:
    """Draw pictures and maps in rows (None: an empty place); a column is as wide as its widest picture.

    All rows hold equally many and are ``height`` inches high. Pictures may have captions, and columns and rows have
    titles. Maps need their common ``scale``: its ends, what it measures, and its colors.
    """
    above = [*titles, *[""] * len(rows[0])]
    cells = [
        [one if isinstance(one, Captioned) else Captioned(one, "" if i else above[j]) for j, one in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    ratios = [max(one.aspect for one in column) for column in zip(*cells, strict=True)]
    captions = 0.2 * sum(any(getattr(one, where) for one in row) for row in cells for where in ("title", "note"))
    size = (height * sum(ratios) * 1.02 + (1.0 if scale else 0.0), height * len(rows) + captions)
    figure, axes = new_figure(len(rows), len(ratios), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios})
    if any(one.note for row in cells for one in row):
        figure.get_layout_engine().set(h_pad=0.1)  # room between a note and the next row's title
    for ax, one in zip(axes.flat, chain(*cells), strict=True):
        _draw(ax, one, scale)
    for ax, title in zip(axes[:, 0], row_titles, strict=False):
        ax.text(-0.04, 0.5, title, transform=ax.transAxes, rotation=90, ha="right", va="center")
    if scale:
        drawn = next(ax.images[0] for ax in axes.flat if ax.images and ax.images[0].get_array().ndim == 2)
        figure.colorbar(drawn, ax=axes, label=scale[2], shrink=0.8)
    return figure


def _draw(ax: Axes, one: Captioned, scale: tuple[float, float, str, str] | None) -> None:
    if isinstance(one.picture, Tensor) and one.picture.ndim == 2:
        low, high, _, colors = scale
        ax.imshow(one.picture.cpu().numpy(), cmap=colors, vmin=low, vmax=high)
    elif one.picture is not None:
        show_picture(ax, one.picture)
    ax.set_title(one.title)
    ax.set_axis_off()
    ax.text(0.5, -0.03, one.note, transform=ax.transAxes, ha="center", va="top", fontsize=8)
    for x, y, color in one.hints:  # a black ring in a white one shows on any picture
        ax.plot(x, y, "o", color="white", markersize=8)
        ax.plot(x, y, "o", color=to_rgb(color), markersize=6, markeredgecolor="black", markeredgewidth=0.8)
    if one.box is not None:
        left, top, right, bottom = one.box
        for color, width in (("black", 2.4), ("white", 1.2)):
            corner, size = (left, top), (right - left, bottom - top)
            ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=width))


def grid_with_maps(
    rows: Sequence[tuple[Sequence[Captioned], Sequence[tuple[str, Float[Tensor, "_ _"]]]]],
    top: float | None,
    label: str,
) -> Figure:
    """Draw rows of pictures, then of maps with their titles, all maps on one scale.

    It goes from 0 to ``top``, or where that is None over the middle nine tenths of the maps' values.
    """
    low, high = 0.0, top
    if top is None:
        values = torch.cat([map_.flatten().float().cpu() for _, maps in rows for _, map_ in maps])
        low, high = values.quantile(torch.tensor([0.05, 0.95])).tolist()
    cells = [[*pictures, *(Captioned(values, title) for title, values in maps)] for pictures, maps in rows]
    return captioned_grid(cells, height=1.75, scale=(low, high, label, "cividis"))


def curves(
    panels: Mapping[str, Mapping[str, tuple[Any, Any]]],
    *,
    xlabel: str,
    ylabel: str = "",
    level: tuple[float, str] | None = None,
    columns: int = 0,
    **options: Any,
) -> Figure:
    """Draw curves: a panel for each title, in it one for each name; of several seeds or images thin, their mean thick.

    A curve is x of shape ``(k,)``, and y of shape ``(k,)`` or, for n seeds, ``(n, k)``. With a ``ylabel`` all panels
    share the axis. ``level`` is a value of y to compare with, and its name. Side by side stand so many ``columns``, by
    default all. Options are those of ``Axes.set``.
    """
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    size = (6.4 if columns == 1 else 3.4 * columns, 3.2 * rows)
    figure, axes = new_figure(rows, columns, figsize=size, squeeze=False, sharey=bool(ylabel))
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (title, by_name) in zip(axes.flat, panels.items(), strict=False):
        looks = cycle(zip(SERIES, MARKERS, ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), "-", "--"), strict=True))
        for (name, (x, y)), (color, marker, style) in zip(by_name.items(), looks, strict=False):
            color, y = MODALITY_COLORS.get(name.partition(",")[0], color), np.atleast_2d(np.asarray(y))
            if len(y) > 1:
                ax.plot(x, y.T, color=color, alpha=0.35, linewidth=0.9)
            look = {"marker": marker, "markersize": 4} if len(x) <= 30 else {"linestyle": style}
            ax.plot(x, y.mean(axis=0), color=color, linewidth=1.8, label=name.replace("_", " "), **look)
        if level:
            ax.axhline(level[0], color="0.5", linewidth=0.9, linestyle=":")
            ax.text(1.01, level[0], level[1], transform=ax.get_yaxis_transform(), va="center", fontsize=8)
        ax.set(title=title, xlabel=xlabel, **options)
        if any(by_name):
            ax.legend()
    axes[0, 0].set_ylabel(ylabel)
    return figure


def calibration(
    predicted: Float[np.ndarray, " bins"],
    actual: Float[np.ndarray, " bins"],
    interval: Float[np.ndarray, "2 bins"],
    each: Sequence[tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"]]] = (),
    within: float = 1.5,
) -> Figure:
    """Predicted spread against actual error, bin by bin; on the diagonal the model is as wrong as it says.

    Both are root mean squares, Lab units, of the same pixels, the error with an interval; ``each`` holds both for
    single images. The criterion allows a factor of ``within`` either way.
    """
    figure, ax = new_figure(figsize=(4.6, 4.2))
    end = 1.08 * max(predicted.max(), interval[1].max(), *(max(p.max(), a.max()) for p, a in each), 1.0)
    line = np.array([0, end])
    ax.fill_between(line, line / within, line * within, color="0.93", label=f"within a factor of {within:g}")
    ax.plot(line, line, color="0.5", linewidth=1)
    for p, a in each:
        ax.plot(p, a, color="0.72", linewidth=0.7)
    reach = np.abs(interval - actual)
    ax.errorbar(predicted, actual, yerr=reach, fmt="o-", color=BLUE, capsize=2, label="all images, 95 %")
    ax.text(0.97, 0.04, "too cautious", transform=ax.transAxes, ha="right", color="0.4", fontsize=9)
    ax.text(0.03, 0.74, "too sure", transform=ax.transAxes, color="0.4", fontsize=9)
    ax.set(xlabel="predicted spread of ab (Lab units)", ylabel="actual ab error, RMS (Lab units)")
    ax.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    ax.legend(loc="upper left")
    return figure


def dots_and_bar(ax: Axes, row: int, values: Sequence[float | int], **look: Any) -> None:
    """Draw numbers as dots in a row, spread in height so that equal ones show, and a bar at their mean."""
    values = [float(value) for value in values]
    heights = row + np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [row]
    ax.plot(values, heights, clip_on=False, **{"marker": "o", "linestyle": "none", **look})
    mean = sum(values) / len(values)
    ax.plot([mean, mean], [row - 0.33, row + 0.33], color="black", linewidth=1.6)
