"""Numbers that describe how good a coloring is; each says what it is taken over."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.metrics.ab_statistics import ab_histogram

HISTOGRAM_BINS = 22
"""Squares a side of the ab plane in :func:`ab_histograms`: each 10 Lab units wide."""


def psnr_ab(predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"]) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio of the ab planes, an image at a time.

    ``10 log10(255^2 / MSE)`` with the mean square over both planes: ab spans 8 bits' worth of Lab units.

    Args:
        predicted: a and b, Lab units.
        target: a and b of the real picture.

    Returns:
        Decibels, one an image; more is better.
    """
    mean_square = (predicted - target).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255**2 / mean_square.clamp_min(1e-12))


def psnr_rgb(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio of sRGB, an image at a time: ``10 log10(1 / MSE)``.

    Most of what makes it high in a coloring is the lightness, which was given.

    Args:
        predicted: sRGB in [0, 1].
        target: the real picture.

    Returns:
        Decibels; more is better.
    """
    mean_square = (predicted - target).square().mean(dim=(1, 2, 3))
    return -10 * torch.log10(mean_square.clamp_min(1e-12))


def square_error_ab(predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n h w"]:
    """Squared distance in the ab plane, pixel by pixel: ``(a - a*)^2 + (b - b*)^2``, squared Lab units."""
    return (predicted - target).square().sum(dim=1)


def colorfulness(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Hasler and Süsstrunk's colorfulness (Proc. SPIE 5007, 2003), with signed differences.

    ``rg = R - G, yb = (R + G) / 2 - B``; ``sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)``, 8-bit units.

    Args:
        rgb: sRGB in [0, 1].

    Returns:
        One number an image: 0 for gray, about 15 slightly, 45 averagely, 80 highly colorful (the paper's own scale).
    """
    red, green, blue = (255 * rgb).unbind(dim=1)
    rg, yb = (red - green).flatten(1), ((red + green) / 2 - blue).flatten(1)
    spread = torch.sqrt(rg.var(dim=1, correction=0) + yb.var(dim=1, correction=0))
    return spread + 0.3 * torch.sqrt(rg.mean(dim=1) ** 2 + yb.mean(dim=1) ** 2)


def ssim(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Structural similarity (Z. Wang et al., IEEE TIP 13(4), 2004) of sRGB: a Gaussian window of deviation 1.5 pixels.

    scikit-image's, the mean over the three planes and over pixels whose window of 11 x 11 lies inside the picture;
    torchmetrics also counts the others, reflected at the border, and gives other numbers for small pictures. Since a
    coloring's lightness was given it is near 1 for every method, and says little.

    Args:
        predicted: sRGB in [0, 1]; sides of at least 11 pixels.
        target: the real picture.

    Returns:
        At most 1; more is better.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise MissingExtraError("scikit-image", "tutorial") from error
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(_channels_last(predicted), _channels_last(target), strict=True)
    return torch.tensor(
        [structural_similarity(x, y, data_range=1.0, channel_axis=-1, **settings) for x, y in pairs],
        dtype=torch.float32,
    )


def ciede2000(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """CIEDE2000 color difference (CIE 142-2001; G. Sharma et al., Color Research & Application 30(1), 2005).

    scikit-image's, the mean over an image's pixels. About 1 is just noticeable.

    Args:
        predicted: Lab.
        target: Lab of the real picture.

    Returns:
        At least 0; less is better.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage.color import deltaE_ciede2000
    except ImportError as error:
        raise MissingExtraError("scikit-image", "tutorial") from error
    difference = deltaE_ciede2000(_channels_last(predicted), _channels_last(target))
    return torch.from_numpy(difference.mean(axis=(1, 2))).float()


def ab_histograms(lab: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n q"]:
    """Each image's share of pixels in squares of 10 x 10 Lab units of the ab plane; rows sum to 1."""
    return torch.stack([ab_histogram(image.flatten(1).T, HISTOGRAM_BINS).flatten() for image in lab.cpu()])


def histogram_distance(one: Float[Tensor, "*n q"], other: Float[Tensor, "*n q"]) -> Float[Tensor, "*n"]:
    """Total variation of two histograms: ``1/2 sum |p - q|``, 0 for the same, 1 where nothing is shared.

    Args:
        one: sums to 1. For a set of pictures: the mean of their :func:`ab_histograms`.
        other: the same of the real pictures.
    """
    return (one - other).abs().sum(dim=-1) / 2


def _channels_last(images: Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).double().cpu().numpy()
