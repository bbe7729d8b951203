"""Metrics of a coloring, of batches, one number an image unless they say more; and statistics of the ab planes.

Those that are scikit-image's raise a MissingExtraError where it is not installed.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from colorstyle_lib.errors import needs_extra

AB_REACH = 110.0  # every color of sRGB has a and b between minus this and this
_STAIN_SIGMA, _STAIN_WINDOW = 4.0, 25  # pixels


def psnr_ab(predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"]) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio of the ab planes (Lab units), in decibels; more is better.

    ``10 log10(255^2 / MSE)`` with the mean square over both planes: ab spans 8 bits' worth of Lab units.
    """
    mean_square = (predicted - target).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255**2 / mean_square.clamp_min(1e-12))


def psnr_rgb(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio of sRGB in [0, 1], ``10 log10(1 / MSE)``, in decibels; more is better.

    Most of what makes it high in a coloring is the lightness, which was given.
    """
    mean_square = (predicted - target).square().mean(dim=(1, 2, 3))
    return -10 * torch.log10(mean_square.clamp_min(1e-12))


def square_error_ab(predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n h w"]:
    """Squared distance in the ab plane, pixel by pixel: ``(a - a*)^2 + (b - b*)^2``, squared Lab units."""
    return (predicted - target).square().sum(dim=1)


def colorfulness(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Hasler and Süsstrunk's colorfulness (Proc. SPIE 5007, 2003) of sRGB in [0, 1], with signed differences.

    ``rg = R - G, yb = (R + G) / 2 - B``; ``sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)``, 8-bit units:
    0 for gray, about 15 slightly, 45 averagely, 80 highly colorful (the paper's own scale).
    """
    red, green, blue = (255 * rgb).flatten(2).unbind(dim=1)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = torch.sqrt(rg.var(dim=1, correction=0) + yb.var(dim=1, correction=0))
    return spread + 0.3 * torch.sqrt(rg.mean(dim=1) ** 2 + yb.mean(dim=1) ** 2)


def ssim(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Structural similarity (Z. Wang et al., IEEE TIP 13(4), 2004) of sRGB in [0, 1]; at most 1, more is better.

    scikit-image's, with a Gaussian window of deviation 1.5 pixels: the mean over the three planes and over pixels whose
    window of 11 x 11 lies inside the picture; torchmetrics also counts the others, reflected at the border, and gives
    other numbers for small pictures. Since a coloring's lightness was given it is near 1 for every method.
    """
    with needs_extra("scikit-image", "tutorial"):
        from skimage.metrics import structural_similarity
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(_channels_last(predicted), _channels_last(target), strict=True)
    each = [structural_similarity(x, y, data_range=1.0, channel_axis=-1, **settings) for x, y in pairs]
    return torch.tensor(each, dtype=torch.float32)


def ciede2000(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """CIEDE2000 color difference (CIE 142-2001; G. Sharma et al., Color Research & Application 30(1), 2005) of Lab.

    scikit-image's, the mean over an image's pixels. About 1 is just noticeable; less is better.
    """
    with needs_extra("scikit-image", "tutorial"):
        from skimage.color import deltaE_ciede2000
    difference = deltaE_ciede2000(_channels_last(predicted), _channels_last(target))
    return torch.from_numpy(difference.mean(axis=(1, 2))).float()


def _channels_last(images: Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).double().cpu().numpy()


def stain_gradients(
    predicted: Float[Tensor, "n 2 h w"], target: Float[Tensor, "n 2 h w"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """How fast blurred ab changes where the real picture's is calm: of the predicted, and of the real one.

    The *stain ratio* of a set is the mean of the first over the mean of the second (:func:`.ratio_of`): 1 is as calm as
    real pictures, 1.8 shows colored patches on walls and in skies, 0 is gray. Ours: ab at 160 px is blurred by a
    Gaussian of deviation 4 px, a pixel's gradient is the root of the summed squares of both planes' central
    differences, and the mean is over the pixels where the real gradient is at most its median in that picture.

    ``predicted`` and ``target`` are in Lab units; the result is in Lab units a pixel.
    """

    def gradient(ab: Tensor) -> Tensor:
        down, across = torch.gradient(gaussian_blur(ab, [_STAIN_WINDOW] * 2, [_STAIN_SIGMA] * 2), dim=(-2, -1))
        return (down.square() + across.square()).sum(1).sqrt().flatten(1)

    found, real = gradient(predicted), gradient(target)
    calm = real <= real.median(dim=1, keepdim=True).values
    return tuple((each * calm).sum(1) / calm.sum(1) for each in (found, real))


def ab_histograms(lab: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n q"]:
    """Each image's share of pixels in squares of 10 x 10 Lab units of the ab plane; rows sum to 1."""
    return torch.stack([ab_histogram(image.flatten(1).T, bins=22).flatten() for image in lab.cpu()])


def histogram_distance(one: Float[Tensor, "*n q"], other: Float[Tensor, "*n q"]) -> Float[Tensor, "*n"]:
    """Total variation of two histograms that sum to 1: ``1/2 sum |p - q|``, 0 for the same, 1 where nothing is shared.

    The histogram of a set of pictures is the mean of their :func:`ab_histograms`.
    """
    return (one - other).abs().sum(dim=-1) / 2


def chroma(lab: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n h w"]:
    """Chroma C* = ``sqrt(a^2 + b^2)`` (CIE 15:2004), Lab units: 0 for gray, up to about 134 for sRGB's blue."""
    return torch.linalg.vector_norm(lab[..., 1:, :, :], dim=-3)


def ab_histogram(pixels: Float[Tensor, "k 3"], bins: int = 110) -> Float[Tensor, "{bins} {bins}"]:
    """Share of the Lab pixels in each square of the ab plane, between minus :data:`AB_REACH` and :data:`AB_REACH`.

    Sums to 1. Rows are b, columns a, both rising: draw it with ``origin="lower"``.
    """
    width = 2 * AB_REACH / bins
    # A rounding error at the gamut's tips must not drop a pixel.
    column, row = ((pixels[:, 1:] + AB_REACH) / width).long().clamp(0, bins - 1).T
    counts = torch.bincount(row * bins + column, minlength=bins * bins).reshape(bins, bins)
    return counts.float() / len(pixels)
