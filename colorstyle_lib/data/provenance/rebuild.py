"""The images behind our numbers, made again from their public sources as a manifest says, and compared with ours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import quote

from tqdm import tqdm

from colorstyle_lib import paths
from colorstyle_lib.data.manifest import read_rows
from colorstyle_lib.data.provenance.http import Unreachable, fetch
from colorstyle_lib.data.provenance.perceptual_hash import alike, fingerprint, pixel_hash
from colorstyle_lib.data.provenance.recipe import Recipe, open_bytes, read_recipe
from colorstyle_lib.errors import ConfigError, DataError, ImageError, check_known
from colorstyle_lib.files import atomic_write

VALIDATION = paths.ROOT / "data" / "manifests" / "validation.csv"
"""The validation images that our numbers are measured on."""

HOST = "https://github.com"
"""Where a source such as ``owner/name:path`` lies: at ``HOST/owner/name/raw/COMMIT/path``."""

_COLUMNS = ("path", "sha256", "pixels", "fingerprint", "source", "commit", "recipe", "terms")
_AT_ONCE = 4  # more would be impolite

Verdict = Literal["same", "alike", "wrong", "not fetched"]


@dataclass(frozen=True)
class Entry:
    """A row of a manifest: a file of ours and where it comes from.

    Attributes:
        path: in a data root.
        sha256: of our file.
        pixels: :func:`.pixel_hash` of it.
        fingerprint: of it.
        source: ``owner/name:path``, a repository and the file in it.
        commit: of the repository.
        recipe: how our file was made of that one.
        terms: who may do what with it.
    """

    path: str
    sha256: str
    pixels: str
    fingerprint: str
    source: str
    commit: str
    recipe: Recipe
    terms: str

    def address(self, host: str) -> str:
        """Where the source is."""
        repository, _, file = self.source.partition(":")
        return f"{host.rstrip('/')}/{quote(repository)}/raw/{self.commit}/{quote(file)}"

    def judge(self, content: bytes) -> tuple[Verdict, str]:
        """Compare a file with ours.

        Returns:
            ``same``: the same bytes or the same pixels. ``alike``: the same picture, scaled or encoded a little
            differently, which a recipe allows and a copy does not. ``wrong``: and why.
        """
        if hashlib.sha256(content).hexdigest() == self.sha256:
            return "same", ""
        if self.recipe.is_copy:
            return "wrong", "not the same file (SHA-256)"
        try:
            picture = open_bytes(content, repr(self.path))
        except ImageError as error:
            return "wrong", str(error)
        if pixel_hash(picture) == self.pixels:
            return "same", ""
        if alike(fingerprint(picture), self.fingerprint):
            return "alike", ""
        return "wrong", "another picture (fingerprint)"


@dataclass(frozen=True)
class Result:
    """What became of one entry.

    Attributes:
        path: of the entry.
        verdict: see :meth:`Entry.judge`; ``wrong`` and ``not fetched`` leave no file behind.
        reason: why it is wrong or missing.
    """

    path: str
    verdict: Verdict
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Whether the file is there now."""
        return self.verdict in ("same", "alike")


def read_entries(manifest: Path = VALIDATION, datasets: Sequence[str] = ()) -> list[Entry]:
    """The rows of a manifest with sources.

    Args:
        manifest: a CSV file such as ``data/manifests/validation.csv``.
        datasets: only these; by default all. A path's first folder is its data set.

    Raises:
        DataError: no such file, a column is missing, or a row is no good. ConfigError: no such data set.
    """
    if not manifest.is_file():
        raise DataError(
            f"no manifest {str(manifest)!r}; give one with --manifest (it is in the repository, not the wheel)"
        )
    rows = read_rows(manifest)
    if missing := [column for column in _COLUMNS if column not in rows[0]]:
        raise DataError(f"{str(manifest)!r} does not say where its files come from: it has no column {missing[0]!r}")
    if any(row[column] is None for row in rows for column in _COLUMNS):
        raise DataError(f"{str(manifest)!r} is cut off: a row is not complete")
    known = {row["path"].partition("/")[0] for row in rows}
    for name in datasets:
        check_known("data set", name, known)
    chosen = [row for row in rows if not datasets or row["path"].partition("/")[0] in datasets]
    return [_entry(row, f"{manifest.name}, {row['path']!r}") for row in chosen]


def _entry(row: dict[str, str], where: str) -> Entry:
    path = PurePosixPath(row["path"])
    if path.is_absolute() or ".." in path.parts or "\\" in row["path"] or not path.name:
        raise DataError(f"{where}: a path stays inside its folder")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+:[^:]+", row["source"]) or not re.fullmatch(r"[0-9a-f]{7,40}", row["commit"]):
        raise DataError(
            f"{where}: a source is 'owner/name:path' at a commit, not {row['source']!r} at {row['commit']!r}"
        )
    try:
        recipe = read_recipe(row["recipe"])
        alike(row["fingerprint"], row["fingerprint"])
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    texts = {column: row[column] for column in _COLUMNS}
    return Entry(**(texts | {"recipe": recipe, "sha256": row["sha256"].lower(), "pixels": row["pixels"].lower()}))


def rebuild(entries: Sequence[Entry], folder: Path, host: str = HOST) -> list[Result]:
    """Download, make and check files; again, to go on after a stop: files that are right are not fetched again.

    Args:
        entries: from :func:`read_entries`.
        folder: becomes a data root.
        host: a server with the sources; see :data:`HOST`.

    Returns:
        One for each entry, in their order.

    Raises:
        ConfigError: the host is no web address. DataError: it cannot be reached at all, or the disk refuses.
    """
    if not re.match(r"https?://\w", host):
        raise ConfigError(f"sources come from an address that begins with http:// or https://, not {host!r}")
    lost: list[str] = []  # why no server answered

    def one(entry: Entry) -> Result:
        file = folder / entry.path
        if file.is_file():
            verdict, _ = entry.judge(file.read_bytes())
            if verdict != "wrong":
                return Result(entry.path, verdict)
        if lost:
            return Result(entry.path, "not fetched", "the network was lost")
        try:
            made = entry.recipe.apply(fetch(entry.address(host)), repr(entry.path))
        except ImageError as error:
            return Result(entry.path, "wrong", str(error))
        except DataError as error:
            if isinstance(error, Unreachable):
                lost.append(str(error))  # the others need not find out each for itself
            return Result(entry.path, "not fetched", str(error))
        verdict, reason = entry.judge(made)
        if verdict != "wrong":
            with atomic_write(file, error=DataError) as written:
                written.write(made)
        return Result(entry.path, verdict, reason)

    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        results = list(tqdm(pool.map(one, entries), total=len(entries), unit="image", disable=None))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for all that were to come
    if lost and not any(result.usable for result in results):
        raise DataError(f"cannot reach {lost[0]}; run this on a machine with a network and bring the folder here")
    return results
