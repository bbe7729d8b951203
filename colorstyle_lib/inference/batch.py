"""Colorization and style transfer of many files, several at a time; one bad file never stops the rest."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from colorstyle_lib.errors import ColorStyleError, ConfigError, ImageError
from colorstyle_lib.images.read import Source, open_picture, size_of_file
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.output_paths import Pair, has_folders, plan
from colorstyle_lib.inference.result import Result
from colorstyle_lib.inference.stylizer import Styles, Stylizer
from colorstyle_lib.inference.video import Smoother, next_frame

_PIXELS_AT_ONCE = 50_000_000  # decoded and not yet written, of all pictures together; a larger one goes alone

Make = Callable[[Sequence[Source]], list[Result]]
Steps = Iterator[tuple[int, list[str]]]
"""Again and again, how many pictures are done, and a complaint for each of them that failed."""


class _Work(NamedTuple):
    """All pairs, those left to do, and whether it is a single picture, asked for by its name."""

    pairs: list[Pair]
    left: list[Pair]
    single: bool
    folders_left_out: bool


def _plan(inputs: Sequence[Path], output: Path | None, recursive: bool, overwrite: bool, ending: str) -> _Work:
    pairs = plan(inputs, output, recursive=recursive, ending=ending)
    left = [pair for pair in pairs if overwrite or not pair[1].exists()]
    single = len(pairs) == 1 and not Path(inputs[0]).is_dir()
    if single and not left:
        raise ConfigError(f"{str(pairs[0][1])!r} is there already; to replace it, add --overwrite")
    folders_left_out = not recursive and any(p.is_dir() and has_folders(p) for p in map(Path, inputs))
    return _Work(pairs, left, single, folders_left_out)


def colorize_files(
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    weights: Path | None = None,
    recursive: bool = False,
    overwrite: bool = False,
    batch_size: int | None = None,
    working_size: int | None = None,
    **options: Any,
) -> int:
    """Color files, several at a time, with a progress bar for more than one.

    Args:
        inputs: files, folders and patterns, of :func:`.plan`, as are output and recursive.
        weights: by default the released ones.
        overwrite: replace results that are there; else the same call goes on where an earlier one was interrupted.
        batch_size: pictures of the same working size that go through the network together; by default by device.
        **options: of :meth:`.ColorStyle.colorize`, as is working_size, for every picture.

    Returns:
        0 when all are done, 1 when some failed: each is named on standard error, with the reason.

    Raises:
        ColorStyleError: nothing could be started, or the only file failed.
    """
    work = _plan(inputs, output, recursive, overwrite, "color")
    model = ColorStyle.load(weights)
    colorizer = model.colorizer(working_size=working_size, **options)
    # Measured: on a CPU a batch is no faster than its pictures one by one, which may run side by side.
    most = batch_size or (1 if model.device.type == "cpu" else 8)
    batches = in_batches(work.left, lambda size: model.working_sides(size, working_size), most)
    return _report(colorizer, _side_by_side(colorizer, batches), work, "colored")


def stylize_files(
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    styles: Styles,
    weights: Path | None = None,
    recursive: bool = False,
    overwrite: bool = False,
    smooth: float = 0.0,
    **options: Any,
) -> int:
    """Redraw files in a style; arguments that are not here, returns and errors as of :func:`colorize_files`.

    Args:
        styles: style pictures and their weights.
        smooth: above 0 each folder's pictures are a clip's frames, by name, 2 before 10; see :class:`.Smoother`.
        **options: the others of :meth:`.ColorStyle.stylize`, for every picture.
    """
    Smoother(smooth)  # what cannot be done is refused before anything is read
    work = _plan(inputs, output, recursive, overwrite, "style")
    model = ColorStyle.load(weights)
    stylizer = model.stylizer([(open_picture(style), weight) for style, weight in styles], **options)

    def make(pictures: Sequence[Source]) -> list[Result]:
        return [stylizer(picture) for picture in pictures]

    alone = _side_by_side(make, in_batches(work.left, model.working_sides, 1))
    return _report(make, _clips(stylizer, smooth, work) if smooth else alone, work, "restyled")


def _report(make: Make, steps: Steps, work: _Work, done: str) -> int:
    """A progress bar over the steps, a line for each failure, a summary; a single picture is made at once instead."""
    if work.single:
        ((source, place),) = work.left
        print(make([source])[0].save(place))
        return 0
    started, failed, total = time.monotonic(), 0, len(work.left)
    with tqdm(total=total, unit="picture", disable=not sys.stderr.isatty()) as bar:
        for finished, complaints in steps:
            bar.update(finished)
            failed += len(complaints)
            for complaint in complaints:
                tqdm.write(complaint, file=sys.stderr)
    print(
        f"{total - failed} {done}, {len(work.pairs) - total} already there, {failed} failed"
        f" ({time.monotonic() - started:.0f} s)"
        + "; folders within were passed over (--recursive)"
        * work.folders_left_out
    )
    return 1 if failed else 0


def in_batches(
    pairs: Sequence[Pair], sides: Callable[[tuple[int, int]], tuple[int, int]], most: int
) -> list[tuple[list[Pair], int]]:
    """Batches of at most so many pictures of the same working size, in the order in which their first pictures come.

    ``sides`` goes from a picture's size to that of its working copy. Returned with each batch is how many pixels it
    holds. What cannot be opened is there too, to fail when its turn comes.
    """
    batches: list[tuple[list[Pair], int]] = []
    open_for: dict[tuple[int, int], int] = {}
    for pair in pairs:
        try:
            size = size_of_file(pair[0])
        except ImageError:
            batches.append(([pair], 0))
            continue
        same, pixels = sides(size), size[0] * size[1]
        batch, held = batches[open_for[same]] if same in open_for else ([], 0)
        if batch and len(batch) < most and held + pixels <= _PIXELS_AT_ONCE // 2:
            batches[open_for[same]] = ([*batch, pair], held + pixels)
        else:
            open_for[same] = len(batches)
            batches.append(([pair], pixels))
    return batches


def _side_by_side(make: Make, batches: Sequence[tuple[list[Pair], int]]) -> Steps:
    """Work batches off, as they are done, in as many threads as torch would use for one, each with one: less waste."""
    threads, most = torch.get_num_threads(), _PIXELS_AT_ONCE
    at_work: dict[Future[list[str]], tuple[int, int]] = {}

    def one_done() -> Steps:
        for future in wait(at_work, return_when=FIRST_COMPLETED).done:
            yield at_work.pop(future)[0], future.result()

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for batch, pixels in batches:
                # One batch is ready when a thread is; no more, for memory's sake.
                while len(at_work) > threads or (at_work and sum(p for _, p in at_work.values()) + pixels > most):
                    yield from one_done()
                at_work[pool.submit(_color_batch, make, batch)] = (len(batch), pixels)
            while at_work:
                yield from one_done()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)


def _color_batch(make: Make, batch: Sequence[Pair]) -> list[str]:
    """Open, make and write; a complaint for each picture that failed."""
    try:
        results = make([open_picture(source) for source, _ in batch])
        for (_, place), result in zip(batch, results, strict=True):
            result.save(place)
    except Exception as error:
        if len(batch) == 1:
            return [_complaint(batch[0][0], error)]
        return [complaint for pair in batch for complaint in _color_batch(make, [pair])]  # to find out which failed
    return []


def _clips(stylizer: Stylizer, smooth: float, work: _Work) -> Steps:
    """Clips, frame by frame; those whose results are there go through again, unwritten: the next follow from them."""

    def by_number(pair: Pair) -> tuple[str, list[str | int]]:
        parts = re.split(r"(\d+)", pair[0].name)  # frame 2 comes before frame 10
        return str(pair[0].parent), [int(part) if part.isdecimal() else part for part in parts]

    left = set(work.left)
    for _, clip in groupby(sorted(work.pairs, key=by_number), key=lambda pair: pair[0].parent):
        smoother = Smoother(smooth)
        for source, place in clip:
            complaints = []
            try:
                result = next_frame(stylizer, smoother, stylizer.change(source))
                if (source, place) in left:
                    result.save(place)
            except Exception as error:
                complaints = [_complaint(source, error)]
            if (source, place) in left:
                yield 1, complaints


def _complaint(source: Path, error: Exception) -> str:
    """One line that names the file; also for an error that nobody foresaw: a night's work must not stop for it."""
    what = str(error) if isinstance(error, ColorStyleError) else f"{type(error).__name__}: {error}"
    what = what.splitlines()[0] if what else type(error).__name__
    return f"failed: {what}" if source.name in what else f"failed: {str(source)!r}: {what}"
