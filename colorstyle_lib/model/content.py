"""Input planes of the generator: the known parts of a picture's Lab planes, and masks of where they are known."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor

AB_RANGE = 110.0
CONTENT_PLANES = 5
"""L, a, b, and two masks."""


def content_planes(
    lab: Float[Tensor, "n 3 h w"],
    known_lightness: Bool[Tensor, "n 1 h w"] | Float[Tensor, "n 1 h w"],
    known_color: Bool[Tensor, "n 1 h w"] | Float[Tensor, "n 1 h w"],
) -> Float[Tensor, "n 5 h w"]:
    """Content of a picture: its Lab planes with the unknown set to zero, and two masks of what is known.

    A grayscale photograph knows L everywhere and color nowhere; one with hints knows color at some pixels.

    L is in [0, 100], a and b in about [-110, 110]; a mask lies between 0 and 1 where a value is not to be trusted.
    Returned are L / 100, a / 110, b / 110, and the two masks.
    """
    light, color = known_lightness.to(lab.dtype), known_color.to(lab.dtype)
    return torch.cat((lab[:, :1] / 100 * (light > 0), lab[:, 1:] / AB_RANGE * (color > 0), light, color), dim=1)


def gray_content(lightness: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 5 h w"]:
    """Content of a grayscale photograph, from its L in [0, 100]: known everywhere, color nowhere.

    >>> gray_content(torch.full((1, 1, 1, 1), 50.0)).flatten().tolist()
    [0.5, 0.0, 0.0, 1.0, 0.0]
    """
    lab = nnf.pad(lightness, (0, 0, 0, 0, 0, 2))
    everywhere = torch.ones_like(lightness, dtype=torch.bool)
    return content_planes(lab, everywhere, ~everywhere)
