"""The restyling levels' norm, forwards and backwards, against torch's group norm of the same, in one run."""

from __future__ import annotations

import pytest
import torch
from side_by_side import alternate
from torch.nn import functional as nnf

from colorstyle_lib.model.style_decoder import instance_norm

pytestmark = pytest.mark.benchmark

YARDSTICK = "group_norm"


def test_a_training_steps_norm():
    """Measured: about a tenth of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    x = torch.randn(4, 32, 128, 128).to(torch.bfloat16, memory_format=torch.channels_last).requires_grad_()
    slope = torch.randn_like(x)

    def turn(norm):
        return lambda: torch.autograd.grad(norm(x), x, slope)

    try:
        timing = alternate({YARDSTICK: turn(lambda x: nnf.group_norm(x, x.shape[1])), "ours": turn(instance_norm)})
        timing.show("norm of 4 x 32 x 128 x 128, bfloat16, channels last, with its backward step, 1 thread", YARDSTICK)
    finally:
        torch.set_num_threads(before)
    assert timing.ratio("ours", YARDSTICK) < 0.6
