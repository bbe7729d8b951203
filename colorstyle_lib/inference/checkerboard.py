"""Taking out of a drawn picture what only repeats the grid that it was drawn on.

Networks that draw in doublings leave a faint regular pattern, most visible where there is nothing else: A. Odena et
al., "Deconvolution and Checkerboard Artifacts" (Distill, 2016). Two doublings repeat every 4 pixels, so the pattern is
known up to its strength, and can be found and taken away.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad, pixel_shuffle, pixel_unshuffle
from torchvision.transforms.functional import gaussian_blur

_PERIOD = 4  # pixels: two doublings
_REACH = 1.25  # standard deviation in periods: enough to tell a repeated pattern from a thing, and still local
_FAINT = 0.06  # an edge is stronger; cut to this it cannot pass for a pattern and echo beside itself


def remove_checkerboard(drawn: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """A picture, or a change of one, less its faint part that repeats every 4 pixels.

    That part is, of the fine and faint detail, the mean of near pixels at the same place of the 4 x 4 grid, less the
    mean over the grid: what lies about the frequencies of 1/4 and 1/2 a pixel, and there only what is as faint.

    Args:
        drawn: in about [0, 1], or a difference of such; sides multiples of 4, at least 16.
    """
    across = drawn.new_tensor([1, 2, 2, 2, 1]) / 8  # 0 at 1/4 and 1/2 a pixel: the difference holds all of the pattern
    kernel = torch.outer(across, across).expand(drawn.shape[1], 1, 5, 5)
    coarse = conv2d(pad(drawn, (2, 2, 2, 2), mode="reflect"), kernel, groups=drawn.shape[1])
    fine = (drawn - coarse).clamp(-_FAINT, _FAINT)
    by_place = gaussian_blur(pixel_unshuffle(fine, _PERIOD), [7, 7], [_REACH, _REACH])
    by_place = by_place.unflatten(1, (-1, _PERIOD**2))
    return drawn - pixel_shuffle((by_place - by_place.mean(2, keepdim=True)).flatten(1, 2), _PERIOD)
