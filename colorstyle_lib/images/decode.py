"""Decoding of picture files with a strict Pillow: upright 8-bit sRGB comes out, or a clear error."""

from __future__ import annotations

import io
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from colorstyle_lib.errors import ImageError

MAX_PIXELS = 200_000_000
"""Larger pictures are refused from their header, before any memory is taken for them."""

# Only what people's pictures come as: Pillow would also run Ghostscript on EPS, and guess at unsigned files.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000", "PPM")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_URL = re.compile(r"data:|[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # one slash, as pathlib leaves of two

_lock = threading.Lock()
_inside = 0
_undo = ExitStack()


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Pillow without its warnings, its pixel limit (ours is checked), its switch to let cut-off files pass.

    All three are global to the process: threads inside share one change, and the last one out undoes it.
    """
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _undo.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\b")
            _undo.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            _undo.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _undo.close()


@contextmanager
def open_header(source: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open a picture file for the ``with`` block; only its header is read. To be used within :func:`strict_pillow`.

    Raises:
        ImageError: not found, a folder, URL or device, empty, no picture, a damaged header, or not readable.
    """
    given = os.fsdecode(source)
    name = repr(given)
    if _URL.match(given):
        raise ImageError(f"{name} is a URL; download the picture first and give its file name")
    path = Path(os.path.expanduser(given))  # noqa: PTH111  (Path's own raises on a file that is named ~like.this)
    try:
        if path.is_dir():
            raise ImageError(f"{name} is a folder, not a picture")
        if not path.parent.is_dir():
            raise ImageError(f"{name} not found: there is no folder {str(path.parent)!r}")
        if not path.exists():
            close = get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
            similar = f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""
            raise ImageError(f"{name} not found{similar}")
        if not path.is_file():
            raise ImageError(f"{name} is a device or a pipe, not a picture")
        if path.stat().st_size == 0:
            raise ImageError(f"{name} is an empty file")
        with path.open("rb") as file:
            yield identify(file, name)
    except OSError as error:
        raise ImageError(f"cannot read {name}: {error.strerror or error}") from error


def identify(file: io.BufferedReader, name: str) -> Image.Image:
    """Read a file's header; within :func:`strict_pillow`."""
    head = file.read(12)
    try:
        Image.init()
        try:
            return Image.open(file, formats=[known for known in _FORMATS if known in Image.OPEN])
        except UnidentifiedImageError:
            # Some AVIF files have a brand of HEIC's, so Pillow is asked first.
            if head[4:8] != b"ftyp" or head[8:12] not in _HEIC_BRANDS:
                raise
            import pillow_heif

            pillow_heif.register_heif_opener()
            return Image.open(file, formats=["HEIF"])
    except UnidentifiedImageError as error:
        known = ", ".join(_FORMATS)
        raise ImageError(f"{name} is not a picture, or its beginning is damaged (known: {known})") from error
    except ImportError as error:
        raise ImageError(f"{name} is a HEIC picture; to open it: pip install pillow-heif") from error
    except Exception as error:  # see decode
        raise ImageError(f"{name} is damaged: {error}") from error


def decode(picture: Image.Image, name: str, *, copy: bool = False) -> Image.Image:
    """Turn an opened picture of any mode into upright 8-bit sRGB without headers; within :func:`strict_pillow`.

    Unless ``copy`` leaves the one given as it is, it may be used up. ``name`` is for messages.

    Raises:
        ImageError: no pixels, more than ``MAX_PIXELS``, damaged, or values out of range.
    """
    width, height = picture.size
    if width * height == 0:
        raise ImageError(f"{name} has no pixels")
    if width * height > MAX_PIXELS:
        millions = f"{width * height / 1e6:.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        raise ImageError(f"{name} has {width} x {height} pixels ({millions}); make it smaller first")
    try:
        picture.load()
        picture = picture.copy() if copy else picture
        with suppress(Exception):  # broken EXIF
            ImageOps.exif_transpose(picture, in_place=True)
        picture = _to_srgb(picture, name)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{width} x {height} pixels of {name} do not fit into memory") from error
    except Exception as error:  # damaged files make decoders raise anything: struct.error, KeyError, ...
        raise ImageError(f"{name} is damaged or cut off: {error}") from error
    # A plain Image without the file's headers, which no longer fit. Pillow's public ways copy the pixels.
    plain = picture._new(picture.im)
    plain.info = {}
    return plain


def _to_srgb(picture: Image.Image, name: str) -> Image.Image:
    """Any mode to RGB: to 8 bits, color profile applied, transparent parts on white."""
    profile, alpha = picture.info.get("icc_profile"), None
    if picture.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if picture.mode.startswith(("I", "F")):
        picture = _deep_gray(picture, name)
    elif picture.has_transparency_data:
        # Split off, since profiles know no alpha, and one of a gray picture wants gray.
        gray = picture.mode in ("L", "LA")
        picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
        picture = picture.convert("L" if gray else "RGB")
    elif picture.mode not in ("L", "RGB", "CMYK", "LAB"):
        picture = picture.convert("RGB")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):  # broken, or of another mode
            profiles = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            in_place = picture.mode == "RGB"  # a large picture should not be there twice
            picture = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB", inPlace=in_place) or picture
    picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=alpha)
        picture = white
    return picture


def _deep_gray(picture: Image.Image, name: str) -> Image.Image:
    """A gray picture of 16 or 32 bits or of floats, as 8 bits."""
    values = np.asarray(picture)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 65535):  # also true of NaN
        raise ImageError(f"{name} has values from {low:g} to {high:g}; write it with 8 or 16 bits first")
    whites = {"F": (1, 255, 65535), "I": (255, 65535)}.get(picture.mode, (65535,))
    white = next(w for w in whites if high <= w)
    if getattr(picture, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0:  # black is the largest value
        values = white - values
    return Image.fromarray(np.rint(values * np.float32(255 / white)).astype(np.uint8))
