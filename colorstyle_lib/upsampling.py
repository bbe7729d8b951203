"""From a small prediction to a big picture: chroma follows the edges of L (guided filter), strip by strip.

K. He, J. Sun, X. Tang, Guided Image Filtering, ECCV 2010; the fast form, whose coefficients are computed at the small
size, is K. He and J. Sun, arXiv:1505.00996.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor


def _box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over a square window; at the border over the part of it that lies inside."""
    return nnf.avg_pool2d(x, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)


def guided_coefficients(
    guide: Float[Tensor, "n 1 h w"],
    values: Float[Tensor, "n c h w"],
    *,
    radius: int = 5,
    epsilon: float = 4.0,
) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n c h w"]]:
    """Fit ``values = slope * guide + offset`` in a window around each pixel.

    ``slope = cov(guide, values) / (var(guide) + epsilon)``, ``offset = mean(values) - slope * mean(guide)``, then both
    averaged over the windows that cover a pixel (He et al. 2010, equations 5, 6 and 8).

    Args:
        guide: L, in [0, 100].
        values: planes to bring to a larger size, such as a and b.
        radius: the window is ``2 radius + 1`` wide.
        epsilon: variance of L below which it counts as flat, in squared L units; flat places are only smoothed.

    Returns:
        Slope and offset, one each for every plane and pixel.
    """
    mean_guide, mean_values = _box_mean(guide, radius), _box_mean(values, radius)
    variance = _box_mean(guide * guide, radius) - mean_guide * mean_guide
    covariance = _box_mean(guide * values, radius) - mean_guide * mean_values
    slope = covariance / (variance.clamp_min(0) + epsilon)
    offset = mean_values - slope * mean_guide
    return _box_mean(slope, radius), _box_mean(offset, radius)


def rows_at_size(
    planes: Float[Tensor, "n c h w"], top: int, bottom: int, height: int, width: int
) -> Float[Tensor, "n c rows {width}"]:
    """Rows ``top`` to ``bottom`` of ``planes`` brought to ``(height, width)``, without making the whole.

    Bilinear, equal to the same rows of ``torch.nn.functional.interpolate(..., align_corners=False)``.

    Args:
        planes: small planes.
        top: first row wanted, of ``height``.
        bottom: row after the last one wanted.
        height: of the whole picture.
        width: of the whole picture.
    """
    small = planes.shape[-2]
    # Pixel centers: row y of the large picture lies at (y + 1/2) * small / height - 1/2 of the small one.
    at = (torch.arange(top, bottom, device=planes.device, dtype=torch.float32) + 0.5) * (small / height) - 0.5
    at = at.clamp(0, small - 1)
    above = at.floor().long()
    below = (above + 1).clamp_max(small - 1)
    part = (at - above)[:, None]
    rows = torch.lerp(planes[..., above, :], planes[..., below, :], part.expand(-1, planes.shape[-1]))
    return nnf.interpolate(rows, size=(bottom - top, width), mode="bilinear", align_corners=False)
