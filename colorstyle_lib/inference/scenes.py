"""New scenes: a z for each from its seed, a walk between two seeds, truncation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from PIL import Image

from colorstyle_lib.color import fit_gamut, lab_to_rgb
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.inference.colorizer import Result

if TYPE_CHECKING:
    from colorstyle_lib.inference.colorstyle import ColorStyle


class Scenes(NamedTuple):
    """New scenes of one call."""

    images: list[Image.Image]  # 8-bit sRGB, 64 pixels a side
    results: list[Result]  # the same, each with its provenance


def make_scenes(
    model: ColorStyle, n: int = 1, seed: int = 0, toward: int | None = None, truncation: float = 1.0
) -> Iterator[Result]:
    """One result after the other; arguments and errors as of :meth:`.ColorStyle.generate`."""
    if not model.generator.config.scenes:
        raise ConfigError("these weights cannot generate new scenes; give weights that learned it")
    if not 1 <= n <= 10_000:
        raise ConfigError(f"n is 1 to 10,000 scenes, not {n}")
    seeds = [one for one in (seed, toward) if one is not None]
    if wrong := [one for one in seeds if not 0 <= one < 2**63]:
        raise ConfigError(f"a seed is a whole number from 0 to 2^63 - 1, not {wrong[0]}")
    if not 0 <= truncation <= 1:
        raise ConfigError(f"truncation is 0 (the same scene for all) to 1 (all that it knows), not {truncation}")
    # Row by row on the CPU: the first scenes of a seed are the same for every n and on every device.
    draws, rows = [torch.Generator().manual_seed(one) for one in seeds], range(n if toward is None else 1)
    z, *end = (torch.stack([torch.randn(model.generator.config.scenes, generator=g) for _ in rows]) for g in draws)
    if end:  # on a quarter of a circle every z is about as long as one that is drawn
        angle = torch.linspace(0, math.pi / 2, n)[:, None]
        z = angle.cos() * z + angle.sin() * end[0]
    facts = {"task": "generate", "seed": seed, "toward": toward, "truncation": truncation, "n": n}
    facts |= {"weights_sha256": model.weights_hash, "versions": versions()}
    for number, one in enumerate(truncation * z, start=1):
        with torch.inference_mode():
            rgb = lab_to_rgb(fit_gamut(model.generator.scenes(one[None].to(model.device))))
        yield Result(to_picture(rgb), facts | {"number": number})
