"""Whether two pictures are the same: bit for bit, or the same one scaled or encoded a little differently."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from colorstyle_lib.errors import DataError

_STEP = 1.5
"""Levels by which a mean must grow to count: in flat parts of a picture, which of two is larger is a matter of luck."""

# Measured on the 442 validation images: encoded again at quality 60 to 95, or scaled down by another filter (bilinear,
# bicubic) than ours, at most 6 of the 128 bits and 4.1 levels differ; between two of them, at least 12 bits.
_MOST_BITS = 8
_MOST_LEVELS = 6


def pixel_hash(picture: Image.Image) -> str:
    """SHA-256 of a picture's size and 8-bit RGB values, whatever file they come from.

    Args:
        picture: of mode RGB.
    """
    size = "x".join(map(str, picture.size))
    return hashlib.sha256(size.encode() + b"\n" + picture.tobytes()).hexdigest()


def fingerprint(picture: Image.Image) -> str:
    """What a picture looks like in 41 characters, too little to see anything in it.

    128 bits, in hexadecimal: where the gray picture, reduced to 9 x 8 and to 8 x 9 means, grows to the right and
    downwards (a difference hash with a least step). Then the means of R, G, B and of the largest less the smallest of
    them, which a gray copy lacks; a byte each.

    Args:
        picture: of mode RGB.
    """
    gray = picture.convert("L").convert("F")
    wide, tall = (np.asarray(gray.resize(size, Image.Resampling.BOX)) for size in ((9, 8), (8, 9)))
    bits = np.concatenate((np.diff(wide, axis=1).ravel() > _STEP, np.diff(tall, axis=0).ravel() > _STEP))
    pixels = np.asarray(picture, dtype=np.float64).reshape(-1, 3)
    levels = (*pixels.mean(0), np.ptp(pixels, axis=1).mean())
    return np.packbits(bits).tobytes().hex() + "-" + bytes(round(level) for level in levels).hex()


def alike(one: str, other: str) -> bool:
    """Whether two fingerprints are of one picture.

    Raises:
        DataError: one of them is none.
    """
    (bits, levels), (other_bits, other_levels) = _parts(one), _parts(other)
    apart = int(np.unpackbits(bits ^ other_bits).sum())
    return apart <= _MOST_BITS and int(np.abs(levels.astype(int) - other_levels).max()) <= _MOST_LEVELS


def _parts(text: str) -> tuple[np.ndarray, np.ndarray]:
    bits, _, levels = text.partition("-")
    try:
        parts = bytes.fromhex(bits), bytes.fromhex(levels)
    except ValueError:
        parts = b"", b""
    if tuple(map(len, parts)) != (16, 4):
        raise DataError(f"{text!r} is no fingerprint of a picture")
    return np.frombuffer(parts[0], np.uint8), np.frombuffer(parts[1], np.uint8)
