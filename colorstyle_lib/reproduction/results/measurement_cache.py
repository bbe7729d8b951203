"""What was measured before and need not be again: columns on disk, found by everything that they depend on."""

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
"""What was measured, by name: a row a picture."""

_FORGETFUL = ContextVar("forgetful", default=False)


@contextmanager
def measured_anew() -> Iterator[None]:
    """Within this, nothing is recalled: who checks a number has to compute it."""
    token = _FORGETFUL.set(True)
    try:
        yield
    finally:
        _FORGETFUL.reset(token)


def address(*parts: str | Tensor | Callable[..., object] | None) -> str:
    """A name for what depends on these parts.

    Args:
        parts: hashes, names, pictures, and the functions that measure, whose source counts.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            content = part.contiguous().cpu().numpy().tobytes()
        else:
            content = (inspect.getsource(part) if callable(part) else str(part)).encode()
        digest.update(struct.pack("<Q", len(content)) + content)  # lengths keep neighbours apart
    return digest.hexdigest()[:32]


def recall(name: str, folder: Path | None = None) -> Columns | None:
    """Columns kept under this address; None where there are none, the file is damaged, or within `measured_anew`.

    Args:
        name: from :func:`address`.
        folder: by default ``runs/measured``.
    """
    if _FORGETFUL.get():
        return None
    try:
        return load(_file(name, folder).read_bytes())
    except (OSError, SafetensorError):
        return None


def keep(name: str, columns: Columns, folder: Path | None = None) -> None:
    """Keep columns under an address.

    Raises:
        DataError: the folder cannot be written to.
    """
    with atomic_write(_file(name, folder), error=DataError) as file:
        file.write(save({column: values.contiguous() for column, values in columns.items()}))


def _file(name: str, folder: Path | None) -> Path:
    return (folder or paths.RUNS / "measured") / f"{name}.safetensors"
