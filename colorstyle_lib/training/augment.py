"""Augmentation of the discriminator's pictures (DiffAugment), against learning a small data set by heart."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_FARTHEST = 1 / 8  # shift, of a side
_CUT = 1 / 3  # side of the part cut out, of the picture's


def differentiable_augmentation(
    lab: Float[Tensor, "n 3 h w"], chances: Float[Tensor, "n 4"]
) -> Float[Tensor, "n 3 h w"]:
    """Shift each picture and cut a square out of it, black; gradients pass through to the pixels that are left.

    S. Zhao et al., Differentiable Augmentation, NeurIPS 2020 (arXiv:2006.10738), without its changes of color: color is
    what the discriminator has to judge.

    Args:
        lab: real or generated pictures.
        chances: numbers in [0, 1): how far down and right to shift, and where to cut, for each picture.
    """
    height, width = lab.shape[-2:]
    rows, columns = torch.arange(height, device=lab.device), torch.arange(width, device=lab.device)
    place, kept = [], []
    for axis, (length, index) in enumerate(((height, rows), (width, columns))):
        shift = ((2 * chances[:, axis] - 1) * (_FARTHEST * length + 1)).trunc().long()[:, None]
        place.append(index - shift)
        start = chances[:, 2 + axis, None] * length - _CUT * length / 2
        kept.append((index >= start) & (index < start + _CUT * length))
    inside = [(p >= 0) & (p < n) for p, n in zip(place, (height, width), strict=True)]
    visible = inside[0][:, :, None] & inside[1][:, None] & ~(kept[0][:, :, None] & kept[1][:, None])
    y, x = (p.clamp(0, n - 1) for p, n in zip(place, (height, width), strict=True))
    picture = torch.arange(len(lab), device=lab.device)[:, None, None]
    shifted = lab.movedim(1, -1)[picture, y[:, :, None], x[:, None]].movedim(-1, 1)
    return shifted * visible[:, None]
