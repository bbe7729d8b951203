"""The cost of data in a step: memory beside decoding each time, and how long a step waits for its batch."""

import time
from pathlib import Path

import pytest
import torch
from side_by_side import alternate

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.batches import Batches, ImageStore, Prefetched
from colorstyle_lib.data.datasets import StreamedImages, list_images, load_split
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator

pytestmark = pytest.mark.benchmark

N, CROP, SHORTER_SIDE, COPIES = 16, 128, 160, 12


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo photographs, each a few times, as JPEG files of the size that large data sets have."""
    home = tmp_path_factory.mktemp("data") / "train"
    home.mkdir()
    for photo in PHOTOGRAPHS.values():
        picture = photo.open()
        picture.thumbnail((500, 500))
        for i in range(COPIES):
            picture.save(home / f"{photo.name}{i}.jpg", quality=90)
    return home.parent


def test_memory_beside_decoding_each_time(root):
    listing = list_images(root, "train")
    stores = {
        "held in memory": load_split(root, "train", SHORTER_SIDE),
        "files, decoded each time": ImageStore(
            StreamedImages(listing, SHORTER_SIDE), list(listing.names), [], listing.groups()
        ),
    }
    batches = {way: Batches(store, N, CROP) for way, store in stores.items()}
    timing = alternate({way: lambda b=b: b.batch(0) for way, b in batches.items()})
    timing.show(f"a batch of {N} crops of {CROP} x {CROP}, one thread", yardstick="files, decoded each time")
    assert timing.ratio("held in memory", "files, decoded each time") < 0.5


def test_a_step_as_long_as_the_tiny_presets_hardly_waits(root):
    preset = get_preset("tiny")
    store = load_split(root, "train", round(preset.training.crop * 1.25))
    batches = Batches(store, preset.training.batch_size, preset.training.crop)
    generator = Generator(preset.generator).train()

    def step(rgb: torch.Tensor) -> None:
        lab = rgb_to_lab(rgb)
        (generator(gray_content(lab[:, :1])) - lab[:, 1:]).abs().mean().backward()

    step(batches.batch(0))
    with Prefetched(batches.batch, 0, 60) as ahead:
        next(ahead)  # the first batch cannot be there already
        before, started = ahead.waited, time.perf_counter()
        for rgb in ahead:
            step(rgb)
        total, waited = time.perf_counter() - started, ahead.waited - before
    print(f"\n{1000 * total / 59:.1f} ms a step, {100 * waited / total:.2f} % of it waiting for data")
    assert waited / total < 0.05
