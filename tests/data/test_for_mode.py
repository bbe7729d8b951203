from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.data.for_mode import images_for
from colorstyle_lib.errors import DataError
from colorstyle_lib.run_mode import MODES


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
