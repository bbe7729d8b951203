"""Upsampling of chroma along the edges of L (guided filter), strip by strip, to pictures of any size.

In its fast form, whose coefficients are computed at the small size: K. He and J. Sun, arXiv:1505.00996.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.model.guided_filter import guided_coefficients

_STRIP_PIXELS = 1_000_000  # at full size in floating point at one time

Strip = tuple[int, int, int, int]
"""Its first row, the row after its last one, and height and width of the whole picture."""


def rows_at_size(
    planes: Float[Tensor, "n c h w"], top: int, bottom: int, height: int, width: int
) -> Float[Tensor, "n c rows {width}"]:
    """Rows ``top`` to ``bottom`` (not included) of ``nnf.interpolate(planes, (height, width), mode="bilinear")``."""
    small = planes.shape[-2]
    # Pixel centers: row y of the large picture lies at (y + 1/2) * small / height - 1/2 of the small one.
    at = (torch.arange(top, bottom, device=planes.device, dtype=torch.float32) + 0.5) * (small / height) - 0.5
    at = at.clamp(0, small - 1)
    above = at.floor().long()
    below = (above + 1).clamp_max(small - 1)
    part = (at - above)[:, None].expand(-1, planes.shape[-1])
    rows = torch.lerp(planes[..., above, :], planes[..., below, :], part)
    return nnf.interpolate(rows, size=(bottom - top, width), mode="bilinear", align_corners=False)


def strip_by_strip(
    picture: Any, make: Callable[[Float[Tensor, "1 3 _ _"], Strip], Tensor], device: torch.device
) -> Any:
    """Make an RGB picture from another, of which only a strip is ever held in floating point, on the device.

    ``make`` goes from a strip's sRGB in [0, 1], and its place, to a new one. Of uint16 it makes uint16 ``(H, W, 3)``.
    """
    deep = isinstance(picture, np.ndarray)
    width, height = picture.shape[1::-1] if deep else picture.size
    result = np.empty((height, width, 3), np.uint16) if deep else Image.new("RGB", picture.size)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = (top, bottom, height, width)
        if deep:
            levels = torch.from_numpy(np.float32(picture[top:bottom].reshape(bottom - top, width, -1))) / 65535
            made = make(levels.permute(2, 0, 1).expand(3, -1, -1)[None].to(device), strip)[0]
            result[top:bottom] = made.clamp(0, 1).mul(65535).round().permute(1, 2, 0).cpu().numpy()
        else:
            rgb = to_tensor(picture.crop((0, top, width, bottom))).to(device)[None]
            result.paste(to_picture(make(rgb, strip)), (0, top))
    return result


def with_chroma(picture: Any, lightness: Float[Tensor, "1 1 h w"], ab: Float[Tensor, "1 2 h w"]) -> Any:
    """An RGB picture's own L with chroma of a small size, along the edges of L and within the sRGB gamut.

    ``lightness`` is its L, in [0, 100], at that size; the device of ``ab`` does the work. Where L and chroma do not go
    together, chroma gives way; hue stays. For 16 bits see :func:`strip_by_strip`.
    """
    slope, offset = guided_coefficients(lightness, ab)

    def color(rgb: Tensor, strip: Strip) -> Tensor:
        light = rgb_to_lab(rgb)[:, :1]  # (1, 1, rows, width)
        chroma = rows_at_size(slope, *strip) * light + rows_at_size(offset, *strip)  # (1, 2, rows, width)
        return lab_to_rgb(fit_gamut(torch.cat((light, chroma), dim=1)))

    return strip_by_strip(picture, color, ab.device)
