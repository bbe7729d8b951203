"""Writing WebDataset shards: images made small once and packed into tar files, for data that does not fit a disk.

An image is a pair ``000000042.jpg`` and ``000000042.json`` (its name and data set), as the webdataset library wants
it. Beside each ``train-000000.tar`` stands ``train-000000.json``: its SHA-256, what is in it and where, what was left
out; ``CHECKSUMS.csv`` is for ``colorstyle data check``. Every file takes its name only once it is complete, so a run
that was cut off goes on where it stopped; webdataset's own ShardWriter writes under the final names, hence tarfile.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from colorstyle_lib.data import manifest
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.data.layouts import INDEX, LOCK, Listing, pictures_in, read_json
from colorstyle_lib.errors import ConfigError, DataError, ImageError
from colorstyle_lib.files import atomic_write, file_lock


def write_shards(
    source: Path,
    destination: Path,
    *,
    shorter_side: int = 256,
    quality: int = 95,
    per_shard: int = 1000,
    datasets: Sequence[str] = (),
) -> Path:
    """Pack both splits of a data root into shards and an index of them, which is returned; run again, it goes on.

    Images are put in a fixed random order, so that a shard is a sample of the whole. Color keeps its full resolution
    (4:4:4); images with a shorter side above ``shorter_side`` pixels are made this small. ``quality`` of the JPEG files
    is 1 to 100; data sets are all by default.

    Raises:
        ConfigError: a number out of range. DataError: nothing to pack, shards of something else, or a full disk.
    """
    if not (shorter_side >= 8 and 1 <= quality <= 100 and per_shard >= 1):
        raise ConfigError("a shorter side has at least 8 pixels, quality is 1 to 100, a shard has at least 1 image")
    if destination.resolve().is_relative_to(source.resolve()):
        raise ConfigError(f"{str(destination)!r} lies in the data root itself, where shards would count as more images")
    listings = {"train": list_images(source, "train", datasets)}
    try:
        listings["val"] = list_images(source, "val", datasets)
    except DataError as error:
        print(f"no val shards: {error}", flush=True)
    recipe = {"shorter_side": shorter_side, "quality": quality, "per_shard": per_shard}
    recipe |= {f"source_{split}": listing.fingerprint() for split, listing in listings.items()}
    shards, left_out = [], 0
    with file_lock(destination / LOCK):
        for split, listing in listings.items():
            order = np.random.default_rng(0).permutation(len(listing)).tolist()
            starts = range(0, len(order), per_shard)
            for number, start in enumerate(tqdm(starts, split, unit="shard", disable=None)):
                tar = destination / f"{split}-{number:06d}.tar"
                facts = _finished(tar, recipe) or _write(tar, listing, order[start : start + per_shard], recipe)
                shards.append({"name": tar.name, "sha256": facts["sha256"], "images": len(facts["images"])})
                left_out += len(facts["left_out"])
                for problem in facts["left_out"]:
                    print(f"  left out: {problem}", flush=True)
        sums = [(one["name"], one["sha256"], one["name"].partition("-")[0]) for one in shards]
        manifest.write_rows(destination / manifest.NAME, sums)
        with atomic_write(destination / INDEX, "w", error=DataError) as file:
            json.dump({"recipe": recipe, "shards": shards, "left_out": left_out}, file, indent=1)
    images = sum(one["images"] for one in shards)
    print(f"{images} images in {len(shards)} shards in {destination}; {left_out} left out", flush=True)
    return destination / INDEX


def _finished(tar: Path, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The facts that an earlier run wrote about a shard; None where it did not come so far."""
    if not tar.with_suffix(".json").is_file():
        return None
    facts = read_json(tar.with_suffix(".json"))
    if facts["recipe"] != recipe:
        raise DataError(
            f"{str(tar.parent)!r} has shards of other images or with other settings; give another folder, or delete it"
        )
    return facts if tar.is_file() and tar.stat().st_size == facts["bytes"] else None


def _write(tar: Path, listing: Listing, numbers: Sequence[int], recipe: dict[str, Any]) -> dict[str, Any]:
    """Write one shard and its facts."""

    def encode(number: int) -> bytes | str:
        try:
            picture = listing.read(number)
        except ImageError as error:
            return str(error)
        if min(picture.size) > recipe["shorter_side"]:
            picture = shrink(picture, recipe["shorter_side"])
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=recipe["quality"], subsampling=0)
        return content.getvalue()

    left_out: list[str] = []
    with atomic_write(tar, error=DataError) as file:
        with ThreadPoolExecutor() as pool, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for number, content in zip(numbers, pool.map(encode, numbers), strict=True):
                if isinstance(content, str):
                    left_out.append(content)
                    continue
                facts = {"name": listing.names[number], "dataset": listing.datasets[number]}
                _add(archive, f"{number:09d}.jpg", content)
                _add(archive, f"{number:09d}.json", json.dumps(facts).encode())
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        found = [(int(Path(name).stem), *place) for name, *place in pictures_in(file)]
        images = [(listing.names[number], listing.datasets[number], *place) for number, *place in found]
        size = file.seek(0, os.SEEK_END)
    facts = {"recipe": recipe, "sha256": sha256, "bytes": size, "left_out": left_out, "images": images}
    with atomic_write(tar.with_suffix(".json"), "w", error=DataError) as file:
        json.dump(facts, file)
    return facts


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # of no time and no owner, so that the same images give the same bytes
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
