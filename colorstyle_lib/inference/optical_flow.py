"""Optical flow from one frame to the next, and pictures warped by it.

The camera's motion comes first, then the motion that it does not explain, place by place. B. Lucas and T. Kanade, IJCAI
1981; coarse to fine: J.-Y. Bouguet, Pyramidal Implementation of the Lucas Kanade Feature Tracker, 2000; robust weights
for the camera: M. Black and P. Anandan, CVIU 63(1), 1996. It follows cameras and large things: check what it warps.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from scipy.ndimage import map_coordinates
from torch import Tensor

_COARSEST = 16  # pixels of the shorter side
_RADIUS = 8  # of the window in which everything is taken to move alike
_WINDOW_ROUNDS = 2  # of Newton's method at each level for a window
_CAMERA_ROUNDS = 3  # and for the camera
_LONGEST_STEP = 1.0  # pixels of a level that a round may move; the linear approximation holds no farther
_FLAT = 1e-4  # squared gradient, for L in [0, 1], below which a place keeps the coarser level's flow
_FLAT_CAMERA = 1e-6  # the same for the camera, which all places together determine
_SMOOTH = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # finer than this, frames differ by noise
_AS_GOOD = 1.15  # times the window's own difference, and
_NOISE = 0.002  # this, for L in [0, 1], beside it: up to there the camera explains a place as well
_OUTSIDE = 1e-3  # pixels beyond the rim that still count as inside: a flow is only estimated


def optical_flow(now: Float[Tensor, "n 1 h w"], before: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 h w"]:
    """The flow for which ``now(x) = before(x + flow(x))``.

    The camera's motion, ``a + B x``, is fitted to all places. Then in a window around each pixel
    ``sum (now - before - <gradient, d>)^2 + flat |d|^2`` is made smallest, a few times over at each size; the result
    counts only where it explains the frame better than the camera does, for a flat place tells little of its motion.

    Both frames are one plane, in [0, 1]; the flow goes to the right and down, in pixels.
    """
    levels = [(separable_filter(now, _SMOOTH), separable_filter(before, _SMOOTH))]
    while min(levels[-1][0].shape[-2:]) >= 2 * _COARSEST:
        levels.append((nnf.avg_pool2d(levels[-1][0], 2), nnf.avg_pool2d(levels[-1][1], 2)))
    camera = _camera_motion(levels)
    own = now.new_zeros(len(now), 2, *levels[-1][0].shape[-2:])
    for depth, (new, old) in reversed(list(enumerate(levels))):
        by_camera = _camera_flow(camera, new, depth)
        if own.shape != by_camera.shape:  # twice as large as the level before
            own = 2 * nnf.interpolate(own, size=new.shape[-2:], mode="bilinear")
        for _ in range(_WINDOW_ROUNDS):
            own = box_mean(own)  # neighbours outvote what a flat window makes up
            own = own + _lucas_kanade_step(new, *warp_bilinear(old, by_camera + own))
    own = box_mean(own)
    # How far each flow is from explaining the frame, and from 0 to 1 how much better the camera does.
    flows = by_camera, by_camera + own
    off_camera, off_own = (box_mean((new - warp_bilinear(old, flow)[0]).abs(), _RADIUS // 2) for flow in flows)
    most, enough = _AS_GOOD * off_own + _NOISE, (1 + _AS_GOOD) / 2 * off_own + _NOISE / 2
    return by_camera + own * (1 - ((most - off_camera) / (most - enough)).clamp(0, 1))


Pictures, Inside = Float[Tensor, "n c h w"], Bool[Tensor, "n 1 h w"]


def warp(picture: Pictures, flow: Float[Tensor, "n 2 h w"]) -> tuple[Pictures, Inside]:
    """``picture(x + flow(x))`` by quintic splines, and where that lies inside the picture; mirrored beyond the rim.

    Quintic splines (M. Unser, IEEE Signal Processing Magazine 16(6), 1999) wear nothing out when a picture is warped
    again and again: of waves 2.7 pixels long, warped by half a pixel, they keep 91 %, Catmull-Rom's kernel 55 %.
    """
    x, y, inside = _targets(flow)
    places = torch.stack((y, x), dim=1).repeat_interleave(picture.shape[1], dim=0)
    spline = partial(map_coordinates, order=5, mode="mirror", output=np.float32)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        warped = list(pool.map(spline, picture.flatten(0, 1).cpu().numpy(), places.cpu().numpy()))
    return torch.from_numpy(np.stack(warped)).view_as(picture).to(picture.device), inside


def warp_bilinear(picture: Pictures, flow: Float[Tensor, "n 2 h w"]) -> tuple[Pictures, Inside]:
    """As :func:`warp`, faster: good enough for what has been smoothed."""
    height, width = picture.shape[-2:]
    x, y, inside = _targets(flow)
    grid = torch.stack((2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), dim=-1)
    return nnf.grid_sample(picture, grid, mode="bilinear", padding_mode="reflection", align_corners=True), inside


def _targets(flow: Tensor) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"], Inside]:
    """Column and row of ``x + flow(x)``, and where they are inside the picture."""
    height, width = flow.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    within = [(at >= -_OUTSIDE) & (at <= side - 1 + _OUTSIDE) for at, side in ((x, width), (y, height))]
    return x, y, (within[0] & within[1])[:, None]


def separable_filter(picture: Float[Tensor, "n c h w"], taps: Float[Tensor, " k"]) -> Float[Tensor, "n c h w"]:
    """Each plane with the same odd number of taps across and down; mirrored beyond the rim."""
    taps, reach = taps.to(picture), len(taps) // 2
    planes = nnf.pad(picture.flatten(0, 1)[:, None], (reach, reach, reach, reach), mode="reflect")
    across = nnf.conv2d(planes, taps.view(1, 1, 1, -1))
    return nnf.conv2d(across, taps.view(1, 1, -1, 1)).view_as(picture)


def box_mean(planes: Float[Tensor, "n c h w"], radius: int = _RADIUS) -> Float[Tensor, "n c h w"]:
    """Mean over a square window; at the border over the part of it that lies inside."""
    side = 2 * radius + 1
    across = nnf.avg_pool2d(planes, (1, side), stride=1, padding=(0, radius), count_include_pad=False)
    return nnf.avg_pool2d(across, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False)


def _camera_motion(levels: list[tuple[Tensor, Tensor]]) -> Float[Tensor, "n 2 3"]:
    """The six numbers of an affine motion in pixels, by weighted least squares over all places."""
    camera = levels[0][0].new_zeros(len(levels[0][0]), 2, 3)
    for depth, (new, old) in reversed(list(enumerate(levels))):
        basis = _affine_basis(new)
        for _ in range(_CAMERA_ROUNDS):
            past, inside = warp_bilinear(old, _camera_flow(camera, new, depth))
            rest, gradient = new - past, torch.cat(_gradient((new + past) / 2), dim=1)
            steep = gradient.square().sum(dim=1, keepdim=True) * inside
            # The usual error where there is a gradient; what is farther off moves by itself, and hardly counts.
            usual = (steep * rest.square()).sum((1, 2, 3), keepdim=True) / steep.sum((1, 2, 3), keepdim=True).add(1e-9)
            weight = inside / (1 + rest.square() / usual.add(1e-6)).square()
            change = torch.einsum("nihw,khw->nikhw", gradient, basis).flatten(1, 2) / 2**depth
            normal = torch.einsum("nihw,njhw,nhw->nij", change, change, weight[:, 0])
            damping = _FLAT_CAMERA / 4**depth * weight.sum((2, 3), keepdim=True)[:, 0]
            normal = normal + torch.eye(6, device=new.device) * damping
            right_side = torch.einsum("nihw,nhw->ni", change, (weight * rest)[:, 0])
            most = _LONGEST_STEP * 2**depth
            camera = camera + torch.linalg.solve(normal, right_side).view_as(camera).clamp(-most, most)
    return camera


def _camera_flow(camera: Float[Tensor, "n 2 3"], plane: Tensor, depth: int) -> Float[Tensor, "n 2 h w"]:
    return torch.einsum("nik,khw->nihw", camera, _affine_basis(plane)) / 2**depth


def _affine_basis(plane: Tensor) -> Float[Tensor, "3 h w"]:
    """1, x and y, from -1 to 1 across the picture."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n, device=plane.device) for n in plane.shape[-2:]), indexing="ij")
    return torch.stack((torch.ones_like(x), x, y))


def _gradient(plane: Tensor) -> tuple[Tensor, Tensor]:
    padded = nnf.pad(plane, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    return across, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2


def _lucas_kanade_step(now: Tensor, before: Tensor, inside: Tensor) -> Float[Tensor, "n 2 h w"]:
    """One round: the two equations in two unknowns of each window."""
    across, down = _gradient((now + before) / 2)
    rest = now - before
    products = torch.cat((across * across, down * down, across * down, across * rest, down * rest), dim=1)
    xx, yy, xy, xt, yt = box_mean(products * inside).split(1, dim=1)
    xx, yy = xx + _FLAT, yy + _FLAT
    steps = torch.cat((yy * xt - xy * yt, xx * yt - xy * xt), dim=1) / (xx * yy - xy * xy)
    return steps.clamp(-_LONGEST_STEP, _LONGEST_STEP)
