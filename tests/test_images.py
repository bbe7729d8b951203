"""Real files of every kind, made here, opened and written by images.py and writing.py."""

from __future__ import annotations

import importlib.util
import io
import os
import resource
import stat
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps

from colorstyle_lib import images
from colorstyle_lib.errors import ColorStyleError, ConfigError, ImageError
from colorstyle_lib.images import (
    find_pictures,
    open_picture,
    read_text,
    resize,
    shorter_side,
    to_picture,
    to_tensor,
)
from colorstyle_lib.writing import atomic_write, save_picture

HEIGHT, WIDTH = 24, 40


@pytest.fixture
def ramp() -> np.ndarray:
    """A picture without any symmetry, smooth enough to survive JPEG."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = (x * 255 / (WIDTH - 1), y * 255 / (HEIGHT - 1), (x + y) * 255 / (WIDTH + HEIGHT - 2))
    return np.stack(planes, -1).round().astype(np.uint8)


def pixels(picture: Image.Image) -> np.ndarray:
    assert picture.mode == "RGB"
    return np.asarray(picture)


def farthest(a: Image.Image | np.ndarray, b: Image.Image | np.ndarray) -> int:
    a, b = np.asarray(a, dtype=int), np.asarray(b, dtype=int)
    assert a.shape == b.shape
    return int(abs(a - b).max())


def refusal(source, *words: str) -> str:
    """The message of the refusal: one line that holds these words."""
    with pytest.raises(ImageError) as caught:
        open_picture(source)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


# Formats


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm"])
def test_lossless_formats_come_back_exactly(tmp_path, ramp, ending):
    path = tmp_path / f"a.{ending}"
    Image.fromarray(ramp).save(path)
    for source in (path, str(path)):
        assert np.array_equal(pixels(open_picture(source)), ramp)


@pytest.mark.parametrize("ending", ["jpg", "webp", "avif", "jp2"])
def test_lossy_formats_come_close(tmp_path, ramp, ending):
    path = tmp_path / f"a.{ending}"
    Image.fromarray(ramp).save(path, quality=95)
    assert farthest(open_picture(path), ramp) <= 16


def test_an_ending_that_lies_does_not_matter(tmp_path, ramp):
    path = tmp_path / "really_a_png.jpg"
    Image.fromarray(ramp).save(path, format="PNG")
    assert np.array_equal(pixels(open_picture(path)), ramp)


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "png", "avif"])
def test_first_frame_of_several(tmp_path, ending):
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue", "lime")]
    path = tmp_path / f"frames.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert farthest(open_picture(path), frames[0]) <= 4


def test_heic_says_what_to_install(tmp_path):
    path = tmp_path / "phone.heic"
    path.write_bytes(struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + bytes(100))
    installed = importlib.util.find_spec("pillow_heif")
    refusal(path, "phone.heic", "damaged" if installed else "pip install pillow-heif")


@pytest.mark.skipif(not importlib.util.find_spec("pillow_heif"), reason="pillow-heif is not installed")
def test_heic_opens_where_it_can(tmp_path, ramp):
    import pillow_heif

    pillow_heif.from_pillow(Image.fromarray(ramp)).save(tmp_path / "a.heic", quality=95)
    assert farthest(open_picture(tmp_path / "a.heic"), ramp) <= 16


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif"])
def test_exif_orientation(tmp_path, ramp, orientation, ending):
    path = tmp_path / f"turned.{ending}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(ramp).save(path, exif=exif)
    with Image.open(path) as stored:
        expected = ImageOps.exif_transpose(stored)
        assert expected.size == ((HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT))
        assert farthest(open_picture(path), expected) <= 1
        assert farthest(open_picture(stored), expected) <= 1  # an opened file handed over
    assert not open_picture(path).getexif()  # or it would be turned again on the next reading


def test_broken_exif_loses_nothing(tmp_path, ramp):
    Image.fromarray(ramp).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0" + b"\xff" * 30)
    assert np.array_equal(pixels(open_picture(tmp_path / "a.png")), ramp)


# Modes


def test_gray_and_bilevel(tmp_path, ramp):
    gray = ramp[:, :, 0]
    Image.fromarray(gray).save(tmp_path / "gray.png")
    assert np.array_equal(pixels(open_picture(tmp_path / "gray.png")), np.stack([gray] * 3, -1))
    Image.fromarray(gray > 99).save(tmp_path / "bilevel.png")
    assert np.array_equal(pixels(open_picture(tmp_path / "bilevel.png"))[:, :, 1], (gray > 99) * 255)


def over_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[:, :, None] / 255
    return np.rint(color * share + 255 * (1 - share))


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_alpha_lies_on_white(tmp_path, ramp, ending):
    alpha = ramp[:, ::-1, 0]
    Image.fromarray(np.dstack([ramp, alpha])).save(tmp_path / f"rgba.{ending}")
    assert farthest(open_picture(tmp_path / f"rgba.{ending}"), over_white(ramp, alpha)) <= 1
    gray = ramp[:, :, 1]
    Image.merge("LA", [Image.fromarray(gray), Image.fromarray(alpha)]).save(tmp_path / f"la.{ending}")
    expected = over_white(np.stack([gray] * 3, -1), alpha)
    assert farthest(open_picture(tmp_path / f"la.{ending}"), expected) <= 1


def test_palettes(tmp_path, ramp):
    palette = Image.fromarray(ramp).quantize(64)
    palette.save(tmp_path / "opaque.png")
    assert np.array_equal(pixels(open_picture(tmp_path / "opaque.png")), np.asarray(palette.convert("RGB")))
    index = np.asarray(palette)
    first = int(index[0, 0])
    for name in ("clear.png", "clear.gif"):  # one index is transparent
        palette.save(tmp_path / name, transparency=first)
        opened = pixels(open_picture(tmp_path / name))
        assert (opened[index == first] == 255).all()
        assert np.array_equal(opened[index != first], np.asarray(palette.convert("RGB"))[index != first])
    palette.save(tmp_path / "bytes.png", transparency=bytes([128] * 64))  # every index half transparent
    expected = over_white(np.asarray(palette.convert("RGB")), np.full(index.shape, 128))
    assert farthest(open_picture(tmp_path / "bytes.png"), expected) <= 1


def test_transparent_color(tmp_path):
    picture = Image.new("RGB", (4, 4), (10, 20, 30))
    picture.putpixel((0, 0), (1, 2, 3))
    picture.save(tmp_path / "key.png", transparency=(1, 2, 3))
    opened = open_picture(tmp_path / "key.png")
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((1, 0)) == (10, 20, 30)


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk(tmp_path, ending):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / f"ink.{ending}")
    assert farthest(open_picture(tmp_path / f"ink.{ending}"), Image.new("RGB", (16, 16), "red")) <= 3


def test_lab_tiff(tmp_path):
    from skimage.color import lab2rgb

    lab = np.full((8, 8, 3), (60, 40, 20), dtype=float)
    stored = (
        np.dstack([lab[..., 0] * 255 / 100, lab[..., 1], lab[..., 2]]).round().astype(np.int8).view(np.uint8)
    )
    tifffile.imwrite(tmp_path / "lab.tif", stored, photometric="cielab")
    assert farthest(open_picture(tmp_path / "lab.tif"), lab2rgb(lab) * 255) <= 8


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep.pgm"])
def test_16_bit_gray(tmp_path, name):
    deep = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / name)
    assert farthest(pixels(open_picture(tmp_path / name))[..., 0], np.rint(deep / 257)) == 0


@pytest.mark.parametrize("byteorder", "<>")
def test_16_bit_tiff(tmp_path, ramp, byteorder):
    deep = ramp.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "color.tif", deep, photometric="rgb", byteorder=byteorder)
    assert farthest(open_picture(tmp_path / "color.tif"), ramp) <= 1
    tifffile.imwrite(tmp_path / "gray.tif", deep[..., 0], byteorder=byteorder)
    assert farthest(pixels(open_picture(tmp_path / "gray.tif"))[..., 2], ramp[..., 0]) == 0


def test_16_bit_color_png(tmp_path, ramp):
    deep = ramp.astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in deep.astype(">u2"))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    (tmp_path / "deep.png").write_bytes(
        png((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
    assert farthest(open_picture(tmp_path / "deep.png"), ramp) <= 1


def test_white_is_zero(tmp_path, ramp):
    deep = ramp[..., 0].astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "negative.tif", deep, photometric="miniswhite", byteorder="<")
    assert farthest(pixels(open_picture(tmp_path / "negative.tif"))[..., 0], 255 - ramp[..., 0]) == 0


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_float_tiff(tmp_path, ramp, white):
    values = ramp[..., 0].astype(np.float32) / 255 * white
    tifffile.imwrite(tmp_path / "float.tif", values)
    assert farthest(pixels(open_picture(tmp_path / "float.tif"))[..., 0], ramp[..., 0]) <= 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1, 1e6])
def test_float_tiff_of_unknown_range(tmp_path, bad):
    tifffile.imwrite(tmp_path / "float.tif", np.array([[0.5, bad]], dtype=np.float32))
    refusal(tmp_path / "float.tif", "float.tif", "8 or 16 bits")


# Color profiles


def make_profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile (version 2.4) with just these tags."""
    place, table, data = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, place + len(data), len(content))
        data += content
    d50 = struct.pack(">iii", 63190, 65536, 54061)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(
        ">I4sI4s4s4s12s4s",
        place + len(data),
        b"lcms",
        0x02400000,
        kind,
        space,
        connection,
        bytes(12),
        b"acsp",
    )
    return head + bytes(28) + d50 + bytes(48) + table + data


def test_srgb_profile_is_the_identity(tmp_path, ramp):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(ramp).save(tmp_path / "tagged.png", icc_profile=profile)
    opened = open_picture(tmp_path / "tagged.png")
    assert farthest(opened, ramp) <= 1
    assert not opened.info  # or the profile would be written beside pixels that it no longer describes


@pytest.mark.parametrize("alpha", [False, True])
def test_swapped_primaries(tmp_path, ramp, alpha):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    stored = np.dstack([ramp, np.full((HEIGHT, WIDTH), 255, np.uint8)]) if alpha else ramp
    Image.fromarray(stored).save(tmp_path / "swapped.png", icc_profile=swapped)
    assert farthest(open_picture(tmp_path / "swapped.png"), ramp[..., [1, 0, 2]]) <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_linear_gray_profile(tmp_path, mode):
    linear = make_profile(
        b"GRAY",
        b"XYZ ",
        {
            b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
            b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0),  # no entries: the identity
        },
    )
    picture = (
        Image.new("L", (4, 4), 55)
        if mode != "I;16"
        else Image.fromarray(np.full((4, 4), 55 * 257, np.uint16))
    )
    (picture.convert("LA") if mode == "LA" else picture).save(tmp_path / "linear.png", icc_profile=linear)
    expected = 255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055)
    assert farthest(open_picture(tmp_path / "linear.png"), np.full((4, 4, 3), round(expected))) <= 1


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_profile(tmp_path, ending):
    """An ink set of our own: no ink is white, black is black, and every other is Lab (50, 60, 0), a pink."""
    white, pink, black = bytes([255, 128, 128]), bytes([128, 188, 128]), bytes([0, 128, 128])
    corners = white + black + (pink + black) * 7  # of a 2 x 2 x 2 x 2 table, black ink running fastest
    straight = bytes(range(256))
    lut = struct.pack(">4sIBBBx", b"mft1", 0, 4, 3, 2) + struct.pack(
        ">9i", *(65536 * n for n in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    )
    profile = make_profile(b"CMYK", b"Lab ", {b"A2B0": lut + straight * 4 + corners + straight * 3})
    picture = Image.new("CMYK", (32, 16), 0)
    picture.paste((255, 0, 0, 0), (16, 0, 32, 16))  # cyan, which this profile says is pink
    picture.save(tmp_path / f"ink.{ending}", icc_profile=profile)
    opened = open_picture(tmp_path / f"ink.{ending}")
    assert farthest(opened.crop((0, 0, 12, 16)), Image.new("RGB", (12, 16), "white")) <= 3
    expected = (206, 63, 122)  # what Lab (50, 60, 0) is in sRGB
    assert farthest(opened.crop((20, 0, 32, 16)), Image.new("RGB", (12, 16), expected)) <= 6


@pytest.mark.parametrize("profile", [b"nonsense", b"", "of another mode"])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_broken_profile_loses_nothing(tmp_path, ramp, profile, ending):
    if profile == "of another mode":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(ramp).save(tmp_path / f"a.{ending}", icc_profile=profile)
    assert np.array_equal(pixels(open_picture(tmp_path / f"a.{ending}")), ramp)


# Arrays, tensors, pictures


def test_arrays_and_tensors_agree(ramp):
    deep, floats = ramp.astype(np.uint16) * 257, (ramp / 255).astype(np.float32)
    planes = torch.from_numpy(ramp).permute(2, 0, 1)
    sources = [
        ramp,
        deep,
        floats,
        floats.astype(np.float64),
        ramp[::-1][::-1],
        np.dstack([ramp, np.full_like(ramp[..., 0], 255)]),
    ]
    sources += [
        planes,
        planes[None],
        planes.float() / 255,
        planes.double() / 255,
        (planes / 255).requires_grad_(),
    ]
    for source in sources:
        assert np.array_equal(pixels(open_picture(source)), ramp)


def test_gray_arrays_and_tensors_agree(ramp):
    gray = ramp[..., 0]
    expected = np.stack([gray] * 3, -1)
    plane = torch.from_numpy(gray.copy())
    for source in (gray, gray[..., None], plane, plane[None], plane[None, None]):
        assert np.array_equal(pixels(open_picture(source)), expected)
    assert np.array_equal(pixels(open_picture(gray > 99)), (expected > 99) * 255)
    assert farthest(open_picture((plane / 255).bfloat16()), expected) <= 1


def test_array_alpha(ramp):
    alpha = ramp[:, ::-1, 0]
    assert farthest(open_picture(np.dstack([ramp, alpha])), over_white(ramp, alpha)) <= 1


def test_the_source_is_left_alone(ramp):
    picture = Image.fromarray(ramp)
    picture.info["icc_profile"] = b"nonsense"
    opened = open_picture(picture)
    opened.paste("black", (0, 0, 9, 9))
    assert picture.info == {"icc_profile": b"nonsense"}
    assert np.array_equal(np.asarray(picture), ramp)
    array = ramp.copy()
    open_picture(array).paste("black", (0, 0, 9, 9))
    assert np.array_equal(array, ramp)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.full((4, 4), 1.01), "[0, 1]"),
        (np.full((4, 4), -0.01), "[0, 1]"),
        (np.full((4, 4), 255.0), "[0, 1]"),
        (np.array([[0.5, np.nan]]), "nan"),
        (torch.tensor([[0.5, torch.nan]]), "nan"),
        (np.zeros((3, 5, 5)), "(3, 5, 5)"),
        (np.zeros((4, 4, 2)), "(4, 4, 2)"),
        (np.zeros((0, 4, 3)), "empty"),
        (np.zeros(7), "(7,)"),
        (np.zeros((4, 4), dtype=np.int64), "int64"),
        (np.zeros((4, 4), dtype=complex), "complex"),
        (torch.zeros(2, 3, 4, 4), "(2, 3, 4, 4)"),
        (torch.zeros(5, 5, 3), "(5, 5, 3)"),
        (torch.zeros(3, 0, 4), "empty"),
        (Image.new("RGB", (0, 3)), "no pixels"),
    ],
)
def test_wrong_arrays_and_tensors(source, words):
    refusal(source, words)


# Refusals


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


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def test_bomb_is_refused_from_its_header(tmp_path):
    header = struct.pack(">IIBBBBB", 30_000, 20_000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")))
    refusal(tmp_path / "bomb.png", "bomb.png", "30000 x 20000", "600 megapixels", "smaller")  # not: damaged


def test_limit_is_ours_and_not_pillows(tmp_path, ramp, monkeypatch):
    Image.fromarray(ramp).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow would refuse
    assert np.array_equal(pixels(open_picture(tmp_path / "a.png")), ramp)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", ramp[..., 0].size - 1)  # Pillow would warn
    assert np.array_equal(pixels(open_picture(tmp_path / "a.png")), ramp)
    monkeypatch.setattr(images, "MAX_PIXELS", ramp[..., 0].size - 1)
    for source in (tmp_path / "a.png", ramp, Image.fromarray(ramp)):
        refusal(source, f"{WIDTH} x {HEIGHT}")


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
        "import pathlib, re; from colorstyle_lib.images import open_picture; "
        "status = lambda name: "
        "int(re.search(name + r':\\s*(\\d+)', pathlib.Path('/proc/self/status').read_text())[1]); "
        f"before = status('VmRSS'); open_picture({str(tmp_path / 'large.jpg')!r}); "
        "print(status('VmHWM') - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < times * 6000 * 4000 * 4 / 2**20


# Tensors


@given(arrays(np.uint8, (5, 4, 3)))
def test_picture_tensor_picture_is_exact(values):
    tensor = to_tensor(Image.fromarray(values))
    assert tensor.shape == (3, 5, 4)
    assert tensor.dtype == torch.float32
    assert np.array_equal(pixels(to_picture(tensor)), values)


@given(arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32)))
def test_tensor_picture_tensor_is_within_half_a_step(values):
    tensor = torch.from_numpy(values)
    assert (to_tensor(to_picture(tensor)) - tensor).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(to_tensor(to_picture(tensor[None])), to_tensor(to_picture(tensor)))


def test_to_tensor_takes_other_modes(ramp):
    assert torch.equal(to_tensor(Image.new("L", (2, 2), 51)), torch.full((3, 2, 2), 0.2))


def test_to_picture_cuts_and_refuses():
    picture = to_picture(torch.tensor([-0.5, 0.5, 1.5]).reshape(3, 1, 1))
    assert picture.getpixel((0, 0)) == (0, 128, 255)
    assert to_picture(torch.full((3, 2, 2), 0.5, dtype=torch.float16).requires_grad_()).size == (2, 2)
    for bad in (torch.zeros(2, 3, 4, 4), torch.zeros(1, 4, 4), torch.full((3, 2, 2), torch.nan)):
        with pytest.raises(ImageError):
            to_picture(bad)


# Sizes


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64), st.sampled_from([1, 8, 32]))
@settings(max_examples=60)
def test_shorter_side(height, width, size, multiple):
    result = shorter_side(torch.rand(1, 3, height, width), size, multiple)
    sides = result.shape[-2:]
    assert min(sides) == max(1, round(size / multiple)) * multiple
    assert all(side % multiple == 0 for side in sides)
    exact = max(height, width) * size / min(height, width)
    assert abs(max(sides) - exact) <= multiple / 2 or max(sides) == multiple
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-6


def test_resizing_is_antialiased_like_pillow(ramp):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    ours = to_picture(shorter_side(to_tensor(Image.fromarray(noise))[None], 15))
    assert farthest(ours, Image.fromarray(noise).resize((20, 15), Image.Resampling.BILINEAR)) <= 1


def test_same_size_is_left_as_it_is():
    batch = torch.rand(2, 3, 8, 12)
    assert shorter_side(batch, 8) is batch
    assert resize(batch, (4, 6)).shape == (2, 3, 4, 6)


def test_sizes_that_make_no_sense():
    with pytest.raises(ImageError, match="long and thin"):
        shorter_side(torch.zeros(1, 3, 1, 9000), 512)
    for size, multiple in ((0, 1), (8, 0)):
        with pytest.raises(ConfigError):
            shorter_side(torch.zeros(1, 3, 4, 4), size, multiple)


# Writing


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
    assert farthest(open_picture(path), ramp) <= (
        16 if ending == ".webp" else 4
    )  # WebP halves color's resolution
    assert save_picture(ramp, tmp_path / f"low{ending}", quality=20).stat().st_size < path.stat().st_size


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


def test_overwrite_and_quality(tmp_path, ramp):
    path = save_picture(ramp, tmp_path / "a.png")
    with pytest.raises(ImageError, match="exists already"):
        save_picture(ramp // 2, path, overwrite=False)
    assert np.array_equal(pixels(open_picture(path)), ramp)
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


@pytest.fixture
def full_disk():
    """No file of this process may grow beyond 1000 bytes: as on a full disk, the system refuses to write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room(tmp_path, full_disk):
    path = tmp_path / "a.png"
    path.write_text("what was there before")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with pytest.raises(ImageError, match=r"cannot write .*a\.png.*free some space"):
        save_picture(noise, path)
    assert path.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ZeroDivisionError, ValueError])
def test_an_interrupted_write_leaves_no_trace(tmp_path, interruption):
    path = tmp_path / "a.json"
    path.write_text("before")

    def write() -> None:
        with atomic_write(path, "w") as file:
            file.write("half of")
            file.flush()
            raise interruption

    with pytest.raises(interruption):
        write()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_write_leaves_no_half_file(tmp_path):
    code = (
        "import os, signal; from colorstyle_lib.writing import atomic_write\n"
        f"with atomic_write({str(tmp_path / 'a.json')!r}, 'w') as file:\n"
        "    file.write('half of'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    assert not (tmp_path / "a.json").exists()
    assert not find_pictures(tmp_path)


def test_atomic_write_is_an_ordinary_write(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic_write(path, "w") as file:
        file.write("λ\n")
        assert not path.exists()  # not before it is complete
    assert path.read_bytes() == "λ\n".encode()
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    with atomic_write(tmp_path / "link") as file:
        file.write(b"through the link")
    assert path.read_bytes() == b"through the link"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(ColorStyleError, match="is a folder"), atomic_write(tmp_path):
        pass


def test_atomic_write_loads_no_torch():
    code = "import sys, colorstyle_lib.writing; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# Folders


@given(
    st.sets(
        st.text("abcXYZ019_-. ", min_size=1, max_size=8).map(str.strip).filter(lambda n: n.strip(".")),
        max_size=8,
    )
)
@settings(max_examples=30)
def test_find_pictures_is_sorted_and_complete(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("pictures")
    wanted = []
    for number, name in enumerate(sorted(names)):
        path = root / ("inner" if number % 2 else "") / f"{name}.{('JPG', 'png', 'txt')[number % 3]}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        if path.suffix != ".txt" and not name.startswith("."):
            wanted.append(path)
    assert find_pictures(root) == sorted(wanted)
    assert find_pictures(root, recursive=False) == sorted(p for p in wanted if p.parent == root)


def test_find_pictures_leaves_out_what_is_hidden(tmp_path):
    for name in (".a.png", ".hidden/b.png", "c.png", "d.heic", "e.avif", "png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in find_pictures(tmp_path)] == ["c.png", "d.heic", "e.avif"]
    for bad in (tmp_path / "c.png", tmp_path / "nowhere"):
        with pytest.raises(ImageError, match="not a folder"):
            find_pictures(bad)
