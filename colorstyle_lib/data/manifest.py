"""Manifests: the files of a data set by name and SHA-256, and whether a folder still has just these."""

import csv
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, get_args

from tqdm.contrib.concurrent import thread_map

from colorstyle_lib.data.datasets import list_images, read_rows
from colorstyle_lib.data.layouts import Split
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write, file_hash

NAME = "CHECKSUMS.csv"  # what we write; not MANIFEST.csv, which would from then on decide the splits
_SPLITS: tuple[Split, ...] = get_args(Split)


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
    names, output = sorted(split_of), output or root / NAME
    sums = _each(lambda name: file_hash(root / name), names)
    with atomic_write(output, "w", error=DataError) as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerows([("path", "sha256", "split"), *((name, sums[name], split_of[name]) for name in names)])
    return output


def check(root: Path, manifest: Path | None = None) -> Comparison:
    """Compare a data root with a manifest, by default its own ``CHECKSUMS.csv`` or else ``MANIFEST.csv``.

    A manifest of one split vouches for that split alone: images of the other are not extra. DataError where there is
    no such folder, or no manifest that :func:`read_rows` can read.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    manifest = manifest or next((root / name for name in (NAME, "MANIFEST.csv") if (root / name).is_file()), None)
    if manifest is None:
        way = "give --manifest FILE, or write one: colorstyle data manifest ROOT"
        raise DataError(f"{str(root)!r} has no {NAME}; {way}")
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
