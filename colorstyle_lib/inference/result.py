"""What the model answers with: a picture, and everything that is needed to make it again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from colorstyle_lib.images.write import save_picture

_HASHED_ROWS = 256


@dataclass(frozen=True)
class Result:
    """A picture that the model made.

    Attributes:
        image: 8-bit sRGB, of the input's size.
        attention: by decoder level (``"8"`` is the one at 1/8 of the working size), each modality's mean weight;
            empty where the weights have no attention.
        attention_maps: the same by place, ``(h, w)`` in [0, 1].
        uncertainty: by place, ``(h, w)`` at the working size, how far apart the colors are that the model holds
            possible: the standard deviation of its ab distribution, Lab units. None for weights that predict no
            distribution.
        provenance: weights hash, settings, input hash and versions: enough to make it again.
    """

    image: Image.Image
    provenance: dict[str, Any]
    attention: dict[str, dict[str, float]] = field(default_factory=dict)
    attention_maps: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    uncertainty: Tensor | None = None

    def save(self, path: str | Path, *, quality: int = 95) -> Path:
        """Write the picture, its provenance inside the file; what was there before stays until that has worked.

        Args:
            path: with the ending of a format: .png, .jpg, .webp, .tif.
            quality: of JPEG and WebP, 1 to 100.

        Raises:
            ImageError: an unknown ending, or the file cannot be written.
        """
        return save_picture(self.image, path, quality=quality, text={"colorstyle": json.dumps(self.provenance)})


def pixels_hash(picture: Image.Image) -> str:
    """SHA-256 of the pixels' bytes, row by row, so that a large picture's are never there all at once."""
    digest = hashlib.sha256()
    width, height = picture.size
    for top in range(0, height, _HASHED_ROWS):
        digest.update(picture.crop((0, top, width, min(top + _HASHED_ROWS, height))).tobytes())
    return digest.hexdigest()
