"""Conversion of sRGB to CIELAB under D65 and back, in torch: differentiable, on any device, for whole batches.

Constants and equations: IEC 61966-2-1 (sRGB) and CIE 15:2004 (CIELAB), with scikit-image's D65 white (2 degrees).
A ConfigError is raised where the third dimension from the end is not 3; half precision is computed in float32.
Last come the simple methods that every number of ours stands beside: no color at all, and classical color transfer.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import ConfigError

# Linear sRGB -> XYZ (IEC 61966-2-1), rows X, Y, Z.
_RGB_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_D65_WHITE = (0.95047, 1.0, 1.08883)
_XYZ_TO_RGB = np.linalg.inv(np.array(_RGB_TO_XYZ) / np.array(_D65_WHITE)[:, None]).tolist()  # XYZ relative to white
_EPSILON = (6 / 29) ** 3  # below this, CIELAB's cube root becomes a straight line
_SLOPE = 1 / (3 * (6 / 29) ** 2)  # 7.787...
_OFFSET = 4 / 29
_HELD = 0.5 + 1e-4
"""Linear sRGB this far from the middle of [0, 1] is within the gamut: white and black themselves count as inside."""
_SEARCHED_TOGETHER = 2**16  # pixels


def full_precision(x: Tensor) -> Tensor:
    """At least float32: a mean of many numbers in half precision keeps only two or three digits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _check_planes(image: Tensor, what: str) -> None:
    if image.ndim < 3 or image.shape[-3] != 3:
        raise ConfigError(f"{what} wants (..., 3, H, W), not {tuple(image.shape)}")


def _mix(image: Tensor, matrix: Tensor) -> Tensor:
    """Apply a 3 x 3 matrix at every pixel, written out: autocast would round a matrix product, by 2 Lab units."""
    red, green, blue = image.unbind(-3)
    return torch.stack([row[0] * red + row[1] * green + row[2] * blue for row in matrix], dim=-3)


def srgb_to_linear(srgb: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """Undo the sRGB transfer curve: from values in [0, 1] to linear light in [0, 1]."""
    # The power's branch is kept away from 0 so that its gradient is finite where it is not chosen.
    curve = ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(srgb > 0.04045, curve, srgb / 12.92)


def linear_to_srgb(linear: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """Apply the sRGB transfer curve (IEC 61966-2-1): from linear light to sRGB; what lies outside [0, 1] stays so."""
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, linear * 12.92)


def rgb_to_lab(rgb: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """sRGB in [0, 1] to CIELAB (D65, 2 degrees): L in [0, 100], a and b in about [-110, 110]. CIE 15:2004.

    >>> rgb_to_lab(torch.tensor([1.0, 0, 0]).view(3, 1, 1)).flatten().round().tolist()  # red
    [53.0, 80.0, 67.0]
    """
    _check_planes(rgb, "rgb_to_lab")
    rgb = full_precision(rgb)
    xyz = _mix(srgb_to_linear(rgb), rgb.new_tensor(_RGB_TO_XYZ) / rgb.new_tensor(_D65_WHITE)[:, None])
    f = torch.where(xyz > _EPSILON, xyz.clamp_min(_EPSILON) ** (1 / 3), _SLOPE * xyz + _OFFSET)
    fx, fy, fz = f.unbind(-3)
    return torch.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)), dim=-3)


def lab_to_linear(lab: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """CIELAB to linear sRGB light, outside [0, 1] for colors outside the sRGB gamut; see :func:`lab_to_rgb`."""
    _check_planes(lab, "lab_to_linear")
    lab = full_precision(lab)
    lightness, a, b = lab.unbind(-3)
    fy = (lightness + 16) / 116
    f = torch.stack((fy + a / 500, fy, fy - b / 200), dim=-3)
    return _mix(_from_f(f), lab.new_tensor(_XYZ_TO_RGB))


def lab_to_rgb(lab: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """CIELAB (D65; L in [0, 100], a and b in about [-110, 110]) to sRGB, the inverse of :func:`rgb_to_lab`.

    Values outside the sRGB gamut are cut to [0, 1]. That shifts L, unless :func:`fit_gamut` came first.
    """
    return linear_to_srgb(lab_to_linear(lab)).clamp(0, 1)


def fit_gamut(lab: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """Bring every pixel of Lab into the sRGB gamut by lowering its chroma; hue angle and L, cut to [0, 100], stay.

    The largest chroma is found to 0.1 % by bisection, from gray (which fits) to the color; what fitted is unchanged.
    """
    _check_planes(lab, "fit_gamut")
    lightness, ab = lab[..., :1, :, :].clamp(0, 100), lab[..., 1:, :, :]
    with torch.no_grad():
        planes = full_precision(torch.cat((lightness, ab), dim=-3)).movedim(-3, 0)
        # A part that stays in the processor's cache is searched twice as fast as a whole picture.
        parts = planes.flatten(1).split(_SEARCHED_TOGETHER, dim=1)
        scale = torch.cat([_largest_chroma(part) for part in parts]).view(planes.shape[1:])
    return torch.cat((lightness, ab * scale.unsqueeze(-3).to(ab.dtype)), dim=-3)


def _largest_chroma(lab: Float[Tensor, "3 n"]) -> Float[Tensor, " n"]:
    """The largest factor in [0, 1] of the chroma that leaves each color of Lab within the sRGB gamut."""
    scale = torch.ones_like(lab[0])
    outside = (_channel_reach(lab)(scale) >= _HELD).nonzero()[:, 0]  # few pixels of a photograph
    if len(outside):
        reach = _channel_reach(lab[:, outside])
        low = torch.zeros(len(outside), dtype=lab.dtype, device=lab.device)
        for step in 0.5 ** torch.arange(1, 11):
            low += step * (reach(low + step) < _HELD)
        scale[outside] = low
    return scale


def _channel_reach(lab: Float[Tensor, "3 n"]) -> Callable[[Tensor], Tensor]:
    """:func:`lab_to_linear`'s distance from the middle of [0, 1] by a factor on chroma; the rest is computed once."""
    lightness, a, b = lab
    from_x, from_y, from_z = lab.new_tensor(_XYZ_TO_RGB)[:, :, None].unbind(1)
    fy, a, b = (lightness + 16) / 116, a / 500, b / -200
    middle = from_y * _from_f(fy) - 0.5

    def reach(factor: Tensor) -> Tensor:
        x, z = _from_f(torch.addcmul(fy, a, factor)), _from_f(torch.addcmul(fy, b, factor))
        return torch.addcmul(torch.addcmul(middle, from_x, x), from_z, z).abs_().amax(dim=0)

    return reach


def _from_f(f: Tensor) -> Tensor:
    """Undo CIELAB's cube root (CIE 15:2004): from f of X, Y or Z to these, relative to white."""
    return torch.where(f > 6 / 29, f * f * f, (f - _OFFSET) / _SLOPE)


def luma_to_gray(lightness: Float[Tensor, "*n 1 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """The gray sRGB picture, in [0, 1], that has this L in [0, 100]."""
    linear = _from_f((lightness + 16) / 116)
    return linear_to_srgb(linear).clamp(0, 1).expand(*lightness.shape[:-3], 3, *lightness.shape[-2:])


def gray(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """No model at all: the sRGB picture in [0, 1] without its colors, L kept."""
    return luma_to_gray(rgb_to_lab(rgb)[:, :1])


def transfer_statistics(
    content: Float[Tensor, "n 3 h w"], style: Float[Tensor, "n 3 h2 w2"], *, keep_lightness: bool = False
) -> Float[Tensor, "n 3 h w"]:
    """Classical style transfer: give each Lab plane of the content the mean and deviation of the style's.

    E. Reinhard et al., Color Transfer between Images, IEEE Computer Graphics and Applications 21(5), 2001, with CIELAB
    in the place of their l-alpha-beta. All pictures are sRGB in [0, 1]; the style may have any size.
    ``keep_lightness`` leaves L alone and moves only a and b.
    """
    source, target, dims = rgb_to_lab(content), rgb_to_lab(style), (2, 3)
    mean, deviation = source.mean(dims, keepdim=True), source.std(dims, keepdim=True)
    # A flat plane has no deviation to divide by; it then only moves to the style's mean.
    moved = (source - mean) / deviation.clamp_min(1e-3) * target.std(dims, keepdim=True)
    moved = moved + target.mean(dims, keepdim=True)
    if keep_lightness:
        moved = torch.cat((source[:, :1], moved[:, 1:]), dim=1)
    return lab_to_rgb(fit_gamut(moved))
