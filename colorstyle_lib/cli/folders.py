"""Colorization and style transfer of many files and of clips, several at a time; one bad file never stops the rest."""

import glob
import json
import math
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain, groupby, takewhile
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from colorstyle_lib.cli.videos import Video, is_video
from colorstyle_lib.errors import ColorStyleError, ConfigError, ImageError, require
from colorstyle_lib.files import inside
from colorstyle_lib.images.header import ENDINGS
from colorstyle_lib.images.read import (
    Photo,
    Source,
    find_pictures,
    open_pages,
    open_photo,
    read_text,
    size_of_file,
    visible_files,
)
from colorstyle_lib.images.write import FORMATS, PAGED, save_picture
from colorstyle_lib.inference.album import album_references
from colorstyle_lib.inference.colorizer import Result, is_gray
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.video import Smoother, color_clip, style_clip

_PIXELS_AT_ONCE = 50_000_000  # decoded and not yet written, of all pictures together; a larger one goes alone
_TASKS = {"colorize": ("color", "colored"), "stylize": ("style", "restyled")}  # endings of results, and what is done

Pair = tuple[Path, Path]  # a picture and the place of its result
NewClip = Callable[[float], Callable[[Source], Result]]  # of how much is smoothed; see :func:`.color_clip`
Work = Callable[[Path, Path], str]  # makes and writes a picture's result; says what became of it, such as "done"


@dataclass(frozen=True, kw_only=True)
class Files:
    """The options of the commands that say which files are read, and how results are written."""

    recursive: bool = False  # of :func:`.plan`, as is format
    overwrite: bool = False  # results that are there; else a call goes on where an earlier one was interrupted
    format: str | None = None
    quality: int | None = None  # of JPEG and WebP, 1 to 100; by default 95, and for WebP without loss again without
    strict: bool = False  # refuse also a JPEG that lacks its last bytes but no pixel, and a video with damaged frames
    only_gray: bool = False  # leave pictures alone that are in color
    keep_gps: bool = False  # see :func:`.save_picture`
    stages: bool = False  # also write what was found and made on the way, beside the result
    # Of :class:`.Smoother`, for frames of clips: by default 1 of videos and animations, 0 of the pages of a file and of
    # the pictures of a folder, which are frames, by name, 2 before 10, only where it is above 0.
    smooth: float | None = None

    def save(self, result: Result, source: Path, place: Path, write: Callable[..., Any] | None = None) -> str:
        """Write a result, which tells of which file it is; WebP without loss stays so."""
        with source.open("rb") as file:
            head = file.read(1 << 16)
        quality = self.quality or (100 if head[8:12] == b"WEBP" and b"VP8L" in head else 95)
        result.provenance["input_bytes"] = source.stat().st_size
        (write or result.save)(place, quality=quality, gps=self.keep_gps)
        for i, (name, picture) in enumerate(result.stages.items() if self.stages and not write else ()):
            save_picture(picture, place.with_name(f"{place.stem}-{i}-{name}.png"))
        return "done" if result.provenance.get("input_is_gray", True) else "was in color"

    def work(self, make: Callable[[Source], Result], new_clip: NewClip | None, source: Path, place: Path) -> str:
        """Make and write the result of a picture, or of a clip frame by frame; without ``new_clip`` each by itself."""
        video = Video(source) if is_video(source) else None
        frames = map(Photo, video.frames(strict=self.strict)) if video else open_pages(source, strict=self.strict)
        first = next(frames)
        in_time, several = (True, True) if video else (first.kept["in_time"], first.kept["pages"] > 1)
        if self.only_gray and not is_gray(first.picture):
            return "left in color"
        if video or (several and place.suffix.lower() in (PAGED if in_time else PAGED[:2])):
            make_next = new_clip(float(in_time) if self.smooth is None else self.smooth) if new_clip else make
            result, off = make_next(first), not sys.stderr.isatty()
            others = map(make_next, tqdm(frames, initial=1, unit="frame", leave=False, disable=off))
            write = partial(video.write if video else _write_pages, chain([result], others))
            return self.save(result, source, place, write)
        return self.save(make(open_photo(source, strict=self.strict) if several else first), source, place)


def _write_pages(results: Iterator[Result], place: Path, **options: Any) -> None:
    first = next(results)
    pages = (one.photo(deep=not one.source.kept["in_time"]) for one in chain([first], results))
    save_picture(pages, place, text={"colorstyle": json.dumps(first.provenance)}, **options)


def make_files(
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    task: str = "colorize",
    weights: Path | None = None,
    **options: Any,
) -> int:
    """Color, restyle or repair files, several at a time, with a progress bar for more than one, and a summary.

    Args:
        inputs: files, folders and patterns, of :func:`.plan`, as is output.
        task: the name of a method of :class:`.ColorStyle`.
        weights: by default the released ones.
        **options: of :class:`Files`, and of the method, for every picture.

    Returns:
        0 when all are done, 1 when some failed: each is named on standard error, with the reason. A ColorStyleError is
        raised where nothing could be started, or the only file failed.
    """
    files = Files(**{field.name: options.pop(field.name) for field in fields(Files) if field.name in options})
    Smoother(files.smooth or 0.0)  # refuses what is no share
    ending, name = _TASKS.get(task, (task, f"{task.removesuffix('e')}ed"))
    planned = plan(inputs, output, recursive=files.recursive, ending=ending, format=files.format)
    # results of the same command are left out
    pairs = [pair for pair in planned if len(planned) == 1 or _facts(pair[0]).get("task") != task] or planned
    there = dict.fromkeys(pair for pair in pairs if pair[1].exists() and not files.overwrite)
    others = [place for source, place in there if _facts(place).get("input_bytes") not in (None, source.stat().st_size)]
    left = [pair for pair in pairs if pair not in there]
    single = len(pairs) == 1 and not Path(inputs[0]).is_dir()
    require(not (single and there), f"{str(pairs[0][1])!r} is there already; to replace it, add --overwrite")
    one_look = options.pop("album", False)
    contradicts = one_look and (options.get("reference") or files.smooth)
    require(not contradicts, "--album finds its references among the pictures: leave --reference and --smooth out")
    model, new_clip = ColorStyle.load(weights), None
    if task == "colorize":
        make = model.colorizer(**options)
        new_clip = partial(color_clip, make)
    elif task == "stylize":
        make = model.stylizer(**options)
        new_clip = partial(style_clip, make)
    else:
        make = partial(getattr(model, task), **options)
    masks = Path(options.get("mask") or "auto")
    sources = [source for source, _ in pairs] if one_look else []
    references = dict(zip(sources, album_references(model, sources, **options), strict=True)) if one_look else {}

    def work(source: Path, place: Path) -> str:
        if references:
            alike = model.colorizer(**options | {"reference": references[source]})
            return files.work(alike, partial(color_clip, alike), source, place)
        own = {"mask": find_mask(masks, source, inputs)} if masks != Path("auto") and masks.is_dir() else {}
        return files.work(partial(make, **own), new_clip, source, place)

    if single:
        what = work(*left[0])
        print(left[0][1] if what != "left in color" else f"{str(left[0][0])!r} is in color already; left alone")
        return 0
    steps = _clips(new_clip, pairs, left, files) if files.smooth and new_clip else _side_by_side(work, left)
    started = time.monotonic()
    for place in others:
        why = "is there already, of another picture; add --overwrite or change -o"
        print(f"failed: {str(place)!r} {why}", file=sys.stderr)
    counts = Counter(tqdm(steps, total=len(left), unit="picture", disable=not sys.stderr.isatty()))
    failed, seconds = counts["failed"] + len(others), time.monotonic() - started
    done, already = counts["done"] + counts["was in color"], len(there) - len(others)
    notes = {
        "of these in color before": counts["was in color"] if task == "colorize" else 0,
        "left alone, in color already": counts["left in color"],
        f"left out, {name} by an earlier call": len(planned) - len(pairs),
    }
    said = [f"{done} {name}, {already} already there, {failed} failed ({seconds:.0f} s)"]
    said += [f"{count} {note}" for note, count in notes.items() if count]
    print("; ".join(said + [note for path in map(Path, inputs) if path.is_dir() for note in _passed_over(path, files)]))
    return 1 if failed else 0


def parse_style(text: str) -> tuple[Path, float]:
    """Read a style and its weight, ``painting.jpg`` or ``painting.jpg:0.3``; ConfigError if it is neither."""
    path, colon, weight = text.rpartition(":")
    if not colon or Path(text).exists():
        return Path(text), 1.0
    try:
        return Path(path), float(weight)
    except ValueError:
        raise ConfigError(f"--style wants a picture, or PICTURE:WEIGHT, not {text!r}") from None


def _passed_over(folder: Path, files: Files) -> list[str]:
    """What is in a folder of pictures and not taken."""
    others = Counter(p.suffix.lower() or "no ending" for p in visible_files(folder, files.recursive))
    endings = ", ".join(f"{count} {ending}" for ending, count in sorted(others.items()) if ending not in ENDINGS)
    within = not files.recursive and _has_folders(folder)
    return [f"other files: {endings}"] * bool(endings) + ["folders within were passed over (--recursive)"] * within


def _facts(picture: Path) -> dict[str, Any]:
    """The provenance in a file; empty where it is no result of ours."""
    try:
        return json.loads(read_text(picture)["colorstyle"])
    except (ImageError, KeyError, ValueError):
        return {}


def _side_by_side(work: Work, pairs: Sequence[Pair]) -> Iterator[str]:
    """Work pictures off, in as many threads as torch uses for one; each uses as many, so that it is as if alone."""
    threads, most = torch.get_num_threads(), _PIXELS_AT_ONCE
    room, held = threading.Condition(), 0

    def one(source: Path, place: Path) -> str:
        nonlocal held
        pixels = most if is_video(source) else min(math.prod(size_of_file(source)), most)
        with room:
            room.wait_for(lambda: held + pixels <= most)
            held += pixels
        try:
            return work(source, place)
        finally:
            with room:
                held -= pixels
                room.notify_all()

    with ThreadPoolExecutor(threads) as pool:
        try:
            for future in as_completed([pool.submit(_tried, one, *pair) for pair in pairs]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _clips(new_clip: NewClip, pairs: list[Pair], left: list[Pair], files: Files) -> Iterator[str]:
    """Clips, frame by frame; those whose results are there go through again, unwritten: the next follow from them."""

    def by_number(pair: Pair) -> tuple[str, list[str | int]]:
        parts = re.split(r"(\d+)", pair[0].name)  # frame 2 comes before frame 10
        return str(pair[0].parent), [int(part) if part.isdecimal() else part for part in parts]

    def next_frame(source: Path, place: Path) -> str:
        if is_video(source):
            return files.work(make, new_clip, source, place) if (source, place) in unmade else "already there"
        result = make(open_photo(source, strict=files.strict))
        return files.save(result, source, place) if (source, place) in unmade else "already there"

    unmade = set(left)
    for _, clip in groupby(sorted(pairs, key=by_number), key=lambda pair: pair[0].parent):
        make = new_clip(files.smooth)
        for source, place in clip:
            what = _tried(next_frame, source, place)
            if (source, place) in unmade:
                yield what


def _tried(work: Work, source: Path, place: Path) -> str:
    """What became of a picture; of a failure, which nobody may have foreseen, one line: a night's work goes on."""
    try:
        return work(source, place)
    except Exception as error:
        what = str(error) if isinstance(error, ColorStyleError) else f"{type(error).__name__}: {error}"
        what = what.splitlines()[0] if what else type(error).__name__
        tqdm.write(f"failed: {what}" if source.name in what else f"failed: {str(source)!r}: {what}", file=sys.stderr)
        return "failed"


def plan(
    inputs: Sequence[Path],
    output: Path | None,
    recursive: bool = False,
    ending: str = "color",
    format: str | None = None,
) -> list[Pair]:
    """Pairs of picture and result: decide where each result goes. A picture that is named twice is there once.

    One file goes to ``output``, by default ``NAME-ending.png`` beside it; an ``output`` without an ending is a folder.
    A folder's pictures go below ``output``, by default ``FOLDER-ending``, at the same relative path; a pattern's, such
    as ``album/**/*.jpg``, keep their path from where its wildcards begin. Of several inputs, each folder keeps its
    name, too. Where a result has not its picture's own format, since another was asked for or that is not written, its
    ending comes after the whole name, so that a.bmp and a.png never share a result.

    ConfigError: no folder for several results, two results of one name, or a result that would replace an input.
    ImageError: a folder or a pattern without pictures.
    """
    given = [Path(os.path.expanduser(path)) for path in inputs]  # noqa: PTH111
    output = Path(os.path.expanduser(output)) if output is not None else None  # noqa: PTH111
    first = given[0]
    if len(given) == 1 and not first.is_dir() and not _is_pattern(first):
        if output is None:
            name = f"{first.stem}-{ending}.{format or ('mp4' if is_video(first) else 'png')}"
            return _checked([(first, inside(first.parent, name, error=ConfigError))])
        if output.suffix and not output.is_dir():
            fits = not format or FORMATS.get(output.suffix.lower()) == FORMATS[f".{format}"]
            require(fits, f"{str(output)!r} and --format {format} contradict each other; leave one out")
            return _checked([(first, output)])
    one = output is not None and (output.is_file() or (output.suffix.lower() in FORMATS and not output.is_dir()))
    require(not one, f"{str(output)!r} names a file, and many results need a folder; change -o")
    pairs: dict[Path, Pair] = {}
    for path in given:
        folder = path.is_dir()
        require(folder or output is not None, "several files need a folder for their results: add -o FOLDER")
        base = path.resolve() if folder else _before_wildcards(path) if _is_pattern(path) else path.parent
        require(not folder or base != base.parent, "color a folder of pictures, not a whole disk")
        target = output or base.with_name(f"{base.name}-{ending}")
        pictures = _found(path, base, target.resolve(), recursive)
        target = target / base.name if folder and len(given) > 1 and output is not None else target
        for source in pictures:
            name = source.relative_to(base)
            kind = (FORMATS | {".mp4": "MP4"}).get(name.suffix.lower())
            if kind is None or (format and kind != FORMATS[f".{format}"]):
                name = name.with_name(f"{name.name}.{format or ('mp4' if is_video(source) else 'png')}")
            pair = inside(base, source.relative_to(base), links=True), inside(target, name, error=ConfigError)
            pairs.setdefault(source.parent.resolve() / source.name, pair)
    return _checked(list(pairs.values()))


def _has_folders(folder: Path) -> bool:
    """Whether there are folders within a folder, hidden ones apart."""
    return any(p.is_dir() and not p.name.startswith(".") for p in folder.iterdir())


def _is_pattern(path: Path) -> bool:
    return glob.escape(str(path)) != str(path) and not path.exists()


def _found(path: Path, base: Path, target: Path, recursive: bool) -> list[Path]:
    """The pictures in a folder or of a pattern, hidden ones apart, whose names begin at ``base``; else the file."""
    if path.is_dir():
        below = base in target.parents  # results of an earlier run below the same folder are no originals
        pictures = [p for p in find_pictures(base, recursive) if not (below and p.is_relative_to(target))]
        within = not recursive and _has_folders(base)
        no = f"in {str(base)!r}{'; to look into the folders within it, add --recursive' if within else ''}"
    elif _is_pattern(path):
        names = glob.glob(str(path.relative_to(base)), root_dir=base, recursive=True)  # noqa: PTH207  (none hidden)
        pictures = sorted(p for p in map(base.joinpath, names) if p.suffix.lower() in ENDINGS and p.is_file())
        no = f"match {str(path)!r}"
    else:
        return [path]
    require(bool(pictures), f"no pictures {no}", ImageError)
    return pictures


def find_mask(masks: Path, picture: Path, inputs: Sequence[Path]) -> Path:
    """The mask in a folder for a picture of :func:`plan`: it has its name, or its name with another ending.

    One that was found, as ``--stages`` writes it, comes first. ConfigError where there is none.
    """
    folder, bases = picture.parent.resolve(), (p if p.exists() else _before_wildcards(p) for p in map(Path, inputs))
    within = (folder.relative_to(base) for base in map(Path.resolve, bases) if folder.is_relative_to(base))
    masks = masks / next(within, "")
    names = re.compile(rf"({re.escape(picture.stem)}|{re.escape(picture.name)})(-\d-damage)?")
    found = [path for path in find_pictures(masks, recursive=False) if names.fullmatch(path.stem)]
    require(bool(found), f"no mask of {picture.name!r} in {str(masks)!r}; name it {picture.stem + '.png'!r}")
    return min(found, key=lambda path: ("-damage" not in path.stem, path.name != picture.name))


def _before_wildcards(pattern: Path) -> Path:
    return Path(*takewhile(lambda part: glob.escape(part) == part, pattern.parts))


def _checked(pairs: list[Pair]) -> list[Pair]:
    """The same pairs, if no result would replace a picture or another result."""
    sources = {source.resolve() for source, _ in pairs}
    times = Counter(result.resolve() for _, result in pairs)
    for _, result in pairs:
        place, name = result.resolve(), repr(str(result))
        require(place not in sources, f"the result would replace {name}; choose another -o")
        require(times[place] == 1, f"two results would be called {name}; color them into separate folders")
    return pairs
