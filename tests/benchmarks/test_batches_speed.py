"""Batches of crops: images decoded once and kept, beside images decoded again for every batch."""

import pytest
from side_by_side import alternate

from colorstyle_lib.data.batches import Batches, load_images
from colorstyle_lib.data.demo import PHOTOGRAPHS

pytestmark = pytest.mark.benchmark

N, CROP, SHORTER_SIDE = 16, 128, 160


def test_decoding_once():
    paths = [photo.path for photo in PHOTOGRAPHS.values()]
    sources = [paths[i % len(paths)] for i in range(N)]
    kept = Batches(load_images(sources, SHORTER_SIDE), N, CROP)
    timing = alternate(
        {
            "decoded once": lambda: kept.batch(0),
            "decoded each time": lambda: Batches(load_images(sources, SHORTER_SIDE), N, CROP).batch(0),
        }
    )
    timing.show(f"a batch of {N} crops of {CROP} x {CROP}", yardstick="decoded each time")
    assert timing.ratio("decoded once", "decoded each time") < 1
