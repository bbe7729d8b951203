"""What a generator is trained on. Each term is one small function with its equation and source."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor


def huber_ab(
    predicted: Float[Tensor, "n 2 h w"],
    target: Float[Tensor, "n 2 h w"],
    *,
    delta: float,
    weight: Float[Tensor, "n 1 h w"] | None = None,
) -> Float[Tensor, ""]:
    """Huber distance of ab planes, in Lab units: ``d^2 / 2 delta`` where ``d <= delta``, else ``d - delta / 2``.

    P. Huber, Annals of Mathematical Statistics 35(1), 1964. Divided by delta against the usual form, so that far from
    the target it is the absolute error.

    Args:
        predicted: a and b.
        target: a and b of the real picture.
        delta: where the square ends, in Lab units.
        weight: how much each pixel counts; the mean is taken over the weights.

    Returns:
        A mean over pixels and both planes, Lab units.
    """
    error = nnf.huber_loss(predicted, target, reduction="none", delta=delta) / delta
    if weight is None:
        return error.mean()
    return (error * weight).sum() / (weight.sum() * error.shape[1])


def huber_ab_gradient(
    predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"], *, delta: float
) -> Float[Tensor, ""]:
    """Huber distance of the ab differences between neighbours, across and down: color must change where the real does.

    Args:
        predicted: a and b.
        target: a and b of the real picture.
        delta: see :func:`huber_ab`.

    Returns:
        The sum of the two directions' means, Lab units.
    """
    total = predicted.new_zeros(())
    for dim in (-1, -2):
        total = total + huber_ab(predicted.diff(dim=dim), target.diff(dim=dim), delta=delta)
    return total


def chroma_weight(ab: Float[Tensor, "n 2 h w"], strength: float) -> Float[Tensor, "n 1 h w"]:
    """Let colorful pixels count for more, since most of a photograph is nearly gray: ``1 + strength * chroma / 110``.

    The idea, rebalancing rare colors, is R. Zhang et al.'s (ECCV 2016, arXiv:1603.08511); this is its simplest form.

    Args:
        ab: a and b of the real picture.
        strength: 0 for equal weights.
    """
    return 1 + strength * ab.square().sum(dim=1, keepdim=True).sqrt() / 110
