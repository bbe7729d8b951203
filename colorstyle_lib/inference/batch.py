"""Colorization and style transfer of many files, several at a time; one bad file never stops the rest."""

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from colorstyle_lib.errors import ColorStyleError, ConfigError, ImageError
from colorstyle_lib.images.read import ENDINGS, Source, find_pictures, size_of_file
from colorstyle_lib.images.write import FORMATS
from colorstyle_lib.inference.colorizer import Result
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.stylizer import Styles, Stylizer
from colorstyle_lib.inference.video import Smoother, next_frame

_PIXELS_AT_ONCE = 50_000_000  # decoded and not yet written, of all pictures together; a larger one goes alone
_WILDCARD = re.compile(r"[*?[]")

Pair = tuple[Path, Path]
"""A picture and the place of its result."""

Make = Callable[[Sequence[Source]], list[Result]]
Steps = Iterator[tuple[int, list[str]]]
"""Again and again, how many pictures are done, and a complaint for each of them that failed."""

Start = Callable[[list[Pair], list[Pair]], tuple[Make, Steps]]
"""Loads the model, for all pairs and for those that are left to do."""


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
        0 when all are done, 1 when some failed: each is named on standard error, with the reason. A ColorStyleError is
        raised where nothing could be started, or the only file failed.
    """

    def start(pairs: list[Pair], left: list[Pair]) -> tuple[Make, Steps]:
        model = ColorStyle.load(weights)
        colorizer = model.colorizer(working_size=working_size, **options)
        # Measured: on a CPU a batch is no faster than its pictures one by one, which may run side by side.
        most = batch_size or (1 if model.device.type == "cpu" else 8)
        return colorizer, _side_by_side(colorizer, left, lambda size: model.working_sides(size, working_size), most)

    return _work_off(start, inputs, output, recursive, overwrite, "color")


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

    def start(pairs: list[Pair], left: list[Pair]) -> tuple[Make, Steps]:
        model = ColorStyle.load(weights)
        stylizer = model.stylizer(styles, **options)

        def make(pictures: Sequence[Source]) -> list[Result]:
            return [stylizer(picture) for picture in pictures]

        alone = _side_by_side(make, left, model.working_sides, 1)
        return make, _clips(stylizer, smooth, pairs, left) if smooth else alone

    return _work_off(start, inputs, output, recursive, overwrite, "style")


def _work_off(
    start: Start, inputs: Sequence[Path], output: Path | None, recursive: bool, overwrite: bool, ending: str
) -> int:
    """A progress bar over the steps, a line for each failure, a summary; a single picture is made at once instead."""
    pairs = plan(inputs, output, recursive=recursive, ending=ending)
    left = [pair for pair in pairs if overwrite or not pair[1].exists()]
    single = len(pairs) == 1 and not Path(inputs[0]).is_dir()
    if single and not left:
        raise ConfigError(f"{str(pairs[0][1])!r} is there already; to replace it, add --overwrite")
    folders_left_out = not recursive and any(p.is_dir() and _has_folders(p) for p in map(Path, inputs))
    make, steps = start(pairs, left)
    if single:
        ((source, place),) = left
        print(make([source])[0].save(place))
        return 0
    started, failed, total = time.monotonic(), 0, len(left)
    with tqdm(total=total, unit="picture", disable=not sys.stderr.isatty()) as bar:
        for finished, complaints in steps:
            bar.update(finished)
            failed += len(complaints)
            for complaint in complaints:
                tqdm.write(complaint, file=sys.stderr)
    done, seconds = {"color": "colored", "style": "restyled"}[ending], time.monotonic() - started
    more = "; folders within were passed over (--recursive)" if folders_left_out else ""
    print(f"{total - failed} {done}, {len(pairs) - total} already there, {failed} failed ({seconds:.0f} s){more}")
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


def _side_by_side(
    make: Make, pairs: Sequence[Pair], sides: Callable[[tuple[int, int]], tuple[int, int]], batch_size: int
) -> Steps:
    """Work batches off, as they are done, in as many threads as torch would use for one, each with one: less waste."""
    threads, most = torch.get_num_threads(), _PIXELS_AT_ONCE
    at_work: dict[Future[list[str]], tuple[int, int]] = {}

    def one_done() -> Steps:
        for future in wait(at_work, return_when=FIRST_COMPLETED).done:
            yield at_work.pop(future)[0], future.result()

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for batch, pixels in in_batches(pairs, sides, batch_size):
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
    """Make and write; a complaint for each picture that failed."""
    try:
        results = make([source for source, _ in batch])
        for (_, place), result in zip(batch, results, strict=True):
            result.save(place)
    except Exception as error:
        if len(batch) == 1:
            return [_complaint(batch[0][0], error)]
        return [complaint for pair in batch for complaint in _color_batch(make, [pair])]  # to find out which failed
    return []


def _clips(stylizer: Stylizer, smooth: float, pairs: list[Pair], left: list[Pair]) -> Steps:
    """Clips, frame by frame; those whose results are there go through again, unwritten: the next follow from them."""

    def by_number(pair: Pair) -> tuple[str, list[str | int]]:
        parts = re.split(r"(\d+)", pair[0].name)  # frame 2 comes before frame 10
        return str(pair[0].parent), [int(part) if part.isdecimal() else part for part in parts]

    unmade = set(left)
    for _, clip in groupby(sorted(pairs, key=by_number), key=lambda pair: pair[0].parent):
        smoother = Smoother(smooth)
        for source, place in clip:
            complaints = []
            try:
                result = next_frame(stylizer, smoother, stylizer.change(source))
                if (source, place) in unmade:
                    result.save(place)
            except Exception as error:
                complaints = [_complaint(source, error)]
            if (source, place) in unmade:
                yield 1, complaints


def _complaint(source: Path, error: Exception) -> str:
    """One line that names the file; also for an error that nobody foresaw: a night's work must not stop for it."""
    what = str(error) if isinstance(error, ColorStyleError) else f"{type(error).__name__}: {error}"
    what = what.splitlines()[0] if what else type(error).__name__
    return f"failed: {what}" if source.name in what else f"failed: {str(source)!r}: {what}"


def plan(inputs: Sequence[Path], output: Path | None, *, recursive: bool = False, ending: str = "color") -> list[Pair]:
    """Pairs of picture and result: decide where each result goes. A picture that is named twice is there once.

    One file goes to ``output``, by default ``NAME-color.png`` beside it; an ``output`` without an ending is a folder.
    A folder's pictures go below ``output``, by default ``FOLDER-color``, at the same relative path. A pattern's
    pictures keep their path from where its wildcards begin. Of several inputs, each folder keeps its name, too.

    Args:
        inputs: files, folders and patterns such as ``album/*.jpg`` or ``album/**/*.jpg``.
        output: a file, or a folder for several results.
        recursive: also take the folders within folders.
        ending: what names get where ``output`` is not given.

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


def _has_folders(folder: Path) -> bool:
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
        more = "" if recursive or not _has_folders(folder) else "; to look into the folders within it, add --recursive"
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
