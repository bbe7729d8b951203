"""Names that come from outside stay inside, on reading and on writing; and no `~` is expanded again."""

import csv
import hashlib
from pathlib import Path

import pytest
from PIL import Image

from colorstyle_lib.cli.folders import plan
from colorstyle_lib.cli.main import main
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.files import atomic_write, inside
from colorstyle_lib.reproduction import validation_images

BAD = ["../out.png", "a/../../out.png", "/etc/passwd", "", ".", "a\0.png"]


@pytest.fixture
def home(isolated: Path, monkeypatch) -> Path:
    """An empty home folder; the current folder is elsewhere."""
    (isolated / "home").mkdir()
    (isolated / "work").mkdir()
    monkeypatch.setenv("HOME", str(isolated / "home"))
    monkeypatch.chdir(isolated / "work")
    return isolated / "home"


def write_rows(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", newline="") as stream:
        lines = csv.DictWriter(stream, rows[0])
        lines.writeheader()
        lines.writerows(rows)


@pytest.mark.parametrize("name", BAD)
def test_a_name_stays_inside(tmp_path, name):
    with pytest.raises(DataError, match="leads out"):
        inside(tmp_path, name)


def test_links_are_followed_only_where_asked(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    (tmp_path / "in" / "near").symlink_to(tmp_path / "in")
    with pytest.raises(ConfigError, match="by a link"):
        inside(tmp_path / "in", "link/a.png", error=ConfigError)
    assert inside(tmp_path / "in", "link/a.png", links=True) == tmp_path / "in/link/a.png"
    assert inside(tmp_path / "in", "near/a.png") == tmp_path / "in/near/a.png"


def test_a_tilde_is_a_letter(home):
    with atomic_write(Path("~/a.txt"), "w") as file:
        file.write("here")
    assert Path.cwd().joinpath("~", "a.txt").read_text() == "here"
    assert inside(Path(), "~/a.png") == Path.cwd() / "~/a.png"
    assert not list(home.iterdir())


def test_an_album_with_a_folder_named_tilde(home):
    Path("album/~").mkdir(parents=True)
    Image.new("L", (40, 40), 99).save("album/~/a.png")
    Image.new("L", (40, 40), 99).save("album/~b.png")
    for words in (["album", "-r", "-o", "."], ["album/*/*", "-o", "."], ["album/~/*", "-o", "again"]):
        assert main(["colorize", *words, "--overwrite", "--working-size", "32"]) == 0
    assert not list(home.iterdir())
    found = {path.relative_to(Path.cwd()).as_posix() for path in Path.cwd().rglob("*.png")}
    assert found == {"album/~/a.png", "album/~b.png", "~/a.png", "~b.png", "again/a.png"}


def test_results_do_not_follow_links_out_of_their_folder(home):
    Path("album/deep").mkdir(parents=True)
    for name in ("album/a.png", "album/deep/b.png"):
        Image.new("L", (40, 40), 99).save(name)
    Path("out").mkdir()
    Path("out/deep").symlink_to(home)
    with pytest.raises(ConfigError, match="by a link"):
        plan([Path("album")], Path("out"), recursive=True)
    Path("out/deep").unlink()
    Path("out/a.png").symlink_to(home / "a.png")
    assert main(["colorize", "album", "-o", "out", "--overwrite"]) == 2
    Path("album/a-color.png").symlink_to(home / "a.png")
    assert main(["colorize", "album/a.png", "--overwrite"]) == 2
    assert not list(home.iterdir())


@pytest.mark.parametrize("name", BAD)
def test_a_manifest_of_splits_that_climbs_is_refused(isolated, name):
    Path("root").mkdir()
    Image.new("L", (40, 40)).save("out.png")
    write_rows(Path("root/MANIFEST.csv"), [{"path": name, "split": "train", "sha256": "0" * 64}])
    with pytest.raises(DataError, match="leads out"):
        list_images(Path("root"), "train")
    for words in (["check", "root"], ["manifest", "root"]):
        assert main(["data", *words]) == 2


@pytest.mark.parametrize("name", ["~/.evil.png", "link/evil.png", "../evil.png"])
def test_data_get_writes_below_its_folder_alone(home, monkeypatch, name):
    content = b"a file"
    monkeypatch.setattr(validation_images, "_fetch", lambda address: content)
    facts = {"source": "a/b:c.png", "commit": "0" * 40, "recipe": "copy", "terms": "none", "pixels": ""}
    write_rows(Path("m.csv"), [{"path": name, "sha256": hashlib.sha256(content).hexdigest(), **facts}])
    Path("link").symlink_to(home)
    status = main(["data", "get", ".", "--manifest", "m.csv"])
    assert status == (0 if name.startswith("~") else 2)
    assert not list(home.iterdir())
    assert not Path("../evil.png").exists()
    assert Path.cwd().joinpath("~", ".evil.png").exists() == name.startswith("~")
