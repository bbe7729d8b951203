"""The gallery's cubist picture: a still life cut into facets."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from colorstyle_lib.data.style_gallery.canvas import (
    SIDE,
    Array,
    Number,
    blur,
    filled,
    lit,
    noise,
    over,
    places,
    ramp,
    rgb,
    skyline,
    smooth,
)


def cubist_table(random: np.random.Generator) -> Array:
    """Cubism: a guitar, a bottle and fruit on a table, broken into shaded facets."""
    target = _still_life(random)
    pieces = [np.array([(-4, -4), (SIDE + 4, -4), (SIDE + 4, SIDE + 4), (-4, SIDE + 4)], float)]
    while len(pieces) < 110:
        weights = np.array([_area(piece) ** 1.6 for piece in pieces])
        piece = pieces.pop(int(random.choice(len(pieces), p=weights / weights.sum())))
        middle = piece.mean(axis=0) + random.normal(0, 20, 2)
        turn = float(random.choice([0.35, 0.95, 1.5, 2.2, 2.8])) + random.normal(0, 0.12)
        pieces.extend(half for half in _split(piece, middle, turn) if _area(half) > 60)
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    for piece in pieces:
        corner = np.clip(piece.min(axis=0).astype(int), 0, SIDE - 1)
        size = np.clip(piece.max(axis=0).astype(int) + 2, 0, SIDE) - corner
        stencil = Image.new("1", (int(size[0]), int(size[1])))
        ImageDraw.Draw(stencil).polygon([(float(px), float(py)) for px, py in piece - corner], fill=1)
        rows, columns = np.nonzero(np.asarray(stencil))
        rows, columns = rows + corner[1], columns + corner[0]
        # A facet shows the thing from a little elsewhere, and is shaded from one edge to the other.
        dx, dy = random.normal(0, 20, 2)
        turn, zoom = random.normal(0, 0.16), random.uniform(0.88, 1.12)
        mx, my = columns.mean(), rows.mean()
        u, v = (columns - mx) * zoom, (rows - my) * zoom
        sx = np.clip(mx + dx + u * np.cos(turn) - v * np.sin(turn), 0, SIDE - 1).astype(int)
        sy = np.clip(my + dy + u * np.sin(turn) + v * np.cos(turn), 0, SIDE - 1).astype(int)
        light = random.uniform(0, 2 * np.pi)
        slope = (columns - mx) * np.cos(light) + (rows - my) * np.sin(light)
        slope = slope / (abs(slope).max() + 1e-6)
        image[rows, columns] = target[sy, sx] * (1 + 0.42 * slope[:, None]) + 0.05 * slope[:, None]
    edges = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(edges)
    for piece in pieces:
        outline = [(float(px), float(py)) for px, py in piece]
        draw.line([*outline, outline[0]], fill=int(random.uniform(90, 255)), width=4)
    image = over(np.clip(image, 0, 1), rgb("#241a18"), 0.75 * blur(np.asarray(edges, np.float32) / 255, 1.2))
    dabs = noise(random, 70, 2, 3) * 0.6 + noise(random, 70, 2, 0.4) * 0.6
    return lit(np.clip(image * (1 + 0.09 * dabs[..., None]), 0, 1), dabs, 0.14)


def _area(piece: Array) -> Number:
    px, py = piece.T
    return 0.5 * abs(float(np.dot(px, np.roll(py, 1)) - np.dot(py, np.roll(px, 1))))


def _split(piece: Array, point: Array, turn: Number) -> list[Array]:
    """Cut a convex polygon along the line through a point."""
    normal = np.array([-np.sin(turn), np.cos(turn)])
    side = (piece - point) @ normal
    halves: list[list[Array]] = [[], []]
    for i in range(len(piece)):
        j = (i + 1) % len(piece)
        halves[int(side[i] > 0)].append(piece[i])
        if (side[i] > 0) != (side[j] > 0):
            cut = piece[i] + (piece[j] - piece[i]) * side[i] / (side[i] - side[j])
            halves[0].append(cut)
            halves[1].append(cut)
    return [np.array(half) for half in halves if len(half) > 2]


def _still_life(random: np.random.Generator) -> Array:
    x, y = places()
    image = ramp([(0, "#2f5566"), (330, "#7f9a94"), (560, "#d8bc86"), (720, "#a8744a")], y + 0.35 * x - 120)
    image = over(image, ramp([(620, "#c98f4a"), (1024, "#7a4526")], y), smooth(0, 3, y - 640 + 0.14 * (x - 512)))
    cloth = filled([[(80, 690), (420, 650), (520, 1024), (30, 1024)]])
    image = over(image, ramp([(0, "#efe6d2"), (400, "#b9b7ad")], x + 40 * np.sin((x + y) / 30)), cloth)
    body = np.minimum(np.hypot((x - 590) / 1.0, y - 760) - 178, np.hypot(x - 560, y - 540) - 134)
    waist = np.hypot((x - 575) / 0.9, y - 640) - 120
    body = np.minimum(body, waist)
    image = over(image, ramp([(380, "#e0a350"), (600, "#c4742c"), (780, "#7a3a1c")], x), smooth(0, 3, -body))
    image = over(image, rgb("#3a2016"), smooth(0, 3, 7 - abs(body + 6)))
    image = over(image, rgb("#1f1714"), smooth(0, 3, 56 - np.hypot(x - 572, y - 606)))
    neck = filled([[(528, 520), (480, 90), (530, 82), (596, 520)], [(464, 100), (456, 30), (544, 22), (544, 92)]])
    image = over(image, ramp([(470, "#4a2a1c"), (580, "#22140f")], x), neck)
    for string in range(5):
        offset = (string - 2) * 8
        line = abs((x - 505 - offset) - (y - 90) * (80 + offset * 0.4) / 700)
        image = over(image, rgb("#f2e2b8"), 0.9 * smooth(0, 2, 1.8 - line) * (y > 80) * (y < 800))
    bottle = filled([[(216, 330), (216, 220), (264, 220), (264, 330), (312, 400), (312, 800), (168, 800), (168, 400)]])
    image = over(image, ramp([(168, "#0f3a34"), (220, "#3f8a6a"), (312, "#0d2a2b")], x), bottle)
    label = filled([[(168, 520), (312, 520), (312, 660), (168, 660)]])
    image = over(image, rgb("#efe0b8"), label)
    image = over(image, rgb("#a8322a"), label * smooth(0, 2, 12 - abs(y - 560)))
    for cx, cy, r, code in ((840, 800, 74, "#c8402a"), (910, 860, 66, "#e0a02a"), (780, 880, 62, "#6f8a3a")):
        shade = np.clip(1.1 - np.hypot(x - cx + 24, y - cy + 26) / (1.6 * r), 0.25, 1.1)
        image = over(image, rgb(code) * shade[..., None], smooth(0, 3, r - np.hypot(x - cx, y - cy)))
    sheet = filled([[(720, 250), (930, 190), (990, 470), (770, 540)]])
    image = over(image, rgb("#f0e8d4"), sheet)
    staves = smooth(0, 2, 2.2 - abs(((y + 0.28 * x) % 26) - 13)) * (((y + 0.28 * x) % 150) < 120)
    image = over(image, rgb("#2b2524"), 0.8 * sheet * staves)
    return image + 0.03 * (noise(random, 8, 4) + skyline(random, 30)[None])[..., None]
