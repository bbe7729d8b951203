"""Flicker of a clip: what differs from frame to frame once the motion, which is known, is taken back."""

import math

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.errors import ConfigError

_RIM = 3  # pixels that bicubic interpolation and the pictures' own borders reach into


def pan(
    picture: Image.Image, frames: int, step: tuple[float, float] = (1.3, 0.7), size: int = 192
) -> list[Image.Image]:
    """A clip whose motion is known: a square window moves over a picture of mode RGB.

    Args:
        picture: larger than the window by all of the motion.
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
    """``mean |frame_(t+1) taken back by the motion - frame_t|`` of sRGB in [0, 1], over all that is in both.

    Not even the clip that was put in has 0: taking back a part of a pixel is an interpolation, which costs the more the
    sharper a picture is. So the number of a result stands beside that of its input, and beside that of a :func:`pan`
    over *one* restyled picture, whose strokes are as if painted on. ConfigError for fewer than two frames, or where
    nothing is in both of two neighbours.
    """
    if len(clip) < 2:
        raise ConfigError(f"a clip has at least 2 frames, not {len(clip)}")
    height, width = clip.shape[-2:]
    right, down = (math.ceil(abs(part)) + _RIM for part in step)
    if 2 * right >= width or 2 * down >= height:
        raise ConfigError(f"frames of {(width, height)} pixels that move by {step} have nothing in common")
    difference = taken_back(clip[1:], step) - clip[:-1]
    return difference[..., down : height - down, right : width - right].abs().mean().item()


def taken_back(frames: Float[Tensor, "t c h w"], step: tuple[float, float]) -> Float[Tensor, "t c h w"]:
    """Frames of a pan as the frame before each would show them: any planes, moved back by a step, bicubic.

    The kernel is torch's, and not the one that clips are smoothed with: a judge has tools of its own.
    """
    height, width = frames.shape[-2:]
    # What stands at x in one frame stands at x - step in the next. grid_sample counts from -1 to 1.
    across, down = (
        (2 * (torch.arange(side, device=frames.device) - part) + 1) / side - 1
        for side, part in ((width, step[0]), (height, step[1]))
    )
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1).expand(len(frames), -1, -1, -1)
    return nnf.grid_sample(frames, grid, mode="bicubic", padding_mode="border", align_corners=False)
