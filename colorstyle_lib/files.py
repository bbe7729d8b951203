"""Files: written whole or not at all, kept inside their folder, and hashed."""

import functools
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal

from colorstyle_lib.errors import ColorStyleError, DataError, require


@functools.cache  # once a process
def tidy(folder: Path, pattern: str = f".{'[0-9a-f]' * 16}.part", hours: float = 1.0) -> None:
    """Remove what calls that were killed left in a folder and nobody has written to for so long."""
    for left in folder.glob(pattern):
        with suppress(OSError):  # another call's
            if time.time() - left.stat().st_mtime > 3600 * hours:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


@contextmanager
def atomic_write(
    path: str | os.PathLike[str], mode: Literal["wb", "w"] = "wb", error: type[ColorStyleError] = ColorStyleError
) -> Iterator[IO[Any]]:
    """Open a file, for bytes or text in UTF-8, that takes its name only once it is complete and on disk.

    The bytes go to a hidden temporary file in the same folder (a rename is atomic only within a file system), which is
    removed if anything is raised inside the ``with`` block, Ctrl-C included, or later by :func:`tidy`. A missing
    parent folder is made; a file that was there before keeps its permissions; a symbolic link stays one. An ``error``
    is raised where the file system refuses: a folder, a read-only or full disk.
    """
    given, temporary = str(path), None
    try:
        target = Path(os.path.realpath(path))
        require(not target.is_dir(), f"cannot write {given!r}: it is a folder; add a file name to it", error)
        if target.exists() and not target.is_file():
            # A rename would put an ordinary file in the place of a device such as /dev/null.
            raise error(f"cannot write {given!r}: it is a device or a pipe; give an ordinary file")
        target.parent.mkdir(parents=True, exist_ok=True)
        tidy(target.parent)
        temporary = target.with_name(f".{secrets.token_hex(8)}.part")
        # Not tempfile: its files are readable by nobody else, and the umask should decide that.
        text = {} if mode == "wb" else {"encoding": "utf-8", "newline": "\n"}
        with temporary.open(mode.replace("w", "x") + "+", **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except (OSError, ValueError) as problem:
        # ValueError is what a NUL character in a name raises; from within the block it is not ours.
        if isinstance(problem, ValueError) and temporary is not None:
            raise
        reason = getattr(problem, "strerror", None) or str(problem)
        raise error(f"cannot write {given!r}: {reason}; choose another place or free some space") from problem
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def inside(folder: Path, name: str | Path, *, links: bool = False, error: type[ColorStyleError] = DataError) -> Path:
    """The path of a name from outside (of a manifest, an annotation, another folder's listing) below a folder.

    A ``~`` in it is a letter, and nothing that takes the path expands it. An ``error`` is raised where the name is
    absolute, climbs, or leads out of the folder by a link, unless ``links`` says that these are to be followed.
    """
    path, parts = folder / name, Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in str(name):
        raise error(f"the name {str(name)!r} leads out of the folder {str(folder)!r}; leave it out")
    if not links and not path.resolve().is_relative_to(folder.resolve()):
        raise error(f"{str(path)!r} leads out of the folder {str(folder)!r} by a link; remove the link")
    return path.absolute() if path.parts[0].startswith("~") else path


def to_json(value: Any, **options: Any) -> str:
    """Write numbers, texts, lists and dicts as JSON, which has no NaN and no infinity: null stands in their place."""
    return json.dumps(json.loads(json.dumps(value), parse_constant=lambda name: None), **options)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
