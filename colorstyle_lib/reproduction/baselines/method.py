"""Methods to be measured: weights of any kind as a function from pictures to colors, with what is known of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.weights import load_generator
from colorstyle_lib.reproduction.baselines.pix2pix import UNet

CONFIG = "config.json"
"""In the folder of a training of ``colorstyle opponents``: what it was asked for."""

Colorizer = Callable[[Float[Tensor, "n 3 h w"]], Float[Tensor, "n 2 h w"]]
"""From pictures of which only L is read to a and b of the same size."""


@dataclass(frozen=True)
class ColorMethod:
    """A method to measure.

    Attributes:
        name: what its numbers are called by.
        color: what it does.
        generator: ours, for what only it can be asked; None for methods that have none.
        weights: SHA-256 of its file.
        seeds: of its trainings.
        note: what a reader must know about it.
    """

    name: str
    color: Colorizer
    generator: Generator | None = None
    weights: str | None = None
    seeds: tuple[int, ...] = ()
    note: str = ""


def contestant(name: str, path: Path) -> ColorMethod:
    """A method from its weights file, with what ``colorstyle opponents`` has written beside it, if it has.

    Raises:
        WeightsError: missing, damaged, or not ours.
    """
    color, generator = load_colorizer(path)
    seeds, note = read_training(path.parent)
    return ColorMethod(name, color, generator, file_hash(path), seeds, note)


GRAY = ColorMethod("gray", lambda rgb: torch.zeros_like(rgb[:, :2]))
"""No model at all."""


def read_training(folder: Path) -> tuple[tuple[int, ...], str]:
    """Seeds and budget of the training in a folder, in words; empty where it was none of ``colorstyle opponents``.

    Raises:
        WeightsError: what it says of itself is damaged.
    """
    facts = read_config(folder)
    if facts is None:
        return (), ""
    try:
        return (facts["seed"],), f"trained for {facts['seconds']:g} s on {facts['images']} pictures"
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{str(folder / CONFIG)!r} is damaged: {error}") from error


def read_config(folder: Path) -> dict[str, Any] | None:
    """What the training in a folder wrote down of itself; None where it was none of ``colorstyle opponents``.

    Raises:
        WeightsError: it is damaged.
    """
    path = folder / CONFIG
    if not path.is_file():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{str(path)!r} is damaged: {error}") from error


def load_colorizer(path: Path) -> tuple[Colorizer, Generator | None]:
    """What colors pictures with these weights, of ours or of pix2pix's; and our generator itself.

    A picture is scaled to the size that the weights work at, and its predicted colors back to its own (bilinear).

    Raises:
        WeightsError: the file is missing, damaged, or neither.
    """
    size = _pix2pix_size(path)
    if size is None:
        generator = load_generator(path)
        at = generator.config.working_size
        return lambda rgb: _at_size(rgb, at, lambda light: generator(gray_content(light))), generator
    network = UNet(size)
    with safe_open(path, framework="pt") as file:
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    network.eval().requires_grad_(False)
    return lambda rgb: _at_size(rgb, size, lambda light: 110 * network(light / 50 - 1)), None


def _pix2pix_size(path: Path) -> int | None:
    """The size that a pix2pix file is for; None for all other files."""
    if not path.is_file():
        raise WeightsError(f"no weights at {str(path)!r}")
    try:
        with safe_open(path, framework="pt") as file:
            size = (file.metadata() or {}).get("pix2pix")
    except SafetensorError as error:
        raise WeightsError(f"{path.name} holds no weights: {error}") from error
    return int(size) if size else None


@torch.no_grad()
def _at_size(rgb: Float[Tensor, "n 3 h w"], size: int, predict: Callable[[Tensor], Tensor]) -> Float[Tensor, "n 2 h w"]:
    if rgb.shape[-2:] == (size, size):
        return predict(rgb_to_lab(rgb)[:, :1])
    small = nnf.interpolate(rgb, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
    return nnf.interpolate(predict(rgb_to_lab(small)[:, :1]), rgb.shape[-2:], mode="bilinear")
