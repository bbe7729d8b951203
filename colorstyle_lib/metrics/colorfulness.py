"""Colorfulness beside the real pictures', told in ways that give different numbers for the same outputs.

:func:`.colorfulness` is the measure itself. A gap of two crowds of pictures can be the ratio of
their means, in which colorful pictures weigh most
(:func:`.ratio_of` of the two), or the mean of each picture's own ratio
(:func:`colorfulness_ratios`), in which pale ones do: a picture of colorfulness 5 made 10 counts as much as one of 50
made 100.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import ConfigError

_GRAY = 1.0
"""A real picture less colorful than this has no color to match."""


def colorfulness_of_absolutes(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """What becomes of colorfulness where ``|R - G|`` and ``|(R + G) / 2 - B|`` stand for the signed differences.

    It is in use, and it is not Hasler and Süsstrunk's measure: red beside green, which is as colorful as it gets, no
    longer spreads. Here to show how much that changes; see :func:`.colorfulness`.

    Args:
        rgb: sRGB in [0, 1].

    Returns:
        One number an image: 0 for gray.
    """
    red, green, blue = (255 * rgb).unbind(dim=1)
    rg, yb = (red - green).abs().flatten(1), ((red + green) / 2 - blue).abs().flatten(1)
    spread = torch.sqrt(rg.var(dim=1, correction=0) + yb.var(dim=1, correction=0))
    return spread + 0.3 * torch.sqrt(rg.mean(dim=1) ** 2 + yb.mean(dim=1) ** 2)


def colorfulness_ratios(found: Float[Tensor, " n"], real: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Each picture's colorfulness over its real picture's; 1 is right, 0 is gray.

    Args:
        found: colorfulness of results.
        real: of the real pictures, in the same order.

    Raises:
        ConfigError: a real picture is gray, of colorfulness below 1.
    """
    if gray := int((real < _GRAY).sum()):
        raise ConfigError(f"{gray} of {len(real)} real pictures are gray, to which nothing has a ratio; leave them out")
    return found / real
