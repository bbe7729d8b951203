"""A data set ready for use: found by folder or name, listed by its layout, decoded in memory, on disk or as it goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from colorstyle_lib.data.batches import ImageStore, decoded, in_memory
from colorstyle_lib.data.decoded_cache import cached, expected_bytes
from colorstyle_lib.data.downloads import find_root
from colorstyle_lib.data.folder import Split
from colorstyle_lib.data.image_list import Listing
from colorstyle_lib.data.layouts import list_images
from colorstyle_lib.data.streamed_shards import streamed
from colorstyle_lib.errors import DataError


def open_dataset(
    root_or_name: str | os.PathLike[str],
    split: Split,
    shorter_side: int,
    *,
    datasets: Sequence[str] = (),
    download: bool = False,
    cache: Path | None = None,
) -> ImageStore:
    """Open one split of a data root of any layout, or of a known data set.

    Args:
        root_or_name: a folder, or a name of :data:`.KNOWN`.
        split: ``train`` or ``val``; nothing under ``val`` is ever trained on.
        shorter_side: what images are made to, in pixels.
        datasets: only these of the root; by default all. Each is a group of its own.
        download: fetch a known data set that is not there yet.
        cache: a folder to keep decoded images in, for data larger than memory and for the next start; by default they
            are held in memory, but those of shards, which are decoded each time they are drawn.

    Returns:
        The images; those that cannot be read are named in ``problems``, never fatal.

    Raises:
        DataError: no such root, data set or split; nothing in it can be read; or it fits neither memory nor disk.
        MissingExtraError: a package is needed to read it.
    """
    root = find_root(root_or_name, download=download)
    if root is None:
        raise DataError("a data set is a folder or a name; see: colorstyle data list")
    return _decoded(list_images(root, split, datasets), split, shorter_side, datasets, cache)


def load_split(
    root: Path,
    split: Split,
    shorter_side: int,
    datasets: Sequence[str] = (),
    *,
    cache: Path | None = None,
    quiet: bool = False,
) -> ImageStore:
    """Open one split of a data root as :func:`open_dataset` does; say how much was read and left out, unless quiet.

    Raises:
        DataError: the root has no such data set, or holds nothing usable.
    """
    listing = list_images(root, split, datasets)
    store = _decoded(listing, split, shorter_side, datasets, cache)
    if quiet:
        return store
    homes = ", ".join(sorted(set(listing.datasets)))
    print(f"{split}: {len(store)} images from {homes}; {len(store.problems)} left out", flush=True)
    for problem in store.problems[:20]:
        print(f"  left out: {problem}")
    return store


def dataset_names(root: Path, split: Split) -> list[str]:
    """The data sets of which a root has images in this split, sorted."""
    return sorted(set(list_images(root, split).datasets))


def _decoded(
    listing: Listing, split: Split, shorter_side: int, datasets: Sequence[str], cache: Path | None
) -> ImageStore:
    if cache is not None:
        return cached(listing, shorter_side, cache, " ".join([split, *sorted(datasets)]))
    if listing.compact:
        return streamed(listing, shorter_side)
    needed, memory = expected_bytes(listing, shorter_side), _memory()
    if needed > memory:
        raise DataError(
            f"{len(listing)} images take about {needed / 1e9:.0f} GB, and this machine has {memory / 1e9:.0f} GB of "
            f"memory; give a folder for a cache on disk, or make shards of them: colorstyle data shard --help"
        )
    return in_memory(decoded(listing.read, len(listing), shorter_side), listing.names, listing.groups())


def _memory() -> float:
    """Bytes of memory that this machine has; infinite where it does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
