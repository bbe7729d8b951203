"""Result of the model: a picture, and all that is needed to make it again."""

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
        provenance: weights hash, settings, input hash and versions: enough to make it again.
        attention_maps: by decoder level (``"8"`` is the one at 1/8 of the working size) and modality, the weight at
            each place, ``(h, w)`` in [0, 1]; empty where the weights have no attention.
        uncertainty: ``(h, w)`` at the working size: the standard deviation of the predicted ab distribution, in Lab
            units. None for weights that predict no distribution.
    """

    image: Image.Image
    provenance: dict[str, Any]
    attention_maps: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    uncertainty: Tensor | None = None

    @property
    def attention(self) -> dict[str, dict[str, float]]:
        """Mean attention weight of each modality, by decoder level."""
        levels = self.attention_maps.items()
        return {level: {name: weights.mean().item() for name, weights in maps.items()} for level, maps in levels}

    def save(self, path: str | Path, *, quality: int = 95) -> Path:
        """Write the picture with its provenance in the file; see :func:`.save_picture` for arguments and errors."""
        return save_picture(self.image, path, quality=quality, text={"colorstyle": json.dumps(self.provenance)})


def pixels_hash(picture: Image.Image) -> str:
    """SHA-256 of the pixels' bytes, row by row, so that a large picture's are never there all at once."""
    digest = hashlib.sha256()
    for top in range(0, picture.height, _HASHED_ROWS):
        rows = (0, top, picture.width, min(top + _HASHED_ROWS, picture.height))
        digest.update(picture.crop(rows).tobytes())
    return digest.hexdigest()
