"""Coloring or restyling many files, several at a time; one bad file never stops the rest."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from colorstyle_lib.errors import ColorStyleError, ConfigError, ImageError
from colorstyle_lib.images.read import Source, open_picture, size_of_file
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.output_paths import Pair, has_folders, plan
from colorstyle_lib.inference.result import Result
from colorstyle_lib.inference.stylizer import Styles, Stylizer
from colorstyle_lib.inference.video import Smoother, next_frame
from colorstyle_lib.model.attention_override import parse_override

_PIXELS_AT_ONCE = 50_000_000  # decoded and not yet written, of all pictures together; a larger one goes alone
_BATCH_ON_GPU = 8
_BATCH_ON_CPU = 1  # measured: there a batch is no faster than its pictures one by one, which may run side by side


def in_batches(
    pairs: Sequence[Pair], sides: Callable[[tuple[int, int]], tuple[int, int]], most: int
) -> list[tuple[list[Pair], int]]:
    """Put pictures of the same working size together.

    Args:
        pairs: from :func:`plan`.
        sides: from a picture's size to that of its working copy.
        most: pictures in a batch.

    Returns:
        Batches in the order in which their first pictures come, and how many pixels each holds. What cannot be opened
        is there too, to fail when its turn comes.
    """
    batches: list[tuple[list[Pair], int]] = []
    open_for: dict[tuple[int, int] | None, int] = {}
    for pair in pairs:
        try:
            size = size_of_file(pair[0])
        except ImageError:
            batches.append(([pair], 0))
            continue
        alike, pixels = sides(size), size[0] * size[1]
        at = open_for.get(alike)
        if at is None or len(batches[at][0]) >= most or batches[at][1] + pixels > _PIXELS_AT_ONCE // 2:
            open_for[alike] = len(batches)
            batches.append(([pair], pixels))
        else:
            batches[at] = (batches[at][0] + [pair], batches[at][1] + pixels)
    return batches


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
    """Color files as :func:`plan` says, several at a time, with a progress bar for more than one.

    Args:
        inputs: files, folders and patterns.
        output: file or folder.
        weights: by default the released ones.
        recursive: also take the folders within folders.
        overwrite: replace results that are already there; else a result that is there is left alone, so that the same
            call goes on where an earlier one was interrupted.
        batch_size: pictures of the same working size that go through the network together; by default by device.
        working_size: of :meth:`.ColorStyle.colorize`.
        **options: the others of it, for every picture.

    Returns:
        0 when all are done, 1 when some failed: each is named on standard error, with the reason.

    Raises:
        ColorStyleError: nothing could be started, or the only file failed.
    """
    pairs = plan(inputs, output, recursive=recursive)
    left = _left(pairs, inputs, overwrite)
    model = ColorStyle.load(weights)
    color = model.colorizer(working_size=working_size, **options)
    most = batch_size or (_BATCH_ON_CPU if model.device.type == "cpu" else _BATCH_ON_GPU)
    batches = in_batches(left, lambda size: model.working_sides(size, working_size), most)
    return _work_off(color, batches, inputs, recursive=recursive, there=len(pairs) - len(left), done="colored")


def stylize_files(
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    styles: Styles,
    weights: Path | None = None,
    recursive: bool = False,
    overwrite: bool = False,
    smooth: float = 0.0,
    attention: Mapping[str, float] | None = None,
    **options: Any,
) -> int:
    """Restyle files as :func:`colorize_files` colors them.

    Args:
        inputs: files, folders and patterns.
        output: file or folder.
        styles: style pictures and their weights.
        weights: by default the released ones.
        recursive: also take the folders within folders.
        overwrite: replace results that are already there.
        smooth: each folder's pictures are the frames of a clip, in the order of their names, 2 before 10: see
            :class:`.Smoother`.
        attention: of :meth:`.ColorStyle.stylize`, for every picture.
        **options: the others of it.

    Returns:
        0 when all are done, 1 when some failed: each is named on standard error, with the reason.

    Raises:
        ColorStyleError: nothing could be started, or the only file failed.
    """
    Smoother(smooth)  # what cannot be done is said before anything is read
    pairs = plan(inputs, output, recursive=recursive, ending="style")
    left = _left(pairs, inputs, overwrite)
    model = ColorStyle.load(weights)
    override = parse_override(attention) if attention is not None else None
    stylizer = Stylizer(
        model, [(open_picture(style), weight) for style, weight in styles], override=override, **options
    )
    facts = {"recursive": recursive, "there": len(pairs) - len(left), "done": "restyled"}
    if smooth and not _alone(pairs, inputs):
        return _report(_in_order(stylizer, smooth, pairs, left), len(left), inputs, **facts)

    def restyle(pictures: Sequence[Source]) -> list[Result]:
        return [stylizer.finish(stylizer.change(picture)) for picture in pictures]

    return _work_off(restyle, in_batches(left, model.working_sides, 1), inputs, **facts)


def _in_order(
    stylizer: Stylizer, smooth: float, pairs: Sequence[Pair], left: Sequence[Pair]
) -> Iterator[tuple[int, list[str]]]:
    """Clips, frame by frame; what comes out is as from :func:`_side_by_side`.

    Frames whose results are there are gone through again and not written: the next ones follow from them.
    """
    to_write, smoother, folder = set(left), Smoother(smooth), None
    for source, result in sorted(pairs, key=lambda pair: _by_number(pair[0])):
        if source.parent != folder:
            smoother, folder = Smoother(smooth), source.parent
        complaints = []
        try:
            restyled = next_frame(stylizer, smoother, stylizer.change(source))
            if (source, result) in to_write:
                restyled.save(result)
        except Exception as error:
            complaints = [_complaint(source, error)]
        if (source, result) in to_write:
            yield 1, complaints


def _by_number(path: Path) -> tuple[str, list[str | int]]:
    """What puts frame 2 before frame 10."""
    parts = re.split(r"(\d+)", path.name)
    return str(path.parent), [int(part) if part.isdecimal() else part for part in parts]


def _left(pairs: Sequence[Pair], inputs: Sequence[Path], overwrite: bool) -> list[Pair]:
    """What is to be done: all, or what is not there yet."""
    left = [(source, result) for source, result in pairs if overwrite or not result.exists()]
    if _alone(pairs, inputs) and not left:
        raise ConfigError(f"{str(pairs[0][1])!r} is there already; to replace it, add --overwrite")
    return left


def _alone(pairs: Sequence[object], inputs: Sequence[Path]) -> bool:
    """Whether one picture was asked for, by its name."""
    return len(pairs) == 1 and not Path(inputs[0]).is_dir()


def _work_off(
    make: Callable[[Sequence[Source]], list[Result]],
    batches: Sequence[tuple[list[Pair], int]],
    inputs: Sequence[Path],
    *,
    recursive: bool,
    there: int,
    done: str,
) -> int:
    """Make and write what is left; the exit status."""
    left = [pair for batch, _ in batches for pair in batch]
    if not there and _alone(left, inputs):
        print(make([left[0][0]])[0].save(left[0][1]))
        return 0
    steps = _side_by_side(make, batches)
    return _report(steps, len(left), inputs, recursive=recursive, there=there, done=done)


def _report(
    steps: Iterator[tuple[int, list[str]]],
    total: int,
    inputs: Sequence[Path],
    *,
    recursive: bool,
    there: int,
    done: str,
) -> int:
    """A progress bar over the work, a line for each failure, a summary; and the exit status."""
    started, failed = time.monotonic(), 0
    with tqdm(total=total, unit="picture", disable=not sys.stderr.isatty()) as bar:
        for finished, complaints in steps:
            bar.update(finished)
            failed += len(complaints)
            for complaint in complaints:
                tqdm.write(complaint, file=sys.stderr)
    passed_over = not recursive and any(p.is_dir() and has_folders(p) for p in map(Path, inputs))
    print(
        f"{total - failed} {done}, {there} already there, {failed} failed"
        f" ({time.monotonic() - started:.0f} s)" + "; folders within were passed over (--recursive)" * passed_over
    )
    return 1 if failed else 0


def _side_by_side(
    color: Callable[..., list[Result]], batches: Sequence[tuple[list[Pair], int]]
) -> Iterator[tuple[int, list[str]]]:
    """Work batches off in as many threads as torch would use for one, each with one: it wastes less.

    Yields:
        For each batch, as it is done, the number of its pictures and what to say of those that failed.
    """
    threads = torch.get_num_threads()
    at_work: dict[Future[list[str]], tuple[int, int]] = {}

    def one_done() -> Iterator[tuple[int, list[str]]]:
        done, _ = wait(at_work, return_when=FIRST_COMPLETED)
        for future in done:
            yield at_work.pop(future)[0], future.result()

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for batch, pixels in batches:
                while at_work and sum(p for _, p in at_work.values()) + pixels > _PIXELS_AT_ONCE:
                    yield from one_done()
                while len(at_work) > threads:  # one is ready when a thread is; no more, for memory's sake
                    yield from one_done()
                at_work[pool.submit(_color_batch, color, batch)] = (len(batch), pixels)
            while at_work:
                yield from one_done()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)


def _color_batch(color: Callable[..., list[Result]], batch: Sequence[Pair]) -> list[str]:
    """Open, color and write; what to say of the pictures that failed."""
    complaints, opened = [], []
    for source, result in batch:
        try:
            opened.append((source, result, open_picture(source)))
        except Exception as error:
            complaints.append(_complaint(source, error))
    try:
        results = color([picture for *_, picture in opened])
    except Exception as error:
        if len(opened) > 1:  # one of them; find out which
            return complaints + [c for source, result, _ in opened for c in _color_batch(color, [(source, result)])]
        return [*complaints, *(_complaint(source, error) for source, *_ in opened)]
    for (source, place, _), result in zip(opened, results, strict=True):
        try:
            result.save(place)
        except Exception as error:
            complaints.append(_complaint(source, error))
    return complaints


def _complaint(source: Path, error: Exception) -> str:
    """One line that names the file; also of what nobody foresaw, for a night's work must not stop for it."""
    what = str(error) if isinstance(error, ColorStyleError) else f"{type(error).__name__}: {error}"
    what = what.splitlines()[0] if what else type(error).__name__
    return f"failed: {what}" if source.name in what else f"failed: {str(source)!r}: {what}"
