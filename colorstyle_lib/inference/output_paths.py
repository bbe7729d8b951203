"""Where the results of coloring go: decided for all files before anything is computed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.images.read import ENDINGS, find_pictures
from colorstyle_lib.images.write import FORMATS

Pair = tuple[Path, Path]
"""A picture and the place of its result."""


class _Found(NamedTuple):
    """A picture, and what its result is called below the folder of results."""

    path: Path
    name: Path


def plan(inputs: Sequence[Path], output: Path | None, *, recursive: bool = False, ending: str = "color") -> list[Pair]:
    """Decide where each result goes, before anything is computed.

    One file goes to ``output``, by default ``NAME-color.png`` beside it; an ``output`` without an ending is a folder.
    A folder's pictures go below ``output``, by default ``FOLDER-color``, at the same relative path. A pattern's
    pictures keep their path from where its wildcards begin. Of several inputs, each folder keeps its name, too.

    Args:
        inputs: files, folders and patterns such as ``album/*.jpg`` or ``album/**/*.jpg``.
        output: file or folder.
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
    if len(given) == 1 and not given[0].is_dir() and not _is_pattern(given[0]):
        if output is None:
            return _checked([(given[0], given[0].with_name(f"{given[0].stem}-{ending}.png"))])
        if output.suffix and not output.is_dir():
            return _checked([(given[0], output)])
    if output is not None and (output.is_file() or (output.suffix.lower() in FORMATS and not output.is_dir())):
        raise ConfigError(f"{str(output)!r} names a file, and many results need a folder; change -o")
    pairs: dict[Path, Pair] = {}
    for path in given:
        if path.is_dir():
            home = _folder(path)
            target = output or home.with_name(f"{home.name}-{ending}")
            found = _in_folder(home, target.resolve(), recursive)
            if len(given) > 1 and output is not None:
                target = target / home.name
        elif output is None:
            raise ConfigError("several files need a folder for their results: add -o FOLDER")
        else:
            target = output
            found = _matching(path) if _is_pattern(path) else [_Found(path, Path(path.name))]
        for source, result in _named(found, target):
            pairs.setdefault(source.parent.resolve() / source.name, (source, result))
    return _checked(list(pairs.values()))


def _is_pattern(path: Path) -> bool:
    return any(sign in str(path) for sign in "*?[") and not path.exists()


def _folder(path: Path) -> Path:
    folder = path.resolve()
    if folder == folder.parent:
        raise ConfigError("color a folder of pictures, not a whole disk")
    return folder


def _in_folder(folder: Path, target: Path, recursive: bool) -> list[_Found]:
    # Results of an earlier run below the same folder are no originals.
    pictures = [p for p in find_pictures(folder, recursive) if not p.is_relative_to(target) or target == folder]
    if not pictures:
        more = "" if recursive or not has_folders(folder) else "; to look into the folders within it, add --recursive"
        raise ImageError(f"no pictures in {str(folder)!r}{more}")
    return [_Found(p, p.relative_to(folder)) for p in pictures]


def _matching(pattern: Path) -> list[_Found]:
    """The pictures that a pattern finds; the shell did not, since it was quoted or knows no ``**``."""
    at = next(i for i, part in enumerate(pattern.parts) if any(sign in part for sign in "*?["))
    base = Path(*pattern.parts[:at])
    try:
        matches = sorted(base.glob(str(Path(*pattern.parts[at:]))))
    except ValueError as error:
        raise ConfigError(f"cannot read the pattern {str(pattern)!r}: {error}") from error
    found = [_Found(p, p.relative_to(base)) for p in matches if p.suffix.lower() in ENDINGS and p.is_file()]
    found = [one for one in found if not any(part.startswith(".") for part in one.name.parts)]
    if not found:
        raise ImageError(f"no pictures match {str(pattern)!r}")
    return found


def has_folders(folder: Path) -> bool:
    """Whether there are folders within a folder, hidden ones apart."""
    return any(p.is_dir() and not p.name.startswith(".") for p in folder.iterdir())


def _named(found: Sequence[_Found], target: Path) -> Iterator[Pair]:
    """Results below a folder, ``.png`` in the place of formats that can be read but not written."""
    taken = {one.name for one in found if one.name.suffix.lower() in FORMATS}
    for path, name in found:
        if name.suffix.lower() not in FORMATS:
            other = name.with_suffix(".png")
            name = name.with_name(f"{name.name}.png") if other in taken else other
            taken.add(name)
        yield path, target / name


def _checked(pairs: list[Pair]) -> list[Pair]:
    places = [result.resolve() for _, result in pairs]
    times, sources = Counter(places), {source.resolve() for source, _ in pairs}
    for (_, result), place in zip(pairs, places, strict=True):
        if place in sources:
            raise ConfigError(f"the result would replace {str(result)!r}; choose another -o")
        if times[place] > 1:
            raise ConfigError(f"two results would be called {str(result)!r}; color them into separate folders")
    return pairs
