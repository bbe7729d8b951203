"""The diagrams: they show what the configuration has, and no text leaves its box."""

import pytest
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.figure import Figure

from colorstyle_lib.config import get_preset
from colorstyle_lib.course import plots
from colorstyle_lib.paths import NOTEBOOKS

COMPANION = get_preset("companion").generator
DIAGRAMS = [plots.generator_diagram, plots.discriminator_diagram, plots.training_step_diagram, plots.course_map]


def attention_levels(figure: Figure) -> list[str]:
    return [text for text in texts(figure) if text.startswith("attention 1/")]


def test_the_generator_is_drawn_with_its_levels_of_attention():
    figure = plots.generator_diagram()
    assert attention_levels(figure) == [f"attention 1/{level}" for level in sorted(COMPANION.attention_at)]
    written = texts(figure)
    assert [t for t in written if t.startswith("encoder")] == [
        f"encoder 1/{2**i}" for i in range(1, COMPANION.depth + 1)
    ]
    assert {"decoder 1/4: 48 channels", f"noise z: {COMPANION.noise} numbers", *COMPANION.modalities} <= set(written)


def test_the_map_has_every_notebook():
    numbers = {text[:2] for text in texts(plots.course_map())}
    assert numbers == {path.name[:2] for path in NOTEBOOKS.glob("0*.ipynb")}


@pytest.mark.parametrize("draw", DIAGRAMS)
def test_no_text_leaves_its_box_or_the_figure(draw):
    figure = draw()
    figure.canvas.draw()
    (ax,) = figure.axes
    boxes = [patch.get_window_extent() for patch in ax.patches if patch.get_facecolor()[3] < 1]
    for text in ax.texts:
        extent = text.get_window_extent()
        assert figure.bbox.contains(extent.x0, extent.y0), text.get_text()
        assert figure.bbox.contains(extent.x1, extent.y1), text.get_text()
        for box in boxes:
            inside = box.contains(extent.x0, extent.y0) and box.contains(extent.x1, extent.y1)
            assert inside or not box.overlaps(extent), text.get_text()
