"""Reading WebDataset shards: tar files of images, each image found by its place in the file.

Shards of our own (see :mod:`.write_shards`) have a ``.json`` beside each tar that says where its images are; others
are looked through once. Either way they are plain tar files that the webdataset library reads as well.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from colorstyle_lib.data.batches import ImageStore, nothing_readable, shrunk_tensor
from colorstyle_lib.data.image_list import Listing, Split, open_bytes
from colorstyle_lib.errors import DataError, ImageError
from colorstyle_lib.images.read import ENDINGS

INDEX = "shards.json"
"""Written last: shards of ours without it are not complete."""

LOCK = ".shards.lock"
"""Written first."""


def find(root: Path, split: Split) -> Listing | None:
    """List the images in ``<split>-*.tar``; None where a folder has no shards of any split.

    Raises:
        DataError: the shards are not complete, one is missing or cut off, or there are none of this split.
    """
    ours, begun = (root / INDEX).is_file(), (root / LOCK).is_file()
    if not (ours or begun or any(root.glob("train-*.tar")) or any(root.glob("val-*.tar"))):
        return None
    if begun and not ours:
        raise DataError(f"the shards in {str(root)!r} are not complete; run the same 'colorstyle data shard' again")
    tars = sorted(root.glob(f"{split}-*.tar"))
    if ours:
        tars = [root / one["name"] for one in read_json(root / INDEX)["shards"] if one["name"].startswith(split)]
    if not tars:
        raise DataError(f"there are no shards {split}-*.tar in {str(root)!r}")
    members = [(tar, *member) for tar in tars for member in (_described(tar) if ours else _scanned(tar))]

    def read(i: int) -> Image.Image:
        tar, name, _, offset, size = members[i]
        try:
            with tar.open("rb", buffering=0) as file:
                file.seek(offset)
                return open_bytes(file.read(size), f"{tar.name}:{name}")
        except OSError as error:
            raise ImageError(f"{tar.name}:{name} cannot be read: {error.strerror or error}") from error

    names = [f"{tar.name}:{name}" for tar, name, *_ in members]
    return Listing(root, names, [member[2] for member in members], read, tars, compact=True)


def read_json(path: Path) -> Any:
    """Read a JSON file of ours, or raise a DataError that says that it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} is missing or damaged; write these shards again") from error


def pictures_in(tar: IO[bytes]) -> list[tuple[str, int, int]]:
    """Name, offset and size in bytes of each picture in a tar file, in its order."""
    with tarfile.open(fileobj=tar, mode="r:") as archive:
        found = [one for one in archive if one.isfile() and Path(one.name).suffix.lower() in ENDINGS]
    return [(one.name, one.offset_data, one.size) for one in found]


def _described(tar: Path) -> list[tuple[str, str, int, int]]:
    facts = read_json(tar.with_suffix(".json"))
    size = tar.stat().st_size if tar.is_file() else None
    if size != facts["bytes"]:
        state = "missing" if size is None else "cut off"
        raise DataError(f"shard {str(tar)!r} is {state}; delete {INDEX} there and run 'colorstyle data shard' again")
    return [tuple(member) for member in facts["images"]]


def _scanned(tar: Path) -> list[tuple[str, str, int, int]]:
    try:
        with tar.open("rb") as file:
            return [(name, tar.parent.name, offset, size) for name, offset, size in pictures_in(file)]
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"shard {str(tar)!r} is damaged: {error}") from error


class StreamedImages(Sequence):
    """Images that are decoded each time they are looked at: for data of which the pixels do not fit into memory.

    One that is damaged is named once, in ``problems``, and the next stands in for it.
    """

    def __init__(self, listing: Listing, shorter_side: int, problems: list[str]) -> None:
        self._listing, self._side, self._problems = listing, shorter_side, problems
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._listing)

    def __getitem__(self, i: int) -> UInt8[Tensor, "3 _ _"]:
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        ahead = ((i + offset) % len(self) for offset in range(len(self)))
        for number in (number for number in ahead if number not in self._damaged):
            try:
                return shrunk_tensor(self._listing.read(number), self._side)
            except ImageError as error:
                self._damaged.add(number)
                self._problems.append(str(error))
        raise nothing_readable(self._problems)


def streamed(listing: Listing, shorter_side: int) -> ImageStore:
    """A store of images that are decoded at each access; its ``problems`` grow as damaged ones are met."""
    problems: list[str] = []
    return ImageStore(StreamedImages(listing, shorter_side, problems), list(listing.names), problems, listing.groups())
