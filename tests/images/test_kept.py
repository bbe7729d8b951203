"""What a result keeps of its input's file: levels, captions, dates, dpi, pages; a place only where asked."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from pictures import farthest, png
from PIL import ExifTags, Image, ImageCms, ImageDraw

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ImageError
from colorstyle_lib.images.read import open_photo, open_picture, read_text, without_surround
from colorstyle_lib.images.write import save_picture

CAPTION, DATE, PLACE = "Großmutter, Zürich 1931", "1931:05:06 07:08:09", {1: "N", 2: (47.0, 22.0, 30.0)}


@pytest.fixture(scope="module")
def model():
    return ColorStyle.load()


def levels_of(path: Path) -> np.ndarray:
    """The values in a PNG or TIFF file, read by others."""
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as picture:
        kind, (width, height) = picture.tile[0].args, picture.size
        if kind != "RGB;16B":
            return np.asarray(picture)
    content = path.read_bytes()
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(content[start + 4 :][:length]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 1).all()  # PNG's filter 1: each byte less the same of the pixel before
    return np.cumsum(rows[:, 1:].reshape(height, width, 6), 1, dtype=np.uint8).view(">u2").astype(np.uint16)


# Levels


def write_16_bit_png(path: Path, values: np.ndarray) -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    path.write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")))


def test_every_level_of_a_16_bit_color_png_is_read(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (24, 40, 3), dtype=np.uint16)
    write_16_bit_png(tmp_path / "a.png", values)
    photo = open_photo(tmp_path / "a.png")
    assert np.array_equal(photo.deep, values)
    assert np.array_equal(photo.picture, values >> 8)


def test_restyling_keeps_16_bits(model, tmp_path):
    values = np.linspace(0, 65535, 96 * 128 * 3).round().astype(np.uint16).reshape(96, 128, 3)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    Image.fromarray(values[..., 0]).save(tmp_path / "gray.png")
    looks = photograph("coffee").open()
    same = model.stylize(tmp_path / "a.tif", looks, strength=0.0).save(tmp_path / "b.png")
    assert farthest(levels_of(same), values) <= 1
    for given in ("a.tif", "gray.png"):
        result = model.stylize(tmp_path / given, looks, strength=0.5)
        made = levels_of(result.save(tmp_path / "b.tif"))
        assert made.dtype == np.uint16
        assert abs(made / 257 - np.asarray(result.image)).mean() < 0.7  # the same picture as of 8 bits
        assert len(np.unique(made)) > 5000


def test_other_primaries_are_not_taken_for_ours(tmp_path, ramp):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    tifffile.imwrite(tmp_path / "a.tif", ramp.astype(np.uint16) * 257, photometric="rgb", iccprofile=swapped)
    photo = open_photo(tmp_path / "a.tif")
    assert photo.deep is None
    assert farthest(photo.picture, ramp[..., [1, 0, 2]]) <= 2


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("kind", ["gray", "color", "color png", "float", "negative"])
def test_shadows_of_a_16_bit_scan_stay(model, tmp_path, ending, kind):
    scan = np.linspace(0, 4095, 96 * 128).round().astype(np.uint16).reshape(96, 128)  # 4,096 levels; 8 bits hold 17
    place = tmp_path / "scan.tif"
    if kind == "gray":
        place = tmp_path / f"scan.{ending}"
        Image.fromarray(scan).save(place)
    elif kind == "color":
        tifffile.imwrite(place, np.stack([scan] * 3, -1), photometric="rgb", compression="deflate")
    elif kind == "color png":
        write_16_bit_png(place := tmp_path / "scan.png", np.stack([scan] * 3, -1))
    elif kind == "float":
        tifffile.imwrite(place, (scan / 65535).astype(np.float32))
    else:
        tifffile.imwrite(place, 65535 - scan, photometric="miniswhite")
    result = model.colorize(place)
    values = levels_of(result.save(tmp_path / f"result.{ending}"))
    assert values.dtype == np.uint16
    assert values.shape == (96, 128, 3)
    planes = (torch.from_numpy(np.stack((values, np.stack([scan] * 3, -1))) / 65535)).permute(0, 3, 1, 2)
    ours, given = rgb_to_lab(planes)[:, 0]
    assert (ours - given).abs().max() < 0.1  # where the gamut ends, next to black, by 0.07; 8 bits may be off by 0.14
    assert (ours - given).abs().median() < 0.002
    in_order = np.maximum.accumulate(ours.flatten().numpy())
    assert len(np.unique(in_order)) > 3500
    assert abs(values / 257 - np.asarray(result.image)).mean() < 0.7  # the same colors as of 8 bits
    assert farthest(open_picture(tmp_path / f"result.{ending}"), np.rint(values / 257)) <= 1


def test_8_bits_stay_8_bits(model, tmp_path, ramp):
    assert levels_of(model.colorize(ramp).save(tmp_path / "a.png")).dtype == np.uint8
    Image.fromarray(ramp[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    with Image.open(model.colorize(tmp_path / "deep.png").save(tmp_path / "a.jpg")) as written:
        assert written.mode == "RGB"


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_by_a_color_profile(tmp_path, ending):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gray = np.arange(0, 65536, 256, dtype=np.uint16)[None].repeat(4, 0)
    Image.fromarray(gray).save(tmp_path / f"a.{ending}", icc_profile=srgb)  # of another mode: left out
    assert farthest(open_photo(tmp_path / f"a.{ending}").deep, gray) <= 1
    tifffile.imwrite(tmp_path / "rgb.tif", np.stack([gray] * 3, -1), photometric="rgb", iccprofile=srgb)
    assert farthest(open_photo(tmp_path / "rgb.tif").deep, np.stack([gray] * 3, -1)) <= 300


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_turned_16_bits_are_upright(tmp_path, ramp, photometric):
    deep = ramp.astype(np.uint16) * 257
    values = deep if photometric == "rgb" else deep[..., 0]
    extra = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric, extratags=extra)
    photo = open_photo(tmp_path / "a.tif")
    assert farthest(photo.picture, np.rot90(np.broadcast_to(values.reshape(24, 40, -1), ramp.shape) // 257, -1)) == 0
    assert farthest(photo.deep, np.rot90(values, -1)) == 0


# Captions


def text_of(value: str | bytes) -> str:
    return (value.encode("latin-1") if isinstance(value, str) else value).rstrip(b"\0").decode()


def captioned(ramp: np.ndarray, path: Path) -> Path:
    if path.suffix == ".tif":
        title = CAPTION.encode("utf-16-le")
        texts = [
            (270, "s", 0, CAPTION.encode(), True),
            (315, "s", 0, "Studio Meyer", True),
            (36867, "s", 0, DATE, True),
        ]
        extra = [*texts, (40091, "B", len(title), title, True), (274, "H", 1, 6, True)]
        tifffile.imwrite(
            path, ramp, photometric="rgb", metadata=None, resolution=(600.0, 600.0), resolutionunit=2, extratags=extra
        )
        return path
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = CAPTION.encode()
    exif[ExifTags.Base.Artist] = "Studio Meyer"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XPTitle] = CAPTION.encode("utf-16-le")
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: DATE}
    exif[ExifTags.IFD.GPSInfo] = PLACE
    Image.fromarray(ramp).save(path, exif=exif.tobytes(), dpi=(600, 600))
    return path


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("given", ["jpg", "png", "tif"])
def test_captions_dates_and_dpi_stay_beside_the_provenance(model, tmp_path, ramp, given, ending):
    result = model.colorize(captioned(ramp, tmp_path / f"given.{given}"))
    place = result.save(tmp_path / f"a.{ending}")
    with Image.open(place) as written:
        exif = written.getexif()
        dates = dict(exif) | exif.get_ifd(ExifTags.IFD.Exif)
        assert text_of(exif[ExifTags.Base.ImageDescription]) == CAPTION
        assert exif[ExifTags.Base.Artist] == "Studio Meyer"
        assert dates[ExifTags.Base.DateTimeOriginal] == DATE
        assert exif[ExifTags.Base.XPTitle].decode("utf-16-le") == CAPTION
        assert exif.get(ExifTags.Base.Orientation, 1) == 1  # the pixels were turned
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert dpi_of(written) == pytest.approx((600, 600), abs=0.1)
    assert json.loads(read_text(place)["colorstyle"]) == json.loads(json.dumps(result.provenance))
    again = model.colorize(place).save(tmp_path / f"again.{ending}")  # and of a result
    with Image.open(again) as written:
        assert text_of(written.getexif()[ExifTags.Base.ImageDescription]) == CAPTION
        assert dpi_of(written) == pytest.approx((600, 600), abs=0.1)


def dpi_of(picture: Image.Image) -> tuple[float, float]:
    """Pixels an inch; of a WebP file they stand in EXIF."""
    exif = picture.getexif()
    if picture.format != "WEBP":
        return picture.info["dpi"]
    assert exif[ExifTags.Base.ResolutionUnit] == 2
    return exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution]


def test_the_place_stays_only_where_asked(isolated, ramp, capsys):
    captioned(ramp, Path("a.jpg"))
    for options, kept in ((["-o", "plain.jpg"], False), (["-o", "place.jpg", "--keep-gps"], True)):
        assert main(["colorize", "a.jpg", *options]) == 0
        with Image.open(options[1]) as written:
            assert written.getexif().get_ifd(ExifTags.IFD.GPSInfo) == (PLACE if kept else {})
    assert main(["colorize", "a.jpg", "-o", "a.tif", "--keep-gps"]) == 2
    assert "no room for the place" in capsys.readouterr().err
    assert not Path("a.tif").exists()


def test_texts_of_a_png_stay_and_its_xmp_does_not(model, tmp_path, ramp):
    text = {"Title": CAPTION, "colorstyle": "{}", "Comment": "x"}
    save_picture(ramp, tmp_path / "a.png", text=text)
    found = read_text(model.colorize(tmp_path / "a.png").save(tmp_path / "b.png"))
    assert (found["Title"], found["Comment"]) == (CAPTION, "x")
    assert "weights_sha256" in found["colorstyle"]


# Pages and frames


def paged(path: Path, count: int = 3) -> list[Image.Image]:
    pages = [Image.new("L", (64, 48), 40 + 60 * i).convert("RGB") for i in range(count)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return pages


@pytest.mark.parametrize("ending", ["tif", "gif", "webp", "png"])
def test_a_line_says_that_the_first_of_several_was_taken(isolated, ending, capsys):
    pages = paged(Path(f"a.{ending}"))
    assert farthest(open_photo(f"a.{ending}").picture, pages[0]) <= 2
    assert f"note: of 'a.{ending}' the first of 3 pages or frames is taken" in capsys.readouterr().err


def test_a_small_copy_is_not_taken_for_the_picture(isolated, ramp, capsys):
    with tifffile.TiffWriter("a.tif") as tiff:
        tiff.write(ramp[::4, ::4], photometric="rgb", subfiletype=1)
        tiff.write(ramp, photometric="rgb")
    photo = open_photo("a.tif")
    assert farthest(photo.picture, ramp) == 0
    assert "note" not in capsys.readouterr().err


def test_a_file_whose_later_pages_are_damaged(isolated, ramp):
    paged(Path("a.tif"))
    content = Path("a.tif").read_bytes()
    Path("b.tif").write_bytes(content[: len(content) // 2])
    assert open_picture("b.tif").size == (64, 48)


# What is transparent


def test_the_surround_of_a_reference_and_of_a_style_is_not_white(model, tmp_path):
    painting = open_picture(photograph("china").open()).resize((192, 128))
    disc = Image.new("L", painting.size)
    ImageDraw.Draw(disc).ellipse((48, 16, 144, 112), fill=255)
    cut_out = painting.copy()
    cut_out.putalpha(disc)
    cut_out.save(tmp_path / "cut.png")
    shown = without_surround(open_photo(tmp_path / "cut.png"))
    truth = np.asarray(painting)[np.asarray(disc) > 0].mean(0)
    assert abs(np.asarray(shown).mean((0, 1)) - truth).max() < 12
    photo = open_picture(photograph("chelsea").open()).resize((150, 100))
    # nearer than on white to what the opaque middle gives; measured: 32 against 64 levels, and 2.9 against 4.2
    whole, on_white = painting.crop((62, 30, 130, 98)), open_picture(tmp_path / "cut.png")
    for call in (lambda style: model.stylize(photo, style), lambda style: model.colorize(photo, reference=style)):
        ours, right, wrong = (np.asarray(call(s).image, float) for s in (tmp_path / "cut.png", whole, on_white))
        assert abs(ours - right).mean() < 0.75 * abs(wrong - right).mean()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="captures what libtiff itself writes")
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_libtiff_says_nothing_of_its_own(tmp_path, compression, capfd):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.tif", compression=compression)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[200:900] = bytes(700)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ImageError):
        open_picture(tmp_path / "a.tif")
    assert capfd.readouterr().err == ""
