"""A VGG-19 of random weights, and pictures to show it."""

from __future__ import annotations

import torch
from torch import Tensor

from colorstyle_lib.model.pretrained import VGG19

CONVOLUTIONS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256)}
CONVOLUTIONS |= {16: (256, 256), 19: (256, 512)}


def vgg(scale: float = 1.0) -> VGG19:
    """VGG-19 of nobody's weights; with another scale all its activations are that much larger and nothing else."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for number, (inputs, outputs) in CONVOLUTIONS.items():
        kernel = torch.randn(outputs, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
        weights[f"{number}.weight"] = kernel * (scale if number == 0 else 1)
        weights[f"{number}.bias"] = 0.1 * scale * torch.randn(outputs, generator=generator)
    return VGG19(weights)


def picture(seed: int, height: int = 32, width: int = 32) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
