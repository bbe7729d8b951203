"""Methods to measure: functions from pictures to pictures, and the facts that stand beside their numbers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.color import lab_to_rgb, rgb_to_lab
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import resize
from colorstyle_lib.inference.colorstyle import RELEASED
from colorstyle_lib.model import Generator, gray_content, load_generator
from colorstyle_lib.reproduction.baselines.pix2pix import AB_RANGE, UNet

CONFIG = "config.json"  # the settings of a training by `colorstyle opponents`, in its folder


@dataclass(frozen=True)
class ColorMethod:
    """A way to color pictures."""

    name: str  # in addresses of its numbers
    # Predicts a and b of pictures, of which only L is read; None where only the facts beside its numbers are asked for.
    color: Callable[[Float[Tensor, "n 3 h w"]], Float[Tensor, "n 2 h w"]] | None
    generator: Generator | None = None  # ours, for references, hints and seeds
    weights: str | None = None  # SHA-256 of its file
    seeds: tuple[int, ...] = ()  # of its trainings
    note: str = ""  # what a reader must know about it
    keep: bool = True  # what is measured, for the next run: its name and weights tell it from others


@dataclass(frozen=True)
class StyleMethod:
    """A way to restyle photographs, at one strength: a share of the style, in [0, 1]."""

    name: str  # in tables, and in the log of results: trained weights carry their hash in it
    # From a photograph and a style picture to the restyled photograph, sRGB in [0, 1].
    restyle: Callable[[Float[Tensor, "1 3 h w"], Float[Tensor, "1 3 h2 w2"]], Float[Tensor, "1 3 h w"]]
    strength: float = 1.0


GRAY = ColorMethod("gray", lambda rgb: torch.zeros_like(rgb[:, :2]))  # no model at all


def read_config(folder: Path) -> dict[str, Any] | None:
    """The settings of a training by ``colorstyle opponents``; None in other folders. WeightsError: they are damaged."""
    path = folder / CONFIG
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{str(path)!r} is damaged: {error}") from error


def predict_ab(network: UNet | Generator, rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 2 h w"]:
    """The ab of pictures of the size that a network works at, sRGB in [0, 1], of which it sees L alone."""
    light = rgb_to_lab(rgb)[:, :1]
    return network(gray_content(light)) if isinstance(network, Generator) else AB_RANGE * network(light / 50 - 1)


def load_method(name: str, path: Path | None) -> ColorMethod:
    """A method from a weights file, ours or pix2pix's; with seed and budget where ``colorstyle opponents`` trained it.

    A picture is scaled to the size that the weights work at, and its predicted colors back to its own (bilinear).
    Without a path they are the released ones. WeightsError: the file is missing, damaged, or neither.
    """
    path = path or paths.WEIGHTS / f"{RELEASED}.safetensors"
    if not path.is_file():
        raise WeightsError(f"no weights at {str(path)!r}")
    try:
        with safe_open(path, framework="pt") as file:
            size = int((file.metadata() or {}).get("pix2pix", 0))
            state = {name: file.get_tensor(name) for name in file.keys()} if size else {}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{path.name} holds no weights: {error}") from error
    if size:
        network: UNet | Generator = UNet(size).eval().requires_grad_(False)
        network.load_state_dict(state)
    else:
        network = load_generator(path)
        size = network.config.working_size

    @torch.no_grad()
    def color(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 2 h w"]:
        if rgb.shape[-2:] == (size, size):
            return predict_ab(network, rgb)
        small = nnf.interpolate(rgb, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
        return nnf.interpolate(predict_ab(network, small), rgb.shape[-2:], mode="bilinear")

    seeds, note = (), ""
    if (facts := read_config(path.parent)) is not None:
        try:
            seeds, note = (facts["seed"],), f"trained for {facts['seconds']:g} s on {facts['images']} pictures"
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{str(path.parent / CONFIG)!r} is damaged: {error}") from error
    generator = network if isinstance(network, Generator) else None
    return ColorMethod(name, color, generator, file_hash(path), seeds, note)


def load_peer(name: str) -> ColorMethod:
    """Somebody else's method: ``MODULE:FUNCTION``, from a gray sRGB picture to a color one, both uint8 ``(h, w, 3)``.

    Of its picture only a and b are read; one of another size is scaled. Each run measures it anew, since nothing tells
    which weights it has. ConfigError: no such function; and when it colors, it fails or gives something else.
    """
    try:
        function = resolve_name(name)
    except Exception as error:  # whatever the module does when it is imported
        raise ConfigError(f"no peer {name!r}: {error}; give MODULE:FUNCTION of what Python can import") from error

    def color(light: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 2 h w"]:
        gray = lab_to_rgb(nnf.pad(light[None], (0, 0, 0, 0, 0, 2)))[0]
        try:
            colored = function((255 * gray).round().byte().permute(1, 2, 0).contiguous().numpy())
            if colored.dtype != np.uint8 or colored.shape[2:] != (3,):
                raise TypeError("it must give a NumPy array, uint8 of shape (h, w, 3)")
        except Exception as error:
            raise ConfigError(f"the peer {name!r} failed: {error}") from error
        rgb = torch.from_numpy(colored.copy()).permute(2, 0, 1)[None] / 255
        return rgb_to_lab(resize(rgb, gray.shape[1:]).clamp(0, 1))[:, 1:]

    note = "a peer, of which a and b are taken"
    return ColorMethod(name, lambda rgb: torch.cat([*map(color, rgb_to_lab(rgb)[:, :1])]), note=note, keep=False)
