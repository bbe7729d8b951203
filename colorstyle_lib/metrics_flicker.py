"""How much a clip flickers: what differs from frame to frame once the motion, which is known, is taken back."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.motion import carried

_RIM = 3  # pixels that bicubic interpolation and the pictures' own borders reach into


def pan(
    picture: Image.Image, frames: int, step: tuple[float, float] = (1.3, 0.7), size: int = 192
) -> list[Image.Image]:
    """A clip whose motion is known: a square window moves over a picture.

    Args:
        picture: of mode RGB.
        frames: how many.
        step: pixels to the right and down from frame to frame; parts of a pixel are what makes networks flicker.
        size: side of the window.

    Raises:
        ConfigError: fewer than two frames, or a window that would leave the picture.
    """
    if frames < 2:
        raise ConfigError(f"a clip has at least 2 frames, not {frames}")
    path = [(frames - 1) * abs(part) for part in step]
    if size + path[0] > picture.width or size + path[1] > picture.height:
        raise ConfigError(f"a window of {size} pixels that moves by {path} leaves a picture of {picture.size}")
    start = [0.0 if part >= 0 else way for part, way in zip(step, path, strict=True)]
    corners = [(start[0] + t * step[0], start[1] + t * step[1]) for t in range(frames)]
    return [picture.resize((size, size), Image.Resampling.BICUBIC, box=(x, y, x + size, y + size)) for x, y in corners]


def flicker(clip: Float[Tensor, "t 3 h w"], step: tuple[float, float]) -> float:
    """``mean |frame_(t+1) taken back by the motion - frame_t|``, over all that is in both.

    Not even the clip that was put in has 0: taking back a part of a pixel is an interpolation, which costs the more the
    sharper a picture is. So the number of a result stands beside that of its input, and beside that of a :func:`pan`
    over *one* restyled picture, whose strokes are as if painted on.

    Args:
        clip: sRGB in [0, 1], two frames or more.
        step: see :func:`pan`.

    Raises:
        ConfigError: fewer than two frames, or nothing is in both of two neighbours.
    """
    if len(clip) < 2:
        raise ConfigError(f"a clip has at least 2 frames, not {len(clip)}")
    height, width = clip.shape[-2:]
    right, down = (math.ceil(abs(part)) + _RIM for part in step)
    if 2 * right >= width or 2 * down >= height:
        raise ConfigError(f"frames of {(width, height)} pixels that move by {step} have nothing in common")
    # What stands at x in one frame stands at x - step in the next.
    back = -torch.tensor(step, device=clip.device).view(1, 2, 1, 1).expand(len(clip) - 1, 2, height, width)
    difference = carried(clip[1:], back)[0] - clip[:-1]
    return difference[..., down : height - down, right : width - right].abs().mean().item()
