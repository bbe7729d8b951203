"""Hints: colors at points of a picture, rasterized for the generator and limited to what belongs together.

The reach of a hint is a random walk's: A. Levin, D. Lischinski and Y. Weiss, Colorization using Optimization, SIGGRAPH
2004, whose energy gets a small price for every pixel that a hint is carried to.
"""

import re
from collections.abc import Sequence

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError

Plane, Planes, Known = Float[Tensor, "n 1 h w"], Float[Tensor, "n 2 h w"], Bool[Tensor, "n 1 h w"]  # L; a and b; where

# x (right), y (down), both in the picture's own pixels from its upper left corner, and a color as ``#rrggbb``.
Hint = tuple[int | float, int | float, str]
_SIDE = 4  # pixels at the working size; training saw 2 to 6
_REACH_SIDE = 160  # pixels of the shorter side at which reach is found, so that it is the same at any working size
_EDGE = 4.0  # difference of L that a hint hardly passes
_LEAK = 1e-3  # what even the sharpest edge lets through
_PRICE = 1e-5  # of each pixel on the way
_ITERATIONS = 150


def parse_hint(text: str) -> Hint:
    """Read a hint as the command line has it, ``120,80,#b5302a``; ConfigError for what is written otherwise."""
    parts = text.split(",", 2)
    try:
        x, y, color = float(parts[0]), float(parts[1]), parts[2].strip()
    except (IndexError, ValueError):
        raise ConfigError(f"a hint is X,Y,#RRGGBB such as 120,80,#b5302a, not {text!r}") from None
    _parse_color(color)  # before any picture is touched
    return x, y, color


def _parse_color(color: str) -> Float[Tensor, "1 2 1 1"]:
    """a and b of ``#rrggbb``."""
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", color):
        raise ConfigError(f"a hint's color is written #rrggbb, such as #b5302a, not {color!r}")
    return rgb_to_lab(torch.tensor(list(bytes.fromhex(color.removeprefix("#")))).view(1, 3, 1, 1) / 255)[:, 1:]


def rasterize_hints(hints: Sequence[Hint], size: tuple[int, int], lightness: Plane) -> tuple[Planes, Known]:
    """Hints as planes at the working size, of L: a and b, 0 where there is no hint, and where there are hints.

    ``size`` is width and height of the picture that x and y are meant in. Of two hints at one place the later stands.
    ConfigError for a point outside the picture, or something that is no color.
    """
    height, width = lightness.shape[-2:]
    ab = lightness.new_zeros(1, 2, height, width)
    known = torch.zeros_like(lightness, dtype=torch.bool)
    for x, y, color in hints:
        if not (0 <= x < size[0] and 0 <= y < size[1]):  # also of NaN
            raise ConfigError(f"the hint at {x:g},{y:g} lies outside the picture of {size[0]} x {size[1]} pixels")
        left = min(max(0, round(x / size[0] * width - _SIDE / 2)), width - _SIDE)
        top = min(max(0, round(y / size[1] * height - _SIDE / 2)), height - _SIDE)
        place = (..., slice(top, top + _SIDE), slice(left, left + _SIDE))
        ab[place], known[place] = _parse_color(color).to(ab), True
    return ab, known


def limit_hints(plain: Planes, hinted: Planes, lightness: Plane, ab: Planes, known: Known) -> Planes:
    """Let hints change a coloring only where they reach, and have their own color where they stand.

    ``plain + sqrt(u) (hinted - plain) + v``. The reach ``u`` is 1 at a hint, falls with every pixel on the way and
    sharply at edges of L; ``v`` carries what the prediction at the hint still lacks to the hint's color. The root,
    because ``u`` falls faster than what belongs together ends.

    ``plain`` and ``hinted`` are a and b as predicted without and with hints; a network that learned from scattered ones
    takes a single one for the whole picture's tint. L is in [0, 100]; the rest is from :func:`rasterize_hints`.
    """
    size = lightness.shape[-2:]
    shrink = min(1.0, _REACH_SIDE / min(size))
    small = [max(1, round(side * shrink)) for side in size]
    at = nnf.adaptive_max_pool2d(known.float(), small)
    missing = nnf.adaptive_avg_pool2d((ab - hinted) * known, small)
    missing = missing / nnf.adaptive_avg_pool2d(known.float(), small).clamp_min(1e-6)
    spread = _spread(nnf.adaptive_avg_pool2d(lightness, small), at, torch.cat((at, missing * at), dim=1))
    reach, lacking = spread.split((1, 2), dim=1)
    reach = reach.clamp(0, 1).sqrt()
    reach = reach / reach.amax((-2, -1), keepdim=True).clamp_min(1e-6)
    reach, lacking = (nnf.interpolate(x, size=size, mode="bilinear") for x in (reach, lacking))
    return plain + reach * (hinted - plain) + lacking


def _spread(lightness: Plane, at: Plane, values: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Solve ``(Laplacian + price + at) u = values`` by conjugate gradients with Jacobi's preconditioner."""
    across, down = (torch.exp(-((lightness.diff(dim=d) / _EDGE) ** 2) / 2) + _LEAK for d in (-1, -2))
    own = at + _PRICE
    rims = ((across, (1, 0)), (across, (0, 1)), (down, (0, 0, 1, 0)), (down, (0, 0, 0, 1)))
    diagonal = own + sum(nnf.pad(flow, rim) for flow, rim in rims)

    def apply(u: Tensor) -> Tensor:
        out = own * u
        flow_across, flow_down = across * u.diff(dim=-1), down * u.diff(dim=-2)
        out[..., 1:] += flow_across
        out[..., :-1] -= flow_across
        out[..., 1:, :] += flow_down
        out[..., :-1, :] -= flow_down
        return out

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum((-2, -1), keepdim=True)

    u, residual = torch.zeros_like(values), values
    direction = residual / diagonal
    length = dot(residual, direction)
    for _ in range(_ITERATIONS):
        image = apply(direction)
        step = length / dot(direction, image).clamp_min(1e-12)
        u, residual = u + step * direction, residual - step * image
        scaled = residual / diagonal
        before, length = length, dot(residual, scaled)
        direction = scaled + length / before.clamp_min(1e-12) * direction
    return u
