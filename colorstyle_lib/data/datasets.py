"""A data root: which of its images belong to which split, whatever its layout; loading these; and their checksums.

In order: the root's own manifest (``MANIFEST.csv`` with the columns ``path`` and ``split``); a layout, such as
``train/`` and ``val/``, of the root; layouts one level down, one for each data set; else a split by content hash.
"""

import csv
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from jaxtyping import UInt8
from torch import Tensor
from tqdm.contrib.concurrent import thread_map

from colorstyle_lib.config import Mode
from colorstyle_lib.data.batches import ImageStore, decode_images, load_images, nothing_readable, shrunk_tensor
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.data.layouts import LAYOUTS, Listing, Split, joined, of_files
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import DataError, ImageError, require
from colorstyle_lib.files import atomic_write, file_hash, inside
from colorstyle_lib.images.read import find_pictures, to_picture

CHECKSUMS = "CHECKSUMS.csv"  # the manifest that we write; not MANIFEST.csv, which would from then on decide the splits
_SPLITS: tuple[Split, ...] = get_args(Split)
_VALIDATION_PERCENT = 10

Roots = Path | Sequence[Path]
"""A data root, or several whose data sets lie beside each other; sets of one name are one set."""


def list_images(root: Roots, split: Split, datasets: Sequence[str] = ()) -> Listing:
    """List the images of one split of data roots, whatever their layout; only those of some data sets, if named.

    DataError: no folder, no images, or no such data set. MissingExtraError: a package is needed to read it.
    """
    if not isinstance(root, Path):
        each = [list_images(one, split) for one in root]
        return (joined(each) if len(each) > 1 else each[0]).only(datasets)
    require(root.is_dir(), f"data root {str(root)!r} is not a folder", DataError)
    found = _first((_by_manifest, *LAYOUTS, _one_level_down, _by_content), root, split)
    if not found.names:
        way = f"(LSUN has them in folders NAME_{split}_lmdb, shards are called {split}-*.tar)"
        what = f"data root {str(root)!r} has no images for {split!r}"
        raise DataError(f"{what}; give at least two, or put some below train/ and val/ {way}")
    return found.only(datasets)


def find_split(root: Path, split: Split) -> list[Path]:
    """The files of :func:`list_images`, sorted."""
    return sorted(list_images(root, split).files)


def _first(ways: Sequence[Callable[[Path, Split], Listing | None]], root: Path, split: Split) -> Listing | None:
    return next((found for way in ways if (found := way(root, split)) is not None), None)


def _by_manifest(root: Path, split: Split) -> Listing | None:
    """The files that the root's own manifest of splits names; None where it has no such file."""
    rows = read_rows(manifest) if (manifest := root / "MANIFEST.csv").is_file() else [{}]
    if "split" not in rows[0]:
        return None
    return of_files(root, sorted(inside(root, row["path"], links=True) for row in rows if row["split"] == split))


def read_rows(manifest: Path, columns: Sequence[str] = ("path",)) -> list[dict[str, str]]:
    """Rows of a CSV file; DataError: unreadable, without one of the columns, cut off, or naming a file outside."""
    try:
        with manifest.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the manifest {str(manifest)!r}: {error}; give one with --manifest") from error
    if not rows or not set(columns) <= rows[0].keys():
        needs = f"the columns {', '.join(columns)}, and a row"
        raise DataError(f"{str(manifest)!r} is not such a manifest: it needs {needs}")
    if any(row[column] is None for row in rows for column in columns):
        raise DataError(f"{str(manifest)!r} is cut off: a row is not complete")
    for row in rows:
        inside(manifest.parent, row["path"], links=True)
    return rows


def _one_level_down(root: Path, split: Split) -> Listing | None:
    """Data sets in folders of their own, each in a layout; None where no folder has one."""
    homes = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    parts = [part for home in homes if (part := _first(LAYOUTS, home, split)) is not None]
    return joined(parts, root) if parts else None


def _by_content(root: Path, split: Split) -> Listing:
    """Split by content hash, whatever names and neighbors are; where chance leaves a side empty, one is moved over."""
    paths = find_pictures(root)
    percent = {path: int(file_hash(path)[:8], 16) % 100 if path.is_file() else 99 for path in paths}
    ordered = sorted(paths, key=lambda p: (percent[p], p))
    held_out = sum(percent[p] < _VALIDATION_PERCENT for p in paths)
    if len(paths) > 1:
        held_out = min(max(held_out, 1), len(paths) - 1)
    return of_files(root, ordered[:held_out] if split == "val" else ordered[held_out:])


def load_split(
    root: Roots, split: Split, shorter_side: int, datasets: Sequence[str] = (), *, quiet: bool = False
) -> ImageStore:
    """Open one split of data roots of any layout; say how much was read and left out, unless quiet.

    Images, scaled to ``shorter_side`` pixels, are decoded once and held in memory; where that would take half of it,
    each is decoded whenever it is drawn. Those that cannot be read are named in ``problems``. By default all data sets
    are taken; each is a group. Errors are :func:`list_images`'s; and DataError where nothing can be read.
    """
    listing = list_images(root, split, datasets)
    needed = 4 * len(listing) * shorter_side**2  # bytes, if they are as wide as 4 : 3 photographs
    if needed > _memory() / 2:
        images = StreamedImages(listing, shorter_side)
        store = ImageStore(images, list(listing.names), images.problems, listing.groups())
    else:
        store = decode_images(listing.read, listing.names, listing.groups(), shorter_side)
    if not quiet:
        homes = ", ".join(sorted(set(listing.datasets)))
        print(f"{split}: {len(store)} images from {homes}; {len(store.problems)} left out", flush=True)
        for problem in store.problems[:20]:
            print(f"  left out: {problem}")
    return store


def dataset_names(root: Roots, split: Split) -> list[str]:
    """The data sets of which a root has images in this split, sorted."""
    return sorted(set(list_images(root, split).datasets))


def images_for(mode: Mode, root: Path | None, size: int, seed: int = 0) -> tuple[ImageStore, str]:
    """Get the images that a run mode computes on, and say in a sentence what they are.

    The mode says where they come from (``source``) and how many at most; only ``folder`` looks at the root, and only at
    its training images. ``size`` is pixels of the shorter side; the seed chooses scenes, or some of a large root's
    images. A DataError where a data root is wanted and there is none, or it holds no images.
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
    store = decode_images(sample.read, sample.names, sample.groups(), size)
    names = enumerate(sorted(set(sample.datasets)))
    parts = ", ".join(f"{name} {store.groups.count(group)}" for group, name in names)
    return store, f"n = {len(store)} of {len(found)} training images ({parts})"


def _memory() -> float:
    """Bytes of memory for each process of this machine; infinite where it does not say."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")
    return whole / int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # torchrun's


@dataclass
class StreamedImages(Sequence):
    """Images that are decoded each time they are looked at: for data of which the pixels do not fit into memory.

    One that is damaged is named once, in ``problems``, and the next stands in for it.
    """

    listing: Listing
    shorter_side: int
    problems: list[str] = field(default_factory=list)
    damaged: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, i: int) -> UInt8[Tensor, "3 _ _"]:
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        ahead = ((i + offset) % len(self) for offset in range(len(self)))
        for number in (number for number in ahead if number not in self.damaged):
            try:
                return shrunk_tensor(self.listing.read(number), self.shorter_side)
            except ImageError as error:
                self.damaged.add(number)
                self.problems.append(str(error))
        raise nothing_readable(self.problems)


class Comparison(NamedTuple):
    """A folder beside a manifest: names, sorted, of files of the right content, not there, and of another content.

    ``extra`` are images that the manifest does not know, in the splits that it describes.
    """

    same: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, changed or extra."""
        return not any(self[1:])


def write_manifest(root: Path, output: Path | None = None, splits: Sequence[Split] = _SPLITS) -> Path:
    """Write name, SHA-256 and split of every file that a data root's images come from; by default in the root.

    DataError where there are no images; OSError where something cannot be read.
    """
    if not (split_of := _files(root, splits)):
        list_images(root, splits[0])  # says what is wrong
    names, output = sorted(split_of), output or root / CHECKSUMS
    sums = _each(lambda name: file_hash(root / name), names)
    with atomic_write(output, "w", error=DataError) as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerows([("path", "sha256", "split"), *((name, sums[name], split_of[name]) for name in names)])
    return output


def check_manifest(root: Path, manifest: Path | None = None) -> Comparison:
    """Compare a data root with a manifest, by default its own ``CHECKSUMS.csv`` or else ``MANIFEST.csv``.

    A manifest of one split vouches for that split alone: images of the other are not extra. DataError where there is
    no such folder, or no manifest that :func:`read_rows` can read.
    """
    require(root.is_dir(), f"data root {str(root)!r} is not a folder", DataError)
    manifest = manifest or next((root / name for name in (CHECKSUMS, "MANIFEST.csv") if (root / name).is_file()), None)
    if manifest is None:
        way = "give --manifest FILE, or write one: colorstyle data manifest ROOT"
        raise DataError(f"{str(root)!r} has no {CHECKSUMS}; {way}")
    rows = read_rows(manifest, ("path", "sha256"))
    expected = {row["path"]: row["sha256"].lower() for row in rows}
    described = {row["split"] for row in rows if row.get("split")} or set(_SPLITS)
    there = _files(root, [split for split in _SPLITS if split in described])

    def state(name: str) -> str:
        try:
            return "same" if file_hash(root / name) == expected[name] else "changed"
        except (OSError, ValueError):
            return "missing"

    states = _each(state, sorted(expected))
    named = (tuple(name for name in states if states[name] == what) for what in Comparison._fields[:3])
    return Comparison(*named, tuple(sorted(set(there) - set(expected))))


def _files(root: Path, splits: Sequence[Split]) -> dict[str, str]:
    """The split of each file that is there, by name; a split that is empty has none."""
    found: dict[str, str] = {}
    for split in splits:
        with suppress(DataError):
            files = list_images(root, split).files
            found |= {file.relative_to(root).as_posix(): split for file in files if file.is_file()}
    return found


def _each(call: Callable[[str], str], names: Sequence[str]) -> dict[str, str]:
    """What a call gives for each file."""
    quiet = len(names) < 1000 or None  # None: only in a terminal
    return dict(zip(names, thread_map(call, names, unit="file", disable=quiet), strict=True))
