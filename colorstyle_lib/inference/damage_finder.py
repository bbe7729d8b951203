"""The damage finder: a small network that tells scratches, dust, hairs and tears from what a photograph shows.

A U-Net of 21,000 weights (O. Ronneberger et al., MICCAI 2015). What openings and closings of L remove is given to it;
what it learns is which thin things belong to a picture. ``tools/train_damage_finder.py`` trained it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from colorstyle_lib import paths
from colorstyle_lib.errors import WeightsError

_WIDTHS = (8, 12, 16, 24)  # channels at 1/1, 1/2, 1/4 and 1/8 of the size
_HATS, _SURROUND = (5, 9), 31  # pixels a side, of openings and closings, and of what is near
_UNIT = 20.0  # Lab units for each unit of what the network is given


class DamageFinder(nn.Module):
    """From L of pictures to a logit for each pixel, above 0 where damage is likelier than not."""

    def __init__(self) -> None:
        super().__init__()
        w = _WIDTHS
        self.down = nn.ModuleList(_two(i, o, 3) for i, o in zip((2 * len(_HATS) + 4, *w), w, strict=False))
        self.up = nn.ModuleList(_two(w[i] + w[i + 1], w[i], 1) for i in (2, 1, 0))
        self.last = nn.Conv2d(w[0], 1, 1)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)
                nn.init.zeros_(part.bias)
        nn.init.normal_(self.last.weight, std=0.05)
        nn.init.constant_(self.last.bias, -3.0)  # damage is rare

    def forward(self, light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
        """``light`` in [0, 100], of any size."""
        height, width = light.shape[-2:]
        x, skips = measure_thinness(nnf.pad(light, (0, -width % 8, 0, -height % 8), mode="replicate")), []
        for block in self.down:
            x = block(nnf.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            x = block(torch.cat((nnf.interpolate(x, scale_factor=2, mode="nearest"), skip), 1))
        return self.last(x)[..., :height, :width]


@torch.no_grad()
def measure_thinness(light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 8 h w"]:
    """What openings and closings of two sizes remove of L, how much that is nearby, L over its surround, and L."""

    def largest(plane: Tensor, side: int) -> Tensor:
        return _along(nnf.max_pool2d, plane, side)

    planes = [light - _along(nnf.avg_pool2d, light, _SURROUND)]
    for side in _HATS:
        planes += [one - largest(-largest(-one, side), side) for one in (light, -light)]
    planes += [_along(nnf.avg_pool2d, one, _SURROUND) for one in planes[-2:]]
    return torch.cat((*(one / _UNIT for one in planes), light / 50 - 1), 1)


def _along(pool: Callable[..., Tensor], plane: Tensor, side: int) -> Tensor:
    """Pool the square around each pixel, along its columns and then along its rows."""
    for window, pad in (((side, 1), (0, 0, side // 2, side // 2)), ((1, side), (side // 2, side // 2, 0, 0))):
        plane = pool(nnf.pad(plane, pad, mode="replicate"), window, 1)
    return plane


def _two(given: int, width: int, first: int) -> nn.Sequential:
    convolutions = (nn.Conv2d(i, width, k, padding=k // 2) for i, k in ((given, first), (width, 3)))
    return nn.Sequential(*(part for one in convolutions for part in (one, nn.ReLU())))


@functools.cache
def load_damage_finder() -> DamageFinder:
    """The released finder; WeightsError where its file is missing or damaged."""
    path, finder = paths.WEIGHTS / "damage.safetensors", DamageFinder()
    try:
        finder.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(f"the damage finder is missing or damaged ({path}); reinstall colorstyle") from error
    return finder.eval().requires_grad_(False)
