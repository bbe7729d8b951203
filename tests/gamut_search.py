"""The search for the largest chroma in the gamut as one would write it first: what ours is compared with."""

import torch

from colorstyle_lib.color import lab_to_linear


def halving(lab: torch.Tensor, steps: int) -> torch.Tensor:
    """The largest factor on the chroma that fits, by plain halving over the whole picture."""
    low, high = torch.zeros_like(lab[:, :1]), torch.ones_like(lab[:, :1])
    for _ in range(steps):
        middle = (low + high) / 2
        linear = lab_to_linear(torch.cat((lab[:, :1], lab[:, 1:] * middle), dim=1))
        fits = ((linear > -1e-4) & (linear < 1 + 1e-4)).all(dim=1, keepdim=True)
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    return low
