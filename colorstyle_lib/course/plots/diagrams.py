"""Diagrams of the generator, the discriminator, one training step and the course, drawn from boxes and arrows."""

import tomllib
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from colorstyle_lib.config import get_preset
from colorstyle_lib.course.plots import common
from colorstyle_lib.course.plots.common import new_figure

Point = tuple[float, float]
_SCALE = 0.82  # inches for each unit of a drawing
_DRAWINGS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _box(ax: Axes, center: Point, text: str, color: str = "0.6", width: float = 1.9, height: float = 0.62) -> None:
    """A rounded box with text, tinted in a color of ours by its name, or of Matplotlib."""
    color = getattr(common, color, color)
    corner = (center[0] - width / 2, center[1] - height / 2)
    rounded = "round,pad=0,rounding_size=0.08"
    shape = FancyBboxPatch(corner, width, height, boxstyle=rounded, linewidth=1.2, edgecolor=color)
    shape.set_facecolor((*shape.get_edgecolor()[:3], 0.16))
    ax.add_patch(shape)
    ax.text(*center, text, ha="center", va="center", fontsize=8)


def _arrow(ax: Axes, start: Point, end: Point, color: str = "0.3", bend: float = 0.0) -> None:
    color, style = getattr(common, color, color), f"arc3,rad={bend}"
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=color, connectionstyle=style))


def _drawing(name: str) -> Figure:
    """A diagram of ``diagrams.toml``; channels and noise in its texts are those of the companion preset."""
    data, config = _DRAWINGS[name], get_preset("companion").generator
    channels = {2**i: min(config.width * 2 ** (i - 1), config.max_width) for i in range(1, config.depth)}
    width, height = data["size"]
    figure, ax = new_figure(figsize=(_SCALE * width, _SCALE * height))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.set_axis_off()
    for x, y, text, *look in data["boxes"]:
        _box(ax, (x, y), text.format(channels=channels, noise=config.noise), *look)
    for x, y, to_x, to_y, *look in data["arrows"]:
        _arrow(ax, (x, y), (to_x, to_y), *look)
    for x, y, text, color in data.get("texts", ()):
        ax.text(x, y, text, ha="left", va="center", fontsize=7, color=color)
    return figure


# The generator: encoder, decoder with skip connections, and the levels at which attention steers it.
generator_diagram = partial(_drawing, "generator")
# The evidence of the discriminator: each modality's score, weighed by attention, at one level.
discriminator_diagram = partial(_drawing, "discriminator")
# The way of the data through one gradient step: first the discriminator's, then the generator's.
training_step_diagram = partial(_drawing, "training_step")
# The notebooks in their order, and what the student builds in each: 06 and 07 need what 03 teaches.
course_map = partial(_drawing, "course_map")
