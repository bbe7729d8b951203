"""Documented damage of pictures, for training, for measuring and for lessons: six kinds, each from 0 (none) to 1."""

from collections.abc import Sequence
from io import BytesIO

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from colorstyle_lib.color import lab_to_rgb, rgb_to_lab
from colorstyle_lib.images.read import to_picture, to_tensor

_VEIL = 92.0  # L of haze
_SIGMA = 2.0  # of the strongest blur, pixels
_GRAIN = 0.1  # standard deviation of the strongest noise, of sRGB in [0, 1]
_QUALITIES = (95, 10)  # of JPEG at an amount of 0 and of 1


def damage(
    rgb: Float[Tensor, "n 3 h w"], amounts: Float[Tensor, "n 6"], seeds: Sequence[int]
) -> tuple[Float[Tensor, "n 3 h w"], Float[Tensor, "n 3 h w"]]:
    """Damage pictures, sRGB in [0, 1], by amounts of :data:`.DAMAGES`; returned are damaged tones, and all damage.

    ``fade`` takes that share of chroma away, ``contrast`` of the contrast around the mean L, ``haze`` mixes so much of
    a white veil into both. Then come a Gaussian ``blur`` of up to 2 pixels, Gaussian ``noise`` of up to 0.1, and JPEG
    ``blocks`` of a quality from 95 down to 10. Noise is drawn from each picture's seed.
    """
    toned, amounts = rgb.clone(), amounts.to(rgb)
    rows = (amounts[:, :3] > 0).any(1)
    toned[rows] = lab_to_rgb(damage_tones(rgb_to_lab(rgb[rows]), amounts[rows])).clamp(0, 1)
    damaged = toned.clone()
    for i, seed in enumerate(seeds):
        blur, noise, blocks = amounts[i, 3:].tolist()
        if blur:
            damaged[i] = gaussian_blur(damaged[i], [9, 9], [_SIGMA * blur] * 2)
        if noise:
            grain = torch.randn(rgb.shape[1:], generator=torch.Generator().manual_seed(seed)).to(rgb.device)
            damaged[i] = (damaged[i] + _GRAIN * noise * grain).clamp(0, 1)
        if blocks:
            quality = round(_QUALITIES[0] + blocks * (_QUALITIES[1] - _QUALITIES[0]))
            to_picture(damaged[i].cpu()).save(file := BytesIO(), "jpeg", quality=quality)
            damaged[i] = to_tensor(Image.open(file)).to(rgb.device)
    return toned, damaged


def damage_tones(lab: Float[Tensor, "n 3 h w"], amounts: Float[Tensor, "n 6"]) -> Float[Tensor, "n 3 h w"]:
    """The first three kinds, in Lab."""
    fade, contrast, haze = (amount[:, None, None, None] for amount in amounts[:, :3].unbind(1))
    lightness = torch.lerp(lab[:, :1], lab[:, :1].mean((-2, -1), keepdim=True), contrast)
    lightness = lightness + haze * (_VEIL - lightness)
    return torch.cat((lightness, lab[:, 1:] * (1 - fade) * (1 - haze)), 1)
