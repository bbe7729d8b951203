import gc
import shutil
import sys
from pathlib import Path

import data_layouts as small
import numpy as np
import pytest
import torch
import torchvision.datasets as tv
from PIL import Image

from colorstyle_lib.data.datasets import dataset_names, list_images, load_split
from colorstyle_lib.errors import DataError, MissingExtraError


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))


def contents(root: Path, split: str) -> list[np.ndarray]:
    listing = list_images(root, split)
    return [pixels(listing.read(i)) for i in range(len(listing))]


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)


# ImageNet.
def test_imagenet(tmp_path):
    root = small.imagenet(tmp_path)
    assert list(list_images(root, "train").names) == [f"train/{w}/{w}_{i}.JPEG" for w in small.WNIDS for i in (0, 10)]
    assert list(list_images(root, "val").names) == [f"val/ILSVRC2012_val_0000000{i}.JPEG" for i in (1, 2)]  # flat
    store = load_split(root, "val", 16)
    assert [len(store), tuple(store.images[0].shape)] == [2, (3, 16, 19)]


# COCO.
def test_coco(tmp_path):
    root = small.coco(tmp_path)
    for split, names in (("train", ["000000000009", "000000000025", "000000000030"]), ("val", ["000000000139"])):
        listing = list_images(root, split)
        assert list(listing.names) == [f"{split}2017/{name}.jpg" for name in names]


def test_coco_takes_both_splits_from_the_latest_year(tmp_path):
    small.coco(small.coco(tmp_path), "2014")
    assert all(name.startswith("train2017/") for name in list_images(tmp_path, "train").names)
    shutil.rmtree(tmp_path / "train2017")  # val2017 is still there, and train2014 holds most of it
    with pytest.raises(DataError, match="no images for 'train'"):
        list_images(tmp_path, "train")


# LSUN.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_lsun_as_torchvision_reads_it(tmp_path, monkeypatch):
    pytest.importorskip("lmdb")
    root = small.lsun(tmp_path / "lsun")
    mine = {split: contents(root, split) for split in ("train", "val")}
    listing = list_images(root, "train")
    assert list(listing.datasets) == ["bedroom"] * 3 + ["church_outdoor"] * 2
    assert all(
        name.startswith(f"{home}_train_lmdb/") for name, home in zip(listing.names, listing.datasets, strict=True)
    )
    assert not list(tmp_path.glob("_cache_*"))
    # Torchvision wants to open the database itself, and leaves a pickle in the current folder.
    copy = shutil.copytree(root, tmp_path / "copy")
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        trusted = tv.LSUN(str(copy), classes=[f"bedroom_{split}", f"church_outdoor_{split}"])
        assert equal(mine[split], [pixels(trusted[i][0]) for i in range(len(trusted))])
        for database in trusted.dbs:
            database.env.close()
    gc.collect()  # torchvision leaves its pickle open


def test_lsun_categories_are_data_sets(tmp_path, capsys):
    pytest.importorskip("lmdb")
    root = small.lsun(tmp_path)
    assert dataset_names(root, "val") == ["bedroom", "church_outdoor"]
    store = load_split(root, "train", 16, ["church_outdoor"])
    assert [len(store), store.groups] == [2, [0, 0]]
    assert capsys.readouterr().out == "train: 2 images from church_outdoor; 0 left out\n"
    shutil.rmtree(root / "bedroom_val_lmdb")
    shutil.rmtree(root / "church_outdoor_val_lmdb")
    with pytest.raises(DataError, match=r"no images for 'val'.*folders NAME_val_lmdb"):
        list_images(root, "val")


def test_lsun_without_lmdb_or_with_a_damaged_database(tmp_path, monkeypatch):
    home = tmp_path / "bedroom_train_lmdb"
    home.mkdir()
    (home / "data.mdb").write_bytes(b"not a database" * 1000)
    with monkeypatch.context() as without:
        hide(without, "lmdb")
        with pytest.raises(MissingExtraError, match=r"lmdb is not installed.*colorstyle\[data\]"):
            list_images(tmp_path, "train")
    pytest.importorskip("lmdb")
    with pytest.raises(DataError, match="damaged or no LSUN database"):
        list_images(tmp_path, "train")


def test_a_damaged_image_in_lsun_is_left_out(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    root = small.lsun(tmp_path)
    with lmdb.open(str(root / "bedroom_train_lmdb"), map_size=2**24) as database, database.begin(write=True) as t:
        t.put(b"0" * 40, b"no picture")
        t.put(b"1" * 40, b"")
    store = small.open_dataset(root, "train", 16)
    assert [len(store), len(store.problems)] == [5, 2]
    assert "bedroom_train_lmdb/" + "0" * 40 in store.problems[0]


# Several at once.
def test_data_sets_of_several_layouts_side_by_side(tmp_path):
    pytest.importorskip("lmdb")
    small.coco(tmp_path / "coco")
    small.lsun(tmp_path / "lsun")
    small.put(tmp_path / "mine" / "train" / "a.jpg", 80)
    small.put(tmp_path / "other" / "without_splits.jpg", 81)
    listing = list_images(tmp_path, "train")
    assert {name: list(listing.datasets).count(name) for name in listing.datasets} == {"coco": 3, "lsun": 5, "mine": 1}
    assert listing.names[0] == "coco/train2017/000000000009.jpg"
    assert equal(contents(tmp_path, "train")[:3], contents(tmp_path / "coco", "train"))
    assert equal(contents(tmp_path, "train")[3:8], contents(tmp_path / "lsun", "train"))
    assert np.array_equal(contents(tmp_path, "train")[8], pixels(Image.open(tmp_path / "mine" / "train" / "a.jpg")))
    assert dataset_names(tmp_path, "val") == ["coco", "lsun"]  # mine has none, which is no mistake
    store = small.open_dataset(tmp_path, "train", 16, datasets=["mine", "lsun"])
    assert store.groups == [0] * 5 + [1]
    with pytest.raises(DataError, match="has no data set 'lsum'; did you mean 'lsun'"):
        small.open_dataset(tmp_path, "train", 16, datasets=["lsum"])
    (tmp_path / "tars").mkdir()
    (tmp_path / "tars" / "train-0.tar").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(DataError, match="damaged"):  # a data set that is broken is not passed over
        list_images(tmp_path, "train")


def test_a_manifest_of_the_root_wins_over_any_layout(tmp_path):
    small.coco(tmp_path)
    (tmp_path / "MANIFEST.csv").write_text("path,split\nval2017/000000000139.jpg,train\n")
    assert list(list_images(tmp_path, "train").names) == ["val2017/000000000139.jpg"]


def test_nothing_of_val_is_ever_among_train(tmp_path):
    pytest.importorskip("lmdb")
    small.coco(tmp_path / "coco")
    small.lsun(tmp_path / "lsun")
    train, val = (list_images(tmp_path, split) for split in ("train", "val"))
    assert not set(train.names) & set(val.names)
    assert not set(train.files) & set(val.files)


def test_a_plain_folder_is_read_as_before(tmp_path, capsys):
    small.put(tmp_path / "sea" / "train" / "a.jpg", 1)
    small.put(tmp_path / "town" / "train" / "b.jpg", 2)
    (tmp_path / "town" / "train" / "c.jpg").write_bytes(b"no picture")
    store = load_split(tmp_path, "train", 16)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "train: 2 images from sea, town; 1 left out"
    assert said[1].startswith("  left out: ")
    assert "c.jpg" in said[1]
    assert store.names == ["sea/train/a.jpg", "town/train/b.jpg"]
    assert store.groups == [0, 1]
    assert store.images[0].dtype == torch.uint8
    with pytest.raises(DataError, match="not a folder"):
        list_images(tmp_path / "none", "train")
