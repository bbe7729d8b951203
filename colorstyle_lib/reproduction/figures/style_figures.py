"""The figure of style transfer: demo photographs in the looks of our own gallery, by the released weights."""

from __future__ import annotations

from PIL import Image

from colorstyle_lib.course.plots.common import picture_grid
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.data.style_gallery import style
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.reproduction.figures.sidecar import KeptFigure

_SIDE = 288
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "china", "flower")
_STYLES = ("brush", "night", "ink", "watercolor", "waves", "batik", "mosaic", "facets")


def style_sheet() -> KeptFigure:
    """Six photographs in eight looks; the first row shows the photographs, the first column the styles.

    Raises:
        DataError: the released weights only color.
    """
    model = ColorStyle.load()
    if not model.generator.config.restyling:
        raise DataError("the released weights only color")
    photographs = [shrink(PHOTOGRAPHS[name].open(), _SIDE) for name in _PHOTOGRAPHS]
    looks = [to_picture(style(name, 256).image) for name in _STYLES]
    made = [[model.stylize(photograph, look).image for photograph in photographs] for look in looks]
    nothing = Image.new("RGB", looks[0].size, "white")
    pictures = [[nothing, *photographs], *([look, *row] for look, row in zip(looks, made, strict=True))]
    moved = {
        f"mean change of {name}, {look}": (to_tensor(one) - to_tensor(photograph)).abs().mean().item()
        for look, row in zip(_STYLES, made, strict=True)
        for name, photograph, one in zip(_PHOTOGRAPHS, photographs, row, strict=True)
    }
    figure = picture_grid(pictures, row_titles=["photographs", *_STYLES], height=0.8)
    metric = f"mean absolute difference from the photograph, sRGB in [0, 1], {_SIDE} px of shorter side, strength 1"
    credits = [f"{name}: {PHOTOGRAPHS[name].author}, {PHOTOGRAPHS[name].licence}" for name in _PHOTOGRAPHS]
    about = {"photographs": credits, "styles": ["drawn by this project's own code"]}
    return KeptFigure(figure, metric, len(_PHOTOGRAPHS), moved, weights=model.weights_hash, about=about)
