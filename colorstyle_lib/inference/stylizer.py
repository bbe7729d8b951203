"""Restyling a picture of any size: redrawn at a working size, and what it changed there brought to the picture's own.

So whatever is finer than the working size stays the photograph's, and memory hardly grows with the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import Source, open_picture
from colorstyle_lib.inference.checkerboard import remove_checkerboard
from colorstyle_lib.inference.guided_upsampling import Strip, rows_at_size, strip_by_strip
from colorstyle_lib.inference.result import Result, pixels_hash
from colorstyle_lib.model.attention_override import AttentionOverride
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.model.style_decoder import LEVEL, StyleCode, StyleDecoder, blend

if TYPE_CHECKING:
    from colorstyle_lib.inference.colorstyle import ColorStyle

Styles = Sequence[tuple[Source, float]]
"""Style pictures and how much each counts; only the ratios matter."""

_LARGEST = 320  # pixels of the shorter side at which a larger picture is redrawn
_STRONGEST = 1.5
_STYLE_SIDE = 256  # the size at which looks are read; training saw about as much of a style
_THUMBNAIL = 64
_COLORLESS = 2.0  # largest difference of red, green and blue, of 255, in a gray picture saved as JPEG


class Change(NamedTuple):
    """What restyling does to a picture, at the working size.

    Attributes:
        given: the picture.
        base: the same, or colored first if it was gray.
        small: the base at the working size.
        difference: what is added to it, sRGB.
        alpha: attention at a quarter of that size.
    """

    given: Image.Image
    base: Image.Image
    small: Float[Tensor, "1 3 h w"]
    difference: Float[Tensor, "1 3 h w"]
    alpha: Float[Tensor, "1 3 _ _"]


class Stylizer:
    """All that is asked, checked, and the styles read, once for any number of pictures.

    Arguments and errors are those of :meth:`.ColorStyle.stylize`, which makes one for a single
    picture. Several threads may use it.
    """

    def __init__(
        self,
        model: ColorStyle,
        style: Source | Styles,
        *,
        strength: float = 1.0,
        keep_color: bool = False,
        color_only: bool = False,
        mask: Source | None = None,
        override: AttentionOverride | None = None,
        working_size: int | None = None,
    ) -> None:
        if not 0 <= strength <= _STRONGEST:
            raise ConfigError(f"strength is 0 (the picture itself) to {_STRONGEST}, not {strength}")
        if keep_color and color_only:
            raise ConfigError("keep_color and color_only leave nothing to take; choose one")
        if working_size is not None and not 64 <= working_size <= 1536:
            raise ConfigError(f"working_size is 64 to 1536 pixels, not {working_size}")
        if not model.generator.config.restyling:
            raise ConfigError("these weights only color: stylize needs weights with restyling levels")
        self.model, self.strength, self.override, self.working_size = model, strength, override, working_size
        self.keep_color, self.color_only = keep_color, color_only
        asked = override or AttentionOverride()
        given = {m for m in MODALITIES if m not in asked.remove and (asked.fix is None or asked.fix.get(m))}
        # What gets no weight is not taken, and nobody can take less of it than the photograph itself.
        self._kept = {"keep_color": keep_color or "color" not in given, "color_only": color_only or given == {"color"}}
        opened = [(open_picture(source), weight) for source, weight in _weighed(style)]
        self.look = self._look(opened)
        self.mask = None if mask is None else open_picture(mask).convert("L")
        self.asked: dict[str, Any] = {
            "task": "stylize",
            "styles_sha256": [[pixels_hash(p), weight] for p, weight in opened],
            "strength": strength,
            "keep_color": keep_color,
            "color_only": color_only,
            "masked": mask is not None,
            "attention": dict(override.fix) if override is not None and override.fix else None,
            "weights_sha256": model.weights_hash,
            "versions": versions(),
        }

    @torch.inference_mode()
    def _look(self, styles: Sequence[tuple[Image.Image, float]]) -> StyleCode:
        copies = [self.model.working_copy(picture, _STYLE_SIDE) for picture, _ in styles]
        looks = [self.model.generator.describe_style(rgb_to_lab(copy)) for copy in copies]
        look = blend(looks, [weight for _, weight in styles])
        if self.keep_color or self.color_only:
            look = look.taking(("color",) if self.color_only else ("texture", "shape"))
        _check_something_is_taken(look, self.override)
        return look

    @torch.inference_mode()
    def change(self, picture: Source) -> Change:
        """What the styles do to a picture, at the working size.

        Raises:
            ImageError: it cannot be opened.
        """
        given = open_picture(picture)
        base = self.model.colorize(given).image if is_gray(given) else given
        generator = self.model.generator
        small = self.model.working_copy(base, self.size(given))
        content = gray_content(rgb_to_lab(small)[:, :1])
        told = small.new_full((1,), self.strength)
        with _halves(small.device):
            maps = generator.encoder(content, StyleDecoder.sees)
            redrawn, alpha = generator.restyle(small, maps, self.look, told, override=self.override)
        return Change(given, base, small, remove_checkerboard(redrawn - small), alpha)

    def size(self, picture: Image.Image) -> int:
        """Shorter side at which a picture is redrawn."""
        return self.working_size or min(_LARGEST, *picture.size)

    @torch.inference_mode()
    def finish(self, change: Change, **more: Any) -> Result:
        """The picture of its own size with a change in it.

        Args:
            change: from :meth:`change`, perhaps with another difference.
            **more: for the provenance.
        """
        mask = None if self.mask is None else self.mask.resize(change.base.size, Image.Resampling.BILINEAR)
        image = _at_full_size(change.base, change.difference, mask, **self._kept)
        provenance = {
            **self.asked,
            "working_size": self.size(change.given),
            "colored_first": change.base is not change.given,
            "input_sha256": pixels_hash(change.given),
            **more,
        }
        maps = dict(zip(MODALITIES, change.alpha[0].cpu().unbind(0), strict=True))
        return Result(image, provenance, {LEVEL: {name: m.mean().item() for name, m in maps.items()}}, {LEVEL: maps})


def restyled(model: ColorStyle, picture: Source, style: Source | Styles, **asked: Any) -> Result:
    """What :meth:`.ColorStyle.stylize` does; arguments and errors are explained there."""
    stylizer = Stylizer(model, style, **asked)
    return stylizer.finish(stylizer.change(picture))


def _halves(device: torch.device) -> torch.autocast:
    """bfloat16, as in training; but not on a processor that only emulates it, many times slower than without."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        can = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        fast = device.type == "cpu" and can is not None and can()
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def is_gray(picture: Image.Image) -> bool:
    """Whether a picture has no colors, up to what JPEG adds."""
    small = np.asarray(picture.resize((_THUMBNAIL, _THUMBNAIL)), np.float32)
    return float((small.max(2) - small.min(2)).max()) <= _COLORLESS


def _weighed(style: Source | Styles) -> Styles:
    """A style, or several, as pairs."""
    pairs = isinstance(style, Sequence) and not isinstance(style, str)
    if pairs and not style:
        raise ConfigError("stylize wants at least one style picture")
    if pairs and not all(isinstance(one, tuple) and len(one) == 2 for one in style):
        raise ConfigError(
            'several styles are pairs of a picture and a weight, such as [("a.jpg", 0.7), ("b.jpg", 0.3)]'
        )
    return style if pairs else [(style, 1.0)]


def _check_something_is_taken(look: StyleCode, override: AttentionOverride | None) -> None:
    energies = look.codes[0].new_zeros(1, len(MODALITIES))
    present = override.apply(energies, look.present)[1] if override is not None else look.present
    if not bool(present.any()):
        raise ConfigError("nothing is left to take: the style has none of the modalities that have weight")


def _at_full_size(
    picture: Image.Image,
    change: Float[Tensor, "1 3 h w"],
    mask: Image.Image | None,
    *,
    keep_color: bool,
    color_only: bool,
) -> Image.Image:
    """The picture with a small picture's change, a strip at a time."""

    def changed(rgb: Tensor, at: Strip) -> Tensor:
        new = rgb + rows_at_size(change, *at)
        if keep_color or color_only:
            own, other = rgb_to_lab(rgb), rgb_to_lab(new.clamp(0, 1))
            light, color = (other, own) if keep_color else (own, other)
            new = lab_to_rgb(fit_gamut(torch.cat((light[:, :1], color[:, 1:]), dim=1)))
        if mask is None:
            return new
        share = np.asarray(mask.crop((0, at[0], at[3], at[1])), np.float32) / 255
        return torch.lerp(rgb, new.clamp(0, 1), torch.from_numpy(share).to(rgb.device)[None, None])

    return strip_by_strip(picture, changed, change.device)
