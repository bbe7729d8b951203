"""ColorStyle: the model applied to a picture of any size, with everything a result needs to be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.attention_override import parse_override
from colorstyle_lib.checkpoint import file_hash, load_generator
from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.generator import Generator, content_planes, gray_content
from colorstyle_lib.hints import Hint, plant
from colorstyle_lib.images import Source, open_picture, to_tensor
from colorstyle_lib.upsampling import guided_coefficients, rows_at_size
from colorstyle_lib.writing import save_picture

RELEASED = "companion"
_LONGEST_WORKING_SIDE = 1536  # a panorama is predicted smaller rather than at any cost
_STRIP_PIXELS = 1_000_000  # what is at full size in floating point at one time


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


class ColorStyle:
    """One model for pictures of any size; get one with :meth:`load`."""

    def __init__(self, generator: Generator, weights_hash: str, device: torch.device) -> None:
        self.generator = generator.to(device).eval()
        self.weights_hash = weights_hash
        self.device = device

    @classmethod
    def load(cls, weights: str | Path | None = None, device: str | torch.device | None = None) -> ColorStyle:
        """Load weights; the released ones are checked against the hash on their card.

        Args:
            weights: a ``.safetensors`` file that ``colorstyle train`` wrote; by default the released weights.
            device: by default a GPU where there is one.

        Raises:
            WeightsError: missing, damaged, or not the file that its card describes.
        """
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if weights is not None:
            path = Path(weights).expanduser()
            return cls(load_generator(path), file_hash(path) if path.is_file() else "", chosen)
        path = paths.WEIGHTS / f"{RELEASED}.safetensors"
        card = released_card()
        return cls(load_generator(path, expected_hash=card["sha256"]), card["sha256"], chosen)

    @torch.inference_mode()
    def colorize(
        self,
        picture: Source,
        *,
        reference: Source | None = None,
        hints: Sequence[Hint] = (),
        seed: int | None = None,
        attention: Mapping[str, float] | None = None,
        saturation: float = 1.0,
        working_size: int | None = None,
    ) -> Result:
        """Color a picture from its L alone: the colors of a color photograph are ignored.

        Args:
            picture: a path, a ``PIL.Image``, a NumPy array or a tensor.
            reference: a color picture to color it by.
            hints: colors at points, such as ``[(120, 80, "#b5302a")]``: x to the right and y down, in the picture's
                pixels. They spread over what looks alike.
            seed: for another plausible coloring, one for each number; without it the most likely one.
            attention: weights that take the place of the model's own, such as ``{"texture": 1.0, "shape": 0.0}``.
            saturation: chroma is multiplied by it: 1 as predicted, 0 gray.
            working_size: shorter side, in pixels, at which color is predicted; by default what the weights were made
                for. Larger finds smaller things, smaller colors large areas more evenly.

        Returns:
            The colored picture. Its L is the input's, but for rounding to 8 bits.

        Raises:
            ImageError: a picture cannot be opened. ConfigError: an argument out of range, or these weights have no
                attention to steer or to read a reference with.
        """
        if not 0 <= saturation <= 3:
            raise ConfigError(f"saturation is 0 (gray) to 3, not {saturation}")
        size = working_size or self.generator.config.working_size
        if not 32 <= size <= _LONGEST_WORKING_SIDE:
            raise ConfigError(f"working_size is 32 to {_LONGEST_WORKING_SIDE} pixels, not {size}")
        if not self.generator.steering and (reference is not None or attention is not None):
            raise ConfigError("these weights have no attention: reference= and attention= need weights that have")
        override = parse_override(attention) if attention is not None else None
        given = open_picture(picture)
        lightness = rgb_to_lab(self._working_copy(given, size))[:, :1]  # (1, 1, h, w)
        content = gray_content(lightness)
        if hints:
            ab, known = plant(hints, given.size, lightness)
            content = content_planes(torch.cat((lightness, ab), dim=1), torch.ones_like(known), known)
        z = self._noise(seed)
        offered = None
        guide_picture = open_picture(reference) if reference is not None else None
        if guide_picture is not None:
            guide = rgb_to_lab(self._working_copy(guide_picture, size))
            offered = self.generator.describe_reference(guide)
        features, alphas = self.generator.decode(content, offered, z, override=override)
        if override is not None and not any(bool(alpha.any()) for alpha in alphas.values()):
            raise ConfigError("attention= leaves nothing: this picture has none of the modalities that have weight")
        ab = self.generator.colors(features)  # (1, 2, h, w)
        guess = self.generator.uncertainty(features)
        image = self._at_full_size(given, lightness, ab * saturation)
        provenance = {
            "task": "colorize",
            "reference_sha256": _pixels_hash(guide_picture) if guide_picture is not None else None,
            "hints": [list(hint) for hint in hints],
            "seed": seed,
            "saturation": saturation,
            "working_size": size,
            "attention": dict(attention) if attention is not None else None,
            "input_sha256": _pixels_hash(given),
            "weights_sha256": self.weights_hash,
            "versions": _versions(),
        }
        maps = {
            level: dict(zip(self.generator.config.modalities, alpha[0].cpu().unbind(0), strict=True))
            for level, alpha in alphas.items()
        }
        means = {level: {name: m.mean().item() for name, m in by_name.items()} for level, by_name in maps.items()}
        return Result(image, provenance, means, maps, guess[0, 0].cpu() if guess is not None else None)

    def _noise(self, seed: int | None) -> Tensor | None:
        """The z that a seed stands for, the same on every device."""
        if seed is None:
            return None
        if not self.generator.config.noise:
            raise ConfigError("these weights have no noise: seed= needs weights that have")
        numbers = torch.randn(1, self.generator.config.noise, generator=torch.Generator().manual_seed(seed))
        return numbers.to(self.device)

    def _working_copy(self, picture: Image.Image, shorter_side: int) -> Float[Tensor, "1 3 h w"]:
        """The picture at the size where chroma is predicted, sides multiples of what the generator halves."""
        step = self.generator.step
        scale = min(shorter_side / min(picture.size), _LONGEST_WORKING_SIDE / max(picture.size))
        width, height = (max(step, round(side * scale / step) * step) for side in picture.size)
        small = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return to_tensor(small)[None].to(self.device)

    def _at_full_size(
        self, picture: Image.Image, lightness: Float[Tensor, "1 1 h w"], ab: Float[Tensor, "1 2 h w"]
    ) -> Image.Image:
        """Bring chroma to the picture's size along the edges of its L, a strip at a time, within the gamut."""
        slope, offset = guided_coefficients(lightness, ab)
        pixels = np.asarray(picture)
        height, width = pixels.shape[:2]
        result = np.empty_like(pixels)
        rows = max(1, _STRIP_PIXELS // width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            strip = torch.tensor(pixels[top:bottom], device=self.device).permute(2, 0, 1)[None].float() / 255
            light = rgb_to_lab(strip)[:, :1]  # (1, 1, rows, width)
            at = (top, bottom, height, width)
            chroma = rows_at_size(slope, *at) * light + rows_at_size(offset, *at)  # (1, 2, rows, width)
            rgb = lab_to_rgb(fit_gamut(torch.cat((light, chroma), dim=1)))
            result[top:bottom] = (rgb[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        return Image.fromarray(result)


def released_card() -> dict[str, Any]:
    """The card of the released weights: hash, configuration, training and measured numbers.

    Raises:
        WeightsError: it is missing or damaged.
    """
    path = paths.WEIGHTS / f"{RELEASED}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"the released weights' card is missing or damaged ({path}); reinstall colorstyle"
        ) from error


def _pixels_hash(picture: Image.Image) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


def _versions() -> dict[str, str]:
    try:
        ours = version("colorstyle")
    except PackageNotFoundError:
        ours = "unknown"
    return {"colorstyle": ours, "torch": torch.__version__}
