"""Output paths of many files: decided for all of them before anything is computed."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.images.read import ENDINGS, find_pictures
from colorstyle_lib.images.write import FORMATS

Pair = tuple[Path, Path]
"""A picture and the place of its result."""

_WILDCARD = re.compile(r"[*?[]")


def plan(inputs: Sequence[Path], output: Path | None, *, recursive: bool = False, ending: str = "color") -> list[Pair]:
    """Decide where each result goes.

    One file goes to ``output``, by default ``NAME-color.png`` beside it; an ``output`` without an ending is a folder.
    A folder's pictures go below ``output``, by default ``FOLDER-color``, at the same relative path. A pattern's
    pictures keep their path from where its wildcards begin. Of several inputs, each folder keeps its name, too.

    Args:
        inputs: files, folders and patterns such as ``album/*.jpg`` or ``album/**/*.jpg``.
        output: a file, or a folder for several results.
        recursive: also take the folders within folders.
        ending: what names get where ``output`` is not given.

    Returns:
        Pairs of input and result; a picture that is named twice is there once.

    Raises:
        ConfigError: no folder for several results, two results of one name, or a result that would replace an input.
        ImageError: a folder or a pattern without pictures.
    """
    given = [Path(os.path.expanduser(path)) for path in inputs]  # noqa: PTH111
    output = Path(os.path.expanduser(output)) if output is not None else None  # noqa: PTH111
    first = given[0]
    if len(given) == 1 and not first.is_dir() and not _is_pattern(first):
        if output is None:
            return _checked([(first, first.with_name(f"{first.stem}-{ending}.png"))])
        if output.suffix and not output.is_dir():
            return _checked([(first, output)])
    if output is not None and (output.is_file() or (output.suffix.lower() in FORMATS and not output.is_dir())):
        raise ConfigError(f"{str(output)!r} names a file, and many results need a folder; change -o")
    pairs: dict[Path, Pair] = {}
    for path in given:
        if path.is_dir():
            base = path.resolve()
            target = output or base.with_name(f"{base.name}-{ending}")
            pictures = _in_folder(base, target.resolve(), recursive)
            target = target / base.name if len(given) > 1 and output is not None else target
        elif output is None:
            raise ConfigError("several files need a folder for their results: add -o FOLDER")
        else:
            target = output
            base, pictures = _matching(path) if _is_pattern(path) else (path.parent, [path])
        for source, name in _result_names(base, pictures):
            pairs.setdefault(source.parent.resolve() / source.name, (source, target / name))
    return _checked(list(pairs.values()))


def has_folders(folder: Path) -> bool:
    """Whether there are folders within a folder, hidden ones apart."""
    return any(p.is_dir() and not p.name.startswith(".") for p in folder.iterdir())


def _is_pattern(path: Path) -> bool:
    return bool(_WILDCARD.search(str(path))) and not path.exists()


def _in_folder(folder: Path, target: Path, recursive: bool) -> list[Path]:
    if folder == folder.parent:
        raise ConfigError("color a folder of pictures, not a whole disk")
    # Results of an earlier run below the same folder are no originals.
    pictures = [p for p in find_pictures(folder, recursive) if not p.is_relative_to(target) or target == folder]
    if not pictures:
        more = "" if recursive or not has_folders(folder) else "; to look into the folders within it, add --recursive"
        raise ImageError(f"no pictures in {str(folder)!r}{more}")
    return pictures


def _matching(pattern: Path) -> tuple[Path, list[Path]]:
    """The folder below which a pattern has wildcards, and the pictures that it finds, hidden ones apart."""
    base = Path(*takewhile(lambda part: not _WILDCARD.search(part), pattern.parts))
    try:
        matches = [p.relative_to(base) for p in base.glob(str(pattern.relative_to(base))) if p.is_file()]
    except ValueError as error:
        raise ConfigError(f"cannot read the pattern {str(pattern)!r}: {error}") from error
    visible = [name for name in sorted(matches) if not any(part.startswith(".") for part in name.parts)]
    pictures = [base / name for name in visible if name.suffix.lower() in ENDINGS]
    if not pictures:
        raise ImageError(f"no pictures match {str(pattern)!r}")
    return base, pictures


def _result_names(base: Path, pictures: Sequence[Path]) -> Iterator[Pair]:
    """Pictures and their results' names below ``base``: ``.png`` for formats that can be read but not written."""
    names = [picture.relative_to(base) for picture in pictures]
    taken = {name for name in names if name.suffix.lower() in FORMATS}
    for picture, name in zip(pictures, names, strict=True):
        if name not in taken:
            other = name.with_suffix(".png")
            name = name.with_name(f"{name.name}.png") if other in taken else other
            taken.add(name)
        yield picture, name


def _checked(pairs: list[Pair]) -> list[Pair]:
    """The same pairs, if no result would replace a picture or another result."""
    sources = {source.resolve() for source, _ in pairs}
    times = Counter(result.resolve() for _, result in pairs)
    for _, result in pairs:
        if result.resolve() in sources:
            raise ConfigError(f"the result would replace {str(result)!r}; choose another -o")
        if times[result.resolve()] > 1:
            raise ConfigError(f"two results would be called {str(result)!r}; color them into separate folders")
    return pairs
