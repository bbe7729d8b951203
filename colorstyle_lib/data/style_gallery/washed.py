"""Pictures of the gallery made with ink, water or dye; each takes a random generator and returns a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from colorstyle_lib.data.style_gallery.canvas import (
    SIDE,
    Array,
    Number,
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


def ink_mountains(random: np.random.Generator) -> Array:
    """Ink wash: mountains in mist, a pine branch, a red sun and a seal."""
    x, y = places()
    paper = plane("#f1e9d8")
    sun = smooth(0, 5, 66 - np.hypot(x - 700, y - 236) + 1.5 * noise(random, 30, 2))
    image = over(paper, rgb("#c8442f"), sun * (0.8 + 0.12 * noise(random, 12, 3)))
    ink = np.zeros_like(x)
    bleed = noise(random, 60, 3)
    wash = noise(random, 6, 5)
    for base, height, dark, fade, bumps in ((400, 90, 0.20, 120, 4), (500, 150, 0.34, 130, 3),
            (610, 120, 0.5, 120, 3), (735, 130, 0.72, 120, 2.2), (930, 90, 0.95, 200, 2)):  # fmt: skip
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
            wing = [
                (px, py),
                (px + side * size * 0.5, py - size * 0.45),
                (px + side * size * 1.3, py - size * 0.2),
            ]
            draw.line(wing, fill="#2a2b30", width=3, joint="curve")
    draw.rectangle((900, 892, 952, 952), fill="#b3261e")
    for dx, dy, w, h in ((10, 10, 32, 5), (10, 22, 5, 28), (23, 22, 5, 28), (37, 22, 5, 28), (10, 50, 32, 4)):
        draw.rectangle((900 + dx, 892 + dy, 900 + dx + w, 892 + dy + h), fill="#f1e2cf")
    return grain(random, to_array(picture), 0.035)


def _pine(random: np.random.Generator) -> Array:
    """A branch that reaches in from the upper left, with fans of needles."""
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)

    def branch(px: Number, py: Number, angle: Number, length: Number, width: Number) -> None:
        heading = angle
        for _ in range(int(length / 14)):
            angle += random.normal(0, 0.2) + 0.2 * (heading - angle)
            qx, qy = px + 14 * np.cos(angle), py + 14 * np.sin(angle)
            draw.line((px, py, qx, qy), fill=240, width=max(2, int(width * random.uniform(0.75, 1.2))))
            draw.ellipse((qx - width / 2, qy - width / 2, qx + width / 2, qy + width / 2), fill=240)
            px, py, width = qx, qy, width * 0.955
            if random.random() < 0.3 and length > 60:
                branch(
                    px,
                    py,
                    angle + random.choice([-1, 1]) * random.uniform(0.5, 1.1),
                    length * 0.42,
                    width * 0.6,
                )
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
    for color, cx, cy, r in (
        ("#a9cfe0", 330, 330, 400),
        ("#f3d3bd", 760, 640, 380),
        ("#cfe0b4", 420, 800, 330),
    ):
        wash = smooth(0, 0.5, 1 - np.hypot(x - cx, y - cy) / r + 0.55 * cloud)
        image = image * (1 - (wash * (0.5 + 0.2 * cloud + 0.1 * pigment))[..., None] * (1 - rgb(color)))

    def blob(color: str, cx: Number, cy: Number, rx: Number, ry: Number, turn: Number, load: Number) -> None:
        reach = int(1.5 * max(rx, ry))
        rows = slice(max(0, int(cy) - reach), max(0, int(cy) + reach))
        columns = slice(max(0, int(cx) - reach), max(0, int(cx) + reach))
        u, v = x[rows, columns] - cx, y[rows, columns] - cy
        u, v = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
        # Another cutting of the same noise for each blob.
        down, right = random.integers(0, SIDE - u.shape[0]), random.integers(0, SIDE - u.shape[1])
        cutting = (slice(down, down + u.shape[0]), slice(right, right + u.shape[1]))
        rough = edges[cutting]
        depth = 1 - np.sqrt((u / rx) ** 2 + (v / ry) ** 2) + 0.13 * rough
        body = smooth(0, 0.05, depth)
        pool = cloud[cutting]
        amount = load * (0.62 + 0.42 * pool + 0.14 * pigment[rows, columns] + min(0.3, rx / 200) * u / rx)
        amount = np.clip(amount, 0.08, 1) + 0.3 * np.exp(-((depth - 0.03) ** 2) / 0.0016)
        image[rows, columns] *= 1 - (body * np.clip(amount, 0, 1))[..., None] * (1 - rgb(color))

    heads = [(400, 360, 170, "#d6336c"), (690, 290, 140, "#6a4fb3"),
            (620, 560, 150, "#f0662f"), (270, 620, 118, "#8e3fa8"), (820, 520, 104, "#e8487a"),
            (470, 150, 84, "#f2a03d")]  # fmt: skip
    # Petals are transparent, so stems must end below them.
    bare = np.prod([smooth(0, 12, np.hypot(x - cx, y - cy) - 0.84 * r) for cx, cy, r, _ in heads], axis=0)
    for cx, cy, _, _ in heads:
        t = np.clip((y - cy) / (1060 - cy), 0, 1)
        depth = 6 + 3 * edges - abs(x - cx - (520 - cx) * t**1.6)
        stem = smooth(0, 3, depth) * (y > cy) * bare * (0.55 + 0.25 * cloud + 0.3 * smooth(4, 3, -depth + 5))
        image *= 1 - np.clip(stem, 0, 1)[..., None] * (1 - rgb("#4f8248"))
    for px, py, rx, ry, turn in ((330, 850, 150, 40, -0.7), (700, 830, 165, 42, -2.3),
            (200, 780, 110, 30, -0.2), (840, 740, 120, 34, -2.7), (520, 900, 130, 36, -1.5),
            (880, 900, 110, 30, -2.6)):  # fmt: skip
        blob(str(random.choice(["#4f8a4a", "#7fa83f", "#2f7a6a"])), px, py, rx, ry, turn, 0.75)
    for cx, cy, r, color in heads:
        turns = random.uniform(0, 1) + np.arange(7) * 2 * np.pi / 7
        for turn in random.permutation(turns):
            px, py = cx + 0.52 * r * np.cos(turn), cy + 0.48 * r * np.sin(turn)
            blob(color, px, py, 0.56 * r, 0.4 * r, turn + random.normal(0, 0.15), 0.62)
        blob("#2a2148", cx, cy, 0.19 * r, 0.17 * r, 0, 1.6)
        for turn in np.linspace(0, 2 * np.pi, 20):
            reach = r * random.uniform(0.24, 0.33)
            blob("#2a2148", cx + reach * np.cos(turn), cy + reach * np.sin(turn), 5, 5, 0, 0.9)
    for _ in range(60):
        size = 1.5 + 7 * random.uniform(0, 1) ** 3
        color = str(random.choice(["#d6336c", "#6a4fb3", "#f0662f", "#5f8f4a", "#3f8fb0"]))
        blob(color, *random.uniform(20, SIDE - 20, 2), size, size, 0, 0.6)
    return grain(random, image, 0.05)


def indigo_batik(random: np.random.Generator) -> Array:
    """Batik: flowers and leaves left white by wax in indigo and brown, with the cracks of the wax."""
    x, y = places()
    indigo = ramp([(-1, "#132250"), (0, "#1d3472"), (1, "#2c4a92")], noise(random, 4, 5))
    wobble = noise(random, 14, 2)
    # Ground: a lattice of fine dots, as a batik maker fills what is left.
    layers = np.zeros((3, SIDE, SIDE), np.float32)  # white wax, brown, middle blue
    layers[0] = 0.8 * smooth(0.74, 0.3, np.cos(x / 8.15) * np.cos(y / 8.15))

    def near(cx: Number, cy: Number, reach: Number) -> tuple[Array, Array, Array]:
        """The layers around a place, and coordinates from there, drawn by an unsteady hand."""
        box = (
            slice(max(0, int(cy - reach)), int(cy + reach)),
            slice(max(0, int(cx - reach)), int(cx + reach)),
        )
        return layers[:, *box], x[box] - cx + 2.5 * wobble[box], y[box] - cy + 2.5 * wobble[box]

    def leaf(cx: Number, cy: Number, length: Number, turn: Number) -> None:
        area, u, v = near(cx, cy, 0.7 * length)
        u, v = (u * np.cos(turn) + v * np.sin(turn)) / length, (v * np.cos(turn) - u * np.sin(turn)) / length
        depth = 0.26 * np.clip(1 - 4 * u**2, 0, None) * (1 - 0.6 * u) - abs(v)
        area *= 1 - smooth(0, 6 / length, depth + 0.09) * (abs(u) < 0.56)
        ribs = smooth(0, 0.25, 0.1 - 0.6 * abs(np.sin(5 * (u - 0.7 * abs(v)) * np.pi)))
        rib = np.maximum(smooth(0, 4 / length, 0.018 - abs(v)), 0.8 * ribs) * (depth > 0.04)
        area[0] = np.maximum(area[0], smooth(0, 5 / length, depth) * (abs(u) < 0.5)) * (1 - rib)
        area[1] = np.maximum(area[1], rib)

    def flower(cx: Number, cy: Number, radius: Number, petals: int, turn: Number) -> None:
        area, u, v = near(cx, cy, 1.25 * radius)
        r, a, w = np.hypot(u, v) / radius, np.arctan2(v, u) + turn, 6 / radius
        wave = abs(np.cos(petals * a / 2))
        outer, inner = 0.56 + 0.44 * wave**0.7, 0.34 + 0.3 * wave
        area *= 1 - smooth(0, w, 1.12 * outer + 0.03 - r)
        wax, brown, middle = area
        rim = smooth(0, w, 0.022 - abs(r - 0.9 * outer))
        midrib = smooth(0, 0.006, 0.004 - (1 - wave)) * smooth(0, w, r - 0.66) * (r < 0.84)
        middle[:] = np.maximum(middle, np.maximum(rim, midrib) * (r < outer))
        brown[:] = np.maximum(brown, smooth(0, w, inner - r))
        dots = smooth(0, 0.3, np.cos(petals * 2 * a) - 0.25) * smooth(0, w, 0.035 - abs(r - 0.31))
        ring = smooth(0, w, 0.02 - abs(r - 0.24))
        heart = smooth(0, w, 0.26 - r) * smooth(0.3, 0.3, np.cos(r * 60) * np.cos(a * petals))
        petal = smooth(0, w, outer - r) * (1 - smooth(0, w, inner - r))
        wax[:] = np.maximum.reduce([wax * (r > inner), petal, dots, ring, heart])

    for number in range(8):
        around = (number + 0.5) * np.pi / 4
        for ring, lean, length, turn in ((352, 0, 100, 0), (330, 0.17, 74, 0.8), (330, -0.17, 74, -0.8),
                (452, 0, 84, 0), (424, 0.1, 56, 0.8), (424, -0.1, 56, -0.8)):  # fmt: skip
            place = around + lean
            leaf(512 + ring * np.cos(place), 512 + ring * np.sin(place), length, around + turn)
    for cx, cy, radius, petals, turn in ((512, 512, 262, 12, 0.0), (150, 150, 166, 8, 0.39),
            (874, 150, 166, 8, 0.39), (150, 874, 166, 8, 0.39), (874, 874, 166, 8, 0.39),
            (512, 84, 104, 6, 0.52), (512, 940, 104, 6, 0.52), (84, 512, 104, 6, 0.0),
            (940, 512, 104, 6, 0.0)):  # fmt: skip
        flower(cx, cy, radius, petals, turn)
    wax, brown, middle = layers
    image = over(indigo, rgb("#8f4a1f") + 0.05 * noise(random, 10, 3)[..., None], brown)
    image = over(image, rgb("#f3ead2") + 0.03 * noise(random, 7, 3)[..., None], wax)
    image = over(image, rgb("#4f7cc0"), middle * 0.9)
    crack = np.minimum(abs(noise(random, 7, 4)), abs(noise(random, 9, 4)))
    image = over(image, rgb("#1d3472"), 0.62 * smooth(0.022, 0.03, -crack + 0.04) * (0.25 + 0.75 * wax))
    weave = np.sin(x * 1.15) * np.sin(y * 1.15)
    return grain(random, np.clip(image + 0.018 * weave[..., None], 0, 1), 0.05)
