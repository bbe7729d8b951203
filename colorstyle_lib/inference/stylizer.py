"""Style transfer for pictures of any size: redrawn at a working size, the change enlarged to the picture's own.

Whatever is finer than the working size stays the photograph's, and memory hardly grows with the picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional as nnf
from torchvision.transforms.functional import gaussian_blur

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.errors import ConfigError, require
from colorstyle_lib.images.read import Photo, Source, open_mask, open_photo, without_surround
from colorstyle_lib.inference.colorizer import Result, Tool, is_gray, pixels_hash
from colorstyle_lib.inference.guided_upsampling import Strip, rows_at_size, strip_by_strip
from colorstyle_lib.model import MODALITIES, gray_content
from colorstyle_lib.model.style_decoder import LEVEL, StyleCode, StyleDecoder, blend

Styles = Sequence[tuple[Source, float]]  # style pictures and how much each counts; only the ratios matter
_LARGEST = 320  # pixels of the shorter side at which a larger picture is redrawn
_STYLE_SIDE = 256  # pixels of the shorter side at which styles are read; training saw about as much of a style


class Change(NamedTuple):
    """A change of a picture, at the working size."""

    source: Photo
    base: Image.Image  # its picture, or colored first if it was gray
    small: Float[Tensor, "1 3 h w"]  # the base at the working size, sRGB
    difference: Float[Tensor, "1 3 h w"]  # added to it
    alpha: Float[Tensor, "1 3 _ _"]  # attention weights at a quarter of that size
    deep: Callable[[], np.ndarray] | None  # makes the base as uint16, of an input of 16 bits


@dataclass(kw_only=True, eq=False)
class Stylizer(Tool):
    """Redraws pictures; :meth:`.ColorStyle.stylize`'s options are checked and read once, for several threads, too."""

    style: Source | Styles
    strength: float = 1.0
    keep_color: bool = False
    color_only: bool = False
    mask: Source | None = None
    working_size: int | None = None

    def __post_init__(self) -> None:
        require(0 <= self.strength <= 1.5, f"strength is 0 (the picture itself) to 1.5, not {self.strength}")
        if self.keep_color and self.color_only:
            raise ConfigError("keep_color and color_only leave nothing to take; choose one")
        if self.working_size is not None and not 64 <= self.working_size <= 1536:
            raise ConfigError(f"working_size is 64 to 1536 pixels, not {self.working_size}")
        if not self.model.generator.config.restyling:
            raise ConfigError("these weights only color: stylize needs weights with restyling levels")
        super().__post_init__()
        styles = [(without_surround(open_photo(source)), weight) for source, weight in _weighted(self.style)]
        self._style_code = self._encode(styles)
        self._gray_style = all(is_gray(picture, toned=False) for picture, _ in styles)
        self._mask = open_mask(self.mask) if self.mask is not None else None
        hashes = [[pixels_hash(picture), weight] for picture, weight in styles]
        options = {"strength": self.strength, "keep_color": self.keep_color, "color_only": self.color_only}
        self._provenance = self._told("stylize", styles_sha256=hashes, **options, masked=self.mask is not None)

    @torch.inference_mode()
    def _encode(self, styles: Sequence[tuple[Image.Image, float]]) -> StyleCode:
        """The blend of all styles, without what is not to be taken."""
        code = blend([self._describe(picture) for picture, _ in styles], [weight for _, weight in styles])
        if self.keep_color or self.color_only:
            code = code.select(("color",) if self.color_only else ("texture", "shape"))
        if not self._override.apply(torch.zeros_like(code.present, dtype=torch.float), code.present)[1].any():
            raise ConfigError("nothing is left to take: the style has none of the modalities that have weight")
        return code

    def _describe(self, style: Image.Image) -> StyleCode:
        return self.model.generator.describe_style(rgb_to_lab(self.model.working_copy(style, _STYLE_SIDE)))

    def __call__(self, picture: Source) -> Result:
        """Redraw a picture; see :meth:`change`."""
        return self.finish(self.change(picture))

    @torch.inference_mode()
    def change(self, picture: Source, colorize: Callable[[Source], Result] | None = None) -> Change:
        """Redraw a picture at the working size, a gray one once it is colored; ImageError if it cannot be opened."""
        source = open_photo(picture)
        given = source.picture
        colored = bool(self.strength) and not self._gray_style and is_gray(given)
        first = (colorize or self.model.colorize)(source) if colored else Result(given, {}, deep=lambda: source.deep)
        base, deep = first.image, first.deep if source.deep is not None else None
        small = self.model.working_copy(base, self._size(given))
        content = gray_content(rgb_to_lab(small)[:, :1])
        strength = small.new_full((1,), self.strength)
        generator = self.model.generator
        with _bfloat16(small.device):
            maps = generator.encoder(content, StyleDecoder.encoder_levels)
            redrawn, alpha = generator.restyle(small, maps, self._style_code, strength, override=self._override)
        return Change(source, base, small, remove_checkerboard(redrawn - small), alpha, deep)

    def _size(self, picture: Image.Image) -> int:
        """Shorter side at which a picture is redrawn."""
        return self.working_size or min(_LARGEST, *picture.size)

    @torch.inference_mode()
    def finish(self, change: Change, **more: Any) -> Result:
        """Bring a change, perhaps with another difference, to the picture's own size; more is for the provenance."""
        given = change.source.picture
        about = {"working_size": self._size(given), "colored_first": change.base is not given}
        provenance = {**self._provenance, **about, "input_sha256": pixels_hash(given), **more}
        maps = dict(zip(MODALITIES, change.alpha[0].cpu().unbind(0), strict=True))
        deep = change.deep and (lambda: self._at_full_size(change.deep(), change))
        image = self._at_full_size(change.base, change)
        return Result(image, provenance, {LEVEL: maps}, source=change.source, deep=deep)

    def _at_full_size(self, picture: Any, change: Change) -> Any:
        """A change of its base, a picture or of 16 bits, as of :func:`.strip_by_strip`."""
        mask = self._mask and self._mask.resize(change.base.size, Image.Resampling.BILINEAR)
        # What gets no weight is not taken, and nobody can take less of it than the photograph itself.
        taken = {m for m in MODALITIES if self.attention is None or self.attention.get(m)}
        keep_color, keep_lightness = self.keep_color or "color" not in taken, self.color_only or taken == {"color"}
        fading = min(1.0, self.strength) if self._gray_style and not keep_color else 0.0

        def at_size(rgb: Tensor, strip: Strip) -> Tensor:
            new = rgb + rows_at_size(change.difference, *strip)
            if keep_color or keep_lightness or fading:
                own, other = rgb_to_lab(rgb), rgb_to_lab(new.clamp(0, 1))
                light, color = own if keep_lightness else other, own if keep_color else other * (1 - fading)
                new = lab_to_rgb(fit_gamut(torch.cat((light[:, :1], color[:, 1:]), dim=1)))
            if mask is None:
                return new
            top, bottom, _, width = strip
            share = np.asarray(mask.crop((0, top, width, bottom)), np.float32) / 255
            return torch.lerp(rgb, new.clamp(0, 1), torch.from_numpy(share).to(rgb.device)[None, None])

        return strip_by_strip(picture, at_size, change.difference.device)


def remove_checkerboard(drawn: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Remove the faint pattern of the 4 x 4 grid that a network leaves which draws in two doublings.

    A. Odena et al., "Deconvolution and Checkerboard Artifacts" (Distill, 2016). The pattern is, in the fine and faint
    detail, the mean of near pixels at the same place of the grid, less the mean over the grid. What is drawn lies in
    about [0, 1], or is a difference of such; its sides are multiples of 4. Below 16 there is nothing to average.
    """
    if min(drawn.shape[-2:]) < 16:
        return drawn
    taps = drawn.new_tensor([1, 2, 2, 2, 1]) / 8  # 0 at 1/4 and 1/2 a pixel: the difference holds all of the pattern
    kernel = torch.outer(taps, taps).expand(drawn.shape[1], 1, 5, 5)
    coarse = nnf.conv2d(nnf.pad(drawn, (2, 2, 2, 2), mode="reflect"), kernel, groups=drawn.shape[1])
    # An edge is stronger; cut to this it cannot pass for a pattern and echo beside itself.
    fine = (drawn - coarse).clamp(-0.06, 0.06)
    # A deviation of 1.25 periods is enough to tell a repeated pattern from a thing, and still local.
    by_place = gaussian_blur(nnf.pixel_unshuffle(fine, 4), [7, 7], [1.25, 1.25]).unflatten(1, (-1, 16))
    return drawn - nnf.pixel_shuffle((by_place - by_place.mean(2, keepdim=True)).flatten(1, 2), 4)


def _bfloat16(device: torch.device) -> torch.autocast:
    """Half precision, as in training; but not on a processor that only emulates it, many times slower than without."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        fast = device.type == "cpu" and supported is not None and supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def _weighted(style: Source | Styles) -> Styles:
    """A style, or several, as pairs of picture and weight."""
    if isinstance(style, str) or not isinstance(style, Sequence):
        return [(style, 1.0)]
    require(len(style) > 0, "stylize wants at least one style picture")
    if not all(isinstance(one, tuple) and len(one) == 2 for one in style):
        raise ConfigError('several styles are pairs of a picture and a weight: [("a.jpg", 0.7), ("b.jpg", 0.3)]')
    return style
