"""Scratches, dust and hairs drawn on photographs: how much is found, and what else is taken for damage."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import morphology

from colorstyle_lib import paths
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.inference.damage_finder import DamageFinder, load_damage_finder
from colorstyle_lib.inference.inpainter import find_damage, to_lab

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "china", "flower")


def aged(photo, seed):
    """A gray photograph with grain, without and with two scratches, a hair and dust; and where these changed it."""
    rng = np.random.default_rng(seed)
    clean = np.asarray(photo.convert("L"), float)
    (width, height), cover = photo.size, Image.new("L", photo.size)
    pen, bright = ImageDraw.Draw(cover), seed % 2
    for thick in (1, 2):
        x = rng.uniform(0, width, 2)
        bend = [x[0] + (x[1] - x[0]) * t + 6 * np.sin(3 * t) for t in np.linspace(0, 1, 20)]
        pen.line([*zip(bend, np.linspace(0, height, 20), strict=True)], fill=230, width=thick)
    angles = np.cumsum(rng.normal(0.15, 0.1, 25))
    pen.line([*map(tuple, 60 + 3 * np.cumsum(np.stack((np.cos(angles), np.sin(angles)), 1), 0))], fill=230)
    for x, y, r in zip(*rng.uniform(0, (width, height, 3), (15, 3)).T, strict=True):
        pen.ellipse((x - r, y - 1.2 * r, x + r, y + 1.2 * r), fill=230)
    share = np.asarray(cover) / 255
    grain = rng.normal(0, 2, clean.shape)
    damaged = clean + share * ((250 if bright else 5) - clean)
    made = [Image.fromarray((one + grain).clip(0, 255).astype(np.uint8)) for one in (clean, damaged)]
    return *made, np.abs(damaged - clean) > 12


def near(mask):
    return ndimage.binary_dilation(mask, iterations=2)


def top_hats(picture):
    """What a disk's opening or closing changes by over 30 L."""
    light = to_lab(np.asarray(picture.convert("RGB")))[0, 0].numpy()
    disk = morphology.disk(4)
    return np.maximum(morphology.white_tophat(light, disk), morphology.black_tophat(light, disk)) > 30


def rates(find, side):
    """Recall and precision within two pixels, and the share that is marked of photographs without damage."""
    hits = true = right = marked = 0
    false = []
    for seed, name in enumerate(NAMES):
        clean, damaged, where = aged(shrink(photograph(name).open(), side), seed)
        found = find(damaged)
        hits, true = hits + (where & near(found)).sum(), true + where.sum()
        right, marked = right + (found & near(where)).sum(), marked + found.sum()
        false.append(find(clean).mean())
    return hits / true, right / marked, np.mean(false)


def test_drawn_damage_is_found_better_than_by_morphology():
    recall, precision, false = rates(find_damage, 400)
    assert recall > 0.55  # measured: 0.61, 0.78 and 0.0021
    assert precision > 0.7
    assert false < 0.003
    _, of_hats, false_of_hats = rates(top_hats, 400)
    assert of_hats < precision / 2
    assert false_of_hats > 5 * false


def test_any_size_is_looked_at_and_a_flat_picture_has_no_damage():
    for size in ((1, 1), (3, 500), (1700, 1650)):
        found = find_damage(Image.new("RGB", size, (90, 120, 60)))
        assert found.shape == size[::-1]
        assert not found.any()


def test_a_finder_that_is_missing_or_damaged_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    for content in (None, b"not weights"):
        if content:
            (tmp_path / "damage.safetensors").write_bytes(content)
        load_damage_finder.cache_clear()
        with pytest.raises(WeightsError, match="damage finder is missing or damaged"):
            find_damage(Image.new("L", (20, 20)))


def test_the_finder_has_as_many_weights_as_its_card_says():
    count = sum(one.numel() for one in DamageFinder().parameters())
    assert f"{count:,} weights" in (paths.WEIGHTS / "README.md").read_text(encoding="utf-8")
