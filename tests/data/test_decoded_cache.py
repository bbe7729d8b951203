import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from colorstyle_lib.data import datasets
from colorstyle_lib.data import decoded_cache as cache
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.data.datasets import open_dataset
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i, one in enumerate(scenes(9, 48, 1).rgb):
        home = tmp_path / "root" / ("sea" if i < 5 else "town") / ("val" if i == 8 else "train")
        home.mkdir(parents=True, exist_ok=True)
        to_picture(one[:, : 32 + i]).save(home / f"{i}.png")
    (tmp_path / "root" / "sea" / "train" / "3b.png").write_bytes(b"no picture")
    return tmp_path / "root"


def same(one: ImageStore, other: ImageStore) -> bool:
    pixels = all(torch.equal(a, b) for a, b in zip(one.images, other.images, strict=True))
    return pixels and (one.names, one.problems, one.groups) == (other.names, other.problems, other.groups)


def cached(root: Path, **settings) -> ImageStore:
    return open_dataset(root, "train", 24, cache=root.parent / "cache", **settings)


def cache_file(root: Path) -> Path:
    (path,) = (root.parent / "cache").glob("*.cache")
    return path


def test_a_cache_gives_what_decoding_gives(root):
    held = open_dataset(root, "train", 24)
    assert len(held) == 8
    assert held.groups == [0] * 5 + [1] * 3
    assert [len(held.problems), "3b.png" in held.problems[0]] == [1, True]
    assert same(held, cached(root))
    assert same(held, cached(root))  # read back
    one, other = (Batches(store, 4, 16) for store in (held, cached(root)))
    assert torch.equal(one.batch(3), other.batch(3))


def test_a_cache_is_used_again_without_opening_an_image(root, monkeypatch, capsys):
    first = cached(root)
    monkeypatch.setattr(cache, "decoded", None)
    assert same(first, cached(root))
    assert capsys.readouterr().out == ""


def test_images_that_change_are_decoded_again(root, capsys):
    first, before = cached(root), cache_file(root)
    to_picture(scenes(1, 48, 7).rgb[0]).save(root / "sea" / "train" / "0.png")
    second = cached(root)
    assert "the images have changed since; decoding again" in capsys.readouterr().out
    assert not torch.equal(first.images[0], second.images[0])
    assert cache_file(root) == before  # replaced, not added
    (root / "sea" / "train" / "3b.png").unlink()
    assert len(cached(root)) == 8
    assert not cached(root).problems


@pytest.mark.parametrize("harm", ["cut", "zeroed", "garbled index", "empty", "no cache at all"])
def test_a_damaged_cache_is_made_again(root, harm, capsys):
    first, path = cached(root), cache_file(root)
    content = path.read_bytes()
    path.unlink()  # else the store above, which maps it, would be cut off as well
    path.write_bytes(
        {
            "cut": content[:-1000],
            "zeroed": bytes(3000) + content[3000:],
            "garbled index": content[:-400] + os.urandom(300) + content[-100:],
            "empty": b"",
            "no cache at all": b"something else that somebody put here",
        }[harm]
    )
    assert same(first, cached(root))
    assert "damaged" in capsys.readouterr().out
    assert path.read_bytes() == content


def test_other_requests_have_caches_of_their_own(root):
    first = cached(root)
    only = cached(root, datasets=["town"])
    val = open_dataset(root, "val", 24, cache=root.parent / "cache")
    larger = open_dataset(root, "train", 32, cache=root.parent / "cache")
    assert [len(first), len(only), len(val), min(larger.images[0].shape[1:])] == [8, 3, 1, 32]
    assert len(list((root.parent / "cache").glob("*.cache"))) == 4
    assert same(first, cached(root))


def test_a_tensor_of_a_cache_can_be_written_to_without_changing_the_file(root):
    store, content = cached(root), cache_file(root).read_bytes()
    store.images[0].zero_()
    assert cache_file(root).read_bytes() == content
    with pytest.raises(IndexError):
        store.images[8]
    assert torch.equal(store.images[-1], store.images[7])


def test_processes_that_start_together_decode_once(root):
    code = """
        import sys
        from pathlib import Path
        from colorstyle_lib.data import cache
        from colorstyle_lib.data.datasets import open_dataset
        def counting(*given, inner=cache.decoded):
            print("decoding", flush=True)
            yield from inner(*given)
        cache.decoded = counting
        print(len(open_dataset(sys.argv[1], "train", 24, cache=Path(sys.argv[2]))))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(root), str(root.parent / "cache")]
    ranks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    words = [rank.communicate(timeout=300)[0].split() for rank in ranks]
    assert sorted(words) == [["8"], ["decoding", "8"]]


def test_what_fits_nowhere_is_refused_before_any_work(root, monkeypatch):
    monkeypatch.setattr(datasets, "_memory", lambda: 1e4)
    with pytest.raises(DataError, match=r"9 images take about 0 GB.*cache on disk"):
        open_dataset(root, "train", 24)
    monkeypatch.setattr(cache, "expected_bytes", lambda listing, side: 10**18)
    with pytest.raises(DataError, match="a cache of 9 images takes about 1000000000 GB"):
        cached(root)
    blocked = root.parent / "file"
    blocked.write_text("")
    with pytest.raises(DataError, match="cannot write to"):
        open_dataset(root, "train", 24, cache=blocked / "cache")


def test_nothing_readable_leaves_no_cache(tmp_path):
    home = tmp_path / "root" / "train"
    home.mkdir(parents=True)
    (home / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"no image could be read; the first problem: .*a\.png"):
        cached(tmp_path / "root")
    assert not list((tmp_path / "cache").glob("*.cache"))
