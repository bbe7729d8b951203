"""Metrics of style transfer: is it still the same scene, and does it have the style picture's style?

Neither number means anything alone. The photograph itself has the best content, a copy of the style picture the best
style; what counts is how little of one is given for how much of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.images.read import shorter_side
from colorstyle_lib.losses.reconstruction import content_distance, style_distance, style_statistics
from colorstyle_lib.model.pretrained import VGG19, EfficientNetLite0


@dataclass(frozen=True)
class StyleScores:
    """Three distances of a restyled photograph; less is better.

    Attributes:
        content: squared difference from the photograph at VGG-19's relu4_1, over the photograph's mean square there
            (:func:`.content_distance`): 0 for the same, 1 as wrong as no feature at all.
        style: squared differences of channel means and deviations from the style picture's at VGG-19's relu1_1,
            relu2_1, relu3_1 and relu4_1, each layer over the style picture's mean square there, averaged over layers
            (:func:`.style_distance`).
        perceptual: :func:`perceptual_content_distance` from the photograph on EfficientNet-Lite0's features, on which
            no style term is trained: a second opinion on content.
    """

    content: float
    style: float
    perceptual: float


def perceptual_content_distance(
    features: Sequence[Float[Tensor, "n _ _ _"]], targets: Sequence[Float[Tensor, "n _ _ _"]]
) -> Float[Tensor, " n"]:
    """Perceptual distance of two pictures, place by place: ``mean (1 - cos(f, t))`` over a network's feature maps.

    R. Zhang et al., The Unreasonable Effectiveness of Deep Features, CVPR 2018 (arXiv:1801.03924), equation 1, with all
    channels weighed alike, halved, and a mean over layers instead of their sum. It is not "LPIPS", whose weights were
    fitted to people's judgements on other networks' features.

    Returns:
        One number an image: 0 for the same, 1 for features that have nothing in common, at most 2.
    """
    pairs = zip(features, targets, strict=True)
    return torch.stack(
        [1 - nnf.cosine_similarity(f.float(), t.float(), dim=1).mean(dim=(1, 2)) for f, t in pairs]
    ).mean(dim=0)


Maps = list[Float[Tensor, "1 _ _ _"]]


class StyleJudge:
    """Measures results, a picture at a time; what is expected of them is described once and serves for all.

    VGG-19 is in float32; files of its weights that differ in the scale of activations give the same numbers.
    """

    def __init__(self, vgg: VGG19, efficientnet: EfficientNetLite0) -> None:
        self.vgg, self.efficientnet = vgg, efficientnet

    @torch.no_grad()
    def content(self, photograph: Float[Tensor, "1 3 h w"]) -> tuple[Maps, Maps]:
        """Describe a photograph, sRGB in [0, 1], by feature maps of both networks."""
        return self.vgg(photograph)[-1:], self._features(photograph)

    @torch.no_grad()
    def style(self, picture: Float[Tensor, "1 3 h w"]) -> list[Float[Tensor, "1 2 _"]]:
        """Describe a style picture, sRGB in [0, 1], of any size."""
        return style_statistics(self.vgg(picture))

    @torch.no_grad()
    def scores(
        self, result: Float[Tensor, "1 3 h w"], content: tuple[Maps, Maps], style: Sequence[Float[Tensor, "1 2 _"]]
    ) -> StyleScores:
        """Measure a result, sRGB in [0, 1] of the photograph's size, by what :meth:`content` and :meth:`style` gave."""
        maps = self.vgg(result)
        return StyleScores(
            content=content_distance(maps[-1:], content[0]).item(),
            style=style_distance(style_statistics(maps), style).item(),
            perceptual=perceptual_content_distance(self._features(result), content[1]).item(),
        )

    def _features(self, rgb: Tensor) -> list[Tensor]:
        side = max(32, min(rgb.shape[2:]) // 32 * 32)  # the network wants multiples of 32
        return self.efficientnet(shorter_side(rgb, side, 32))
