"""Public data sets that a run can name: what they are, under which terms, and how they come onto this machine."""

import os
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError, MissingExtraError, check_known, nearest
from colorstyle_lib.files import file_lock


@dataclass(frozen=True)
class DataSet:
    """A public data set: images in both splits, size of the download, terms, page, and what is to be fetched by hand.

    ``torchvision`` is the class of torchvision's that downloads it, and the settings of each call of it.
    """

    name: str
    title: str
    train: int
    val: int
    size: str
    terms: str
    home: str
    by_hand: str = ""
    torchvision: Sequence[Any] = ()


_DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
KNOWN: dict[str, DataSet] = {name: DataSet(name, **row) for name, row in _DATA.items()}


def downloads() -> Path:
    """Where data sets are downloaded to: ``COLORSTYLE_DOWNLOADS``, else a folder in the user's cache."""
    given = os.environ.get("COLORSTYLE_DOWNLOADS")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "colorstyle"


def find_root(given: str | os.PathLike[str] | None = None, *, download: bool = False) -> Path | None:
    """Find the data root of a run: a folder, or a known data set by its name (``download`` fetches it).

    Where nothing is given it is ``COLORSTYLE_DATA``, or None. A folder wins over a data set of the same name.

    Raises:
        DataError: neither a folder nor a known name, or a known one that is not there and is not or cannot be fetched.
    """
    name = os.fspath(given or os.environ.get("COLORSTYLE_DATA") or "")
    if not name:
        return None
    if Path(name).expanduser().is_dir() or (name not in KNOWN and os.sep in name):
        return paths.data_root(given)  # of a path that does not exist it says so
    if name not in KNOWN:
        raise DataError(f"no folder and no known data set {name!r}{nearest(name, KNOWN)}")
    one, root = KNOWN[name], downloads() / name
    if not (root.is_dir() or one.by_hand or download):
        raise DataError(f"{one.title} is not there; add --download ({one.size}, to {str(root)!r}), or give a folder")
    return fetch(name).resolve()


def fetch(name: str) -> Path:
    """Download a known data set (else a ConfigError) into a folder, which appears only once all of it is there.

    A DataError says why that cannot be: it is to be fetched by hand, there is no network, or the disk is full.
    """
    import torchvision.datasets

    check_known("data set", name, KNOWN)
    one, root = KNOWN[name], downloads() / name
    if root.is_dir():
        return root
    if one.by_hand:
        raise DataError(
            f"{one.title} cannot be downloaded for you: get {one.by_hand} from {one.home}, "
            f"put them into a folder and give that, or put them into {str(root)!r}"
        )
    part = root.with_name(f".{name}.part")
    try:
        with file_lock(root.with_name(f".{name}.lock")):
            if root.is_dir():  # another process has just done it
                return root
            print(f"downloading {one.title}: {one.size}; terms: {one.terms}", flush=True)
            # Archives of an attempt that was cut off are used again, what it had unpacked is not.
            for left in [path for path in part.rglob("*") if path.is_dir() and path.name != "flowers-102"]:
                shutil.rmtree(left, ignore_errors=True)
            part.mkdir(exist_ok=True)
            kind, *variants = one.torchvision
            for settings in variants:  # torchvision checks its own MD5 sums
                getattr(torchvision.datasets, kind)(part, download=True, **settings)
            for archive in [path for path in part.rglob("*") if path.name.endswith((".tar", ".tgz", ".tar.gz"))]:
                archive.unlink()
            part.rename(root)
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "data") from error
    except (
        OSError,
        RuntimeError,
        HTTPException,
    ) as error:  # urllib's errors are OSErrors; torchvision's of a wrong MD5 is the other
        reason = " ".join(str(getattr(error, "reason", None) or error).split())
        raise DataError(
            f"cannot download {one.title}: {reason}; without a network, unpack what {one.home} offers "
            f"into a folder on a machine that has one, bring it here and give --data FOLDER"
        ) from error
    return root
