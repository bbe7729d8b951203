"""Numbers that describe how good a coloring is; each says what it is taken over."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def psnr_ab(predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"]) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio of the ab planes, an image at a time.

    ``10 log10(255^2 / MSE)`` with the mean square over both planes: ab spans 8 bits' worth of Lab units.

    Args:
        predicted: a and b, Lab units.
        target: a and b of the real picture.

    Returns:
        Decibels, one an image; more is better.
    """
    mean_square = (predicted - target).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255**2 / mean_square.clamp_min(1e-12))


def colorfulness(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Hasler and Süsstrunk's colorfulness (Proc. SPIE 5007, 2003), with signed differences.

    ``rg = R - G, yb = (R + G) / 2 - B``; ``sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)``, 8-bit units.

    Args:
        rgb: sRGB in [0, 1].

    Returns:
        One number an image: 0 for gray, about 15 slightly, 45 averagely, 80 highly colorful (the paper's own scale).
    """
    red, green, blue = (255 * rgb).unbind(dim=1)
    rg, yb = (red - green).flatten(1), ((red + green) / 2 - blue).flatten(1)
    spread = torch.sqrt(rg.var(dim=1, correction=0) + yb.var(dim=1, correction=0))
    return spread + 0.3 * torch.sqrt(rg.mean(dim=1) ** 2 + yb.mean(dim=1) ** 2)
