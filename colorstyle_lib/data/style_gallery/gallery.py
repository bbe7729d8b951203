"""A gallery of style pictures drawn by our own code, for style transfer; anybody may use and show them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.data.style_gallery import assembled, faceted, painted, printed, washed
from colorstyle_lib.data.style_gallery.canvas import SIDE, Array, to_pil
from colorstyle_lib.errors import ConfigError, check_known

_SMALLEST = 32


@dataclass(frozen=True)
class StylePicture:
    """A picture whose look is to be taken.

    Attributes:
        name: short, for code and the command line.
        title: for people.
        image: sRGB in [0, 1].
    """

    name: str
    title: str
    image: Float[Tensor, "3 size size"]


_DRAWN_BY: dict[str, tuple[str, Callable[[np.random.Generator], Array]]] = {
    "brush": ("Poppy field, brush strokes", painted.poppy_field),
    "night": ("Night over the valley, swirling strokes", painted.night_sky),
    "points": ("Sunday at the lake, pointillism", painted.sunday_lake),
    "ink": ("Mountains in mist, ink wash", washed.ink_mountains),
    "watercolor": ("Anemones, watercolor", washed.watercolor_flowers),
    "crayon": ("Town by the sea, crayon", painted.crayon_town),
    "waves": ("Waves and a mountain, color print", printed.great_waves),
    "woodblock": ("Autumn evening, woodblock", printed.autumn_print),
    "batik": ("Flowers in indigo, batik", washed.indigo_batik),
    "cut_paper": ("Paper garden, cut paper", printed.paper_garden),
    "linocut": ("Harvest sun, linocut", printed.harvest_linocut),
    "mosaic": ("Sun over the sea, mosaic", assembled.sun_mosaic),
    "glass": ("Rose window, stained glass", assembled.rose_window),
    "geometry": ("Circles and bars, Bauhaus", assembled.weimar_geometry),
    "facets": ("Guitar and bottle, cubism", faceted.cubist_table),
}

STYLES: tuple[str, ...] = tuple(_DRAWN_BY)
"""Names of all style pictures, in the order in which :func:`styles` gives them."""


def style(name: str, size: int = 256, seed: int = 0) -> StylePicture:
    """Draw one style picture.

    Args:
        name: one of :data:`STYLES`.
        size: side in pixels, from 32 to 1024; the picture is the same at every size.
        seed: same seed, same picture; another seed draws another hand at the same subject.

    Raises:
        ConfigError: no style has this name, the message names the nearest one; or the size is out of range.
    """
    check_known("style", name, STYLES)
    if not _SMALLEST <= size <= SIDE:
        raise ConfigError(f"a style picture has a size from {_SMALLEST} to {SIDE} pixels, not {size}")
    title, draw = _DRAWN_BY[name]
    canvas = to_pil(draw(np.random.default_rng((seed, zlib.crc32(name.encode())))))
    # Resizing with LANCZOS looks at all pixels that it merges, so edges come out anti-aliased.
    small = np.array(canvas.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 255
    return StylePicture(name, title, torch.from_numpy(small).permute(2, 0, 1).contiguous())


def styles(size: int = 256, seed: int = 0) -> list[StylePicture]:
    """Draw the whole gallery; arguments, order and errors as in :func:`style` and :data:`STYLES`."""
    return [style(name, size, seed) for name in STYLES]
