"""Restyling the frames of a clip, so that strokes stay where they are on things instead of boiling.

The look is read once for all frames. From frame to frame what the network *draws* is smoothed, an exponential moving
average whose past is carried along with the motion of the input, and which forgets wherever the carried input does not
look like the new one: at what was hidden, at a cut, where the motion was misjudged. What strength leaves of the
photograph is never averaged over time, and nothing that moves is smeared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images import Source
from colorstyle_lib.motion import box_mean, carried, motion
from colorstyle_lib.outcome import Result
from colorstyle_lib.stylizing import Change, Stylizer

MOST = 0.95
_RADIUS = 5
_ALIKE = 0.08  # sRGB difference of a neighbourhood at which the past counts for exp(-1) of what was asked


def restyled_clip(stylizer: Stylizer, frames: Iterable[Source], smooth: float) -> Iterator[Result]:
    """Restyle frames in their order.

    Args:
        stylizer: what is asked of each.
        frames: of one clip. Where their size changes, or one is nothing like the one before, a new clip begins.
        smooth: see :class:`Smoother`.

    Yields:
        One result a frame, as it is made.

    Raises:
        ImageError: a frame cannot be opened. ConfigError: see :class:`Smoother`.
    """
    smoother = Smoother(smooth)
    for frame in frames:
        yield next_frame(stylizer, smoother, stylizer.change(frame))


def next_frame(stylizer: Stylizer, smoother: Smoother, change: Change) -> Result:
    """A frame's result, after those that the smoother has seen.

    Args:
        stylizer: that made the change.
        smoother: one for each clip.
        change: of the frame, from :meth:`colorstyle_lib.stylizing.Stylizer.change`.
    """
    kept = stylizer.strength * change.small  # what the drawing takes the place of
    drawn = smoother(change.small, change.difference + kept)
    return stylizer.finish(change._replace(difference=drawn - kept), smooth=smoother.smooth)


class Smoother:
    """``D_t = d_t + smooth w (carried D_(t-1) - d_t)``: d is what is drawn over a frame, D what is shown of it.

    w is ``exp(-(e / 0.08)^2)``, e how far the carried frame before is from this one in the mean over 11 x 11 pixels,
    and 0 where nothing can be carried from.

    Args:
        smooth: share of the past where nothing speaks against it: 0 for none, up to 0.95. At 0.9 a drawing is
            mostly that of the last ten frames.

    Raises:
        ConfigError: out of range.
    """

    def __init__(self, smooth: float) -> None:
        if not 0 <= smooth <= MOST:
            raise ConfigError(f"smooth is 0 (each frame by itself) to {MOST}, not {smooth}")
        self.smooth = smooth
        self._past: tuple[Tensor, Tensor] | None = None

    @torch.inference_mode()
    def __call__(self, frame: Float[Tensor, "1 3 h w"], drawn: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """What is shown of the next frame's drawing.

        Args:
            frame: the input, sRGB in [0, 1].
            drawn: over it, sRGB.
        """
        if self.smooth and self._past is not None and self._past[0].shape == frame.shape:
            before, shown = self._past
            flow = motion(*(rgb_to_lab(one)[:, :1] / 100 for one in (frame, before)))
            past, inside = carried(torch.cat((before, shown), dim=1), flow)
            off = box_mean((past[:, :3] - frame).abs().mean(dim=1, keepdim=True), _RADIUS)
            drawn = torch.lerp(drawn, past[:, 3:], self.smooth * inside * (-(off / _ALIKE).square()).exp())
        self._past = frame, drawn
        return drawn
