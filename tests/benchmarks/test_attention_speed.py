"""What attention costs: one training step of a small U-Net with it, beside the same without it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import torch
from side_by_side import alternate
from torch import nn

from colorstyle_lib.model.attention import MultiModalAttention
from colorstyle_lib.model.modalities import ModalityEncoder

pytestmark = pytest.mark.benchmark

BATCH, SIZE, WIDTH, DEPTH = 8, 64, 32, 4
LARGEST_SHARE = 0.15


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """Convolution, pooling, skips, as our generators; attention at the decoder's levels from 1/2 size
    down."""

    def __init__(self, width: int, depth: int, attention: bool) -> None:
        super().__init__()
        widths = [min(width * 2**i, 8 * width) for i in range(depth + 1)]
        self.down = nn.ModuleList(_block(i, o) for i, o in zip([3, *widths], widths, strict=False))
        pairs = list(pairwise(widths))[:0:-1]  # all but the finest
        self.up = nn.ModuleList(_block(fine + coarse, fine) for fine, coarse in pairs)
        self.attention = nn.ModuleList(MultiModalAttention(fine) for fine, _ in pairs) if attention else None
        self.head = nn.Conv2d(widths[1], 2, 1)
        self.describe = ModalityEncoder()

    def forward(self, lab: torch.Tensor) -> torch.Tensor:
        known = torch.zeros_like(lab[:, :1], dtype=torch.bool)
        modalities = self.describe(lab, None, known) if self.attention is not None else None
        x, skips = lab / 100, []
        for i, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if i else x)
            skips.append(x)
        for i, block in enumerate(self.up):
            x = block(torch.cat((nn.functional.interpolate(x, scale_factor=2), skips[-2 - i]), dim=1))
            if self.attention is not None:
                x, _ = self.attention[i](x, modalities)
        return self.head(x)


def test_a_training_step():
    gpu = torch.cuda.is_available()
    device = torch.device("cuda" if gpu else "cpu")
    lab = torch.rand(BATCH, 3, SIZE, SIZE, device=device) * 60
    plain, steered = (UNet(WIDTH, DEPTH, attention).to(device) for attention in (False, True))

    def step(model: UNet) -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=gpu):  # as one trains there
            model(lab).square().mean().backward()
        finish()

    def describe() -> None:
        steered.describe(lab)
        finish()

    def finish() -> None:
        if gpu:
            torch.cuda.synchronize()

    timing = alternate(
        {
            "without attention": lambda: step(plain),
            "with attention": lambda: step(steered),
            "describing the modalities alone": describe,
        },
        rounds=5,
        # CPU time, so that what else runs there matters less.
        clock=time.perf_counter if gpu else time.process_time,
    )
    setting = f"{device.type}, {BATCH} x 3 x {SIZE} x {SIZE}, width {WIDTH}, depth {DEPTH}"
    timing.show(f"a training step, {setting}", yardstick="without attention")
    share = 1 - timing.ratio("with attention", "without attention") ** -1
    print(f"  attention's share of the step: {share:.1%}")
    assert share <= LARGEST_SHARE
