"""The figures that the repository shows: each made by one function, written with a sidecar of its facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from colorstyle_lib import paths
from colorstyle_lib.course import versions
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.demo import PHOTOGRAPHS
from colorstyle_lib.errors import check_known
from colorstyle_lib.figures import picture_grid
from colorstyle_lib.images import to_picture, to_tensor
from colorstyle_lib.opponents import gray
from colorstyle_lib.pipeline import ColorStyle
from colorstyle_lib.writing import atomic_write


@dataclass(frozen=True)
class Shown:
    """A figure and what a reader must know about it."""

    figure: Figure
    facts: dict[str, str | int | float | list[str]]


def first_light() -> Shown:
    """Demo photographs in gray, colored by the released weights, and as they were."""
    model = ColorStyle.load()
    names = ["chelsea", "rocket", "coffee", "china", "flower"]
    real = [shrink(PHOTOGRAPHS[name].open(), 300) for name in names]
    given = [to_picture(gray(to_tensor(p)[None])[0]) for p in real]
    ours = [model.colorize(p).image for p in real]
    figure = picture_grid([given, ours, real], row_titles=["given", "colored by this model", "real"], height=1.8)
    credits = [f"{name}: {PHOTOGRAPHS[name].author}, {PHOTOGRAPHS[name].licence}" for name in names]
    return Shown(figure, {"photographs": credits, "weights_sha256": model.weights_hash})


FIGURES: dict[str, Callable[[], Shown]] = {"first_light": first_light}


def make_figures(names: Sequence[str] = ()) -> list[Path]:
    """Make figures as ``figures/NAME.jpg`` with ``figures/NAME.json`` beside each.

    Args:
        names: which; empty for all.

    Returns:
        The pictures' paths.

    Raises:
        ConfigError: a name that is no figure.
    """
    for name in names:
        check_known("figure", name, FIGURES)
    plt.style.use(paths.PACKAGE / "colorstyle.mplstyle")
    made = []
    for name in names or FIGURES:
        shown = FIGURES[name]()
        stream = BytesIO()
        shown.figure.savefig(stream, format="jpg", pil_kwargs={"quality": 90})
        path = paths.FIGURES / f"{name}.jpg"
        with atomic_write(path) as file:
            file.write(stream.getvalue())
        sidecar = {"figure": name, "command": f"colorstyle figures make {name}", **versions(), **shown.facts}
        with atomic_write(path.with_suffix(".json"), "w") as file:
            file.write(json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n")
        print(path)
        made.append(path)
    return made
