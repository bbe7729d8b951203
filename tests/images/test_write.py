"""Pictures are written whole or not at all, and read back."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pictures import farthest, pixels
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.images.read import open_photo, open_picture, read_text
from colorstyle_lib.images.write import save_picture


@given(values=arrays(np.uint8, (6, 5, 3)), ending=st.sampled_from([".png", ".tif", ".TIFF"]))
@settings(max_examples=30)
def test_lossless_round_trip(tmp_path_factory, values, ending):
    path = tmp_path_factory.mktemp("round") / f"a{ending}"
    assert save_picture(Image.fromarray(values), path) == path
    assert np.array_equal(pixels(open_picture(path)), values)


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".webp", ".JPG"])
def test_lossy_round_trip(tmp_path, ramp, ending):
    planes = torch.from_numpy(ramp).permute(2, 0, 1) / 255
    path = save_picture(planes, tmp_path / "new" / "folder" / f"a{ending}")
    assert farthest(open_picture(path), ramp) <= (16 if ending == ".webp" else 4)  # WebP halves color's resolution
    assert save_picture(ramp, tmp_path / f"low{ending}", quality=20).stat().st_size < path.stat().st_size


@pytest.mark.parametrize("ending", [".jpg", ".jpeg"])
def test_jpeg_keeps_colors_resolution(tmp_path, ramp, ending):
    for quality in (1, 60, 95, 100):
        path = save_picture(ramp, tmp_path / f"{quality}{ending}", quality=quality)
        with Image.open(path) as written:
            assert JpegImagePlugin.get_sampling(written) == 0  # 4:4:4; 2 is 4:2:0, Pillow's own choice


def test_what_came_with_a_picture_is_not_written_twice(tmp_path, ramp):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(ramp).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as turned:
        save_picture(turned, tmp_path / "upright.png")
    assert np.array_equal(pixels(open_picture(tmp_path / "upright.png")), np.rot90(ramp, -1))


keys = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=79)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif"])
@given(text=st.dictionaries(keys, values, max_size=4))
@settings(max_examples=25)
def test_text_comes_back(tmp_path_factory, ending, text):
    path = save_picture(Image.new("RGB", (3, 2)), tmp_path_factory.mktemp("text") / f"a{ending}", text=text)
    assert read_text(path) == text
    assert open_picture(path).size == (3, 2)


NAMES = ("transparency", "icc_profile", "dpi", "duration", "loop", "default_image", "progressive", "header", "exif")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["RGB", "I;16", "L"])
def test_a_text_with_the_name_of_something_else_is_only_a_text(tmp_path, name, mode, late):
    """Before the pixels or behind them; the picture is the one without it, and can be written again."""
    plain = Image.fromarray(np.arange(96, dtype=np.uint16).reshape(8, 12) * 600)
    plain = plain if mode == "I;16" else plain.point(lambda level: level / 256).convert("L").convert(mode)
    text = PngImagePlugin.PngInfo()
    text.add_text(name, "1", **({} if name == "exif" else {"zip": False}))
    if late:
        text.chunks = [(*chunk[:2], True) for chunk in text.chunks]
    plain.save(tmp_path / "plain.png")
    plain.save(tmp_path / "text.png", pnginfo=text)
    photos = [open_photo(tmp_path / f"{one}.png") for one in ("plain", "text")]
    assert np.array_equal(*(pixels(photo.picture) for photo in photos))
    assert photos[1].alpha is None
    again = save_picture(photos[1], tmp_path / "again.png", text={name: "2"})
    assert read_text(again) == {name: "2"}


def test_text_of_others(tmp_path, ramp):
    exif = Image.Exif()
    for number, description in enumerate(("A holiday, 1931", "[1, 2]", '{"a": 1}')):
        exif[ExifTags.Base.ImageDescription] = description
        Image.fromarray(ramp).save(tmp_path / f"{number}.jpg", exif=exif)
    assert [read_text(tmp_path / f"{n}.jpg") for n in range(3)] == [{}, {}, {"a": "1"}]
    with pytest.raises(ImageError, match="not found"):
        read_text(tmp_path / "3.jpg")


@pytest.mark.parametrize("key", ["", "x" * 80, "line\nbreak", "κλειδί"])
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_text_that_cannot_be_kept(tmp_path, key, ending):
    with pytest.raises(ImageError, match="key of text"):
        save_picture(Image.new("RGB", (3, 2)), tmp_path / f"a{ending}", text={key: "value"})
    assert not list(tmp_path.iterdir())


def test_more_than_a_format_holds(tmp_path):
    with pytest.raises(ImageError, match="EXIF"):
        save_picture(Image.new("RGB", (3, 2)), tmp_path / "a.jpg", text={"long": "x" * 70_000})
    for ending, side in ((".jpg", 65_501), (".webp", 16_384)):
        with pytest.raises(ImageError, match="pixels"):
            save_picture(Image.new("L", (side, 1)), tmp_path / f"a{ending}")
    with pytest.raises(ImageError, match="surrogates"):
        save_picture(Image.new("RGB", (3, 2)), tmp_path / "a.png", text={"a": "\ud800"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a", "a.bmp", "a.jpgg", "a.heic"])
def test_unknown_ending_names_the_known(tmp_path, ramp, name):
    with pytest.raises(ImageError, match=r"\.png, \.jpg, \.jpeg, \.webp, \.tif, \.tiff"):
        save_picture(ramp, tmp_path / name)


def test_a_file_is_replaced_and_quality_has_limits(tmp_path, ramp):
    path = save_picture(ramp, tmp_path / "a.png")
    save_picture(ramp // 2, path)
    assert np.array_equal(pixels(open_picture(path)), ramp // 2)
    for quality in (0, 101):
        with pytest.raises(ConfigError, match="quality"):
            save_picture(ramp, tmp_path / "b.jpg", quality=quality)


def test_targets_that_cannot_be(tmp_path, ramp):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("kept")
    os.mkfifo(tmp_path / "pipe.png")
    for target, words in (
        (tmp_path / "folder.png", "is a folder"),
        (tmp_path / "file" / "a.png", "file"),
        (tmp_path / "pipe.png", "pipe"),
        (tmp_path / ("n" * 300 + ".png"), "too long"),
        ("a\0.png", "null"),
    ):
        with pytest.raises(ImageError, match=words) as caught:
            save_picture(ramp, target)
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png", "pipe.png"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that refuses even root")
def test_a_folder_that_refuses(ramp):
    with pytest.raises(ImageError, match=r"cannot write '/proc/a\.png'.*choose another place"):
        save_picture(ramp, "/proc/a.png")


@contextmanager
def full_disk():
    """No file of this process may grow beyond 1000 bytes: as on a full disk, the system refuses to write.

    Not a fixture: pytest's own output may be a file, and would be refused too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("what was there before")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with pytest.raises(ImageError, match=r"cannot write .*a\.png.*free some space"), full_disk():
        save_picture(noise, path)
    assert path.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [path]


def test_webp_of_quality_100_loses_nothing(tmp_path, ramp):
    assert np.array_equal(pixels(open_picture(save_picture(ramp, tmp_path / "a.webp", quality=100))), ramp)
