"""A gallery of fifteen style pictures, our own drawings; anybody may use and show them."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.images.read import open_picture, to_tensor

TITLES = {
    "brush": "Poppy field, brush strokes",
    "night": "Night over the valley, swirling strokes",
    "points": "Sunday at the lake, pointillism",
    "ink": "Mountains in mist, ink wash",
    "watercolor": "Anemones, watercolor",
    "crayon": "Town by the sea, crayon",
    "waves": "Waves and a mountain, color print",
    "woodblock": "Autumn evening, woodblock",
    "batik": "Flowers in indigo, batik",
    "cut_paper": "Paper garden, cut paper",
    "linocut": "Harvest sun, linocut",
    "mosaic": "Sun over the sea, mosaic",
    "glass": "Rose window, stained glass",
    "geometry": "Circles and bars, Bauhaus",
    "facets": "Guitar and bottle, cubism",
}
STYLES: tuple[str, ...] = tuple(TITLES)
"""Names of all style pictures, in the order in which :func:`styles` gives them."""

VARIANTS = 4
"""How often each subject was drawn."""

TRAINING_VARIANTS = (0, 1, 2)
"""What training learns from; the last variant is held out."""


@dataclass(frozen=True)
class StylePicture:
    """A picture whose style is to be taken: sRGB in [0, 1], with a name for code and a title for people."""

    name: str
    title: str
    image: Float[Tensor, "3 size size"]


def style(name: str, size: int = 256, seed: int = 0) -> StylePicture:
    """Load one style picture.

    Args:
        size: side in pixels, from 32 to 1024. The files have 256; other sizes are resampled (Lanczos).
        seed: chooses the variant, modulo :data:`VARIANTS`.

    Raises:
        ConfigError: no style has this name, or the size is out of range.
    """
    check_known("style", name, STYLES)
    if not 32 <= size <= 1024:
        raise ConfigError(f"a style picture has a size from 32 to 1024 pixels, not {size}")
    picture = open_picture(paths.STYLES / f"{name}-{seed % VARIANTS}.jpg")
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return StylePicture(name, TITLES[name], to_tensor(picture))


def styles(size: int = 256, seed: int = 0) -> list[StylePicture]:
    """Load one variant of the whole gallery; arguments and errors as in :func:`style`, order as in :data:`STYLES`."""
    return [style(name, size, seed) for name in STYLES]
