"""A cache of measurements: columns on disk, named by everything that they depend on."""

from __future__ import annotations

import hashlib
import inspect
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write

Columns = dict[str, Tensor]
"""Measurements by name, a row a picture."""

_IGNORED = ContextVar("ignored", default=False)


@contextmanager
def measured_anew() -> Iterator[None]:
    """Ignore the cache within the ``with`` block, for checks that have to compute their numbers."""
    token = _IGNORED.set(True)
    try:
        yield
    finally:
        _IGNORED.reset(token)


def cache_key(*parts: str | Tensor | Callable[..., object] | None) -> str:
    """The name of measurements that depend on these parts: hashes, names, pictures, and functions by their source."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            content = part.contiguous().cpu().numpy().tobytes()
        else:
            content = (inspect.getsource(part) if callable(part) else str(part)).encode()
        digest.update(struct.pack("<Q", len(content)) + content)  # with lengths, "ab", "c" is not "a", "bc"
    return digest.hexdigest()[:32]


def load_columns(name: str, folder: Path | None = None) -> Columns | None:
    """The columns of this name in a folder, by default ``runs/measured``; None where they are missing or damaged."""
    if _IGNORED.get():
        return None
    try:
        return load(_file(name, folder).read_bytes())
    except (OSError, SafetensorError):
        return None


def save_columns(name: str, columns: Columns, folder: Path | None = None) -> None:
    """Write columns under a name; see :func:`load_columns`.

    Raises:
        DataError: the folder cannot be written to.
    """
    with atomic_write(_file(name, folder), error=DataError) as file:
        file.write(save({column: values.contiguous() for column, values in columns.items()}))


def _file(name: str, folder: Path | None) -> Path:
    return (folder or paths.RUNS / "measured") / f"{name}.safetensors"
