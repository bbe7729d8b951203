"""Small data sets in exactly the layouts in which the large ones are published; the pictures are our own drawings."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
from pathlib import Path

from PIL import Image

from colorstyle_lib.data.batches import ImageStore
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.data.downloads import find_root
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.images.read import to_picture


def open_dataset(root_or_name, split: str, shorter_side: int, datasets=()) -> ImageStore:
    return load_split(find_root(root_or_name), split, shorter_side, datasets, quiet=True)


WNIDS = ("n01440764", "n02102040")


@functools.cache
def drawing(i: int, width: int = 48, height: int = 40) -> Image.Image:
    return to_picture(scenes(1, 48, i).rgb[0][:, :height, :width])


def encoded(i: int, kind: str = "JPEG") -> bytes:
    content = io.BytesIO()
    drawing(i).save(content, kind, quality=90)
    return content.getvalue()


def put(path: Path, i: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(i))
    return path


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def imagenet(root: Path) -> Path:
    """Unpacked; val/ flat, as its archive is."""
    for k, wnid in enumerate(WNIDS):
        for i in range(2):
            put(root / "train" / wnid / f"{wnid}_{10 * i}.JPEG", 2 * k + i)
    for i in range(2):
        put(root / "val" / f"ILSVRC2012_val_{i + 1:08d}.JPEG", 10 + i)
    return root


def coco(root: Path, year: str = "2017") -> Path:
    for split, ids in (("train", (9, 25, 30)), ("val", (139,))):
        for i in ids:
            put(root / f"{split}{year}" / f"{i:012d}.jpg", i)
    return root


def lsun(root: Path) -> Path:
    """A real lmdb for each category and split; keys are SHA-1 sums, values are encoded images."""
    import lmdb

    for k, category in enumerate(("bedroom", "church_outdoor")):
        for split, count in (("train", 3 - k), ("val", 1)):
            home = root / f"{category}_{split}_lmdb"
            home.mkdir(parents=True)
            with lmdb.open(str(home), map_size=2**24) as database, database.begin(write=True) as transaction:
                for i in range(count):
                    content = encoded(20 + 10 * k + i, "WEBP" if i == 1 else "JPEG")
                    transaction.put(hashlib.sha1(content, usedforsecurity=False).hexdigest().encode(), content)
    return root


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))
