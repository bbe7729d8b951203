"""Pictures of the gallery made of strokes and dots; each takes a random generator and returns a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from colorstyle_lib.data.style_gallery.canvas import (
    SIDE,
    Array,
    Easel,
    blur,
    filled,
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
    trees, leafy = np.zeros_like(x), noise(random, 16, 2)
    for center, top, half in (
        (816, 96, 27),
        (890, 168, 24),
        (748, 196, 22),
        (954, 250, 20),
        (692, 286, 17),
        (150, 330, 30),
    ):
        reach = np.clip((y - top) / (426 - top), 0, 1)
        shape = half * abs(np.sin(np.pi * reach**0.75)) ** 0.7
        trees = np.maximum(trees, smooth(0, 6, shape - abs(x - center + 4 * leafy)))
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
    easel.paint(random, target, upright, n=16_000, length=26, width=7, where=trees, jitter=0.045)
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
        if drift[row, column] < random.uniform(-0.5, 0.3) or path[row, column] > 0.3:
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
    lights = [(790, 190, 74), (180, 150, 34), (430, 96, 26), (560, 148, 18), (930, 400, 24),
            (90, 400, 20), (960, 70, 20)]  # fmt: skip
    swirls = [
        (470, 330, 190, 1),
        (250, 250, 120, -1),
        (690, 420, 130, -1),
        *((*light, 1) for light in lights),
    ]
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
        rings = ramp([(0, "#fff6cf"), (0.45, "#ffd95a"), (0.8, "#f2a93b"), (1.2, "#b7c98a"),
                (1.9, "#4f8fb5")], distance / radius + 0.16 * np.sin(distance / 7))  # fmt: skip
        target = over(target, rings, np.exp(-((distance / (1.6 * radius)) ** 4)))
    crescent = (np.hypot(x - 790, y - 190) < 60) & (np.hypot(x - 764, y - 178) > 48)
    target = over(target, rgb("#fff3b0"), 0.9 * crescent.astype(np.float32))
    land = np.zeros_like(x)
    for base, height, high, low in ((706, 60, "#33608a", "#244a74"),
            (768, 46, "#234a66", "#173552"), (846, 40, "#1d4047", "#0e2230")):  # fmt: skip
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
    easel.paint(random, target, angle, n=1800, length=95, width=22, jitter=0.045)
    easel.paint(random, target, angle, n=4000, length=58, width=12, jitter=0.06, bristles=4)
    near = np.minimum.reduce([np.hypot(x - cx, y - cy) / r for cx, cy, r in lights])
    easel.paint(random, target, angle, n=8000, length=30, width=8, bristles=3, where=(near < 1.7).astype(np.float32))
    flame = -np.pi / 2 + 0.5 * np.sin(y / 40 + x / 30)
    easel.paint(random, target, flame, n=6000, length=60, width=9, where=cypress, jitter=0.05)
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
    for px, base, tall, color in ((300, 560, 210, "#fffaf0"), (470, 500, 120, "#fff1da"),
            (610, 474, 76, "#ffd9c0"), (160, 486, 90, "#ffe9c8")):  # fmt: skip
        sail = filled([[(px, base - tall), (px, base - 12), (px + tall * 0.52, base - 12)]])
        jib = filled([[(px - 8, base - tall * 0.85), (px - 8, base - 12), (px - tall * 0.3, base - 12)]])
        hull = filled([[(px - tall * 0.32, base - 8), (px + tall * 0.5, base - 8),
                (px + tall * 0.34, base + 14), (px - tall * 0.24, base + 14)]])  # fmt: skip
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
    leaf = ramp([(-0.9, "#1f4a5a"), (-0.2, "#2f7a4a"), (0.5, "#7db548"), (1.3, "#e6d95c")],
            0.9 * noise(random, 24, 2) + 0.15 - (y - 260) / 420 - (x - 800) / 620)  # fmt: skip
    target = over(target, leaf, crown)
    for px, py, tall, dress in ((430, 900, 150, "#b3305a"), (500, 908, 138, "#2f4a9a")):
        body = filled([[(px - 13, py - tall * 0.7), (px + 13, py - tall * 0.7), (px + 34, py), (px - 34, py)]])
        head = smooth(0, 2, 15 - np.hypot(x - px, y - py + tall * 0.8))
        hat = smooth(0, 2, 50 - np.hypot(x - px - 8, (y - py + tall * 1.0) * 2)) * (y < py - tall)
        target = over(over(target, rgb(dress), body), rgb("#f2c9a0"), head)
        target = over(target, rgb("#f28a4a"), hat)
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
        flip = np.where(random.random((len(color), 1)) < 0.06, -0.3, 1.3)
        color = gray + flip * (color - gray) + random.normal(0, 0.05, color.shape)
        ink = (np.clip(color, 0, 1) * 255).astype(int).tolist()
        size = radius * random.uniform(0.75, 1.1, len(color))
        for (px, py), r, fill in zip(center.tolist(), size.tolist(), ink, strict=True):
            draw.ellipse((px - r, py - r, px + r, py + r), fill=tuple(fill))
    return to_array(image)


_PAPER = "#fbf5e6"


def crayon_town(random: np.random.Generator) -> Array:
    """Crayon hatching: a town on a hill by the sea, with the tooth of the paper showing through."""
    x, y = places()
    target = ramp([(0, "#3f9be0"), (420, "#aee0f0")], y)
    angle = np.full_like(x, 0.5)
    disc = smooth(0, 3, 84 - np.hypot(x - 820, y - 170))
    target = over(
        over(target, rgb("#ffe36b"), 0.6 * smooth(0, 60, 130 - np.hypot(x - 820, y - 170))),
        rgb("#ffc61a"),
        disc,
    )
    hill = 470 - 190 * np.exp(-(((x - 400) / 300) ** 2)) + 8 * skyline(random, 6)
    mask = smooth(0, 3, y - hill)
    target = over(target, ramp([(280, "#8cc63f"), (700, "#3f9a4a")], y), mask)
    angle = np.where(mask > 0.5, -0.9, angle)
    sketch = ImageDraw.Draw(picture := to_pil(target))
    outline = ImageDraw.Draw(lines := Image.new("L", (SIDE, SIDE)))
    walls = ["#f4dcae", "#f28b66", "#f7c548", "#e8627a", "#fff1dc", "#7fc4c4", "#c99be0", "#ff9f5a"]
    roofs = ["#c8402f", "#a8323a", "#d8663a", "#7a3b52", "#3f5f9a"]
    for row, base in enumerate((440, 560, 690, 800)):
        px = 400 - (160 + 110 * row) + random.uniform(-20, 20)
        while px < 400 + 80 + 118 * row:
            w, h = random.uniform(96, 140), random.uniform(104, 150)
            top = base - h
            house = (px, top, px + w, base + 26)
            sketch.rectangle(house, fill=str(random.choice(walls)))
            roof = [(px - 10, top), (px + w / 2, top - random.uniform(44, 70)), (px + w + 10, top)]
            sketch.polygon(roof, fill=str(random.choice(roofs)))
            outline.rectangle(house, fill=0, outline=255, width=5)
            outline.polygon(roof, fill=0)
            outline.line([*roof, roof[0]], fill=255, width=5)
            for wx in (px + 0.18 * w, px + 0.6 * w):
                window = (wx, top + 0.22 * h, wx + 0.22 * w, top + 0.52 * h)
                sketch.rectangle(window, fill="#2f5f8a")
                outline.rectangle(window, outline=220, width=4)
            door = (px + 0.4 * w, base - 0.3 * h, px + 0.62 * w, base + 26)
            sketch.rectangle(door, fill=str(random.choice(roofs)))
            px += w + random.uniform(-4, 24)
    sketch.rectangle((376, 180, 424, 330), fill="#fff4e6")
    sketch.polygon([(366, 182), (400, 96), (434, 182)], fill="#3f5f9a")
    outline.line([(366, 182), (400, 96), (434, 182), (366, 182)], fill=255, width=4)
    outline.rectangle((376, 182, 424, 330), outline=255, width=4)
    target = to_array(picture)
    town = filled([[(0, 820), (250, 250), (400, 60), (560, 250), (960, 820)]])
    sea = 812 + 10 * np.sin(x / 70)
    mask = smooth(0, 3, y - sea)
    target = over(target, ramp([(800, "#3fb6c4"), (1024, "#1f5fa8")], y + 24 * np.sin(y / 13 + x / 90)), mask)
    town = town * (1 - mask)
    angle = np.where(mask > 0.5, 0.12 * np.sin(x / 60), angle) + 0.18 * noise(random, 5, 3)
    easel = Easel(over(plane(_PAPER), target, np.full_like(x, 0.45)))
    open_air = 1 - town
    easel.paint(random, target, angle, n=9000, length=74, width=7, where=open_air, bristles=2)
    easel.paint(random, target, angle + 0.5, n=7000, length=40, width=5, where=open_air, jitter=0.08, bristles=2)
    # Houses are small: short strokes, or their colors run into each other.
    for turn in (0.9, -0.7, 0.9):
        easel.paint(random, target, angle * 0.2 + turn, n=16_000, length=22, width=4, where=town, bristles=1)
    inked = np.asarray(lines, np.float32) / 255 * (1 - mask)
    drawn = over(to_array(easel.image), rgb("#2b2a4a"), 0.85 * blur(inked, 1.2))
    # Wax stays on the tops of the paper's tooth.
    tooth = noise(random, 170, 2)
    return over(drawn, rgb(_PAPER), 0.8 * smooth(0.8, 0.5, tooth + 0.35 * noise(random, 9, 3)))
