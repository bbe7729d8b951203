"""Enhancement of pictures of any size (the paper's section 6): the damage is told first, then undone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError, require
from colorstyle_lib.images.read import Source, open_photo
from colorstyle_lib.inference.colorizer import Result, Tool, is_gray
from colorstyle_lib.inference.inpainter import in_8_bits, inside, levels_of, tiles, to_lab, to_levels
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.model.repair_decoder import DAMAGES, LEVEL, STEP, TONES, Repaired

_TILE = 512  # pixels a side of what the network sees: with their context, smaller tiles would be twice the work
_PROBES = 9  # tiles in which details are looked at, to tell blur, noise and blocks
_SMALL = 256  # pixels of the shorter side at which tones are read
_FROM, _TO = 0.12, 0.3  # amounts of damage below which nothing is done, and from which all


Keep = Callable[[tuple[Any, ...], Callable[[], Any]], Any]  # of a key and what makes its value: a kept or a new one


def make_anew(key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """The :data:`Keep` that keeps nothing."""
    return make()


@dataclass(kw_only=True, eq=False)
class Enhancer(Tool):
    """Makes pictures clearer and more vivid. Options and errors are those of :meth:`.ColorStyle.enhance`."""

    strength: float = 1.0
    details: bool = True
    tones: bool = True
    keep: Keep = make_anew

    def __post_init__(self) -> None:
        require(0 <= self.strength <= 1.5, f"strength is 0 (the picture itself) to 1.5, not {self.strength}")
        if not self.model.generator.config.repairing:
            raise ConfigError("these weights cannot repair: enhance needs weights with repairing levels")
        super().__post_init__()

    @torch.inference_mode()
    def __call__(self, picture: Source) -> Result:
        """Enhance one picture."""
        photo = open_photo(picture)
        pixels = levels_of(photo)
        windows = list(tiles(np.ones(pixels.shape[:2], bool), side=_TILE))
        chosen = np.linspace(0, len(windows) - 1, min(_PROBES, len(windows))).round().astype(int).tolist()
        small = rgb_to_lab(self.model.working_copy(photo.picture, min(_SMALL, *photo.picture.size)))
        decoder = self.model.generator.repairing
        tone_amounts, tone = decoder.read_tones(small)
        probes = [decoder.read_details(self._grown(pixels[windows[i][0]])) for i in chosen]
        detail_amounts = torch.cat(probes).median(0, keepdim=True).values
        amounts = torch.cat((tone_amounts, detail_amounts), 1)[0]
        if is_gray(photo.picture):
            amounts[0] = 0  # what never had color has not faded
        of_details = self.strength * self.details * _share(amounts[len(TONES) :])
        fade, contrast, haze = amounts[: len(TONES)]
        curve, chroma = (self.strength * self.tones * _share(one) for one in ((contrast, haze), (fade, haze)))
        of_tones = small.new_tensor([curve, chroma, chroma]).view(3, 1, 1)
        mended = bool(of_details or curve or chroma)
        made = pixels.copy() if mended else photo.deep
        alphas = [] if of_details or not self.details else [self._look(pixels[windows[len(windows) // 2][0]])[1].alpha]
        for outer, inner in windows if mended else ():
            if of_details:
                (lab, said), at = self._look(pixels[outer]), (..., *inside(outer, inner))
                alphas.append(said.alpha)
                lab = lab[at] + of_details * said.change[at]
            else:
                lab = to_lab(pixels[inner], self.model.device)
            made[inner] = to_levels(torch.lerp(lab, tone(lab), of_tones), made.dtype)
        found = {name: round(float(amount), 3) for name, amount in zip(DAMAGES, amounts, strict=True)}
        applied = {"details": round(of_details, 3), "lightness": round(curve, 3), "chroma": round(chroma, 3)}
        provenance = self._told("enhance", photo.picture, strength=self.strength, damage=found, applied=applied)
        maps = {}  # nothing steers a change of tones
        if alphas:
            alpha = torch.stack([one[0].mean((1, 2)) for one in alphas]).mean(0)
            maps = {LEVEL: dict(zip(MODALITIES, alpha.cpu()[:, None, None], strict=True))}
        image = Image.fromarray(in_8_bits(made)) if mended else photo.picture
        deep = None if photo.deep is None else lambda: made
        return Result(image, provenance, maps, source=replace(photo, deep=None), deep=deep)

    def _grown(self, pixels: np.ndarray) -> Float[Tensor, "1 3 _ _"]:
        """A tile in Lab, grown to sides that the repair decoder can take."""
        lab = to_lab(pixels, self.model.device)
        return nnf.pad(lab, (0, -lab.shape[3] % STEP, 0, -lab.shape[2] % STEP), mode="replicate")

    def _look(self, pixels: np.ndarray) -> tuple[Float[Tensor, "1 3 _ _"], Repaired]:
        """A tile as the repair decoder takes it, and what this says of it."""
        lab, repair = self._grown(pixels), self.model.generator.repair
        whole, key = torch.zeros_like(lab[:, :1]), ("look", pixels.shape, pixels.tobytes())
        return lab, self.keep(key, lambda: repair(lab, whole, override=self._override)[1])


def _share(amounts: Iterable[Tensor]) -> float:
    """How much of a change is applied: none where no damage is seen, so that a good picture stays as it is."""
    return float(((max(amounts) - _FROM) / (_TO - _FROM)).clamp(0, 1))
