"""The figures that the repository shows: each made by one function, written with a sidecar of its facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError, check_known
from colorstyle_lib.reproduction.figures import from_results, from_weights
from colorstyle_lib.reproduction.figures.sidecar import KeptFigure, keep_figure


class FigureSpec(NamedTuple):
    """How a figure is drawn, its formats (photographs are ten times larger as PNG), and the mode of its numbers."""

    make: Callable[[], KeptFigure]
    formats: tuple[str, ...] = ("png", "pdf")
    mode: str = "full"


FIGURES = {
    "first_light": FigureSpec(from_weights.first_light, ("jpg",), "quick"),
    "contact_sheet": FigureSpec(from_weights.contact_sheet, ("jpg",), "quick"),
    "style_sheet": FigureSpec(from_weights.style_sheet, ("jpg",), "quick"),
    "calibration": FigureSpec(from_weights.demo_calibration, mode="quick"),
    "opponents": FigureSpec(from_results.opponents),
    "steering": FigureSpec(from_results.steering),
    "ablations": FigureSpec(from_results.ablations),
    "metric_atlas": FigureSpec(from_results.metric_atlas),
    "training": FigureSpec(from_results.training),
    "style_pareto": FigureSpec(from_results.style_pareto),
}


def make_figures(names: Sequence[str] = (), folder: Path | None = None) -> list[Path]:
    """Make figures in ``figures/`` or another folder, each with a sidecar; without names, all that can be made.

    Raises:
        ConfigError: a name that is no figure. DataError: what a named one needs is not there.
    """
    for name in names:
        check_known("figure", name, FIGURES)
    made = []
    for name in names or FIGURES:
        make, formats, mode = FIGURES[name]
        try:
            with plt.style.context(paths.STYLE_FILE):
                made.append(keep_figure(name, make(), formats, mode, folder))
        except DataError as error:
            if names:
                raise
            print(f"left out {name}: {error}")
            continue
        print(made[-1])
    return made
