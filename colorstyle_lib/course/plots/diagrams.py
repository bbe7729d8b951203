"""Diagrams of the generator, the discriminator, one training step and the course, drawn from boxes and arrows."""

import tomllib
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from colorstyle_lib.config import GeneratorConfig, get_preset
from colorstyle_lib.course.plots import common
from colorstyle_lib.course.plots.common import BLUE, MODALITY_COLORS, SKY, VERMILION, new_figure

Point = tuple[float, float]
_HEIGHT = 0.62  # of a box
_DRAWINGS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _canvas(width: float, height: float, scale: float = 0.82) -> tuple[Figure, Axes]:
    figure, ax = new_figure(figsize=(scale * width, scale * height))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.set_axis_off()
    return figure, ax


def _box(ax: Axes, center: Point, text: str, color: str = "0.6", width: float = 1.9, height: float = _HEIGHT) -> None:
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


def generator_diagram(config: GeneratorConfig | None = None) -> Figure:
    """The generator: encoder, decoder with skip connections, and the levels at which attention steers it.

    Sizes and channels are those of a configuration, by default the companion preset's.
    """
    config = config or get_preset("companion").generator
    halvings = config.depth
    figure, ax = _canvas(12.4, halvings + 1.6)
    rows = {i: halvings + 0.6 - i for i in range(halvings + 1)}  # by how often the size is halved
    left, right, attention, steered = 1.6, 5.6, 8.4, []
    _box(ax, (left, rows[0]), "content: L, ab, masks", SKY, 2.6)
    _box(ax, (right, rows[0]), "head: a and b", SKY, 2.6)
    for i in range(1, halvings + 1):
        _box(ax, (left, rows[i]), f"encoder 1/{2**i}", BLUE, 2.0)
        _arrow(ax, (left, rows[i - 1] - _HEIGHT / 2), (left, rows[i] + _HEIGHT / 2))
    for i in range(1, halvings):
        channels = min(config.width * 2 ** (i - 1), config.max_width)
        _box(ax, (right, rows[i]), f"decoder 1/{2**i}: {channels} channels", BLUE, 2.6)
        _arrow(ax, (left + 1.0, rows[i]), (right - 1.3, rows[i]), "0.6")
        _arrow(ax, (right, rows[i] + _HEIGHT / 2), (right, rows[i - 1] - _HEIGHT / 2))
        if 2**i in config.attention_at and config.attention != "none":
            _box(ax, (attention, rows[i]), f"attention 1/{2**i}", VERMILION, 1.9)
            _arrow(ax, (attention - 0.95, rows[i]), (right + 1.3, rows[i]), VERMILION)
            _arrow(ax, (10.2, rows[i]), (attention + 0.95, rows[i]))
            steered.append(rows[i])
    ax.text((left + right) / 2 - 0.1, rows[1] + 0.06, "skip connections", ha="center", va="bottom", fontsize=7)
    _arrow(ax, (left + 1.0, rows[halvings]), (right - 0.5, rows[halvings - 1] - _HEIGHT / 2), bend=0.2)
    if config.noise:
        _box(ax, (right + 2.2, rows[halvings]), f"noise z: {config.noise} numbers", "0.5", 2.3)
        _arrow(ax, (right + 1.05, rows[halvings]), (right + 0.5, rows[halvings - 1] - _HEIGHT / 2), bend=-0.2)
    if steered:
        middle = (max(steered) + min(steered)) / 2
        _box(ax, (11.2, middle), "", "0.5", 2.0, 2.9)
        for place, name in zip((0.85, 0.0, -0.85), config.modalities, strict=False):
            _box(ax, (11.2, middle + place), name, MODALITY_COLORS[name], 1.5)
        title = "modalities of the picture\nand of a reference"
        ax.text(11.2, middle + 1.55, title, ha="center", va="bottom", fontsize=8)
    return figure


def _drawing(name: str) -> Figure:
    """A diagram of ``diagrams.toml``."""
    data = _DRAWINGS[name]
    figure, ax = _canvas(*data["size"])
    for x, y, text, *look in data["boxes"]:
        _box(ax, (x, y), text, *look)
    for x, y, to_x, to_y, *look in data["arrows"]:
        _arrow(ax, (x, y), (to_x, to_y), *look)
    for x, y, text, color in data.get("texts", ()):
        ax.text(x, y, text, ha="left", va="center", fontsize=7, color=color)
    return figure


def discriminator_diagram() -> Figure:
    """The evidence of the discriminator: each modality's score, weighed by attention, at one level."""
    return _drawing("discriminator")


def training_step_diagram() -> Figure:
    """The way of the data through one gradient step: first the discriminator's, then the generator's."""
    return _drawing("training_step")


def course_map() -> Figure:
    """The notebooks in their order, and what the student builds in each: 06 and 07 need what 03 teaches."""
    return _drawing("course_map")
