"""Files that are no pictures, damaged or too large, and what reading leaves as it was."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import HEIGHT, WIDTH, pixels, png, refusal
from PIL import ExifTags, Image, ImageCms, ImageFile

from colorstyle_lib.errors import ImageError
from colorstyle_lib.images import read as decoding
from colorstyle_lib.images.read import open_picture, size_of_file


def test_not_found_names_the_nearest(tmp_path, ramp):
    Image.fromarray(ramp).save(tmp_path / "grandmother.png")
    refusal(tmp_path / "grandmohter.png", "grandmohter.png", "not found", "did you mean", "grandmother.png")
    assert "did you mean" not in refusal(tmp_path / "xyz.webp", "not found")
    refusal(tmp_path / "nowhere" / "a.png", "there is no folder", "nowhere")


@pytest.mark.parametrize(
    "url",
    ["https://example.org/a.jpg", "http:/example.org/a.jpg", "s3://b/a.png", "data:image/png;base64,AA"],
)
def test_url(url):
    refusal(url, "URL", "download")


def test_folder_empty_file_pipe_and_text(tmp_path):
    refusal(tmp_path, "is a folder")
    (tmp_path / "empty.jpg").touch()
    refusal(tmp_path / "empty.jpg", "empty.jpg", "empty file")
    os.mkfifo(tmp_path / "fifo.jpg")
    refusal(tmp_path / "fifo.jpg", "a pipe")  # and does not wait for somebody to write into it
    (tmp_path / "text.jpg").write_text("this is not a picture, whatever its name says\n" * 50)
    refusal(tmp_path / "text.jpg", "text.jpg", "not a picture")
    (tmp_path / "page.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    refusal(tmp_path / "page.eps", "not a picture")
    refusal("a\0b.png", "a\\x00b.png")
    refusal("n" * 5000 + ".png", "too long")


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "gif", "bmp", "avif", "jp2"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_off_files(tmp_path, ending, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"cut.{ending}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refusal(path, f"cut.{ending}", "damaged")


@given(data=st.data())
@settings(max_examples=60)
def test_damaged_files_open_or_are_refused(tmp_path_factory, data):
    """Whatever is done to a file, it opens as RGB or is refused in our words; nothing else comes out."""
    folder = tmp_path_factory.mktemp("damaged")
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"]))
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.linear_gradient("L").resize((20, 10)).convert("RGB").save(buffer, kind, exif=exif)
    content = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    (folder / "a").write_bytes(content)
    try:
        assert open_picture(folder / "a").mode == "RGB"
    except ImageError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_bomb_is_refused_from_its_header(tmp_path):
    header = struct.pack(">IIBBBBB", 30_000, 20_000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")))
    refusal(tmp_path / "bomb.png", "bomb.png", "30000 x 20000", "600 megapixels", "smaller")  # not: damaged


@pytest.mark.parametrize(("ending", "how"), [("webp", {"lossless": True}), ("jp2", {})])
def test_a_few_bytes_do_not_fill_memory(tmp_path, ending, how):
    path = tmp_path / f"bomb.{ending}"
    Image.new("L" if ending == "jp2" else "RGB", (8000, 6000), 99 if ending == "jp2" else "teal").save(path, **how)
    refusal(path, "bomb", "48 megapixels")
    with pytest.raises(ImageError, match="48 megapixels"):
        size_of_file(path)


def test_a_jpeg_of_a_thousand_scans_is_refused_from_its_header(tmp_path, ramp):
    Image.new("RGB", (1000, 1000), "teal").save(tmp_path / "a.jpg", progressive=True)
    content = (tmp_path / "a.jpg").read_bytes()
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 1000 * last + b"\xff\xd9")
    with pytest.raises(ImageError, match="1010 scans"):
        size_of_file(tmp_path / "a.jpg")


def test_a_large_flat_picture_is_none_of_these(tmp_path):
    for name, mode, how in (
        ("a.jpg", "RGB", {"progressive": True, "optimize": True}),
        ("a.png", "L", {}),
        ("a.tif", "1", {"compression": "group4"}),
    ):
        Image.new(mode, (5000, 4000), 1).save(tmp_path / name, **how)
        assert open_picture(tmp_path / name).size == (5000, 4000)


def test_limit_is_ours_and_not_pillows(tmp_path, ramp, monkeypatch):
    Image.fromarray(ramp).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow would refuse
    assert np.array_equal(pixels(open_picture(tmp_path / "a.png")), ramp)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", ramp[..., 0].size - 1)  # Pillow would warn
    assert np.array_equal(pixels(open_picture(tmp_path / "a.png")), ramp)
    monkeypatch.setattr(decoding, "MAX_PIXELS", ramp[..., 0].size - 1)
    for source in (tmp_path / "a.png", ramp, Image.fromarray(ramp)):
        refusal(source, f"{WIDTH} x {HEIGHT}")


def test_tensors_without_plain_numbers():
    plain = torch.zeros(3, 8, 8)
    for odd in (plain.to("meta"), plain[0].to_sparse(), plain.to_sparse()):
        refusal(odd, "plain numbers")
        with torch.inference_mode():  # as within a call of the model
            refusal(odd, "plain numbers")


# Pillow and memory


def test_pillow_is_left_as_it_was(tmp_path, ramp, monkeypatch):
    Image.fromarray(ramp).save(tmp_path / "a.png")
    Image.fromarray(ramp).save(tmp_path / "cut.bmp")
    (tmp_path / "cut.bmp").write_bytes((tmp_path / "cut.bmp").read_bytes()[:-500])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12345)
    before = list(warnings.filters)

    def attempt(number: int) -> None:
        if number % 2:
            open_picture(tmp_path / "a.png")
        else:
            refusal(tmp_path / "cut.bmp", "damaged")  # though Pillow's switch would let it pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(64)))
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert Image.MAX_IMAGE_PIXELS == 12345
    assert warnings.filters == before


def test_pillows_warnings_stay_inside(tmp_path, ramp):
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, "TIFF")
    content = buffer.getvalue()
    once, twice = struct.pack("<HHII", 278, 4, 1, HEIGHT), struct.pack("<HHII", 278, 4, 2, len(content))
    assert once in content  # RowsPerStrip, which is now given twice
    damaged = content.replace(once, twice) + struct.pack("<II", HEIGHT, HEIGHT)
    (tmp_path / "odd.tif").write_bytes(damaged)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Image.open(tmp_path / "odd.tif").close()
        assert caught  # Pillow does warn
        caught.clear()
        open_picture(tmp_path / "odd.tif")
    assert not caught


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
@pytest.mark.parametrize(("orientation", "times"), [(1, 1.4), (6, 2.4)])
def test_a_large_photo_is_not_held_many_times(tmp_path, orientation, times):
    """24 megapixels with a profile: 4 bytes a pixel in Pillow, and only turning needs them twice."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (6000, 4000), "teal").save(tmp_path / "large.jpg", exif=exif, icc_profile=profile)
    # Not getrusage, whose peak a new process takes over from its parent.
    code = (
        "import pathlib, re; from colorstyle_lib.images.read import open_picture, size_of_file; "
        "status = lambda name: "
        "int(re.search(name + r':\\s*(\\d+)', pathlib.Path('/proc/self/status').read_text())[1]); "
        f"before = status('VmRSS'); open_picture({str(tmp_path / 'large.jpg')!r}); "
        "print(status('VmHWM') - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < times * 6000 * 4000 * 4 / 2**20
