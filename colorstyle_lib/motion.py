"""How things moved from one frame to the next, and carrying a picture along with them.

B. Lucas and T. Kanade, IJCAI 1981, coarse to fine: J.-Y. Bouguet, Pyramidal Implementation of the Lucas Kanade Feature
Tracker, 2000. It follows cameras and large things; who uses it checks what was carried and does not trust it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor

_COARSEST = 16  # pixels of the shorter side
_RADIUS = 8  # of the window in which all is taken to move alike
_ROUNDS = 3  # of Newton's method at each level
_STEP = 1.0  # pixels of a level that a round may move: farther than that, its line through the slope means nothing
_FLAT = 1e-4  # squared slope, for L in [0, 1], below which a place stays where the coarser level put it


def motion(now: Float[Tensor, "n 1 h w"], before: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 h w"]:
    """Where each pixel was: ``now(x) = before(x + flow(x))``.

    In a window around each pixel, ``sum (now - before - <slope, d>)^2 + flat |d|^2`` is made smallest, a few times
    over at each size.

    Args:
        now: one plane, in [0, 1].
        before: the same of the frame before.

    Returns:
        To the right and down, in pixels.
    """
    levels = [(now, before)]
    while min(levels[-1][0].shape[-2:]) >= 2 * _COARSEST:
        levels.append((nnf.avg_pool2d(levels[-1][0], 2), nnf.avg_pool2d(levels[-1][1], 2)))
    coarsest = levels[-1][0]
    flow = coarsest.new_zeros(len(now), 2, *coarsest.shape[-2:])
    for new, old in reversed(levels):
        if flow.shape[-2:] != new.shape[-2:]:
            flow = 2 * nnf.interpolate(flow, size=new.shape[-2:], mode="bilinear")
        for _ in range(_ROUNDS):
            flow = box_mean(flow)  # what a flat window makes up is outvoted by its neighbours
            flow = flow + _step(new, *carried(old, flow))
    return box_mean(flow)


def carried(
    picture: Float[Tensor, "n c h w"], flow: Float[Tensor, "n 2 h w"]
) -> tuple[Float[Tensor, "n c h w"], Bool[Tensor, "n 1 h w"]]:
    """``picture(x + flow(x))``, bicubic, and where that lies inside the picture; the rim's values beyond it."""
    height, width = picture.shape[-2:]
    x = torch.arange(width, device=picture.device) + flow[:, 0]
    y = torch.arange(height, device=picture.device)[:, None] + flow[:, 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    # grid_sample counts from -1 to 1 across the pixels' outer edges.
    grid = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), dim=-1)
    moved = nnf.grid_sample(picture, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return moved, inside[:, None]


def box_mean(planes: Float[Tensor, "n c h w"], radius: int = _RADIUS) -> Float[Tensor, "n c h w"]:
    """Mean over a square window, one direction after the other; at the border over the part of it that lies inside."""
    side = 2 * radius + 1
    across = nnf.avg_pool2d(planes, (1, side), stride=1, padding=(0, radius), count_include_pad=False)
    return nnf.avg_pool2d(across, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False)


def _step(now: Tensor, before: Tensor, inside: Tensor) -> Float[Tensor, "n 2 h w"]:
    """One round: the two equations in two unknowns of each window."""
    padded = nnf.pad((now + before) / 2, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    rest = now - before
    products = torch.cat((across * across, down * down, across * down, across * rest, down * rest), dim=1)
    xx, yy, xy, xt, yt = box_mean(products * inside).split(1, dim=1)
    xx, yy = xx + _FLAT, yy + _FLAT
    steps = torch.cat((yy * xt - xy * yt, xx * yt - xy * xt), dim=1) / (xx * yy - xy * xy)
    return steps.clamp(-_STEP, _STEP)
