"""Style transfer and colorization for the frames of a clip, so that strokes and colors stay on things, and are still.

The drawing over a frame is warped along with the motion of the input, and drawn afresh wherever the frame no longer
looks like the one that it was drawn for. Averaging drawings instead smears them, for the network draws each frame a
little differently. The photograph's share of the result is never touched. Predicted colors are such a drawing, too.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import require
from colorstyle_lib.images.read import Source
from colorstyle_lib.inference.colorizer import Colorizer, Result
from colorstyle_lib.inference.optical_flow import box_mean, optical_flow, separable_filter, warp
from colorstyle_lib.inference.stylizer import Change, Stylizer

SMOOTH = 1.0  # share of the past by default: of those tried, the sharpest strokes without more flicker
_LOWPASS = torch.tensor([-1.0, 0.0, 9.0, 16.0, 9.0, 0.0, -1.0]) / 32  # leaves out what is finer than 4 pixels
_PATCH = 16  # radius, in pixels, of the squares in which a patchwork is replaced by one drawing


class _Past(NamedTuple):
    """The state that is warped from frame to frame."""

    frame: Tensor  # the input that the smoothed drawing was drawn for, smoothed in the same way
    smoothed: Tensor  # the drawing as it was given out
    target: Tensor  # the drawing that it fades into; itself as a rule
    patchy: Tensor  # 1 where it comes from many drawings, else 0


class Smoother:
    """Temporal smoothing of the drawings over a clip's frames, one after the other.

    For each frame, ``smoothed = drawn + smooth * match * (warp(past.smoothed) - drawn)``, and ``past.frame`` follows
    the input frame in the same way. The flow is found between that and the frame, so that errors of many frames do not
    add up. ``match``, of :func:`_match`, falls from 1 to 0 where the two differ; it is 0 where nothing can be warped.

    What comes into view a pixel a frame would be patched together from as many drawings. Where such patchwork has
    become 33 pixels wide (17 at the rim), it fades into one drawing, by a quarter of the way a frame.

    ``smooth``, from 0 to 1 (else a ConfigError), is the share of the past where the frame matches it. 1: as if painted
    on; less renews the drawing by as much in every frame, which costs sharpness; 0: each frame by itself.
    """

    def __init__(self, smooth: float = SMOOTH) -> None:
        require(0 <= smooth <= 1, f"smooth is 0 (each frame by itself) to 1 (as if painted on), not {smooth}")
        self.smooth = smooth
        self._past: _Past | None = None

    @torch.inference_mode()
    def __call__(self, frame: Float[Tensor, "1 c h w"], drawn: Float[Tensor, "1 d h w"]) -> Float[Tensor, "1 d h w"]:
        """Smooth the next frame's drawing: any planes, over a frame that is sRGB or one plane, such as L, in [0, 1]."""
        if not self.smooth:
            return drawn
        drawn = _as_fine_as(frame, drawn)
        if self._past is None or self._past.frame.shape != frame.shape:
            self._past = _Past(frame, drawn, drawn, torch.zeros_like(frame[:, :1]))
            return drawn
        both = (frame, self._past.frame)
        flow = optical_flow(*(rgb_to_lab(p.clamp(0, 1))[:, :1] / 100 if p.shape[1] == 3 else p for p in both))
        warped, inside = warp(torch.cat(self._past, dim=1), flow)
        past = _Past(*warped.split([planes.shape[1] for planes in self._past], dim=1))
        match = inside * _match(past.frame, frame)
        patchy = 1 - (1 - past.patchy.clamp(0, 1)) * match
        # 1 in each square of 33 pixels that is patchwork all over; what lies beyond the rim counts as such.
        replaced = _dilate(1 - _dilate((patchy <= 0.5).float()))
        target = torch.lerp(past.target, drawn, box_mean(replaced, 2))  # over two pixels, so that no seam shows
        fading = torch.lerp(past.smoothed, target, 0.25)
        kept = self.smooth * match
        renewed = (torch.lerp(new, old, kept) for new, old in ((frame, past.frame), (drawn, fading), (drawn, target)))
        self._past = _Past(*renewed, patchy * (1 - replaced))
        return self._past.smoothed


def next_frame(stylizer: Stylizer, smoother: Smoother, change: Change) -> Result:
    """Finish a frame's change, after the frames of the same clip that the smoother has seen."""
    if smoother.smooth and stylizer.strength:
        drawn = smoother(change.small, change.small + change.difference / stylizer.strength)
        change = change._replace(difference=stylizer.strength * (drawn - change.small))
    return stylizer.finish(change, smooth=smoother.smooth)


def color_clip(colorizer: Colorizer, smooth: float) -> Callable[[Source], Result]:
    """Make a function that colors the frames of one clip, in their order."""
    smoother = Smoother(smooth)
    return lambda frame: colorizer(frame, smoother if smooth else None)


def style_clip(stylizer: Stylizer, smooth: float) -> Callable[[Source], Result]:
    """Make a function that restyles the frames of one clip, in their order; gray ones get colors that stay, too."""
    smoother, color = Smoother(smooth), color_clip(stylizer.model.colorizer(), smooth)
    return lambda frame: next_frame(stylizer, smoother, stylizer.change(frame, color))


def _match(past: Tensor, frame: Tensor) -> Float[Tensor, "1 1 h w"]:
    """How well a warped frame fits the new one: 1 to 0 as the mean difference nears ``0.03 + contrast / 2``."""
    # Any two frames may differ by 0.03 (sRGB), and warping costs more where there is contrast.
    others = past, box_mean(frame, 5)
    difference, contrast = (box_mean((other - frame).abs().mean(dim=1, keepdim=True), 5) for other in others)
    return (2 - 2 * difference / (0.03 + 0.5 * contrast)).clamp(0, 1)


def _as_fine_as(frame: Tensor, drawn: Tensor) -> Tensor:
    """A drawing that, of what is finer than 4 pixels, keeps as much as the frame has (in the mean absolute value).

    Strokes finer than a frame's own details cannot be moved by a part of a pixel without flicker.
    """
    softer = separable_filter(drawn, _LOWPASS)
    most, least, wanted = ((p - separable_filter(p, _LOWPASS)).abs().mean() for p in (drawn, softer, frame))
    return torch.lerp(drawn, softer, ((most - wanted) / (most - least).clamp_min(1e-6)).clamp(0, 1))


def _dilate(plane: Tensor) -> Tensor:
    """The maximum of the square around each pixel; across and down apart, which is much faster."""
    across = nnf.max_pool2d(plane, (1, 2 * _PATCH + 1), stride=1, padding=(0, _PATCH))
    return nnf.max_pool2d(across, (2 * _PATCH + 1, 1), stride=1, padding=(_PATCH, 0))
