"""The figures that the repository shows: each made by one function, written with a sidecar of its facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError, check_known
from colorstyle_lib.reproduction.figures import from_results as shown_numbers
from colorstyle_lib.reproduction.figures import from_weights as shown_pictures
from colorstyle_lib.reproduction.figures import style_figures as shown_styles
from colorstyle_lib.reproduction.figures.sidecar import KeptFigure, keep_figure


@dataclass(frozen=True)
class FigureSpec:
    """How a figure is made.

    Attributes:
        make: draws it; raises DataError where what it needs is not there yet.
        formats: JPEG for photographs, which are ten times larger as PNG; PNG and PDF for curves.
        mode: how much work is behind its numbers.
    """

    make: Callable[[], KeptFigure]
    formats: tuple[str, ...] = ("png", "pdf")
    mode: str = "full"


# The first four compute on the demo photographs with the released weights; the others look numbers up.
FIGURES: dict[str, FigureSpec] = {
    "first_light": FigureSpec(shown_pictures.first_light, ("jpg",), "quick"),
    "contact_sheet": FigureSpec(shown_pictures.contact_sheet, ("jpg",), "quick"),
    "style_sheet": FigureSpec(shown_styles.style_sheet, ("jpg",), "quick"),
    "calibration": FigureSpec(shown_pictures.demo_calibration, mode="quick"),
    "opponents": FigureSpec(shown_numbers.opponents),
    "steering": FigureSpec(shown_numbers.steering),
    "ablations": FigureSpec(shown_numbers.ablations),
    "metric_atlas": FigureSpec(shown_numbers.metric_atlas),
    "training": FigureSpec(shown_numbers.training),
    "style_pareto": FigureSpec(shown_numbers.style_pareto),
}


def make_figures(names: Sequence[str] = (), folder: Path | None = None) -> list[Path]:
    """Make figures in ``figures/``, each with a sidecar; without names, all that can be made.

    Args:
        names: which; empty for all.
        folder: another place for them.

    Returns:
        The pictures' paths.

    Raises:
        ConfigError: a name that is no figure. DataError: what a named one needs is not there.
    """
    for name in names:
        check_known("figure", name, FIGURES)
    made = []
    for name in names or FIGURES:
        maker = FIGURES[name]
        try:
            with plt.style.context(paths.STYLE_FILE):
                path = keep_figure(name, maker.make(), maker.formats, maker.mode, folder)
        except DataError as error:
            if names:
                raise
            print(f"left out {name}: {error}")
            continue
        print(path)
        made.append(path)
    return made
