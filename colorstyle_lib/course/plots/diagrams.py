"""Diagrams of the generator, the discriminator, one training step and the course, drawn from boxes and arrows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from colorstyle_lib.config import GeneratorConfig, get_preset
from colorstyle_lib.course.plots.common import BLUE, GREEN, MODALITY_COLORS, ORANGE, PINK, SKY, VERMILION, new_figure

Point = tuple[float, float]
_HEIGHT = 0.62  # of a box


def _canvas(width: float, height: float, scale: float = 0.82) -> tuple[Figure, Axes]:
    figure, ax = new_figure(figsize=(scale * width, scale * height))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.set_axis_off()
    return figure, ax


def _box(ax: Axes, center: Point, text: str, color: str = "0.6", width: float = 1.9, height: float = _HEIGHT) -> None:
    """A rounded box with text, tinted in a color."""
    corner = (center[0] - width / 2, center[1] - height / 2)
    rounded = "round,pad=0,rounding_size=0.08"
    shape = FancyBboxPatch(corner, width, height, boxstyle=rounded, linewidth=1.2, edgecolor=color)
    shape.set_facecolor((*shape.get_edgecolor()[:3], 0.16))
    ax.add_patch(shape)
    ax.text(*center, text, ha="center", va="center", fontsize=8)


def _arrow(ax: Axes, start: Point, end: Point, color: str = "0.3", bend: float = 0.0) -> None:
    style = f"arc3,rad={bend}"
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


def discriminator_diagram(modalities: Sequence[str] = tuple(MODALITY_COLORS)) -> Figure:
    """The evidence of the discriminator: each modality's score, weighed by attention, at one level."""
    figure, ax = _canvas(12.4, 4.6)
    _box(ax, (1.2, 3.4), "picture: L, a, b", SKY)
    _box(ax, (3.9, 3.4), "convolutions", BLUE)
    _arrow(ax, (2.15, 3.4), (2.95, 3.4))
    _box(ax, (1.2, 1.6), "its modalities", "0.5")
    _arrow(ax, (1.2, 3.09), (1.2, 1.91))
    for y, name in zip((2.6, 1.6, 0.6), modalities, strict=False):
        color = MODALITY_COLORS[name]
        _box(ax, (3.9, y), name, color)
        _arrow(ax, (2.15, 1.6), (2.95, y))
        _box(ax, (6.5, y), f"score and energy\nof {name}", color, 2.0, 0.7)
        _arrow(ax, (4.85, y), (5.5, y))
        _arrow(ax, (4.85, 3.4), (5.6, y + 0.35), "0.6")
        _arrow(ax, (7.5, y), (8.2, 1.6))
    _box(ax, (9.2, 1.6), "softmax of energies:\nattention weights", VERMILION, 2.0, 0.9)
    _box(ax, (11.5, 1.6), "logit = sum of\nweight × score", GREEN, 1.7, 0.9)
    _arrow(ax, (10.2, 1.6), (10.65, 1.6))
    return figure


def training_step_diagram() -> Figure:
    """The way of the data through one gradient step: first the discriminator's, then the generator's."""
    figure, ax = _canvas(12.8, 4.8)
    _box(ax, (1.1, 3.9), "batch in gray", SKY)
    _box(ax, (3.6, 3.9), "generator G", BLUE)
    _box(ax, (6.1, 3.9), "generated pictures", SKY)
    _box(ax, (1.1, 0.9), "real pictures", SKY)
    _arrow(ax, (2.05, 3.9), (2.65, 3.9))
    _arrow(ax, (4.55, 3.9), (5.15, 3.9))
    _box(ax, (6.1, 0.9), "discriminator D", PINK)
    _arrow(ax, (2.05, 0.9), (5.15, 0.9))
    _arrow(ax, (6.1, 3.59), (6.1, 1.21))
    ax.text(6.2, 1.9, "detach: no gradient to G", ha="left", va="center", fontsize=7)
    _box(ax, (8.9, 0.9), "loss of D", ORANGE)
    _arrow(ax, (7.05, 0.9), (7.95, 0.9))
    _box(ax, (11.5, 0.9), "1. step of D", PINK)
    _arrow(ax, (9.85, 0.9), (10.55, 0.9), PINK)
    _box(ax, (8.9, 2.4), "D after its step, fixed", PINK, 2.2)
    _arrow(ax, (7.05, 3.75), (8.0, 2.75))
    _box(ax, (11.5, 2.4), "adversarial loss", ORANGE)
    _arrow(ax, (10.0, 2.4), (10.55, 2.4))
    _box(ax, (8.9, 3.9), "color loss", ORANGE)
    _arrow(ax, (7.05, 3.9), (7.95, 3.9))
    _arrow(ax, (1.1, 1.21), (8.3, 3.59), "0.6", bend=-0.15)
    ax.text(2.2, 1.75, "the real colors", ha="left", va="center", fontsize=7, color="0.4")
    _box(ax, (11.5, 3.9), "2. step of G, then EMA", BLUE, 2.3)
    _arrow(ax, (9.85, 3.9), (10.35, 3.9), BLUE)
    _arrow(ax, (11.5, 2.71), (11.5, 3.59), BLUE)
    return figure


COURSE: Mapping[str, str] = {
    "00 Start here": "use the model",
    "01 Data": "Lab, a data set",
    "02 GAN objective": "two GANs",
    "03 Attention": "the attention layer",
    "04 Training": "one gradient step",
    "05 Evaluation": "metrics, verdicts",
    "06 Colorize": "a guided filter",
    "07 Style transfer": "AdaIN, restyling",
    "09 Explore": "panels to play with",
}
"""Each notebook, and what the student builds in it."""


def course_map() -> Figure:
    """The notebooks in their order, and what the student builds in each: 06 and 07 need what 03 teaches."""
    figure, ax = _canvas(12.4, 3.0)
    places = [(1.2 + 2.5 * i, 2.2) for i in range(5)] + [(11.2, 0.7), (6.2, 0.7), (8.7, 0.7), (3.7, 0.7)]
    for (notebook, built), place, color in zip(COURSE.items(), places, (SKY, *[BLUE] * 5, *[GREEN] * 3), strict=True):
        _box(ax, place, f"{notebook}\n{built}", color, 2.1, 0.9)
    for start, end in pairwise(places[:5]):
        _arrow(ax, (start[0] + 1.05, start[1]), (end[0] - 1.05, end[1]))
    _arrow(ax, (11.2, 1.75), (11.2, 1.15))
    for end in places[6:8]:
        _arrow(ax, (8.7, 1.75), (end[0], 1.15))
    _arrow(ax, (5.15, 0.7), (4.75, 0.7))
    return figure
