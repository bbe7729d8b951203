"""The generator's fine levels that redraw a picture in another one's look, steered by equation (2) as its coloring is.

A feed-forward network whose instance norms take scale and shift from the style: J. Johnson et al. (ECCV 2016,
arXiv:1603.08155), V. Dumoulin et al. (ICLR 2017, arXiv:1610.07629), for styles never seen before G. Ghiasi et al.
(BMVC 2017, arXiv:1705.06830). Here scale and shift come from color, texture and shape apart, and attention decides
place by place how much of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.attention import masked_softmax
from colorstyle_lib.model.attention_override import AttentionOverride
from colorstyle_lib.model.modalities import MODALITIES, VECTOR_SIZES, Modalities

LEVEL = "4"
"""Styles act at a quarter of the size and finer: modulating anything coarser makes halos and stains."""

_BLOCKS = 4
_HIDDEN = 64
_QUERY = 16
_STEP = 4  # what sides are made multiples of


class StyleCode(NamedTuple):
    """What is taken from a style.

    Attributes:
        codes: for each of :data:`MODALITIES` ``(N, _)``: its vector, and beside texture's and shape's the mean and
            deviation of what the encoder sees in the style's L, fine levels with texture, coarse ones with shape.
        present: ``(N, 3)``; what is absent, or not to be taken, has attention exactly 0.
    """

    codes: tuple[Tensor, ...]
    present: Tensor

    def taking(self, names: Sequence[str]) -> StyleCode:
        """Only these modalities of it."""
        kept = torch.tensor([name in names for name in MODALITIES], device=self.present.device)
        return self._replace(present=self.present & kept)


def encode_style(described: Modalities, maps: Sequence[Float[Tensor, "n _ _ _"]]) -> StyleCode:
    """What a style picture's look is made of.

    Args:
        described: its color, texture and shape.
        maps: the encoder's of its L, finest first: two or more.
    """
    color, texture, shape = described.vectors
    fine, coarse = (torch.cat([_statistics(m) for m in group], 1) for group in (maps[:2], maps[2:3] or maps[1:2]))
    return StyleCode((color, torch.cat((texture, fine), 1), torch.cat((shape, coarse), 1)), described.present)


def blend(looks: Sequence[StyleCode], weights: Sequence[float]) -> StyleCode:
    """Several looks in one.

    Args:
        looks: of as many pictures each.
        weights: how much each counts; only their ratios matter.

    Raises:
        ConfigError: not one weight for each look, a negative one, or none above 0.
    """
    if len(looks) != len(weights) or min(weights, default=-1) < 0 or not sum(weights):
        raise ConfigError(f"styles want one weight each, none below 0 and one above, not {list(weights)}")
    shares = [weight / sum(weights) for weight in weights]
    codes = zip(*(look.codes for look in looks), strict=True)
    mixed = tuple(sum(share * code for share, code in zip(shares, group, strict=True)) for group in codes)
    return StyleCode(mixed, torch.stack([look.present for look in looks]).any(0))


def _statistics(maps: Tensor) -> Tensor:
    variance, mean = torch.var_mean(maps.float(), dim=(2, 3), correction=0)
    return torch.cat((mean, variance.clamp_min(1e-8).sqrt()), 1)


class StyleDecoder(nn.Module):
    """Redraw pictures: ``out = (1 - strength) picture + strength redrawn``, so strength 0 changes nothing.

    The network draws the whole picture, not what to add to it. One that starts from the picture stays near it, for
    every small change costs content before it gains style: after two minutes of training its style distance had come
    to 0.26, this one's to 0.08.

    Two halvings, residual blocks, two doublings. Each norm is ``sum_i alpha_i ((1 + gamma_i) norm(x) + beta_i)``
    over the modalities i that are taken, gamma and beta linear in what modality i says, alpha from equation (2)
    with ``E_i = (<W norm(x), k_i> + e_i) / sqrt(width)`` at each place of the quarter-size level.

    Args:
        width: channels at a quarter of the size; half and a quarter of it at the finer levels.
        maps: channels of the encoder's maps.

    Attributes:
        sees: how many of the encoder's maps are looked at, finest first.
    """

    sees = 3

    def __init__(self, width: int, maps: Sequence[int]) -> None:
        super().__init__()
        fine, coarse = 2 * (maps[0] + maps[1]), 2 * (maps[2] if len(maps) > 2 else maps[1])
        sizes = [VECTOR_SIZES[name] + more for name, more in zip(MODALITIES, (0, fine, coarse), strict=True)]
        self.from_code = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(size),
                nn.Linear(size, 2 * _HIDDEN),
                nn.GELU(),
                nn.Linear(2 * _HIDDEN, _HIDDEN),
                nn.LayerNorm(_HIDDEN),  # or scales and shifts, which are linear in it, would learn ten times as slowly
            )
            for size in sizes
        )
        self.stem = nn.ModuleList([_convolution(12, width // 2), _convolution(width // 2, width, stride=2)])
        self.merge = nn.Conv2d(width + sum(maps[1:3]), width, 1)
        self.query = nn.Conv2d(width, _QUERY, 1)
        self.energy = nn.ModuleList(_zeros(nn.Linear(_HIDDEN + 1, _QUERY + 1)) for _ in MODALITIES)
        self.blocks = nn.ModuleList(nn.ModuleList(_Layer(width, width) for _ in range(2)) for _ in range(_BLOCKS))
        self.rise = nn.ModuleList([_Layer(width, width // 2), _Layer(width // 2, width // 4)])
        self.last = nn.Conv2d(width // 4, 3, 5)
        nn.init.normal_(self.last.weight, std=0.02)
        nn.init.constant_(self.last.bias, 0.5)  # middle gray

    def forward(
        self,
        rgb: Float[Tensor, "n 3 h w"],
        maps: Sequence[Float[Tensor, "n _ _ _"]],
        look: StyleCode,
        strength: Float[Tensor, " n"] | None = None,
        *,
        override: AttentionOverride | None = None,
    ) -> tuple[Float[Tensor, "n 3 h w"], Float[Tensor, "n 3 _ _"]]:
        """Redraw pictures.

        Args:
            rgb: sRGB in [0, 1]; sides multiples of 4.
            maps: the encoder's of their L, at 1/2, 1/4, ... of the size.
            look: what is taken from the styles.
            strength: 0 for nothing, 1 for the whole look, a bit more for more; 1 if not given.
            override: a change of attention that the caller asks for.

        Returns:
            sRGB, which may leave [0, 1] a little and is for the caller to cut; and alpha at a quarter of the size.

        Raises:
            ConfigError: a side is no multiple of 4.
        """
        if rgb.shape[-1] % _STEP or rgb.shape[-2] % _STEP:
            raise ConfigError(f"restyling wants sides that are multiples of {_STEP}, not {tuple(rgb.shape[-2:])}")
        strength = rgb.new_ones(len(rgb)) if strength is None else strength
        told = strength.clamp(0, 1)[:, None]
        # Logarithms: a code's numbers lie between thousandths and tens.
        codes = [code.sign() * code.abs().log1p() for code in look.codes]
        hidden = [torch.cat((layer(code), told), 1) for layer, code in zip(self.from_code, codes, strict=True)]

        x = nnf.pixel_unshuffle(2 * rgb - 1, 2).contiguous(memory_format=torch.channels_last)
        for layer in self.stem:
            x = _normed(layer(_reflected(x, 1))).relu()
        seen = [_normed(nnf.interpolate(m, size=x.shape[-2:], mode="bilinear")) for m in maps[1:3]]
        x = self.merge(torch.cat((x, *seen), 1).contiguous(memory_format=torch.channels_last))
        alpha = self._attention(x, hidden, look.present, override)
        weights = alpha.to(x.dtype)
        for first, second in self.blocks:
            x = second(first(x, weights, hidden).relu_(), weights, hidden).add_(x)
        usual = weights.mean((2, 3), keepdim=True)  # places were chosen; a choice for each pixel would only cost
        for layer in self.rise:
            x = layer(x, usual, hidden, convolve=_doubled_and_convolved).relu_()
        with torch.autocast(x.device.type, enabled=False):  # 8 bits of a half precision number would show as bands
            redrawn = _convolved_by_fours(_reflected(x.float(), 2), self.last)
        return torch.lerp(rgb, redrawn, strength[:, None, None, None]), alpha

    def _attention(
        self, x: Tensor, hidden: list[Tensor], present: Bool[Tensor, "n 3"], override: AttentionOverride | None
    ) -> Float[Tensor, "n 3 h w"]:
        query = self.query(_normed(x)).float()
        keys = [layer(h).float()[:, :, None, None] for layer, h in zip(self.energy, hidden, strict=True)]
        energies = torch.cat([(query * k[:, :-1]).sum(1, keepdim=True) + k[:, -1:] for k in keys], 1)
        energies = energies / math.sqrt(_QUERY)
        if override is not None:
            energies, present = override.apply(energies, present)
        return masked_softmax(energies, present)


class _Layer(nn.Module):
    """A convolution whose norm takes scale and shift from what the modalities say."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = _convolution(inputs, outputs)
        self.modulation = nn.ModuleList(nn.Linear(_HIDDEN + 1, 2 * outputs) for _ in MODALITIES)

    def forward(
        self,
        x: Tensor,
        weights: Float[Tensor, "n 3 h w"],
        hidden: list[Tensor],
        *,
        convolve: Callable[[Tensor, nn.Conv2d], Tensor] = lambda x, layer: layer(_reflected(x, 1)),
    ) -> Tensor:
        x = _normed(convolve(x, self.convolution))
        each = torch.stack([layer(h) for layer, h in zip(self.modulation, hidden, strict=True)], 1)  # (n, 3, 2c)
        # Channels last, as convolutions leave them.
        last = weights.movedim(1, -1)
        gamma, beta = ((last @ one[:, None]).movedim(-1, 1) for one in each.to(weights.dtype).chunk(2, dim=2))
        return (x + beta).addcmul_(x, gamma)  # in place, here and above: new memory takes longer than the sums


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """For what :func:`_reflected` gives: at the rim zeros would draw a frame."""
    return nn.Conv2d(inputs, outputs, 3, stride, bias=False)


def _reflected(x: Tensor, rim: int) -> Tensor:
    """With so many more pixels on each side, mirrored at the outermost."""
    # What nnf.pad does, which autocast has computed in float32 and so, with the copies, takes longer than convolving.
    x = torch.cat((x[:, :, 1 : rim + 1].flip(2), x, x[:, :, -rim - 1 : -1].flip(2)), 2)
    return torch.cat((x[..., 1 : rim + 1].flip(3), x, x[..., -rim - 1 : -1].flip(3)), 3)


def _doubled_and_convolved(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """``layer(_reflected(doubled x, 1))``, each pixel doubled to 2 x 2, in 16 multiplications where that takes 36.

    Of a doubled picture's 3 x 3 pixels several are the same, so four 2 x 2 kernels do, one for each of the four.
    """
    same = layer.weight.new_tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])
    kernels = torch.einsum("oiyx,pay,qbx->pqoiab", layer.weight, same, same)
    x = torch.cat((x[:, :, :1], x, x[:, :, -1:]), 2)
    x = torch.cat((x[..., :1], x, x[..., -1:]), 3)
    height, width = x.shape[-2] - 1, x.shape[-1] - 1
    rows = []
    for i in range(2):
        parts = [nnf.conv2d(x[:, :, i : i + height, j : j + width], kernels[i, j]).movedim(1, -1) for j in range(2)]
        rows.append(torch.stack(parts, 3).flatten(2, 3))
    return torch.stack(rows, 2).flatten(1, 2).movedim(-1, 1)


def _convolved_by_fours(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """``layer(x)``, 2 x 2 pixels at a time: three output channels would leave most of a processor's lanes empty."""
    kernels = torch.cat([nnf.pad(layer.weight, (j, 1 - j, i, 1 - i)) for i in range(2) for j in range(2)])
    fours = nnf.conv2d(x, kernels, layer.bias.repeat(4), stride=2)
    return nnf.pixel_shuffle(fours.unflatten(1, (4, -1)).transpose(1, 2).flatten(1, 2), 2)


def _normed(x: Tensor) -> Tensor:
    """Each image's channels at mean 0 and deviation 1."""
    # One group a channel: what instance_norm does, which leaves channels-last memory and is ten times as slow on a CPU.
    if x.requires_grad and not torch.compiler.is_compiling():
        return _Normed.apply(x)
    return nnf.group_norm(x, x.shape[1])


class _Normed(torch.autograd.Function):
    """The same, with a backward step of its own: group_norm's walks channels-last memory in the wrong order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        normed, _, scale = torch.native_group_norm(x, None, None, n, c, h * w, c, 1e-5)
        ctx.save_for_backward(normed, scale)
        return normed

    @staticmethod
    @once_differentiable  # a second derivative would need how the deviation moves
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        # dx = (g - mean g - y mean(g y)) / deviation: S. Ioffe and C. Szegedy, ICML 2015 (arXiv:1502.03167), section 3.
        normed, scale = (saved.to(slope.dtype) for saved in ctx.saved_tensors)
        y, g = (t.permute(0, 2, 3, 1).flatten(1, 2) for t in (normed, slope))  # (n, places, c)
        mean = g.new_full((len(g), 1, g.shape[1]), 1 / g.shape[1])
        x = (g - mean @ g - y * (mean @ (g * y))) * scale[:, None]
        return x.unflatten(1, normed.shape[2:]).permute(0, 3, 1, 2)


def _zeros(layer: nn.Linear) -> nn.Linear:
    """Start a layer at 0, so that training starts from no effect."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
