"""A data root: which of its images belong to which split, whatever its layout.

In order: the root's own manifest (``MANIFEST.csv`` with the columns ``path`` and ``split``); shards or a published
layout, at the root or one level down; ``train/`` and ``val/`` folders, at the root or one level down, one pair for
each data set; else a split by content hash, so that a file keeps its side when it is renamed, moved, or gets new
neighbours.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

from colorstyle_lib.data import published_layouts as published
from colorstyle_lib.data import shards
from colorstyle_lib.data.image_list import Listing, Split, joined, of_files
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import find_pictures

_VALIDATION_PERCENT = 10
# Each tells from a name or two whether a folder is its own: None where it is not.
_LAYOUTS = (
    shards.find,
    published.imagenet,
    published.coco,
    published.lsun,
    published.flowers102,
    published.stl10,
    published.places365,
)


def list_images(root: Path, split: Split, datasets: Sequence[str] = ()) -> Listing:
    """List the images of one split of a data root, whatever its layout; only those of some of its data sets, if named.

    Raises:
        DataError: no folder, no images in this split, no such data set, or a layout that lacks something.
        MissingExtraError: a package is needed to read it.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    found = None if _manifest_rows(root) is not None else _published(root, split) or _published_below(root, split)
    if found is None:
        found = of_files(root, find_split(root, split), lambda file: dataset_of(file, root))
    return found.only(datasets)


def find_split(root: Path, split: Split) -> list[Path]:
    """List the image files of one split of a folder that is in no published layout, sorted; none is opened.

    Raises:
        DataError: the root is no folder, or the split is empty.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    homes = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    if (rows := _manifest_rows(root)) is not None:
        paths = [root / row["path"] for row in rows if row["split"] == split]
    elif any((home / side).is_dir() for home in homes for side in ("train", "val")):
        paths = [path for home in homes if (home / split).is_dir() for path in find_pictures(home / split)]
    else:
        paths = _by_content(find_pictures(root), split)
    if not paths:
        raise DataError(
            f"data root {str(root)!r} has no images for {split!r}; give at least two, or put some below train/ and val/"
        )
    return sorted(paths)


def dataset_of(path: Path, root: Path) -> str:
    """The data set that an image belongs to: the folder directly below the root, or the root's own name."""
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 and parts[0] not in ("train", "val") else root.name


def _manifest_rows(root: Path) -> list[dict[str, str]] | None:
    """The rows of the root's own manifest of splits; None where it has no such file."""
    manifest = root / "MANIFEST.csv"
    if not manifest.is_file():
        return None
    with manifest.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        return list(reader) if {"path", "split"} <= set(reader.fieldnames or ()) else None


def _published(root: Path, split: Split) -> Listing | None:
    return next((found for layout in _LAYOUTS if (found := layout(root, split)) is not None), None)


def _published_below(root: Path, split: Split) -> Listing | None:
    """Data sets in folders of their own, of which at least one has a published layout; else None."""
    parts, plain, absent = [], [], None
    for home in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            found = _published(home, split)
        except published.NoSplitError as error:  # of several data sets one may well have no validation images
            absent = error
            continue
        if found is not None:
            parts.append(found)
        elif (home / split).is_dir():
            plain.append(home)
    if not parts and absent is None:
        return None
    parts += [of_files(home, find_split(home, split), home.name) for home in plain]
    if not parts:
        raise absent
    return joined(root, sorted(parts, key=lambda part: part.root))


def _by_content(paths: Sequence[Path], split: Split) -> list[Path]:
    """Split by content hash; of a folder too small for chance to give both sides, one image is moved over."""
    percent = {p: int.from_bytes(hashlib.sha256(p.read_bytes()).digest()[:4], "big") % 100 for p in paths}
    ordered = sorted(paths, key=lambda p: (percent[p], p))
    held_out = sum(percent[p] < _VALIDATION_PERCENT for p in paths)
    if len(paths) > 1:
        held_out = min(max(held_out, 1), len(paths) - 1)
    return ordered[:held_out] if split == "val" else ordered[held_out:]
