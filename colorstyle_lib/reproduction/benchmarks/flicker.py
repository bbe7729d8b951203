"""Flicker from start to end: weights in, and how much restyled pans over the demo photographs flicker, out.

The motion of a pan is known, so that flicker can be measured; photographs and styles come with the package, so that
anybody can. Ratios are to the flicker of the clip that was put in, which is not 0 where a step is no whole pixel; where
it is, they have no meaning, and differences are counted in levels of 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.demo_photos import photograph
from colorstyle_lib.data.style_gallery import style
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.video import SMOOTH, Smoother, next_frame
from colorstyle_lib.metrics.bootstrap import Estimate, bootstrap, mean_of
from colorstyle_lib.metrics.flicker import flicker, pan
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

PAIRS = (
    ("coffee", "brush"),
    ("astronaut", "mosaic"),
    ("chelsea", "ink"),
    ("rocket", "night"),
    ("china", "waves"),
    ("flower", "watercolor"),
    ("hubble", "facets"),
    ("chelsea", "batik"),
)
"""Photographs and styles of the measured clips."""

PANS = "pans"
"""The name of the clips among data sets; the one below is of those that move by whole pixels."""

WHOLE_PANS = "whole_pans"
STEPS = {PANS: (1.3, 0.7), WHOLE_PANS: (2.0, 1.0)}

_FRAMES = 24
_SCENE = 256
_WINDOW = 192


class Pan(NamedTuple):
    """What one clip came to.

    Attributes:
        own: flicker of the input.
        plain: of the clip restyled frame by frame.
        smooth: of the smoothed one.
        painted_on: of a pan over one restyled picture.
        sharpness: of the smoothed clip, over the plain one's: mean slope of the last frame.
    """

    own: float
    plain: float
    smooth: float
    painted_on: float
    sharpness: float


def evaluate_clips(
    *, output: Path, weights: Path | None = None, name: str | None = None, limit: int | None = None
) -> list[Number]:
    """Restyle pans, keep how much they flicker, and print it.

    Args:
        output: the results file; numbers that are not measured again stay in it.
        weights: a ``.safetensors`` file; by default the released ones.
        name: what their numbers are called; by default ``released``, or the file's own name.
        limit: of :data:`PAIRS`; by default all.

    Raises:
        WeightsError: missing weights. ConfigError: they only color.
    """
    model = ColorStyle.load(weights)
    name = name or ("released" if weights is None else weights.stem)
    limited = f" --limit {limit}" if limit else ""
    picked = f" --weights {weights.name} --name {name}" if weights is not None else ""
    provenance = Provenance.here(f"colorstyle evaluate --clips{picked}{limited}", "quick" if limit else "full")
    numbers = []
    for data, step in STEPS.items():
        pans = [measured_pan(model, photo, look, step) for photo, look in PAIRS[:limit]]
        numbers += clip_numbers(pans, data, name, model.weights_hash, provenance)
    merge_results(numbers, output)
    for number in numbers:
        print(f"{number.key:32} {number.text(3)}  {number.note}")
    return numbers


def measured_pan(
    model: ColorStyle,
    photo: str,
    look: str,
    step: tuple[float, float],
    *,
    frames: int | None = None,
    smooth: float = SMOOTH,
) -> Pan:
    """Restyle a pan over a demo photograph, and measure.

    Args:
        model: with restyling levels.
        photo: of :data:`.PHOTOGRAPHS`.
        look: of :data:`.STYLES`.
        step: of :func:`.pan`.
        frames: how many; by default 24.
        smooth: of :class:`.Smoother`.
    """
    stylizer = model.stylizer(to_picture(style(look, _SCENE).image))
    scene = shrink(photograph(photo).open(), _SCENE)
    frames = frames or _FRAMES
    clip = pan(scene, frames, step, _WINDOW)
    changes = [stylizer.change(frame) for frame in clip]
    smoother = Smoother(smooth)
    plain = _stacked(stylizer.finish(change).image for change in changes)
    calm = _stacked(next_frame(stylizer, smoother, change).image for change in changes)
    painted_on = _stacked(pan(stylizer.finish(stylizer.change(scene)).image, frames, step, _WINDOW))
    each = (flicker(made, step) for made in (_stacked(clip), plain, calm, painted_on))
    return Pan(*each, slope(calm[-1]) / slope(plain[-1]))


def slope(picture: Float[Tensor, "3 h w"]) -> float:
    """How sharp a picture is: mean difference of neighbours, across and down."""
    return sum((picture.diff(dim=dim)).abs().mean().item() for dim in (-2, -1))


def clip_numbers(pans: Sequence[Pan], data: str, name: str, weights: str, provenance: Provenance) -> list[Number]:
    """Means over clips with intervals; how many clips flicker more than their input; and the worst.

    Args:
        pans: of one step, two or more.
        data: :data:`PANS` or :data:`WHOLE_PANS`.
        name: of the weights.
        weights: their hash.
        provenance: of the run.
    """
    columns = {field: torch.tensor([getattr(one, field) for one in pans]) for field in Pan._fields}
    whole = data == WHOLE_PANS
    unit = torch.tensor(1 / 255) if whole else columns["own"]
    what = "in levels of 8 bits" if whole else "over the input's own"
    facts = {"weights": weights}

    def number(metric: str, estimate: Estimate, note: str, sure: bool = True) -> Number:
        return Number.of(metric, name, data, estimate, provenance, note=note, sure=sure, **facts)

    numbers = [
        number(f"flicker_{way}", bootstrap(mean_of(columns[way] / unit), len(pans)), f"{what}; {how}; less is better")
        for way, how in (
            ("plain", "each frame by itself"),
            ("smooth", f"smooth {SMOOTH:g}"),
            ("painted_on", "a pan over one restyled picture"),
        )
    ]
    kept = bootstrap(mean_of(columns["sharpness"]), len(pans))
    numbers.append(number("sharpness_smooth", kept, "mean slope of the last frame over that of the frame by itself"))
    if whole:
        own = (columns["own"] / unit).mean().item()
        return [*numbers, number("flicker_input", Estimate(own, own, own, len(pans)), what, sure=False)]
    ratio = columns["smooth"] / unit
    for metric, value, note in (
        ("flicker_smooth_worst", ratio.max().item(), f"{what}; the worst clip"),
        ("flicker_smooth_above", float((ratio > 1).sum()), "clips that flicker more than their input"),
    ):
        numbers.append(number(metric, Estimate(value, value, value, len(pans)), note, sure=False))
    return numbers


def _stacked(pictures: Iterable) -> Float[Tensor, "t 3 h w"]:
    return torch.stack([to_tensor(picture) for picture in pictures])
