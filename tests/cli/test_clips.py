"""Clips by command: animations, pages and videos are done whole, and colors stay still; sound and timing are kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.cli.videos import Video
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.images.read import open_pages, open_picture, read_text, to_tensor
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.benchmarks.flicker import pan, taken_back
from colorstyle_lib.training.state import new_generator

STEP = (1.3, 0.7)


@pytest.fixture(scope="module")
def model():
    return ColorStyle.load()


@pytest.fixture(scope="module")
def scene():
    return shrink(photograph("coffee").open(), 220)


@pytest.fixture(scope="module")
def clip(scene):
    return pan(scene.convert("L").convert("RGB"), 3, STEP, 96)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Those of a tiny generator, for what does not depend on the colors."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_generator(new_generator(get_preset("tiny")), path, preset="tiny")
    return str(path)


@pytest.fixture(scope="module")
def tiny(weights):
    return ColorStyle.load(weights)


def color_step(frames) -> float:
    """Mean change of a and b from frame to frame, in Lab units, once the motion is taken back."""
    lab = rgb_to_lab(torch.stack([to_tensor(getattr(frame, "image", frame)) for frame in frames]))
    return (taken_back(lab[1:], STEP) - lab[:-1])[:, 1:, 5:-5, 5:-5].abs().mean().item()


def test_colors_of_a_pan_are_as_still_as_if_painted_on(model, scene):
    """With the released weights; a pan over one colored picture is the yardstick, and each frame alone far above it."""
    painted = color_step(pan(model.colorize(scene).image, 5, STEP, 192))
    clip = pan(scene.convert("L").convert("RGB"), 5, STEP, 192)
    calm, plain = (color_step(model.colorize_clip(clip, smooth=smooth)) for smooth in (1.0, 0.0))
    assert calm <= painted < plain / 4


def test_the_first_frame_and_unsmoothed_ones_are_as_by_themselves(model, clip):
    alone = [model.colorize(frame).image for frame in clip[:2]]
    for smooth, count in ((1.0, 1), (0.0, 2)):
        results = list(model.colorize_clip(clip[:2], smooth=smooth))
        assert all(np.array_equal(results[i].image, alone[i]) for i in range(count))
    with pytest.raises(ConfigError, match="smooth is 0"):
        model.colorize_clip(clip, smooth=2.0)


def test_gray_frames_are_restyled_over_colors_that_stay(model, scene, clip):
    plain, calm = (list(model.stylize_clip(clip, scene, keep_color=True, smooth=smooth)) for smooth in (0.0, 1.0))
    assert color_step(calm) < color_step(plain) / 3


@pytest.mark.parametrize(("name", "result"), [("a.gif", "a-color.png"), ("a.webp", "a-color.png")])
def test_an_animation_by_command(isolated, weights, tiny, clip, name, result):
    frames = clip[:3]
    frames[0].save(name, save_all=True, append_images=frames[1:], duration=[40, 250, 100], loop=2, lossless=True)
    assert main(["colorize", name, "--weights", weights]) == 0
    wanted = tiny.colorize_clip(open_pages(name))
    with Image.open(result) as written:
        assert written.n_frames == 3
        assert written.info["loop"] == 2
        for number, lasts in enumerate((40, 250, 100)):
            written.seek(number)
            assert written.info["duration"] == lasts
            assert np.array_equal(written.convert("RGB"), next(wanted).image)
    assert json.loads(read_text(result)["colorstyle"])["task"] == "colorize"


def test_pages_are_colored_each_by_itself_unless_asked(isolated, weights, tiny, clip, capsys):
    clip[0].save("album.tif", save_all=True, append_images=clip[1:3])
    command = ["colorize", "album.tif", "--weights", weights]
    assert main(command) == 0
    assert "the first of 3 pages or frames is taken; a .tif" in capsys.readouterr().err
    assert main([*command, "-o", "album-color.tif"]) == 0
    assert capsys.readouterr() == ("album-color.tif\n", "")
    alone = [tiny.colorize(page).image for page in clip[:3]]
    pages = [page.picture for page in open_pages("album-color.tif")]
    assert all(np.array_equal(page, one) for page, one in zip(pages, alone, strict=True))
    assert main([*command, "-o", "first.jpg"]) == 0
    assert "the first of 3 pages or frames is taken" in capsys.readouterr().err
    assert main([*command, "-o", "still.tif", "--smooth", "1"]) == 0
    assert not np.array_equal([*open_pages("still.tif")][1].picture, alone[1])


def test_a_folder_with_frames_and_with_clips(isolated, weights, tiny, clip, capsys):
    Path("in").mkdir()
    for number, frame in zip((1, 2, 10), clip, strict=False):
        frame.save(f"in/{number}.png")
    command = ["colorize", "in", "--weights", weights]
    assert main([*command, "--smooth", "1"]) == 0
    wanted = [result.image for result in tiny.colorize_clip(clip[:3])]
    assert all(np.array_equal(open_picture(f"in-color/{n}.png"), w) for n, w in zip((1, 2, 10), wanted, strict=True))
    clip[0].save("in/b.gif", save_all=True, append_images=clip[1:3])
    Path("in/c.gif").write_bytes(Path("in/b.gif").read_bytes()[:-900])
    capsys.readouterr()
    assert main(command) == 1
    said = capsys.readouterr()
    assert "1 colored, 3 already there, 1 failed" in said.out
    assert "c.gif" in said.err
    assert len([*open_pages("in-color/b.gif.png")]) == 3
    assert sorted(path.name for path in Path("in-color").iterdir()) == ["1.png", "10.png", "2.png", "b.gif.png"]


# Videos


def film(path: str, *more: str) -> None:
    """A second of a test card of odd width, with a sine tone."""
    sources = ["-f", "lavfi", "-i", "testsrc=size=161x120:rate=8:duration=1", "-f", "lavfi", "-i", "sine=duration=1"]
    code = ["-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, *code, *more, path], check=True)


def about(path: str) -> str:
    return subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", path], capture_output=True, text=True).stderr


def test_a_video_keeps_its_rate_and_its_sound(isolated, weights, tiny, capsys):
    film("in.mp4")
    command = ["colorize", "in.mp4", "--weights", weights]
    assert main([*command, "-o", "out.mp4"]) == 0
    assert capsys.readouterr() == ("out.mp4\n", "")
    given, made = Video(Path("in.mp4")), Video(Path("out.mp4"))
    assert (made.size, made.rate) == ((162, 120), given.rate)  # h264 wants even sides
    frames = [np.asarray(frame, float)[:, :161] for frame in made.frames()]
    wanted = [np.asarray(result.image, float) for result in tiny.colorize_clip(given.frames())]
    assert len(frames) == len(wanted) == 8
    assert max(abs(frame - one).mean() for frame, one in zip(frames, wanted, strict=True)) < 6  # as h264 keeps it
    assert "Audio: aac" in about("out.mp4")
    assert '"task": "colorize"' in about("out.mp4").replace("\\", "")
    assert main([*command, "--smooth", "0"]) == 0
    assert Path("in-color.mp4").exists()
    assert [path.name for path in isolated.glob(".*")] == []


def test_a_silent_video_of_another_kind_and_a_restyled_one(isolated, capsys):
    film("in.avi", "-an")
    Image.new("RGB", (64, 64), "teal").save("s.png")
    assert main(["stylize", "in.avi", "--style", "s.png", "--working-size", "64", "--smooth", "0"]) == 0
    assert capsys.readouterr().out == "in-style.mp4\n"
    assert "Audio" not in about("in-style.mp4")
    assert main(["colorize", "in.avi", "-o", "x.png"]) == 2
    assert "a video is written as .mp4" in capsys.readouterr().err


def test_what_is_no_video_is_one_line_and_reads_nothing_else(isolated, capsys):
    film("in.mp4")
    playlist = f"#EXTM3U\n#EXTINF:1,\n{Path('in.mp4').resolve()}\n#EXT-X-ENDLIST\n"
    for content in (b"no video", Path("in.mp4").read_bytes()[:900], playlist.encode()):
        Path("bad.mp4").write_bytes(content)
        assert main(["colorize", "bad.mp4"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("colorstyle: 'bad.mp4': ffmpeg says: ")
        assert len(said.splitlines()) == 1
    with pytest.raises(ImageError, match="not found"):
        Video(Path("nowhere.mp4"))
    assert sorted(path.name for path in isolated.iterdir()) == ["bad.mp4", "in.mp4"]


def test_without_ffmpeg_one_line_says_what_is_missing(isolated, monkeypatch, capsys):
    monkeypatch.setattr("colorstyle_lib.cli.videos.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    Path("in.mp4").write_bytes(b"a film")
    assert main(["colorize", "in.mp4"]) == 2
    assert capsys.readouterr().err == "colorstyle: videos need ffmpeg: install it, or pip install 'colorstyle[video]'\n"
