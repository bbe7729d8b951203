"""Input planes of the generator: the known parts of a picture's Lab planes, and masks of where they are known."""

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor

AB_RANGE = 110.0
CONTENT_PLANES = 5  # L, a, b, and two masks


Known, Planes, Content = Bool[Tensor, "n 1 h w"], Float[Tensor, "n c h w"], Float[Tensor, "n 5 h w"]
Mask = Known | Float[Tensor, "n 1 h w"]


def content_planes(lab: Float[Tensor, "n 3 h w"], known_lightness: Mask, known_color: Mask) -> Content:
    """Content of a picture: its Lab planes with the unknown set to zero, and two masks of what is known.

    A grayscale photograph knows L everywhere and color nowhere; one with hints knows color at some pixels.

    L is in [0, 100], a and b in about [-110, 110]; a mask lies between 0 and 1 where a value is not to be trusted.
    Returned are L / 100, a / 110, b / 110, and the two masks.
    """
    light, color = known_lightness.to(lab.dtype), known_color.to(lab.dtype)
    return torch.cat((lab[:, :1] / 100 * (light > 0), lab[:, 1:] / AB_RANGE * (color > 0), light, color), dim=1)


def gray_content(lightness: Float[Tensor, "n 1 h w"]) -> Content:
    """Content of a grayscale photograph, from its L in [0, 100]: known everywhere, color nowhere.

    >>> gray_content(torch.full((1, 1, 1, 1), 50.0)).flatten().tolist()
    [0.5, 0.0, 0.0, 1.0, 0.0]
    """
    lab = nnf.pad(lightness, (0, 0, 0, 0, 0, 2))
    everywhere = torch.ones_like(lightness, dtype=torch.bool)
    return content_planes(lab, everywhere, ~everywhere)


def fill_lightness(content: Content) -> Float[Tensor, "n 1 h w"]:
    """L / 100 of a content, where it is not known by :func:`fill_smoothly`; middle gray where none is."""
    return fill_smoothly(content[:, :1], content[:, 3:4] > 0, 0.5)


def fill_smoothly(values: Planes, known: Known, nothing: float = 0.0) -> Planes:
    """Planes, continued smoothly over the places where they are not known; ``nothing`` where a picture knows none.

    Pull-push (S. Gortler et al., The Lumigraph, SIGGRAPH 1996): means of known places at ever smaller sizes, and back.
    """
    # A branch on values cannot be compiled or exported; what is compiled knows all of it.
    if torch.compiler.is_compiling() or bool(known.all()):
        return values
    flags = known.to(values.dtype)
    return _pull_push(values * flags, flags, nothing)


def fill_thin_plate(values: Planes, known: Known, steps: int = 20) -> Planes:
    """Planes, continued over the places where they are not known as a thin plate would bend (a biharmonic fill).

    :func:`fill_smoothly`, then conjugate gradients on the sum of squared Laplacians. 20 steps solve it in scratches and
    words; in large holes, where a plate overshoots, they only bend the rim.
    """
    filled = fill_smoothly(values, known)
    if filled is values:
        return values
    free = (~known).to(values.dtype)
    left = direction = -_laplacian(_laplacian(filled)) * free
    size = left.square().sum((-2, -1), keepdim=True)
    for _ in range(steps):
        bent = _laplacian(_laplacian(direction)) * free
        step = size / (direction * bent).sum((-2, -1), keepdim=True).clamp_min(1e-12)
        filled, left = filled + step * direction, left - step * bent
        before, size = size, left.square().sum((-2, -1), keepdim=True)
        direction = left + size / before.clamp_min(1e-12) * direction
    return filled


def _laplacian(planes: Planes) -> Planes:
    around = nnf.pad(planes, (1, 1, 1, 1), mode="replicate")
    beside = around[..., 1:-1, 2:] + around[..., 1:-1, :-2] + around[..., 2:, 1:-1] + around[..., :-2, 1:-1]
    return beside - 4 * planes


def _pull_push(values: Tensor, known: Tensor, nothing: float) -> Tensor:
    """``values`` is 0 where ``known`` is."""
    if min(values.shape[-2:]) == 1:
        total = known.sum((-2, -1), keepdim=True)
        coarse = torch.where(total > 0, values.sum((-2, -1), keepdim=True) / total.clamp_min(1), nothing)
    else:
        share = nnf.avg_pool2d(known, 2, ceil_mode=True)
        means = nnf.avg_pool2d(values, 2, ceil_mode=True) / share.clamp_min(1e-6)
        coarse = _pull_push(means, (share > 0).to(known.dtype), nothing)
    return values + (1 - known) * nnf.interpolate(coarse, values.shape[-2:], mode="bilinear")
