"""Manifests: the files of a data set by name and SHA-256, and whether a folder still has just these."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.data.layouts import Split
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write, file_hash

NAME = "CHECKSUMS.csv"
"""What :func:`write_manifest` calls it. Not ``MANIFEST.csv``, which would from then on decide the splits."""

_SPLITS: tuple[Split, ...] = ("train", "val")


@dataclass(frozen=True)
class Comparison:
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
        return not (self.missing or self.changed or self.extra)


def write_manifest(root: Path, output: Path | None = None, splits: Sequence[Split] = _SPLITS) -> Path:
    """Write name, SHA-256 and split of every file that a data root's images come from; by default in the root.

    Of LSUN, STL-10 and shards, the files are those that hold many images.

    Raises:
        DataError: no images, a file cannot be read, or the manifest cannot be written.
    """
    if not (split_of := _files(root, splits)):
        list_images(root, splits[0])  # says what is wrong
    sums = _hashes(root, list(split_of))
    if unread := [name for name, value in sums.items() if value is None]:
        raise DataError(f"{len(unread)} files cannot be read, {unread[0]!r} for one; mend or delete them first")
    return write_rows(output or root / NAME, [(name, sums[name], split) for name, split in sorted(split_of.items())])


def write_rows(output: Path, rows: Sequence[tuple[str, str | None, str]]) -> Path:
    """Write a manifest of path, SHA-256 and split."""
    with atomic_write(output, "w", error=DataError) as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["path", "sha256", "split"])
        lines.writerows(rows)
    return output


def read_rows(manifest: Path, columns: Sequence[str] = ("path", "sha256")) -> list[dict[str, str]]:
    """Read the rows of a CSV file with the columns ``path`` and ``sha256``, and perhaps more.

    Raises:
        DataError: it cannot be read, lacks one of the two, or is cut off within ``columns``.
    """
    try:
        with manifest.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the manifest {str(manifest)!r}: {error}") from error
    if not {"path", "sha256"} <= set(reader.fieldnames or ()) or not rows:
        raise DataError(f"{str(manifest)!r} is no manifest: it needs the columns path and sha256, and a row")
    if any(row.get(column, "") is None for row in rows for column in columns):
        raise DataError(f"{str(manifest)!r} is cut off: a row is not complete")
    return rows


def check(root: Path, manifest: Path | None = None) -> Comparison:
    """Compare a data root with a manifest, file by file.

    A manifest of one split vouches for that split alone: images of the other are not extra. The default is
    ``CHECKSUMS.csv`` or else ``MANIFEST.csv`` in the root.

    Raises:
        DataError: no such folder, or no manifest, or one without these columns.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    own = next((root / name for name in (NAME, "MANIFEST.csv") if (root / name).is_file()), None)
    if not (manifest or own):
        raise DataError(
            f"{str(root)!r} has no {NAME}; give --manifest FILE, or write one: colorstyle data manifest ROOT"
        )
    rows = read_rows(manifest or own)
    expected = {row["path"]: row["sha256"].lower() for row in rows}
    described = {row["split"] for row in rows if row.get("split")} or set(_SPLITS)
    found = _hashes(root, list(expected))
    there = _files(root, [split for split in _SPLITS if split in described])
    same = {name for name, value in expected.items() if found[name] == value}
    missing = {name for name in expected if found[name] is None}
    names = (same, missing, set(expected) - same - missing, set(there) - set(expected))
    return Comparison(*(tuple(sorted(each)) for each in names))


def _files(root: Path, splits: Sequence[Split]) -> dict[str, str]:
    """The split of each file that is there, by name; a split that is empty has none."""
    found: dict[str, str] = {}
    for split in splits:
        with suppress(DataError):
            files = list_images(root, split).files
            found |= {file.relative_to(root).as_posix(): split for file in files if file.is_file()}
    return found


def _hashes(root: Path, names: Sequence[str]) -> dict[str, str | None]:
    """SHA-256 of files, in hexadecimal; None for one that is not there or cannot be read."""

    def sha256(name: str) -> str | None:
        try:
            return file_hash(root / name)
        except (OSError, ValueError):
            return None

    quiet = len(names) < 1000 or None  # None: only in a terminal
    with ThreadPoolExecutor() as pool:
        sums = tqdm(pool.map(sha256, names), total=len(names), unit="file", disable=quiet)
        return dict(zip(names, sums, strict=True))
