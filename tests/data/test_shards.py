"""WebDataset shards, as webdataset's own writer makes them."""

from pathlib import Path

import data_layouts as small
import numpy as np
import pytest
import torch

from colorstyle_lib.data import datasets
from colorstyle_lib.data.batches import Batches, decode_images
from colorstyle_lib.data.datasets import check_manifest, list_images, load_split, write_manifest
from colorstyle_lib.errors import DataError


def write(tar: Path, numbers: range) -> Path:
    webdataset = pytest.importorskip("webdataset")
    tar.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(tar)) as writer:
        for i in numbers:
            writer.write({"__key__": f"n{i:02d}/image", "jpg": small.encoded(i), "cls": i})
    return tar


def test_shards_are_read(tmp_path):
    write(tmp_path / "train-0000.tar", range(3))
    write(tmp_path / "train-0001.tar", range(3, 5))
    listing = list_images(tmp_path, "train")
    assert list(listing.names) == [f"train-000{i // 3}.tar:n{i:02d}/image.jpg" for i in range(5)]
    for i in range(5):
        assert np.abs(np.asarray(listing.read(i)).astype(int) - np.asarray(small.drawing(i))).mean() < 6
    with pytest.raises(DataError, match=r"no images for 'val'.*shards are called val-\*.tar"):
        list_images(tmp_path, "val")
    (tmp_path / "train-0002.tar").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(DataError, match=r"train-0002.tar' is damaged"):
        list_images(tmp_path, "train")


def test_shards_are_trained_on_without_being_held(tmp_path, capsys, monkeypatch):
    write(tmp_path / "sea" / "train-0.tar", range(6))
    write(tmp_path / "town" / "train-0.tar", range(6, 9))
    monkeypatch.setattr(datasets, "_memory", lambda: 1e4)
    store = load_split(tmp_path, "train", 24)
    assert "train: 9 images from sea, town; 0 left out" in capsys.readouterr().out
    listing = list_images(tmp_path, "train")
    held = decode_images(listing.read, listing.names, listing.groups(), 24)
    assert torch.equal(Batches(store, 6, 16).batch(2), Batches(held, 6, 16).batch(2))
    assert store.groups == held.groups == [0] * 6 + [1] * 3


def test_an_image_that_is_damaged_is_named_and_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_memory", lambda: 1e4)
    tar = write(tmp_path / "train-0.tar", range(6))
    write_manifest(tmp_path)
    content, picture = bytearray(tar.read_bytes()), small.encoded(4)
    start = content.index(picture)
    content[start : start + len(picture)] = bytes(len(picture))
    tar.write_bytes(content)
    store = small.open_dataset(tmp_path, "train", 24)
    assert torch.equal(store.images[4], store.images[5])
    assert [len(store.problems), "n04/image.jpg" in store.problems[0]] == [1, True]
    assert torch.equal(store.images[4], store.images[5])
    assert len(store.problems) == 1
    assert check_manifest(tmp_path).changed == (tar.name,)


def test_a_shard_that_is_cut_off_is_noticed(tmp_path):
    tar = write(tmp_path / "train-0.tar", range(6))
    tar.write_bytes(tar.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"train-0.tar' is damaged"):
        list_images(tmp_path, "train")
