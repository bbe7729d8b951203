"""How an image file of ours was made from its public source, as a line of text that a machine can follow."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from PIL import Image

from colorstyle_lib.errors import DataError
from colorstyle_lib.images.decode import decode, identify, strict_pillow

_COPY = "copy"
_JPEG = re.compile(r"(?:(?P<width>\d+)x(?P<height>\d+) lanczos, )?jpeg (?P<quality>\d+) 4:2:0 progressive")


@dataclass(frozen=True)
class Recipe:
    """What is done to a source file.

    Attributes:
        quality: of the JPEG file, 1 to 100; None where the source is taken byte for byte.
        size: width and height to scale to (Lanczos); None where it stays.
    """

    quality: int | None = None
    size: tuple[int, int] | None = None

    @property
    def is_copy(self) -> bool:
        """Whether the file is the source, byte for byte."""
        return self.quality is None

    def apply(self, source: bytes, name: str) -> bytes:
        """Make our file from the source's bytes.

        Args:
            source: an image file.
            name: what messages call it.

        Raises:
            ImageError: it is no picture, or a damaged one.
        """
        if self.is_copy:
            return source
        picture = open_bytes(source, name)
        if self.size is not None and self.size != picture.size:
            picture = picture.resize(self.size, Image.Resampling.LANCZOS)
        made = io.BytesIO()
        picture.save(made, "JPEG", quality=self.quality, subsampling="4:2:0", progressive=True, optimize=True)
        return made.getvalue()


def read_recipe(text: str) -> Recipe:
    """The recipe that a line describes: ``copy``, or such as ``213x160 lanczos, jpeg 88 4:2:0 progressive``.

    Raises:
        DataError: it describes none.
    """
    if text == _COPY:
        return Recipe()
    found = _JPEG.fullmatch(text)
    if not found or not 1 <= int(found["quality"]) <= 100:
        raise DataError(
            f"no recipe {text!r}; known: 'copy' and '[WIDTHxHEIGHT lanczos, ]jpeg QUALITY 4:2:0 progressive'"
        )
    size = (int(found["width"]), int(found["height"])) if found["width"] else None
    if size is not None and min(size) < 1:
        raise DataError(f"the recipe {text!r} asks for a picture without pixels")
    return Recipe(int(found["quality"]), size)


def open_bytes(content: bytes, name: str) -> Image.Image:
    """An image file in memory as upright 8-bit sRGB.

    Raises:
        ImageError: it is no picture, or a damaged one.
    """
    with strict_pillow():
        return decode(identify(io.BufferedReader(io.BytesIO(content)), name), name)
