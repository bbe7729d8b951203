"""Headers of picture files: of which format a file is, whether it may be decoded, and which pages are pictures."""

import ctypes
import io
import math
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from colorstyle_lib.errors import ImageError, require

_NAMES = "jpg jpeg jpe jfif png webp tif tiff gif bmp avif heic heif jp2 j2k ppm pgm pbm pnm tga"
ENDINGS = tuple(f".{name}" for name in _NAMES.split())  # of the files that can be read
MAX_PIXELS = 200_000_000  # larger pictures are refused from their header, before any memory is taken for them
_SMALL = 16_000_000
DEEP_PIXELS = 40_000_000  # larger pictures are read with 8 bits, for memory's sake
_DENSEST = {"JPEG": 600, "TIFF": 2500, "WEBP": 2500, "JPEG2000": 2500, "AVIF": 2500, "HEIF": 2500}
# Pixels a byte. Photographs have less than 100, flat JPEG files up to 340; more is made to fill memory or time.
_SCANNED = 500_000_000  # pixels, in all scans of a progressive JPEG file together: some seconds

# Only what people's pictures come as: Pillow would also run Ghostscript on EPS, and guess at unsigned files.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000", "PPM")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_URL = re.compile(r"data:|[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # one slash, as pathlib leaves of two

# Names under which Pillow keeps what a file says of itself; a PNG's text of such a name would take its place.
_MEANT = ("transparency", "icc_profile", "dpi", "duration", "loop", "default_image", "progressive", "header", "exif")

_lock = threading.Lock()
_inside = 0
_undo = ExitStack()


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Pillow without warnings, libtiff's too, its pixel limit (ours is checked), its switch to let cut-off files pass.

    All are global to the process: threads inside share one change, and the last one out undoes it.
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
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                with suppress(AttributeError, OSError):  # a Pillow that was built in another way
                    set_handler = getattr(ctypes.CDLL(Image.core.__file__), name)
                    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
                    _undo.callback(set_handler, set_handler(None))
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

    ImageError for what is not found, a folder, URL or device, empty, no picture, not readable, or has a damaged header.
    """
    given = os.fsdecode(source)
    name = repr(given)
    if _URL.match(given):
        raise ImageError(f"{name} is a URL; download the picture first and give its file name")
    path = Path(os.path.expanduser(given))  # noqa: PTH111  (Path's own raises on a file that is named ~like.this)
    try:
        require(not path.is_dir(), f"{name} is a folder, not a picture", ImageError)
        if not path.parent.is_dir():
            raise ImageError(f"{name} not found: there is no folder {str(path.parent)!r}")
        if path.is_symlink() and not path.exists():
            raise ImageError(f"{name} is a link to something that is not there")
        if not path.exists():
            close = get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
            similar = f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""
            raise ImageError(f"{name} not found{similar}")
        require(path.is_file(), f"{name} is a device or a pipe, not a picture", ImageError)
        require(path.stat().st_size > 0, f"{name} is an empty file", ImageError)
        with path.open("rb") as file:
            yield identify(file, name)
    except OSError as error:
        raise ImageError(f"cannot read {name}: {error.strerror or error}") from error


def set_texts_aside(picture: Image.Image) -> None:
    """Move a PNG's texts that have the name of something else to ``aside``; once more when the pixels are read."""
    found = {key: picture.info.pop(key) for key in _MEANT if isinstance(picture.info.get(key), str)}
    exif = picture.info.get("exif")
    if picture.format == "PNG" and isinstance(exif, bytes) and not exif.startswith(b"Exif\0\0"):
        found["exif"] = picture.info.pop("exif").decode("latin-1")  # Pillow leaves this one text as bytes
    picture.aside = getattr(picture, "aside", {}) | found


def identify(file: io.BufferedReader, name: str) -> Image.Image:
    """Read a file's header; within :func:`strict_pillow`."""
    size, head = file.seek(0, os.SEEK_END), file.seek(0) or file.read(12)
    try:
        Image.init()
        try:
            # TGA has no signature; its files are told by their ending.
            formats = (*_FORMATS, "TGA") if name[:-1].lower().endswith(".tga") else _FORMATS
            picture = Image.open(file, formats=[known for known in formats if known in Image.OPEN])
            set_texts_aside(picture)
            pixels, most = math.prod(picture.size), _DENSEST.get(picture.format, math.inf)
            if _SMALL < pixels <= MAX_PIXELS and pixels > most * size and picture.mode != "1":
                raise ImageError(f"{name} is no picture: {size} bytes that would become {pixels / 1e6:.0f} megapixels")
            if picture.info.get("progressive") and (scans := _scans(file)) > 20 and scans * pixels > _SCANNED:
                raise ImageError(f"{name} is no picture: {scans} scans of its pixels, where photographs have about 10")
            with suppress(EOFError):  # a small copy may come before the picture itself
                while _is_part(picture):
                    picture.seek(picture.tell() + 1)
            return deep_tiff(file, name, picture) if is_misread(picture) else picture
        except UnidentifiedImageError:
            if head[:4] in _TIFF:
                return deep_tiff(file, name)
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
    except ImageError:
        raise
    except Exception as error:  # see decode
        raise ImageError(f"{name} is damaged: {error}") from error


def _scans(file: io.BufferedReader) -> int:
    """How often a progressive JPEG file goes over its pixels; the file's position stays."""
    place, _ = file.tell(), file.seek(0)
    scans = file.read().count(b"\xff\xda")
    file.seek(place)
    return scans


def _is_part(page: Image.Image) -> bool:
    """Whether a page of a TIFF file is a small copy of another."""
    tags = getattr(page, "tag_v2", {})
    return bool(tags.get(ExifTags.Base.NewSubfileType, 0) & 1 or tags.get(ExifTags.Base.SubfileType) == 2)


def page_numbers(header: Image.Image) -> list[int]:
    """Which pages or frames of a TIFF, GIF, PNG or WebP file are pictures of their own; of other files the first."""
    if header.format not in ("TIFF", "GIF", "PNG", "WEBP"):
        return [0]
    # Of a PNG, the still that programs show which know no animations is no frame of it.
    numbers = range(bool(header.info.get("default_image")), header.n_frames)
    return [n for n in numbers if header.format != "TIFF" or header.seek(n) or not _is_part(header)]


def deep_tiff(file: io.BufferedReader, name: str, header: Image.Image | None = None) -> Image.Image:
    """The same file, at the same page, for :func:`is_misread`."""
    from colorstyle_lib.images.deep_tiff import DeepTiff  # tifffile takes a while

    file.seek(0)
    deep = DeepTiff(file, name)
    if header is not None:
        deep.seek(header.tell())
        deep.info["header"] = header
    return deep


def is_misread(picture: Image.Image) -> bool:
    """Whether Pillow misreads a TIFF file's 16-bit planes or unsigned 32 bits, or drops half of 16-bit colors."""
    tags = getattr(picture, "tag_v2", {})
    compression, separate = tags.get(ExifTags.Base.Compression), tags.get(ExifTags.Base.PlanarConfiguration) == 2
    bits, unsigned = tags.get(ExifTags.Base.BitsPerSample, (8,)), 1 in tags.get(ExifTags.Base.SampleFormat, (1,))
    color = bits == (16, 16, 16) and compression in (1, 8, 32946) and math.prod(picture.size) <= DEEP_PIXELS
    return color or (bits[0] == 16 and separate and compression == 1) or (bits[0] == 32 and unsigned)
