"""The flicker benchmark: restyled pans over the demo photographs.

The motion of a pan is known, so that flicker can be measured. Ratios are to the flicker of the clip that was put in,
which is 0 where a step is a whole pixel: there differences are counted in levels of 8 bits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import photograph, style
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.video import SMOOTH, Smoother, next_frame
from colorstyle_lib.metrics.bootstrap import mean_of
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.pans import flicker, pan
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Rows, Run, numbers_of, without_interval
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

PAIRS: list[tuple[str, str]] = [tuple(pair) for pair in NOTES["clips"]["pairs"]]
"""Photographs and styles of the measured clips."""

PANS, WHOLE_PANS = "pans", "whole_pans"
"""The names of the clips among data sets; the second is of those that move by whole pixels."""

STEPS = {PANS: (1.3, 0.7), WHOLE_PANS: (2.0, 1.0)}

_FRAMES, _SCENE, _WINDOW = 24, 256, 192


class Pan(NamedTuple):
    """The measurements of one clip: flicker of four clips, and a sharpness."""

    own: float  # of the input
    plain: float  # restyled frame by frame
    smooth: float  # restyled and smoothed
    painted_on: float  # a pan over one restyled picture
    sharpness: float  # mean slope of the smoothed clip's last frame over that of the plain one's


def evaluate_clips(run: Run) -> list[Number]:
    """Restyle pans, and keep how much they flicker; a limit is of :data:`PAIRS`.

    Raises:
        WeightsError: missing weights. ConfigError: they only color.
    """
    model, provenance, numbers = ColorStyle.load(run.weights), run.provenance(" --clips", data=""), []
    for data, step in STEPS.items():
        pans = [measured_pan(model, *pair, step) for pair in PAIRS[: run.limit]]
        numbers += clip_numbers(pans, data, run.method, model.weights_hash, provenance)
    merge_results(numbers, run.output)
    return numbers


def measured_pan(
    model: ColorStyle, photo: str, style_name: str, step: tuple[float, float], frames: int = 0, smooth: float = SMOOTH
) -> Pan:
    """Restyle a pan over a demo photograph by a style picture of the gallery, and measure; by default of 24 frames.

    ``step`` as in :func:`.pan`, ``smooth`` as in :class:`.Smoother`.
    """
    stylizer, smoother = model.stylizer(to_picture(style(style_name, _SCENE).image)), Smoother(smooth)
    scene = shrink(photograph(photo).open(), _SCENE)
    clip = pan(scene, frames or _FRAMES, step, _WINDOW)
    changes = [stylizer.change(frame) for frame in clip]
    plain = [stylizer.finish(change).image for change in changes]
    calm = [next_frame(stylizer, smoother, change).image for change in changes]
    painted_on = pan(stylizer.finish(stylizer.change(scene)).image, len(clip), step, _WINDOW)
    clips = [torch.stack([to_tensor(one) for one in pictures]) for pictures in (clip, plain, calm, painted_on)]
    return Pan(*(flicker(made, step) for made in clips), slope(clips[2][-1]) / slope(clips[1][-1]))


def slope(picture: Float[Tensor, "3 h w"]) -> float:
    """The sharpness of a picture: mean difference of neighbors, across and down."""
    return sum(picture.diff(dim=dim).abs().mean().item() for dim in (-2, -1))


def clip_numbers(pans: Sequence[Pan], data: str, name: str, weights: str, provenance: Provenance) -> list[Number]:
    """Means over two or more clips with intervals; how many clips flicker more than their input; and the worst.

    ``data`` is :data:`PANS` or :data:`WHOLE_PANS`; ``name`` and ``weights`` are the weights' name and hash.
    """
    n, whole = len(pans), data == WHOLE_PANS
    what = "in levels of 8 bits" if whole else "over the input's own"
    own, *others, sharpness = torch.tensor(pans).unbind(1)
    own, plain, smooth, painted_on = (flickers / (1 / 255 if whole else own) for flickers in (own, *others))
    rows: Rows = {
        "flicker_plain": (mean_of(plain), f"{what}; each frame by itself; less is better"),
        "flicker_smooth": (mean_of(smooth), f"{what}; smooth {SMOOTH:g}; less is better"),
        "flicker_painted_on": (mean_of(painted_on), f"{what}; a pan over one restyled picture; less is better"),
        "sharpness_smooth": (mean_of(sharpness), "mean slope of the last frame over that of the frame by itself"),
    }
    if whole:
        rows["flicker_input"] = without_interval(own.mean().item(), n), what
    else:
        above = float((smooth > 1).sum())
        rows["flicker_smooth_worst"] = without_interval(smooth.max().item(), n), f"{what}; the worst clip"
        rows["flicker_smooth_above"] = without_interval(above, n), "clips that flicker more than their input"
    return numbers_of([rows], ColorMethod(name, None, weights=weights), data, n, provenance)
