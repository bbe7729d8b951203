"""Statistics of the ab planes of images: chroma, where colors lie, and how far one guess is from many colors."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.color import lab_to_linear, linear_to_srgb
from colorstyle_lib.errors import ConfigError

AB_REACH = 110.0
"""Every color of sRGB has a and b between minus this and this."""


def chroma(lab: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n h w"]:
    """Chroma C*, the distance from gray: ``sqrt(a^2 + b^2)`` (CIE 15:2004).

    Lab units: 0 for gray, up to about 134 for sRGB's blue.
    """
    return torch.linalg.vector_norm(lab[..., 1:, :, :], dim=-3)


def sample_pixels(images: Float[Tensor, "n c h w"], count: int, seed: int = 0) -> Float[Tensor, "k c"]:
    """Draw ``count`` pixels from a batch of any planes at random, each at most once; all where it has fewer.

    Raises:
        ConfigError: ``count`` is below 1.
    """
    if count < 1:
        raise ConfigError(f"the number of pixels must be at least 1, not {count}")
    pixels = images.movedim(1, -1).flatten(0, 2)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed))
    return pixels[order[:count].to(pixels.device)]


def ab_histogram(pixels: Float[Tensor, "k 3"], bins: int = 110) -> Float[Tensor, "{bins} {bins}"]:
    """Share of the Lab pixels in each square of the ab plane, between minus :data:`AB_REACH` and :data:`AB_REACH`.

    Returns:
        Sums to 1. Rows are b, columns a, both rising: draw it with ``origin="lower"``.
    """
    width = 2 * AB_REACH / bins
    # A rounding error at the gamut's tips must not drop a pixel.
    column, row = ((pixels[:, 1:] + AB_REACH) / width).long().clamp(0, bins - 1).T
    counts = torch.bincount(row * bins + column, minlength=bins * bins).reshape(bins, bins)
    return counts.float() / len(pixels)


def mean_by_lightness(
    pixels: Float[Tensor, "k 3"], bins: int = 10
) -> tuple[Float[Tensor, "{bins} 3"], Float[Tensor, " {bins}"]]:
    """The average color of all Lab pixels of one lightness: the best guess of a model that sees a pixel's L only.

    Returns:
        For each of ``bins`` equal parts of L in [0, 100] its average Lab (L is the part's middle), and the average
        chroma of its pixels. A part without pixels has average ab and chroma 0.
    """
    width = 100 / bins
    part = (pixels[:, 0] / width).long().clamp(0, bins - 1)
    count = torch.bincount(part, minlength=bins).clamp_min(1).to(pixels)
    planes = (*pixels[:, 1:].T, torch.linalg.vector_norm(pixels[:, 1:], dim=1))
    a, b, average_chroma = ((torch.bincount(part, plane, bins) / count).to(pixels) for plane in planes)
    middle = (torch.arange(bins).to(pixels) + 0.5) * width
    return torch.stack((middle, a, b), dim=1), average_chroma


def ab_slice(lightness: float, side: int = 221) -> tuple[Float[Tensor, "3 s s"], Bool[Tensor, "s s"]]:
    """All colors of one lightness L in [0, 100], and which of them sRGB can show.

    Returns:
        sRGB in [0, 1], clipped, at ``side`` samples along a and along b, between minus :data:`AB_REACH` and
        :data:`AB_REACH`; and whether it needed no clipping. Rows are b, columns a, both rising.
    """
    a, b = _ab_grid(side)
    linear = lab_to_linear(torch.stack((torch.full_like(a, lightness), a, b)))
    return linear_to_srgb(linear).clamp(0, 1), ((linear >= 0) & (linear <= 1)).all(dim=0)


def expected_square_error(colors: Float[Tensor, "m 2"], side: int = 111) -> Float[Tensor, "s s"]:
    """The average error of each single guess, when one of several colors (a, b) is true, all equally likely.

    ``E(g) = 1/m sum_i |c_i - g|^2``, squared Lab units, for every guess g of the grid of :func:`ab_slice`.
    """
    guesses = torch.stack(_ab_grid(side), dim=-1)
    return (colors[:, None, None] - guesses).square().sum(dim=-1).mean(dim=0)


def _ab_grid(side: int) -> tuple[Tensor, Tensor]:
    """a and b at every point of a square grid, ``(side, side)`` each."""
    along = torch.linspace(-AB_REACH, AB_REACH, side)
    return torch.meshgrid(along, along, indexing="xy")
