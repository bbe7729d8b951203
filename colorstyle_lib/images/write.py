"""Writing of picture files, whole or not at all."""

import io
import json
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from colorstyle_lib.errors import ImageError, require
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import PROVENANCE, Photo, Source, off_white, open_picture

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
PAGED = (".tif", ".tiff", ".png", ".webp", ".gif")  # that hold several pages (TIFF) or frames
_DURATION = 100  # milliseconds of a frame that does not say, as programs show it
_INCH = 2  # the unit of EXIF's resolutions
_WIDE = 40090  # tags above are Windows' own, in UTF-16
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # libjpeg's and libwebp's limits


def save_picture(
    image: Source | Iterator[Photo],
    path: str | os.PathLike[str],
    *,
    quality: int = 95,
    text: dict[str, str] | None = None,
    gps: bool = False,
) -> Path:
    """Write a picture, whole or not at all, and return its path; a file of this name is replaced.

    Args:
        image: as in :func:`.open_picture`; of a :class:`.Photo` also what it keeps: transparency (not in JPEG), 16 bits
            (PNG and TIFF), captions, dates, author and dpi. Or pages, of a TIFF file, or frames, of a GIF, PNG or WebP
            file, each shown as long as it was.
        path: the file; its ending (.png, .jpg, .jpeg, .webp, .tif, .tiff, and .gif of frames) is its format.
        quality: of JPEG and WebP, 1 to 100. PNG and TIFF lose nothing, nor does WebP at 100.
        text: kept in the file, for :func:`.read_text`.
        gps: also keep the place where it was taken; a TIFF file cannot.

    ImageError: an unknown ending, a folder, a full or read-only disk, or something that the format cannot hold.
    """
    require(1 <= quality <= 100, f"quality is from 1 to 100, not {quality}")
    target = Path(os.path.expanduser(path))  # noqa: PTH111
    kind = FORMATS.get(target.suffix.lower(), "GIF" if isinstance(image, Iterator) else "")
    try:
        if not kind:
            raise ValueError(f"unknown ending {target.suffix!r}; known: {', '.join(FORMATS)}")
        if not isinstance(image, Iterator | Photo):
            # What came with a picture (orientation, profile) would be written beside pixels that it need not fit.
            clean = isinstance(image, Image.Image) and image.mode in ("L", "RGB") and not image.info
            image = Photo(image if clean else open_picture(image))
        with atomic_write(target, error=ImageError) as file:
            pages = image if isinstance(image, Iterator) else iter([image])
            (_write_tiff if kind == "TIFF" else _write)(file, pages, partial(_options, kind, quality, text or {}, gps))
    except (ValueError, struct.error) as error:
        raise ImageError(f"cannot write {str(path)!r}: {error}") from error
    return target


def _write(file: IO[bytes], pages: Iterator[Photo], about: Callable[[Photo], dict[str, Any]]) -> None:
    """A picture, or frames, by Pillow."""
    frames = list(pages)
    options, loop = about(frames[0]), frames[0].kept.get("loop")
    if options["format"] == "PNG" and len(frames) == 1 and frames[0].deep is not None:
        return _write_deep_png(file, frames[0].deep, options)
    clear = any(frame.alpha for frame in frames) and options["format"] != "JPEG"
    first, *others = (_layer(frame, clear) for frame in frames)
    if others:
        lasts = [round(frame.kept.get("duration") or 0) or _DURATION for frame in frames]
        options |= {"save_all": True, "append_images": others, "duration": lasts}
        if loop is not None or options["format"] != "GIF":  # a GIF without it is shown once, others for ever
            options["loop"] = 1 if loop is None else loop
        options |= {"disposal": 2} if clear and options["format"] == "GIF" else {}  # else frames show through the next
    first.save(file, **options)


def _layer(page: Photo, clear: bool) -> Image.Image:
    """A page's picture, as a transparent one if ``clear``."""
    return off_white(page.picture, page.alpha or Image.new("L", page.picture.size, 255)) if clear else page.picture


def _options(kind: str, quality: int, text: dict[str, str], gps: bool, page: Photo) -> dict[str, Any]:
    """Pillow's options for a picture; ValueError where a file cannot hold it."""
    kept = page.kept
    if max(page.picture.size) > _LONGEST_SIDE.get(kind, math.inf):
        raise ValueError(f"a side of a {kind} has at most {_LONGEST_SIDE[kind]} pixels; write a .png")
    if kind == "GIF":
        return {"format": kind, "comment": json.dumps(text)}
    bad = [key for key in text if not (0 < len(key) < 80 and key.isascii() and key.isprintable())]
    if bad:  # PNG's rule; the same for all, so that text does not depend on the ending
        raise ValueError(f"a key of text is 1 to 79 printable ASCII characters, not {bad[0]!r}")
    exif = Image.Exif()
    given = kept.get("exif", {}).items()
    exif.update((tag, _bytes(value)) for tag, value in given if value and (gps or tag != ExifTags.IFD.GPSInfo))
    options: dict[str, Any] = {
        "PNG": {"compress_level": 4},  # of photographs 0.5 % larger than zlib's own 6, in two thirds of the time
        "JPEG": {"quality": quality, "subsampling": 0},  # 4:4:4, for color is what this library is about
        "WEBP": {"quality": min(quality, 99), "lossless": quality == 100},
        "TIFF": {},
    }[kind] | {"format": kind, "exif": exif}
    if dpi := kept.get("dpi"):
        options["dpi"] = dpi
        if kind == "WEBP":  # for which Pillow does not write it
            tags = ExifTags.Base.XResolution, ExifTags.Base.YResolution, ExifTags.Base.ResolutionUnit
            exif.update(zip(tags, (*dpi, _INCH), strict=True))
    if kind == "PNG":
        options["pnginfo"] = chunks = PngImagePlugin.PngInfo()
        for key, value in (kept.get("text", {}) | text).items():
            chunks.add_text(key, value)  # iTXt where it is not Latin-1
    elif text:
        exif[PROVENANCE] = json.dumps(text)  # ASCII, as the field must be
    return options


def _bytes(value: Any) -> Any:
    """A text of EXIF as the bytes that it was read from: Pillow would write question marks for what is not ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _write_tiff(file: IO[bytes], pages: Iterator[Photo], about: Callable[[Photo], dict[str, Any]]) -> None:
    """Pages of 8 or 16 bits, by tifffile; dates stand beside captions, where TIFF/EP has them."""
    from tifffile import TiffWriter  # it takes a while

    always = {"compression": "zlib", "predictor": True, "metadata": None, "software": False}
    with TiffWriter(file) as tiff:
        for page in pages:
            values = np.asarray(_layer(page, page.alpha is not None)) if page.deep is None else page.deep
            options = about(page)
            exif, dpi = options["exif"], options.get("dpi")
            tags = {**exif, **exif.get(ExifTags.IFD.Exif, {})}
            tags.pop(ExifTags.IFD.Exif, None)
            if ExifTags.IFD.GPSInfo in tags:
                raise ValueError("a TIFF file has no room for the place; write a .png or .jpg")
            kinds = {tag: "B" if tag > _WIDE else 7 if isinstance(value, bytes) else 2 for tag, value in tags.items()}
            more = {"extratags": [(tag, kinds[tag], len(value), _bytes(value), True) for tag, value in tags.items()]}
            more |= {"resolution": dpi, "resolutionunit": "INCH"} if dpi else {}
            more |= {"extrasamples": ["unassalpha"]} if values.shape[2:] == (4,) else {}
            tiff.write(values, photometric="rgb" if values.ndim == 3 else "minisblack", **always, **more)


def _write_deep_png(file: IO[bytes], values: np.ndarray, options: dict[str, Any]) -> None:
    """A PNG file of 16-bit colors, which Pillow does not write; the rest is that of a small one of Pillow's."""
    Image.new("RGB", (1, 1)).save(small := io.BytesIO(), **options)
    height, width = values.shape[:2]
    file.write(small.getvalue()[:8])  # the signature; the next 25 bytes tell of size and kind
    PngImagePlugin.putchunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    file.write(small.getvalue()[33 : small.getvalue().rindex(b"IDAT") - 4])
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    rows[:, 6:] -= rows[:, :-6].copy()  # each byte less the one of the pixel before: PNG's filter 1
    rows = np.pad(rows, ((0, 0), (1, 0)), constant_values=1)
    PngImagePlugin.putchunk(file, b"IDAT", zlib.compress(rows, 4))
    PngImagePlugin.putchunk(file, b"IEND", b"")
