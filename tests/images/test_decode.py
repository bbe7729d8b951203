"""Real files of every kind, made here, come in as upright 8-bit sRGB."""

from __future__ import annotations

import importlib.util
import struct
import zlib

import numpy as np
import pytest
import tifffile
from pictures import HEIGHT, WIDTH, farthest, over_white, pixels, png, refusal
from PIL import ExifTags, Image, ImageCms, ImageOps

from colorstyle_lib.errors import ImageError
from colorstyle_lib.images.read import open_picture, size_of_file

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
    stored = np.dstack([lab[..., 0] * 255 / 100, lab[..., 1], lab[..., 2]]).round().astype(np.int8).view(np.uint8)
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
    (tmp_path / "deep.png").write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")))
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
    picture = Image.new("L", (4, 4), 55) if mode != "I;16" else Image.fromarray(np.full((4, 4), 55 * 257, np.uint16))
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


# What Pillow misreads or cannot read


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_separate_16_bit_planes(tmp_path, ramp, byteorder, compression):
    planes = np.moveaxis(ramp.astype(np.uint16) * 257, -1, 0)
    settings = {"photometric": "rgb", "planarconfig": "separate", "byteorder": byteorder, "compression": compression}
    tifffile.imwrite(tmp_path / "planes.tif", planes, **settings)
    assert farthest(open_picture(tmp_path / "planes.tif"), ramp) == 0
    assert size_of_file(tmp_path / "planes.tif") == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_floats_of_any_size_and_color(tmp_path, ramp, kind, compression):
    values = (ramp / 255).astype(kind)
    for name, part, wanted in (("rgb", values, ramp), ("minisblack", values[..., 0], ramp[..., [0, 0, 0]])):
        tifffile.imwrite(tmp_path / "float.tif", part, photometric=name, compression=compression)
        assert farthest(open_picture(tmp_path / "float.tif"), wanted) == 0


@pytest.mark.parametrize(("white", "highest"), [(1, 1.02), (1, 3.5), (255, 258)])
@pytest.mark.parametrize("color", [True, False])
def test_floats_above_white_are_cut_off(tmp_path, ramp, white, highest, color):
    values = ramp[..., :1].repeat(3, -1) / 255 * highest
    wanted = np.rint((values * 255 / white).clip(0, 255))
    values = (values - 0.01 * (values == 0)).astype("f4")  # as sharpening leaves them
    kind = {"photometric": "rgb"} if color else {}
    tifffile.imwrite(tmp_path / "float.tif", values if color else values[..., 0], **kind)
    assert farthest(open_picture(tmp_path / "float.tif"), wanted) <= 1


@pytest.mark.parametrize("byteorder", "<>")
def test_deep_gray_with_alpha_white_is_zero_and_32_bits(tmp_path, ramp, byteorder):
    deep, gray = ramp.astype(np.uint16) * 257, ramp[..., [0, 0, 0]]
    with_alpha = {"photometric": "minisblack", "byteorder": byteorder}
    tifffile.imwrite(tmp_path / "a.tif", deep[..., :2], extrasamples=["unassalpha"], **with_alpha)
    assert farthest(open_picture(tmp_path / "a.tif"), over_white(gray, ramp[..., 1])) <= 1
    alpha = np.maximum(ramp[..., 1], 200)
    times = np.dstack([np.rint(ramp[..., 0] * (alpha / 255)), alpha]).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", times, extrasamples=["assocalpha"], **with_alpha)
    assert farthest(open_picture(tmp_path / "a.tif"), over_white(gray, alpha)) <= 2
    tifffile.imwrite(tmp_path / "a.tif", deep[..., 0], photometric="miniswhite", byteorder=byteorder)
    assert farthest(open_picture(tmp_path / "a.tif"), 255 - gray) == 0
    tifffile.imwrite(tmp_path / "a.tif", deep[..., 0] * np.uint32(65537), byteorder=byteorder)
    assert farthest(open_picture(tmp_path / "a.tif"), gray) == 0


@pytest.mark.parametrize("photometric", [0, 2])
def test_transparent_value_of_a_16_bit_png(tmp_path, ramp, photometric):
    deep = (ramp.astype(np.uint16) * 257)[..., : 3 if photometric else 1]
    key = deep[3, 4]
    rows = b"".join(b"\0" + row.tobytes() for row in deep.astype(">u2"))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, photometric, 0, 0, 0)
    clear = key.astype(">u2").tobytes()
    chunks = ((b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    (tmp_path / "deep.png").write_bytes(png(*chunks))
    wanted = np.broadcast_to(deep // 257, ramp.shape).copy()
    wanted[(deep == key).all(-1)] = 255
    assert farthest(open_picture(tmp_path / "deep.png"), wanted) == 0


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("missing", "whole"), [(1, True), (2, True), (3, False), (4, False), (9, False)])
def test_a_jpeg_without_its_last_bytes(tmp_path, progressive, missing, whole, capsys):
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    path = tmp_path / "a.jpg"
    Image.fromarray(noise).save(path, progressive=progressive)
    wanted = open_picture(path)
    path.write_bytes(path.read_bytes()[:-missing])
    assert "cut off" in refusal(path) if not whole else farthest(open_picture(path), wanted) == 0
    assert ("a.jpg' lacks its last bytes" in capsys.readouterr().err) == whole
    with pytest.raises(ImageError, match="cut off"):
        open_picture(path, strict=True)
