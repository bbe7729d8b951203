"""The validation images behind our numbers, made again from their public sources and compared with ours."""

import hashlib
import io
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from PIL import Image
from tqdm.contrib.concurrent import thread_map

from colorstyle_lib import paths
from colorstyle_lib.data.datasets import read_rows
from colorstyle_lib.data.layouts import open_bytes
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError, ImageError, check_known, needs_extra
from colorstyle_lib.files import atomic_write, inside

VALIDATION = paths.ROOT / "data" / "manifests" / "validation.csv"
HOST = "https://github.com"  # a source lies at HOST/owner/name/raw/COMMIT/path

_AT_ONCE, _ATTEMPTS, _PAUSE = 4, 2, 1  # a second before the next attempt; more would be impolite
_SECONDS = 30  # without any answer
_LARGEST, _LONGEST = 64 << 20, 300  # bytes and seconds of one file
_JPEG = re.compile(
    r"(?:(?P<width>[1-9]\d{0,3})x(?P<height>[1-9]\d{0,3}) lanczos, )?jpeg (?P<quality>[1-9]\d?|100) 4:2:0 progressive"
)


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
    from urllib3.exceptions import HTTPError, TimeoutError

    started, problem = time.monotonic(), None
    for _ in range(_ATTEMPTS):
        content = bytearray()
        try:
            with requests.get(address, stream=True, timeout=_SECONDS) as answer:
                answer.raise_for_status()
                # What has come so far, so that a byte a second is noticed; iter_content waits for a whole piece.
                while piece := answer.raw.read1(1 << 16, decode_content=True):
                    content += piece
                    if len(content) > _LARGEST or time.monotonic() - started > _LONGEST:
                        limits = f"{_LARGEST >> 20} MiB and {_LONGEST} s"
                        raise DataError(f"{address}: the answer does not end within {limits}")
            return bytes(content)
        except (requests.RequestException, HTTPError) as error:
            problem = error
            time.sleep(_PAUSE)
    unreachable = isinstance(problem, requests.ConnectionError | requests.Timeout | TimeoutError)
    kind = ConnectionError if unreachable else DataError
    raise kind(f"{address}: {' '.join(str(problem).split())}") from problem
