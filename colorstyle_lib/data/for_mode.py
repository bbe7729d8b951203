"""The images that a run's numbers come from, by its mode: drawn scenes, demo photographs, or a data root."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from colorstyle_lib.data.batches import ImageStore, decoded, in_memory, load_images
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.data.layouts import list_images
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.run_mode import Mode


def images_for(mode: Mode, root: Path | None, size: int, seed: int = 0) -> tuple[ImageStore, str]:
    """Load the images that this run computes on, and say in a sentence what they are.

    Args:
        mode: says where images come from (``source``) and how many at most (``max_images``).
        root: the data root; only ``folder`` looks at it, and only at its training images.
        size: pixels of an image's shorter side.
        seed: which scenes are drawn, or which of a large root's images are taken.

    Returns:
        The images, one group for each data set; and what they are and how many, for a figure.

    Raises:
        DataError: a data root is wanted and there is none, or it holds no images.
    """
    if mode.source == "synthetic":
        drawn = scenes(mode.max_images, size, seed).rgb
        store = load_images([to_picture(one) for one in drawn], size)
        return store, f"n = {len(store)} drawn scenes (synthetic, no photographs)"
    if mode.source == "demo":
        photos = list(PHOTOGRAPHS.values())[: mode.max_images]
        store = load_images([photo.path for photo in photos], size, names=[photo.name for photo in photos])
        return store, f"n = {len(store)} demo photographs (few, so every number is rough)"
    if root is None:
        raise DataError("this mode computes on real images: give a data root, or set COLORSTYLE_DATA")
    return _sample_of_root(root, mode.max_images, size, seed)


def _sample_of_root(root: Path, count: int, size: int, seed: int) -> tuple[ImageStore, str]:
    found = list_images(root, "train")
    chosen = np.random.default_rng(seed).permutation(len(found))[:count]
    some = found.take(sorted(chosen.tolist()))
    store = in_memory(decoded(some.read, len(some), size), some.names, some.groups())
    known = sorted(set(some.datasets))
    counts = Counter(known[group] for group in store.groups)
    parts = ", ".join(f"{name} {counts[name]}" for name in known)
    return store, f"n = {len(store)} of {len(found)} training images ({parts})"
