"""The style decoder: redraws a picture in a style, steered by equation (2) as its coloring is.

A feed-forward network whose instance norms take scale and shift from the style: J. Johnson et al. (ECCV 2016,
arXiv:1603.08155), V. Dumoulin et al. (ICLR 2017, arXiv:1610.07629), for styles never seen before G. Ghiasi et al.
(BMVC 2017, arXiv:1705.06830). Here color, texture and shape give one each, and attention decides place by place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.color import full_precision
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.attention import Override, multimodal_attention, product_energies, zero_init
from colorstyle_lib.model.fast_ops import convolution_by_fours, instance_norm, reflection_pad, upsampled_convolution
from colorstyle_lib.model.modalities import MODALITIES, VECTOR_SIZES, Modalities

Pictures, Strength = Float[Tensor, "n 3 h w"], Float[Tensor, " n"] | None
Maps = Sequence[Float[Tensor, "n _ _ _"]]  # an encoder's, finest first

LEVEL = "4"  # styles act at a quarter of the size and finer: modulating anything coarser makes halos and stains

_BLOCKS = 4
_HIDDEN = 64
_QUERY = 16
_LEAST_VARIANCE = 1e-8
_STEP = 4  # what sides are made multiples of


class StyleCode(NamedTuple):
    """What is taken from a style.

    A code is its modality's vector, and beside texture's and shape's the mean and deviation of what the encoder sees in
    the style's L, fine levels with texture, coarse ones with shape.
    """

    codes: tuple[Tensor, ...]  # (N, _) for each of MODALITIES
    present: Tensor  # (N, 3) bool; what is absent, or not to be taken, has attention exactly 0

    def select(self, names: Sequence[str]) -> StyleCode:
        """Only these modalities of it."""
        kept = torch.tensor([name in names for name in MODALITIES], device=self.present.device)
        return self._replace(present=self.present & kept)


def encode_style(described: Modalities, maps: Maps) -> StyleCode:
    """Encode a style picture, from its modalities and two or more of the encoder's maps of its L, finest first."""
    color, texture, shape = described.vectors
    fine, *coarse = (feature_statistics(m).flatten(1) for m in maps[:3])
    codes = color, torch.cat((texture, fine, coarse[0]), 1), torch.cat((shape, coarse[-1]), 1)
    return StyleCode(codes, described.present)


def feature_statistics(maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 2 c"]:
    """Mean and standard deviation of each channel over all places (not an unbiased estimate), at least float32."""
    variance, mean = torch.var_mean(full_precision(maps), dim=(2, 3), correction=0)
    # The square root's gradient has no bound at 0, where a channel is dead.
    return torch.stack((mean, variance.clamp_min(_LEAST_VARIANCE).sqrt()), dim=1)


def blend(styles: Sequence[StyleCode], weights: Sequence[float]) -> StyleCode:
    """Mix styles, of as many pictures each, by ratios of weights; ConfigError: not one each, one below 0, or all 0."""
    if len(styles) != len(weights) or not all(0 <= w < math.inf for w in weights) or not sum(weights):
        raise ConfigError(f"styles want one weight each, none below 0 and one above, not {list(weights)}")
    shares = [weight / sum(weights) for weight in weights]
    codes = zip(*(style.codes for style in styles), strict=True)
    mixed = tuple(sum(share * code for share, code in zip(shares, group, strict=True)) for group in codes)
    return StyleCode(mixed, torch.stack([style.present for style in styles]).any(0))


class StyleDecoder(nn.Module):
    """Redraw pictures: ``out = (1 - strength) picture + strength redrawn``, so strength 0 changes nothing.

    The network draws the whole picture, not what to add to it. One that starts from the picture stays near it, for
    each change costs content before it gains style: after two minutes its style distance was 0.26, this one's 0.08.

    Two halvings, residual blocks, two doublings. Each norm is ``sum_i alpha_i ((1 + gamma_i) norm(x) + beta_i)`` over
    the modalities i that are taken, gamma and beta linear in what modality i says, alpha from equation (2) with
    ``E_i = (<W norm(x), k_i> + e_i) / sqrt(width)`` at each place of the quarter-size level, which has ``width``
    channels, the finer ones half and a quarter of it. ``maps`` are channels of the encoder's maps, finest first.
    """

    encoder_levels = 3  # so many of the encoder's maps are looked at, finest first

    def __init__(self, width: int, maps: Sequence[int]) -> None:
        super().__init__()
        fine, coarse = 2 * (maps[0] + maps[1]), 2 * (maps[2] if len(maps) > 2 else maps[1])
        sizes = [VECTOR_SIZES[name] + more for name, more in zip(MODALITIES, (0, fine, coarse), strict=True)]
        # Without the last norm scales and shifts, which are linear in its output, would learn ten times as slowly.
        wide, out = 2 * _HIDDEN, _HIDDEN
        self.from_code = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(i), nn.Linear(i, wide), nn.GELU(), nn.Linear(wide, out), nn.LayerNorm(out))
            for i in sizes
        )
        stem = ((12, width // 2, 1), (width // 2, width, 2))
        self.stem = nn.ModuleList(nn.Conv2d(i, o, 3, stride, bias=False) for i, o, stride in stem)
        self.merge = nn.Conv2d(width + sum(maps[1:3]), width, 1)
        self.query = nn.Conv2d(width, _QUERY, 1)
        self.energy = nn.ModuleList(zero_init(nn.Linear(_HIDDEN + 1, _QUERY + 1)) for _ in MODALITIES)
        self.blocks = nn.ModuleList(nn.ModuleList(_Layer(width, width) for _ in range(2)) for _ in range(_BLOCKS))
        self.rise = nn.ModuleList([_Layer(width, width // 2), _Layer(width // 2, width // 4)])
        self.last = nn.Conv2d(width // 4, 3, 5)
        nn.init.normal_(self.last.weight, std=0.02)
        nn.init.constant_(self.last.bias, 0.5)  # middle gray

    def forward(
        self, rgb: Pictures, maps: Maps, style: StyleCode, strength: Strength = None, *, override: Override = None
    ) -> tuple[Pictures, Float[Tensor, "n 3 _ _"]]:
        """Redraw pictures, sRGB in [0, 1]; a ConfigError where sides are no multiples of 4.

        ``maps`` are the encoder's of their L, at 1/2, 1/4, ... of the size; the finest :attr:`encoder_levels` count. A
        strength of 0 is for nothing, 1, the default, for the whole style, a bit more for more. Returns sRGB, which may
        leave [0, 1] a little and is for the caller to cut; and alpha at a quarter of the size.
        """
        if rgb.shape[-1] % _STEP or rgb.shape[-2] % _STEP:
            raise ConfigError(f"restyling wants sides that are multiples of {_STEP}, not {tuple(rgb.shape[-2:])}")
        strength = rgb.new_ones(len(rgb)) if strength is None else strength
        amount = strength.clamp(0, 1)[:, None]
        # Logarithms: a code's numbers lie between thousandths and tens.
        codes = [code.sign() * code.abs().log1p() for code in style.codes]
        hidden = [torch.cat((layer(code), amount), 1) for layer, code in zip(self.from_code, codes, strict=True)]

        x = nnf.pixel_unshuffle(2 * rgb - 1, 2).contiguous(memory_format=torch.channels_last)
        for layer in self.stem:
            x = instance_norm(layer(reflection_pad(x, 1))).relu()
        seen = [instance_norm(nnf.interpolate(m, size=x.shape[-2:], mode="bilinear")) for m in maps[1:3]]
        x = self.merge(torch.cat((x, *seen), 1).contiguous(memory_format=torch.channels_last))
        query = self.query(instance_norm(x)).float()
        keys = [layer(h).float()[:, :, None, None] for layer, h in zip(self.energy, hidden, strict=True)]
        energies = product_energies(query, keys)
        alpha = multimodal_attention(energies, style.present, override=override, checked=False)
        weights = alpha.to(x.dtype)
        for first, second in self.blocks:
            x = second(first(x, weights, hidden).relu_(), weights, hidden).add_(x)
        usual = weights.mean((2, 3), keepdim=True)  # places were chosen; a choice for each pixel would only cost
        for layer in self.rise:
            x = layer(x, usual, hidden, doubled=True).relu_()
        with torch.autocast(x.device.type, enabled=False):  # 8 bits of a half precision number would show as bands
            redrawn = convolution_by_fours(reflection_pad(x.float(), 2), self.last)
        return torch.lerp(rgb, redrawn, strength[:, None, None, None]), alpha


class _Layer(nn.Module):
    """A convolution whose norm takes scale and shift from what the modalities say."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, bias=False)
        self.modulation = nn.ModuleList(nn.Linear(_HIDDEN + 1, 2 * outputs) for _ in MODALITIES)

    def forward(self, x: Tensor, weights: Tensor, hidden: list[Tensor], *, doubled: bool = False) -> Tensor:
        convolved = upsampled_convolution(x, self.convolution) if doubled else self.convolution(reflection_pad(x, 1))
        x = instance_norm(convolved)
        each = torch.stack([layer(h) for layer, h in zip(self.modulation, hidden, strict=True)], 1)  # (n, 3, 2c)
        # Channels last, as convolutions leave them.
        last = weights.movedim(1, -1)
        gamma, beta = ((last @ one[:, None]).movedim(-1, 1) for one in each.to(weights.dtype).chunk(2, dim=2))
        return (x + beta).addcmul_(x, gamma)  # in place, here and above: new memory takes longer than the sums
