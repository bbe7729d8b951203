"""What the pictures of the gallery are drawn with: noise, masks, light, brush strokes.

Everything is drawn on one canvas of :data:`SIDE` x :data:`SIDE` pixels and reduced to the size wanted at the
end. So a picture looks alike at every size, and hard edges come out anti-aliased.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 1024
"""Side of the canvas in pixels; every length in the drawing code is in these."""

Array = np.ndarray
Number = int | float
Points = list[tuple[Number, Number]]


def rgb(code: str) -> Array:
    """Color of a hexadecimal code, ``(3,)`` float32 in [0, 1]."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def plane(color: str) -> Array:
    """A canvas of one color, ``(SIDE, SIDE, 3)``."""
    return np.broadcast_to(rgb(color), (SIDE, SIDE, 3)).copy()


def places() -> tuple[Array, Array]:
    """x to the right and y down, each ``(SIDE, SIDE)`` in pixels."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return x, y


def smooth(edge: Number, width: Number, values: Array) -> Array:
    """Smooth step from 0 to 1 over ``width``, centered at ``edge``."""
    t = np.clip((values - edge) / width + 0.5, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def noise(
    random: np.random.Generator, cells: Number, octaves: int = 4, stretch: Number = 1, gain: Number = 0.5
) -> Array:
    """Fractal noise, ``(SIDE, SIDE)``, mean about 0, mostly within [-1, 1].

    Args:
        random: where it is drawn from.
        cells: bumps across the canvas in the coarsest octave.
        octaves: each has twice the bumps of the one before.
        stretch: how much longer a bump is from left to right than from top to bottom.
        gain: height of an octave relative to the one before.
    """
    total = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(octaves):
        rows = int(min(SIDE, max(2, cells * 2**octave)))
        columns = int(min(SIDE, max(2, cells * 2**octave / stretch)))
        coarse = random.uniform(-1, 1, (rows + 2, columns + 2)).astype(np.float32)
        # One extra cell is cut off on each side: interpolation flattens out at the border.
        box = (1, 1, columns + 1, rows + 1)
        total += gain**octave * np.asarray(
            Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
        )
    return total * np.float32(1.3)


def skyline(random: np.random.Generator, bumps: Number, octaves: int = 4, gain: Number = 0.5) -> Array:
    """Fractal noise along a line, ``(SIDE,)``, mostly within [-1, 1]."""
    x = np.linspace(0, 1, SIDE)
    total = np.zeros(SIDE)
    for octave in range(octaves):
        knots = random.uniform(-1, 1, int(bumps * 2**octave) + 3)
        place = x * (len(knots) - 2) + random.uniform(0, 1)
        left = place.astype(int)
        t = (place - left) ** 2 * (3 - 2 * (place - left))
        total += gain**octave * (knots[left] * (1 - t) + knots[np.minimum(left + 1, len(knots) - 1)] * t)
    return total.astype(np.float32)


def over(image: Array, color: Array, mask: Array) -> Array:
    """Lay a color or another image over an image where the mask is 1."""
    box = bounds(mask)
    layer = color[box] if color.ndim == 3 else color
    result = image.copy()
    result[box] += mask[box][..., None] * (layer - image[box])
    return result


def bounds(mask: Array, margin: int = 0) -> tuple[slice, slice]:
    """The smallest box that holds all of a mask, with a margin: drawing only there saves most of the time."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def ramp(stops: list[tuple[Number, str]], values: Array) -> Array:
    """Color of each value: linear between (value, hexadecimal color) stops, ``(..., 3)``."""
    at = [stop for stop, _ in stops]
    colors = np.stack([rgb(code) for _, code in stops])
    return np.stack([np.interp(values, at, colors[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def filled(polygons: list[Points]) -> Array:
    """Mask of the union of polygons, ``(SIDE, SIDE)``."""
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        draw.polygon(polygon, fill=255)
    return np.asarray(image, np.float32) / 255


def blur(values: Array, radius: Number) -> Array:
    """Gaussian blur of a plane in [0, 1], to 8 bits; ``radius`` is the standard deviation."""
    eight_bits = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
    return np.asarray(eight_bits.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def lit(image: Array, height: Array, strength: Number) -> Array:
    """Light a surface from the upper left: slopes that face the light brighten."""
    down, right = np.gradient(height)
    light = np.clip(strength * (right + down), -0.35, 0.35)
    return np.clip(image + light[..., None], 0, 1)


def grain(random: np.random.Generator, image: Array, amount: Number, fiber: Number = 1) -> Array:
    """Paper: fine and coarse noise on lightness."""
    tooth = 0.7 * noise(random, 330, 2, fiber) + 0.4 * noise(random, 24, 3, fiber)
    return np.clip(image * (1 + amount * tooth[..., None]), 0, 1)


class Easel:
    """A canvas that takes brush strokes of many bristles, and remembers how thick the paint lies.

    Attributes:
        image: the paint, mode RGB.
        relief: thickness of the paint, mode L.
    """

    def __init__(self, ground: Array) -> None:
        self.image = to_pil(ground)
        self.relief = Image.new("L", (SIDE, SIDE), 128)

    def paint(
        self,
        random: np.random.Generator,
        target: Array,
        angle: Array,
        *,
        n: int,
        length: Number,
        width: Number,
        where: Array | None = None,
        jitter: Number = 0.06,
        bristles: int = 5,
    ) -> None:
        """Lay ``n`` strokes in random order; each takes its color from the target and follows the angle.

        Args:
            random: where places and color variations come from.
            target: the picture to paint, ``(SIDE, SIDE, 3)``.
            angle: direction at each place, radians.
            n: number of strokes.
            length: of a stroke, in pixels; varies by a third.
            width: of a stroke, in pixels.
            where: strokes start only where this mask is over a half.
            jitter: how much a stroke's color strays.
            bristles: lines that a stroke is made of, each a little lighter or darker.
        """
        steps = 6
        start = random.uniform(0, SIDE - 1, (n, 2))
        if where is not None:
            start = start[where[start[:, 1].astype(int), start[:, 0].astype(int)] > 0.5]
        n = len(start)
        column, row = start.astype(int).T
        color = target[row, column] + random.normal(0, jitter, (n, 1)) + random.normal(0, jitter / 2, (n, 3))
        stride = length / steps * random.uniform(0.65, 1.35, n)
        path = np.empty((steps + 1, n, 2))
        path[0] = start
        for step in range(steps):
            column, row = np.clip(path[step], 0, SIDE - 1).astype(int).T
            turn = angle[row, column]
            path[step + 1] = path[step] + stride[:, None] * np.stack((np.cos(turn), np.sin(turn)), axis=1)
        along = np.gradient(path, axis=0)
        along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-6
        across = np.stack((-along[..., 1], along[..., 0]), axis=2)
        offset = np.linspace(-0.5, 0.5, bristles) * width
        lines = path[:, :, None] + across[:, :, None] * offset[:, None]  # steps+1 n bristles 2
        # Ragged ends: each bristle leaves the canvas at its own place.
        lines[0] += (lines[1] - lines[0]) * random.uniform(0, 0.9, (n, bristles, 1))
        lines[-1] += (lines[-2] - lines[-1]) * random.uniform(0, 0.9, (n, bristles, 1))
        shade = color[:, None] * (1 + random.normal(0, 0.05, (n, bristles, 1)))
        ink = (np.clip(shade, 0, 1) * 255).astype(int).tolist()
        thick = np.clip(128 + random.normal(0, 45, (n, bristles)), 0, 255).astype(int).tolist()
        on_image, on_relief = ImageDraw.Draw(self.image), ImageDraw.Draw(self.relief)
        pen = int(np.ceil(width / max(1, bristles - 1))) + 1
        flat = lines.transpose(1, 2, 0, 3).reshape(n, bristles, -1).tolist()
        for stroke in range(n):
            for bristle in range(bristles):
                on_image.line(flat[stroke][bristle], fill=tuple(ink[stroke][bristle]), width=pen)
                on_relief.line(flat[stroke][bristle], fill=thick[stroke][bristle], width=pen)

    def finish(self, strength: Number = 1.2) -> Array:
        """The painting, with light on its paint."""
        height = blur(np.asarray(self.relief, np.float32) / 255, 1.6)
        return lit(to_array(self.image), height, strength)


def to_pil(image: Array) -> Image.Image:
    """Canvas to a PIL image of 8 bits."""
    return Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))


def to_array(image: Image.Image) -> Array:
    """PIL image to a canvas in [0, 1]."""
    return np.asarray(image.convert("RGB"), np.float32) / 255
