"""Lists of a data set's images, made without opening any; of the layouts in which large ones are published, too.

Each of :data:`LAYOUTS` gives one split's :class:`Listing`, without labels; None of a folder of another layout.
"""

from __future__ import annotations

import functools
import io
import re
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from colorstyle_lib.errors import DataError, ImageError, nearest, needs_extra, require
from colorstyle_lib.images.header import ENDINGS, identify, strict_pillow
from colorstyle_lib.images.read import decode, find_pictures, open_picture

Split = Literal["train", "val"]
_SPLIT_FOLDER = re.compile(r"(train|val)(20\d\d)?")


@dataclass(frozen=True)
class Listing:
    """Images in a fixed order."""

    root: Path
    names: Sequence[str]  # of each, relative to the root; unique
    datasets: Sequence[str]  # of each
    read: Callable[[int], Image.Image]  # opens number `i` as upright 8-bit sRGB; an ImageError where it is damaged
    files: Sequence[Path]  # that they come from; where one changes, an image may have

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Sequence[int]) -> Listing:
        """Some of the images, in the order given."""
        names, datasets = [self.names[i] for i in indices], [self.datasets[i] for i in indices]
        return replace(self, names=names, datasets=datasets, read=lambda i: self.read(indices[i]))

    def only(self, datasets: Sequence[str]) -> Listing:
        """The images of these data sets (a DataError for an unknown one); all of them where none is named."""
        if not datasets:
            return self
        known = set(self.datasets)
        if missing := sorted(set(datasets) - known):
            raise DataError(f"data root {str(self.root)!r} has no data set {missing[0]!r}{nearest(missing[0], known)}")
        return self.take([i for i, name in enumerate(self.datasets) if name in datasets])

    def groups(self) -> list[int]:
        """The data set of each image as a number, by the data sets' alphabetical order."""
        return np.unique(self.datasets, return_inverse=True)[1].tolist()


def of_files(root: Path, files: Sequence[Path]) -> Listing:
    """List images that are a file each below a root."""
    names = [file.relative_to(root).as_posix() for file in files]
    return Listing(root, names, [dataset_of(file, root) for file in files], lambda i: open_picture(files[i]), files)


def dataset_of(path: Path, root: Path) -> str:
    """The data set that an image belongs to: the folder directly below the root, or the root's own name."""
    first, *others = path.relative_to(root).parts
    return first if others and not _SPLIT_FOLDER.fullmatch(first) else root.name


def joined(parts: Sequence[Listing], root: Path | None = None) -> Listing:
    """Join listings of several roots; below one ``root`` each is a data set, called by its folder."""
    homes = [(part.root.relative_to(root) if root else part.root).as_posix() for part in parts]
    images = [(home, part, i) for home, part in zip(homes, parts, strict=True) for i in range(len(part))]
    names = [f"{home}/{part.names[i]}" for home, part, i in images]
    datasets = [home if root else part.datasets[i] for home, part, i in images]
    files = [file for part in parts for file in part.files]
    return Listing(root or parts[0].root, names, datasets, lambda i: images[i][1].read(images[i][2]), files)


def open_bytes(content: bytes, name: str) -> Image.Image:
    """Open a picture that is no file of its own; errors are :func:`.open_picture`'s and call it by ``name``."""
    require(len(content) > 0, f"{name} is empty", ImageError)
    with strict_pillow():
        return decode(identify(io.BufferedReader(io.BytesIO(content)), name), name).picture


def _packed(
    root: Path, names: list[str], datasets: list[str], content: Callable[[int], bytes], files: list[Path]
) -> Listing:
    """List images that lie in a few large files; ``content`` gives the bytes of number ``i``."""

    def read(i: int) -> Image.Image:
        try:
            found = content(i)
        except Exception as error:  # lmdb has a dozen kinds; a damaged page must not end a run
            raise ImageError(f"{names[i]} cannot be read: {error}") from error
        return open_bytes(found, names[i])

    return Listing(root, names, datasets, read, files)


def lsun(root: Path, split: Split) -> Listing | None:
    """LSUN: a folder ``<category>_<split>_lmdb`` for each category, with ``data.mdb`` in it; each a data set.

    Not torchvision's LSUN: that leaves a pickle of all keys in the current folder and trusts any it finds there.
    """
    there = [path.parent for path in sorted(root.glob("*_lmdb/data.mdb"))]
    homes = [path for path in there if path.name.endswith(f"_{split}_lmdb")]
    entries: list[tuple[Path, bytes]] = []
    for home in homes:
        with _environment(home).begin() as transaction:
            entries += [(home, bytes(key)) for key in transaction.cursor().iternext(keys=True, values=False)]

    def content(i: int) -> bytes:
        home, key = entries[i]
        with _environment(home).begin() as transaction:
            return transaction.get(key) or b""

    names = [f"{home.name}/{key.decode('ascii', 'backslashreplace')}" for home, key in entries]
    categories = [home.name.removesuffix(f"_{split}_lmdb") for home, _ in entries]
    return _packed(root, names, categories, content, [home / "data.mdb" for home in homes]) if there else None


@functools.cache
def _environment(home: Path) -> Any:
    """A database, opened once in a process as lmdb demands."""
    with needs_extra("lmdb", "data"):
        import lmdb
    try:
        return lmdb.open(str(home), readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise DataError(f"{str(home)!r} is damaged or no LSUN database: {error}") from error


def shards(root: Path, split: Split) -> Listing | None:
    """WebDataset shards, ``<split>-*.tar``: pictures are found by their place in it. DataError: damaged or cut off."""
    tars, members = sorted(root.glob(f"{split}-*.tar")), []
    for tar in tars:
        try:
            with tarfile.open(tar, "r:") as archive:
                found = [one for one in archive if one.isfile() and Path(one.name).suffix.lower() in ENDINGS]
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"shard {str(tar)!r} is damaged: {error}") from error
        members += [(tar, one.name, one.offset_data, one.size) for one in found]

    def content(i: int) -> bytes:
        tar, _, offset, size = members[i]
        with tar.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(size)

    names = [f"{tar.name}:{name}" for tar, name, *_ in members]
    there = tars or any(root.glob("train-*.tar")) or any(root.glob("val-*.tar"))
    return _packed(root, names, [root.name] * len(names), content, tars) if there else None


def folders(root: Path, split: Split) -> Listing | None:
    """Folders ``train/`` and ``val/``, with any folders below, as ImageNet has them, or COCO's ``train2017/`` ...

    Of several years the latest, since COCO's val2014 lies mostly in train2017. One of the two may be missing.
    """
    years = [path.name[-4:] for side in ("train", "val") for path in root.glob(f"{side}20[0-9][0-9]")]
    homes = {side: root / f"{side}{max(years, default='')}" for side in ("train", "val")}
    if not any(home.is_dir() for home in homes.values()):
        return None
    return of_files(root, find_pictures(homes[split]) if homes[split].is_dir() else [])


LAYOUTS = (shards, lsun, folders)  # each tells from a name or two whether a folder is its own
