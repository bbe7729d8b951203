"""Pages and frames: all are read and written, transparent, deep and turned ones too; small copies are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from pictures import farthest
from PIL import Image

from colorstyle_lib.errors import ImageError
from colorstyle_lib.images.read import open_pages, open_picture, read_text
from colorstyle_lib.images.write import save_picture

LASTS = [40, 250, 100]


@pytest.fixture
def frames(ramp) -> list[Image.Image]:
    return [Image.fromarray(np.roll(ramp, 9 * i, axis=1)) for i in range(3)]


def animation(path: Path, frames: list[Image.Image], **options) -> Path:
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    lasts = {} if path.suffix == ".tif" else {"duration": LASTS}
    frames[0].save(path, save_all=True, append_images=frames[1:], **lossless, **lasts, **options)
    return path


@pytest.mark.parametrize("target", ["png", "webp", "gif", "tif"])
@pytest.mark.parametrize("given", ["png", "webp", "gif", "tif"])
def test_every_frame_is_read_and_written_as_long_as_it_lasts(tmp_path, frames, given, target):
    source = animation(tmp_path / f"a.{given}", frames)
    pages = list(open_pages(source))
    assert [(page.kept["pages"], page.kept["in_time"]) for page in pages] == [(3, given != "tif")] * 3
    near = 0 if given != "gif" else 40  # 256 colors
    assert all(farthest(page.picture, frame) <= near for page, frame in zip(pages, frames, strict=True))
    place = save_picture(iter(pages), tmp_path / f"b.{target}", quality=100, text={"by": "us"})
    assert read_text(place) == {"by": "us"}
    with Image.open(place) as written:
        assert written.n_frames == 3
        for number, page in enumerate(pages):
            written.seek(number)
            near = 0 if target != "gif" else 40
            assert farthest(written.convert("RGB"), page.picture) <= near
            if target != "tif":
                assert written.info["duration"] == (LASTS[number] if given != "tif" else 100)


@pytest.mark.parametrize("target", ["png", "webp", "gif"])
@pytest.mark.parametrize(("given", "loop"), [("gif", 3), ("gif", None), ("png", 0), ("webp", 2)])
def test_an_animation_is_repeated_as_often_as_it_was(tmp_path, frames, given, loop, target):
    source = animation(tmp_path / f"a.{given}", frames, **({} if loop is None else {"loop": loop}))
    place = save_picture(open_pages(source), tmp_path / f"b.{target}")
    with Image.open(place) as written:
        assert written.info.get("loop") == (1 if loop is None and target != "gif" else loop)


@pytest.mark.parametrize("ending", ["png", "webp", "gif"])
def test_transparent_frames_stay_so(tmp_path, frames, ending):
    clear = Image.new("L", frames[0].size, 255)
    clear.paste(0, (0, 0, 9, 9))
    frames[1].putalpha(clear)
    source = animation(tmp_path / "a.png", [frame.convert("RGBA") for frame in frames], disposal=1)
    place = save_picture(open_pages(source), tmp_path / f"b.{ending}")
    with Image.open(place) as written:
        for number, opaque in enumerate((255, 0, 255)):
            written.seek(number)
            assert written.convert("RGBA").getpixel((3, 3))[3] == opaque


def test_pages_of_16_bits_and_of_other_sizes(tmp_path, ramp):
    deep = ramp.astype(np.uint16) * 257 + 3
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(ramp[::2, ::2], photometric="rgb", subfiletype=1)  # a small copy
        tiff.write(deep, photometric="rgb")
        tiff.write(deep[:9, :, 0])
        tiff.write(ramp, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    save_picture(open_pages(tmp_path / "a.tif"), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        first, second, third = (page.asarray() for page in tiff.pages)
    assert np.array_equal(first, deep)
    assert np.array_equal(second, deep[:9, :, 0])
    assert np.array_equal(third, np.rot90(ramp, -1))


def test_a_still_before_an_animation_is_no_frame_of_it(tmp_path, ramp, frames):
    still = Image.fromarray(255 - ramp)
    still.save(tmp_path / "a.png", save_all=True, append_images=frames, default_image=True, duration=LASTS)
    assert [farthest(p.picture, f) for p, f in zip(open_pages(tmp_path / "a.png"), frames, strict=True)] == [0, 0, 0]


def test_a_damaged_page_is_named_and_leaves_no_file(tmp_path, frames):
    source = animation(tmp_path / "a.png", frames)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) * 5 // 6])
    with pytest.raises(ImageError, match=r"a\.png"):
        save_picture(open_pages(source), tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_frames_that_fill_memory_are_refused(tmp_path, frames, monkeypatch):
    monkeypatch.setattr("colorstyle_lib.images.read.MAX_PIXELS", 3 * 24 * 40 - 1)
    source = animation(tmp_path / "a.gif", frames)
    with pytest.raises(ImageError, match=r"the 3 frames of .* are too large together"):
        list(open_pages(source))
    assert open_picture(source).size == frames[0].size
