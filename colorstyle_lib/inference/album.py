"""One look for the pictures of an album: of each scene, the surest coloring gives the others their colors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ImageError
from colorstyle_lib.images.read import Source, open_picture

if TYPE_CHECKING:
    from colorstyle_lib.inference.colorstyle import ColorStyle

SAME_SCENE = 0.49
"""A reference's fit from which on it shows the same scene.

Measured: for 160 pairs of different photographs, half of them of one class, the fit was 0.27 to 0.47, and the reference
made a and b worse in 58 % of the pairs, whatever the fit (rank correlation with the change in dB: 0.04). For 20 pairs
of a photograph and its mirrored part it was 0.51 to 0.71, and the reference made a and b better in all.
"""
_FIT_SIDE = 192  # pixels of the shorter side at which this was measured
_SMALL = 256  # pixels of the shorter side of what is kept of each picture
_COMPARED = 64  # pictures that a further one is compared with, each 2 megabytes; and the first of every scene


@torch.inference_mode()
def places_of(model: ColorStyle, picture: Image.Image) -> Float[Tensor, "1 1 p c"]:
    """What stands at each place of a picture, whatever its color: vectors of length 1."""
    return model.generator.describe_reference(rgb_to_lab(model.working_copy(picture, _FIT_SIDE))).alike


def fit_of(own: Float[Tensor, "1 1 p c"], others: Float[Tensor, "1 1 q c"]) -> float:
    """How alike a picture's places are to the most alike place of another: the mean cosine, at most 1."""
    return (own @ others.mT).amax(-1).mean().item()


def album_references(model: ColorStyle, pictures: Sequence[Source], **options: Any) -> list[Image.Image | None]:
    """For each picture the reference that colors it as the others of its scene; None where it is colored by itself.

    By the least mean uncertainty first: a picture is of the scene of the earlier one that fits best, from
    :data:`SAME_SCENE` on, and takes the colors of that scene's first; or it begins a scene of its own. Small copies of
    all are held. One that cannot be opened gets None; options and errors are those of :meth:`.ColorStyle.colorize`.
    """
    options |= {"hints": ()}  # they are meant at full size
    seen: list[tuple[float, int, Image.Image]] = []
    for number, picture in enumerate(pictures):
        try:
            small = open_picture(picture)
        except ImageError:
            continue
        scale = min(1, _SMALL / min(small.size))
        small = small.resize([max(1, round(side * scale)) for side in small.size], reducing_gap=3.0)
        result = model.colorize(small, **options)
        unsure = 0.0 if result.uncertainty is None else result.uncertainty.mean().item()
        seen.append((unsure, number, result.image))
    found: list[Image.Image | None] = [None] * len(pictures)
    earlier: list[tuple[Image.Image, Tensor]] = []  # the first of its scene, and what stands in it
    for _, number, colored in sorted(seen, key=lambda one: one[:2]):
        places = places_of(model, colored)
        fits = [fit_of(places, others) for _, others in earlier]
        if max(fits, default=0.0) >= SAME_SCENE:
            found[number] = earlier[fits.index(max(fits))][0]
        if found[number] is None or len(earlier) < _COMPARED:
            earlier.append((found[number] or colored, places))
    return found
