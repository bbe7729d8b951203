import io
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import data_layouts as small
import pytest
import torchvision.datasets as tv

from colorstyle_lib import paths
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.data.downloads import KNOWN, fetch, find_root
from colorstyle_lib.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def downloads(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLORSTYLE_DOWNLOADS", str(isolated / "downloads"))
    return isolated / "downloads"


@pytest.fixture
def server(tmp_path: Path):
    """A real web server on this machine, with an archive in Imagenette's layout."""
    site = tmp_path / "site"
    site.mkdir()
    with tarfile.open(site / "imagenette2-320.tgz", "w:gz") as tar:
        for split, count in (("train", 3), ("val", 1)):
            for i in range(count):
                content = small.encoded(i)
                entry = tarfile.TarInfo(f"imagenette2-320/{split}/n01440764/ILSVRC2012_{split}_{i}.JPEG")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))

    asked: list[str] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *given):
            asked.append(self.command)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/imagenette2-320.tgz", site / "imagenette2-320.tgz", asked
        http.shutdown()
        thread.join()


def point_at(monkeypatch, url: str, md5: str) -> None:
    monkeypatch.setattr(tv.Imagenette, "_ARCHIVES", {**tv.Imagenette._ARCHIVES, "320px": (url, md5)})


def test_a_named_set_is_downloaded_once_and_then_found(server, downloads, monkeypatch):
    url, archive, asked = server
    point_at(monkeypatch, url, small.md5(archive))
    with pytest.raises(DataError, match=r"is not there; run: colorstyle data download imagenette \(0.34 GB"):
        small.open_dataset("imagenette", "train", 16)
    fetch("imagenette")
    store = small.open_dataset("imagenette", "train", 16)
    assert len(store) == 3
    assert [path.name for path in sorted(downloads.iterdir()) if not path.name.startswith(".")] == ["imagenette"]
    count = len(asked)
    assert fetch("imagenette") == downloads / "imagenette"
    assert len(small.open_dataset("imagenette", "val", 16)) == 1
    monkeypatch.setenv("COLORSTYLE_DATA", "imagenette")
    assert find_root() == (downloads / "imagenette").resolve()
    assert len(asked) == count


def test_a_download_that_was_cut_off_is_begun_anew(server, downloads, monkeypatch):
    url, archive, _ = server
    point_at(monkeypatch, url, small.md5(archive))
    part = downloads / ".imagenette.part"
    small.put(part / "imagenette2-320" / "train" / "n01440764" / "half_unpacked.JPEG", 1)
    (part / "imagenette2-320.tgz").write_bytes(archive.read_bytes()[:1000])
    names = list_images(fetch("imagenette"), "train").names
    assert [Path(name).stem for name in names] == [f"ILSVRC2012_train_{i}" for i in range(3)]
    assert not part.exists()


def test_a_wrong_file_is_not_taken(server, downloads, monkeypatch):
    point_at(monkeypatch, server[0], "0" * 32)
    with pytest.raises(DataError, match=r"cannot download Imagenette.*corrupted"):
        fetch("imagenette")
    assert not (downloads / "imagenette").exists()


def test_no_network_is_one_line_with_a_way_out(downloads, monkeypatch):
    point_at(monkeypatch, "http://127.0.0.1:9/imagenette2-320.tgz", "0" * 32)
    with pytest.raises(DataError, match=r"cannot download.*; without a network, .*give --data FOLDER") as caught:
        fetch("imagenette")
    assert "\n" not in str(caught.value)
    assert not (downloads / "imagenette").exists()


def test_what_is_to_be_fetched_by_hand_says_what_and_where_from():
    for name, words in {"imagenet": "unpacked to train", "coco": "val2017.zip", "lsun": "NAME_val_lmdb"}.items():
        with pytest.raises(DataError, match=f"cannot be downloaded for you: get .*{words}"):
            fetch(name)
    with pytest.raises(ConfigError, match="no data set 'imagnet'; did you mean 'imagenet'"):
        fetch("imagnet")


def test_a_folder_wins_over_a_name_and_a_missing_folder_is_called_one(isolated, monkeypatch):
    small.put(isolated / "coco" / "train" / "a.jpg", 1)
    assert find_root("coco") == (isolated / "coco").resolve()
    with pytest.raises(DataError, match="the data root '/no/such/place' is not a folder"):
        find_root("/no/such/place")
    with pytest.raises(DataError, match="the data root 'imagenete' is not a folder"):
        find_root("imagenete")
    assert find_root("") is None
    monkeypatch.setenv("COLORSTYLE_DATA", "/no/such/place")
    with pytest.raises(DataError, match="COLORSTYLE_DATA '/no/such/place' is not a folder"):
        find_root()


def test_the_data_card_tells_of_every_known_set():
    card = (paths.ROOT / "data" / "README.md").read_text()
    for name, one in KNOWN.items():
        assert f"`{name}`" in card
        assert one["home"].rstrip("/") in card
        assert f"{one['train']:,}" in card
        assert f"{one['val']:,}" in card
