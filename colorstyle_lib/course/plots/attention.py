"""Plots of notebook 03: temperature, the modalities of pictures, attention as maps, overrides, and evidence."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb
from colorstyle_lib.course.plots.common import (
    MODALITY_COLORS,
    Captioned,
    Picture,
    captioned_grid,
    dots_and_bar,
    label_row,
    name_rows,
    new_figure,
    show_picture,
)
from colorstyle_lib.model.modalities import MODALITIES, PALETTE, Modalities

_MARKERS = {"color": "o", "texture": "s", "shape": "^"}
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


def weights_by_image(weights: Mapping[str, Mapping[str, Float[Tensor, "n m"]]], names: Sequence[str]) -> Figure:
    """Mean weights of images as dots: by title of a row of panels, by level, a row for each modality's name."""
    levels = list(next(iter(weights.values())))
    size = (2.7 * len(levels) + 0.8, 1.6 * len(weights) + 0.3)
    figure, axes = new_figure(len(weights), len(levels), figsize=size, squeeze=False, sharex=True, sharey=True)
    for axes_row, (title, by_level) in zip(axes, weights.items(), strict=True):
        axes_row[0].set_ylabel(title)
        for ax, values in zip(axes_row, by_level.values(), strict=True):
            for row, name in enumerate(names):
                look = {"marker": _MARKERS[name], "color": MODALITY_COLORS[name]}
                dots_and_bar(ax, row, values[:, row].tolist(), markersize=4, alpha=0.6, **look)
            name_rows(ax, names)
    for ax, level in zip(axes[0], levels, strict=True):
        ax.set_title(level)
    axes[0, 0].set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))  # in the usual order from the top
    figure.supxlabel("mean weight (dots: images, bar: their mean)", fontsize=9)
    return figure


def weight_against_change(panels: Mapping[str, Mapping[str, tuple[str, Tensor, Tensor]]]) -> Figure:
    """Attention weights beside the change when a modality is deleted: a dot an image, panels on one scale.

    By row and panel: the modality, its weights ``(n,)``, and the mean change of ab, Lab units ``(n,)``, without it.
    """
    columns = max(len(row) for row in panels.values())
    size = (2.2 * columns, 2.4 * len(panels))
    figure, axes = new_figure(len(panels), columns, figsize=size, squeeze=False, sharex="col")
    for axes_row, (row_title, row) in zip(axes, panels.items(), strict=True):
        axes_row[0].set_ylabel(f"{row_title}\nchange of ab when removed")
        for ax, (title, (name, weight, change)) in zip(axes_row, row.items(), strict=True):
            look = {"color": MODALITY_COLORS[name], "markersize": 4, "alpha": 0.7, "clip_on": False}
            ax.plot(weight.cpu(), change.cpu(), _MARKERS[name], **look)
            ax.set_ylim(0, 1.08 * max(float(change.max()), 1e-3))
            ax.set_title(title, fontsize=8.5)
    for ax, (name, _, _) in zip(axes[-1], row.values(), strict=False):
        ax.set_xlabel(f"weight of {name}")
    return figure


def discriminator_scores(
    pictures: Mapping[str, Picture],
    scores: Mapping[str, Sequence[float | None]],
    weights: Mapping[str, Sequence[float]],
    verdicts: Mapping[str, float],
    names: Sequence[str] = MODALITIES,
) -> Figure:
    """Pictures as a discriminator judges them: each modality's score (None: absent) and weight, and the logit."""
    figure, axes = new_figure(2, len(pictures), figsize=(2.1 * len(pictures), 3.7), squeeze=False, sharey="row")
    reach = 1.15 * max(abs(s) for row in (*scores.values(), verdicts.values()) for s in (*row, 0.1) if s is not None)
    for (above, below), (title, picture) in zip(axes.T, pictures.items(), strict=True):
        show_picture(above, picture, title)
        for row, (name, score, weight) in enumerate(zip(names, scores[title], weights[title], strict=True)):
            below.barh(row, score or 0.0, color=MODALITY_COLORS[name], height=0.45)
            note = "absent" if score is None else f"α {weight:.2f}"
            below.text(0.02, row - 0.48, note, transform=below.get_yaxis_transform(), fontsize=8, va="center")
        below.barh(len(names), verdicts[title], color="0.3", height=0.45)
        below.axvline(0, color="0.3", linewidth=0.8)
        below.set(xlim=(-reach, reach), xlabel="fake  ←  logit  →  real")
        below.set_yticks(range(len(names) + 1), [*names, "verdict"])
    axes[1, 0].set_ylim(len(names) + 0.6, -0.7)
    return figure
