"""Classical color transfer, and its absence: the simple methods that every number of ours stands beside."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, luma_to_gray, rgb_to_lab


def gray(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """No model at all: the sRGB picture in [0, 1] without its colors, L kept."""
    return luma_to_gray(rgb_to_lab(rgb)[:, :1])


def transfer_statistics(
    content: Float[Tensor, "n 3 h w"], style: Float[Tensor, "n 3 h2 w2"], *, keep_lightness: bool = False
) -> Float[Tensor, "n 3 h w"]:
    """Classical style transfer: give each Lab plane of the content the mean and deviation of the style's.

    ``(x - mean_content) / std_content * std_style + mean_style`` per plane. E. Reinhard et al., Color Transfer between
    Images, IEEE Computer Graphics and Applications 21(5), 2001, with CIELAB in the place of their l-alpha-beta. It
    knows color and nothing else: no texture, no shape.

    Args:
        content: sRGB in [0, 1].
        style: sRGB in [0, 1], of any size.
        keep_lightness: leave L alone and move only a and b.

    Returns:
        sRGB in [0, 1], of the content's size.
    """
    source, target, dims = rgb_to_lab(content), rgb_to_lab(style), (2, 3)
    mean, deviation = source.mean(dims, keepdim=True), source.std(dims, keepdim=True)
    # A flat plane has no deviation to divide by; it then only moves to the style's mean.
    moved = (source - mean) / deviation.clamp_min(1e-3) * target.std(dims, keepdim=True)
    moved = moved + target.mean(dims, keepdim=True)
    if keep_lightness:
        moved = torch.cat((source[:, :1], moved[:, 1:]), dim=1)
    return lab_to_rgb(fit_gamut(moved))
