"""Writing WebDataset shards: images made small once and packed into tar files, for data that does not fit into memory.

An image is a pair ``000000042.jpg`` and ``000000042.json`` (its name and data set), as the webdataset library wants it.
"""

import io
import json
import shutil
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.data.layouts import Listing
from colorstyle_lib.data.manifest import write_manifest
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
    """Pack both splits of a data root into shards, in a new folder with a manifest of them, which is returned.

    The folder takes its name only once all of it is there. Images are put in a fixed random order, so that a shard is a
    sample of the whole. Color keeps its full resolution (4:4:4); images with a shorter side above ``shorter_side``
    pixels are made this small. ``quality`` of the JPEG files is 1 to 100; data sets are all by default.

    Raises:
        ConfigError: a number out of range, or a folder that is there. DataError: nothing to pack, or a full disk.
    """
    if not (shorter_side >= 8 and 1 <= quality <= 100 and per_shard >= 1):
        raise ConfigError("a shorter side has at least 8 pixels, quality is 1 to 100, a shard has at least 1 image")
    if destination.resolve().is_relative_to(source.resolve()):
        raise ConfigError(f"{str(destination)!r} lies in the data root itself, where shards would count as more images")
    if destination.exists():
        raise ConfigError(f"{str(destination)!r} is there already; give a new folder, or delete it")
    listings = {"train": list_images(source, "train", datasets)}
    try:
        listings["val"] = list_images(source, "val", datasets)
    except DataError as error:
        print(f"no val shards: {error}", flush=True)
    part, packed, shards, left_out = destination.with_name(f".{destination.name}.part"), 0, 0, 0
    with file_lock(destination.with_name(f".{destination.name}.lock")):
        shutil.rmtree(part, ignore_errors=True)  # of a run that was cut off
        for split, listing in listings.items():
            order = np.random.default_rng(0).permutation(len(listing)).tolist()
            for number, start in enumerate(tqdm(range(0, len(order), per_shard), split, unit="shard", disable=None)):
                numbers, shards = order[start : start + per_shard], shards + 1
                problems = _write(part / f"{split}-{number:06d}.tar", listing, numbers, shorter_side, quality)
                packed, left_out = packed + len(numbers) - len(problems), left_out + len(problems)
                for problem in problems:
                    print(f"  left out: {problem}", flush=True)
        manifest = write_manifest(part)
        part.rename(destination)
    print(f"{packed} images in {shards} shards in {destination}; {left_out} left out", flush=True)
    return destination / manifest.name


def _write(tar: Path, listing: Listing, numbers: Sequence[int], shorter_side: int, quality: int) -> list[str]:
    """Write one shard; a line for each image that could not be read."""

    def encode(number: int) -> bytes | str:
        try:
            picture = listing.read(number)
        except ImageError as error:
            return str(error)
        if min(picture.size) > shorter_side:
            picture = shrink(picture, shorter_side)
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=quality, subsampling=0)
        return content.getvalue()

    problems = []
    with (
        atomic_write(tar, error=DataError) as file,
        ThreadPoolExecutor() as pool,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for number, content in zip(numbers, pool.map(encode, numbers), strict=True):
            if isinstance(content, str):
                problems.append(content)
                continue
            facts = {"name": listing.names[number], "dataset": listing.datasets[number]}
            _add(archive, f"{number:09d}.jpg", content)
            _add(archive, f"{number:09d}.json", json.dumps(facts).encode())
    return problems


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # of no time and no owner, so that the same images give the same bytes
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
