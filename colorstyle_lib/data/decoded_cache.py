"""Decoded images in one file, mapped into memory: decoded once, for all later runs and all processes of a machine.

The file is the pixels of all images, one after the other, then an index (NumPy's ``.npz``: the height and width of
each, which of the source's images they are, a checksum of each, what was left out, and the source's fingerprint), then
16 bytes: the index's length and a mark. It takes its name only once it is complete.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from colorstyle_lib.data.batches import ImageStore, decoded, nothing_readable
from colorstyle_lib.data.image_list import Listing
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write, file_lock

_MARK = b"cstyle01"
_TAIL = struct.Struct("<Q8s")
_CHECKED = 64  # images whose checksum is compared at each start: a cut or zeroed file shows, and it takes milliseconds


class MappedImages(Sequence):
    """Images in a mapped file; the system reads what is looked at and keeps what memory allows.

    Args:
        path: a cache file.
        heights: of each image, in pixels.
        widths: of each image, in pixels.
    """

    def __init__(self, path: Path, heights: np.ndarray, widths: np.ndarray) -> None:
        self._heights, self._widths = heights.tolist(), widths.tolist()
        self._starts = np.concatenate([[0], np.cumsum(3 * heights.astype(np.int64) * widths)])
        # Private and read-only: whatever a caller does to a tensor, the file stays as it is.
        self._pixels = torch.from_file(str(path), shared=False, size=int(self._starts[-1]), dtype=torch.uint8)

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, i: int) -> UInt8[Tensor, "3 _ _"]:
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        i %= len(self)
        return self._pixels[self._starts[i] : self._starts[i + 1]].view(3, self._heights[i], self._widths[i])


def cached(listing: Listing, shorter_side: int, folder: Path, name: str) -> ImageStore:
    """Open the cache of these images; where there is none, or it no longer fits, decode them all and write one.

    Several processes may ask at once: one writes, the others wait for it.

    Args:
        listing: the images.
        shorter_side: pixels.
        folder: where caches are kept; made where it is missing.
        name: what tells these images from others of the same root: the split, and which data sets.

    Raises:
        DataError: no image can be read, or the file cannot be written.
    """
    # What was asked for chooses the file, and not what is there, so that new images replace a cache of the old.
    key = hashlib.sha256(f"{listing.root}\n{name}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
    path = folder / f"{listing.root.name}-{shorter_side}px-{key}.cache"
    fingerprint = listing.fingerprint()
    with file_lock(path.with_suffix(".lock")):
        if path.exists():
            try:
                return _open(path, listing, fingerprint)
            except _UnfitError as reason:
                print(f"cache {path.name}: {reason}; decoding again", flush=True)
        _write(path, listing, shorter_side, fingerprint)
        return _open(path, listing, fingerprint)


def expected_bytes(listing: Listing, shorter_side: int) -> int:
    """What decoded images will take, if on average they are as wide as 4 : 3 photographs."""
    return len(listing) * shorter_side**2 * 4


class _UnfitError(Exception):
    """A cache that cannot be used; the message says why."""


def _open(path: Path, listing: Listing, fingerprint: str) -> ImageStore:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(size - _TAIL.size)
            length, mark = _TAIL.unpack(file.read())
            if mark != _MARK:
                raise _UnfitError("it is damaged, or of another version")
            file.seek(size - _TAIL.size - length)
            with np.load(io.BytesIO(file.read(length)), allow_pickle=False) as index:
                facts = dict(index)
    except (OSError, struct.error, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise _UnfitError("it is damaged") from error
    if str(facts["fingerprint"]) != fingerprint:
        raise _UnfitError("the images have changed since")
    heights, widths, sums = facts["heights"], facts["widths"], facts["sums"]
    if 3 * int((heights.astype(np.int64) * widths).sum()) + length + _TAIL.size != size:
        raise _UnfitError("it is damaged")
    images = MappedImages(path, heights, widths)
    for i in np.unique(np.linspace(0, len(images) - 1, _CHECKED, dtype=int)).tolist():
        if zlib.crc32(images[i].numpy()) != sums[i]:
            raise _UnfitError("it is damaged")
    kept, groups = facts["kept"].tolist(), listing.groups()
    return ImageStore(images, [listing.names[i] for i in kept], facts["problems"].tolist(), [groups[i] for i in kept])


def _write(path: Path, listing: Listing, shorter_side: int, fingerprint: str) -> None:
    needed, free = expected_bytes(listing, shorter_side), shutil.disk_usage(path.parent).free
    if needed > free:
        raise DataError(
            f"a cache of {len(listing)} images takes about {needed / 1e9:.0f} GB, and {str(path.parent)!r} has "
            f"{free / 1e9:.0f} GB free; choose another folder, or shards: colorstyle data shard --help"
        )
    shapes, kept, sums, problems = [], [], [], []
    with atomic_write(path, error=DataError) as file:
        for number, result in enumerate(decoded(listing.read, len(listing), shorter_side)):
            if isinstance(result, str):
                problems.append(result)
                continue
            pixels = result.numpy()
            file.write(pixels)
            shapes.append(pixels.shape[1:])
            kept.append(number)
            sums.append(zlib.crc32(pixels))
        if not kept:
            raise nothing_readable(problems)
        index = io.BytesIO()
        sides = np.array(shapes, np.uint32)
        np.savez(
            index,
            heights=sides[:, 0],
            widths=sides[:, 1],
            kept=np.array(kept, np.uint32),
            sums=np.array(sums, np.uint32),
            problems=np.array(problems, np.str_),
            fingerprint=np.array(fingerprint),
        )
        file.write(index.getbuffer())
        file.write(_TAIL.pack(len(index.getbuffer()), _MARK))
