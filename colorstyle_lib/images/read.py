"""Reading of pictures from files, arrays and tensors, with a strict Pillow: upright 8-bit sRGB, or a clear error."""

import io
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageOps
from torch import Tensor

from colorstyle_lib.errors import ImageError, require
from colorstyle_lib.images.header import (
    DEEP_PIXELS,
    ENDINGS,
    MAX_PIXELS,
    deep_tiff,
    is_misread,
    open_header,
    page_numbers,
    set_texts_aside,
    strict_pillow,
)


@dataclass(frozen=True)
class Photo:
    """An opened picture, with what its results keep."""

    picture: Image.Image  # as of :func:`open_picture`
    alpha: Image.Image | None = None  # how opaque it was, of mode L; None where it was so everywhere
    # the same as uint16, `(H, W)` or `(H, W, 3)`; None of 8 bits, or with transparency
    deep: np.ndarray | None = None
    # captions, dates, author, place, dpi, and how long a frame is shown; for :func:`.save_picture`
    kept: dict[str, Any] = field(default_factory=dict)


Source = str | os.PathLike[str] | Image.Image | np.ndarray | Tensor | Photo  # what a person may give as a picture
_KEPT = (
    "ImageDescription Make Model DateTime Artist Copyright XPTitle XPComment XPAuthor XPSubject",
    "DateTimeOriginal DateTimeDigitized OffsetTime OffsetTimeOriginal OffsetTimeDigitized UserComment",
)
PROVENANCE = ExifTags.Base.ImageHistory  # where it stands in EXIF, so that a caption keeps its own place
# By kind and size of the values: what counts as white, each with the largest value that may lie above it (highlights
# of a photograph without an upper limit, or the overshoot of a sharpened one), where the file itself does not say.
_WHITES = {
    "f": ((1, 4), (255, 320), (65535, 65535 * 1.25)),
    "i4": ((255, 255), (65535, 65535)),
    "u1": ((255, 255),),
    "u2": ((65535, 65535),),
    "u4": ((255, 255), (65535, 65535), (2**32 - 1, 2**32 - 1)),
}


def _loaded(picture: Image.Image, name: str, strict: bool) -> Image.Image:
    """The picture, decoded. A JPEG that lacks its last bytes but no pixel is told of and taken, unless ``strict``."""
    try:
        lower = _lower_bytes(picture)
        picture.load()
        if lower is not None:
            picture.deep = np.asarray(picture).astype(np.uint16) << 8 | lower
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


def _lower_bytes(picture: Image.Image) -> np.ndarray | None:
    """Those of the 16-bit colors of a PNG file, of which Pillow takes the upper ones; None of another file."""
    tile = picture.tile[0] if picture.format == "PNG" and picture.tile and picture.n_frames == 1 else None
    if tile is None or tile.args != "RGB;16B" or math.prod(picture.size) > DEEP_PIXELS:
        return None
    place = picture.fp.tell()
    picture.fp.seek(0)
    lower = Image.open(io.BytesIO(picture.fp.read()), formats=["PNG"])
    picture.fp.seek(place)
    lower.tile = [tile._replace(args="RGB;16L")]  # the other byte taken for the upper one
    return np.asarray(lower).astype(np.uint16)


def decode(picture: Image.Image, name: str, *, copy: bool = False, strict: bool = False) -> Photo:
    """Turn an opened picture of any mode into upright 8-bit sRGB without headers; within :func:`strict_pillow`.

    Unless ``copy``, the one given may be used up. ImageError with ``name``: no or too many pixels, damage, bad values.
    """
    width, height = picture.size
    require(width * height > 0, f"{name} has no pixels", ImageError)
    if width * height > MAX_PIXELS:
        millions = f"{width * height / 1e6:.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        raise ImageError(f"{name} has {width} x {height} pixels ({millions}); make it smaller first")
    try:
        picture = _loaded(picture, name, strict)
        set_texts_aside(picture)
        deep, picture = getattr(picture, "deep", None), picture.copy() if copy else picture
        with suppress(Exception):  # broken EXIF
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1)
            ImageOps.exif_transpose(picture, in_place=True)
            if deep is not None:
                deep = deep.swapaxes(0, 1) if turned >= 5 else deep
                deep = deep[::-1] if turned in (3, 4, 7, 8) else deep
                deep = deep[:, ::-1] if turned in (2, 3, 6, 7) else deep
        photo = _to_srgb(picture, name, deep)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{width} x {height} pixels of {name} do not fit into memory") from error
    except Exception as error:  # damaged files make decoders raise anything: struct.error, KeyError, ...
        raise ImageError(f"{name} is damaged or cut off: {error}") from error
    # A plain Image without the file's headers, which no longer fit. Pillow's public ways copy the pixels.
    plain, alpha = photo.picture._new(photo.picture.im), photo.alpha
    plain.info = {}
    return Photo(plain, alpha if alpha and alpha.getextrema()[0] < 255 else None, None if alpha else photo.deep)


def _to_srgb(picture: Image.Image, name: str, deep: np.ndarray | None) -> Photo:
    """Any mode to RGB: to 8 bits, color profile applied, transparent parts on white; with alpha, and deep values."""
    profile, alpha = picture.info.get("icc_profile"), None
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
    if profile and deep is not None and deep.ndim == 3:  # other primaries, which a curve cannot turn into sRGB
        off = deep[::8, ::8] / np.float32(257) - np.asarray(picture)[::8, ::8]
        deep = deep if np.abs(off).max() < 4 else None
    if alpha is not None:
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=alpha)
        picture = white
    return Photo(picture, alpha, deep)


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

    ImageError: not found, a folder or URL, empty, damaged, no picture, too large, or values out of range.
    """
    return open_photo(source, strict=strict, quiet=True).picture


def open_photo(source: Source, *, strict: bool = False, quiet: bool = False) -> Photo:
    """:func:`open_picture` with what its results keep; of several pages or frames the first, and a line says so."""
    if isinstance(source, Photo):
        return source
    if isinstance(source, str | os.PathLike):
        with closing(open_pages(source, strict=strict)) as pages:
            photo = next(pages)
        if not quiet and (count := photo.kept["pages"]) > 1:
            text = f"the first of {count} pages or frames is taken; a .tif, .png or .webp file (-o) holds all"
            print(f"note: of {os.fsdecode(source)!r} {text}", file=sys.stderr)
        return photo
    with strict_pillow():
        if isinstance(source, Image.Image):
            return replace(decode(source, "the picture given", copy=True), kept=_kept(source))
        if isinstance(source, Tensor):
            return decode(_from_array(_tensor_to_array(source)), "the tensor given")
        if isinstance(source, np.ndarray):
            return decode(_from_array(source), "the array given")
    raise ImageError(f"a picture is a path, a PIL.Image, an array or a tensor, not {type(source).__name__!r}")


def open_pages(path: str | os.PathLike[str], *, strict: bool = False) -> Iterator[Photo]:
    """:func:`open_photo` for each page of a TIFF file, or each frame of a GIF, PNG or WebP file, as they are asked for.

    How many there are, and whether they are frames, is ``kept`` as ``pages`` and ``in_time``. ImageError where a later
    one is damaged, or frames have more than ``MAX_PIXELS`` together, for they are written at once.
    """
    name = repr(os.fsdecode(path))
    with strict_pillow(), open_header(path) as picture:
        header, file = picture.info.get("header", picture), picture.fp
        numbers, in_time = [header.tell()], header.format != "TIFF"
        with suppress(Exception):  # a damaged end, which the first picture need not share
            numbers = page_numbers(header)
        for number in numbers:
            try:
                header.seek(number)
                page = picture if number == numbers[0] else header
                page = deep_tiff(file, name, header) if is_misread(page) else page
            except Exception as error:  # see decode
                raise ImageError(f"page or frame {number + 1} of {name} is damaged: {error}") from error
            photo = decode(page, name, copy=len(numbers) > 1, strict=strict)
            kept = _kept(header) | {"pages": len(numbers), "in_time": in_time}  # a frame of WebP tells its time by now
            yield replace(photo, kept=kept)
            if in_time and len(numbers) * math.prod(header.size) > MAX_PIXELS:
                raise ImageError(f"the {len(numbers)} frames of {name} are too large together; make a video of them")


def _kept(picture: Image.Image) -> dict[str, Any]:
    """Of a picture's header: ``exif`` (captions, dates, author, and the place), ``dpi`` and a PNG's ``text``."""
    kept: dict[str, Any] = {key: picture.info.get(key) for key in ("dpi", "duration", "loop")}
    every = picture.info | getattr(picture, "aside", {})
    texts = [(name, str(value)) for name, value in every.items() if isinstance(value, str)]
    kept["text"] = {str(key): text for key, text in texts if picture.format == "PNG" and not key.startswith("XML:")}
    with suppress(Exception):  # broken EXIF
        given, exif = picture.getexif(), kept.setdefault("exif", Image.Exif())
        times = dict(given) | given.get_ifd(ExifTags.IFD.Exif)  # a TIFF file has them beside the captions
        captions, dates = ({ExifTags.Base[n]: times.get(ExifTags.Base[n]) for n in names.split()} for names in _KEPT)
        exif.update((tag, value) for tag, value in captions.items() if value)
        exif[ExifTags.IFD.Exif] = {tag: value for tag, value in dates.items() if value}
        exif[ExifTags.IFD.GPSInfo] = given.get_ifd(ExifTags.IFD.GPSInfo)
        if not kept["dpi"] and given.get(ExifTags.Base.ResolutionUnit) == 2:  # inches; WebP has them here alone
            kept["dpi"] = (float(given[ExifTags.Base.XResolution]), float(given[ExifTags.Base.YResolution]))
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
    """Open a mask, of mode L: by its alpha where what shows is of one color, as of a layer that was painted on."""
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
    """Width and height of a picture before it is turned, from its file's header; errors are :func:`open_picture`'s."""
    with strict_pillow(), open_header(path) as picture:
        return picture.size


def _tensor_to_array(tensor: Tensor) -> np.ndarray:
    """``(H, W)``, ``(C, H, W)`` or ``(1, C, H, W)`` to ``(H, W)`` or ``(H, W, C)``."""
    try:
        planes = tensor[0] if tensor.ndim == 4 and len(tensor) == 1 else tensor
        if planes.ndim == 3 and len(planes) in (1, 3, 4):
            planes = planes.permute(1, 2, 0)
        elif planes.ndim != 2:
            raise ImageError(f"a picture tensor is (H, W), (1|3|4, H, W) or (1, 1|3|4, H, W), not {(*tensor.shape,)}")
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
    elif np.issubdtype(array.dtype, np.floating):
        low, high, array = array.min(), array.max(), array.clip(0, 1).astype(np.float32)
        if not (low >= -1e-3 and high <= 1 + 1e-3):  # rounding errors pass; NaN does not
            raise ImageError(f"a float picture lies in [0, 1], not from {low:g} to {high:g}; divide it first")
    elif array.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"a picture is bool, uint8, uint16 or float in [0, 1], not {array.dtype}; convert it")
    return Image.fromarray(np.array(array if array.dtype == np.uint8 else to_levels(array, "it"), order="C"))


def to_tensor(image: Image.Image) -> Float[Tensor, "3 h w"]:
    """A picture as float32 sRGB planes in [0, 1]; of another mode than RGB it goes through :func:`open_picture`."""
    rgb = image if image.mode == "RGB" else open_picture(image)
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).contiguous().to(torch.float32).div_(255)


def to_picture(image: Float[Tensor, "*n c h w"]) -> Image.Image:
    """A tensor ``(3, H, W)`` or ``(1, 3, H, W)`` of sRGB, cut to [0, 1], as an 8-bit picture; else an ImageError."""
    if image.shape not in ((3, *image.shape[-2:]), (1, 3, *image.shape[-2:])):
        raise ImageError(f"one picture is (3, H, W) or (1, 3, H, W), not {tuple(image.shape)}")
    require(not image.isnan().any(), "the picture has NaN in it", ImageError)
    levels = image.detach().reshape(image.shape[-3:]).float().clamp(0, 1).mul_(255).round_().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().contiguous().numpy())


def resize(image: Float[Tensor, "n c h w"], size: tuple[int, int]) -> Float[Tensor, "n c height width"]:
    """Resize a batch to height and width by antialiased bilinear interpolation: a triangle filter, wider to shrink."""
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    return nnf.interpolate(image, size=tuple(size), mode="bilinear", antialias=True, align_corners=False)


def shorter_side(image: Float[Tensor, "n 3 h w"], size: int, multiple: int = 1) -> Float[Tensor, "n 3 height width"]:
    """Resize a batch so that its shorter side has ``size`` pixels; the aspect ratio is kept up to rounding.

    Sides are multiples of ``multiple``, at least that. ImageError: so long and thin that it would pass ``MAX_PIXELS``.
    """
    require(min(size, multiple) >= 1, f"size and multiple are at least 1, not {size} and {multiple}")
    sides = tuple(image.shape[-2:])
    height, width = (max(1, round(side * size / min(sides) / multiple)) * multiple for side in sides)
    if height * width > MAX_PIXELS:
        raise ImageError(f"a picture of {sides[1]} x {sides[0]} pixels is too long and thin; crop it first")
    return resize(image, (height, width))


def read_text(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text that :func:`.save_picture` put into a file; errors are those of :func:`open_picture`.

    A PNG's text chunks; else the JSON object in EXIF's ImageHistory or ImageDescription, or in a GIF's comment.
    """
    with strict_pillow(), open_header(path) as picture:
        try:
            if picture.format == "PNG":
                return _kept(picture)["text"]
            exif = picture.info.get("header", picture).getexif()
            texts = exif.get(PROVENANCE), picture.info.get("comment"), exif.get(ExifTags.Base.ImageDescription)
            found = json.loads(next(filter(None, texts), "{}"))
        except ValueError:  # somebody else's description
            return {}
        except Exception as error:  # see decode
            raise ImageError(f"{os.fsdecode(path)!r} is damaged or cut off: {error}") from error
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def find_pictures(folder: str | os.PathLike[str], recursive: bool = True) -> list[Path]:
    """All files in a folder that are pictures by their ending, sorted; see :func:`visible_files`."""
    return [path for path in visible_files(folder, recursive) if path.suffix.lower() in ENDINGS]


def visible_files(folder: str | os.PathLike[str], recursive: bool = True) -> list[Path]:
    """All files in a folder, sorted, hidden ones and links to folders left out; ImageError where one cannot be read."""
    root = Path(os.path.expanduser(folder))  # noqa: PTH111
    require(root.is_dir(), f"{str(root)!r} is not a folder; give one with pictures in it", ImageError)

    def refuse(error: OSError) -> None:
        raise ImageError(f"cannot read the folder {error.filename!r}: {error.strerror}") from error

    found = []
    for here, folders, files in os.walk(root, onerror=refuse):
        # Emptied or trimmed in place, since that is what os.walk goes on with.
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        found += [Path(here, name) for name in files if not name.startswith(".")]
    return sorted(found)
