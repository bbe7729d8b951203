"""Public data sets that a run can name: what they are, under which terms, and how they come onto this machine."""

import os
import shutil
import tarfile
import tomllib
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError, check_known

KNOWN: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
"""By name: title, images in both splits, size of the download, terms, page, and what is to be fetched by hand."""


def downloads() -> Path:
    """Where data sets are downloaded to: ``COLORSTYLE_DOWNLOADS``, else a folder in the user's cache."""
    given = os.environ.get("COLORSTYLE_DOWNLOADS")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "colorstyle"


def find_root(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Find the data root of a run: a folder, or a known data set by its name.

    Where nothing is given it is ``COLORSTYLE_DATA``, or None. A folder wins over a data set of the same name.
    DataError: no such folder, or a data set that is not there; the message says how to get it.
    """
    name = os.fspath(given or os.environ.get("COLORSTYLE_DATA") or "")
    if name not in KNOWN or Path(name).expanduser().is_dir():
        return paths.data_root(given)
    if not (root := downloads() / name).is_dir():
        way = f"run: colorstyle data download {name} ({KNOWN[name]['size']}), or give a folder"
        raise DataError(f"{KNOWN[name]['title']} is not there; {way}")
    return root.resolve()


def find_roots(given: Sequence[str]) -> list[Path]:
    """:func:`find_root` of each; where none is given the one of ``COLORSTYLE_DATA``, if it is set."""
    return [root for one in given or ("",) if (root := find_root(one))]


def fetch(name: str) -> Path:
    """Have torchvision download a known data set (else a ConfigError) into a folder, which appears once all is there.

    DataError: it is to be fetched by hand, no network, a full disk, or a damaged archive or one that leads outside.
    """
    import torchvision.datasets

    check_known("data set", name, KNOWN)
    one, root = KNOWN[name], downloads() / name
    if "by_hand" in one:
        way = f"get {one['by_hand']} from {one['home']} and put them into {str(root)!r}"
        raise DataError(f"{one['title']} cannot be downloaded for you: {way}")
    if not root.is_dir():
        print(f"downloading {one['title']}: {one['size']}; terms: {one['terms']}", flush=True)
        part, (kind, settings) = root.with_name(f".{name}.part"), one["torchvision"]
        try:
            shutil.rmtree(part, ignore_errors=True)  # of an attempt that was cut off
            part.mkdir(parents=True)
            getattr(torchvision.datasets, kind)(part, download=True, **settings)  # which checks its own MD5 sums
            part.rename(root)
        except (OSError, RuntimeError, HTTPException, tarfile.TarError) as error:  # urllib's errors are OSErrors
            reason = " ".join(str(getattr(error, "reason", None) or error).split())
            way = f"without a network, unpack what {one['home']} offers elsewhere and give --data FOLDER"
            raise DataError(f"cannot download {one['title']}: {reason}; {way}") from error
    return root
