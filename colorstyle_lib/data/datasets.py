"""Data sets ready for use: one split of a data root, or the images that a run mode computes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from colorstyle_lib.data.batches import ImageStore, decoded, in_memory, load_images
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.data.folder import list_images
from colorstyle_lib.data.image_list import Listing, Split
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.data.shards import streamed
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.run_mode import Mode


def load_split(
    root: Path, split: Split, shorter_side: int, datasets: Sequence[str] = (), *, quiet: bool = False
) -> ImageStore:
    """Open one split of a data root of any layout; say how much was read and left out, unless quiet.

    Images, scaled to ``shorter_side`` pixels, are decoded once and held in memory, but those of shards are decoded each
    time they are drawn. Those that cannot be read are named in ``problems``, never fatal. By default all data sets of
    the root are taken; each is a group of its own.

    Raises:
        DataError: no such data set or split, nothing in it can be read, or it does not fit into memory.
        MissingExtraError: a package is needed to read it.
    """
    listing = list_images(root, split, datasets)
    store = streamed(listing, shorter_side) if listing.compact else _decoded(listing, shorter_side)
    if not quiet:
        homes = ", ".join(sorted(set(listing.datasets)))
        print(f"{split}: {len(store)} images from {homes}; {len(store.problems)} left out", flush=True)
        for problem in store.problems[:20]:
            print(f"  left out: {problem}")
    return store


def dataset_names(root: Path, split: Split) -> list[str]:
    """The data sets of which a root has images in this split, sorted."""
    return sorted(set(list_images(root, split).datasets))


def images_for(mode: Mode, root: Path | None, size: int, seed: int = 0) -> tuple[ImageStore, str]:
    """Get the images that a run mode computes on, and say in a sentence what they are.

    Args:
        mode: says where images come from (``source``) and how many at most (``max_images``).
        root: the data root; only ``folder`` looks at it, and only at its training images.
        size: pixels of an image's shorter side.
        seed: which scenes are drawn, or which of a large root's images are taken.

    Raises:
        DataError: a data root is wanted and there is none, or it holds no images.
    """
    if mode.source == "synthetic":
        store = load_images([to_picture(one) for one in scenes(mode.max_images, size, seed).rgb], size)
        return store, f"n = {len(store)} drawn scenes (synthetic, no photographs)"
    if mode.source == "demo":
        photos = list(PHOTOGRAPHS.values())[: mode.max_images]
        store = load_images([photo.path for photo in photos], size, names=[photo.name for photo in photos])
        return store, f"n = {len(store)} demo photographs (few, so every number is rough)"
    if root is None:
        raise DataError("this mode computes on real images: give a data root, or set COLORSTYLE_DATA")
    found = list_images(root, "train")
    chosen = np.random.default_rng(seed).permutation(len(found))[: mode.max_images]
    sample = found.take(sorted(chosen.tolist()))
    store = _decoded(sample, size)
    names = enumerate(sorted(set(sample.datasets)))
    parts = ", ".join(f"{name} {store.groups.count(group)}" for group, name in names)
    return store, f"n = {len(store)} of {len(found)} training images ({parts})"


def _decoded(listing: Listing, shorter_side: int) -> ImageStore:
    """Decode all images into memory, unless they would not fit there."""
    needed, memory = len(listing) * shorter_side**2 * 4, _memory()  # if they are as wide as 4 : 3 photographs
    if needed > memory:
        raise DataError(
            f"{len(listing)} images take about {needed / 1e9:.0f} GB, and this machine has {memory / 1e9:.0f} GB of "
            f"memory; make shards of them, which are read while training: colorstyle data shard --help"
        )
    return in_memory(decoded(listing.read, len(listing), shorter_side), listing.names, listing.groups())


def _memory() -> float:
    """Bytes of memory that this machine has; infinite where it does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
