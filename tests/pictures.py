"""What the tests of pictures share: the size of the fixture ``ramp``, comparing, refusing, PNG by hand."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from colorstyle_lib.errors import ImageError
from colorstyle_lib.images.read import open_picture

HEIGHT, WIDTH = 24, 40


def pixels(picture: Image.Image) -> np.ndarray:
    assert picture.mode == "RGB"
    return np.asarray(picture)


def farthest(a: Image.Image | np.ndarray, b: Image.Image | np.ndarray) -> int:
    a, b = np.asarray(a, dtype=int), np.asarray(b, dtype=int)
    assert a.shape == b.shape
    return int(abs(a - b).max())


def refusal(source, *words: str) -> str:
    """The message of the refusal: one line that holds these words."""
    with pytest.raises(ImageError) as caught:
        open_picture(source)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def over_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[:, :, None] / 255
    return np.rint(color * share + 255 * (1 - share))


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
