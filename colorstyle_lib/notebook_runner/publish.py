"""``figures/executed/``: the notebooks with outputs, for readers who run none; by ``colorstyle run --keep``.

A check compares them with the course's present code, and looks for outputs that are not fit for any reader.
"""

import base64
import re
import sys
import tempfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor, TagRemovePreprocessor
from nbformat import NotebookNode
from PIL import Image

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError, require
from colorstyle_lib.files import atomic_write

FOLDER = paths.FIGURES / "executed"
INDEX = "README.md"

MOST_BYTES = 1_000_000  # limit of one notebook's file: GitHub shows larger ones late or not at all
MOST_BYTES_TOGETHER = 8_000_000
WANTED_BYTES = 780_000  # so that ten stay below that; one with many pictures may have more
LONGEST_SIDE = 1000  # limit of a picture's sides, in pixels: GitHub's column is narrower

# JPEG qualities, of which the first that makes a notebook small enough is taken; below 50, blocks show.
QUALITIES = (85, 80, 75, 70, 65, 60, 55, 50, 45)
_RASTER = ("image/jpeg", "image/png")
_PROGRESS = re.compile(r"^.*(?:\d+%\||\d(?:it/s|s/it)\b).*\n?", re.MULTILINE)  # a line that tqdm wrote
# Folders of this machine, and what stands for them in a published output. The first that fits counts.
_FOLDERS = {str(paths.ROOT): ".", f"{sys.base_prefix}/lib": "lib", str(Path.home()): "~"}
_OWN = {re.escape(place): shown for place, shown in _FOLDERS.items() if len(place) > 1}
_SHORTER = {
    rf"{re.escape(tempfile.gettempdir())}/ipykernel_\d+/\d+\.py": "this cell",
    r"(?<!\w)/[^\s'\"]*/site-packages/": "",
    **{rf"(?<![\w.]){place}(?=\W|$)": shown for place, shown in _OWN.items()},
}
# Where any machine keeps what belongs to it or its people. A path begins a word.
_FOREIGN = r"(?<![\w.~}])/(?:home|root|Users|tmp|var|private|mnt|opt|usr)/\w[^\s'\"]*"
_PLACE = re.compile("|".join([_FOREIGN, *(rf"{place}\b" for place in _OWN)]))
_LINK = re.compile(r"\]\((?=\.\./|solutions/|\w+\.md)")  # a link that is not to a neighboring notebook

_HEAD = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")  # of the index


def command(name: str, mode: str) -> str:
    """The command that makes a published notebook."""
    return f"colorstyle run {name} --mode {mode} --keep"


def keep_notebook(executed: Path, source: Path, facts: dict[str, Any], folder: Path = FOLDER) -> None:
    """Publish a notebook with the outputs of an executed copy, small and fit for any reader, and renew the index.

    The index shows the ``facts`` of the run: ``mode``, ``seconds`` ... DataError: the notebook was edited while it ran,
    an output is not fit for readers, or it is too large.
    """
    notebook, ran = read_notebook(source), clean_outputs(read_notebook(executed))
    same = [cell.source for cell in notebook.cells] == [cell.source for cell in ran.cells]
    require(same, f"{source.name} was edited while it ran: {command(source.stem, facts['mode'])}", DataError)
    for cell, done in zip(notebook.cells, ran.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs = done.outputs
        else:
            cell.source = _LINK.sub("](../../notebooks/", cell.source)
    for number, cell in enumerate(code_cells(notebook), start=1):
        for numbered in (cell, *(one for one in cell.outputs if one.output_type == "execute_result")):
            numbered.execution_count = number
    notebook.metadata["colorstyle"] = facts
    shrink_pictures(notebook, WANTED_BYTES, MOST_BYTES)
    if problems := output_problems(notebook):
        raise DataError(f"{source.name} is not kept: {problems[0]}")
    with atomic_write(folder / source.name, "w", DataError) as file:
        file.write(nbformat.writes(notebook) + "\n")
    with atomic_write(folder / INDEX, "w", DataError) as file:
        file.write(index(folder))


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook as it is; ``nbformat.read`` would mend it. DataError: it is none."""
    try:
        notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        nbformat.validate(notebook)
    except (OSError, ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
        raise DataError(f"{path.name} is not a notebook that can be read: {str(error).splitlines()[0]}") from error
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that can run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def clean_outputs(notebook: NotebookNode) -> NotebookNode:
    """Make a notebook's outputs fit for any reader; pictures stay as they are.

    Printed pieces are joined, a line that was written over shows its last state, progress bars and papermill's own cell
    go, and paths begin at the repository or the home folder.
    """
    notebook, _ = TagRemovePreprocessor(remove_cell_tags={"injected-parameters"}).preprocess(notebook, {})
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream":
                output.text = _PROGRESS.sub("", output.text.replace("\r\n", "\n"))
        shown = [output for output in cell.outputs if output.get("text", "shown").strip()]
        for place, instead in _SHORTER.items():
            shown = _map_texts(partial(re.sub, place, instead), shown)
        cell.outputs = shown
    return notebook


def shrink_pictures(notebook: NotebookNode, wanted_bytes: int, most_bytes: int) -> None:
    """Write a notebook's pictures as JPEG, in place, as good as the wanted size of its file allows.

    DataError where the smallest file is larger than the limit, too.
    """
    pictures = []
    for data in (output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs):
        if encoded := [data.pop(kind) for kind in _RASTER if kind in data]:
            picture = Image.open(BytesIO(base64.b64decode(encoded[-1]))).convert("RGBA")  # PNG: nothing is lost in it
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            pictures.append((data, picture))
    for quality in QUALITIES:
        for data, picture in pictures:
            stream = BytesIO()
            picture.save(stream, "JPEG", quality=quality, optimize=True, progressive=True)
            data["image/jpeg"] = base64.b64encode(stream.getvalue()).decode()
        size = len(nbformat.writes(notebook).encode())
        if size < wanted_bytes:
            return
    allowed = f"{size:,} bytes with pictures at JPEG quality {quality}, {most_bytes:,} allowed: show fewer"
    require(size < most_bytes, allowed, DataError)


def output_problems(notebook: NotebookNode) -> list[str]:
    """What must not be in published outputs, a line for each problem."""
    places: set[str] = set()
    for cell in code_cells(notebook):
        _map_texts(lambda text: places.update(_PLACE.findall(text)), cell.outputs)
    problems = [f"an output names {place}" for place in sorted(places)]
    for number, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != number:
            problems.append(f"code cell {number} has not run in its place")
        problems += [f"code cell {number} ends in {o.ename}" for o in cell.outputs if o.output_type == "error"]
        if any("jupyter.widget" in kind for output in cell.outputs for kind in output.get("data", {})):
            problems.append(f"code cell {number} shows a widget, which GitHub does not")
    if "widgets" in notebook.metadata:
        problems.append("it holds widgets' states, with which GitHub shows nothing")
    return problems


def index(folder: Path = FOLDER) -> str:
    """The page that lists a folder's notebooks; DataError where one was not made by :func:`keep_notebook`."""
    rows = []
    for path in sorted(folder.glob("*.ipynb")):
        facts = read_notebook(path).metadata.get("colorstyle")
        require(bool(facts), f"{path.name} does not say how it was made: {command(path.stem, 'quick')}", DataError)
        versions = ", ".join(f"{package} {facts[package]}" for package in ("python", "torch", "numpy", "colorstyle"))
        rows.append(
            f"| [{path.stem}]({path.name}) | {facts['mode']} | {facts['seconds']:.0f} | {facts['peak_memory_mib']} MiB "
            f"| {facts['hardware']} | {versions} | {facts['commit']} | `{facts['command']}` |\n"
        )
    return _HEAD + "".join(rows)


def check_executed(folder: Path = FOLDER, notebooks: Path = paths.NOTEBOOKS) -> list[Any]:
    """A :class:`.CheckResult` for each notebook of the course and its published copy, and one for copies and index."""
    from colorstyle_lib.reproduction.results.store import CheckResult  # late: `run --help` must not wait for torch

    course = {path.name: path for path in sorted(notebooks.glob("*.ipynb"))}
    kept = sorted(folder.glob("*.ipynb"))
    problems = [f"{path.name} is no notebook of the course: remove it" for path in kept if path.name not in course]
    if (size := sum(path.stat().st_size for path in kept)) > MOST_BYTES_TOGETHER:
        problems.append(f"{size:,} bytes together, {MOST_BYTES_TOGETHER:,} allowed")
    page = folder / INDEX
    try:
        if kept and not (page.is_file() and page.read_text(encoding="utf-8") == index(folder)):
            problems.append(f"{page.name} is not the index of these notebooks: {command('NAME', 'quick')}")
    except DataError as error:
        problems.append(str(error))
    together = CheckResult("executed", f"{len(kept)} of {len(course)} notebooks with outputs", tuple(problems))
    return [*(CheckResult(*_check(path, folder / name)) for name, path in course.items()), together]


def _check(source: Path, kept: Path) -> tuple[Any, ...]:
    name, again = f"executed/{source.stem}", command(source.stem, "quick")
    if not kept.is_file():
        return name, f"not kept yet: {again}", (), True
    try:
        ours, theirs = read_notebook(source), read_notebook(kept)
    except DataError as error:
        return name, str(error), (f"{error}; make it again: {again}",)
    problems, code = output_problems(theirs), code_cells(theirs)
    if [cell.source for cell in code_cells(ours)] != [cell.source for cell in code]:
        problems.insert(0, f"its code is no longer that of the notebook: {again}")
    if (size := kept.stat().st_size) > MOST_BYTES:
        problems.append(f"{size:,} bytes, {MOST_BYTES:,} allowed: {again}")
    return name, f"{len(code)} code cells, {size / 1000:.0f} kB", tuple(problems)


def _map_texts(change: Any, value: Any) -> Any:
    """The same outputs with every string changed that is no picture."""
    if isinstance(value, dict):
        return type(value)({key: one if key in _RASTER else _map_texts(change, one) for key, one in value.items()})
    if isinstance(value, list):
        return [_map_texts(change, one) for one in value]
    return change(value) if isinstance(value, str) else value
