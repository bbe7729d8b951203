"""The guided filter (K. He, J. Sun, X. Tang, ECCV 2010): color planes as linear functions of L in small windows."""

from functools import partial

import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

_LEAST_SPREAD = 3.0  # Lab units: no color is surer than this
DETAIL = 2  # radius of windows, in pixels, that no smoothing goes below
Plane, Planes = Float[Tensor, "n 1 h w"], Float[Tensor, "n c h w"]


def guided_coefficients(
    guide: Plane, values: Planes, *, radius: int = 5, epsilon: float = 4.0, weight: Plane | None = None
) -> tuple[Planes, Planes]:
    """Fit ``values = slope * guide + offset`` in a window around each pixel.

    ``slope = cov(guide, values) / (var(guide) + epsilon)``, ``offset = mean(values) - slope * mean(guide)``, then both
    averaged over the windows that cover a pixel (He et al. 2010, equations 5, 6 and 8).

    The guide is L, in [0, 100], values are planes such as a and b. A window is ``2 radius + 1`` wide; at the border its
    part that lies inside counts. L counts as flat below a variance of ``epsilon``, squared L units; flat
    places are only smoothed. ``weight``, above 0, is how much a pixel counts in every mean; by default all count alike.
    """
    window = {"kernel_size": 2 * radius + 1, "stride": 1, "padding": radius}
    mean = plain = partial(nnf.avg_pool2d, **window, count_include_pad=False)
    if weight is not None:
        total = plain(weight)

        def mean(planes: Tensor) -> Tensor:
            return plain(weight * planes) / total

    mean_guide, mean_values = mean(guide), mean(values)
    variance = mean(guide * guide) - mean_guide * mean_guide
    covariance = mean(guide * values) - mean_guide * mean_values
    slope = covariance / (variance.clamp_min(0) + epsilon)
    return mean(slope), mean(mean_values - slope * mean_guide)


def smooth_where_unsure(ab: Planes, spread: Plane, guide: Plane, radius: int) -> Planes:
    """Smooth colors along the edges of L, against stains: sure places tell unsure ones nearby which color is likely.

    A pixel's weight is the inverse square of its variance. The inverse alone, that of the least square estimate of what
    several measurements have in common, lets many unsure pixels outvote a sure one. What is finer than windows of
    :data:`DETAIL` is put back: stains are broad, and small colored things are not. ``spread`` is the standard deviation
    of the colors that are held possible; all are in Lab units, ``radius`` in pixels.
    """
    weight = (spread + _LEAST_SPREAD) ** -4

    def smooth(radius: int) -> Tensor:
        slope, offset = guided_coefficients(guide, ab, radius=radius, epsilon=10.0, weight=weight)
        return slope * guide + offset

    return smooth(radius) + ab - smooth(DETAIL)
