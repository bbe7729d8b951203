"""Writing of picture files, whole or not at all."""

import io
import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import open_picture

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # libjpeg's and libwebp's limits


def save_picture(
    image: Any,
    path: str | os.PathLike[str],
    *,
    quality: int = 95,
    text: dict[str, str] | None = None,
    alpha: Image.Image | None = None,
) -> Path:
    """Write a picture, whole or not at all, and return its path; a file of this name is replaced.

    Args:
        image: a ``PIL.Image``, array or tensor, as in :func:`.open_picture`.
        path: the file; its ending (.png, .jpg, .jpeg, .webp, .tif, .tiff) is its format. Parents are made.
        quality: of JPEG and WebP, 1 to 100. PNG and TIFF lose nothing, nor does WebP at 100.
        text: kept in the file, for :func:`.read_text`.
        alpha: how opaque the picture is, which lies on white; kept but by JPEG.

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
        picture = _off_white(picture, alpha) if alpha is not None and kind != "JPEG" else picture
        content = _encode(picture, kind, quality, text or {})
    except (OSError, ValueError, struct.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot write {str(path)!r}: {reason}") from error
    with atomic_write(target, error=ImageError) as file:
        file.write(content)
    return target


def _off_white(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    """A picture that lies on white, as the transparent one that it was."""
    white, opaque = np.float32(255), np.asarray(alpha, np.float32)[..., None]
    color = white - (white - np.asarray(picture.convert("RGB"))) * (white / opaque.clip(1))
    layer = Image.fromarray(np.rint(color.clip(0, 255)).astype(np.uint8))
    layer.putalpha(alpha)
    return layer


def _encode(picture: Image.Image, kind: str, quality: int, text: dict[str, str]) -> memoryview:
    """A picture as the bytes of a file; ValueError where the format cannot hold it."""
    if max(picture.size) > _LONGEST_SIDE.get(kind, math.inf):
        raise ValueError(f"a side of a {kind} has at most {_LONGEST_SIDE[kind]} pixels; write a .png")
    bad = [key for key in text if not (0 < len(key) < 80 and key.isascii() and key.isprintable())]
    if bad:  # PNG's rule; the same for all, so that text does not depend on the ending
        raise ValueError(f"a key of text is 1 to 79 printable ASCII characters, not {bad[0]!r}")
    options: dict[str, Any] = {
        "PNG": {"compress_level": 4},  # of photographs 0.5 % larger than zlib's own 6, in two thirds of the time
        "JPEG": {"quality": quality, "subsampling": 0},  # 4:4:4, for color is what this library is about
        "WEBP": {"quality": min(quality, 99), "lossless": quality == 100},
        "TIFF": {"compression": "tiff_deflate"},
    }[kind]
    if text and kind == "PNG":
        options["pnginfo"] = chunks = PngImagePlugin.PngInfo()
        for key, value in text.items():
            chunks.add_text(key, value)  # iTXt where it is not Latin-1
    elif text:
        options["exif"] = exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = json.dumps(text)  # ASCII, as the field must be
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getbuffer()
