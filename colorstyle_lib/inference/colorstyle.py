"""ColorStyle: the model applied to a picture of any size, with everything a result needs to be made again."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import Source, open_picture, to_tensor
from colorstyle_lib.inference.guided_upsampling import with_chroma
from colorstyle_lib.inference.hints import Hint, limit_hints, rasterize_hints
from colorstyle_lib.inference.result import Result, pixels_hash
from colorstyle_lib.inference.stylizer import Styles, Stylizer, restyled
from colorstyle_lib.inference.video import SMOOTH, restyled_clip
from colorstyle_lib.model.attention_override import parse_override
from colorstyle_lib.model.content import content_planes, gray_content
from colorstyle_lib.model.generator import Generator, Reference
from colorstyle_lib.model.weights import load_generator

RELEASED = "companion"
_LONGEST_WORKING_SIDE = 1536  # a panorama is predicted smaller rather than at any cost


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
                pixels. They spread over what belongs together.
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
        color = self.colorizer(
            reference=reference,
            hints=hints,
            seed=seed,
            attention=attention,
            saturation=saturation,
            working_size=working_size,
        )
        return color([picture])[0]

    def colorizer(
        self,
        *,
        reference: Source | None = None,
        hints: Sequence[Hint] = (),
        seed: int | None = None,
        attention: Mapping[str, float] | None = None,
        saturation: float = 1.0,
        working_size: int | None = None,
    ) -> Callable[[Sequence[Source]], list[Result]]:
        """:meth:`colorize` for many pictures: what is asked is checked, and the reference opened, only once.

        Arguments and errors as in :meth:`colorize`.

        Returns:
            A function from pictures to their results. Those whose working copies have the same size go through the
            network together; it may be called by several threads.
        """
        if not 0 <= saturation <= 3:
            raise ConfigError(f"saturation is 0 (gray) to 3, not {saturation}")
        size = working_size or self.generator.config.working_size
        if not 32 <= size <= _LONGEST_WORKING_SIDE:
            raise ConfigError(f"working_size is 32 to {_LONGEST_WORKING_SIDE} pixels, not {size}")
        if not self.generator.steering and (reference is not None or attention is not None):
            raise ConfigError("these weights have no attention: reference= and attention= need weights that have")
        override = parse_override(attention) if attention is not None else None
        z = self._noise(seed)
        guide_picture = open_picture(reference) if reference is not None else None
        guide = rgb_to_lab(self.working_copy(guide_picture, size)) if guide_picture is not None else None
        asked = {
            "task": "colorize",
            "reference_sha256": pixels_hash(guide_picture) if guide_picture is not None else None,
            "hints": [list(hint) for hint in hints],
            "seed": seed,
            "saturation": saturation,
            "working_size": size,
            "attention": dict(attention) if attention is not None else None,
            "weights_sha256": self.weights_hash,
            "versions": versions(),
        }

        @functools.cache
        def offered(n: int) -> Reference | None:
            return None if guide is None else self.generator.describe_reference(guide.expand(n, -1, -1, -1))

        def predict(content: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor | None]:
            n = len(content)
            noise = z.expand(n, -1) if z is not None else None
            features, alphas = self.generator.forward_features(content, offered(n), noise, override=override)
            guess = self.generator.uncertainty(features)
            if guess is not None:
                # It is predicted at half the size; the finest stripes that can be there say nothing of the picture.
                guess = nnf.avg_pool2d(nnf.pad(guess, (2, 1, 2, 1), mode="replicate"), 4, stride=1)
            return self.generator.colors(features), alphas, guess

        @torch.inference_mode()
        def color(pictures: Sequence[Source]) -> list[Result]:
            opened = [_opened(picture) for picture in pictures]
            lights = [rgb_to_lab(self.working_copy(picture, size))[:, :1] for picture in opened]
            results: dict[int, Result] = {}
            for shape in dict.fromkeys(light.shape for light in lights):
                rows = [i for i, light in enumerate(lights) if light.shape == shape]
                lightness = torch.cat([lights[i] for i in rows])  # (n, 1, h, w)
                ab, alphas, guess = predict(gray_content(lightness))
                if hints:
                    planted = [rasterize_hints(hints, opened[i].size, lights[i]) for i in rows]
                    told, known = (torch.cat(planes) for planes in zip(*planted, strict=True))
                    content = content_planes(torch.cat((lightness, told), dim=1), torch.ones_like(known), known)
                    hinted, alphas, guess = predict(content)
                    ab = limit_hints(ab, hinted, lightness, told, known)
                if override is not None and not all(any(a[k].any() for a in alphas.values()) for k in range(len(rows))):
                    raise ConfigError(
                        "attention= leaves nothing: this picture has none of the modalities that have weight"
                    )
                for k, i in enumerate(rows):
                    image = with_chroma(opened[i], lights[i], ab[k : k + 1] * saturation)
                    provenance = {**asked, "input_sha256": pixels_hash(opened[i])}
                    maps = {
                        level: dict(zip(self.generator.config.modalities, alpha[k].cpu().unbind(0), strict=True))
                        for level, alpha in alphas.items()
                    }
                    means = {
                        level: {name: m.mean().item() for name, m in by_name.items()} for level, by_name in maps.items()
                    }
                    unsure = guess[k, 0].cpu() if guess is not None else None
                    results[i] = Result(image, provenance, means, maps, unsure)
            return [results[i] for i in range(len(opened))]

        return color

    def stylize(
        self,
        picture: Source,
        style: Source | Styles,
        *,
        strength: float = 1.0,
        keep_color: bool = False,
        color_only: bool = False,
        mask: Source | None = None,
        attention: Mapping[str, float] | None = None,
        working_size: int | None = None,
    ) -> Result:
        """Redraw a picture in the look of any other; a gray one is colored first.

        Args:
            picture: a path, a ``PIL.Image``, a NumPy array or a tensor.
            style: a picture whose look is taken, or several with weights: ``[("a.jpg", 0.7), ("b.jpg", 0.3)]``.
            strength: 0 gives the picture back, 1 the whole look; up to 1.5.
            keep_color: texture and shape of the style, the picture's own colors.
            color_only: the style's colors, the picture's own L.
            mask: where to redraw: white yes, black no, gray in between; of any size.
            attention: weights that take the place of the model's own, such as ``{"texture": 1.0}``. What gets none is
                not taken: without color the colors stay the picture's, with color alone its L does.
            working_size: shorter side, in pixels, at which the picture is redrawn; by default its own, up to 320. It
                sets the scale of strokes: styles are read at 256 pixels, so at 256 strokes are about as large against
                the picture as in the style, at 512 half as large, at 128 twice.

        Returns:
            The picture, of the input's size; what lies between the working size and its own stays the photograph's.

        Raises:
            ImageError: a picture cannot be opened. ConfigError: an argument out of range, or weights that only color.
        """
        override = parse_override(attention) if attention is not None else None
        return restyled(
            self,
            picture,
            style,
            strength=strength,
            keep_color=keep_color,
            color_only=color_only,
            mask=mask,
            override=override,
            working_size=working_size,
        )

    def stylize_clip(
        self,
        frames: Iterable[Source],
        style: Source | Styles,
        *,
        smooth: float = SMOOTH,
        attention: Mapping[str, float] | None = None,
        **options: Any,
    ) -> Iterator[Result]:
        """:meth:`stylize` for the frames of a clip: what is drawn stays on the things that it is drawn on.

        Args:
            frames: in their order. Where their size changes, or one is nothing like the one before, a new clip begins.
            style: of :meth:`stylize`.
            smooth: 1: as if painted on things, until it no longer fits; 0: each frame by itself; see
                :class:`.Smoother`.
            attention: of :meth:`stylize`.
            **options: the others of :meth:`stylize`, for every frame.

        Returns:
            One result a frame, each made when it is asked for; memory does not grow with the clip.

        Raises:
            ConfigError: at once, an argument out of range, or weights that only color. ImageError: at once for a style
                or a mask, when its turn comes for a frame, that cannot be opened.
        """
        override = parse_override(attention) if attention is not None else None
        return restyled_clip(Stylizer(self, style, override=override, **options), frames, smooth)

    def _noise(self, seed: int | None) -> Tensor | None:
        """The z that a seed stands for, the same on every device."""
        if seed is None:
            return None
        if not self.generator.config.noise:
            raise ConfigError("these weights have no noise: seed= needs weights that have")
        numbers = torch.randn(1, self.generator.config.noise, generator=torch.Generator().manual_seed(seed))
        return numbers.to(self.device)

    def working_sides(self, size: tuple[int, int], shorter_side: int | None = None) -> tuple[int, int]:
        """At which size the color of a picture is predicted: sides are multiples of what the generator halves.

        Args:
            size: the picture's width and height.
            shorter_side: by default what the weights were made for.
        """
        step = self.generator.step
        shorter_side = shorter_side or self.generator.config.working_size
        scale = min(shorter_side / min(size), _LONGEST_WORKING_SIDE / max(size))
        width, height = (max(step, round(side * scale / step) * step) for side in size)
        return width, height

    def working_copy(self, picture: Image.Image, shorter_side: int) -> Float[Tensor, "1 3 h w"]:
        """The picture at the size where chroma is predicted."""
        sides = self.working_sides(picture.size, shorter_side)
        small = picture.resize(sides, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return to_tensor(small)[None].to(self.device)


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


def _opened(picture: Source) -> Image.Image:
    # What open_picture returned before, in another thread perhaps, is only read here: a large one is not copied.
    plain = type(picture) is Image.Image and picture.mode == "RGB" and not picture.info
    return picture if plain else open_picture(picture)
