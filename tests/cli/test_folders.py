"""Folders, patterns, many files: where results go, what is left alone, what fails; threads change nothing."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.folders import make_files, plan
from colorstyle_lib.cli.main import main
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.images.read import open_picture


@pytest.fixture(scope="module")
def model():
    return ColorStyle.load()


@pytest.fixture(scope="module")
def small():
    return photograph("china").open().resize((60, 40))


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def album(isolated, small):
    """A folder with pictures, a folder within it, and a file that is none."""
    (isolated / "album" / "deep").mkdir(parents=True)
    small.save("album/a.jpg")
    small.save("album/notes.PNG")
    small.convert("P").save("album/deep/b.gif")
    Path("album/list.txt").write_text("no picture")
    return isolated


def test_a_folder_and_with_recursive_all_that_is_in_it(album, capsys):
    assert main(["colorize", "album"]) == 0
    assert "2 colored, 0 already there, 0 failed" in (said := capsys.readouterr().out)
    assert "folders within were passed over (--recursive)" in said
    assert files(album / "album-color") == ["a.jpg", "notes.PNG"]
    assert main(["colorize", "album", "--recursive", "-o", "out"]) == 0
    assert "passed over" not in capsys.readouterr().out
    assert files(album / "out") == ["a.jpg", "deep/b.gif.png", "notes.PNG"]


def test_results_that_are_there_stay_unless_told_otherwise(album, capsys):
    assert main(["colorize", "album", "-o", "out"]) == 0
    first = Path("out/a.jpg").read_bytes()
    Path("out/notes.PNG").unlink()
    capsys.readouterr()
    assert main(["colorize", "album", "-o", "out", "--saturation", "0"]) == 0
    assert "1 colored, 1 already there, 0 failed" in capsys.readouterr().out
    assert Path("out/a.jpg").read_bytes() == first
    assert main(["colorize", "album", "-o", "out", "--saturation", "0", "--overwrite"]) == 0
    assert "2 colored, 0 already there, 0 failed" in capsys.readouterr().out
    assert Path("out/a.jpg").read_bytes() != first


def test_a_single_result_that_is_there_is_refused(album, capsys):
    assert main(["colorize", "album/a.jpg"]) == 0
    before = Path("album/a-color.png").stat().st_mtime_ns
    capsys.readouterr()
    assert main(["colorize", "album/a.jpg"]) == 2
    assert "is there already; to replace it, add --overwrite" in capsys.readouterr().err
    assert Path("album/a-color.png").stat().st_mtime_ns == before
    assert main(["colorize", "album/a.jpg", "--overwrite"]) == 0
    assert Path("album/a-color.png").stat().st_mtime_ns > before


def test_where_results_go(album, small):
    (album / "trip" / "day 1").mkdir(parents=True)
    small.save("trip/day 1/a.jpg")
    Path("out").mkdir()
    here = {
        ("album/a.jpg",): {"album/a.jpg": "album/a-color.png"},
        ("album/a.jpg", "-o", "x.webp"): {"album/a.jpg": "x.webp"},
        ("album/a.jpg", "-o", "new"): {"album/a.jpg": "new/a.jpg"},
        ("album/*.jpg", "-o", "out"): {"album/a.jpg": "out/a.jpg"},
        ("album/**/*", "-o", "out"): {
            "album/a.jpg": "out/a.jpg",
            "album/deep/b.gif": "out/deep/b.gif.png",
            "album/notes.PNG": "out/notes.PNG",
        },
        ("*/*.jpg", "-o", "out"): {"album/a.jpg": "out/album/a.jpg"},
        ("album", "trip/day 1"): {
            "album/a.jpg": "album-color/a.jpg",
            "album/notes.PNG": "album-color/notes.PNG",
            "trip/day 1/a.jpg": "trip/day 1-color/a.jpg",
        },
        ("album", "trip/*/*", "album/a.jpg", "-o", "out"): {
            "album/a.jpg": "out/album/a.jpg",  # named twice, colored once
            "album/notes.PNG": "out/album/notes.PNG",
            "trip/day 1/a.jpg": "out/day 1/a.jpg",
        },
        ("album/a.jpg", "album/notes.PNG", "-o", "out"): {
            "album/a.jpg": "out/a.jpg",
            "album/notes.PNG": "out/notes.PNG",
        },
    }
    for words, wanted in here.items():
        *inputs, _, output = words if "-o" in words else (*words, "-o", None)
        pairs = plan([Path(word) for word in inputs], Path(output) if output else None)
        found = {os.path.relpath(a.resolve(), album): os.path.relpath(b.resolve(), album) for a, b in pairs}
        assert found == wanted, words


def test_names_with_signs_of_a_pattern_are_names(isolated, small):
    small.save("a[1].jpg")
    small.save("a1.jpg")
    assert plan([Path("a[1].jpg")], None) == [(Path("a[1].jpg"), Path("a[1]-color.png"))]
    assert plan([Path("a[12].jpg")], Path("out")) == [(Path("a1.jpg"), Path("out/a1.jpg"))]


def test_formats_that_cannot_be_written_become_png_and_never_collide(isolated, small):
    Path("in").mkdir()
    for name in ("a.png", "a.gif", "b.gif"):
        small.save(f"in/{name}")
    pairs = plan([Path("in")], Path("out"))
    assert [result.name for _, result in pairs] == ["a.gif.png", "a.png", "b.gif.png"]


@pytest.mark.parametrize(
    ("inputs", "output", "kind", "said"),
    [
        (["album/a.jpg", "album/notes.PNG"], None, ConfigError, "add -o FOLDER"),
        (["album/*"], None, ConfigError, "add -o FOLDER"),
        (["album"], "out.png", ConfigError, "names a file"),
        (["album"], "album", ConfigError, "would replace"),
        (["album/a.jpg", "copy/a.jpg"], "out", ConfigError, "two results would be called"),
        (["album/*.tif"], "out", ImageError, r"no pictures match 'album/\*.tif'"),
        (["only"], None, ImageError, "add --recursive"),
        (["/"], "out", ConfigError, "not a whole disk"),
        (["/"], None, ConfigError, "not a whole disk"),
    ],
)
def test_what_cannot_be_planned_is_named(album, small, inputs, output, kind, said):
    (album / "only" / "below").mkdir(parents=True)
    Path("copy").mkdir()
    small.save("copy/a.jpg")
    with pytest.raises(kind, match=said):
        plan([Path(p) for p in inputs], Path(output) if output else None)


def test_the_folder_one_stands_in_and_results_below_it(album, monkeypatch, capsys):
    monkeypatch.chdir(album / "album")
    assert main(["colorize", "."]) == 0
    assert (album / "album-color" / "a.jpg").is_file()
    for colored in (3, 0):  # the second time must not color the results of the first
        assert main(["colorize", ".", "-r", "-o", "color"]) == 0
        assert f"{colored} colored, {3 - colored} already there" in capsys.readouterr().out.splitlines()[-1]


def test_a_hundred_photographs_with_three_broken_ones(isolated, small, capsys):
    Path("in").mkdir()
    names = [f"{i:03}.jpg" for i in range(100)]
    for i, name in enumerate(names):
        small.rotate(90 * (i % 2), expand=True).crop((0, 0, 33 + i % 5, 34)).save(f"in/{name}")
    broken = random.Random(1).sample(names, 3)
    content = Path("in", broken[0]).read_bytes()
    Path("in", broken[0]).write_bytes(content[: len(content) // 2])
    Path("in", broken[1]).write_bytes(b"")
    Path("in", broken[2]).write_text("<html>no picture here</html>")
    assert main(["colorize", "in", "-o", "out", "--working-size", "32"]) == 1
    said = capsys.readouterr()
    assert "97 colored, 0 already there, 3 failed" in said.out
    lines = said.err.splitlines()
    assert len(lines) == 3
    assert sorted(re.search(r"\d{3}\.jpg", line)[0] for line in lines) == sorted(broken)
    assert files(isolated / "out") == sorted(set(names) - set(broken))
    for name in files(isolated / "out"):
        assert open_picture(Path("out", name)).size == open_picture(Path("in", name)).size


def test_a_mistake_in_what_is_asked_is_said_once(album, capsys):
    for option, word in (
        (["--working-size", "9999"], "working_size"),
        (["--reference", "no.jpg"], "no.jpg"),
        (["--hint", "1,1,red"], "#rrggbb"),
    ):
        assert main(["colorize", "album", *option]) == 2
        assert capsys.readouterr().err.count("\n") == 1, word
    assert not Path("album-color").exists()


def test_a_hint_outside_some_pictures_fails_those_alone(album, small, capsys):
    small.resize((90, 60)).save("album/large.png")
    small.resize((90, 60)).save("album/large2.png")
    status = make_files([Path("album")], hints=[(80.0, 10.0, "#ff0000")])
    said = capsys.readouterr()
    assert status == 1
    assert "2 colored, 0 already there, 2 failed" in said.out
    assert sorted(re.findall(r"a\.jpg|notes\.PNG", said.err)) == ["a.jpg", "notes.PNG"]
    assert all("outside the picture" in line for line in said.err.splitlines())


def test_what_nobody_foresaw_is_one_line_too(album, monkeypatch, capsys):
    import colorstyle_lib.cli.folders as many

    real = many.open_pages

    def fails(path, **options):
        if Path(path).name == "a.jpg":
            raise MemoryError
        return real(path, **options)

    monkeypatch.setattr(many, "open_pages", fails)
    assert main(["colorize", "album"]) == 1
    assert re.fullmatch(r"failed: '.*a\.jpg': MemoryError: ?\n", capsys.readouterr().err)
    assert files(album / "album-color") == ["notes.PNG"]


@pytest.mark.parametrize("options", [{}, {"hints": [(5, 5, "#ff0000")]}, {"reference": True}, {"seed": 3}])
def test_pictures_one_after_the_other_are_as_each_alone(model, options):
    options = {key: photograph("coffee").path if key == "reference" else value for key, value in options.items()}
    whole = photograph("china").open()
    pictures = [whole.resize((96, 64)), whole.crop((0, 0, 120, 80)), photograph("coffee").open().resize((64, 96))]
    together = map(model.colorizer(working_size=64, **options), pictures)
    for picture, result in zip(pictures, together, strict=True):
        alone = model.colorize(picture, working_size=64, **options)
        assert np.abs(np.asarray(result.image, int) - np.asarray(alone.image, int)).max() <= 1
        assert result.provenance == alone.provenance
        assert result.uncertainty.shape == alone.uncertainty.shape


@pytest.mark.parametrize("count", [1, 2, 3])
def test_files_of_a_folder_are_as_each_alone_with_as_many_threads(model, isolated, count):
    """How many threads share a sum decides how it is rounded."""
    Path("in").mkdir()
    for i in range(4):
        photograph("china").open().resize((240, 160)).rotate(i).save(f"in/{i}.png")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        assert make_files([Path("in")]) == 0
        assert make_files([Path("in")], task="stylize", style="in/0.png") == 0
        stylizer = model.stylizer("in/0.png")
        for i in range(4):
            for folder, result in (("color", model.colorize(f"in/{i}.png")), ("style", stylizer(f"in/{i}.png"))):
                assert np.array_equal(Image.open(f"in-{folder}/{i}.png"), result.image)
    finally:
        torch.set_num_threads(threads)


def test_large_pictures_are_not_all_in_memory_at_once(isolated, monkeypatch):
    import threading

    import colorstyle_lib.cli.folders as many

    Path("in").mkdir()
    for i in range(8):
        Image.new("L", (100, 100)).save(f"in/{i}.png")
    lock, held, most = threading.Lock(), 0, 0
    real = many.open_pages

    def watched(path, **options):
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        try:
            yield from real(path, **options)
        finally:
            with lock:
                held -= 1

    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(many, "open_pages", watched)
    monkeypatch.setattr(many, "_PIXELS_AT_ONCE", 25_000)
    assert make_files([Path("in")], working_size=32) == 0
    assert most <= 2
    assert len(files(isolated / "in-color")) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupted_batch_leaves_whole_files_and_goes_on_later(isolated, small):
    Path("in").mkdir()
    for i in range(40):
        small.save(f"in/{i:02}.png")
    code = (
        "import os, signal, sys, threading, time; from pathlib import Path; from colorstyle_lib.cli.main import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "def watch():\n"
        "    while len(list(Path('out').glob('*.png'))) < 3: time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "sys.exit(main(['colorize', 'in', '-o', 'out', '--working-size', '32']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "colorstyle: interrupted"
    made = files(isolated / "out")
    assert 3 <= len(made) < 40
    for name in made:
        assert open_picture(Path("out", name)).size == small.size
    assert main(["colorize", "in", "-o", "out", "--working-size", "32"]) == 0
    assert len(files(isolated / "out")) == 40


def test_results_of_many_carry_their_provenance(album):
    from colorstyle_lib.images.read import read_text

    assert main(["colorize", "album", "--seed", "5"]) == 0
    facts = [json.loads(read_text(Path("album-color", name))["colorstyle"]) for name in ("a.jpg", "notes.PNG")]
    assert [f["seed"] for f in facts] == [5, 5]
    assert facts[0]["input_sha256"] != facts[1]["input_sha256"]


def test_a_result_is_never_taken_for_another_picture_s(isolated, small, capsys):
    """A scan and, later, another picture of its name beside it; then a folder with other pictures of these names."""
    for folder in ("a", "b"):
        Path(folder).mkdir()
    small.save("a/p.bmp")
    assert main(["colorize", "a", "-o", "out"]) == 0
    small.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save("a/p.png")
    assert main(["colorize", "a", "-o", "out"]) == 0
    assert "1 colored, 1 already there" in capsys.readouterr().out
    assert files(Path("out")) == ["p.bmp.png", "p.png"]
    assert not np.array_equal(*(np.asarray(open_picture(f"out/{name}")) for name in files(Path("out"))))
    small.rotate(180).resize((50, 40)).save("b/p.png")
    before = Path("out/p.png").read_bytes()
    assert main(["colorize", "b", "-o", "out"]) == 1
    said = capsys.readouterr()
    assert "0 colored, 0 already there, 1 failed" in said.out
    assert "of another picture" in said.err
    assert Path("out/p.png").read_bytes() == before
    assert main(["colorize", "b", "-o", "out", "--overwrite"]) == 0
    assert open_picture("out/p.png").size == (50, 40)


def test_results_of_an_earlier_call_are_not_colored_again(album, capsys):
    for output in ("album/first", "album/second", "elsewhere"):
        assert main(["colorize", "album", "-r", "-o", output]) == 0
        assert "3 colored" in (said := capsys.readouterr().out)
        assert ("left out, colored by an earlier call" in said) == (output != "album/first")
        assert files(album / output) == ["a.jpg", "deep/b.gif.png", "notes.PNG"]
    assert main(["colorize", "album/first", "-o", "again"]) == 0  # named alone, they are meant
    assert "2 colored" in capsys.readouterr().out


def test_what_is_not_taken_is_counted(album, small, capsys):
    for name in ("a.pnm", "b.j2k", "c.tga"):
        small.save(f"album/{name}", **({"format": "JPEG2000"} if name == "b.j2k" else {}))
    Path("album/raw.CR2").write_bytes(b"II*\0")
    Path("album/raw2.cr2").write_bytes(b"II*\0")
    assert main(["colorize", "album"]) == 0
    assert "5 colored" in (said := capsys.readouterr().out)
    assert "other files: 2 .cr2, 1 .txt" in said


def test_pictures_in_color_are_counted_or_left_alone(isolated, small, capsys):
    Path("in").mkdir()
    small.save("in/color.png")
    small.convert("L").save("in/gray.jpg")
    assert main(["colorize", "in"]) == 0
    assert "2 colored, 0 already there, 0 failed" in (said := capsys.readouterr().out)
    assert "1 of these in color before" in said
    assert main(["colorize", "in", "-o", "out", "--only-gray"]) == 0
    assert "1 colored, 0 already there, 0 failed" in (said := capsys.readouterr().out)
    assert "1 left alone, in color already" in said
    assert files(isolated / "out") == ["gray.jpg"]
    assert main(["colorize", "in/color.png", "--only-gray"]) == 0
    assert "in color already" in capsys.readouterr().out


def test_format_and_quality_and_webp_without_loss(isolated, small, capsys):
    Path("in").mkdir()
    small.save("in/lossless.webp", lossless=True)
    small.save("in/lossy.webp", quality=80)
    small.save("in/a.jpg")
    assert main(["colorize", "in", "--saturation", "0"]) == 0
    kinds = {name: b"VP8L" in Path("in-color", name).read_bytes() for name in ("lossless.webp", "lossy.webp")}
    assert kinds == {"lossless.webp": True, "lossy.webp": False}
    assert main(["colorize", "in", "-o", "webp", "--format", "webp", "--quality", "30"]) == 0
    assert files(Path("webp")) == ["a.jpg.webp", "lossless.webp", "lossy.webp"]
    assert b"VP8L" not in Path("webp/lossless.webp").read_bytes()
    assert Path("webp/lossy.webp").stat().st_size < Path("in-color/lossy.webp").stat().st_size
    assert main(["colorize", "in/a.jpg", "--format", "jpg"]) == 0
    assert Path("in/a-color.jpg").is_file()
    assert main(["colorize", "in/a.jpg", "-o", "b.png", "--format", "jpg"]) == 2
    assert "contradict" in capsys.readouterr().err


def test_a_jpeg_without_its_last_bytes_is_colored_unless_strict(isolated, small, capsys):
    small.save("a.jpg")
    Path("a.jpg").write_bytes(Path("a.jpg").read_bytes()[:-2])
    assert main(["colorize", "a.jpg", "--strict"]) == 2
    assert "cut off" in capsys.readouterr().err
    assert main(["colorize", "a.jpg"]) == 0
    assert "a.jpg' lacks its last bytes" in capsys.readouterr().err


def test_what_the_system_refuses_is_one_line(isolated, small, capsys):
    small.save(f"{'n' * 247}.png")  # the result's name would be longer than a name can be
    assert main(["colorize", f"{'n' * 247}.png"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    Path("link.png").symlink_to("nothing.png")
    assert main(["colorize", "link.png"]) == 2
    assert "link to something that is not there" in capsys.readouterr().err
    code = "import sys; from colorstyle_lib.cli.main import main; sys.exit(main(['data', 'list']))"
    done = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done.stdout.close()  # as `| head -0` does
    assert done.communicate()[1] == ""
    assert done.returncode == 1
