"""ColorStyle: the model, applied to pictures of any size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.errors import WeightsError, check_known, require
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import Source, open_photo, to_tensor
from colorstyle_lib.inference.album import album_references
from colorstyle_lib.inference.colorizer import LONGEST_WORKING_SIDE, Colorizer, Result, Tool, is_gray
from colorstyle_lib.inference.enhancer import Enhancer, Keep, make_anew
from colorstyle_lib.inference.hints import Hint
from colorstyle_lib.inference.inpainter import Inpainter
from colorstyle_lib.inference.scenes import Scenes, make_scenes
from colorstyle_lib.inference.stylizer import Styles, Stylizer
from colorstyle_lib.inference.video import SMOOTH, color_clip, style_clip
from colorstyle_lib.model.generator import Generator, load_generator

RELEASED = "companion"
Attention = Mapping[str, float] | None  # weights of modalities in the place of the model's own

STAGES = ("fill", "details", "tones", "color")
"""Of a restoration: scratches and dust; blur, noise, blocks; fading and haze; color, for a flat gray turns brown."""


class ColorStyle:
    """One model for pictures of any size; get one with :meth:`load`.

    A picture is a path, a ``PIL.Image``, a NumPy array or a tensor, everywhere; one that cannot be opened is an
    ImageError. ``attention`` are weights that take the place of the model's own, such as ``{"texture": 1.0}``.
    """

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

        WeightsError: missing, damaged, or not the file that its card describes.
        """
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if weights is not None:
            path = Path(weights).expanduser()
            return cls(load_generator(path), file_hash(path) if path.is_file() else "", chosen)
        expected = released_card()["sha256"]
        return cls(load_generator(paths.WEIGHTS / f"{RELEASED}.safetensors", expected_hash=expected), expected, chosen)

    def colorize(
        self,
        picture: Source,
        *,
        reference: Source | None = None,
        hints: Sequence[Hint] = (),
        seed: int | None = None,
        attention: Attention = None,
        saturation: float = 1.0,
        working_size: int | None = None,
    ) -> Result:
        """Color a picture from its L alone, which stays but for rounding; the colors of a color photo are ignored.

        Args:
            reference: a color picture to color it by.
            hints: colors at points, such as ``[(120, 80, "#b5302a")]``: x right, y down, in the picture's pixels.
            seed: for another plausible coloring, one for each number; without it the most likely one.
            saturation: chroma is multiplied by it: 1 as predicted, 0 gray, up to 3.
            working_size: shorter side, 32 to 1536 pixels, at which color is predicted; by default the weights' own. A
                larger one picks up smaller objects; a smaller one colors large areas more evenly.

        ConfigError: an argument out of range, or weights without attention to steer or to read a reference with.
        """
        options = {"hints": hints, "seed": seed, "saturation": saturation, "working_size": working_size}
        return self.colorizer(reference=reference, attention=attention, **options)(picture)

    def colorizer(self, **options: Any) -> Colorizer:
        """:meth:`colorize` for many pictures, with its options: a function from a picture to its result."""
        return Colorizer(model=self, **options)

    def colorize_clip(self, frames: Iterable[Source], *, smooth: float = SMOOTH, **options: Any) -> Iterator[Result]:
        """:meth:`colorize` for the frames of a clip, a result each: colors stay on things; see :meth:`stylize_clip`."""
        return map(color_clip(self.colorizer(**options), smooth), frames)

    def colorize_album(self, pictures: Sequence[Source], **options: Any) -> Iterator[Result]:
        """:meth:`colorize` for the pictures of an album, a result each: those of one scene get the same look."""
        references = album_references(self, pictures, **options)
        return (self.colorize(one, reference=by, **options) for one, by in zip(pictures, references, strict=True))

    def stylize(
        self,
        picture: Source,
        style: Source | Styles,
        *,
        strength: float = 1.0,
        keep_color: bool = False,
        color_only: bool = False,
        mask: Source | None = None,
        attention: Attention = None,
        working_size: int | None = None,
    ) -> Result:
        """Redraw a picture in the style of another; a gray one is colored first.

        Args:
            style: a picture whose look is taken, or several with weights: ``[("a.jpg", 0.7), ("b.jpg", 0.3)]``.
            strength: 0 gives the picture back, 1 the whole style; up to 1.5.
            keep_color: texture and shape of the style, the picture's own colors.
            color_only: the style's colors, the picture's own L.
            mask: where to redraw: white yes, black no, gray in between; of any size.
            attention: a modality without weight is not taken: without color colors stay, with color alone L does.
            working_size: shorter side, 64 to 1536 pixels, at which it is redrawn; by default its own, up to 320; what
                is finer stays the photograph's. It sets the scale of strokes: at 256 they are about as large against
                the picture as in the style, at 512 half as large.

        ConfigError: an argument out of range, or weights that only color.
        """
        take = {"strength": strength, "keep_color": keep_color, "color_only": color_only}
        return self.stylizer(style, mask=mask, attention=attention, working_size=working_size, **take)(picture)

    def stylizer(self, style: Source | Styles, **options: Any) -> Stylizer:
        """:meth:`stylize` for many pictures, with its options: a function from a picture to its result."""
        return Stylizer(model=self, style=style, **options)

    def stylize_clip(
        self, frames: Iterable[Source], style: Source | Styles, *, smooth: float = SMOOTH, **options: Any
    ) -> Iterator[Result]:
        """:meth:`stylize` for the frames of a clip, a result each: strokes stay on the things that they are drawn on.

        Results are made when they are asked for, and memory does not grow with the clip. The errors of :meth:`stylize`
        come at once, but for a frame that cannot be opened when its turn comes.

        Args:
            frames: in their order. Where their size changes, or one is nothing like the one before, a new clip begins.
            smooth: share of the past, from 0 (each frame by itself) to 1; see :class:`.Smoother`.
            **options: of :meth:`stylize`, as ``style`` is, for every frame.
        """
        return map(style_clip(self.stylizer(style, **options), smooth), frames)

    def inpaint(
        self,
        picture: Source,
        mask: Source = "auto",
        *,
        color: bool = False,
        uncertainty: bool = False,
        attention: Attention = None,
    ) -> Result:
        """Fill holes, of a gray picture gray; every pixel outside of them stays, to the last of 8 or 16 bits.

        Args:
            mask: of the picture's size, white or gray (or opaque, where it is of one color) in holes; a bool array; or
                ``"auto"`` for scratches and dust that :func:`.find_damage` finds, which ``result.stages`` shows.
            color: also color the filled picture, where it is gray; its L outside holes stays.
            uncertainty: also fill the picture's mirror images, for four times the work: ``result.uncertainty`` is how
                far the fills differ, in Lab units. It tells where a fill errs more (rank correlation with the error
                inside holes, on 50 validation pictures: 0.44; distance from the rim: 0.28), not how much: errors are
                about nine times as large.

        ConfigError: a mask of another size, an empty or a full one, or weights that cannot repair.
        """
        filled = Inpainter(model=self, mask=mask, uncertainty=uncertainty, attention=attention)(picture)
        if not (color and is_gray(filled.image)):
            return filled
        colored = self.colorize(filled.photo(), attention=attention)
        told = filled.provenance | {"colored": colored.provenance}
        spread = filled.uncertainty if uncertainty else colored.uncertainty
        return replace(colored, provenance=told, stages={**filled.stages, "fill": filled.image}, uncertainty=spread)

    def enhance(
        self,
        picture: Source,
        strength: float = 1.0,
        *,
        details: bool = True,
        tones: bool = True,
        attention: Attention = None,
    ) -> Result:
        """Make a picture clearer and more vivid, as far as it is damaged; a good one stays nearly as it is.

        The provenance tells the amounts of damage that were seen, of :data:`.DAMAGES`, and how much was applied.

        Args:
            strength: 0 gives the picture back, 1 is as learned; up to 1.5.
            details: undo blur, noise and blocks.
            tones: undo fading, low contrast and haze.

        ConfigError: strength out of range, or weights that cannot repair.
        """
        return Enhancer(model=self, strength=strength, details=details, tones=tones, attention=attention)(picture)

    def restore(
        self,
        picture: Source,
        mask: Source = "auto",
        *,
        skip: Sequence[str] = (),
        strength: float = 1.0,
        attention: Attention = None,
        keep: Keep = make_anew,
    ) -> Result:
        """Restore an old photograph: fill its damage, mend its details and tones, color it if it is gray.

        ``skip`` names stages of :data:`.STAGES` to leave out; ``mask`` is :meth:`inpaint`'s, ``strength`` and errors
        are :meth:`enhance`'s. ``result.stages`` has the picture after each stage. ``keep`` may give back what it keeps
        for a key, which names the stages until there; by default each is made anew.
        """
        for name in skip:
            check_known("stage", name, STAGES)
        require(not set(skip) >= set(STAGES), "every stage is skipped, so nothing is left to do")
        steering = {"model": self, "attention": attention}
        tools = {
            "fill": Inpainter(mask=mask, **steering),
            "details": Enhancer(strength=strength, tones=False, keep=keep, **steering),
            "tones": Enhancer(strength=strength, details=False, **steering),
            "color": lambda photo: self.colorize(photo, attention=attention),
        }
        photo, told, maps = open_photo(picture), {}, {}
        stages, result = {"given": photo.picture}, Result(photo.picture, {}, source=photo, deep=lambda: photo.deep)
        for name in [name for name in STAGES if name not in skip]:
            if name == "color" and not is_gray(result.image):
                continue
            before, tool = result, tools[name]
            result = keep((*told, name), lambda: tool(before.photo()))  # noqa: B023  (it is called at once)
            maps = result.attention_maps or maps
            told[name] = {k: v for k, v in result.provenance.items() if k not in ("versions", "weights_sha256", "task")}
            stages |= {**result.stages, name: result.image}
        provenance = Tool(**steering)._told("restore", photo.picture, stages=told)
        return replace(result, provenance=provenance, stages=stages, attention_maps=maps)

    def generate(
        self,
        n: int = 1,
        seed: int = 0,
        *,
        toward: int | None = None,
        truncation: float = 1.0,
        palette: Source | None = None,
        sketch: Source | None = None,
    ) -> Scenes:
        """Make 1 to 10,000 new scenes of sea and mountains, 64 pixels a side, from random numbers alone.

        Args:
            n: how many; the first scenes of a seed are the same for every n.
            seed: each gives other scenes.
            toward: another seed: the scenes go step by step from the first of the one to the first of the other.
            truncation: from 0, the same scene for all, to 1, all that the model knows: less variety, fewer failures.
            palette: a picture whose colors the scenes shall have: the color modality alone.
            sketch: a picture whose outlines they shall have where these stand in its central square: shape alone.

        ConfigError: an argument out of range, or weights that did not learn to generate.
        """
        results = list(make_scenes(self, n, seed, toward, truncation, palette, sketch))
        return Scenes([one.image for one in results], results)

    def working_sides(self, size: tuple[int, int], shorter_side: int | None = None) -> tuple[int, int]:
        """Width and height of a picture's working copy, multiples of the generator's step; by default as trained."""
        step = self.generator.step
        shorter_side = shorter_side or self.generator.config.working_size
        scale = min(shorter_side / min(size), LONGEST_WORKING_SIDE / max(size))
        width, height = (max(step, round(side * scale / step) * step) for side in size)
        return width, height

    def working_copy(self, picture: Image.Image, shorter_side: int) -> Float[Tensor, "1 3 h w"]:
        """The picture at the size where its color is predicted, as sRGB on the model's device."""
        sides = self.working_sides(picture.size, shorter_side)
        small = picture.resize(sides, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return to_tensor(small)[None].to(self.device)


def released_card() -> dict[str, Any]:
    """The card of the released weights (hash, configuration, training, measured numbers); WeightsError without it."""
    path = paths.WEIGHTS / f"{RELEASED}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        bytes.fromhex(card["sha256"])  # without a hash the weights would not be checked
        [(m["n"], f"{m['psnr_ab']:.1f}{m['colorfulness_ratio']:.2f}") for m in card["measured"].values()]
        return card
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"the weights' card is missing or damaged ({path}); reinstall colorstyle") from error
