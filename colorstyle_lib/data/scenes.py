"""Scenes drawn by our own code, for which the truth about color is known.

A scene is a smooth ground with a few objects, each of a *kind* whose colors are decided by its texture, by its shape,
or by nothing that a gray picture shows. L never depends on the color chosen: color is laid over it in Lab, at edges
too, so one gray picture has many equally likely colorings.
"""

import itertools
import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from colorstyle_lib.color import lab_to_rgb
from colorstyle_lib.errors import ConfigError, require

Plane = NDArray[np.float32]  # one value a pixel

# Every pixel's L lies in here; every color in :data:`KINDS` fits the sRGB gamut at each of these.
L_RANGE = (41.0, 73.0)
_BASE = (50.0, 64.0)  # an object's L before texture and shading
_TEXTURE, _SHADING = 6.0, 3.0  # and how far these two move it, so that L_RANGE holds
_CONTRAST = 6.0  # an object's base L differs from the ground's by at least this, so that its edge shows
_MIN_SIZE = 32  # below this a texture's period is under 4 pixels, and the gray picture no longer shows the kind
_STREAM_LAYOUT, _STREAM_COLOR = 0, 1  # of random numbers


@dataclass(frozen=True)
class Kind:
    """A sort of object, whose color is told by its texture (whatever its shape), its shape (if smooth), or nothing."""

    name: str
    determined_by: Literal["texture", "shape", "nothing"]
    colors: tuple[tuple[float, float], ...]  # the (a, b) that it can have, all equally likely

    @property
    def ambiguous(self) -> bool:
        """Whether it has more than one color."""
        return len(self.colors) > 1

    @property
    def mean(self) -> tuple[float, float]:
        """The expected (a, b): what regression with a squared error learns."""
        return tuple(np.mean(self.colors, axis=0).tolist())


_ROWS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["kind"]
# All kinds; ``Scenes.labels`` counts in this order. 0 is the ground, which is determined.
KINDS: tuple[Kind, ...] = tuple(Kind(**row | {"colors": tuple(map(tuple, row["colors"]))}) for row in _ROWS)
_WEIGHTS = np.array([0.0] + [0.2 if kind.ambiguous else 0.12 for kind in KINDS[1:]])  # 40 % of objects are ambiguous


@dataclass(frozen=True)
class Scenes:
    """A batch of scenes and the truth about them."""

    rgb: Float[Tensor, "n 3 h w"]  # sRGB in [0, 1]
    labels: Int[Tensor, "n h w"]  # index into KINDS; at an edge, of the kind that covers most of the pixel
    mean_ab: Float[Tensor, "n 2 h w"]  # expected given the gray picture; at edges colors mix by the area of each
    ambiguous: Bool[Tensor, "n h w"]  # whether the label's kind has several colors
    interior: Bool[Tensor, "n h w"]  # whether one kind covers the whole pixel: ab is exactly one of its colors


_Layout = tuple[Plane, list[int], list[Plane]]  # L; each object's kind; the share of each pixel that it covers

# Signed distance to each outline, in units of the radius of the circle around it; negative inside.
_SHAPES: dict[str, Callable[[Plane, Plane], Plane]] = {
    "disc": lambda u, v: np.hypot(u, v) - 0.88,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) - 0.7,
    "triangle": lambda u, v: np.maximum(-v, 0.866 * abs(u) + 0.5 * v) - 0.5,
    "cross": lambda u, v: np.maximum(np.minimum(abs(u), abs(v)) - 0.32, np.maximum(abs(u), abs(v)) - 0.93),
}

# Between -1 and 1, of two coordinates that grow by 2 pi each period.
_TEXTURES: dict[str, Callable[[Plane, Plane], Plane]] = {
    "stripes": lambda s, t: np.tanh(2.5 * np.sin(s)),
    "dots": lambda s, t: np.tanh(2.5 * (np.cos(s) + np.cos(t) - 0.7)),
    "rings": lambda s, t: np.tanh(2.5 * np.cos(np.hypot(s, t))),
}


def _layout(index: int, size: int, seed: int) -> _Layout:
    """Draw one scene's gray picture; no color is chosen yet."""
    if size < _MIN_SIZE:
        raise ConfigError(f"scenes need a size of at least {_MIN_SIZE} pixels, not {size}: textures vanish below it")
    random = np.random.default_rng((seed, index, _STREAM_LAYOUT))
    y, x = np.mgrid[:size, :size].astype(np.float32) + 0.5

    def light(x: Plane, y: Plane, radius: float) -> Plane:
        angle = random.uniform(0, 2 * np.pi)
        slope = (x * math.cos(angle) + y * math.sin(angle)) / radius
        return (_SHADING * np.clip(slope, -1, 1)).astype(np.float32)

    ground = random.uniform(*_BASE)
    lightness = (ground + light(x - size / 2, y - size / 2, 0.7 * size)).astype(np.float32)
    # Centers and radii of up to six circles with gaps between them: no object is seen against another.
    circles: list[tuple[float, float, float]] = []
    margin, wanted = 0.016 * size, random.integers(4, 7)  # relative, so that a scene is the same at every size
    for _ in range(80):
        radius = random.uniform(0.13, 0.2) * size
        cx, cy = random.uniform(radius + margin, size - radius - margin, size=2).tolist()
        if all(np.hypot(cx - p, cy - q) > radius + r + 2 * margin for p, q, r in circles):
            circles.append((cx, cy, radius))
        if len(circles) == wanted:
            break
    kinds = random.choice(len(KINDS), size=len(circles), p=_WEIGHTS).tolist()
    covers = []
    for kind, (cx, cy, radius) in zip(kinds, circles, strict=True):
        angle, phase = random.uniform(0, 2 * np.pi, size=2).tolist()
        name = KINDS[kind].name
        # A texture may come on any shape: only then can a model learn that shape says nothing there.
        shape = name if name in _SHAPES else str(random.choice(list(_SHAPES)))
        while abs((base := random.uniform(*_BASE)) - ground) < _CONTRAST:
            pass
        top, left = int(cy - radius), int(cx - radius)
        patch = (slice(top, int(cy + radius) + 2), slice(left, int(cx + radius) + 2))
        u, v = x[patch] - np.float32(cx), y[patch] - np.float32(cy)
        u, v = u * math.cos(angle) + v * math.sin(angle), v * math.cos(angle) - u * math.sin(angle)
        surface = base + light(u, v, radius)
        if name in _TEXTURES:
            turn = 2 * np.pi / max(4.0, 0.085 * size)
            sign = 1 if phase < np.pi else -1  # dark dots on light, or light ones on dark
            surface = surface + sign * _TEXTURE * _TEXTURES[name](u * turn + (name == "stripes") * phase, v * turn)
        cover = np.zeros((size, size), np.float32)
        # A ramp one pixel wide about the outline is the covered area of each pixel: anti-aliasing.
        cover[patch] = np.clip(0.5 - radius * _SHAPES[shape](u / radius, v / radius), 0, 1)
        lightness[patch] += cover[patch] * (surface - lightness[patch])
        covers.append(cover)
    return lightness, kinds, covers


def _collect(layouts: list[_Layout], choices: list[list[int]]) -> Scenes:
    shape = (len(layouts), *layouts[0][0].shape)
    lab, mean_ab, labels, interior = [], [], np.zeros(shape, np.int64), np.ones(shape, bool)
    for i, ((lightness, kinds, covers), choice) in enumerate(zip(layouts, choices, strict=True)):
        # Objects' colors over the ground's, mixed in ab by coverage so that L is untouched: as chosen, as expected.
        color, mean = (np.tile(np.float32(KINDS[0].mean)[:, None, None], shape[1:]) for _ in range(2))
        for kind, cover, chosen in zip(kinds, covers, choice, strict=True):
            color += cover * (np.reshape(KINDS[kind].colors[chosen], (2, 1, 1)) - color)
            mean += cover * (np.reshape(KINDS[kind].mean, (2, 1, 1)) - mean)
            labels[i][cover > 0.5] = kind
            interior[i] &= (cover == 0) | (cover == 1)
        lab.append(torch.from_numpy(np.concatenate((lightness[None], color))))
        mean_ab.append(torch.from_numpy(mean))
    # One by one: vectorized powers may round differently in a batch of another length.
    rgb = torch.stack([lab_to_rgb(one) for one in lab])
    labels, interior = torch.from_numpy(labels), torch.from_numpy(interior)
    ambiguous = torch.tensor([kind.ambiguous for kind in KINDS])[labels]
    return Scenes(rgb, labels, torch.stack(mean_ab), ambiguous, interior)


def scenes(n: int, size: int = 64, seed: int = 0) -> Scenes:
    """Draw ``n`` (at least 1) scenes with known truth about color, ``size`` pixels (at least 32, else a ConfigError).

    L lies in :data:`L_RANGE`, every color inside the sRGB gamut. Scene ``i`` is the same whatever ``n`` is.
    """
    require(n >= 1, f"the number of scenes must be at least 1, not {n}")
    layouts = [_layout(i, size, seed) for i in range(n)]
    choices = []
    for i, layout in enumerate(layouts):  # one color an object, whatever the others have and the gray picture shows
        random = np.random.default_rng((seed, i, _STREAM_COLOR))
        choices.append([int(random.integers(len(KINDS[kind].colors))) for kind in layout[1]])
    return _collect(layouts, choices)


def same_gray(n_colorings: int, size: int = 64, seed: int = 0) -> Scenes:
    """Draw one gray picture in 1 to 36 (else a ConfigError) different true colorings: one gray has many colors.

    They differ in the colors of ambiguous objects only: L, labels and ``mean_ab`` agree.
    """
    if not 1 <= n_colorings <= 36:
        raise ConfigError(f"same_gray draws at least 1 and at most 36 colorings of one picture, not {n_colorings}")
    # The first scene of this seed with every ambiguous kind and enough colorings; a few in a hundred have 36.
    wanted = {i for i, kind in enumerate(KINDS) if kind.ambiguous}
    for index in itertools.count():
        layout = _layout(index, size, seed)
        choices = list(itertools.product(*(range(len(KINDS[kind].colors)) for kind in layout[1])))
        if wanted <= set(layout[1]) and len(choices) >= n_colorings:
            break
    numbers = np.random.default_rng((seed, index, _STREAM_COLOR)).choice(len(choices), n_colorings, replace=False)
    return _collect([layout] * n_colorings, [list(choices[number]) for number in numbers])
