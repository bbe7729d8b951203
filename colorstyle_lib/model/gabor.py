"""The small filters by which texture and shape are seen."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

ORIENTATIONS = 4


def filter_bank() -> Float[Tensor, "filters 1 7 7"]:
    """``(2 * ORIENTATIONS + 2, 1, 7, 7)``: Gabor pairs (even, then odd), then a Gaussian's slopes.

    A Gabor pair is one wave of 4 pixels under a Gaussian of 1.6 (J. Daugman, JOSA A 2(7), 1985). Even and odd
    squared and summed do not depend on where in its wave a pattern starts. All are blind to a constant, the
    pairs also to an even slope, which is shading and no texture.
    """
    axis = torch.arange(-3.0, 4.0, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    gaussian = torch.exp(-(x.square() + y.square()) / (2 * 1.6**2))
    even, odd = [], []
    for k in range(ORIENTATIONS):
        angle = math.pi * k / ORIENTATIONS
        along = x * math.cos(angle) + y * math.sin(angle)
        phase = 2 * math.pi / 4 * along
        wave = gaussian * phase.cos()
        wave = wave - gaussian * wave.sum() / gaussian.sum()
        even.append(wave / wave.abs().sum())
        wave = gaussian * phase.sin()
        wave = wave - gaussian * along * (wave * along).sum() / (gaussian * along.square()).sum()
        odd.append(wave / wave.abs().sum())
    narrow = torch.exp(-(x.square() + y.square()) / 2)
    slopes = [axis_ * narrow / (axis_.square() * narrow).sum() for axis_ in (x, y)]  # a ramp of slope 1 answers 1
    return torch.stack([*even, *odd, *slopes])[:, None].float()
