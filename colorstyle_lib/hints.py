"""Colors that a person puts at points of a picture, for the generator to spread over what belongs together."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError

Hint = tuple[int | float, int | float, str]
"""x (right), y (down), both in the picture's own pixels from its upper left corner, and a color as ``#rrggbb``."""

_SIDE = 4  # pixels at the working size; training saw 2 to 6


def parse_hint(text: str) -> Hint:
    """Read a hint as the command line has it: ``120,80,#b5302a``.

    Raises:
        ConfigError: it is written otherwise.
    """
    x, comma, rest = text.partition(",")
    y, second, color = rest.partition(",")
    try:
        if comma and second:
            return float(x), float(y), color.strip()
    except ValueError:
        pass
    raise ConfigError(f"a hint is X,Y,#RRGGBB such as 120,80,#b5302a, not {text!r}")


def plant(
    hints: Sequence[Hint], size: tuple[int, int], lightness: Float[Tensor, "1 1 h w"]
) -> tuple[Float[Tensor, "1 2 h w"], Bool[Tensor, "1 1 h w"]]:
    """Hints as planes at the working size.

    Args:
        hints: where each color goes; of two at one place the later one stands.
        size: width and height of the picture that x and y are meant in.
        lightness: L at the working size.

    Returns:
        a and b, 0 where there is no hint, and where there are hints.

    Raises:
        ConfigError: a point outside the picture, or something that is no color.
    """
    height, width = lightness.shape[-2:]
    ab = lightness.new_zeros(1, 2, height, width)
    known = torch.zeros_like(lightness, dtype=torch.bool)
    for x, y, color in hints:
        if not (math.isfinite(x) and math.isfinite(y) and 0 <= x < size[0] and 0 <= y < size[1]):
            raise ConfigError(
                f"the hint at {x:g},{y:g} lies outside the picture, which is {size[0]} x {size[1]} pixels"
            )
        left = min(max(0, round(x / size[0] * width - _SIDE / 2)), width - _SIDE)
        top = min(max(0, round(y / size[1] * height - _SIDE / 2)), height - _SIDE)
        place = (..., slice(top, top + _SIDE), slice(left, left + _SIDE))
        ab[place] = _ab(color).to(ab)
        known[place] = True
    return ab, known


def _ab(color: str) -> Float[Tensor, "1 2 1 1"]:
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", color):
        raise ConfigError(f"a hint's color is written #rrggbb, such as #b5302a, not {color!r}")
    parts = bytes.fromhex(color.removeprefix("#"))
    return rgb_to_lab(torch.tensor(list(parts)).view(1, 3, 1, 1) / 255)[:, 1:]
