import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorstyle_lib.config import MODES
from colorstyle_lib.data import datasets, layouts
from colorstyle_lib.data import example_pictures as demo
from colorstyle_lib.data.batches import Batches, ImageStore, center_crops, load_images
from colorstyle_lib.data.datasets import images_for, load_split
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.errors import ConfigError, DataError


def write_picture(path, seed=0, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_demo_photographs_are_there_in_color_with_licences():
    assert len(demo.PHOTOGRAPHS) == 7
    for photograph in demo.PHOTOGRAPHS.values():
        picture = photograph.open()
        assert picture.mode == "RGB"
        assert min(picture.size) >= 300
        assert np.ptp(np.asarray(picture).astype(int), axis=2).max() > 50  # really in color
        assert photograph.licence in ("public domain", "CC0", "CC BY 2.0")
        assert photograph.author in demo.credits()
    with pytest.raises(ConfigError, match="no demo photograph 'chelsae'; did you mean 'chelsea'"):
        demo.photograph("chelsae")


def test_own_train_and_val_win_at_the_root_and_one_level_down(tmp_path):
    flat, nested = tmp_path / "flat", tmp_path / "nested"
    train = write_picture(flat / "train" / "a.jpg")
    val = write_picture(flat / "val" / "deep" / "b.png", 1)
    write_picture(flat / "c.png", 2)  # beside train and val: belongs to neither
    assert datasets.find_split(flat, "train") == [train]
    assert datasets.find_split(flat, "val") == [val]
    one = write_picture(nested / "sea" / "train" / "x" / "a.jpg")
    two = write_picture(nested / "town" / "train" / "a.jpg")
    write_picture(nested / "town" / "val" / "b.jpg")
    assert datasets.find_split(nested, "train") == [one, two]
    assert [layouts.dataset_of(p, nested) for p in (one, two)] == ["sea", "town"]


def test_several_roots_lie_beside_each_other_and_sets_of_one_name_are_one(tmp_path):
    for seed, name in enumerate(("a/sea/train/1.png", "a/sea/val/2.png", "b/sea/train/1.png", "b/food/train/3.png")):
        write_picture(tmp_path / name, seed)
    write_picture(tmp_path / "b/food/val/4.png", 4)
    roots = [tmp_path / "a", tmp_path / "b"]
    listing = datasets.list_images(roots, "train")
    assert sorted(listing.datasets) == ["food", "sea", "sea"]
    assert len(set(listing.names)) == 3
    store = load_split(roots, "train", 24, ["sea"], quiet=True)
    assert len(store) == 2
    assert not torch.equal(store.images[0], store.images[1])  # each root's own 1.png
    assert datasets.dataset_names(roots, "val") == ["food", "sea"]
    with pytest.raises(DataError, match="no data set 'seas'; did you mean 'sea'"):
        datasets.list_images(roots, "train", ["seas"])


def test_manifest_wins_over_folders(tmp_path):
    a, b = write_picture(tmp_path / "train" / "a.jpg"), write_picture(tmp_path / "train" / "b.jpg", 1)
    with (tmp_path / "MANIFEST.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerows([["path", "split"], ["train/a.jpg", "train"], ["train/b.jpg", "val"]])
    assert datasets.find_split(tmp_path, "train") == [a]
    assert datasets.find_split(tmp_path, "val") == [b]


def test_split_by_content_survives_renaming_and_is_a_partition(tmp_path):
    files = [write_picture(tmp_path / f"{i}.png", i) for i in range(60)]
    train, val = datasets.find_split(tmp_path, "train"), datasets.find_split(tmp_path, "val")
    assert sorted(train + val) == sorted(files)
    assert 1 <= len(val) <= 20
    renamed = tmp_path / "moved" / "other.png"
    renamed.parent.mkdir()
    shutil.move(val[0], renamed)
    assert renamed in datasets.find_split(tmp_path, "val")


def test_empty_or_missing_roots_say_what_to_do(tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        datasets.find_split(tmp_path / "none", "train")
    with pytest.raises(DataError, match="no images for 'train'"):
        datasets.find_split(tmp_path, "train")


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_few_pictures_are_enough_for_both_splits(tmp_path, count):
    files = [write_picture(tmp_path / f"{i}.png", i) for i in range(count)]
    train, val = datasets.find_split(tmp_path, "train"), datasets.find_split(tmp_path, "val")
    assert sorted(train + val) == sorted(files)
    assert len(val) == 1


def test_corrupt_files_are_left_out_and_named(tmp_path):
    good = write_picture(tmp_path / "good.png")
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture")
    store = load_images([bad, good], 20)
    assert store.names == [str(good)]
    assert len(store.problems) == 1
    assert "bad.jpg" in store.problems[0]
    with pytest.raises(DataError, match=r"no image could be read; the first problem: .*bad\.jpg"):
        load_images([bad], 20)


def test_images_keep_their_aspect_and_get_the_size_asked_for(tmp_path):
    store = load_images([write_picture(tmp_path / "wide.png", size=(80, 40))], 20)
    assert tuple(store.images[0].shape) == (3, 20, 40)
    crops = center_crops(store, 16)
    assert tuple(crops.shape) == (1, 3, 16, 16)
    assert 0 <= crops.min() <= crops.max() <= 1


def make_store(counts=(8, 2)):
    images = [torch.full((3, 24, 30), i, dtype=torch.uint8) for i in range(sum(counts))]
    groups = [g for g, count in enumerate(counts) for _ in range(count)]
    return ImageStore(images, [str(i) for i in range(len(images))], [], groups)


def test_a_batch_depends_on_seed_and_index_alone():
    first, again, other = (Batches(make_store(), 4, 16, seed) for seed in (0, 0, 1))
    list_of = [first.batch(i) for i in range(3)]
    assert torch.equal(again.batch(2), list_of[2])
    assert not torch.equal(list_of[0], list_of[1])
    assert not torch.equal(other.batch(0), list_of[0])
    assert tuple(list_of[0].shape) == (4, 3, 16, 16)
    assert torch.equal(next(iter(first)), list_of[0])


def test_small_data_sets_are_drawn_more_often_than_their_share():
    drawn = torch.cat([Batches(make_store((64, 4)), 32, 4, seed).batch(0)[:, 0, 0, 0] for seed in range(60)]) * 255
    share = (drawn.round() >= 64).float().mean().item()
    assert share == pytest.approx(2 / (2 + 8), abs=0.04)  # square roots of 4 and 64


def test_bad_sizes_are_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        Batches(make_store(), 0, 16)


@pytest.mark.data
def test_real_root_has_both_splits_and_no_image_in_both(data_root):
    train, val = datasets.find_split(data_root, "train"), datasets.find_split(data_root, "val")
    assert len(train) > len(val) > 0
    assert not set(train) & set(val)


# The images of a run mode.
def test_each_mode_says_what_its_images_are():
    store, what = images_for(MODES["smoke"], None, 48)
    assert len(store) == MODES["smoke"].max_images
    assert store.images[0].shape == (3, 48, 48)
    assert "drawn" in what
    assert f"n = {len(store)}" in what
    store, what = images_for(MODES["quick"], None, 48)
    assert store.names == list(PHOTOGRAPHS)
    assert "demo photographs" in what
    assert not store.problems


def test_scenes_follow_the_seed():
    one, same, other = (images_for(MODES["smoke"], None, 48, seed)[0].images[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, count in (("cats", 12), ("dogs", 6)):
        for split, n in (("train", count), ("val", 2)):
            folder = tmp_path / name / split
            folder.mkdir(parents=True)
            for i in range(n):
                Image.new("RGB", (40, 30), (10 * i, 90, 200 if split == "val" else 50)).save(folder / f"{i}.png")
    return tmp_path


def test_a_root_gives_training_images_only_with_their_data_sets(root: Path):
    store, what = images_for(MODES["full"], root, 30)
    assert len(store) == 18
    assert not any("val" in name for name in store.names)
    assert [store.groups.count(group) for group in (0, 1)] == [12, 6]
    assert what == "n = 18 of 18 training images (cats 12, dogs 6)"
    assert str(root) not in what


def test_a_large_root_is_sampled_over_all_of_it(root: Path):
    few = replace(MODES["full"], max_images=9)
    store, what = images_for(few, root, 30, seed=0)
    assert len(store) == 9
    assert set(store.groups) == {0, 1}
    assert what.startswith("n = 9 of 18")
    assert store.names == images_for(few, root, 30, seed=0)[0].names
    assert store.names != images_for(few, root, 30, seed=1)[0].names


def test_a_damaged_image_is_not_counted(root: Path):
    (root / "cats" / "train" / "0.png").write_bytes(b"no picture")
    store, what = images_for(MODES["full"], root, 30)
    assert len(store.problems) == 1
    assert what.startswith("n = 17 of 18")


def test_no_root_is_one_clear_line():
    with pytest.raises(DataError, match="COLORSTYLE_DATA"):
        images_for(MODES["full"], None, 30)


def test_what_does_not_fit_is_decoded_when_it_is_drawn(root: Path, monkeypatch):
    held = load_split(root, "train", 24)
    monkeypatch.setattr(datasets, "_memory", lambda: 1e4)
    store = load_split(root, "train", 24)
    assert not isinstance(store.images, list)
    assert torch.equal(Batches(store, 6, 16).batch(2), Batches(held, 6, 16).batch(2))
    assert (store.names, store.groups) == (held.names, held.groups)


def test_a_class_called_train_is_no_data_set(tmp_path):
    wagon, hidden = (write_picture(tmp_path / side / "train" / f"{side}.png") for side in ("train", "val"))
    assert datasets.find_split(tmp_path, "train") == [wagon]
    assert datasets.find_split(tmp_path, "val") == [hidden]
