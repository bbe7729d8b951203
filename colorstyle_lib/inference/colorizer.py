"""Colorization of pictures of any size, many with the same options, and its result."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import Image
from scipy.ndimage import median_filter
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError, require
from colorstyle_lib.images.read import Photo, Source, open_photo, without_surround
from colorstyle_lib.images.write import save_picture
from colorstyle_lib.inference.guided_upsampling import with_chroma
from colorstyle_lib.inference.hints import Hint, limit_hints, rasterize_hints
from colorstyle_lib.model import AttentionOverride, Encoded, Reference, content_planes, gray_content

if TYPE_CHECKING:
    from colorstyle_lib.inference.colorstyle import ColorStyle

LONGEST_WORKING_SIDE = 1536  # pixels; a panorama is predicted smaller rather than at any cost
_HASHED_ROWS = 256
_STRONGEST_TONE = 90  # levels between red, green and blue; sepia has up to 78


@dataclass(frozen=True)
class Result:
    """A picture that the model made: 8-bit sRGB, of the input's size, with all that is needed to make it again."""

    image: Image.Image
    provenance: dict[str, Any]  # weights hash, settings, input hash and versions
    # by decoder level ("8": at 1/8 of working size) and modality, weights `(h, w)` in [0, 1]; empty without attention
    attention_maps: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    # `(h, w)`, Lab units: standard deviation of the predicted ab distribution, at the working size; or of several fills
    uncertainty: Tensor | None = None
    source: Photo | None = None  # what was opened; the image lies on white where it was transparent
    stages: dict[str, Image.Image] = field(default_factory=dict)  # what was found and made on the way, in its order
    # makes the picture as uint16 `(H, W, 3)`, which keeps the levels of an input of 16 bits; None for one of 8
    deep: Callable[[], np.ndarray] | None = None

    @property
    def attention(self) -> dict[str, dict[str, float]]:
        """Mean attention weight of each modality, by decoder level."""
        levels = self.attention_maps.items()
        return {level: {name: weights.mean().item() for name, weights in maps.items()} for level, maps in levels}

    def photo(self, *, deep: bool = True) -> Photo:
        """The picture with what it keeps of its input: transparency, captions, and unless not ``deep`` 16 bits."""
        source = self.source or Photo(self.image)
        return replace(source, picture=self.image, deep=self.deep() if deep and self.deep else None)

    def save(self, path: str | Path, *, quality: int = 95, gps: bool = False) -> Path:
        """Write it with its provenance, the input's captions, and in PNG and TIFF its 16 bits; see `save_picture`."""
        photo, about = self.photo(deep=Path(path).suffix.lower() in (".png", ".tif", ".tiff")), self.provenance
        return save_picture(photo, path, quality=quality, text={"colorstyle": json.dumps(about)}, gps=gps)


def pixels_hash(picture: Image.Image) -> str:
    """SHA-256 of the pixels' bytes, row by row, so that a large picture's are never there all at once."""
    digest = hashlib.sha256()
    for top in range(0, picture.height, _HASHED_ROWS):
        rows = (0, top, picture.width, min(top + _HASHED_ROWS, picture.height))
        digest.update(picture.crop(rows).tobytes())
    return digest.hexdigest()


def is_gray(picture: Image.Image, *, toned: bool = True) -> bool:
    """Whether a picture is black and white, but for a cast of a level, a small stain and what JPEG adds.

    It may also be ``toned``, such as in sepia: its color then follows nearly everywhere from its lightness.
    """
    rgb = np.asarray(picture.resize((64, 64), reducing_gap=2.0), np.float32).reshape(-1, 3)
    rgb = rgb[np.argsort(rgb.sum(1), kind="stable")]
    color = rgb - rgb.mean(1, keepdims=True)
    tone = median_filter(color, (65, 1))
    # Of 442 color photographs the nearest had 18 and 7.7; a flat colored surface is told by how strong its color is.
    plain, curve = np.quantile(np.ptp(color, 1), 0.98), np.quantile(np.ptp(color - tone, 1), 0.95)
    return bool(plain <= 3 or (toned and curve <= 6 and np.ptp(tone, 1).max() <= _STRONGEST_TONE))


@dataclass(kw_only=True, eq=False)
class Tool:
    """A use of a model with options, which are checked once for many pictures."""

    model: ColorStyle
    attention: Mapping[str, float] | None = None  # weights in the place of the model's own

    def __post_init__(self) -> None:
        self._override = AttentionOverride(fix=self.attention)

    def _told(self, task: str, picture: Image.Image | None = None, **facts: Any) -> dict[str, Any]:
        """The provenance of a result: its task, what is particular to it, and what all results tell."""
        every = {"attention": self.attention and dict(self.attention), "weights_sha256": self.model.weights_hash}
        every |= {"versions": versions()} | ({"input_sha256": pixels_hash(picture)} if picture else {})
        return {"task": task, **facts, **every}


@dataclass(kw_only=True, eq=False)
class Colorizer(Tool):
    """Colors pictures; :meth:`.ColorStyle.colorize`'s options are checked and read once, for several threads, too."""

    reference: Source | None = None
    hints: Sequence[Hint] = ()
    seed: int | None = None
    saturation: float = 1.0
    working_size: int | None = None

    def __post_init__(self) -> None:
        self._generator = self.model.generator
        config = self._generator.config
        self._size = self.working_size or config.working_size
        require(0 <= self.saturation <= 3, f"saturation is 0 (gray) to 3, not {self.saturation}")
        if not 32 <= self._size <= LONGEST_WORKING_SIDE:
            raise ConfigError(f"working_size is 32 to {LONGEST_WORKING_SIDE} pixels, not {self._size}")
        if not self._generator.steering and (self.reference is not None or self.attention is not None):
            raise ConfigError("these weights have no attention: reference= and attention= need weights that have")
        super().__post_init__()
        if self.seed is not None and not config.noise:
            raise ConfigError("these weights have no noise: seed= needs weights that have")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ConfigError(f"a seed is a whole number from 0 to 2^63 - 1, not {self.seed}")
        # Made on the CPU, so that a seed means the same coloring on every device.
        random = torch.Generator().manual_seed(self.seed) if self.seed is not None else None
        self._z = torch.randn(1, config.noise, generator=random) if random is not None else None
        reference = without_surround(open_photo(self.reference)) if self.reference is not None else None
        self._reference_lab = reference and rgb_to_lab(self.model.working_copy(reference, self._size))
        hashed, hints = reference and pixels_hash(reference), [list(hint) for hint in self.hints]
        options = {"seed": self.seed, "saturation": self.saturation, "working_size": self._size}
        self._provenance = self._told("colorize", reference_sha256=hashed, hints=hints, **options)

    @torch.inference_mode()
    def __call__(self, picture: Source, smoother: Callable[[Tensor, Tensor], Tensor] | None = None) -> Result:
        """Color a picture; a :class:`.Smoother` keeps colors still where it is the next frame of its clip.

        ImageError: it cannot be opened. ConfigError: a hint outside it, or no modality left to steer it by.
        """
        photo = open_photo(picture)
        opened = photo.picture
        lightness = rgb_to_lab(self.model.working_copy(opened, self._size))[:, :1]
        ab, weights_at, uncertainty = self._predict(gray_content(lightness))
        if self.hints:  # where they reach, the prediction with hints takes the place of the plain one
            hints, known = rasterize_hints(self.hints, opened.size, lightness)
            content = content_planes(torch.cat((lightness, hints), dim=1), torch.ones_like(known), known)
            hinted, weights_at, uncertainty = self._predict(content)
            ab = limit_hints(ab, hinted, lightness, hints, known)
        if smoother is not None:
            ab = 100 * smoother(lightness / 100, ab / 100)
        attention = {level: weights[0].cpu() for level, weights in weights_at.items()}
        if self.attention is not None and not any(weights.any() for weights in attention.values()):
            raise ConfigError("attention= leaves nothing: this picture has none of the modalities that have weight")
        names, color = self._generator.config.modalities, (lightness, ab * self.saturation)
        return Result(
            with_chroma(opened, *color),
            self._provenance | self._facts(opened),
            {level: dict(zip(names, weights.unbind(0), strict=True)) for level, weights in attention.items()},
            uncertainty[0, 0].cpu() if uncertainty is not None else None,
            photo,
            deep=None if photo.deep is None else functools.partial(with_chroma, photo.deep, *color),
        )

    def _facts(self, picture: Image.Image) -> dict[str, Any]:
        """What provenance tells of the input itself."""
        return {"input_sha256": pixels_hash(picture), "input_is_gray": is_gray(picture)}

    def _predict(self, content: Float[Tensor, "1 5 h w"]) -> tuple[Tensor, dict[str, Tensor], Tensor | None]:
        """a and b, attention weights by level, and the spread of the ab distribution."""
        z = self._z.to(content) if self._z is not None else None
        features, attention = self._generator.decode(self._encode(content), z, override=self._override)
        ab, uncertainty = self._generator.colors_and_spread(features, content)
        if uncertainty is not None:
            # It is predicted at half the size; the finest stripes that can be there say nothing of the picture.
            uncertainty = nnf.avg_pool2d(nnf.pad(uncertainty, (2, 1, 2, 1), mode="replicate"), 4, stride=1)
        return ab, attention, uncertainty

    def _encode(self, content: Float[Tensor, "1 5 h w"]) -> Encoded:
        """The part of a prediction that neither seed nor attention changes."""
        return self._generator.encode(content, self._reference)

    @functools.cached_property
    def _reference(self) -> Reference | None:
        """The reference as the generator reads it."""
        return self._generator.describe_reference(self._reference_lab) if self._reference_lab is not None else None
