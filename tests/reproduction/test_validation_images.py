"""`colorstyle data get` against a stand-in on this machine: a real web server with files at the public addresses."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import data_layouts as small
import pytest
from PIL import Image

from colorstyle_lib.cli.main import parser
from colorstyle_lib.data.datasets import check_manifest, list_images
from colorstyle_lib.data.layouts import open_bytes
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ConfigError, DataError, ImageError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.reproduction import validation_images as sources
from colorstyle_lib.reproduction.validation_images import (
    HOST,
    VALIDATION,
    follow_recipe,
    pixel_hash,
    read_entries,
    rebuild,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ENCODED = "jpeg 80 4:2:0 progressive"
SCALED = "96x80 lanczos, jpeg 88 4:2:0 progressive"
NOWHERE = "http://127.0.0.1:9"


@functools.cache
def picture(i: int) -> Image.Image:
    """A drawing, large enough to have something to scale."""
    return to_picture(scenes(1, 128, i).rgb[0][:, :107])


def source(i: int) -> bytes:
    content = io.BytesIO()
    picture(i).save(content, "JPEG", quality=90)
    return content.getvalue()


class Server:
    """Where it is, which files it has, what was asked of it, and how it fails: 503 once, or half a file once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, ""
        self.asked: Counter[str] = Counter()
        self.busy: set[str] = set()
        self.cut: set[str] = set()
        self.endless: tuple[float, bytes] | None = None  # every so many seconds, these bytes
        self.sent = 0  # how many times
        self.stop = threading.Event()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "_PAUSE", 0)
    site = Server(tmp_path / "site" / "some" / "pictures" / "raw" / COMMIT)

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            site.asked[name] += 1
            if name in site.busy:
                site.busy.remove(name)
                self.send_error(503)
            elif site.endless:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while not site.stop.wait(site.endless[0]):
                        self.wfile.write(site.endless[1])
                        site.sent += 1
            elif name in site.cut:
                site.cut.remove(name)
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"half")
            else:
                super().do_GET()

        def log_message(self, *given):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "site"))) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        site.address = f"http://127.0.0.1:{http.server_port}"
        yield site
        site.stop.set()
        http.shutdown()
        thread.join()


@pytest.fixture
def manifest(server: Server, tmp_path: Path) -> Path:
    """Three images: as the source is, encoded again, and scaled."""
    rows = []
    for i, (path, recipe) in enumerate(
        {
            "art/val/a copy, ä.jpg": "copy",
            "sea/val/encoded.jpg": ENCODED,
            "sea/val/scaled.jpg": SCALED,
        }.items()
    ):
        name = Path(path).name
        server.folder.mkdir(parents=True, exist_ok=True)
        (server.folder / name).write_bytes(source(i))
        made = follow_recipe(recipe, source(i), name)
        ours = open_bytes(made, name)
        rows.append(
            {
                "path": path,
                "sha256": hashlib.sha256(made).hexdigest(),
                "split": "val",
                "source": f"some/pictures:{name}",
                "commit": COMMIT,
                "terms": "ours",
                "recipe": recipe,
                "pixels": pixel_hash(ours),
            }
        )
    return written(tmp_path / "manifest.csv", rows)


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, rows[0], lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)
    return path


def changed(manifest: Path, **columns: str) -> Path:
    """The manifest with its first row changed."""
    first, *others = small.read_csv(manifest)
    return written(manifest, [first | columns, *others])


def run(*words: object) -> int:
    parsed = parser().parse_args(["data", "get", *map(str, words)])
    return parsed.command(parsed)


def verdicts(manifest: Path, folder: Path, host: str) -> dict[str, str]:
    return {Path(one.path).stem: one.verdict for one in rebuild(read_entries(manifest), folder, host)}


def test_a_folder_becomes_the_data_root_that_the_manifest_describes(server, manifest, tmp_path, capsys):
    folder = tmp_path / "got"
    assert run(folder, "--manifest", manifest, "--from", server.address) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "terms of 3 images: ours",
        "3 images: 3 same as ours, pixel for pixel; 0 differ; 0 not fetched",
    ]
    assert check_manifest(folder, manifest).agrees
    listing = list_images(folder, "val")
    assert sorted(set(listing.datasets)) == ["art", "sea"]
    assert listing.read(2).size == (96, 80)
    assert server.asked.total() == 3
    assert run(folder, "--manifest", manifest, "--from", server.address) == 0
    assert server.asked.total() == 3  # nothing is fetched twice


def test_it_goes_on_where_it_was_stopped_and_mends_what_was_damaged(server, manifest, tmp_path):
    folder = tmp_path / "got"
    rebuild(read_entries(manifest), folder, server.address)
    server.asked.clear()
    (folder / "sea" / "val" / "encoded.jpg").unlink()
    (folder / "sea" / "val" / "scaled.jpg").write_bytes(b"damaged")
    assert set(verdicts(manifest, folder, server.address).values()) == {"same"}
    assert server.asked == {"encoded.jpg": 1, "scaled.jpg": 1}
    assert check_manifest(folder, manifest).agrees


def test_a_busy_server_and_half_a_file_are_asked_again(server, manifest, tmp_path, capsys):
    server.busy, server.cut = {"encoded.jpg"}, {"scaled.jpg"}
    (server.folder / "a copy, ä.jpg").unlink()
    folder = tmp_path / "got"
    assert run(folder, "--manifest", manifest, "--from", server.address) == 1
    assert server.asked == {"encoded.jpg": 2, "scaled.jpg": 2, "a%20copy%2C%20%C3%A4.jpg": 2}
    said = capsys.readouterr().out
    assert "not fetched: art/val/a copy, ä.jpg: http://127.0.0.1" in said
    assert "404" in said
    assert said.endswith("2 same as ours, pixel for pixel; 0 differ; 1 not fetched\n")
    assert sorted(path.name for path in folder.rglob("*.*")) == ["encoded.jpg", "scaled.jpg"]


def test_another_file_where_a_copy_was_differs_and_is_not_kept(server, manifest, tmp_path, capsys):
    (server.folder / "a copy, ä.jpg").write_bytes(source(0) + b"\0")  # the same picture
    assert run(tmp_path / "got", "--manifest", manifest, "--from", server.address, "--datasets", "art") == 1
    said = capsys.readouterr().out
    assert "differs: art/val/a copy, ä.jpg: not the same file (SHA-256)" in said
    assert "1 images: 0 same as ours" in said
    assert not list(tmp_path.glob("got/**/*.jpg"))


def test_a_picture_made_by_another_codec_differs_and_is_kept_and_what_is_no_picture_is_not(
    server, manifest, tmp_path, capsys
):
    file = tmp_path / "got" / "sea" / "val" / "scaled.jpg"
    picture(2).save(server.folder / "scaled.jpg", quality=95)  # a source of another quality
    assert verdicts(manifest, tmp_path / "got", server.address)["scaled"] == "differs"
    with Image.open(file) as made:
        assert made.size == (96, 80)
    assert run(tmp_path / "got", "--manifest", manifest, "--from", server.address) == 1
    assert "numbers move with it" in capsys.readouterr().out
    file.unlink()
    (server.folder / "scaled.jpg").write_bytes(b"<html>not a picture</html>")
    assert verdicts(manifest, tmp_path / "got", server.address)["scaled"] == "differs"
    assert not file.exists()


def test_without_a_network_it_is_one_line_with_a_way_out(server, manifest, tmp_path):
    with pytest.raises(
        DataError, match=r"cannot reach http://127.0.0.1:9/.*run this on a machine with a netw"
    ) as caught:
        run(tmp_path / "got", "--manifest", manifest, "--from", NOWHERE)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "got").exists()


def test_where_the_network_is_lost_on_the_way_what_is_there_counts(server, manifest, tmp_path, capsys):
    folder = tmp_path / "got"
    rebuild(read_entries(manifest, ["art"]), folder, server.address)
    assert run(folder, "--manifest", manifest, "--from", NOWHERE) == 1
    assert "3 images: 1 same as ours, pixel for pixel; 0 differ; 2 not fetched" in (capsys.readouterr().out)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": "../outside.jpg"}, "leads out of the folder"),
        ({"path": "/outside.jpg"}, "leads out of the folder"),
        ({"source": "file.jpg"}, "a source is 'owner/name:path' at a commit"),
        ({"commit": "main"}, "a source is 'owner/name:path' at a commit"),
        ({"recipe": "sharpen"}, "'art/val/a copy, ä.jpg' in the manifest: no recipe 'sharpen'; known: 'copy'"),
        ({"recipe": "jpeg 101 4:2:0 progressive"}, "no recipe"),
        ({"recipe": "0x9 lanczos, jpeg 80 4:2:0 progressive"}, "no recipe"),
        ({"recipe": "60000x60000 lanczos, jpeg 80 4:2:0 progressive"}, "no recipe"),
    ],
)
def test_a_row_that_cannot_be_followed_is_refused_before_anything_is_fetched(server, manifest, columns, message):
    with pytest.raises(DataError, match=message):
        read_entries(changed(manifest, **columns))
    assert not server.asked


def test_what_is_no_manifest_or_no_address_is_refused(manifest, tmp_path):
    with pytest.raises(DataError, match=r"cannot read the manifest .*give one with --manifest"):
        run(tmp_path, "--manifest", tmp_path / "none.csv")
    rows = [{"path": row["path"], "sha256": row["sha256"]} for row in small.read_csv(manifest)]
    with pytest.raises(DataError, match="needs the columns path, sha256, pixels, source"):
        read_entries(written(tmp_path / "plain.csv", rows))
    with pytest.raises(ConfigError, match="no data set 'see'; did you mean 'sea'"):
        run(tmp_path, "--manifest", manifest, "--datasets", "see")
    with pytest.raises(ConfigError, match="begins with http"):
        run(tmp_path, "--manifest", manifest, "--from", "file:///etc")
    manifest.write_text(manifest.read_text(encoding="utf-8") + "art/val/b.jpg,00\n", encoding="utf-8")
    with pytest.raises(DataError, match="cut off"):
        read_entries(manifest)


def test_a_recipe_scales_and_encodes_as_it_says():
    assert follow_recipe("copy", source(3), "a") == source(3)
    made = Image.open(io.BytesIO(follow_recipe(SCALED, source(3), "a")))
    assert (made.format, made.size, made.info["progressive"]) == ("JPEG", (96, 80), 1)
    expected = io.BytesIO()
    Image.open(io.BytesIO(source(3))).resize((96, 80), Image.Resampling.LANCZOS).save(
        expected, "JPEG", quality=88, subsampling=2
    )
    assert made.quantization == Image.open(expected).quantization
    assert made.tobytes() == Image.open(expected).tobytes()  # progressive or not, the pixels are the same
    with pytest.raises(ImageError, match="not a picture"):
        follow_recipe(ENCODED, b"no", "a")


def test_pixels_are_hashed_with_their_shape_and_without_their_file():
    ours, again = picture(1), io.BytesIO()
    ours.save(again, "PNG")
    assert pixel_hash(Image.open(again)) == pixel_hash(ours)
    assert pixel_hash(Image.frombytes("RGB", ours.size[::-1], ours.tobytes())) != pixel_hash(ours)


# The manifest that comes with us.
def test_every_validation_image_has_a_source_and_a_recipe():
    entries = read_entries(VALIDATION)
    assert len(entries) == 442
    assert Counter(entry.recipe == "copy" for entry in entries) == {True: 42, False: 400}
    first = next(entry for entry in entries if entry.path.startswith("imagenet"))
    assert first.address(HOST) == (
        "https://github.com/EliSchwartz/imagenet-sample-images/raw/bc69043e2862758a1906c6a24a792bb28c6bb2ff/"
        "n01484850_great_white_shark.JPEG"
    )


@pytest.mark.data
def test_the_data_root_has_the_pixels_that_the_manifest_says(data_root):
    for entry in read_entries(VALIDATION):
        content = (data_root / entry.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert pixel_hash(open_bytes(content, entry.path)) == entry.pixels


@pytest.mark.parametrize("endless", [(0.0, bytes(1 << 16)), (0.1, b"a")])
def test_an_answer_without_end_is_given_up(server, manifest, tmp_path, monkeypatch, endless):
    monkeypatch.setattr(sources, "_LARGEST", 1 << 20)
    monkeypatch.setattr(sources, "_LONGEST", 2)
    monkeypatch.setattr(sources, "_AT_ONCE", 1)
    server.endless = endless
    started = time.monotonic()
    (result,) = rebuild(read_entries(manifest)[:1], tmp_path / "out", server.address)
    assert result.verdict == "not fetched"
    assert "does not end within" in result.reason
    assert time.monotonic() - started < 60
    if len(endless[1]) == 1:
        assert server.sent < 200  # pieces of 256 bytes were waited for
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
