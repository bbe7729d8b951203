"""Figures that several notebooks use: functions that take data and return the figure; none of them trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

Picture = Image.Image | Tensor
"""A PIL picture, or a ``(3, H, W)`` tensor of sRGB in [0, 1]."""


def new_figure(*args: Any, **options: Any) -> tuple[Figure, Any]:
    """``plt.subplots`` that pyplot forgets at once: else a notebook shows it twice, made and returned."""
    figure, axes = plt.subplots(*args, **options)
    plt.close(figure)
    return figure, axes


def fit_into(picture: Tensor, frame: Tensor) -> Tensor:
    """A ``(3, h, w)`` picture centered on a white one of the size of ``frame``, both tensors; larger ones are cut."""
    sheet = torch.ones_like(frame)
    height, width = (min(a, b) for a, b in zip(picture.shape[1:], frame.shape[1:], strict=True))
    top, left = (frame.shape[1] - height) // 2, (frame.shape[2] - width) // 2
    sheet[:, top : top + height, left : left + width] = picture[:, :height, :width]
    return sheet


def show_picture(axes: Axes, picture: Picture, title: str = "") -> None:
    """Draw a picture without ticks or frame."""
    if isinstance(picture, Tensor):
        picture_array = picture.detach().float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    else:
        picture_array = np.asarray(picture)
    axes.imshow(picture_array)
    axes.set_title(title)
    axes.set_axis_off()


def picture_grid(
    rows: Sequence[Sequence[Picture]],
    *,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    height: float = 1.9,
) -> Figure:
    """Pictures in rows; a column is as wide as its first picture.

    Args:
        rows: pictures, equally many in each row.
        titles: one for each column.
        row_titles: one for each row, written at its left.
        height: of a row, in inches.
    """

    def aspect(picture: Picture) -> float:
        width, tall = picture.size if isinstance(picture, Image.Image) else picture.shape[:0:-1]
        return width / tall

    ratios = [aspect(p) for p in rows[0]]
    size = (height * sum(ratios) * 1.02, height * len(rows) + (0.25 if titles else 0))
    figure, axes = new_figure(len(rows), len(ratios), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios})
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            show_picture(axes[i, j], picture, titles[j] if titles and i == 0 else "")
        if row_titles:
            axes[i, 0].text(
                -0.03,
                0.5,
                row_titles[i],
                transform=axes[i, 0].transAxes,
                rotation=90,
                ha="right",
                va="center",
            )
    return figure
