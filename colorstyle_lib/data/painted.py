"""Pictures of the gallery made with a brush, a crayon, or water: each takes a random generator, returns a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from colorstyle_lib.data.canvas import (
    SIDE,
    Array,
    Easel,
    blur,
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


def poppy_field(random: np.random.Generator) -> Array:
    """Impressionist strokes: a field of poppies under a wide evening sky."""
    x, y = places()
    horizon = 400 + 14 * skyline(random, 2)
    sky = ramp([(0, "#5d8fc4"), (180, "#9fc3dd"), (300, "#f2d9b8"), (410, "#f6b88f")], y)
    clouds = noise(random, 4, 5, 2.2) + 0.25
    target = over(sky, ramp([(0, "#fdf3e2"), (400, "#f2a48c")], y), smooth(0.45, 0.7, clouds) * 0.85)
    for base, height, color, shade in (
        (352, 34, "#8f8fb8", "#a9a0bd"),
        (384, 22, "#56759a", "#7d8fa6"),
        (402, 16, "#476b5c", "#6d8a5a"),
    ):
        edge = base + height * skyline(random, 3)
        target = over(target, ramp([(base - 40, color), (base + 50, shade)], y), smooth(0, 3, y - edge))
    field = ramp([(400, "#a8a854"), (520, "#8a9c3e"), (760, "#557a33"), (1024, "#2c5230")], y)
    field = field + 0.10 * noise(random, 8, 4, 3)[..., None] * rgb("#ffe9a0")
    target = over(target, field, smooth(0, 3, y - horizon))
    bend = 560 + 90 * np.sin((y - 400) / 190) * ((y - 400) / 300)
    path = smooth(0, 10, (14 + (y - 400) * 0.13) - abs(x - bend)) * (y > horizon)
    target = over(target, ramp([(400, "#e8cf9a"), (1024, "#b98f62")], y), path * 0.9)
    # Poplars stand off the middle, and stay dark against the sunset.
    trees = np.zeros_like(x)
    for center, top, half in ((792, 120, 36), (856, 176, 30), (722, 232, 26), (918, 250, 26), (188, 318, 46)):
        reach = np.clip((y - top) / (432 - top), 0, 1)
        shape = half * abs(np.sin(np.pi * reach**0.75)) ** 0.7
        trees = np.maximum(trees, smooth(0, 6, shape - abs(x - center + 9 * noise(random, 16, 2))))
    target = over(target, ramp([(120, "#2f5244"), (430, "#1f3b35")], y), trees)
    warm = np.pi * 0.06 * noise(random, 3, 3)
    easel = Easel(target)
    above, below = (y < horizon).astype(np.float32), (y >= horizon).astype(np.float32)
    easel.paint(random, target, warm, n=2600, length=90, width=22, where=above, jitter=0.035)
    easel.paint(random, target, warm + 0.3, n=1600, length=52, width=13, where=above, jitter=0.05)
    upright = -np.pi / 2 + 0.45 * noise(random, 5, 3)
    easel.paint(random, target, warm, n=1800, length=70, width=18, where=below, jitter=0.06)
    for top, bottom, size in ((400, 560, 20), (540, 760, 34), (720, 1024, 52)):
        band = ((y > top) & (y < bottom) & (path < 0.5)).astype(np.float32)
        easel.paint(random, target, upright, n=70_000 // size, length=size, width=size / 5, where=band, jitter=0.09)
    easel.paint(random, target, upright, n=16_000, length=24, width=8, where=trees, jitter=0.05)
    _poppies(random, easel, path)
    return easel.finish()


def _poppies(random: np.random.Generator, easel: Easel, path: Array) -> None:
    """Red dabs, small and dense far away, large and loose in front, in drifts and not on the path."""
    drift = noise(random, 5, 3, 2)
    on_image, on_relief = ImageDraw.Draw(easel.image), ImageDraw.Draw(easel.relief)
    depth = np.sort(random.uniform(0, 1, 2200)) ** 1.5
    for near in depth:
        py, px = 425 + 590 * near, random.uniform(0, SIDE)
        row, column = min(int(py), SIDE - 1), min(int(px), SIDE - 1)
        if drift[row, column] < random.uniform(-0.2, 0.5) or path[row, column] > 0.3:
            continue
        r = 3.5 + 17 * near
        red = rgb(str(random.choice(["#d8281f", "#e8452c", "#c41c26", "#f0643c", "#b3152a"])))
        for _ in range(4):
            dx, dy = random.normal(0, r * 0.4, 2)
            w, h = r * random.uniform(0.5, 0.95), r * random.uniform(0.35, 0.7)
            box = (px + dx - w, py + dy * 0.6 - h, px + dx + w, py + dy * 0.6 + h)
            shade = red * random.uniform(0.8, 1.15)
            on_image.ellipse(box, fill=tuple((np.clip(shade, 0, 1) * 255).astype(int).tolist()))
            on_relief.ellipse(box, fill=int(random.uniform(120, 255)))


def night_sky(random: np.random.Generator) -> Array:
    """Swirling strokes: stars, a moon and the wind over dark hills."""
    x, y = places()
    lights = [(790, 190, 74), (180, 150, 34), (430, 96, 26), (600, 300, 24), (300, 350, 30), (560, 148, 18),
              (930, 400, 24), (90, 400, 20), (960, 70, 20)]  # fmt: skip
    swirls = [(470, 330, 190, 1), (250, 250, 120, -1), (690, 420, 130, -1), *((*light, 1) for light in lights)]
    flow_x, flow_y = np.ones_like(x), 0.35 * np.sin(x / 150 + 1) + 0.5 * noise(random, 3, 2)
    for cx, cy, radius, sign in swirls:
        reach = 1.35 * radius + 25
        pull = 5 * np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / reach**2))
        distance = np.hypot(x - cx, y - cy) + 1
        flow_x = flow_x - sign * pull * (y - cy) / distance
        flow_y = flow_y + sign * pull * (x - cx) / distance
    angle = np.arctan2(flow_y, flow_x)
    target = ramp([(0, "#0f1f54"), (250, "#1c3f8a"), (520, "#2f6aa8"), (720, "#7fb0b4")], y + 60 * noise(random, 4, 3))
    for cx, cy, radius, _ in swirls[:3]:
        distance = np.hypot(x - cx, y - cy)
        arms = np.sin(distance / 13 + 1.5 * np.arctan2(y - cy, x - cx))
        tone = ramp([(-1, "#173a80"), (0, "#4f8fc0"), (1, "#cfe0cf")], arms)
        target = over(target, tone, 0.8 * np.exp(-((distance / radius) ** 4)))
    for cx, cy, radius in lights:
        distance = np.hypot(x - cx, y - cy)
        rings = ramp([(0, "#fff6cf"), (0.45, "#ffd95a"), (0.8, "#f2a93b"), (1.2, "#b7c98a"), (1.9, "#4f8fb5")],
                     distance / radius + 0.16 * np.sin(distance / 7))  # fmt: skip
        target = over(target, rings, np.exp(-((distance / (1.6 * radius)) ** 4)))
    crescent = (np.hypot(x - 790, y - 190) < 60) & (np.hypot(x - 764, y - 178) > 48)
    target = over(target, rgb("#fff3b0"), 0.9 * crescent.astype(np.float32))
    land = np.zeros_like(x)
    for base, height, high, low in ((706, 60, "#33608a", "#244a74"), (768, 46, "#234a66", "#173552"),
                                    (846, 40, "#1d4047", "#0e2230")):  # fmt: skip
        edge = base + height * skyline(random, 2, 2)
        mask = smooth(0, 4, y - edge)
        target = over(target, ramp([(0, high), (130, low)], y - edge), mask)
        target = target + 0.06 * (mask * noise(random, 9, 3))[..., None]
        slope = np.broadcast_to(np.arctan(np.gradient(edge)), x.shape)
        angle = np.where(mask > 0.5, slope + 0.35 * np.sin(x / 60), angle)
        land = np.maximum(land, mask)
    cypress = np.zeros_like(x)
    for center, top, half in ((132, 330, 66), (214, 520, 42)):
        reach = np.clip((y - top) / (1060 - top), 0, 1)
        sway = center + 16 * np.sin(y / 62) * reach
        cypress = np.maximum(cypress, smooth(0, 8, half * reach**0.6 * (1 + 0.2 * np.sin(y / 33)) - abs(x - sway)))
    target = over(target, ramp([(-1, "#0b1c22"), (1, "#2c4a33")], noise(random, 12, 3)), cypress)
    easel = Easel(target)
    easel.paint(random, target, angle, n=3600, length=95, width=18, jitter=0.045)
    easel.paint(random, target, angle, n=7000, length=58, width=11, jitter=0.06)
    near = np.minimum.reduce([np.hypot(x - cx, y - cy) / r for cx, cy, r in lights])
    easel.paint(random, target, angle, n=16_000, length=30, width=8, where=(near < 1.7).astype(np.float32))
    flame = -np.pi / 2 + 0.5 * np.sin(y / 40 + x / 30)
    easel.paint(random, target, flame, n=14_000, length=60, width=9, where=cypress, jitter=0.05)
    _windows(random, easel)
    return easel.finish(1.4)


def _windows(random: np.random.Generator, easel: Easel) -> None:
    """A village in the valley: roofs as dark dabs, windows as warm ones."""
    draw = ImageDraw.Draw(easel.image)
    for _ in range(26):
        px, py = random.uniform(390, 900), random.normal(838, 20)
        w, h = random.uniform(17, 30), random.uniform(15, 26)
        draw.rectangle((px - w, py, px + w, py + h), fill="#2d5570" if random.random() < 0.5 else "#1b3a55")
        draw.polygon([(px - w - 4, py), (px, py - h), (px + w + 4, py)], fill="#12263a")
        for side in (-0.45, 0.45):
            if random.random() < 0.75:
                wx = px + side * w
                draw.rectangle((wx - 4, py + 5, wx + 4, py + 14), fill="#ffd25c")
    draw.polygon([(628, 834), (640, 716), (652, 834)], fill="#12263a")
    draw.rectangle((624, 800, 656, 862), fill="#244a66")


def sunday_lake(random: np.random.Generator) -> Array:
    """Pointillism: sails on a lake in the afternoon, from dots of pure color."""
    x, y = places()
    target = ramp([(0, "#7fb2e0"), (230, "#b9dcec"), (390, "#fbe6b8")], y + 40 * noise(random, 3, 3))
    target = over(target, rgb("#fff6e4"), 0.75 * smooth(0.55, 0.6, noise(random, 4, 4, 2.5) + 0.1))
    shore = 400 + 20 * skyline(random, 3)
    target = over(target, ramp([(370, "#7f9fc0"), (430, "#7aa86e")], y), smooth(0, 4, y - shore))
    water = ramp([(430, "#f3dca4"), (500, "#8cc0d8"), (640, "#3f86bf"), (800, "#2b5fa3")], y)
    ripples = noise(random, 26, 2, 7)
    target = over(target, water + 0.10 * ripples[..., None], smooth(0, 3, y - 440))
    for px, base, tall, color in ((300, 560, 210, "#fffaf0"), (470, 500, 120, "#fff1da"), (610, 474, 76, "#ffd9c0"),
                                  (160, 486, 90, "#ffe9c8")):  # fmt: skip
        sail = filled([[(px, base - tall), (px, base - 12), (px + tall * 0.52, base - 12)]])
        jib = filled([[(px - 8, base - tall * 0.85), (px - 8, base - 12), (px - tall * 0.3, base - 12)]])
        hull = filled([[(px - tall * 0.32, base - 8), (px + tall * 0.5, base - 8), (px + tall * 0.34, base + 14),
                        (px - tall * 0.24, base + 14)]])  # fmt: skip
        mirror = np.roll(sail[::-1], int(2 * base + 16 - SIDE), axis=0) * (y > base + 12)
        target = over(target, rgb(color), 0.55 * mirror * (ripples > -0.15))
        target = over(over(target, rgb(color), sail), rgb("#f4b183"), jib)
        target = over(target, rgb("#6a3b2e"), hull)
    lawn = 800 - 90 * np.sin(x / 420) + 14 * skyline(random, 6)
    grass = ramp([(700, "#c9cf5a"), (860, "#7db043"), (1024, "#3f7d3a")], y)
    target = over(target, grass, smooth(0, 5, y - lawn))
    shade = smooth(0, 60, 190 - np.hypot((x - 720) / 1.7, (y - 930) * 1.5))
    target = over(target, rgb("#2c4f6b"), 0.75 * shade * (y > lawn))
    trunk = filled([[(806, 330), (842, 330), (868, 930), (786, 930)], [(826, 470), (700, 330), (716, 318), (846, 430)]])
    target = over(target, ramp([(780, "#7a4a3a"), (870, "#3a2a4a")], x), trunk)
    crown = np.zeros_like(x)
    for cx, cy, r in ((830, 210, 190), (690, 290, 125), (950, 300, 150), (760, 130, 130), (930, 130, 140)):
        crown = np.maximum(crown, smooth(0, 12, r + 34 * noise(random, 9, 3) - np.hypot(x - cx, (y - cy) * 1.15)))
    leaf = ramp([(-0.9, "#1f4a5a"), (-0.2, "#2f7a4a"), (0.4, "#7db548"), (1, "#f0d65a")],
                noise(random, 7, 3) + (400 - y) / 700 - (x - 800) / 500)  # fmt: skip
    target = over(target, leaf, crown)
    for px, py, tall, dress in ((420, 900, 120, "#b3305a"), (476, 906, 112, "#2f4a9a"), (250, 960, 96, "#e88a2f")):
        body = filled([[(px - 10, py - tall * 0.68), (px + 10, py - tall * 0.68), (px + 30, py), (px - 30, py)]])
        head = smooth(0, 2, 12 - np.hypot(x - px, y - py + tall * 0.78))
        hat = smooth(0, 2, 26 - np.hypot(x - px, (y - py + tall * 0.9) * 3))
        target = over(over(target, rgb(dress), body), rgb("#f2c9a0"), head)
        target = over(target, rgb("#f7e08a"), hat)
    image = to_pil(target * 0.55 + rgb("#f4ead2") * 0.45)
    draw = ImageDraw.Draw(image)
    for spacing, radius in ((15, 9.5), (13, 7.5), (12, 6.0)):
        center = np.stack(np.meshgrid(np.arange(0, SIDE, spacing), np.arange(0, SIDE, spacing)), -1).reshape(-1, 2)
        center = center + random.uniform(-spacing / 2, spacing / 2, center.shape)
        random.shuffle(center)
        column, row = np.clip(center, 0, SIDE - 1).astype(int).T
        color = target[row, column]
        # Divisionism: more chroma than the thing has, and now and then its complement.
        gray = color.mean(axis=1, keepdims=True)
        flip = np.where(random.random((len(color), 1)) < 0.09, -0.55, 1.3)
        color = gray + flip * (color - gray) + random.normal(0, 0.05, color.shape)
        ink = (np.clip(color, 0, 1) * 255).astype(int).tolist()
        size = radius * random.uniform(0.75, 1.1, len(color))
        for (px, py), r, fill in zip(center.tolist(), size.tolist(), ink, strict=True):
            draw.ellipse((px - r, py - r, px + r, py + r), fill=tuple(fill))
    return to_array(image)


def ink_mountains(random: np.random.Generator) -> Array:
    """Ink wash: mountains in mist, a pine branch, a red sun and a seal."""
    x, y = places()
    paper = plane("#f1e9d8")
    sun = smooth(0, 5, 66 - np.hypot(x - 700, y - 236) + 1.5 * noise(random, 30, 2))
    image = over(paper, rgb("#c8442f"), sun * (0.8 + 0.12 * noise(random, 12, 3)))
    ink = np.zeros_like(x)
    bleed = noise(random, 60, 3)
    wash = noise(random, 6, 5)
    for base, height, dark, fade, bumps in ((400, 90, 0.20, 120, 4), (500, 150, 0.34, 130, 3), (610, 120, 0.5, 120, 3),
                                            (735, 130, 0.72, 120, 2.2), (930, 90, 0.95, 200, 2)):  # fmt: skip
        profile = skyline(random, bumps, 6, 0.48)
        edge = base - height * (1 - 1.6 * abs(profile))
        depth = y - edge + 2.5 * bleed
        body = np.exp(-np.clip(depth, 0, None) / fade) * (0.82 + 0.28 * wash) + 0.16 * np.exp(-abs(depth) / 5)
        streak = 0.16 * np.clip(noise(random, 20, 3, 0.3), -1, 1) * np.exp(-np.clip(depth, 0, None) / fade)
        ink = ink * (1 - 0.9 * smooth(20, 60, depth)) + smooth(0, 4, depth) * dark * np.clip(body + streak, 0, 1.1)
    image = over(image, ramp([(0, "#3a4048"), (1, "#15161a")], ink), np.clip(ink, 0, 0.97))
    image = over(image, rgb("#17171b"), _pine(random))
    draw = ImageDraw.Draw(picture := to_pil(image))
    for px, py, size in ((560, 300, 17), (606, 322, 13), (520, 336, 12), (574, 356, 10)):
        for side in (-1, 1):
            wing = [(px, py), (px + side * size * 0.5, py - size * 0.45), (px + side * size * 1.3, py - size * 0.2)]
            draw.line(wing, fill="#2a2b30", width=3, joint="curve")
    draw.rectangle((900, 892, 952, 952), fill="#b3261e")
    for dx, dy, w, h in ((10, 10, 32, 5), (10, 22, 5, 28), (23, 22, 5, 28), (37, 22, 5, 28), (10, 50, 32, 4)):
        draw.rectangle((900 + dx, 892 + dy, 900 + dx + w, 892 + dy + h), fill="#f1e2cf")
    return grain(random, to_array(picture), 0.035)


def _pine(random: np.random.Generator) -> Array:
    """A branch that reaches in from the upper left, with fans of needles."""
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)

    def branch(px: float, py: float, angle: float, length: float, width: float) -> None:
        for _ in range(int(length / 14)):
            angle += random.normal(0, 0.2)
            qx, qy = px + 14 * np.cos(angle), py + 14 * np.sin(angle)
            draw.line((px, py, qx, qy), fill=240, width=max(2, int(width * random.uniform(0.75, 1.2))))
            draw.ellipse((qx - width / 2, qy - width / 2, qx + width / 2, qy + width / 2), fill=240)
            px, py, width = qx, qy, width * 0.955
            if random.random() < 0.3 and length > 60:
                branch(px, py, angle + random.choice([-1, 1]) * random.uniform(0.5, 1.1), length * 0.42, width * 0.6)
        for _ in range(3 if length < 150 else 5):
            cx, cy = px + random.normal(0, 26), py + random.normal(0, 14)
            for turn in np.linspace(-2.9, -0.25, 30):
                reach = random.uniform(34, 54)
                tip = (cx + reach * np.cos(turn), cy + 0.8 * reach * np.sin(turn))
                draw.line((cx, cy, *tip), fill=int(random.uniform(150, 255)), width=2)

    branch(-20, 130, 0.28, 420, 30)
    branch(-20, 60, -0.05, 240, 18)
    return np.asarray(image, np.float32) / 255 * 0.93


def watercolor_flowers(random: np.random.Generator) -> Array:
    """Watercolor: anemones whose pigment bleeds and dries darker at the edge."""
    x, y = places()
    image = plane("#fbf8f1")
    cloud = noise(random, 3, 5)
    edges = noise(random, 9, 5, gain=0.6)
    pigment = noise(random, 90, 3)
    for color, cx, cy, r in (("#a9cfe0", 330, 330, 400), ("#f3d3bd", 760, 640, 380), ("#cfe0b4", 420, 800, 330)):
        wash = smooth(0, 0.5, 1 - np.hypot(x - cx, y - cy) / r + 0.55 * cloud)
        image = image * (1 - (wash * (0.5 + 0.2 * cloud + 0.1 * pigment))[..., None] * (1 - rgb(color)))

    def blob(color: str, cx: float, cy: float, rx: float, ry: float, turn: float, load: float) -> None:
        reach = int(1.5 * max(rx, ry))
        rows = slice(max(0, int(cy) - reach), max(0, int(cy) + reach))
        columns = slice(max(0, int(cx) - reach), max(0, int(cx) + reach))
        u, v = x[rows, columns] - cx, y[rows, columns] - cy
        u, v = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
        # Another cutting of the same noise for each blob.
        shift = random.integers(0, SIDE, 2)
        rough = np.roll(edges, shift, (0, 1))[rows, columns]
        depth = 1 - np.sqrt((u / rx) ** 2 + (v / ry) ** 2) + 0.16 * rough
        body = smooth(0, 0.05, depth)
        pool = np.roll(cloud, shift, (0, 1))[rows, columns]
        amount = load * (0.62 + 0.42 * pool + 0.14 * pigment[rows, columns] + 0.3 * u / rx)
        amount = np.clip(amount, 0.08, 1) + 0.3 * np.exp(-((depth - 0.03) ** 2) / 0.0016)
        image[rows, columns] *= 1 - (body * np.clip(amount, 0, 1))[..., None] * (1 - rgb(color))

    heads = [(400, 360, 170, "#d6336c"), (690, 290, 140, "#6a4fb3"), (620, 560, 150, "#f0662f"),
             (270, 620, 118, "#8e3fa8"), (820, 520, 104, "#e8487a"), (470, 150, 84, "#f2a03d")]  # fmt: skip
    for cx, cy, _, _ in heads:
        t = np.linspace(0, 1, 26)
        for px, py in zip(cx + (520 - cx) * t**1.6, cy + (1060 - cy) * t, strict=True):
            blob("#5f8f4a", px, py, 8, 24, 0.2, 0.5)
    for px, py, rx, ry, turn in ((330, 850, 150, 40, -0.7), (700, 830, 165, 42, -2.3), (200, 780, 110, 30, -0.2),
                                 (840, 740, 120, 34, -2.7), (520, 900, 130, 36, -1.5), (880, 900, 110, 30, -2.6)):  # fmt: skip
        blob(str(random.choice(["#4f8a4a", "#7fa83f", "#2f7a6a"])), px, py, rx, ry, turn, 0.75)
    for cx, cy, r, color in heads:
        turns = random.uniform(0, 1) + np.arange(7) * 2 * np.pi / 7
        for turn in random.permutation(turns):
            px, py = cx + 0.52 * r * np.cos(turn), cy + 0.48 * r * np.sin(turn)
            blob(color, px, py, 0.56 * r, 0.4 * r, turn + random.normal(0, 0.15), 0.62)
        blob("#2a2148", cx, cy, 0.19 * r, 0.17 * r, 0, 1.0)
        for turn in np.linspace(0, 2 * np.pi, 20):
            reach = r * random.uniform(0.24, 0.33)
            blob("#2a2148", cx + reach * np.cos(turn), cy + reach * np.sin(turn), 5, 5, 0, 0.9)
    for _ in range(70):
        size = random.uniform(2, 9)
        color = str(random.choice(["#d6336c", "#6a4fb3", "#f0662f", "#5f8f4a", "#3f8fb0"]))
        blob(color, *random.uniform(20, SIDE - 20, 2), size, size, 0, 0.6)
    return grain(random, image, 0.05)


def crayon_town(random: np.random.Generator) -> Array:
    """Crayon hatching: a town on a hill by the sea, with the tooth of the paper showing through."""
    x, y = places()
    target = ramp([(0, "#3f9be0"), (420, "#aee0f0")], y)
    angle = np.full_like(x, 0.5)
    disc = smooth(0, 3, 84 - np.hypot(x - 820, y - 170))
    target = over(over(target, rgb("#ffe36b"), 0.6 * smooth(0, 60, 130 - np.hypot(x - 820, y - 170))), rgb("#ffc61a"), disc)
    hill = 470 - 190 * np.exp(-(((x - 400) / 300) ** 2)) + 8 * skyline(random, 6)
    mask = smooth(0, 3, y - hill)
    target = over(target, ramp([(280, "#8cc63f"), (700, "#3f9a4a")], y), mask)
    angle = np.where(mask > 0.5, -0.9, angle)
    sketch = ImageDraw.Draw(picture := to_pil(target))
    outline = ImageDraw.Draw(lines := Image.new("L", (SIDE, SIDE)))
    walls = ["#f4e3c1", "#f28b66", "#f7c548", "#e8627a", "#fff4e6", "#7fc4c4", "#c99be0", "#ff9f5a"]
    roofs = ["#c8402f", "#a8323a", "#d8663a", "#7a3b52", "#3f5f9a"]
    for row, base in enumerate((420, 500, 585, 675, 770)):
        px = 400 - (150 + 88 * row) + random.uniform(-20, 20)
        while px < 400 + 130 + 88 * row:
            w, h = random.uniform(62, 104), random.uniform(76, 128)
            top = base - h
            house = (px, top, px + w, base + 26)
            sketch.rectangle(house, fill=str(random.choice(walls)))
            roof = [(px - 8, top), (px + w / 2, top - random.uniform(34, 60)), (px + w + 8, top)]
            sketch.polygon(roof, fill=str(random.choice(roofs)))
            outline.rectangle(house, outline=255, width=4)
            outline.line([*roof, roof[0]], fill=255, width=4)
            for wx in (px + 0.2 * w, px + 0.6 * w):
                window = (wx, top + 0.25 * h, wx + 0.2 * w, top + 0.52 * h)
                sketch.rectangle(window, fill="#2f5f8a")
                outline.rectangle(window, outline=200, width=3)
            px += w + random.uniform(-6, 22)
    sketch.rectangle((376, 180, 424, 330), fill="#fff4e6")
    sketch.polygon([(366, 182), (400, 96), (434, 182)], fill="#3f5f9a")
    outline.line([(366, 182), (400, 96), (434, 182), (366, 182)], fill=255, width=4)
    outline.rectangle((376, 182, 424, 330), outline=255, width=4)
    target = to_array(picture)
    sea = 806 + 10 * np.sin(x / 70)
    mask = smooth(0, 3, y - sea)
    target = over(target, ramp([(800, "#3fb6c4"), (1024, "#1f5fa8")], y + 24 * np.sin(y / 13 + x / 90)), mask)
    angle = np.where(mask > 0.5, 0.12 * np.sin(x / 60), angle)
    image = plane("#fbf5e6")
    easel = Easel(image)
    wobble = 0.18 * noise(random, 5, 3)
    easel.paint(random, target, angle + wobble, n=9000, length=74, width=7, jitter=0.05, bristles=2)
    easel.paint(random, target, angle + 0.5 + wobble, n=12_000, length=40, width=5, jitter=0.08, bristles=2)
    easel.paint(random, target, angle - 0.6 + wobble, n=9000, length=30, width=4, jitter=0.1, bristles=1)
    drawn = over(to_array(easel.image), rgb("#2b2a4a"), 0.8 * blur(np.asarray(lines, np.float32) / 255, 1.2))
    # Wax stays on the tops of the paper's tooth.
    tooth = noise(random, 170, 2)
    return over(drawn, rgb("#fbf5e6"), 0.85 * smooth(0.62, 0.5, tooth + 0.35 * noise(random, 9, 3)))
