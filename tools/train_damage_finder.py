"""Trains the damage finder on photographs with drawn scratches, hairs, dust, tears and creases; see data/weights.

What stands in a photograph is taken to belong to it, wires and fences, too. A step takes about 0.1 s of one processor
core. The released weights are of an earlier form of this script, with the same recipe and other draws.
"""

import argparse
import io
import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from PIL import Image, ImageDraw, ImageFilter
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from colorstyle_lib.images.read import find_pictures, open_picture
from colorstyle_lib.inference.damage_finder import DamageFinder
from colorstyle_lib.inference.inpainter import to_lab

SIDE, FINE = 96, 2  # pixels of a crop; marks are drawn so many times as large
MOST, BATCH = 200, 6  # photographs of a folder, evenly chosen; crops a step
RATE, WEIGHT = 6e-3, 2.0  # of AdamW; of a damaged pixel in the loss
SEEN, UNSEEN = 5.0, 2.0  # Lab units of change: damage from here on, none below; what lies between does not count


def curve(rng: np.random.Generator, length: float, turn: float, wobble: float, parts: int) -> list[tuple[float, float]]:
    """Points of a line that bends by up to so many radians at each, and wobbles."""
    turns = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, turn) + rng.normal(0, wobble, parts))
    steps = length / parts * np.stack((np.cos(turns), np.sin(turns)), 1)
    return [*map(tuple, FINE * (rng.uniform(0, SIDE, 2) + np.cumsum(steps, 0)))]


def mark(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """One mark: how much it covers of each pixel, and its L."""
    image = Image.new("L", (SIDE * FINE, SIDE * FINE))
    pen, kind = ImageDraw.Draw(image), rng.choice(["scratch", "hair", "dust", "tear"], p=[0.4, 0.15, 0.3, 0.15])
    if kind == "scratch":
        points = curve(rng, rng.uniform(0.3, 1.8) * SIDE, 0.02 * rng.random(), 0.03 * rng.random(), 24)
        width, gaps = FINE * rng.uniform(0.8, 4.5), rng.choice([0, 0, 0.15, 0.35])
        for ends in itertools.pairwise(points):
            if rng.random() >= gaps:
                pen.line(ends, fill=int(rng.integers(204, 256)), width=max(1, round(width * rng.uniform(0.8, 1.2))))
    elif kind == "hair":
        points = curve(rng, rng.uniform(20, 110), 0.12, 0.08, 30)
        pen.line(points, fill=255, width=round(FINE * rng.uniform(0.8, 2.2)), joint="curve")
    elif kind == "dust":
        for _ in range(rng.integers(1, 12)):
            place, radius = FINE * rng.uniform(0, SIDE, 2), FINE * rng.uniform(0.8, 4.5)
            for _ in range(rng.integers(1, 4)):
                center, half = place + radius * rng.normal(0, 0.4, 2), radius * rng.uniform(0.5, 1, 2)
                pen.ellipse((*(center - half), *(center + half)), fill=255)
    else:
        radius = rng.uniform(0.6, 3)
        for place in curve(rng, rng.uniform(0.5, 1.8) * SIDE, 0.02, rng.uniform(0.05, 0.5), 90):
            radius = np.clip(radius * np.exp(rng.normal(0, 0.2)), 0.5, 5)
            pen.ellipse((*(np.array(place) - FINE * radius), *(np.array(place) + FINE * radius)), fill=255)
    image = image.reduce(FINE)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))
    light = rng.random() < (0.9 if kind == "tear" else 0.6)
    cover = np.asarray(image, np.float32) / 255 * rng.uniform(0.4, 1)
    return cover, rng.uniform(75, 100) if light else rng.uniform(0, 25)


def crop(rng: np.random.Generator, photo: Image.Image) -> np.ndarray:
    """L of a part of a photograph, of a drawn size, sharpness and contrast."""
    factor = max(np.exp(rng.uniform(np.log(0.75), np.log(2.5))), (SIDE + 2) / min(photo.size))
    x, y = (rng.uniform(0, side - SIDE / factor) for side in photo.size)
    box = (x, y, x + SIDE / factor, y + SIDE / factor)
    image = photo.resize((SIDE, SIDE), rng.choice([Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]), box)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.UnsharpMask(1.2, int(rng.uniform(30, 150)), 0))
    gray = (np.asarray(image) / 255) ** np.exp(rng.normal(0, 0.25))
    if rng.random() < 0.4:
        low, high = rng.uniform(0, 0.25), rng.uniform(0.75, 1)
        gray = low + gray * (high - low)
    turned = np.rot90(gray[:, :: rng.choice([1, -1])], rng.integers(4))
    return to_lab(np.rint(255 * turned[..., None].repeat(3, 2)).astype(np.uint8))[0, 0].numpy()


def example(rng: np.random.Generator, photo: Image.Image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L of a crop, three of five damaged; where damage is; and where that counts."""
    clean = crop(rng, photo)
    light = clean
    for _ in range(rng.integers(1, 6) if rng.random() < 0.6 else 0):
        cover, level = mark(rng)
        light = light + (level - light) * cover
    change = np.abs(light - clean)
    light = light + rng.normal(0, 1, light.shape) * rng.uniform(0, 2.5)
    if rng.random() < 0.3:
        image = Image.fromarray((2.55 * light).clip(0, 255).astype(np.uint8))
        image.save(file := io.BytesIO(), "jpeg", quality=int(rng.integers(60, 96)))
        light = np.asarray(Image.open(file)) / 2.55
    return light.clip(0, 100), change > SEEN, (change > SEEN) | (change <= UNSEEN)


def main() -> None:
    """Train; the weights and a line of the log are written every 100 steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="of photographs to train on; never those of val/")
    parser.add_argument("-o", "--output", type=Path, default=Path("damage.safetensors"))
    parser.add_argument("--steps", type=int, default=1718)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng, photos, mean = np.random.default_rng(0), [], 0.0
    for files in map(find_pictures, options.folders):
        photos += [open_picture(one).convert("L") for one in files[:: -(-len(files) // MOST)]]
    finder, weight = DamageFinder(), torch.tensor(WEIGHT)
    optimizer = torch.optim.AdamW(finder.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, options.steps, pct_start=0.02, anneal_strategy="linear", cycle_momentum=False
    )
    for step in range(1, options.steps + 1):
        rows = zip(*(example(rng, photos[rng.integers(len(photos))]) for _ in range(BATCH)), strict=True)
        light, damaged, counts = (torch.from_numpy(np.float32(row))[:, None] for row in rows)
        loss = nnf.binary_cross_entropy_with_logits(finder(light), damaged, counts, pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        mean += (loss.item() - mean) / min(step, 200)
        if step % 100 == 0 or step == options.steps:
            save_file({name: value.half() for name, value in finder.state_dict().items()}, options.output)
            told = {"step": step, "photographs": len(photos), "loss": round(mean, 4)}
            print(json.dumps(told | {"seconds": round(time.process_time())}), flush=True)


if __name__ == "__main__":
    main()
