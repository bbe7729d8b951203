"""Restyling the frames of a clip, so that strokes stay where they are on things instead of boiling.

The look is read once for all frames. What is drawn over a frame is carried along with the motion of the input as if it
were painted on the things it shows, and is drawn afresh wherever the frame no longer looks like the one that it was
drawn for: what was hidden, a cut, another light, where the motion was misjudged. Averaging drawings instead smears
them, for the network draws each frame a little differently; what strength leaves of the photograph is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import Source
from colorstyle_lib.inference.image_warping import carried, filtered
from colorstyle_lib.inference.optical_flow import box_mean, motion
from colorstyle_lib.inference.result import Result
from colorstyle_lib.inference.stylizer import Change, Stylizer

SMOOTH = 1.0
"""How much of the past is shown if nothing else is asked: of those tried, the sharpest strokes without more flicker."""

_RADIUS = 5  # of the neighbourhood in which frames are compared
_ALWAYS = 0.03  # sRGB difference in it that any two frames may have
_OF_CONTRAST = 0.5  # and how much of its contrast, which grows with what carrying costs
_COARSE = torch.tensor([-1.0, 0.0, 9.0, 16.0, 9.0, 0.0, -1.0]) / 32  # leaves what is finer than 4 pixels out
_PATCH = 16  # radius of the squares in which what came in little by little is drawn in one piece
_SEAM = 2  # radius over which such a piece goes over into what is around it
_FADE = 0.25  # of the way to it a frame


def restyled_clip(stylizer: Stylizer, frames: Iterable[Source], smooth: float = SMOOTH) -> Iterator[Result]:
    """Restyle frames in their order.

    Args:
        stylizer: what is asked of each.
        frames: of one clip. Where their size changes, or one is nothing like the one before, a new clip begins.
        smooth: see :class:`Smoother`.

    Returns:
        One result a frame, as it is made.

    Raises:
        ConfigError: see :class:`Smoother`. ImageError: when its turn comes, a frame cannot be opened.
    """
    smoother = Smoother(smooth)
    return (next_frame(stylizer, smoother, stylizer.change(frame)) for frame in frames)


def next_frame(stylizer: Stylizer, smoother: Smoother, change: Change) -> Result:
    """A frame's result, after those that the smoother has seen.

    Args:
        stylizer: that made the change.
        smoother: one for each clip.
        change: of the frame, from :meth:`.Stylizer.change`.
    """
    if smoother.smooth and stylizer.strength:
        drawn = change.small + change.difference / stylizer.strength
        drawn = smoother(change.small, drawn)
        change = change._replace(difference=stylizer.strength * (drawn - change.small))
    return stylizer.finish(change, smooth=smoother.smooth)


class Smoother:
    """``D_t = d_t + smooth w (carried D_(t-1) - d_t)``: d is what is drawn over a frame, D what is shown of it.

    The frame I that it was drawn for is remembered in the same way, ``P_t = I_t + smooth w (carried P_(t-1) - I_t)``.
    The motion is found between P and I, so that errors of many frames do not add up; and w falls from 1 to 0 as the
    mean of ``|carried P - I|`` over 11 x 11 pixels goes from half of ``0.03 + contrast / 2`` to the whole of it, where
    contrast is the mean distance of I from its mean there. w is 0 where nothing can be carried from.

    What comes into view a pixel a frame would be patched together from as many drawings. Where such patchwork has
    become 33 pixels wide (17 at the rim), it fades into one drawing.

    Strokes finer than a frame's own details cannot be carried by a part of a pixel without flicker. So first, of what
    is finer than 4 pixels, d keeps as much as the frame has (in the mean absolute value).

    Args:
        smooth: share of the past where nothing speaks against it. 1: as if painted on things, until it no longer fits.
            Less renews the drawing by as much in every frame, which costs sharpness. 0: each frame by itself, as it
            is drawn.

    Raises:
        ConfigError: not from 0 to 1.
    """

    def __init__(self, smooth: float = SMOOTH) -> None:
        if not 0 <= smooth <= 1:
            raise ConfigError(f"smooth is 0 (each frame by itself) to 1 (as if painted on), not {smooth}")
        self.smooth = smooth
        self._past: _Past | None = None

    @torch.inference_mode()
    def __call__(self, frame: Float[Tensor, "1 3 h w"], drawn: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """What is shown of the next frame's drawing.

        Args:
            frame: the input, sRGB in [0, 1].
            drawn: over it, sRGB.
        """
        if not self.smooth:
            return drawn
        drawn = _as_fine_as(frame, drawn)
        if self._past is None or self._past.frame.shape != frame.shape:
            self._past = _Past(frame, drawn, drawn, torch.zeros_like(frame[:, :1]))
            return drawn
        flow = motion(*(rgb_to_lab(one.clamp(0, 1))[:, :1] / 100 for one in (frame, self._past.frame)))
        together, inside = carried(torch.cat(self._past, dim=1), flow)
        past = _Past(*together.split((3, 3, 3, 1), dim=1))
        fits = inside * _alike(past.frame, frame)
        patchy = 1 - (1 - past.patchy.clamp(0, 1)) * fits
        wide = _squares_within(patchy > 0.5)
        aim = torch.lerp(past.aim, drawn, box_mean(wide, _SEAM))
        shown = torch.lerp(past.shown, past.aim, _FADE)
        kept = self.smooth * fits
        renewed = (torch.lerp(new, old, kept) for new, old in ((frame, past.frame), (drawn, shown), (drawn, aim)))
        self._past = _Past(*renewed, patchy * (1 - wide))
        return self._past.shown


class _Past(NamedTuple):
    """What is carried along.

    Attributes:
        frame: P.
        shown: D.
        aim: what D fades into; D itself as a rule.
        patchy: 1 where D is of many drawings, else 0.
    """

    frame: Tensor
    shown: Tensor
    aim: Tensor
    patchy: Tensor


def _alike(past: Tensor, frame: Tensor) -> Float[Tensor, "1 1 h w"]:
    """w of :class:`Smoother`."""
    off, contrast = (
        box_mean((other - frame).abs().mean(dim=1, keepdim=True), _RADIUS) for other in (past, box_mean(frame, _RADIUS))
    )
    return (2 - 2 * off / (_ALWAYS + _OF_CONTRAST * contrast)).clamp(0, 1)


def _as_fine_as(frame: Tensor, drawn: Tensor) -> Tensor:
    """A drawing with no more of the finest strokes than the frame has details."""
    softer = filtered(drawn, _COARSE)
    most, least, wanted = (_fineness(one) for one in (drawn, softer, frame))
    return torch.lerp(drawn, softer, ((most - wanted) / (most - least).clamp_min(1e-6)).clamp(0, 1))


def _fineness(picture: Tensor) -> Float[Tensor, ""]:
    return (picture - filtered(picture, _COARSE)).abs().mean()


def _squares_within(there: Bool[Tensor, "1 1 h w"]) -> Float[Tensor, "1 1 h w"]:
    """1 where a square that is there all over reaches, else 0; what lies beyond the rim does not count against it."""
    middles = 1 - _greatest(1 - there.float())
    return _greatest(middles)


def _greatest(plane: Tensor) -> Tensor:
    """In the square around each pixel; across and down apart, which is much faster."""
    side = 2 * _PATCH + 1
    across = nnf.max_pool2d(plane, (1, side), stride=1, padding=(0, _PATCH))
    return nnf.max_pool2d(across, (side, 1), stride=1, padding=(_PATCH, 0))
