"""The figures of notebook 03: temperature, what each modality sees, attention as maps, overrides, and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb
from colorstyle_lib.course.plots.common import Picture, new_figure, show_picture
from colorstyle_lib.course.plots.palette import BLUE, GREEN, VERMILION
from colorstyle_lib.model.modalities import MODALITIES, ORIENTATIONS, PALETTE, Modalities

MODALITY_COLORS = {"color": VERMILION, "texture": BLUE, "shape": GREEN}
_MARKS = {"color": "o", "texture": "s", "shape": "^"}
_MOST_NEEDLES = 26  # along a side; more can no longer be told apart
_SHOWN_LIGHTNESS = 65.0  # at which a color without an L is drawn


def weights_by_temperature(
    temperatures: Float[Tensor, " k"], weights: Mapping[str, Float[Tensor, " k"]], even: float
) -> Figure:
    """Weights against the temperature, logarithmic.

    Args:
        temperatures: T.
        weights: of each modality at each T.
        even: what each has where all have the same.
    """
    figure, ax = new_figure(figsize=(6.4, 3.1))
    for name, values in weights.items():
        ax.plot(temperatures, values, color=MODALITY_COLORS[name], label=name)
    ax.axhline(even, color="0.7", linewidth=0.8, linestyle=":")
    ax.axvline(1, color="0.7", linewidth=0.8)
    ax.set_xscale("log")
    ax.set(xlabel="temperature T  (the paper: 1)", ylabel="weight", ylim=(-0.03, 1.03))
    ax.legend(loc="upper right")
    return figure


def modality_maps(
    pictures: Mapping[str, Picture], described: Modalities, notes: Mapping[str, Sequence[str]] | None = None
) -> Figure:
    """Pictures in columns, and below each what color, texture and shape see in it, all on common scales.

    Color is each cell's mean a and b at one lightness. Texture is the local amplitude; a needle lies along stripes, as
    long as they are clear. Shape is the share of edges; a needle lies along them.

    Args:
        pictures: by title.
        described: the same pictures in the same order.
        notes: lines below the maps of color, texture and shape, by title.
    """
    color, texture, shape = (maps.cpu() for maps in described.maps)
    amplitude = texture[:, 2:].expm1().unflatten(1, (-1, ORIENTATIONS))  # (N, scales, orientations, h, w)
    strength = amplitude.sum((1, 2))
    edges = shape.unflatten(1, (-1, 5))  # (N, scales, 5, h, w)
    top = float(strength.flatten().quantile(0.99).clamp_min(1e-6))
    size = (2.1 * len(pictures) + 0.4, 4 * 1.75)
    figure, axes = new_figure(4, len(pictures), figsize=size, squeeze=False)
    for j, (title, picture) in enumerate(pictures.items()):
        show_picture(axes[0, j], picture, title)
        show_picture(axes[1, j], _without_lightness(color[j, len(PALETTE) : len(PALETTE) + 2]))
        _heat(axes[2, j], strength[j], top)
        _needles(axes[2, j], *_texture_direction(amplitude[j]), 0.4 * top)
        _heat(axes[3, j], edges[j, :, 0].mean(0), 1.0)
        _needles(axes[3, j], *_shape_direction(edges[j]), 1.0)
        for i, note in enumerate(notes[title] if notes else [], start=1):
            axes[i, j].set_title(note, y=-0.17, fontsize=9)
    for ax, name in zip(axes[:, 0], ("picture", *MODALITIES), strict=True):
        ax.text(-0.04, 0.5, name, transform=ax.transAxes, rotation=90, ha="right", va="center")
    for ax in axes.flat:
        ax.set_axis_off()
    return figure


def _heat(ax: Axes, values: Float[Tensor, "_ _"], top: float, palette: str = "cividis") -> AxesImage:
    """A map from 0 to ``top``."""
    return ax.imshow(values.cpu().numpy(), cmap=palette, vmin=0, vmax=top)


def _without_lightness(ab: Float[Tensor, "2 h w"]) -> Float[Tensor, "3 h w"]:
    """a / 110 and b / 110 as a picture of one lightness."""
    lab = torch.cat((torch.full_like(ab[:1], _SHOWN_LIGHTNESS), 110 * ab))
    return lab_to_rgb(fit_gamut(lab))


def _texture_direction(amplitude: Float[Tensor, "s o h w"]) -> tuple[Tensor, Tensor]:
    """Doubled direction across the stripes: cosine and sine, times how clear it is."""
    angle = 2 * torch.pi * torch.arange(ORIENTATIONS) / ORIENTATIONS
    by_angle = amplitude.sum(0)
    return tuple((by_angle * wave[:, None, None]).sum(0) for wave in (angle.cos(), angle.sin()))


def _shape_direction(edges: Float[Tensor, "s 5 h w"]) -> tuple[Tensor, Tensor]:
    """Doubled direction across the edges, as :func:`_texture_direction`."""
    mean = edges.mean(0)
    return mean[1] - mean[2], mean[3] - mean[4]


def _needles(ax: Axes, cosine: Tensor, sine: Tensor, longest: float) -> None:
    """A line in each cell along the stripes or edges, a right angle from the direction given."""
    step = -(-max(cosine.shape) // _MOST_NEEDLES)
    half = torch.atan2(sine, cosine)[::step, ::step] / 2 + torch.pi / 2
    length = step * (torch.hypot(cosine, sine)[::step, ::step] / longest).clamp(max=1)
    rows, columns = (torch.arange(0, side, step) for side in cosine.shape)
    x, y = torch.meshgrid(columns, rows, indexing="xy")
    u, v = length * half.cos(), length * half.sin()
    look = {"headlength": 0, "headaxislength": 0, "headwidth": 1, "width": 0.006, "color": "white"}
    ax.quiver(*(plane.numpy() for plane in (x, y, u, v)), angles="xy", scale_units="xy", scale=1, pivot="mid", **look)


def attention_maps(
    rows: Sequence[tuple[Sequence[tuple[str, Picture]], Sequence[tuple[str, Float[Tensor, "_ _"]]]]], label: str
) -> Figure:
    """Rows of pictures, then of weights by place, all on one scale from 0 to 1, each with its mean.

    Args:
        rows: for each row the pictures and the maps, each with its title; equally many in every row.
        label: what the scale measures.
    """
    pictures, maps = rows[0]
    ratios = [_aspect(picture) for _, picture in pictures] + [m.shape[1] / m.shape[0] for _, m in maps]
    size = (1.65 * sum(ratios) + 1.2, 1.9 * len(rows))
    figure, axes = new_figure(len(rows), len(ratios), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios})
    for axes_row, (pictures, maps) in zip(axes, rows, strict=True):
        for ax, (title, picture) in zip(axes_row, pictures, strict=False):
            show_picture(ax, picture, title)
        for ax, (title, weights) in zip(axes_row[len(pictures) :], maps, strict=True):
            drawn = _heat(ax, weights, 1.0)
            ax.set_title(f"{title}: mean {float(weights.mean()):.2f}")
            ax.set_axis_off()
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.7, fraction=0.04, pad=0.01)
    return figure


def _aspect(picture: Picture) -> float:
    width, height = picture.shape[:0:-1] if isinstance(picture, Tensor) else picture.size
    return width / height


def override_maps(pictures: Mapping[str, Picture], distances: Mapping[str, Float[Tensor, "h w"]]) -> Figure:
    """Pictures under changed attention, and below each how far its colors are from the first picture's.

    Args:
        pictures: by title; the first is what the others are compared with.
        distances: in the ab plane, Lab units, by title; the first picture's own is 0 and not drawn.
    """
    first = next(iter(pictures))
    width = 1.5 * _aspect(pictures[first])
    figure, axes = new_figure(2, len(pictures), figsize=(width * len(pictures) + 0.6, 3.5), squeeze=False)
    top = max(float(distance.flatten().quantile(0.995)) for distance in distances.values())
    for j, (title, picture) in enumerate(pictures.items()):
        show_picture(axes[0, j], picture, title)
        axes[1, j].set_axis_off()
        if title != first:
            drawn = _heat(axes[1, j], distances[title], max(top, 1e-3), "magma")
            axes[1, j].set_title(f"mean {float(distances[title].mean()):.1f}", y=-0.2, fontsize=9)
    axes[1, 0].text(1, 0.5, f"distance in ab\nfrom “{first}”", transform=axes[1, 0].transAxes, ha="right", va="center")
    figure.colorbar(drawn, ax=axes[1], label="Lab units", shrink=0.9, fraction=0.04, pad=0.01)
    return figure


def weights_by_image(weights: Mapping[str, Mapping[str, Float[Tensor, "n m"]]], names: Sequence[str]) -> Figure:
    """Each image's mean weights as dots, a panel for each level, a row for each modality.

    Args:
        weights: by title of a row of panels, by title of a panel: one weight an image and modality.
        names: of the modalities.
    """
    columns = len(next(iter(weights.values())))
    size = (2.7 * columns + 0.8, 1.6 * len(weights) + 0.3)
    figure, axes = new_figure(len(weights), columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    for ax, level in zip(axes[0], next(iter(weights.values())), strict=True):
        ax.set_title(level)
    for axes_row, (title, by_level) in zip(axes, weights.items(), strict=True):
        axes_row[0].set_ylabel(title)
        for ax, values in zip(axes_row, by_level.values(), strict=True):
            for row, name in enumerate(names):
                # Beside each other in the order of the images, so that equal weights do not hide one another.
                place = row + torch.linspace(0.22, -0.22, len(values))
                dots = values[:, row].cpu()
                ax.plot(dots, place, _MARKS[name], color=MODALITY_COLORS[name], markersize=4, alpha=0.6, clip_on=False)
                ax.plot([dots.mean()] * 2, [row - 0.36, row + 0.36], color="black", linewidth=1.6)
            ax.set_xlim(0, 1)
            ax.set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)  # in the usual order from the top
    figure.supxlabel("mean weight (dots: images, bar: their mean)", fontsize=9)
    return figure


def weight_against_change(
    panels: Mapping[str, Mapping[str, tuple[str, Float[Tensor, " n"], Float[Tensor, " n"]]]],
) -> Figure:
    """What attention says beside what deleting does: a dot an image, panels above each other on one scale of weights.

    Args:
        panels: by title of a row, by title of a panel: the modality, its weights, and the mean change of ab when it is
            removed, in Lab units.
    """
    columns = max(len(row) for row in panels.values())
    size = (2.2 * columns, 2.4 * len(panels))
    figure, axes = new_figure(len(panels), columns, figsize=size, squeeze=False, sharex="col")
    for axes_row, (row_title, row) in zip(axes, panels.items(), strict=True):
        axes_row[0].set_ylabel(f"{row_title}\nchange of ab when removed")
        for ax, (title, (name, weight, change)) in zip(axes_row, row.items(), strict=True):
            ax.plot(
                weight.cpu(),
                change.cpu(),
                _MARKS[name],
                color=MODALITY_COLORS[name],
                markersize=4,
                alpha=0.7,
                clip_on=False,
            )
            ax.set(ylim=(0, 1.08 * max(float(change.max()), 1e-3)))
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
    """What a discriminator thinks of pictures: what each modality says, how much it counts, and the verdict.

    Args:
        pictures: by title.
        scores: by title, one a modality; None where the picture does not have it.
        weights: alpha, the same way.
        verdicts: by title, the logit.
        names: of the modalities.
    """
    figure, axes = new_figure(2, len(pictures), figsize=(2.1 * len(pictures), 3.7), squeeze=False, sharey="row")
    reach = 1.15 * max(abs(s) for row in scores.values() for s in (*row, 0.1) if s is not None)
    reach = max(reach, 1.15 * max(abs(v) for v in verdicts.values()))
    for j, (title, picture) in enumerate(pictures.items()):
        show_picture(axes[0, j], picture, title)
        ax = axes[1, j]
        for row, (name, score, weight) in enumerate(zip(names, scores[title], weights[title], strict=True)):
            ax.barh(row, score or 0.0, color=MODALITY_COLORS[name], height=0.45)
            note = "absent" if score is None else f"α {weight:.2f}"
            ax.text(0.02, row - 0.48, note, transform=ax.get_yaxis_transform(), fontsize=8, va="center")
        ax.barh(len(names), verdicts[title], color="0.3", height=0.45)
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set_yticks(range(len(names) + 1), [*names, "verdict"])
        ax.set(xlim=(-reach, reach), xlabel="fake  ←  logit  →  real")
    axes[1, 0].set_ylim(len(names) + 0.6, -0.7)
    return figure
