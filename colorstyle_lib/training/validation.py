"""How a generator does on pictures that it was not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab
from colorstyle_lib.model.attention import attention_spread
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator


@dataclass(frozen=True)
class Evaluation:
    """How a generator does on pictures it was not trained on.

    Attributes:
        n: pictures.
        psnr_ab: mean over pictures of the PSNR of the ab planes, dB.
        colorfulness_ratio: mean colorfulness of the results over that of the real pictures; 1 is right, 0 is gray.
        attention: by decoder level, each modality's mean weight; empty where nothing is steered.
        attention_spread: by decoder level, the largest standard deviation of a modality's weight over pictures.
    """

    n: int
    psnr_ab: float
    colorfulness_ratio: float
    attention: dict[str, dict[str, float]] = field(default_factory=dict)
    attention_spread: dict[str, float] = field(default_factory=dict)


@torch.no_grad()
def evaluate(generator: Generator, rgb: Float[Tensor, "n 3 h w"], batch_size: int = 25) -> Evaluation:
    """Measure a generator on real pictures whose colors it is not shown.

    Args:
        generator: in evaluation mode.
        rgb: ``(N, 3, H, W)`` in [0, 1], sides multiples of ``2 ** depth``.
        batch_size: pictures at a time.
    """
    psnr, ours, real, steered = [], [], [], []
    for batch in rgb.split(batch_size):
        lab = rgb_to_lab(batch)
        features, alphas = generator.forward_features(gray_content(lab[:, :1]))
        ab = generator.colors(features)
        steered.append({level: alpha.mean((2, 3)) for level, alpha in alphas.items()})
        psnr.append(psnr_ab(ab, lab[:, 1:]))
        ours.append(colorfulness(lab_to_rgb(fit_gamut(torch.cat((lab[:, :1], ab), dim=1)))))
        real.append(colorfulness(batch))
    color = torch.cat(real).mean()
    ratio = (
        torch.cat(ours).mean() / color if color > 1 else torch.tensor(math.nan)
    )  # gray pictures have no color to match
    weights = {level: torch.cat([one[level] for one in steered]) for level in steered[0]}  # (N, M) each
    names = generator.config.modalities
    return Evaluation(
        len(rgb),
        torch.cat(psnr).mean().item(),
        ratio.item(),
        {level: dict(zip(names, w.mean(0).tolist(), strict=True)) for level, w in weights.items()},
        {level: attention_spread(w).max().item() for level, w in weights.items()},
    )
