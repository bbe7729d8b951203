"""How things moved from one frame to the next: the camera first, and what it does not explain place by place.

B. Lucas and T. Kanade, IJCAI 1981, coarse to fine: J.-Y. Bouguet, Pyramidal Implementation of the Lucas Kanade Feature
Tracker, 2000; of the whole picture with robust weights: M. Black and P. Anandan, CVIU 63(1), 1996. It follows cameras
and large things; who uses it checks what was carried and does not trust it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.inference.image_warping import filtered, places, sampled

_COARSEST = 16  # pixels of the shorter side
_RADIUS = 8  # of the window in which all is taken to move alike
_ROUNDS = 2  # of Newton's method at each level for a place
_CAMERA_ROUNDS = 3  # and for the camera
_STEP = 1.0  # pixels of a level that a round may move: farther than that, its line through the slope means nothing
_FLAT = 1e-4  # squared slope, for L in [0, 1], below which a place stays where the coarser level put it
_TOLD = 1e-6  # the same for the camera, which all places together tell
_SOFT = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # finer than this, pixels differ from frame to frame by themselves
_AS_WELL = 1.15  # times the place's own difference, and
_NOISE = 0.002  # this, for L in [0, 1], beside it: up to there the camera explains a place as well

Levels = Sequence[tuple[Float[Tensor, "n 1 _ _"], Float[Tensor, "n 1 _ _"]]]
"""The frame and the one before, at their size, at half of it ..."""


def motion(now: Float[Tensor, "n 1 h w"], before: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 h w"]:
    """Where each pixel was: ``now(x) = before(x + flow(x))``.

    The camera's motion, ``a + B x``, is fitted to all places. Then in a window around each pixel
    ``sum (now - before - <slope, d>)^2 + flat |d|^2`` is made smallest, a few times over at each size; what is found
    counts only where it explains the frame better than the camera does, for a flat place tells little of its motion.

    Args:
        now: one plane, in [0, 1].
        before: the same of the frame before.

    Returns:
        To the right and down, in pixels.
    """
    levels = [(filtered(now, _SOFT), filtered(before, _SOFT))]
    while min(levels[-1][0].shape[-2:]) >= 2 * _COARSEST:
        levels.append((nnf.avg_pool2d(levels[-1][0], 2), nnf.avg_pool2d(levels[-1][1], 2)))
    camera = _camera(levels)
    own: Tensor | None = None
    for depth, (new, old) in reversed(list(enumerate(levels))):
        by_camera = _affine(camera, new, depth)
        own = torch.zeros_like(by_camera) if own is None else _enlarged(own, new)
        for _ in range(_ROUNDS):
            own = box_mean(own)  # what a flat window makes up is outvoted by its neighbours
            own = own + _step(new, *_moved(old, by_camera + own))
    own = box_mean(own)
    left = [box_mean((new - _moved(old, flow)[0]).abs(), _RADIUS // 2) for flow in (by_camera, by_camera + own)]
    most, enough = _AS_WELL * left[1] + _NOISE, (1 + _AS_WELL) / 2 * left[1] + _NOISE / 2
    return by_camera + own * (1 - ((most - left[0]) / (most - enough)).clamp(0, 1))


def box_mean(planes: Float[Tensor, "n c h w"], radius: int = _RADIUS) -> Float[Tensor, "n c h w"]:
    """Mean over a square window, one direction after the other; at the border over the part of it that lies inside."""
    side = 2 * radius + 1
    across = nnf.avg_pool2d(planes, (1, side), stride=1, padding=(0, radius), count_include_pad=False)
    return nnf.avg_pool2d(across, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False)


def _camera(levels: Levels) -> Float[Tensor, "n 2 3"]:
    """The six numbers of an affine motion in pixels, by weighted least squares over all places."""
    camera = levels[0][0].new_zeros(len(levels[0][0]), 2, 3)
    for depth, (new, old) in reversed(list(enumerate(levels))):
        ground = _ground(new)
        for _ in range(_CAMERA_ROUNDS):
            past, inside = _moved(old, _affine(camera, new, depth))
            rest, slopes = new - past, torch.cat(_slopes((new + past) / 2), dim=1)
            steep = slopes.square().sum(dim=1, keepdim=True) * inside
            # How far off what has a slope is, as a rule; farther off, it moves by itself, and hardly counts.
            usual = (steep * rest.square()).sum((1, 2, 3), keepdim=True) / steep.sum((1, 2, 3), keepdim=True).add(1e-9)
            weight = inside / (1 + rest.square() / usual.add(1e-6)).square()
            change = torch.einsum("nihw,khw->nikhw", slopes, ground).flatten(1, 2) / 2**depth
            normal = torch.einsum("nihw,njhw,nhw->nij", change, change, weight[:, 0])
            normal = normal + torch.eye(6, device=new.device) * (
                _TOLD / 4**depth * weight.sum((2, 3), keepdim=True)[:, 0]
            )
            told = torch.einsum("nihw,nhw->ni", change, (weight * rest)[:, 0])
            most = _STEP * 2**depth
            camera = camera + torch.linalg.solve(normal, told).view_as(camera).clamp(-most, most)
    return camera


def _ground(plane: Tensor) -> Float[Tensor, "3 h w"]:
    """1, x and y, from -1 to 1 across the picture."""
    y, x = (torch.linspace(-1, 1, side, device=plane.device) for side in plane.shape[-2:])
    y, x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack((torch.ones_like(x), x, y))


def _affine(camera: Float[Tensor, "n 2 3"], plane: Tensor, depth: int) -> Float[Tensor, "n 2 h w"]:
    return torch.einsum("nik,khw->nihw", camera, _ground(plane)) / 2**depth


def _enlarged(flow: Tensor, plane: Tensor) -> Tensor:
    if flow.shape[-2:] == plane.shape[-2:]:
        return flow
    return 2 * nnf.interpolate(flow, size=plane.shape[-2:], mode="bilinear")


def _moved(plane: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    # Bilinear is enough for what has been softened.
    x, y, inside = places(flow)
    return sampled(plane, x, y), inside


def _slopes(plane: Tensor) -> tuple[Tensor, Tensor]:
    padded = nnf.pad(plane, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    return across, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2


def _step(now: Tensor, before: Tensor, inside: Tensor) -> Float[Tensor, "n 2 h w"]:
    """One round: the two equations in two unknowns of each window."""
    across, down = _slopes((now + before) / 2)
    rest = now - before
    products = torch.cat((across * across, down * down, across * down, across * rest, down * rest), dim=1)
    xx, yy, xy, xt, yt = box_mean(products * inside).split(1, dim=1)
    xx, yy = xx + _FLAT, yy + _FLAT
    steps = torch.cat((yy * xt - xy * yt, xx * yt - xy * xt), dim=1) / (xx * yy - xy * xy)
    return steps.clamp(-_STEP, _STEP)
