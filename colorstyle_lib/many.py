"""Coloring many files: every result keeps its place and name, and one bad file never stops the rest."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from colorstyle_lib.errors import ColorStyleError, ConfigError, ImageError
from colorstyle_lib.images import find_pictures
from colorstyle_lib.pipeline import ColorStyle
from colorstyle_lib.writing import FORMATS


def plan(inputs: Sequence[Path], output: Path | None) -> list[tuple[Path, Path]]:
    """Decide where each result goes, before anything is computed.

    One file goes to ``output``, by default ``NAME-color.png`` beside it; an ``output`` without an ending is a folder.
    A folder's pictures go below the folder ``output``, by default ``FOLDER-color``, at the same relative path; several
    files go into the folder ``output``.

    Args:
        inputs: files, or one folder.
        output: file or folder.

    Returns:
        Pairs of input and result.

    Raises:
        ConfigError: files and folders mixed, two results of one name, or a result that would replace its input.
        ImageError: a folder without pictures.
    """
    if len(inputs) == 1 and inputs[0].is_dir():
        folder = inputs[0].resolve()
        if folder == folder.parent:
            raise ConfigError("color a folder of pictures, not a whole disk")
        target = (output or folder.with_name(f"{folder.name}-color")).resolve()
        if target.is_file() or (target.suffix.lower() in FORMATS and not target.is_dir()):
            raise ConfigError(f"{str(output)!r} names a file, and the results of a folder need a folder; change -o")
        # Results of an earlier run below the same folder are no originals.
        found = [p for p in find_pictures(folder) if not p.is_relative_to(target) or target == folder]
        if not found:
            raise ImageError(f"no pictures in {str(inputs[0])!r}")
        pairs = [(p, _writable(target / p.relative_to(folder))) for p in found]
    elif any(p.is_dir() for p in inputs):
        raise ConfigError("give either one folder or any number of files, not both")
    elif len(inputs) == 1 and not (output is not None and (output.is_dir() or not output.suffix)):
        pairs = [(inputs[0], output or inputs[0].with_name(f"{inputs[0].stem}-color.png"))]
    elif output is None:
        raise ConfigError("several files need a folder for their results: add -o FOLDER")
    else:
        pairs = [(p, _writable(output / p.name)) for p in inputs]
    places = [result.resolve() for _, result in pairs]
    times = Counter(places)
    for (source, result), place in zip(pairs, places, strict=True):
        if source.resolve() == place:
            raise ConfigError(f"the result would replace {str(source)!r}; choose another -o")
        if times[place] > 1:
            raise ConfigError(f"two results would be called {str(result)!r}; color them into separate folders")
    return pairs


def _writable(path: Path) -> Path:
    """The same name, with .png where a format can be read but not written."""
    return path if path.suffix.lower() in FORMATS else path.with_suffix(".png")


def colorize_files(
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    weights: Path | None = None,
    overwrite: bool = True,
    **options: Any,
) -> int:
    """Color files as :func:`plan` says, with a progress bar for more than one.

    Args:
        inputs: files, or one folder.
        output: file or folder.
        weights: by default the released ones.
        overwrite: replace results that are already there.
        **options: of :meth:`colorstyle_lib.pipeline.ColorStyle.colorize`, for every picture.

    Returns:
        0 when all are done, 1 when some failed: each is named on standard error, with the reason.

    Raises:
        ColorStyleError: nothing could be started, or the only file failed.
    """
    pairs = plan(inputs, output)
    left = [(source, result) for source, result in pairs if overwrite or not result.exists()]
    model = ColorStyle.load(weights)
    failed = 0
    for source, result in tqdm(left, unit="picture", disable=len(pairs) == 1 or not sys.stderr.isatty()):
        try:
            model.colorize(source, **options).save(result)
        except ColorStyleError as error:
            if len(pairs) == 1:
                raise
            failed += 1
            tqdm.write(f"failed: {error}" if source.name in str(error) else f"{source}: {error}", file=sys.stderr)
    if len(pairs) == 1:
        print(pairs[0][1] if left else f"{pairs[0][1]} is already there")
    else:
        skipped = len(pairs) - len(left)
        print(f"{len(left) - failed} colored, {skipped} already there, {failed} failed")
    return 1 if failed else 0
