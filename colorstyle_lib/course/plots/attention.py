"""Plots of notebook 03: the modalities of pictures, and overrides of attention."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb
from colorstyle_lib.course.plots.common import (
    Captioned,
    Picture,
    captioned_grid,
    label_row,
    new_figure,
    show_picture,
)
from colorstyle_lib.model.modalities import MODALITIES, PALETTE, Modalities

_SHOWN_LIGHTNESS = 65.0  # at which a color without an L is drawn


def modality_maps(
    pictures: Mapping[str, Picture], described: Modalities, notes: Mapping[str, Sequence[str]] | None = None
) -> Figure:
    """Pictures in columns, and below each its maps of color, texture and shape, all on common scales.

    Color is each cell's mean a and b at one lightness, texture the local amplitude, shape the share of edges. Notes
    stand below these three.
    """
    color, texture, shape = (maps.cpu() for maps in described.maps)
    strength = texture[:, 2:].expm1().sum(1)
    edges = shape.unflatten(1, (-1, 5))  # (N, scales, 5, h, w)
    top = float(strength.flatten().quantile(0.99).clamp_min(1e-6))
    size = (2.1 * len(pictures) + 0.4, 4 * 1.75)
    figure, axes = new_figure(4, len(pictures), figsize=size, squeeze=False)
    for j, (title, picture) in enumerate(pictures.items()):
        column = axes[:, j]
        show_picture(column[0], picture, title)
        ab = 110 * color[j, len(PALETTE) : len(PALETTE) + 2]
        show_picture(column[1], lab_to_rgb(fit_gamut(torch.cat((torch.full_like(ab[:1], _SHOWN_LIGHTNESS), ab)))))
        column[2].imshow(strength[j].numpy(), cmap="cividis", vmin=0, vmax=top)
        column[3].imshow(edges[j, :, 0].mean(0).numpy(), cmap="cividis", vmin=0, vmax=1)
        for ax, note in zip(column[1:], notes[title] if notes else (), strict=False):
            ax.set_title(note, y=-0.17, fontsize=9)
    for ax, name in zip(axes[:, 0], ("picture", *MODALITIES), strict=True):
        label_row(ax, name)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure


def override_maps(pictures: Mapping[str, Picture], distances: Mapping[str, Float[Tensor, "h w"]]) -> Figure:
    """Pictures under changed attention, and below each its distance in ab, Lab units, from the first."""
    first, *others = pictures
    top = max(float(distance.flatten().quantile(0.995)) for distance in distances.values())
    maps = [Captioned(None, note=f"distance in ab\nfrom “{first}”")]
    maps += [Captioned(distances[title], note=f"mean {float(distances[title].mean()):.1f}") for title in others]
    rows = [[Captioned(picture, title) for title, picture in pictures.items()], maps]
    return captioned_grid(rows, height=1.5, scale=(0.0, max(top, 1e-3), "Lab units", "magma"))
