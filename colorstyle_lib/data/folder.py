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
from colorstyle_lib.images import find_pictures

Split = Literal["train", "val"]
_VALIDATION_PERCENT = 10


def find_split(root: Path, split: Split, datasets: Sequence[str] = ()) -> list[Path]:
    """List the images of one split of a data root.

    Args:
        root: the folder.
        split: ``train`` or ``val``.
        datasets: names of folders directly below the root to keep to; empty for all.

    Returns:
        Paths in sorted order. They are not opened here, so some may turn out to be damaged.

    Raises:
        DataError: the root is no folder, a data set is missing, or the split is empty.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    for name in datasets:
        if not (root / name).is_dir():
            raise DataError(f"data root {str(root)!r} has no folder {name!r}")
    paths = _from_manifest(root, split)
    if paths is None:
        paths = _from_folders(root, split)
    if paths is None:
        paths = [p for p in find_pictures(root) if _hash_side(p) == split]
    if datasets:
        paths = [p for p in paths if p.relative_to(root).parts[0] in datasets]
    if not paths:
        raise DataError(f"data root {str(root)!r} has no images for {split!r}; put some below {split}/")
    return sorted(paths)


def dataset_of(path: Path, root: Path) -> str:
    """The data set an image belongs to: the folder directly below the root, or the root's own name."""
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 and parts[0] not in ("train", "val") else root.name


def _from_manifest(root: Path, split: Split) -> list[Path] | None:
    manifest = root / "MANIFEST.csv"
    if not manifest.is_file():
        return None
    with manifest.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if not {"path", "split"} <= set(rows.fieldnames or ()):
            return None
        return [root / row["path"] for row in rows if row["split"] == split]


def _from_folders(root: Path, split: Split) -> list[Path] | None:
    """Images below ``train/`` or ``val/``; None where the root has neither."""
    homes = [root, *sorted(p for p in root.iterdir() if p.is_dir())]
    pairs = [home for home in homes if (home / "train").is_dir() or (home / "val").is_dir()]
    if not pairs:
        return None
    return [p for home in pairs if (home / split).is_dir() for p in find_pictures(home / split)]


def _hash_side(path: Path) -> Split:
    digest = hashlib.sha256(path.read_bytes()).digest()
    return "val" if int.from_bytes(digest[:4], "big") % 100 < _VALIDATION_PERCENT else "train"
