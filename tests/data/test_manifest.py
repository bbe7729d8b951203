import re
from pathlib import Path

import data_layouts as small
import pytest

from colorstyle_lib import paths
from colorstyle_lib.cli.main import parser
from colorstyle_lib.data.datasets import check_manifest, list_images, write_manifest
from colorstyle_lib.errors import DataError

VALIDATION = paths.ROOT / "data" / "manifests" / "validation.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i in range(6):
        small.put(tmp_path / "root" / "sea" / ("val" if i < 2 else "train") / f"{i}.jpg", i)
    return tmp_path / "root"


def run(*words: object) -> int:
    parsed = parser().parse_args(["data", *map(str, words)])
    return parsed.command(parsed)


def test_a_manifest_agrees_with_what_it_was_made_of(root):
    manifest = write_manifest(root)
    rows = small.read_csv(manifest)
    assert [row["path"] for row in rows] == [f"sea/train/{i}.jpg" for i in range(2, 6)] + [
        "sea/val/0.jpg",
        "sea/val/1.jpg",
    ]
    assert [row["split"] for row in rows] == ["train"] * 4 + ["val"] * 2
    result = check_manifest(root)
    assert result.agrees
    assert len(result.same) == 6
    assert list(list_images(root, "train").names) == [f"sea/train/{i}.jpg" for i in range(2, 6)]  # as before


def test_what_is_missing_changed_and_extra_is_named(root):
    write_manifest(root)
    (root / "sea" / "train" / "2.jpg").unlink()
    (root / "sea" / "val" / "0.jpg").write_bytes(b"another")
    small.put(root / "sea" / "train" / "new.jpg", 9)
    result = check_manifest(root)
    assert not result.agrees
    assert result.missing == ("sea/train/2.jpg",)
    assert result.changed == ("sea/val/0.jpg",)
    assert result.extra == ("sea/train/new.jpg",)
    assert len(result.same) == 4


def test_a_manifest_of_one_split_says_nothing_of_the_other(root, tmp_path):
    manifest = write_manifest(root, tmp_path / "val.csv", ("val",))
    small.put(root / "sea" / "train" / "new.jpg", 9)
    assert check_manifest(root, manifest).agrees
    small.put(root / "sea" / "val" / "new.jpg", 9)
    assert check_manifest(root, manifest).extra == ("sea/val/new.jpg",)


def test_data_sets_in_few_large_files_are_checked_by_these(tmp_path):
    pytest.importorskip("lmdb")
    root = small.lsun(tmp_path)
    rows = small.read_csv(write_manifest(root))
    assert [row["path"] for row in rows if row["split"] == "val"] == [
        "bedroom_val_lmdb/data.mdb",
        "church_outdoor_val_lmdb/data.mdb",
    ]
    assert check_manifest(root).agrees


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the manifest"),
        (b"name,md5\na,b\n", "needs the columns path, sha256"),
        (b"path,sha256\n", "and a row"),
        (b"path,sha256,split\na.jpg\n", "a row is not complete"),
        (b"\xff\xfe\x00", "cannot read the manifest|is no manifest"),
    ],
)
def test_a_manifest_that_is_none_is_refused(root, tmp_path, content, message):
    manifest = tmp_path / "m.csv"
    if content is not None:
        manifest.write_bytes(content)
    with pytest.raises(DataError, match=message):
        check_manifest(root, manifest)


def test_no_manifest_or_no_root_says_what_to_do(root, tmp_path):
    with pytest.raises(DataError, match=r"has no CHECKSUMS.csv; give --manifest FILE, or write one"):
        check_manifest(root)
    with pytest.raises(DataError, match="not a folder"):
        check_manifest(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images for 'train'"):
        write_manifest(tmp_path / "empty")


# The commands.
def test_commands_say_and_return_how_it_went(root, capsys):
    assert run("manifest", root) == 0
    assert run("check", root) == 0
    assert capsys.readouterr().out.endswith("6 files are as the manifest says; 0 missing, 0 changed, 0 extra\n")
    for i in range(30):
        small.put(root / "sea" / "train" / f"new{i:02d}.jpg", 9)
    assert run("check", root) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "extra: sea/train/new00.jpg"
    assert said[-2] == "extra: ... and 10 more"
    assert said[-1] == "6 files are as the manifest says; 0 missing, 0 changed, 30 extra"


def test_the_list_names_sizes_and_terms(capsys, isolated):
    assert run("list") == 0
    said = capsys.readouterr().out
    for name in ("imagenette", "imagenet", "coco", "lsun"):
        assert re.search(rf"^{name} ", said, re.MULTILINE)
    assert "1,281,167 train and 50,000 val images" in said
    assert "non-commercial" in said


# The manifest of the validation images behind our numbers.
def test_the_manifest_that_comes_with_us_is_whole_and_tells_no_secrets():
    rows = small.read_csv(VALIDATION)
    assert len(rows) == len({row["path"] for row in rows}) == 442
    assert {row["split"] for row in rows} == {"val"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", row["sha256"]) for row in rows)
    assert all(row["source"] and row["terms"] for row in rows)
    homes = {
        name: sum(row["path"].startswith(name) for row in rows) for name in ("scenes", "imagenet_sample", "paintings")
    }
    assert homes == {"scenes": 300, "imagenet_sample": 100, "paintings": 42}
    content = VALIDATION.read_text()
    assert not re.search(r"https?:|file:|(^|,)/", content, re.MULTILINE)


@pytest.mark.data
def test_the_data_root_has_the_validation_images_behind_our_numbers(data_root):
    result = check_manifest(data_root, VALIDATION)
    assert result.agrees
    assert len(result.same) == 442
