"""Writing of picture files, whole or not at all."""

import io
import json
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import PROVENANCE, off_white, open_picture

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_WIDE = 40090  # tags above are Windows' own, in UTF-16
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # libjpeg's and libwebp's limits


def save_picture(
    image: Any,
    path: str | os.PathLike[str],
    *,
    quality: int = 95,
    text: dict[str, str] | None = None,
    alpha: Image.Image | None = None,
    deep: np.ndarray | None = None,
    kept: dict[str, Any] | None = None,
    gps: bool = False,
) -> Path:
    """Write a picture, whole or not at all, and return its path; a file of this name is replaced.

    Args:
        image: a ``PIL.Image``, array or tensor, as in :func:`.open_picture`.
        path: the file; its ending (.png, .jpg, .jpeg, .webp, .tif, .tiff) is its format. Parents are made.
        quality: of JPEG and WebP, 1 to 100. PNG and TIFF lose nothing, nor does WebP at 100.
        text: kept in the file, for :func:`.read_text`.
        alpha: how opaque the picture is, which lies on white; kept but by JPEG.
        deep: the same picture as uint16 ``(H, W, 3)``, which PNG and TIFF files get in its place.
        kept: captions, dates, author and dpi of :class:`.Photo`, beside the text.
        gps: also keep the place where it was taken; a TIFF file cannot.

    Raises:
        ImageError: an unknown ending, a folder, a full or read-only disk, or something that the format cannot hold.
        ConfigError: quality out of range.
    """
    if not 1 <= quality <= 100:
        raise ConfigError(f"quality is from 1 to 100, not {quality}")
    target = Path(os.path.expanduser(path))  # noqa: PTH111
    try:
        if target.is_dir():
            raise ValueError("it is a folder; add a file name to it")
        if (kind := FORMATS.get(target.suffix.lower())) is None:
            raise ValueError(f"unknown ending {target.suffix!r}; known: {', '.join(FORMATS)}")
        # What came with a picture (orientation, profile) would be written beside pixels that it need not fit.
        clean = isinstance(image, Image.Image) and image.mode in ("L", "RGB") and not image.info
        picture = image if clean else open_picture(image)
        picture = off_white(picture, alpha) if alpha is not None and kind != "JPEG" else picture
        content = _encode(picture if deep is None else deep, kind, quality, text or {}, kept or {}, gps)
    except (OSError, ValueError, struct.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot write {str(path)!r}: {reason}") from error
    with atomic_write(target, error=ImageError) as file:
        file.write(content)
    return target


def _encode(
    picture: Image.Image | np.ndarray, kind: str, quality: int, text: dict[str, str], kept: dict[str, Any], gps: bool
) -> memoryview:
    """A picture, or uint16 colors for PNG and TIFF, as the bytes of a file; ValueError where it cannot hold it."""
    if max(np.shape(picture)[:2]) > _LONGEST_SIDE.get(kind, math.inf):
        raise ValueError(f"a side of a {kind} has at most {_LONGEST_SIDE[kind]} pixels; write a .png")
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
    }[kind]
    if dpi := kept.get("dpi"):
        options["dpi"] = dpi
    buffer = io.BytesIO()
    if kind == "PNG":
        options["pnginfo"] = chunks = PngImagePlugin.PngInfo()
        for key, value in (kept.get("text", {}) | text).items():
            chunks.add_text(key, value)  # iTXt where it is not Latin-1
    elif text:
        exif[PROVENANCE] = json.dumps(text)  # ASCII, as the field must be
    if kind == "TIFF":
        _write_tiff(buffer, np.asarray(picture), exif, kept.get("dpi"))
    elif isinstance(picture, np.ndarray):
        _write_deep_png(buffer, picture, options | {"exif": exif})
    else:
        picture.save(buffer, format=kind, **options, exif=exif)
    return buffer.getbuffer()


def _bytes(value: Any) -> Any:
    """A text of EXIF as the bytes that it was read from: Pillow would write question marks for what is not ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _write_tiff(file: io.BytesIO, values: np.ndarray, exif: Image.Exif, dpi: Any) -> None:
    """A TIFF file of 8 or 16 bits, by tifffile; dates stand beside captions, where TIFF/EP has them."""
    from tifffile import imwrite  # it takes a while

    tags = {**exif, **exif.get(ExifTags.IFD.Exif, {})}
    tags.pop(ExifTags.IFD.Exif, None)
    if ExifTags.IFD.GPSInfo in tags:
        raise ValueError("a TIFF file has no room for the place; write a .png or .jpg")
    kinds = {tag: "B" if tag > _WIDE else 7 if isinstance(value, bytes) else 2 for tag, value in tags.items()}
    about = {"extratags": [(tag, kinds[tag], len(value), _bytes(value), True) for tag, value in tags.items()]}
    about |= {"resolution": dpi, "resolutionunit": "INCH"} if dpi else {}
    about |= {"extrasamples": ["unassalpha"]} if values.shape[2:] == (4,) else {}
    kind = "rgb" if values.ndim == 3 else "minisblack"
    imwrite(file, values, photometric=kind, compression="zlib", predictor=True, metadata=None, software=False, **about)


def _write_deep_png(file: io.BytesIO, values: np.ndarray, options: dict[str, Any]) -> None:
    """A PNG file of 16-bit colors, which Pillow does not write; the rest is that of a small one of Pillow's."""
    Image.new("RGB", (1, 1)).save(small := io.BytesIO(), format="PNG", **options)
    height, width = values.shape[:2]
    file.write(small.getvalue()[:8])  # the signature; the next 25 bytes tell of size and kind
    PngImagePlugin.putchunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    file.write(small.getvalue()[33 : small.getvalue().rindex(b"IDAT") - 4])
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    rows[:, 6:] -= rows[:, :-6].copy()  # each byte less the one of the pixel before: PNG's filter 1
    rows = np.pad(rows, ((0, 0), (1, 0)), constant_values=1)
    PngImagePlugin.putchunk(file, b"IDAT", zlib.compress(rows, 4))
    PngImagePlugin.putchunk(file, b"IEND", b"")
