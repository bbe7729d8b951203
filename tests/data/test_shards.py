import gc
import hashlib
import os
import re
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from pathlib import Path

import data_layouts as small
import numpy as np
import pytest
import torch

from colorstyle_lib.data import datasets
from colorstyle_lib.data.batches import Batches, decode_images
from colorstyle_lib.data.datasets import list_images, load_split
from colorstyle_lib.data.manifest import check
from colorstyle_lib.data.shards import write_shards
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for i in range(11):
        small.put(root / ("sea" if i < 7 else "town") / ("val" if i in (0, 7) else "train") / f"{i}.jpg", i)
    (root / "sea" / "train" / "bad.jpg").write_bytes(b"no picture")
    return root


def pixels(root: Path, split: str) -> dict[str, np.ndarray]:
    listing = list_images(root, split)
    return {listing.names[i]: np.asarray(listing.read(i)).astype(int) for i in range(len(listing))}


def test_shards_hold_the_images_and_say_what_they_left_out(source, tmp_path, capsys):
    target = tmp_path / "shards"
    write_shards(source, target, per_shard=4, shorter_side=40)
    said = capsys.readouterr().out
    assert "left out: " in said
    assert "bad.jpg" in said
    assert f"11 images in 4 shards in {target}; 1 left out" in said
    listing = list_images(target, "train")
    assert sorted(name.partition(":")[2] for name in listing.names) == sorted(
        [f"sea/train/{i}.jpg" for i in range(1, 7)] + [f"town/train/{i}.jpg" for i in range(8, 11)]
    )
    assert list(listing.names) != sorted(listing.names, key=lambda name: name.partition(":")[2])  # mixed
    assert {name.partition(":")[2].partition("/")[0] for name in listing.names} == set(listing.datasets)
    for name, found in pixels(target, "train").items():
        original = np.asarray(small.drawing(int(Path(name).stem))).astype(int)
        assert np.abs(found - original).mean() < 6  # twice through JPEG
    assert len(list_images(target, "val")) == 2


def test_large_images_are_made_small_and_small_ones_left(source, tmp_path):
    write_shards(source, tmp_path / "small", shorter_side=20)
    write_shards(source, tmp_path / "large", shorter_side=200)
    assert {image.shape for image in pixels(tmp_path / "small", "train").values()} == {(20, 24, 3)}
    assert {image.shape for image in pixels(tmp_path / "large", "train").values()} == {(40, 48, 3)}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_our_shards(source, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    write_shards(source, tmp_path / "shards", per_shard=4)
    tars = sorted(str(tar) for tar in (tmp_path / "shards").glob("train-*.tar"))
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8").to_tuple("jpg", "json"))
    listing = list_images(tmp_path / "shards", "train")
    assert [facts["name"] for _, facts in samples] == [name.partition(":")[2] for name in listing.names]
    assert all(np.array_equal(image, np.asarray(listing.read(i))) for i, (image, _) in enumerate(samples))
    gc.collect()  # webdataset leaves its files open


def test_shards_of_others_are_read(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    with webdataset.TarWriter(str(tmp_path / "train-0000.tar")) as writer:
        for i in range(3):
            writer.write({"__key__": f"n0{i}/image", "jpg": small.encoded(i), "cls": i})
    listing = list_images(tmp_path, "train")
    assert list(listing.names) == [f"train-0000.tar:n0{i}/image.jpg" for i in range(3)]
    assert np.abs(np.asarray(listing.read(1)).astype(int) - np.asarray(small.drawing(1))).mean() < 6
    with pytest.raises(DataError, match=r"there are no shards val-\*.tar"):
        list_images(tmp_path, "val")
    (tmp_path / "train-0001.tar").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(DataError, match=r"train-0001.tar' is damaged"):
        list_images(tmp_path, "train")


def test_shards_are_trained_on_without_being_held(source, tmp_path, capsys, monkeypatch):
    write_shards(source, tmp_path / "shards", per_shard=4)
    monkeypatch.setattr(datasets, "_memory", lambda: 1e4)
    store = load_split(tmp_path / "shards", "train", 24)
    assert "train: 9 images from sea, town; 0 left out" in capsys.readouterr().out
    listing = list_images(tmp_path / "shards", "train")
    held = decode_images(listing.read, listing.names, listing.groups(), 24)
    assert torch.equal(Batches(store, 6, 16).batch(2), Batches(held, 6, 16).batch(2))
    assert store.groups == held.groups
    assert sorted(set(store.groups)) == [0, 1]


def test_an_image_that_is_damaged_later_is_named_and_replaced(source, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_memory", lambda: 1e4)
    write_shards(source, tmp_path / "shards")
    (tar,) = (tmp_path / "shards").glob("train-*.tar")
    content = bytearray(tar.read_bytes())
    with tarfile.open(tar) as archive:
        harmed = [member for member in archive if member.name.endswith(".jpg")][4]
    content[harmed.offset_data : harmed.offset_data + harmed.size] = bytes(harmed.size)
    tar.write_bytes(content)
    store = small.open_dataset(tmp_path / "shards", "train", 24)
    assert torch.equal(store.images[4], store.images[5])
    assert [len(store.problems), store.names[4].partition(":")[2] in store.problems[0]] == [1, True]
    assert torch.equal(store.images[4], store.images[5])
    assert len(store.problems) == 1
    assert check(tmp_path / "shards").changed == (tar.name,)


def test_the_same_images_give_the_same_bytes(source, tmp_path):
    for name in ("one", "two"):
        write_shards(source, tmp_path / name, per_shard=3)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two
    rows = small.read_csv(tmp_path / "one" / "CHECKSUMS.csv")
    assert [row["path"] for row in rows] == sorted(name for name in one if name.endswith(".tar"))
    assert all(hashlib.sha256(one[row["path"]]).hexdigest() == row["sha256"] for row in rows)


def test_a_run_that_was_killed_leaves_no_folder_of_shards_and_can_be_repeated(source, tmp_path):
    code = """
        import sys, time
        from pathlib import Path
        from colorstyle_lib.data import shards as sharding
        def slow(tar, name, content, inner=sharding._add):
            time.sleep(0.1)
            inner(tar, name, content)
        sharding._add = slow
        sharding.write_shards(Path(sys.argv[1]), Path(sys.argv[2]), per_shard=2)
    """
    target, part = tmp_path / "shards", tmp_path / ".shards.part"
    run = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(source), str(target)])
    for _ in range(6000):
        if (part / "train-000001.tar").exists() or run.poll() is not None:
            break
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not target.exists()
    assert list(part.glob("train-*.tar"))
    write_shards(source, target, per_shard=4)
    assert not part.exists()
    assert [path.name for path in sorted(target.glob("train-*"))] == [f"train-00000{i}.tar" for i in range(3)]
    assert len(list_images(target, "train")) == 9


def test_a_shard_that_is_cut_off_is_noticed_and_a_missing_one_by_its_manifest(source, tmp_path):
    target = tmp_path / "shards"
    write_shards(source, target, per_shard=4)
    tar = target / "train-000001.tar"
    whole = tar.read_bytes()
    tar.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"train-000001.tar' is damaged"):
        list_images(target, "train")
    tar.unlink()
    assert check(target).missing == ("train-000001.tar",)


def test_what_cannot_be_is_refused(source, tmp_path):
    write_shards(source, tmp_path / "shards", per_shard=4)
    with pytest.raises(ConfigError, match="is there already; give a new folder"):
        write_shards(source, tmp_path / "shards", per_shard=5)
    with pytest.raises(ConfigError, match="lies in the data root itself"):
        write_shards(source, source / "shards")
    for wrong in ({"quality": 0}, {"quality": 101}, {"per_shard": 0}, {"shorter_side": 2}):
        with pytest.raises(ConfigError, match="quality is 1 to 100"):
            write_shards(source, tmp_path / "wrong", **wrong)
    assert not (tmp_path / "wrong").exists()


def test_a_root_without_val_gives_train_shards(tmp_path, capsys):
    small.put(tmp_path / "source" / "train" / "a.jpg", 1)
    write_shards(tmp_path / "source", tmp_path / "shards")
    assert re.search(r"^no val shards: .*no images for 'val'", capsys.readouterr().out, re.MULTILINE)
    assert len(list_images(tmp_path / "shards", "train")) == 1


def test_a_full_disk_leaves_no_half_shard(source, tmp_path, monkeypatch):
    class FullError(OSError):
        pass

    def full(*given):
        raise FullError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(tarfile.TarFile, "addfile", full)
        with pytest.raises(ColorStyleError, match="No space left on device"):
            write_shards(source, tmp_path / "shards")
    assert not (tmp_path / "shards").exists()
    assert write_shards(source, tmp_path / "shards").is_file()
