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

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SOUND = ["-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac"]


def film(path: str, frames: list[Image.Image], *more: str) -> None:
    """A film of 8 frames a second."""
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*frames[0].size), "-r", "8", "-i", "-"]
    words = [FFMPEG, "-v", "error", *raw, *more, "-c:v", "mpeg4", "-q:v", "2", path]
    subprocess.run(words, input=b"".join(frame.tobytes() for frame in frames), check=True)


def about(path: str) -> str:
    return subprocess.run([FFMPEG, "-i", path], capture_output=True, text=True).stderr


@pytest.fixture(scope="module")
def pan_of_two_seconds(scene):
    return pan(scene.convert("L").convert("RGB"), 16, STEP, 161)  # of odd width


def test_a_video_keeps_its_frames_rate_sound_and_title_and_its_colors_are_still(isolated, pan_of_two_seconds, capsys):
    described = ["-metadata", "title=Coffee", "-metadata", "location=+52.5+13.4/"]
    film("in.mp4", pan_of_two_seconds, *SOUND, *described)
    assert "location" in about("in.mp4")
    assert main(["colorize", "in.mp4"]) == 0
    assert capsys.readouterr() == ("in-color.mp4\n", "")
    assert main(["colorize", "in.mp4", "-o", "plain.mp4", "--smooth", "0", "--keep-gps"]) == 0
    given, made, plain = (Video(Path(name)) for name in ("in.mp4", "in-color.mp4", "plain.mp4"))
    assert made.rate == given.rate == "8/1"
    assert made.size == (162, 162)  # H.264 wants even sides
    calm, rough, before = ([frame.crop((0, 0, 161, 161)) for frame in one.frames()] for one in (made, plain, given))
    assert len(calm) == len(rough) == len(before) == 16
    assert color_step(calm) < color_step(rough) / 3
    lightness = [rgb_to_lab(torch.stack([*map(to_tensor, frames)]))[:, 0] for frames in (calm, before)]
    assert (lightness[0] - lightness[1]).abs().mean() < 1.5  # as H.264 keeps it
    said = about("in-color.mp4")
    assert all(what in said for what in ("Audio: aac", ": Coffee", '"task": "colorize"', "Duration: 00:00:02.0"))
    assert "location" not in said
    assert "location" in about("plain.mp4")
    assert sorted(path.name for path in isolated.iterdir()) == ["in-color.mp4", "in.mp4", "plain.mp4"]


def test_silent_videos_of_other_kinds_alone_and_among_pictures(isolated, weights, clip, capsys):
    for name in ("a.avi", "b.mov"):
        film(name, clip[:3])
    clip[0].save("c.png")
    clip[0].save("s.png")
    assert main(["stylize", "a.avi", "--style", "s.png", "--working-size", "64", "--smooth", "0"]) == 0
    assert capsys.readouterr().out == "a-style.mp4\n"
    assert "Audio" not in about("a-style.mp4")
    for smooth, folder in (([], "each"), (["--smooth", "1"], "smooth")):
        assert main(["colorize", "a.avi", "b.mov", "c.png", "-o", folder, "--weights", weights, *smooth]) == 0
        assert sorted(path.name for path in Path(folder).iterdir()) == ["a.avi.mp4", "b.mov.mp4", "c.png"]
    assert main(["colorize", "a.avi", "-o", "x.png"]) == 2
    assert "a video is written as .mp4" in capsys.readouterr().err


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_video_of_a_turned_phone_is_upright(isolated, weights, degrees):
    """The frames lie on their side, and a matrix in the file says how they are to be shown."""
    gray = Image.new("L", (96, 64), 60)
    gray.paste(200, (0, 0, 32, 64))  # bright on the left, black in the lower right corner
    gray.paste(0, (72, 40, 96, 64))
    film("lying.mp4", [gray.convert("RGB")] * 3)
    turn = ["-display_rotation", str(degrees), "-i", "lying.mp4", "-c", "copy", "phone.mp4"]
    subprocess.run([FFMPEG, "-v", "error", *turn], check=True)
    assert "rotation of" in about("phone.mp4")
    assert main(["colorize", "phone.mp4", "--weights", weights]) == 0
    assert "rotation of" not in about("phone-color.mp4")  # else a player would turn it again
    upright = np.asarray(gray.rotate(degrees, expand=True), int)
    [first, *_] = Video(Path("phone-color.mp4")).frames()
    lightness = np.asarray(first.convert("L"), int)
    assert lightness.shape == upright.shape
    assert np.abs(lightness - upright).mean() < 6


def test_what_is_no_video_is_one_line_and_reads_nothing_else(isolated, clip, capsys):
    film("in.mp4", clip[:3])
    playlist = f"#EXTM3U\n#EXTINF:1,\n{Path('in.mp4').resolve()}\n#EXT-X-ENDLIST\n"
    for content in (b"", b"no video", Path("in.mp4").read_bytes()[:900], playlist.encode()):
        Path("bad.mp4").write_bytes(content)
        assert main(["colorize", "bad.mp4"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("colorstyle: 'bad.mp4': ffmpeg says: ")
        assert len(said.splitlines()) == 1
    with pytest.raises(ImageError, match="not found"):
        Video(Path("nowhere.mp4"))
    assert sorted(path.name for path in isolated.iterdir()) == ["bad.mp4", "in.mp4"]


def test_of_a_damaged_video_the_rest_is_taken_unless_strict(isolated, weights, pan_of_two_seconds, capsys):
    film("in.mp4", pan_of_two_seconds, "-movflags", "+faststart")
    content = Path("in.mp4").read_bytes()
    Path("cut.mp4").write_bytes(content[: len(content) * 3 // 4])
    command = ["colorize", "cut.mp4", "--weights", weights]
    assert main([*command, "--strict"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("colorstyle: 'cut.mp4': ffmpeg says: ")
    assert len(said.splitlines()) == 1
    assert sorted(path.name for path in isolated.iterdir()) == ["cut.mp4", "in.mp4"]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert said.startswith("note: 'cut.mp4' is damaged; what can be read is taken.")
    assert len(said.splitlines()) == 1
    assert 8 < len([*Video(Path("cut-color.mp4")).frames()]) < 16


def test_without_ffmpeg_one_line_says_what_is_missing(isolated, monkeypatch, capsys):
    monkeypatch.setattr("colorstyle_lib.cli.videos.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    Path("in.mp4").write_bytes(b"a film")
    assert main(["colorize", "in.mp4"]) == 2
    assert capsys.readouterr().err == "colorstyle: videos need ffmpeg: install it, or pip install 'colorstyle[video]'\n"
