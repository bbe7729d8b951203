"""Any folder of images as a data root: which files belong to which split.

In order: the root's own manifest (``MANIFEST.csv`` with the columns ``path`` and ``split``); ``train/`` and ``val/``
folders, at the root or one level down, one pair for each data set; else a split by content hash, so that a file keeps
its side when it is renamed, moved, or gets new neighbours.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import find_pictures

Split = Literal["train", "val"]
_VALIDATION_PERCENT = 10


def find_split(root: Path, split: Split) -> list[Path]:
    """List the images of one split of a data root.

    Args:
        root: the folder.
        split: ``train`` or ``val``.

    Returns:
        Paths in sorted order. They are not opened here, so some may turn out to be damaged.

    Raises:
        DataError: the root is no folder, or the split is empty.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    paths = _from_manifest(root, split)
    if paths is None:
        paths = _from_folders(root, split)
    if paths is None:
        paths = _by_content(find_pictures(root))[split]
    if not paths:
        raise DataError(
            f"data root {str(root)!r} has no images for {split!r}; give at least two, or put some below train/ and val/"
        )
    return sorted(paths)


def dataset_of(path: Path, root: Path) -> str:
    """The data set an image belongs to: the folder directly below the root, or the root's own name."""
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 and parts[0] not in ("train", "val") else root.name


def has_manifest(root: Path) -> bool:
    """Whether a root says by itself, in ``MANIFEST.csv``, which image is in which split."""
    manifest = root / "MANIFEST.csv"
    if not manifest.is_file():
        return False
    with manifest.open(newline="", encoding="utf-8") as lines:
        return {"path", "split"} <= set(csv.DictReader(lines).fieldnames or ())


def _from_manifest(root: Path, split: Split) -> list[Path] | None:
    if not has_manifest(root):
        return None
    with (root / "MANIFEST.csv").open(newline="", encoding="utf-8") as lines:
        return [root / row["path"] for row in csv.DictReader(lines) if row["split"] == split]


def _from_folders(root: Path, split: Split) -> list[Path] | None:
    """Images below ``train/`` or ``val/``; None where the root has neither."""
    homes = [root, *sorted(p for p in root.iterdir() if p.is_dir())]
    pairs = [home for home in homes if (home / "train").is_dir() or (home / "val").is_dir()]
    if not pairs:
        return None
    return [p for home in pairs if (home / split).is_dir() for p in find_pictures(home / split)]


def _by_content(paths: Sequence[Path]) -> dict[Split, list[Path]]:
    """Split by content hash; of a folder too small for chance to give both sides, one image is moved over."""
    percent = {p: int.from_bytes(hashlib.sha256(p.read_bytes()).digest()[:4], "big") % 100 for p in paths}
    ordered = sorted(paths, key=lambda p: (percent[p], p))
    held_out = sum(percent[p] < _VALIDATION_PERCENT for p in paths)
    if len(paths) > 1:
        held_out = min(max(held_out, 1), len(paths) - 1)
    return {"val": ordered[:held_out], "train": ordered[held_out:]}
