"""Manifests: the files of a data set by name and SHA-256, whether a folder still has just these, and their sources.

The validation images are made again from their public sources, as their manifest says, and compared with ours.
"""

import csv
import hashlib
import io
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, NamedTuple, get_args
from urllib.parse import quote

from PIL import Image
from tqdm.contrib.concurrent import thread_map

from colorstyle_lib import paths
from colorstyle_lib.data.datasets import list_images, read_rows
from colorstyle_lib.data.layouts import Split, open_bytes
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError, ImageError, check_known, needs_extra
from colorstyle_lib.files import atomic_write, file_hash, inside

NAME = "CHECKSUMS.csv"  # what we write; not MANIFEST.csv, which would from then on decide the splits
VALIDATION = paths.ROOT / "data" / "manifests" / "validation.csv"  # the images that our numbers are measured on
HOST = "https://github.com"  # a source lies at HOST/owner/name/raw/COMMIT/path
_AT_ONCE, _ATTEMPTS, _PAUSE = 4, 2, 1  # a second before the next attempt; more would be impolite
_SECONDS = 30  # without any answer
_LARGEST, _LONGEST = 64 << 20, 300  # bytes and seconds of one file
_JPEG = re.compile(
    r"(?:(?P<width>[1-9]\d{0,3})x(?P<height>[1-9]\d{0,3}) lanczos, )?jpeg (?P<quality>[1-9]\d?|100) 4:2:0 progressive"
)
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


@dataclass(frozen=True)
class Entry:
    """A row of a manifest: a file of ours and how it is made of its source; DataError where that cannot be followed."""

    path: str
    sha256: str
    pixels: str  # its :func:`pixel_hash`
    source: str  # ``owner/name:path``: a repository, at ``commit``, and the file in it
    commit: str
    recipe: str  # of :func:`follow_recipe`
    terms: str  # who may do what with it

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+:[^:]+@[0-9a-f]{7,40}", f"{self.source}@{self.commit}"):
            problem = f"a source is 'owner/name:path' at a commit, not {self.source!r} at {self.commit!r}"
            raise DataError(f"{self.path!r} in the manifest: {problem}")
        if self.recipe != "copy" and not _JPEG.fullmatch(self.recipe):
            known = "'copy' and '[WIDTHxHEIGHT lanczos, ]jpeg QUALITY 4:2:0 progressive'"
            raise DataError(f"{self.path!r} in the manifest: no recipe {self.recipe!r}; known: {known}")

    def address(self, host: str) -> str:
        """The address of the source on a server."""
        repository, _, file = self.source.partition(":")
        return f"{host.rstrip('/')}/{quote(repository)}/raw/{self.commit}/{quote(file)}"

    def is_same(self, content: bytes) -> bool:
        """Whether a file has our file's bytes or, where it is encoded again, our pixels; ImageError if it has none."""
        if hashlib.sha256(content).hexdigest() == self.sha256.lower():
            return True
        return self.recipe != "copy" and pixel_hash(open_bytes(content, repr(self.path))) == self.pixels.lower()


class Rebuilt(NamedTuple):
    """The outcome for one entry."""

    path: str
    verdict: Literal["same", "differs", "not fetched"]  # one that differs by its codec's version is kept, a copy not
    reason: str = ""


def read_entries(manifest: Path = VALIDATION, datasets: Sequence[str] = ()) -> list[Entry]:
    """Read the rows of a manifest with sources; only those of some data sets (a path's first folder), if named.

    Errors are :func:`read_rows`'s and :class:`Entry`'s; and ConfigError where there is no such data set.
    """
    columns = [field.name for field in fields(Entry)]
    rows = read_rows(manifest, columns)
    for name in datasets:
        check_known("data set", name, {row["path"].partition("/")[0] for row in rows})
    chosen = [row for row in rows if not datasets or row["path"].partition("/")[0] in datasets]
    return [Entry(**{column: row[column] for column in columns}) for row in chosen]


def follow_recipe(recipe: str, source: bytes, name: str) -> bytes:
    """Make our file from its source's bytes by ``copy``, or such as ``213x160 lanczos, jpeg 88 4:2:0 progressive``.

    An ImageError calls what is no picture, or a damaged one, by ``name``.
    """
    if recipe == "copy":
        return source
    found, picture, made = _JPEG.fullmatch(recipe), open_bytes(source, name), io.BytesIO()
    if found["width"]:
        picture = picture.resize((int(found["width"]), int(found["height"])), Image.Resampling.LANCZOS)
    quality = int(found["quality"])
    picture.save(made, "JPEG", quality=quality, subsampling="4:2:0", progressive=True, optimize=True)
    return made.getvalue()


def pixel_hash(picture: Image.Image) -> str:
    """SHA-256 of an RGB picture's size and 8-bit values, whatever file they come from."""
    return hashlib.sha256(b"%dx%d\n" % picture.size + picture.tobytes()).hexdigest()


def rebuild(entries: Sequence[Entry], folder: Path, host: str = HOST) -> list[Rebuilt]:
    """Download, make and check the files of a data root, in order; those that are right already are not fetched again.

    ConfigError: the host is no web address. DataError: it cannot be reached at all, or the disk refuses.
    """
    if not re.match(r"https?://\w", host):
        raise ConfigError(f"sources come from an address that begins with http:// or https://, not {host!r}")
    with needs_extra("requests", "data"):
        import requests  # noqa: F401  (missed before anything is begun)
    lost: list[str] = []  # why no server answered: the other files need not find out each for itself
    files = {entry.path: inside(folder, entry.path) for entry in entries}

    def one(entry: Entry) -> Rebuilt:
        file = files[entry.path]
        with suppress(ImageError):  # of a file that is damaged here; it is fetched again
            if file.is_file() and entry.is_same(file.read_bytes()):
                return Rebuilt(entry.path, "same")
        if lost:
            return Rebuilt(entry.path, "not fetched", "the network was lost")
        try:
            made = follow_recipe(entry.recipe, _fetch(entry.address(host)), repr(entry.path))
            same = entry.is_same(made)
        except (ConnectionError, ColorStyleError) as error:
            lost.extend([str(error)] if isinstance(error, ConnectionError) else [])
            return Rebuilt(entry.path, "differs" if isinstance(error, ImageError) else "not fetched", str(error))
        if not same and entry.recipe == "copy":
            return Rebuilt(entry.path, "differs", "not the same file (SHA-256)")
        with atomic_write(file, error=DataError) as written:
            written.write(made)
        return Rebuilt(entry.path, "same") if same else Rebuilt(entry.path, "differs", "other pixels; kept")

    results = thread_map(one, entries, max_workers=_AT_ONCE, unit="image", disable=None)
    if lost and all(result.verdict == "not fetched" for result in results):
        raise DataError(f"cannot reach {lost[0]}; run this on a machine with a network and bring the folder here")
    return results


def _fetch(address: str) -> bytes:
    """Download a file, and ask once more where that fails; ConnectionError where no server answers."""
    import requests

    started, problem = time.monotonic(), None
    for _ in range(_ATTEMPTS):
        content = bytearray()
        try:
            with requests.get(address, stream=True, timeout=_SECONDS) as answer:
                answer.raise_for_status()
                for piece in answer.iter_content(256):  # small, so that a byte a second is noticed
                    content += piece
                    if len(content) > _LARGEST or time.monotonic() - started > _LONGEST:
                        limits = f"{_LARGEST >> 20} MiB and {_LONGEST} s"
                        raise DataError(f"{address}: the answer does not end within {limits}")
            return bytes(content)
        except requests.RequestException as error:
            problem = error
            time.sleep(_PAUSE)
    kind = ConnectionError if isinstance(problem, requests.ConnectionError | requests.Timeout) else DataError
    raise kind(f"{address}: {' '.join(str(problem).split())}") from problem
