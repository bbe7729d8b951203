"""One process at a time: where several start at once, as under torchrun, one does the work and the others wait."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from colorstyle_lib.errors import DataError


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold a lock for the ``with`` block. The system lets go of it when its process ends, however it ends.

    Args:
        lock: a file, made where it is missing; it stays, empty.

    Raises:
        DataError: its folder cannot be written to.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise DataError(f"cannot write to {str(lock.parent)!r}: {error.strerror}") from error
    with file:
        # Windows has no such locks, some network file systems neither: then several do the same work, and since all
        # that they write is put in place whole, the last one wins.
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
