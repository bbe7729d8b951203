"""The flicker benchmark: restyled pans over the demo photographs, and what differs from frame to frame in them.

The motion of a pan is known, so that it can be taken back and flicker measured. Ratios are to the flicker of the clip
that was put in, which is 0 where a step is a whole pixel: there differences are counted in levels of 8 bits.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.data import photograph, shrink, style
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.video import SMOOTH, Smoother, next_frame
from colorstyle_lib.metrics.bootstrap import mean_of
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Rows, Run, numbers_of
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

PANS, WHOLE_PANS = "pans", "whole_pans"  # the clips among data sets; the second move by whole pixels
STEPS = {PANS: (1.3, 0.7), WHOLE_PANS: (2.0, 1.0)}

_FRAMES, _SCENE, _WINDOW = 24, 256, 192
_RIM = 3  # pixels that bicubic interpolation and the pictures' own borders reach into


def evaluate_clips(run: Run) -> list[Number]:
    """Restyle pans; keep their flicker; a limit is of pairs. WeightsError: none. ConfigError: weights only color."""
    model, provenance, numbers = ColorStyle.load(run.weights), run.provenance(" --clips", data=""), []
    for data, step in STEPS.items():
        clips = [measured_pan(model, *pair, step) for pair in NOTES["clips"]["pairs"][: run.limit]]
        numbers += clip_numbers(clips, data, run.method, model.weights_hash, provenance)
    merge_results(numbers, run.output)
    return numbers


def measured_pan(
    model: ColorStyle, photo: str, style_name: str, step: tuple[float, float], frames: int = 0, smooth: float = SMOOTH
) -> dict[str, float]:
    """Restyle a pan over a demo photograph by a style picture of the gallery, and measure; by default of 24 frames.

    Measured are the flicker of the ``input``, of the restyled clip frame by frame (``plain``) and smoothed
    (``smooth``), and of a pan over one restyled picture (``painted_on``); and ``sharpness``, the :func:`slope` of the
    smoothed clip's last frame over that of the plain one's. ``step`` is :func:`pan`'s, ``smooth`` :class:`.Smoother`'s.
    """
    stylizer, smoother = model.stylizer(to_picture(style(style_name, _SCENE).image)), Smoother(smooth)
    scene = shrink(photograph(photo).open(), _SCENE)
    clip = pan(scene, frames or _FRAMES, step, _WINDOW)
    changes = [stylizer.change(frame) for frame in clip]
    clips = {
        "input": clip,
        "plain": [stylizer.finish(change).image for change in changes],
        "smooth": [next_frame(stylizer, smoother, change).image for change in changes],
        "painted_on": pan(stylizer.finish(stylizer.change(scene)).image, len(clip), step, _WINDOW),
    }
    made = {name: torch.stack([to_tensor(one) for one in pictures]) for name, pictures in clips.items()}
    sharpness = slope(made["smooth"][-1]) / slope(made["plain"][-1])
    return {name: flicker(one, step) for name, one in made.items()} | {"sharpness": sharpness}


def slope(picture: Float[Tensor, "3 h w"]) -> float:
    """The sharpness of a picture: mean difference of neighbors, across and down."""
    return sum(picture.diff(dim=dim).abs().mean().item() for dim in (-2, -1))


def clip_numbers(
    clips: Sequence[Mapping[str, float]], data: str, name: str, weights: str, provenance: Provenance
) -> list[Number]:
    """Means over two or more clips with intervals; how many clips flicker more than their input; and the worst.

    Clips are as :func:`measured_pan` gives them; ``data`` is :data:`PANS` or :data:`WHOLE_PANS`, ``weights`` a hash.
    """
    whole = data == WHOLE_PANS
    what = "in levels of 8 bits" if whole else "over the input's own"
    found = {key: torch.tensor([one[key] for one in clips]) for key in clips[0]}
    unit = 1 / 255 if whole else found["input"]
    notes = {key: note.format(what=what, smooth=SMOOTH) for key, note in NOTES["clips"].items() if key != "pairs"}
    ways = ("plain", "smooth", "painted_on")
    rows: Rows = {f"flicker_{key}": (mean_of(found[key] / unit), notes[key]) for key in ways}
    rows["sharpness_smooth"] = mean_of(found["sharpness"]), notes["sharpness"]
    if whole:
        rows["flicker_input"] = (found["input"] / unit).mean().item(), what
    else:
        ratio = found["smooth"] / unit
        rows["flicker_smooth_worst"] = ratio.max().item(), notes["worst"]
        rows["flicker_smooth_above"] = float((ratio > 1).sum()), notes["above"]
    return numbers_of([rows], ColorMethod(name, None, weights=weights), data, len(clips), provenance)


def pan(
    picture: Image.Image, frames: int, step: tuple[float, float] = (1.3, 0.7), size: int = 192
) -> list[Image.Image]:
    """A clip whose motion is known: a square window, ``size`` pixels a side, moves over a larger picture of mode RGB.

    The ``step`` is in pixels to the right and down from frame to frame; parts of a pixel are what makes networks
    flicker. ConfigError: fewer than two frames, or a window that would leave the picture.
    """
    if frames < 2:
        raise ConfigError(f"a clip has at least 2 frames, not {frames}")
    path = [(frames - 1) * abs(part) for part in step]
    if size + path[0] > picture.width or size + path[1] > picture.height:
        raise ConfigError(f"a window of {size} pixels that moves by {path} leaves a picture of {picture.size}")
    start = [0.0 if part >= 0 else way for part, way in zip(step, path, strict=True)]
    corners = [(start[0] + t * step[0], start[1] + t * step[1]) for t in range(frames)]
    return [picture.resize((size, size), Image.Resampling.BICUBIC, box=(x, y, x + size, y + size)) for x, y in corners]


def flicker(clip: Float[Tensor, "t 3 h w"], step: tuple[float, float]) -> float:
    """``mean |frame_(t+1) taken back by the motion - frame_t|`` of sRGB in [0, 1], over all that is in both.

    Not even the clip that was put in has 0: taking back a part of a pixel is an interpolation, which costs the more the
    sharper a picture is. So the number of a result stands beside that of its input, and beside that of a :func:`pan`
    over *one* restyled picture, whose strokes are as if painted on. ConfigError: fewer than two frames, or no overlap.
    """
    if len(clip) < 2:
        raise ConfigError(f"a clip has at least 2 frames, not {len(clip)}")
    height, width = clip.shape[-2:]
    right, down = (math.ceil(abs(part)) + _RIM for part in step)
    if 2 * right >= width or 2 * down >= height:
        raise ConfigError(f"frames of {(width, height)} pixels that move by {step} have nothing in common")
    difference = taken_back(clip[1:], step) - clip[:-1]
    return difference[..., down : height - down, right : width - right].abs().mean().item()


def taken_back(frames: Float[Tensor, "t c h w"], step: tuple[float, float]) -> Float[Tensor, "t c h w"]:
    """Frames of a pan as the frame before each would show them: any planes, moved back by a step, bicubic.

    The kernel is torch's, and not the one that clips are smoothed with: a judge has tools of its own.
    """
    height, width = frames.shape[-2:]
    # What stands at x in one frame stands at x - step in the next. grid_sample counts from -1 to 1; affine_grid rounds.
    across, down = (
        (2 * (torch.arange(side, device=frames.device) - part) + 1) / side - 1
        for side, part in ((width, step[0]), (height, step[1]))
    )
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1).expand(len(frames), -1, -1, -1)
    return nnf.grid_sample(frames, grid, mode="bicubic", padding_mode="border", align_corners=False)
