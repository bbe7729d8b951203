"""Pictures of the gallery put together from pieces; each takes a random generator and returns a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from colorstyle_lib.data.style_gallery.canvas import (
    SIDE,
    Array,
    Number,
    blur,
    bounds,
    filled,
    grain,
    lit,
    noise,
    over,
    places,
    plane,
    ramp,
    rgb,
    smooth,
    to_array,
)


def sun_mosaic(random: np.random.Generator) -> Array:
    """Mosaic: a golden sun over the sea, its tesserae laid in rings, each tilted a little in the light."""
    x, y = places()
    cx, cy = 512, 450
    r, a = np.hypot(x - cx, y - cy), np.arctan2(y - cy, x - cx)
    rays = np.cos(16 * a)
    target = ramp(
        [(180, "#f4d58a"), (330, "#7fc4c9"), (480, "#2f86a8"), (700, "#1b3f78")], r + 30 * noise(random, 5, 2)
    )
    flame = 236 + 66 * np.abs(rays) ** 0.6 * np.sign(rays) + 26 * np.cos(8 * a)
    target = over(target, ramp([(150, "#f7c83f"), (230, "#ee8a2c"), (300, "#c8402a")], r), smooth(0, 4, flame - r))
    target = over(target, ramp([(0, "#fff2b8"), (90, "#fbd75a"), (150, "#eda52e")], r), smooth(0, 4, 158 - r))
    target = over(target, rgb("#b3402a"), smooth(0, 4, 8 - abs(r - 160)))
    sea = 700 + 22 * np.sin(x / 52)
    waves = np.sin((y - 700) / 17 + 1.3 * np.sin(x / 52))
    water = ramp([(-1, "#123a70"), (-0.2, "#1f6a9a"), (0.5, "#3fa9b5"), (0.95, "#e6f0dc")], waves)
    target = over(target, water, smooth(0, 4, y - sea))
    glitter = np.exp(-(((x - cx) / 110) ** 2)) * smooth(0.2, 0.3, waves)
    target = over(target, rgb("#f7c83f"), glitter * smooth(0, 4, y - sea))
    border = np.minimum.reduce([x, y, SIDE - 1 - x, SIDE - 1 - y])
    along = np.where(np.minimum(x, SIDE - 1 - x) < np.minimum(y, SIDE - 1 - y), y, x)
    meander = np.where(np.sin(along / 20.4) > 0, 1.0, 0.0)
    corner = np.minimum(abs(x - 512), abs(y - 512)) > 450
    meander = np.where(corner, 0.0, meander)
    target = over(target, over(plane("#7a2431"), rgb("#f0d9a0"), meander.astype(np.float32)), smooth(0, 2, 58 - border))
    target = over(target, rgb("#2a1c3a"), smooth(0, 2, 7 - abs(border - 60)))
    color = Image.new("RGB", (SIDE, SIDE), "#4a4038")
    tilt = Image.new("L", (SIDE, SIDE), 60)
    on_color, on_tilt = ImageDraw.Draw(color), ImageDraw.Draw(tilt)

    def lay(px: Number, py: Number, w: Number, h: Number, turn: Number) -> None:
        if not (0 <= px < SIDE and 0 <= py < SIDE):
            return
        c, s = np.cos(turn), np.sin(turn)
        corners = []
        for u, v in ((-w, -h), (w, -h), (w, h), (-w, h)):
            u, v = u + random.normal(0, 0.9), v + random.normal(0, 0.9)
            corners.append((px + u * c - v * s, py + u * s + v * c))
        shade = target[int(py), int(px)] * random.uniform(0.84, 1.12) + random.normal(0, 0.02, 3)
        on_color.polygon(corners, fill=tuple((np.clip(shade, 0, 1) * 255).astype(int).tolist()))
        on_tilt.polygon(corners, fill=int(random.uniform(150, 255)))

    piece = 18.0
    for ring in np.arange(piece * 0.7, 760, piece):
        count = max(5, int(2 * np.pi * ring / (piece * 1.02)))
        for turn in (np.arange(count) + random.uniform()) * 2 * np.pi / count:
            px, py = cx + ring * np.cos(turn), cy + ring * np.sin(turn)
            if py < 700 + 22 * np.sin(px / 52) - 6 and 66 < px < SIDE - 66 and py > 66:
                lay(px, py, 0.42 * piece, 0.43 * piece, turn)
    for row in np.arange(690, 1000, piece):
        for px in np.arange(66, SIDE - 60, piece) + random.uniform(0, 8):
            py = row + 22 * np.sin(px / 52)
            if py < SIDE - 66 and py > 700 + 22 * np.sin(px / 52) - 14:
                lay(px, py, 0.43 * piece, 0.42 * piece, np.arctan(22 / 52 * np.cos(px / 52)))
    for at in np.arange(9, SIDE, 20.4):
        for inset in (9, 29, 49):
            for px, py in ((at, inset), (at, SIDE - inset)):
                lay(px, py, 8.6, 8.6, 0)
            for px, py in ((inset, at), (SIDE - inset, at)):
                if 60 < at < SIDE - 60:
                    lay(px, py, 8.6, 8.6, 0)
    image = to_array(color) + 0.05 * noise(random, 60, 3)[..., None]
    return lit(image, blur(np.asarray(tilt, np.float32) / 255, 1.5), 0.9)


def rose_window(random: np.random.Generator) -> Array:
    """Stained glass: a rose window of jewel colors in lead, with daylight behind it."""
    x, y = places()
    u, v = x - 512, y - 512
    r, a = np.hypot(u, v), np.arctan2(v, u)
    jewels = [
        rgb(code) for code in ("#123f9c", "#b3152a", "#e3a21a", "#0f7a5a", "#5a2a94", "#1f8fc4", "#d9572a", "#c43a7a")
    ]
    pane = np.zeros_like(x, dtype=np.int64)
    lead = np.full_like(x, 99.0)  # distance to the nearest lead line, in pixels

    def line(distance: Array, where: Array | None = None) -> None:
        nonlocal lead
        lead = np.minimum(lead, abs(distance) if where is None else np.where(where, abs(distance), 99))

    def circle(radius: Array, edge: Number, number: Array | int) -> None:
        nonlocal pane
        line(radius - edge)
        pane = np.where(radius < edge, number, pane)

    def folded(count: int, offset: Number = 0.0) -> tuple[Array, Array]:
        """Angle to the nearest of ``count`` axes, and the number of that axis."""
        step = 2 * np.pi / count
        number = np.round((a - offset) / step)
        return a - offset - number * step, number.astype(np.int64) % count

    # Outside the rose: quarries, as in any plain church window.
    diamond_u, diamond_v = np.floor((u + v) / 74), np.floor((u - v) / 74)
    line((((u + v) / 74) % 1 - 0.5) * 74 - 37 * np.sign(((u + v) / 74) % 1 - 0.5))
    line((((u - v) / 74) % 1 - 0.5) * 74 - 37 * np.sign(((u - v) / 74) % 1 - 0.5))
    pane = (diamond_u * 31 + diamond_v * 17).astype(np.int64) % 97 + 1000
    outside = lead.copy()
    lead = np.where(r < 488, 99, outside)
    turn, number = folded(24, np.pi / 24)
    pane = np.where(r < 488, 100 + number, pane)
    line(r * np.sin(abs(turn) - np.pi / 24), (r < 488) & (r > 396))
    line(r - 488)
    circle(np.hypot(r * np.cos(turn) - 442, r * np.sin(turn)), 34, 200 + number % 3)
    circle(r, 396, 0)
    turn, number = folded(12)
    pane = np.where(r < 396, 300 + number % 2, pane)
    line(r * np.sin(abs(turn) - np.pi / 12), (r < 396) & (r > 140))
    # A petal is where two circles overlap; a smaller one lies inside it.
    along, across = r * np.cos(turn) - 262, abs(r * np.sin(turn))
    for size, base in ((1.0, 400), (0.66, 500), (0.34, 600)):
        half, bulge = 126 * size, 54 * size
        big = (half**2 + bulge**2) / (2 * bulge)
        petal = np.hypot(along, across + big - bulge) - big
        line(petal, r > 60)
        pane = np.where((petal < 0) & (r > 60), base + number % 4, pane)
    turn, number = folded(12, np.pi / 12)
    circle(np.hypot(r * np.cos(turn) - 352, r * np.sin(turn)), 27, 700 + number % 2)
    circle(r, 138, 800)
    turn, number = folded(8)
    pane = np.where(r < 138, 810 + number % 2, pane)
    line(r * np.sin(abs(turn) - np.pi / 8), (r < 138) & (r > 48))
    circle(np.hypot(r * np.cos(turn) - 92, r * np.sin(turn)), 25, 900)
    circle(r, 48, 901)
    choice = {100: 0, 200: 2, 201: 1, 202: 3, 300: 0, 301: 4, 400: 1, 401: 5, 402: 1, 403: 5,
            500: 2, 501: 6, 502: 2, 503: 6, 600: 7, 601: 3, 602: 7, 603: 3, 700: 2, 701: 3,
            800: 0, 810: 5, 811: 0, 900: 1, 901: 2}  # fmt: skip
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    for value in np.unique(pane):
        if value >= 1000:
            color = rgb(("#9fb8a6", "#b9c4a0", "#7fa3a8", "#c9bf94", "#8fa98f")[value % 5]) * random.uniform(0.8, 1.05)
        elif 100 <= value < 200:
            color = jewels[(0, 5, 4)[value % 3]] * random.uniform(0.75, 1.1)
        else:
            color = jewels[choice[int(value)]]
        image[pane == value] = color
    seed_glass = 1 + 0.20 * noise(random, 9, 4) + 0.10 * noise(random, 40, 2, 0.4)
    day = 1.28 - 0.5 * np.clip(np.hypot(u + 130, v + 190) / 800, 0, 1)
    # Each pane is brightest in its middle: paint and dirt gather along the lead.
    middle = 0.62 + 0.5 * smooth(14, 26, lead)
    image = image * (seed_glass * day * middle)[..., None]
    image = image + 0.16 * blur(image.mean(axis=2), 16)[..., None]
    width = np.where(r > 488, 4.0, 6.0) + 2.5 * (abs(r - 488) < 14) + 2 * (abs(r - 396) < 9) + 2 * (abs(r - 138) < 9)
    came = smooth(0, 2.5, width - lead)
    metal = rgb("#17161b") + (0.16 * smooth(0, 3, 2.2 - lead))[..., None]
    return np.clip(over(image, metal, came), 0, 1).astype(np.float32)


def weimar_geometry(random: np.random.Generator) -> Array:
    """Bauhaus: circles, bars and arcs that change color where they overlap, on warm paper."""
    x, y = places()
    image = plane("#efe4cc")

    def lay(mask: Array, color: str, opacity: Number = 1.0) -> None:
        """Multiply like printing ink, so that overlaps darken; opacity hides what is below."""
        ink, box = rgb(color), bounds(mask)
        image[box] += mask[box][..., None] * (ink * (opacity + (1 - opacity) * image[box]) - image[box])

    def disc(cx: Number, cy: Number, radius: Number) -> Array:
        return smooth(0, 2, radius - np.hypot(x - cx, y - cy))

    def ring(cx: Number, cy: Number, radius: Number, width: Number) -> Array:
        return smooth(0, 2, width / 2 - abs(np.hypot(x - cx, y - cy) - radius))

    def bar(x0: Number, y0: Number, x1: Number, y1: Number, width: Number) -> Array:
        dx, dy = x1 - x0, y1 - y0
        length = np.hypot(dx, dy)
        along = ((x - x0) * dx + (y - y0) * dy) / length
        across = ((x - x0) * dy - (y - y0) * dx) / length
        return smooth(0, 2, np.minimum(width / 2 - abs(across), np.minimum(along, length - along)))

    lay((x > 640).astype(np.float32) * (y < 470), "#e3d2ae", 0.3)
    lay(disc(390, 400, 268), "#d9412b", 0.85)
    lay(disc(390, 400, 268) * (x > 390), "#b52a24", 0.9)
    lay(bar(60, 900, 900, 60, 74), "#f0b429", 0.25)
    lay(disc(640, 620, 210) * smooth(0, 2, y - 620), "#1f4e9c", 0.55)
    lay(disc(640, 620, 210) * smooth(0, 2, 620 - y), "#7fb3cf", 0.3)
    for step in range(7):
        lay(ring(812, 208, 44 + 21 * step, 9), "#1d1c22" if step % 2 else "#d9412b", 0.9)
    lay(disc(812, 208, 24), "#f0b429", 1)
    lay(filled([[(120, 962), (120, 640), (400, 962)]]), "#1d1c22", 0.92)
    lay(filled([[(120, 640), (260, 640), (120, 800)]]), "#2f8f83", 0.4)
    lay(disc(230, 250, 78), "#1d1c22", 0.95)
    lay(disc(230, 250, 40), "#efe4cc", 1)
    lay(disc(252, 236, 14), "#d9412b", 1)
    for column in range(5):
        for row in range(5):
            code = ("#1d1c22", "#f0b429", "#d9412b", "#1f4e9c", "#efe4cc")[(column * 2 + row * 3) % 5]
            left, top = 772 + 37 * column, 774 + 37 * row
            lay(((x > left) & (x < left + 35) & (y > top) & (y < top + 35)).astype(np.float32), code, 1)
    lay(bar(40, 566, 984, 470, 10), "#1d1c22", 0.95)
    lay(bar(520, 30, 596, 994, 6), "#1d1c22", 0.95)
    for step in range(9):
        lay(bar(450 + 18 * step, 884 - 3 * step, 620 + 18 * step, 974 - 3 * step, 4), "#1d1c22", 0.95)
        lay(bar(60, 60 + 13 * step, 60 + 130 - 12 * step, 60 + 13 * step, 4), "#1f4e9c", 0.8)
    lay(disc(580, 470, 62), "#f0b429", 0.15)
    lay(ring(640, 620, 246, 4), "#1d1c22", 0.95)
    lay(disc(902, 560, 48), "#2f8f83", 0.5)
    lay(disc(938, 584, 34), "#e88a7a", 0.1)
    screen = noise(random, 200, 2)
    image = image * (1 + 0.06 * screen[..., None])
    degrade = smooth(0.78, 0.2, noise(random, 420, 1) + 0.5 * noise(random, 7, 3))
    return grain(random, over(image, rgb("#efe4cc"), 0.3 * degrade), 0.05)
