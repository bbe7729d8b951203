"""Distances to a real image that a generator is trained on, each one small function with its equation and source."""

from collections.abc import Sequence

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import full_precision
from colorstyle_lib.model.color_bins import Logits, check_bins, encode_soft
from colorstyle_lib.model.style_decoder import feature_statistics

_LEAST_WEIGHT = 1e-6
_LEAST_SQUARE = 1e-12  # a target that is 0 everywhere has no scale of its own
Plane, Planes = Float[Tensor, "n 1 h w"], Float[Tensor, "n 2 h w"]  # the latter of a and b
Maps, Statistics = Sequence[Float[Tensor, "n _ _ _"]], Sequence[Float[Tensor, "n 2 _"]]  # of each layer, finest first


def huber_ab(predicted: Planes, target: Planes, *, delta: float, weight: Plane | None = None) -> Float[Tensor, " n"]:
    """Huber distance of ab planes: ``d^2 / 2 delta`` where ``d <= delta``, else ``d - delta / 2``.

    P. Huber, Annals of Mathematical Statistics 35(1), 1964. Divided by delta against the usual form, so that far from
    the target it is the absolute error. For each image a mean over planes and, by their weights, pixels; Lab units.
    """
    error = (nnf.huber_loss(predicted, target, reduction="none", delta=delta) / delta).mean(1, keepdim=True)
    count = torch.ones_like(error) if weight is None else weight
    return (error * count).sum((1, 2, 3)) / count.sum((1, 2, 3))


def huber_ab_gradient(predicted: Planes, target: Planes, *, delta: float) -> Float[Tensor, " n"]:
    """Huber distance of ab differences between neighbours: color must change where the real does.

    Arguments as of :func:`huber_ab`. For each image the sum of the two directions' means, Lab units.
    """
    across, down = (huber_ab(predicted.diff(dim=dim), target.diff(dim=dim), delta=delta) for dim in (-1, -2))
    return across + down


def chroma_weight(ab: Planes, strength: float) -> Plane:
    """Weight of a pixel by its chroma, for most are nearly gray: ``1 + strength * chroma / 110``.

    The simplest form of R. Zhang et al.'s rebalancing (ECCV 2016, arXiv:1603.08511); ``ab`` are the real, Lab units.
    """
    return 1 + strength * ab.square().sum(dim=1, keepdim=True).sqrt() / 110


def bin_cross_entropy(logits: Logits, ab: Planes, *, balance: Float[Tensor, " q"] | None = None) -> Float[Tensor, " n"]:
    """Cross-entropy of ab bins against softly coded colors: ``-mean v sum_q z_q log softmax(logits)_q``.

    R. Zhang et al., ECCV 2016 (arXiv:1603.08511), equation 2; z is sparse. For each image a mean over pixels, nats.
    ``ab`` are the real picture's, Lab units; ``balance`` is v of each pixel by its nearest bin, from
    :func:`.rebalancing`. A ConfigError where the logits are not one a bin of :func:`.ab_bins`.
    """
    check_bins(logits)
    numbers, weights = encode_soft(ab)
    # Bins last, as a channels-last network leaves them: one pass over memory each, forward and backward.
    logs = full_precision(logits.movedim(1, -1)).log_softmax(-1)
    entropy = -(weights.movedim(1, -1) * logs.gather(-1, numbers.movedim(1, -1))).sum(-1)
    if balance is not None:
        entropy = entropy * balance[numbers[:, 0]]
    return entropy.mean((1, 2))


def feature_distance(features: Float[Tensor, "n c h w"], targets: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """Squared distance of each image's feature map over the target's mean square: ``mean (f - t)^2 / mean t^2``.

    The scale makes it a pure number: 0 is equal, 1 as wrong as no feature at all.
    """
    features, targets = full_precision(features), full_precision(targets)
    scale = targets.square().mean(dim=(1, 2, 3)).clamp_min(_LEAST_SQUARE)
    return (features - targets).square().mean(dim=(1, 2, 3)) / scale


def content_distance(features: Maps, targets: Maps) -> Float[Tensor, ""]:
    """The deepest layer's mean :func:`feature_distance` (VGG-19: relu4_1): the same things in the same places.

    L. Gatys et al., A Neural Algorithm of Artistic Style, 2015 (arXiv:1508.06576), equation 1, on its own scale.
    """
    return feature_distance(features[-1], targets[-1]).mean()


def style_statistics(features: Maps) -> list[Float[Tensor, "n 2 _"]]:
    """Statistics of feature maps of any size: each channel's mean, then its standard deviation, over all places.

    X. Huang and S. Belongie, AdaIN, ICCV 2017 (arXiv:1703.06868), equations 5 and 6.
    """
    return [feature_statistics(maps) for maps in features]


def style_distance(statistics: Statistics, targets: Statistics, *, per_image: bool = False) -> Float[Tensor, "..."]:
    """Distance of two styles: ``(|m - m_t|^2 + |s - s_t|^2) / (|m_t|^2 + |s_t|^2)``, a mean over layers.

    Huang and Belongie's style loss (ICCV 2017, arXiv:1703.06868, equation 13), each layer over the style picture's mean
    square there, which is what the denominator is. Statistics are :func:`style_statistics` of the result, targets of
    the style picture. 0 for the same style; with ``per_image`` one number for each image instead of their mean.
    """
    layers = [
        (found - wanted).square().sum((1, 2)) / wanted.square().sum((1, 2)).clamp_min(_LEAST_SQUARE)
        for found, wanted in zip(statistics, targets, strict=True)
    ]
    distance = torch.stack(layers).mean(0)
    return distance if per_image else distance.mean()


def attention_collapse(alpha: Float[Tensor, "n m h w"], floor: float) -> Float[Tensor, ""]:
    """``mean max(0, floor - H / log k)``: how far attention's entropy H has fallen below a share of its largest.

    Whatever modality is the most useful early on takes all the weight, and one without weight learns nothing more: an
    entropy term keeps choices open (R. Williams and J. Peng, Connection Science 3(3), 1991).

    A mean over images, from 0 (above the floor, or k = 1 modality present) to ``floor`` (all weight on one of several).
    """
    alpha = full_precision(alpha)
    choices = (alpha.flatten(2).amax(2) > 0).sum(1)
    # At 0, where a modality is absent, the slope of -a log a is infinite.
    entropy = torch.special.entr(alpha.clamp_min(_LEAST_WEIGHT)).sum(1).mean((1, 2)) / choices.clamp_min(2).log()
    return torch.where(choices > 1, (floor - entropy).clamp_min(0), 0.0).mean()
