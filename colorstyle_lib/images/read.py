"""Reading of pictures from files, arrays and tensors, with a strict Pillow: upright 8-bit sRGB, or a clear error."""

import ctypes
import io
import json
import math
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageFile, ImageOps, UnidentifiedImageError
from torch import Tensor

from colorstyle_lib.errors import ConfigError, ImageError


@dataclass(frozen=True)
class Photo:
    """An opened picture, with what its results keep."""

    picture: Image.Image  # as of :func:`open_picture`
    alpha: Image.Image | None = None  # how opaque it was, of mode L; None where it was so everywhere
    # the same as uint16, `(H, W)` or, of a TIFF file, `(H, W, 3)`; None of 8 bits, or with transparency
    deep: np.ndarray | None = None
    kept: dict[str, Any] = field(default_factory=dict)  # captions, dates, author, place, dpi; of :func:`.save_picture`


Source = str | os.PathLike[str] | Image.Image | np.ndarray | Tensor | Photo
"""What a person may give as a picture."""

_NAMES = "jpg jpeg jpe jfif png webp tif tiff gif bmp avif heic heif jp2 j2k ppm pgm pbm pnm tga"
ENDINGS = tuple(f".{name}" for name in _NAMES.split())
"""Of the files that can be read."""

MAX_PIXELS = 200_000_000
"""Larger pictures are refused from their header, before any memory is taken for them."""

_SMALL = 16_000_000
DEEP_PIXELS = 40_000_000  # larger pictures are read with 8 bits, for memory's sake
_DENSEST = {"JPEG": 600, "TIFF": 2500, "WEBP": 2500, "JPEG2000": 2500, "AVIF": 2500, "HEIF": 2500}
# Pixels a byte. Photographs have less than 100, flat JPEG files up to 340; more is made to fill memory or time.

# Only what people's pictures come as: Pillow would also run Ghostscript on EPS, and guess at unsigned files.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000", "PPM")
_PAGED = ("TIFF", "GIF", "PNG", "WEBP")  # whose further pages are pictures too
_KEPT = (
    "ImageDescription Make Model DateTime Artist Copyright XPTitle XPComment XPAuthor XPSubject",
    "DateTimeOriginal DateTimeDigitized OffsetTime OffsetTimeOriginal OffsetTimeDigitized UserComment",
)
PROVENANCE = ExifTags.Base.ImageHistory  # where it stands in EXIF, so that a caption keeps its own place
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# By kind and size of the values: what counts as white, each with the largest value that may lie above it (highlights
# of a photograph without an upper limit, or the overshoot of a sharpened one), where the file itself does not say.
_WHITES = {
    "f": ((1, 4), (255, 320), (65535, 65535 * 1.25)),
    "i4": ((255, 255), (65535, 65535)),
    "u1": ((255, 255),),
    "u2": ((65535, 65535),),
    "u4": ((255, 255), (65535, 65535), (2**32 - 1, 2**32 - 1)),
}
_URL = re.compile(r"data:|[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # one slash, as pathlib leaves of two

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
        if path.is_dir():
            raise ImageError(f"{name} is a folder, not a picture")
        if not path.parent.is_dir():
            raise ImageError(f"{name} not found: there is no folder {str(path.parent)!r}")
        if path.is_symlink() and not path.exists():
            raise ImageError(f"{name} is a link to something that is not there")
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
    size, head = file.seek(0, os.SEEK_END), file.seek(0) or file.read(12)
    try:
        Image.init()
        try:
            # TGA has no signature; its files are told by their ending.
            formats = (*_FORMATS, "TGA") if name[:-1].lower().endswith(".tga") else _FORMATS
            picture = Image.open(file, formats=[known for known in formats if known in Image.OPEN])
            pixels, most = math.prod(picture.size), _DENSEST.get(picture.format, math.inf)
            if _SMALL < pixels <= MAX_PIXELS and pixels > most * size and picture.mode != "1":
                raise ImageError(f"{name} is no picture: {size} bytes that would become {pixels / 1e6:.0f} megapixels")
            with suppress(EOFError):  # a small copy may come before the picture itself
                while getattr(picture, "tag_v2", {}).get(ExifTags.Base.NewSubfileType, 0) & 1:
                    picture.seek(picture.tell() + 1)
            return _deep_tiff(file, name, picture) if _is_misread(picture) else picture
        except UnidentifiedImageError:
            if head[:4] in _TIFF:
                return _deep_tiff(file, name)
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


def _deep_tiff(file: io.BufferedReader, name: str, header: Image.Image | None = None) -> Image.Image:
    from colorstyle_lib.images.deep_tiff import DeepTiff  # tifffile takes a while

    file.seek(0)
    deep = DeepTiff(file, name)
    if header is not None:
        deep.seek(header.tell())
        deep.info["header"] = header
    return deep


def _is_misread(picture: Image.Image) -> bool:
    """Whether Pillow misreads a TIFF file's 16-bit planes or unsigned 32 bits, or drops half of 16-bit colors."""
    tags = getattr(picture, "tag_v2", {})
    compression, separate = tags.get(ExifTags.Base.Compression), tags.get(ExifTags.Base.PlanarConfiguration) == 2
    bits, unsigned = tags.get(ExifTags.Base.BitsPerSample, (8,)), 1 in tags.get(ExifTags.Base.SampleFormat, (1,))
    color = bits == (16, 16, 16) and compression in (1, 8, 32946) and math.prod(picture.size) <= DEEP_PIXELS
    return color or (bits[0] == 16 and separate and compression == 1) or (bits[0] == 32 and unsigned)


def _loaded(picture: Image.Image, name: str, strict: bool) -> Image.Image:
    """The picture, decoded. A JPEG that lacks its last bytes but no pixel is told of and taken, unless ``strict``."""
    try:
        picture.load()
        return picture
    except OSError:
        if strict or picture.format != "JPEG":
            raise
        picture.fp.seek(0)
        start = picture.fp.read().rstrip(b"\xff")
        # What follows the last pixel changes nothing; in the place of bits that are missing, it does.
        ends = (start + filling * 64 + b"\xff\xd9" for filling in (b"\x00", b"\xaa"))
        one, other = (Image.open(io.BytesIO(end), formats=["JPEG"]) for end in ends)
        if ImageChops.difference(one, other).getbbox():
            raise
        print(f"note: {name} lacks its last bytes, and none of its pixels", file=sys.stderr)
        return one


def decode(picture: Image.Image, name: str, *, copy: bool = False, strict: bool = False) -> Photo:
    """Turn an opened picture of any mode into upright 8-bit sRGB without headers; within :func:`strict_pillow`.

    Unless ``copy`` leaves the one given as it is, it may be used up. ImageError, with ``name`` in it, for no pixels,
    more than ``MAX_PIXELS``, damage, or values out of range.
    """
    width, height = picture.size
    if width * height == 0:
        raise ImageError(f"{name} has no pixels")
    if width * height > MAX_PIXELS:
        millions = f"{width * height / 1e6:.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        raise ImageError(f"{name} has {width} x {height} pixels ({millions}); make it smaller first")
    try:
        picture = _loaded(picture, name, strict)
        picture = picture.copy() if copy else picture
        with suppress(Exception):  # broken EXIF
            ImageOps.exif_transpose(picture, in_place=True)
        picture, alpha, deep = _to_srgb(picture, name)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{width} x {height} pixels of {name} do not fit into memory") from error
    except Exception as error:  # damaged files make decoders raise anything: struct.error, KeyError, ...
        raise ImageError(f"{name} is damaged or cut off: {error}") from error
    # A plain Image without the file's headers, which no longer fit. Pillow's public ways copy the pixels.
    plain = picture._new(picture.im)
    plain.info = {}
    return Photo(plain, alpha if alpha and alpha.getextrema()[0] < 255 else None, None if alpha else deep)


def _to_srgb(picture: Image.Image, name: str) -> tuple[Image.Image, Image.Image | None, np.ndarray | None]:
    """Any mode to RGB: to 8 bits, color profile applied, transparent parts on white; with alpha, and deep values."""
    profile, alpha, deep = picture.info.get("icc_profile"), None, getattr(picture, "deep", None)
    if picture.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if picture.mode.startswith(("I", "F")):
        values, clear = np.asarray(picture), picture.info.get("transparency")
        inverted = getattr(picture, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0
        alpha = Image.fromarray(values != clear).convert("L") if isinstance(clear, int) else None
        deep = to_levels(values, name, np.uint16, inverted) if values.size <= DEEP_PIXELS else None
        picture = Image.fromarray(to_levels(values, name, inverted=inverted))
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
            if deep is not None:  # the same by a curve, that of grays
                ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(picture.mode)
                curve = np.asarray(ImageCms.profileToProfile(ramp, *profiles, outputMode="RGB"))[0, :, 1]
                between = np.interp(np.arange(65536), np.arange(256) * 257, curve * 257.0)
                deep = np.rint(between).astype(np.uint16)[deep]
            in_place = picture.mode == "RGB"  # a large picture should not be there twice
            picture = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB", inPlace=in_place) or picture
    picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=alpha)
        picture = white
    return picture, alpha, deep


def to_levels(values: np.ndarray, name: str, kind: type[np.unsignedinteger] = np.uint8, inverted: bool = False) -> Any:
    """Gray or color of 16 or 32 bits or of floats as levels of 8 bits, or of 16.

    Floats and 32 bits say nothing of their range: white is 1 (floats only), 255 or 65535, the first whose picture may
    hold the largest value. What lies above white, or a little below 0, is cut off.
    """
    low, high = values.min(), values.max()
    given = values.dtype.kind if values.dtype.kind == "f" else f"{values.dtype.kind}{values.dtype.itemsize}"
    white = next((white for white, most in _WHITES.get(given, ()) if high <= most), 0)
    if not (white and low >= -white / 4):  # also true of NaN
        raise ImageError(f"{name} has values from {low:g} to {high:g}; write it with 8 or 16 bits first")
    top = np.iinfo(kind).max
    return np.rint((values * np.float32(top / white)).clip(0, top)).astype(kind) ^ kind(top * inverted)


def open_picture(source: Source, *, strict: bool = False) -> Image.Image:
    """Open a picture as 8-bit sRGB: upright, first frame only, color profile applied, transparency on white.

    A broken color profile or EXIF block is ignored. Of 16 bits and more, 8 are kept; see :func:`.to_levels`.

    Args:
        source: a path; a ``PIL.Image`` (left as it is); an array ``(H, W)`` or ``(H, W, 1|3|4)``; or a tensor
            ``(H, W)``, ``(1|3|4, H, W)`` or ``(1, 1|3|4, H, W)``. Arrays and tensors hold gray, sRGB or sRGB
            and alpha, as bool, uint8, uint16 or float in [0, 1]. A :class:`Photo` is open already.
        strict: also refuse a JPEG that lacks its last bytes but no pixel.

    Returns:
        A picture of mode RGB that shares no memory with the source.

    Raises:
        ImageError: not found, a folder or URL, empty, damaged, no picture, too large, or values out of range.
    """
    return open_photo(source, strict=strict, quiet=True).picture


def open_photo(source: Source, *, strict: bool = False, quiet: bool = False) -> Photo:
    """:func:`open_picture` with what its results keep; of several pages or frames the first, and a line says so."""
    if isinstance(source, Photo):
        return source
    with strict_pillow():
        if isinstance(source, str | os.PathLike):
            with open_header(source) as picture:
                name, header = repr(os.fsdecode(source)), picture.info.get("header", picture)
                first, kept = header.tell(), _kept(header)
                photo = replace(decode(picture, name, strict=strict), kept=kept)
                with suppress(Exception):  # a damaged end, which the first picture need not share
                    if not quiet and header.format in _PAGED and (count := header.n_frames) > first + 1:
                        text = f"the first of {count} pages or frames is taken; save the others as files of their own"
                        print(f"note: of {name} {text}", file=sys.stderr)
                return photo
        if isinstance(source, Image.Image):
            return replace(decode(source, "the picture given", copy=True), kept=_kept(source))
        if isinstance(source, Tensor):
            return decode(_from_array(_tensor_to_array(source)), "the tensor given")
        if isinstance(source, np.ndarray):
            return decode(_from_array(source), "the array given")
    raise ImageError(f"a picture is a path, a PIL.Image, an array or a tensor, not {type(source).__name__!r}")


def _kept(picture: Image.Image) -> dict[str, Any]:
    """Of a picture's header: ``exif`` (captions, dates, author, and the place), ``dpi`` and a PNG's ``text``."""
    kept: dict[str, Any] = {"dpi": picture.info.get("dpi")}
    texts = [(name, str(value)) for name, value in picture.info.items() if isinstance(value, str)]
    kept["text"] = {str(key): text for key, text in texts if picture.format == "PNG" and not key.startswith("XML:")}
    with suppress(Exception):  # broken EXIF
        given, exif = picture.getexif(), kept.setdefault("exif", Image.Exif())
        times = dict(given) | given.get_ifd(ExifTags.IFD.Exif)  # a TIFF file has them beside the captions
        captions, dates = ({ExifTags.Base[n]: times.get(ExifTags.Base[n]) for n in names.split()} for names in _KEPT)
        exif.update((tag, value) for tag, value in captions.items() if value)
        exif[ExifTags.IFD.Exif] = {tag: value for tag, value in dates.items() if value}
        exif[ExifTags.IFD.GPSInfo] = given.get_ifd(ExifTags.IFD.GPSInfo)
    return kept


def without_surround(photo: Photo) -> Image.Image:
    """A picture whose transparent parts, which lie on white, are filled with its opaque pixels, in their order."""
    clear = np.asarray(photo.alpha or 255) < 128
    if not clear.any() or clear.all():
        return photo.picture
    colors = np.array(photo.picture)
    colors[clear] = np.resize(colors[~clear], (clear.sum(), 3))
    return Image.fromarray(colors)


def open_mask(source: Source) -> Image.Image:
    """Open a mask, of mode L: by its alpha where what shows is of one color, as of a layer that was painted on.

    Errors are those of :func:`open_picture`.
    """
    photo = open_photo(source)
    layer = photo.alpha and off_white(photo.picture, photo.alpha)
    shows = np.asarray(layer)[np.asarray(layer)[..., 3] > 127] if layer else []
    painted = len(shows) and np.ptp(shows[:, :3], axis=0).max() <= 8
    return photo.alpha if painted else photo.picture.convert("L")


def off_white(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    """A picture that lies on white, as the transparent one that it was, of mode RGBA."""
    white, opaque = np.float32(255), np.asarray(alpha, np.float32)[..., None]
    color = white - (white - np.asarray(picture.convert("RGB"))) * (white / opaque.clip(1))
    layer = Image.fromarray(np.rint(color.clip(0, 255)).astype(np.uint8))
    layer.putalpha(alpha)
    return layer


def size_of_file(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height that :func:`open_picture` would return, and its errors, as far as the file's header tells."""
    with strict_pillow(), open_header(path) as picture:
        width, height = picture.size
        with suppress(Exception):  # broken EXIF
            if picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5:  # turned by a quarter
                return height, width
        return width, height


def _tensor_to_array(tensor: Tensor) -> np.ndarray:
    """``(H, W)``, ``(C, H, W)`` or ``(1, C, H, W)`` to ``(H, W)`` or ``(H, W, C)``."""
    planes = tensor[0] if tensor.ndim == 4 and len(tensor) == 1 else tensor
    if planes.ndim == 3 and len(planes) in (1, 3, 4):
        planes = planes.permute(1, 2, 0)
    elif planes.ndim != 2:
        raise ImageError(f"a picture tensor is (H, W), (1|3|4, H, W) or (1, 1|3|4, H, W), not {tuple(tensor.shape)}")
    try:
        planes = planes.detach().cpu()
        return (planes.float() if planes.dtype == torch.bfloat16 else planes).numpy()  # NumPy knows no bfloat16
    except (RuntimeError, TypeError) as error:  # meta, sparse, quantized
        raise ImageError(f"a picture tensor holds plain numbers, not {tensor.layout} on {tensor.device}") from error


def _from_array(array: np.ndarray) -> Image.Image:
    """``(H, W)`` or ``(H, W, 1|3|4)`` to a picture of mode L, RGB or RGBA."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or array.size == 0:
        raise ImageError(f"a picture array is (H, W) or (H, W, 1|3|4) and not empty, not {array.shape}")
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype == np.uint16:
        array = np.rint(array * np.float32(1 / 257)).astype(np.uint8)
    elif np.issubdtype(array.dtype, np.floating):
        low, high = array.min(), array.max()
        if not (low >= -1e-3 and high <= 1 + 1e-3):  # rounding errors pass; NaN does not
            raise ImageError(f"a float picture lies in [0, 1], not from {low:g} to {high:g}; divide it first")
        array = np.rint(array.clip(0, 1).astype(np.float32) * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise ImageError(f"a picture is bool, uint8, uint16 or float in [0, 1], not {array.dtype}; convert it")
    return Image.fromarray(np.array(array, order="C"))


def to_tensor(image: Image.Image) -> Float[Tensor, "3 h w"]:
    """A picture as float32 sRGB planes in [0, 1]; of another mode than RGB it goes through :func:`open_picture`."""
    rgb = image if image.mode == "RGB" else open_picture(image)
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).contiguous().to(torch.float32).div_(255)


def to_picture(image: Float[Tensor, "*n c h w"]) -> Image.Image:
    """A tensor ``(3, H, W)`` or ``(1, 3, H, W)`` of sRGB, cut to [0, 1], as an 8-bit picture.

    ImageError for another shape (a batch holds several pictures), or NaN.
    """
    if image.shape not in ((3, *image.shape[-2:]), (1, 3, *image.shape[-2:])):
        raise ImageError(f"one picture is (3, H, W) or (1, 3, H, W), not {tuple(image.shape)}")
    if image.isnan().any():
        raise ImageError("the picture has NaN in it")
    levels = image.detach().reshape(image.shape[-3:]).float().clamp(0, 1).mul_(255).round_().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().contiguous().numpy())


def resize(image: Float[Tensor, "n c h w"], size: tuple[int, int]) -> Float[Tensor, "n c height width"]:
    """Resize a batch to height and width by antialiased bilinear interpolation: a triangle filter, wider to shrink."""
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    return nnf.interpolate(image, size=tuple(size), mode="bilinear", antialias=True, align_corners=False)


def shorter_side(image: Float[Tensor, "n 3 h w"], size: int, multiple: int = 1) -> Float[Tensor, "n 3 height width"]:
    """Resize a batch so that its shorter side has ``size`` pixels; the aspect ratio is kept up to rounding.

    Both sides are rounded to a multiple of ``multiple``, and are at least that. ImageError for a picture so long and
    thin that the result would have more than ``MAX_PIXELS``; ConfigError where ``size`` or ``multiple`` is below 1.
    """
    if size < 1 or multiple < 1:
        raise ConfigError(f"size and multiple are at least 1, not {size} and {multiple}")
    sides = tuple(image.shape[-2:])
    height, width = (max(1, round(side * size / min(sides) / multiple)) * multiple for side in sides)
    if height * width > MAX_PIXELS:
        raise ImageError(f"a picture of {sides[1]} x {sides[0]} pixels is too long and thin; crop it first")
    return resize(image, (height, width))


def read_text(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text that :func:`.save_picture` put into a file; errors are those of :func:`open_picture`.

    It is the text chunks before a PNG's pixels, and of other formats the JSON object in EXIF's ImageHistory, or, as
    written before, in its ImageDescription.
    """
    with strict_pillow(), open_header(path) as picture:
        try:
            if picture.format == "PNG":
                return _kept(picture)["text"]
            exif = picture.info.get("header", picture).getexif()
            found = json.loads(exif.get(PROVENANCE) or exif.get(ExifTags.Base.ImageDescription, "{}"))
        except ValueError:  # somebody else's description
            return {}
        except Exception as error:  # see decode
            raise ImageError(f"{os.fsdecode(path)!r} is damaged or cut off: {error}") from error
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def find_pictures(folder: str | os.PathLike[str], recursive: bool = True) -> list[Path]:
    """All files in a folder that are pictures by their ending, sorted; see :func:`visible_files`."""
    return [path for path in visible_files(folder, recursive) if path.suffix.lower() in ENDINGS]


def visible_files(folder: str | os.PathLike[str], recursive: bool = True) -> list[Path]:
    """All files in a folder, sorted; hidden files and folders are left out.

    Links to folders are not followed: they may run in circles. ImageError where a folder cannot be read.
    """
    root = Path(os.path.expanduser(folder))  # noqa: PTH111
    if not root.is_dir():
        raise ImageError(f"{str(root)!r} is not a folder; give one with pictures in it")

    def refuse(error: OSError) -> None:
        raise ImageError(f"cannot read the folder {error.filename!r}: {error.strerror}") from error

    found = []
    for here, folders, files in os.walk(root, onerror=refuse):
        # Emptied or trimmed in place, since that is what os.walk goes on with.
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        found += [Path(here, name) for name in files if not name.startswith(".")]
    return sorted(found)
