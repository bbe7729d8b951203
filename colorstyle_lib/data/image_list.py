"""The list of a data set's images, made without opening any of them."""

from __future__ import annotations

import bisect
import hashlib
import io
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import Image

from colorstyle_lib.errors import DataError, ImageError, nearest
from colorstyle_lib.images.decode import decode, identify, strict_pillow
from colorstyle_lib.images.read import open_picture

Split = Literal["train", "val"]


@dataclass(frozen=True)
class Listing:
    """Images in a fixed order.

    Attributes:
        names: of each, relative to the root; unique.
        read: opens number ``i`` as upright 8-bit sRGB; an ``ImageError`` where it is damaged.
        files: the files that they come from; where one changes, an image may have.
        compact: made to be read one by one while training, so that nothing need be kept decoded.
    """

    root: Path
    names: Sequence[str]
    datasets: Sequence[str]
    read: Callable[[int], Image.Image]
    files: Sequence[Path]
    compact: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Sequence[int]) -> Listing:
        """Some of the images, in the order given."""
        names, datasets = [self.names[i] for i in indices], [self.datasets[i] for i in indices]
        return replace(self, names=names, datasets=datasets, read=lambda i: self.read(indices[i]))

    def only(self, datasets: Sequence[str]) -> Listing:
        """The images of these data sets; all of them where none is named.

        Raises:
            DataError: there is no such data set.
        """
        if not datasets:
            return self
        known = set(self.datasets)
        if missing := sorted(set(datasets) - known):
            raise DataError(f"data root {str(self.root)!r} has no data set {missing[0]!r}{nearest(missing[0], known)}")
        return self.take([i for i, name in enumerate(self.datasets) if name in datasets])

    def groups(self) -> list[int]:
        """The data set of each image as a number, by the data sets' alphabetical order."""
        order = {name: number for number, name in enumerate(sorted(set(self.datasets)))}
        return [order[name] for name in self.datasets]

    def fingerprint(self) -> str:
        """A hash that changes with the names, and with any file's size or time of change. No file is read."""
        lines = list(self.names)
        for file in self.files:
            facts = file.stat() if file.exists() else None
            lines.append(f"{file}\t{facts.st_size}\t{facts.st_mtime_ns}" if facts else f"{file}\tmissing")
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def of_files(root: Path, files: Sequence[Path], dataset: str | Callable[[Path], str]) -> Listing:
    """List images that are a file each below a root; ``dataset`` names the one of all, or tells it from a path."""
    names = [file.relative_to(root).as_posix() for file in files]
    datasets = [dataset if isinstance(dataset, str) else dataset(file) for file in files]
    return Listing(root, names, datasets, lambda i: open_picture(files[i]), files)


def joined(root: Path, parts: Sequence[Listing]) -> Listing:
    """Join several data sets below one root; each is called by its folder."""
    ends = list(itertools.accumulate(len(part) for part in parts))

    def read(i: int) -> Image.Image:
        which = bisect.bisect_right(ends, i)
        return parts[which].read(i - (ends[which] - len(parts[which])))

    members = [(part.root.relative_to(root).as_posix(), name) for part in parts for name in part.names]
    names, homes = [f"{home}/{name}" for home, name in members], [home for home, _ in members]
    files = [file for part in parts for file in part.files]
    return Listing(root, names, homes, read, files, all(part.compact for part in parts))


def open_bytes(content: bytes, name: str) -> Image.Image:
    """Open a picture that is no file of its own; errors are :func:`.open_picture`'s and call it by ``name``."""
    if not content:
        raise ImageError(f"{name} is empty")
    with strict_pillow():
        return decode(identify(io.BufferedReader(io.BytesIO(content)), name), name)
