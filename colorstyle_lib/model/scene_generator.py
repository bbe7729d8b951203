"""The scene generator: new pictures from z alone (the paper's section 6), 64 pixels a side."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.color import lab_to_linear, linear_to_srgb
from colorstyle_lib.model.attention import zero_init
from colorstyle_lib.model.content import AB_RANGE
from colorstyle_lib.model.encoders import double_convolution
from colorstyle_lib.model.fast_ops import upsampled_convolution

_ENTRY_SIDE = 4
_WIDTHS = (256, 160, 96, 48, 24)  # channels at 4, 8, 16, 32 and 64 pixels a side
_GATES = {2: 0, 3: 1}  # the levels whose channels are weighed, and the maps that weigh them


def _excitation(inputs: int, outputs: int) -> nn.Sequential:
    """Weights in [0, 1] of a fine level's channels, from a coarse map: skip-layer excitation."""
    gather, spread = nn.Conv2d(inputs, outputs, _ENTRY_SIDE), nn.Conv2d(outputs, outputs, 1)
    return nn.Sequential(nn.AdaptiveAvgPool2d(_ENTRY_SIDE), gather, nn.LeakyReLU(0.1), spread, nn.Sigmoid())


class SceneGenerator(nn.Module):
    """The decoder of the other tasks without an encoder: from z to a map of 4 pixels a side, then level by level up.

    Each level doubles the size, convolves twice, and is scaled and shifted by z, as :class:`.MultiModalAttention` does
    by what a picture offers; z also weighs a fixed noise, without which textures repeat from cell to cell. Maps of 4
    and 8 pixels weigh the channels at 32 and 64 (B. Liu et al., Towards Faster and Stabilized GAN Training, ICLR 2021,
    arXiv:2101.04775). ``noise`` is how many numbers z has.
    """

    def __init__(self, noise: int) -> None:
        super().__init__()
        self.noise, first = noise, _WIDTHS[0]
        entry = nn.Linear(noise, first * _ENTRY_SIDE**2, bias=False), nn.Unflatten(1, (first, _ENTRY_SIDE, _ENTRY_SIDE))
        self.entry = nn.Sequential(*entry, nn.BatchNorm2d(first), nn.ReLU())
        self.levels = nn.ModuleList(double_convolution(*widths) for widths in pairwise(_WIDTHS))
        self.modulation = nn.ModuleList(zero_init(nn.Linear(noise, 3 * width)) for width in _WIDTHS[1:])
        self.excitation = nn.ModuleList(_excitation(_WIDTHS[i], _WIDTHS[level + 1]) for level, i in _GATES.items())
        self.head = nn.Conv2d(_WIDTHS[-1], 3, 1)
        grain = torch.randn(_WIDTHS[1], 64, 64, generator=torch.Generator().manual_seed(0))
        self.register_buffer("grain", grain, persistent=False)

    def forward(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n 3 64 64"]:
        """Lab of a scene for each normal z, float32: L in [0, 100], a and b in [-110, 110], at times beyond sRGB."""
        maps = [self.entry(z).contiguous(memory_format=torch.channels_last)]
        gates = dict(zip(_GATES, self.excitation, strict=True))
        for i, (level, modulation) in enumerate(zip(self.levels, self.modulation, strict=True)):
            x = level[1:](upsampled_convolution(maps[-1], level[0]))
            scale, shift, strength = modulation(z)[:, :, None, None].chunk(3, dim=1)
            x = x * (1 + scale) + shift + strength * self.grain[: x.shape[1], : x.shape[2], : x.shape[3]]
            maps.append(x * gates[i](maps[_GATES[i]]) if i in gates else x)
        lightness, ab = torch.tanh(self.head(maps[-1]).float()).split((1, 2), dim=1)
        return torch.cat((50 + 50 * lightness, AB_RANGE * ab), dim=1)

    def rgb(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n 3 64 64"]:
        """:meth:`forward` as sRGB, not cut to [0, 1], so that training has a gradient everywhere."""
        return linear_to_srgb(lab_to_linear(self(z)))
