"""Outputs of notebooks as others are shown them: small pictures, no progress bars, no places of one machine."""

from __future__ import annotations

import base64
import re
import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from PIL import Image

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError

LONGEST_SIDE = 1000
"""Of a picture, in pixels: GitHub's column is narrower."""

QUALITIES = (85, 80, 75, 70, 65, 60, 55, 50)
"""JPEG's, the first that makes a notebook small enough; below 50, blocks show."""

_RASTER = ("image/jpeg", "image/png")
# Where a machine keeps what belongs to it or its people. A path begins a word.
_PLACE = re.compile(r"(?<![\w.~}])/(?:home|root|Users|tmp|var|private|mnt|opt|usr)/\w[^\s'\"]*")
_PROGRESS = re.compile(r"\d+%\||\d(?:it/s|s/it)\b")  # as tqdm writes it


def clean_outputs(cell: NotebookNode) -> None:
    """Make a code cell's outputs fit for any reader, in place; pictures stay as they are.

    What was printed in pieces becomes one, a line that was written over shows its last state, progress bars go, and
    paths are told from the repository or the home folder on.

    Args:
        cell: a code cell that has run.
    """
    outputs: list[NotebookNode] = []
    for shown in cell.outputs:
        last = outputs[-1] if outputs else None
        if shown.output_type == "stream" and last and last.get("name") == shown.name:
            last.text += shown.text
        else:
            outputs.append(shown)
    for shown in outputs:
        if shown.output_type == "stream":
            lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in shown.text.split("\n")]
            shown.text = "\n".join(line for line in lines if not _PROGRESS.search(line))
    cell.outputs = [_told_from_here(shown) for shown in outputs if shown.get("text", "shown").strip()]


def shrink_pictures(notebook: NotebookNode, most_bytes: int) -> None:
    """Write a notebook's pictures as JPEG, as good as the size allows, in place.

    Args:
        notebook: with outputs.
        most_bytes: that the notebook's file must stay below.

    Raises:
        DataError: it is larger even so.
    """
    pictures = []
    for data in _bundles(notebook):
        kinds = [kind for kind in _RASTER if kind in data]
        if kinds:
            pictures.append((data, _open(data[kinds[-1]])))  # PNG where there are both: nothing is lost in it
            for kind in kinds:
                del data[kind]
    for quality in QUALITIES:
        for data, picture in pictures:
            data["image/jpeg"] = _jpeg(picture, quality)
        size = len(nbformat.writes(notebook).encode())
        if size < most_bytes:
            return
    raise DataError(f"{size:,} bytes with pictures at JPEG quality {quality}, {most_bytes:,} allowed: show fewer")


def local_places(notebook: NotebookNode) -> list[str]:
    """Paths of a machine in what a notebook's cells have written."""
    places = []
    for text in _texts([cell.outputs for cell in notebook.cells if cell.cell_type == "code"]):
        places += [match[0] for match in _PLACE.finditer(text)]
        places += [place for place in _own_places() if re.search(rf"{re.escape(place)}\b", text)]
    return sorted(set(places))


def _bundles(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        for shown in cell.get("outputs", []):
            if "data" in shown:
                yield shown.data


def _open(encoded: str) -> Image.Image:
    picture = Image.open(BytesIO(base64.b64decode(encoded)))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return picture


def _jpeg(picture: Image.Image, quality: int) -> str:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality, optimize=True, progressive=True)
    return base64.b64encode(stream.getvalue()).decode()


def _told_from_here(value: Any) -> Any:
    """The same output with every path told from the repository, the home folder or a package's name on."""
    if isinstance(value, dict):
        return type(value)({key: one if key in _RASTER else _told_from_here(one) for key, one in value.items()})
    if isinstance(value, list):
        return [_told_from_here(one) for one in value]
    if not isinstance(value, str):
        return value
    value = re.sub(rf"{re.escape(tempfile.gettempdir())}/ipykernel_\d+/\d+\.py", "this cell", value)
    value = re.sub(r"(?<!\w)/[^\s'\"]*/site-packages/", "", value)
    for place, shown in _own_places().items():
        value = re.sub(rf"(?<![\w.]){re.escape(place)}(?=\W|$)", shown, value)
    return value


def _own_places() -> dict[str, str]:
    """Folders of this machine and what others are told instead; the first that fits counts."""
    places = {paths.ROOT: ".", Path(sys.base_prefix) / "lib": "lib", Path.home(): "~"}
    return {str(place): shown for place, shown in places.items() if len(place.parts) > 1}


def _texts(value: Any) -> Iterator[str]:
    """Every string in outputs that is no picture."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in _RASTER:
                yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
