"""An old photograph restored end to end: damage found and filled, details and tones mended, colored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.images.read import Photo, Source, open_photo
from colorstyle_lib.inference.colorizer import Result, Tool, is_gray
from colorstyle_lib.inference.enhancer import Enhancer
from colorstyle_lib.inference.inpainter import Inpainter

STAGES = ("fill", "details", "tones", "color")
"""In this order: scratches and dust; blur, noise, blocks; fading and haze; color, for a flat gray turns brown."""


@dataclass(kw_only=True, eq=False)
class Restorer(Tool):
    """Restores photographs. Options and errors are those of :meth:`.ColorStyle.restore`."""

    mask: Source = "auto"
    skip: Sequence[str] = ()
    strength: float = 1.0

    def __post_init__(self) -> None:
        for name in self.skip:
            check_known("stage", name, STAGES)
        if set(self.skip) >= set(STAGES):
            raise ConfigError("every stage is skipped, so nothing is left to do")
        steering = {"model": self.model, "attention": self.attention}
        details, tones = (
            Enhancer(strength=self.strength, details=one, tones=not one, **steering) for one in (True, False)
        )
        self._stages = {
            "fill": Inpainter(mask=self.mask, **steering),
            "details": details,
            "color": lambda photo: self.model.colorize(photo, attention=self.attention),
            "tones": tones,
        }

    def __call__(self, picture: Source) -> Result:
        """Restore one photograph; its ``stages`` show what each stage made of it."""
        photo = open_photo(picture)
        stages: dict[str, Image.Image] = {"given": photo.picture}
        told, result = {}, Result(photo.picture, {})
        for name in [name for name in STAGES if name not in self.skip]:
            if name == "color" and not is_gray(result.image):
                continue
            result = self._stages[name](Photo(result.image))
            told[name] = {k: v for k, v in result.provenance.items() if k not in ("versions", "weights_sha256", "task")}
            stages |= {**result.stages, name: result.image}
        provenance = self._told("restore", photo.picture, stages=told)
        source = Photo(photo.picture, photo.alpha, kept=photo.kept)
        return replace(result, provenance=provenance, stages=stages, source=source, deep=None)
