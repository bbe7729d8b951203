"""The repair decoder: fills holes and undoes damage (the paper's section 6), steered by equation (2) as coloring is.

It answers with what to add to a picture whose holes are filled smoothly, so a network that knows nothing yet is as good
as the smooth fill. At an eighth of the size it sees the whole picture at once by a Fourier convolution (L. Chi et al.,
NeurIPS 2020; for large holes R. Suvorov et al., WACV 2022, arXiv:2109.07161).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.attention import MultiModalAttention, Override, zero_init
from colorstyle_lib.model.content import AB_RANGE
from colorstyle_lib.model.modalities import Modalities

TONES, DETAILS = ("fade", "contrast", "haze"), ("blur", "noise", "blocks")
# Lost chroma, lost contrast, a pale veil; softness, grain, JPEG blocks. Each has an amount from 0 (none) to 1.
DAMAGES = TONES + DETAILS
LEVEL = "8"  # of the attention weights: 1/8 of the size
STEP = 8  # sides are multiples of it

_KNOTS = 8  # parts of the curve of L
_LEVELS = 16  # of the histograms that the curve is read from
_MEASURES = 52  # numbers of measure_details
_UNIT = 25.0  # Lab units for each unit of what the network adds
Pictures = Float[Tensor, "n 3 h w"]  # in Lab


class Tone(NamedTuple):
    """A change of tones for whole pictures: a rising curve of L, and a factor of chroma."""

    knots: Float[Tensor, "n 9"]  # the curve's values at L of 0, 12.5, ... 100
    chroma: Float[Tensor, " n"]

    def __call__(self, lab: Pictures) -> Pictures:
        """Apply it to pictures in Lab."""
        at = (lab[:, :1] / 100).clamp(0, 1) * _KNOTS
        left = at.detach().floor().clamp(max=_KNOTS - 1).long()
        low, high = (self.knots.gather(1, i.flatten(1)).view_as(at) for i in (left, left + 1))
        return torch.cat((torch.lerp(low, high, at - left), lab[:, 1:] * self.chroma[:, None, None, None]), 1)


class Repaired(NamedTuple):
    """What the repair decoder says of pictures."""

    change: Pictures  # to be added, Lab units
    amounts: Float[Tensor, "n 6"]  # of DAMAGES, as far as they can be seen, in [0, 1]
    tone: Tone
    alpha: Float[Tensor, "n 3 _ _"]  # attention weights at 1/8 of the size


class RepairDecoder(nn.Module):
    """Fill holes and undo damage; ``width`` channels at half the size, 2 and 4 times as many at coarser levels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = (width, 2 * width, 4 * width)
        self.stem = nn.Conv2d(16, w[0], 3, padding=1)
        self.fine = nn.Sequential(_Residual(w[0]), _Residual(w[0]))
        self.down = nn.ModuleList(nn.Conv2d(w[i], w[i + 1], 3, stride=2, padding=1) for i in range(2))
        self.middle = nn.Sequential(_Residual(w[1]), _Residual(w[1]))
        self.coarse = nn.Sequential(_Residual(w[2]), _FourierConvolution(w[2]), _Residual(w[2]), _Residual(w[2]))
        self.steering = MultiModalAttention(w[2])
        self.merge = nn.ModuleList(nn.Conv2d(w[i + 1] + w[i], w[i], 1) for i in (1, 0))
        self.rise = nn.ModuleList((_Residual(w[1]), nn.Sequential(_Residual(w[0]), _Residual(w[0]))))
        self.last = zero_init(nn.Conv2d(w[0], 12, 3, padding=1))
        details = nn.Sequential(nn.Linear(_MEASURES, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU())
        self.detail_amounts = nn.Sequential(*details, nn.Linear(64, len(DETAILS)))
        self.tones = nn.Sequential(nn.Linear(2 * _LEVELS + 8, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU())
        self.tone_amounts = nn.Linear(64, len(TONES))
        self.curve = zero_init(nn.Linear(64, _KNOTS + 2))

    def forward(
        self, lab: Pictures, unknown: Float[Tensor, "n 1 h w"], own: Modalities, *, override: Override = None
    ) -> Repaired:
        """Say what to change in pictures in Lab; a ConfigError where sides are no multiples of 8.

        ``unknown`` is 1 in holes, which are filled smoothly, and 0 elsewhere; ``own`` describes what is known.
        """
        if lab.shape[-1] % STEP or lab.shape[-2] % STEP:
            raise ConfigError(f"repairing wants sides that are multiples of {STEP}, not {tuple(lab.shape[-2:])}")
        scale = lab.new_tensor([100, AB_RANGE, AB_RANGE]).view(3, 1, 1)
        x = nnf.pixel_unshuffle(torch.cat((lab / scale, unknown), 1), 2).contiguous(memory_format=torch.channels_last)
        fine = self.fine(self.stem(x))
        middle = self.middle(self.down[0](fine))
        coarse = self.coarse(self.down[1](middle))
        x, alpha = self.steering(coarse, own, override=override)
        for merge, block, skip in zip(self.merge, self.rise, (middle, fine), strict=True):
            x = block(merge(torch.cat((nnf.interpolate(x, scale_factor=2, mode="nearest"), skip), 1)))
        change = _UNIT * nnf.pixel_shuffle(self.last(x).float(), 2)
        amounts, tone = self.read_tones(lab)
        return Repaired(change, torch.cat((amounts, self.read_details(lab)), 1), tone, alpha)

    def read_details(self, lab: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3"]:
        """Amounts of the damages of DETAILS, from pictures or parts of them at full size, in Lab."""
        with torch.autocast(lab.device.type, enabled=False):
            return self.detail_amounts(measure_details(lab.float())).sigmoid()

    def read_tones(self, lab: Pictures) -> tuple[Float[Tensor, "n 3"], Tone]:
        """Amounts of the damages of TONES, and what undoes them, from pictures of any size in Lab."""
        with torch.autocast(lab.device.type, enabled=False):
            lab = lab.float()
            chroma = lab[:, 1:].square().sum(1, keepdim=True).add(1e-6).sqrt()
            shares = [_histogram(lab[:, :1] / 100), _histogram(chroma / 80)]
            planes = torch.cat((lab, chroma), 1)
            moments = torch.stack(torch.std_mean(planes, dim=(2, 3), correction=0), 2).flatten(1)
            hidden = self.tones(torch.cat((*shares, moments / 50), 1))
            steps, start, factor = self.curve(hidden).split((_KNOTS, 1, 1), dim=1)
            rises = 100 / _KNOTS * nnf.softplus(steps + 0.5413)  # softplus(0.5413) is 1
            knots = nnf.pad(rises.cumsum(1), (1, 0)) + 100 * start
            return self.tone_amounts(hidden).sigmoid(), Tone(knots, factor[:, 0].exp())


class _Residual(nn.Module):
    """Two convolutions, and what went in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x).relu())


class _FourierConvolution(nn.Module):
    """A 1 x 1 convolution of the picture's frequencies: every place sees all others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // 2
        self.before, self.after = nn.Conv2d(width, inner, 1), zero_init(nn.Conv2d(inner, width, 1))
        self.frequencies = nn.Conv2d(2 * inner, 2 * inner, 1)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # there is no Fourier transform of half precision
            waves = torch.fft.rfft2(self.before(x.float()).relu(), norm="ortho")
            mixed = self.frequencies(torch.cat((waves.real, waves.imag), 1)).relu()
            back = torch.fft.irfft2(torch.complex(*mixed.chunk(2, 1)), s=x.shape[-2:], norm="ortho")
            return x + self.after(back).to(x.dtype)


def measure_details(lab: Pictures) -> Float[Tensor, "n 52"]:
    """Measures of blur, noise and JPEG blocks: logarithms of mean differences of neighbors, and how these repeat.

    For L, a and b, across and down: first differences at 1/1, 1/2 and 1/4 of the size (18); second ones, and the square
    of their mean root, which noise raises everywhere and an edge only where it is (18); and for L the differences at
    each of eight columns, and rows, of a grid, the largest first, over their mean (16).
    """
    found = []
    for scale in (1, 2, 4):
        planes = nnf.avg_pool2d(lab, scale)
        found += [planes.diff(dim=dim).abs().mean((2, 3)) for dim in (2, 3)]
    for dim in (2, 3):
        second = lab.diff(n=2, dim=dim).abs()
        found += [second.mean((2, 3)), (second + 1e-4).sqrt().mean((2, 3)).square(), second.clamp(max=2).mean((2, 3))]
    grids = []
    for dim in (2, 3):
        steps = lab[:, :1].diff(dim=dim).abs().mean((1, 5 - dim))  # (n, rows or columns)
        by_place = nnf.pad(steps, (0, -steps.shape[1] % 8)).unflatten(1, (-1, 8)).mean(1)
        grids.append(by_place.sort(1, descending=True).values / by_place.mean(1, keepdim=True).clamp_min(1e-3) - 1)
    return torch.cat((*(one.add(1e-2).log() for one in found), *(4 * grid for grid in grids)), 1)


def _histogram(values: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 16"]:
    """Soft shares of values between 0 and 1."""
    at = torch.linspace(0, 1, _LEVELS, device=values.device)
    near = (1 - (values.flatten(1)[..., None] - at).abs() * (_LEVELS - 1)).clamp_min(0)
    return near.mean(1)
