"""Pictures of the gallery that are printed or cut; each takes a random generator and returns a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from colorstyle_lib.data.style_gallery.canvas import (
    SIDE,
    Array,
    Number,
    Points,
    blur,
    bounds,
    filled,
    grain,
    noise,
    over,
    places,
    plane,
    ramp,
    rgb,
    skyline,
    smooth,
    to_array,
    to_pil,
)


def great_waves(random: np.random.Generator) -> Array:
    """Wave print: curling crests in Prussian blue with white foam, a far mountain, a pale sun."""
    x, y = places()
    image = ramp([(0, "#c9b48a"), (120, "#e9d9b4"), (420, "#f3e7cb"), (700, "#e6d3a8")], y + 10 * noise(random, 3, 2))
    image = over(image, rgb("#d2553c"), smooth(0, 3, 84 - np.hypot(x - 520, y - 190)) * 0.92)
    slope = 372 + 0.55 * abs(x - 700) - 22 * np.exp(-(((x - 700) / 60) ** 2))
    mountain = smooth(0, 3, y - slope)
    image = over(image, ramp([(360, "#4f6f94"), (620, "#a9b9b4")], y), mountain)
    snow = smooth(0, 4, 430 + 26 * np.sin(x / 15) * np.cos(x / 41) - y)
    image = over(image, rgb("#fbf5e6"), mountain * snow)
    canvas = to_pil(image)
    for base, scale, phase, colors in (
        (620, 0.40, 0.9, ("#8fb0bd", "#6f9ab0", "#c3d6d2")),
        (700, 0.62, 3.9, ("#4a7fa8", "#2f6296", "#a9c8d0")),
        (860, 1.36, 2.9, ("#2a5a94", "#173a70", "#8fb9cf")),
        (985, 0.74, 5.6, ("#1d4480", "#10285a", "#6f9fc4")),
    ):
        _wave(random, ImageDraw.Draw(canvas), base, scale, phase, colors)
    image = to_array(canvas)
    fiber = noise(random, 160, 2, 14)
    return grain(random, np.clip(image + 0.022 * fiber[..., None], 0, 1), 0.03)


def _wave(
    random: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    base: Number,
    scale: Number,
    phase: Number,
    colors: tuple[str, str, str],
) -> None:
    """A row of crests that lean and curl, striped along their form, with claws of foam."""
    t = np.linspace(-2, 10, 2400)
    period = 400 * scale + 220

    def crest(drop: Number) -> Array:
        # Higher parts lean further, and the lip bends over and down: the crest overhangs its own front.
        rise = (0.5 + 0.5 * np.cos(2 * np.pi * t - phase)) ** 1.5 * max(0.0, 1 - drop / (560 * scale))
        px = t * period - 300 + 0.50 * period * rise**2.4 + 0.22 * drop
        lip = np.clip((rise - 0.72) / 0.28, 0, 1)
        py = base - 380 * scale * (rise - 0.16 * lip**2) + drop
        return np.stack((px + 0.10 * period * lip, py), axis=1)

    light, dark, pale = colors
    for layer in range(22):
        drop = layer * 17 * scale + (layer > 0) * 6 * scale
        color = (light, dark, light, dark, pale)[layer % 5] if layer else "#f8f3e4"
        outline: Points = [(float(a), float(b)) for a, b in crest(drop)]
        draw.polygon([*outline, (SIDE + 900.0, SIDE + 10.0), (-900.0, SIDE + 10.0)], fill=color)
    edge = crest(0)
    rise = (base - edge[:, 1]) / (380 * scale)
    foam = np.flatnonzero(rise > 0.42)
    index = random.choice(foam, 900)
    high = np.clip((rise[index] - 0.42) / 0.42, 0, 1)
    # Claws: clusters of small lobes, thicker towards the lip, hanging forward and down.
    center = edge[index] + high[:, None] * scale * (random.normal((14, 8), (20, 17), (900, 2)))
    radius = random.uniform(3.5, 9.5, 900) * (0.5 + 0.6 * scale) * (0.45 + 0.65 * high)
    for (px, py), r in zip(center.tolist(), radius.tolist(), strict=True):
        draw.ellipse((px - r, py - r, px + r, py + r), fill="#fbf7ea")
    for spot in random.choice(foam, 60):
        px, py = edge[spot] + random.normal(0, 50 * scale, 2) + (40 * scale, -40 * scale)
        r = random.uniform(1.5, 4)
        draw.ellipse((px - r, py - r, px + r, py + r), fill="#fbf7ea")


def autumn_print(random: np.random.Generator) -> Array:
    """Woodblock: flat mountains with graded edges, a lake, maples and cranes in an autumn evening."""
    x, y = places()
    image = ramp([(0, "#274b6d"), (150, "#6f8fa0"), (300, "#f0c893"), (430, "#ee8f5a"), (520, "#d9604a")], y)
    band = smooth(0, 3, 10 - abs(y - 186 - 12 * np.sin(x / 210))) + smooth(0, 3, 7 - abs(y - 262 + 9 * np.sin(x / 170)))
    image = over(image, rgb("#f9e3bd"), 0.65 * np.clip(band, 0, 1) * smooth(0, 120, 400 - abs(x - 420)))
    image = over(image, rgb("#fbe9c4"), smooth(0, 3, 92 - np.hypot(x - 640, y - 330)))
    for base, height, bumps, top, foot in ((500, 190, 2.2, "#6d5a86", "#e79a76"),
            (560, 130, 3.2, "#3f5878", "#c98a7c"), (610, 70, 4, "#23475c", "#6f8f8a")):  # fmt: skip
        edge = base - height * (0.75 - abs(skyline(random, bumps, 4, 0.42)) * 1.5)
        depth = y - edge
        image = over(image, ramp([(0, top), (170, foot)], depth), smooth(0, 2, depth))
        image = over(image, rgb("#1b2c44"), 0.8 * smooth(0, 2, 2.2 - abs(depth)))
    lake = ramp([(628, "#e9a878"), (700, "#8fa9a6"), (860, "#2f6477"), (1024, "#173f57")], y)
    image = over(image, lake, smooth(0, 2, y - 628))
    glint = smooth(0.35, 0.1, noise(random, 34, 2, 14)) * np.exp(-(((x - 640) / (60 + 0.35 * (y - 628))) ** 2))
    image = over(image, rgb("#fde9c0"), glint * smooth(0, 20, y - 640) * 0.9)
    lines = smooth(0.62, 0.08, noise(random, 30, 2, 18))
    image = over(image, rgb("#123248"), 0.45 * lines * smooth(0, 120, y - 700))
    picture = to_pil(image)
    draw = ImageDraw.Draw(picture)
    for px, py, size in ((560, 236, 30), (486, 282, 22), (420, 262, 18), (640, 200, 16)):
        for side in (-1, 1):
            wing = [(px, py), (px + side * size * 0.6, py - size * 0.62),
                    (px + side * size * 1.7, py - size * 0.3),
                    (px + side * size * 0.7, py - size * 0.22)]  # fmt: skip
            draw.polygon(wing, fill="#fdf6e6", outline="#1b2c44")
        draw.polygon([(px - 5, py - 4), (px + 5, py - 4), (px + size * 0.5, py + size * 0.8)], fill="#fdf6e6")
    bank = filled([[(0, 1024), (0, 842), (150, 858), (330, 930), (470, 1024)]])
    image = over(to_array(picture), ramp([(840, "#2b4a3f"), (1024, "#12211f")], y), bank)
    trunk: list[Points] = [[(96, 1000), (128, 760), (96, 560), (120, 380), (148, 380),
            (134, 560), (172, 740), (176, 1010)], [(120, 640), (250, 470), (380, 420), (384, 432),
            (262, 492), (142, 690)], [(130, 470), (40, 330), (0, 300), (0, 318), (30, 346),
            (112, 500)]]  # fmt: skip
    image = over(image, rgb("#241c26"), smooth(0.5, 0.2, blur(filled(trunk), 7)))
    picture = to_pil(image)
    draw = ImageDraw.Draw(picture)
    leaves = np.concatenate([random.normal(center, spread, (count, 2)) for center, spread,
            count in ( ((120, 300), (105, 72), 420), ((340, 400), (86, 50), 300), ((20, 420),
            (60, 66), 150), ((240, 210), (90, 50), 200), ((60, 160), (80, 56), 170),
            ((330, 930), (230, 40), 46))])  # fmt: skip
    for px, py in leaves:
        color = str(random.choice(["#c62f2a", "#e0512c", "#f08a35", "#a11f2f", "#f6b042"]))
        _maple(draw, px, py, random.uniform(11, 21), random.uniform(0, 6.3), color)
    rings = np.sin((y + 26 * noise(random, 3, 3, 4)) / 5.2) * noise(random, 8, 2, 6)
    return grain(random, np.clip(to_array(picture) + 0.022 * rings[..., None], 0, 1), 0.03)


def _maple(draw: ImageDraw.ImageDraw, px: Number, py: Number, size: Number, turn: Number, color: str) -> None:
    angles = turn + np.linspace(-2.4, 2.4, 11)
    reach = size * np.where(np.arange(11) % 2 == 0, 1.0, 0.42)
    tips = [(float(px + r * np.cos(a)), float(py + r * np.sin(a))) for r, a in zip(reach, angles, strict=True)]
    draw.polygon([(px, py), *tips], fill=color)


def paper_garden(random: np.random.Generator) -> Array:
    """Cut paper: leaves and suns from painted sheets, each throwing a small shadow."""
    image = plane("#f7f0e0")
    streaks = 0.14 * noise(random, 26, 3, 0.15) + 0.08 * noise(random, 4, 3)
    panels = [(0, 0, 348, 420, "#1f4fa3", "#f9f3e4"),
            (348, 0, 700, 300, "#f2b632", "#d1342f"), (700, 0, 1024, 420, "#f9f3e4", "#1f7a4d"),
            (0, 420, 348, 760, "#ef6f3c", "#1b2a5c"), (348, 300, 700, 720, "#f6e7d8", "#2a58b0"),
            (700, 420, 1024, 700, "#d63f6e", "#f7c63c"), (0, 760, 348, 1024, "#f7c63c", "#7b2f7f"),
            (348, 720, 700, 1024, "#1f7a4d", "#f6e7d8"),
            (700, 700, 1024, 1024, "#173463", "#f07a3c")]  # fmt: skip
    for left, top, right, bottom, sheet, leaf in panels:
        gap = 5
        dx = random.uniform(-7, 7, 4)
        corners = [(left + gap + dx[0], top + gap), (right - gap, top + gap + dx[1]),
                (right - gap + dx[2], bottom - gap), (left + gap, bottom - gap + dx[3])]  # fmt: skip
        image = _glue(image, filled([corners]), sheet, streaks)
        center = ((left + right) / 2, (top + bottom) / 2)
        tall = 0.44 * (bottom - top)
        tilt = float(random.uniform(-0.45, 0.45))
        image = _glue(image, _alga(random, center, tall, 0.44 * (right - left), tilt), leaf, streaks.T)
    for px, py, r, color in ((338, 410, 40, "#d1342f"), (704, 302, 30, "#1b2a5c"),
            (352, 752, 30, "#f9f3e4"), (698, 712, 36, "#f2b632")):  # fmt: skip
        turns = np.linspace(0, 2 * np.pi, 19)[:-1]
        reach = r * np.where(np.arange(18) % 2 == 0, 1.25, 0.78)
        star = [(float(px + q * np.cos(a)), float(py + q * np.sin(a))) for q, a in zip(reach, turns, strict=True)]
        image = _glue(image, smooth(0.5, 0.12, blur(filled([star]), 4)), color, streaks)
    return grain(random, image, 0.03)


def _alga(
    random: np.random.Generator, center: tuple[Number, Number], tall: Number, wide: Number, tilt: Number
) -> Array:
    """A leaf with fingers on both sides; blurring and cutting again rounds every corner as scissors do."""
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)

    def place(u: Number, v: Number) -> tuple[Number, Number]:
        return (
            center[0] + u * np.cos(tilt) - v * np.sin(tilt),
            center[1] + u * np.sin(tilt) + v * np.cos(tilt),
        )

    def finger(start: tuple[Number, Number], end: tuple[Number, Number], width: Number) -> None:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.12 * abs(end[0] - start[0]))
        for t in np.linspace(0, 1, 24):
            u = (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * middle[0] + t**2 * end[0]
            v = (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * middle[1] + t**2 * end[1]
            r = width * (0.62 + 0.5 * t)
            px, py = place(u, v)
            draw.ellipse((px - r, py - r, px + r, py + r), fill=255)

    finger((0, tall * 0.9), (0, -tall * 0.82), 0.062 * tall + 6)
    levels = np.linspace(0.55, -0.6, 5)
    for number, level in enumerate(levels):
        reach = wide * (0.9 - 0.35 * abs(level + 0.1)) * (1 - 0.06 * number)
        for side in (-1, 1):
            tip = (
                side * reach * random.uniform(0.8, 0.95),
                (level - 0.24 + random.uniform(-0.04, 0.04)) * tall,
            )
            finger((0, level * tall), tip, 0.064 * tall + 4)
    return smooth(0.5, 0.1, blur(np.asarray(image, np.float32) / 255, 6))


def _glue(image: Array, mask: Array, color: str, streaks: Array) -> Array:
    """Lay a sheet of painted paper on the picture: a shadow, then gouache with the streaks of its brush."""
    shadow = np.roll(blur(mask, 6), (7, 5), (0, 1))
    box = bounds(mask, margin=32)
    image = image.copy()
    image[box] *= 1 - 0.32 * (shadow[box] * (1 - mask[box]))[..., None]
    # Dark paint shows the brush more than white does.
    sheet = rgb(color) * (1 + (1.1 - rgb(color).mean()) * streaks[..., None])
    return over(image, np.clip(sheet, 0, 1), mask)


def harvest_linocut(random: np.random.Generator) -> Array:
    """Linocut: a low sun over ploughed hills, every tone a row of carved lines, two blocks of ink."""
    x, y = places()
    rough = 0.05 * noise(random, 120, 2) + 0.05 * noise(random, 40, 2)
    paper = plane("#f3e8d0")
    sun = np.hypot(x - 520, y - 330)
    turn = np.arctan2(y - 330, x - 520)
    # Ink where the wave of a family of lines rises over the tone.
    rays = np.cos(turn * 84) + 1.5 * np.clip((sun - 400) / 400, -0.9, 0.8) + 0.45 * np.cos(sun / 11)
    ink = smooth(0, 0.35, rays + 3 * rough)
    ink = np.where(sun < 178, 0, ink)
    red = smooth(0, 3, 150 - sun + 2 * rough) * smooth(
        0, 0.3, 1.1 + np.cos(y / 4.4) - 1.5 * (y - 300) / 150 + 3 * rough
    )
    glow = (
        smooth(0, 0.4, np.cos(turn * 84 + np.pi) - 0.2 + 3 * rough) * smooth(0, 3, 330 - sun) * smooth(0, 3, sun - 178)
    )
    for base, height, bumps, kind in ((440, 60, 2.5, "hatch"), (520, 60, 2, "rows"),
            (625, 70, 1.6, "contour"), (770, 70, 1.3, "furrow")):  # fmt: skip
        edge = base + height * skyline(random, bumps, 2, 0.4)
        depth = y - edge
        if kind == "hatch":
            field = np.cos((x + 0.8 * y) / 4.6) + 0.9 - depth / 60
        elif kind == "rows":
            field = np.cos((depth + 0.25 * x + 24 * np.sin(x / 130)) / 5.2) - 0.1 + 0.6 * np.sin(x / 160)
        elif kind == "contour":
            field = np.cos((x - 420) / (0.10 * np.clip(depth, 1, None) + 3.2) / 1.3) + 0.25
        else:
            field = np.cos((x - 560) / (0.04 * np.clip(y - 540, 20, None))) + 0.5 * np.cos(y / 5.2) + (y - 860) / 400
        body = smooth(0, 3, depth)
        ink = ink * (1 - body) + body * smooth(0, 0.35, field + 3 * rough)
        ink = np.maximum(ink * (1 - smooth(0, 2, 5 - abs(depth - 9))), smooth(0, 2, 3.5 - abs(depth)))
        red, glow = red * (1 - body), glow * (1 - body)
    for cx, top, base, half in ((180, 250, 680, 120), (860, 420, 700, 66), (770, 480, 690, 46)):
        crown = half * (1 + 0.18 * noise(random, 18, 2)) - np.hypot(x - cx, (y - top - half) * 0.86)
        trunk = smooth(0, 2, half * 0.09 + 2 - abs(x - cx + 5 * np.sin(y / 50))) * (y > top + half) * (y < base)
        cuts = np.cos(np.hypot(x - cx + half * 0.8, y - top + half * 0.1) / 4.2 + 1.2 * noise(random, 16, 2))
        light = smooth(0, 0.4, cuts - 0.35 - 0.9 * (x - cx + y - top - half) / half + 3 * rough)
        leaf = smooth(0, 2, crown)
        halo = smooth(0, 2, crown + 7)
        ink = ink * (1 - halo) + leaf * (1 - light * smooth(0, 3, crown - 5))
        ink = np.maximum(ink, trunk)
        red, glow = red * (1 - halo), glow * (1 - halo)
    image = over(paper, rgb("#f0a63c"), glow * 0.95)
    image = over(image, rgb("#d8432b"), red)
    speckle = 1 - 0.7 * smooth(1.0, 0.2, noise(random, 300, 1) + 0.4 * noise(random, 6, 2))
    image = over(image, rgb("#1f2a3a"), np.clip(ink, 0, 1) * speckle)
    frame = smooth(0, 2, np.minimum.reduce([x, y, SIDE - 1 - x, SIDE - 1 - y]) - 26 + 3 * rough)
    return grain(random, over(paper, image, frame), 0.03)
