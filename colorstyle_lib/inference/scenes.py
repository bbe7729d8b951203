"""New scenes: a z for each from its seed, a walk between two seeds, truncation, a palette or a sketch to follow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError, require
from colorstyle_lib.images.read import Source, open_picture, to_picture, to_tensor
from colorstyle_lib.inference.colorizer import Result

_SIDE = 64
_STEPS, _RATE = 30, 0.2  # of Adam on a scene's z: enough to follow, few enough to stay a scene

if TYPE_CHECKING:
    from colorstyle_lib.inference.colorstyle import ColorStyle


class Scenes(NamedTuple):
    """New scenes of one call."""

    images: list[Image.Image]  # 8-bit sRGB, 64 pixels a side
    results: list[Result]  # the same, each with its provenance


def make_scenes(
    model: ColorStyle,
    n: int = 1,
    seed: int = 0,
    toward: int | None = None,
    truncation: float = 1.0,
    palette: Source | None = None,
    sketch: Source | None = None,
    part: slice = slice(None),
) -> Iterator[Result]:
    """One result after the other, or those of a ``part``; the rest as of :meth:`.ColorStyle.generate`."""
    require(model.generator.config.scenes > 0, "these weights cannot generate new scenes; give weights that learned it")
    require(1 <= n <= 10_000, f"n is 1 to 10,000 scenes, not {n}")
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
    guides = {name: _square(model, one) for name, one in (("color", palette), ("shape", sketch)) if one is not None}
    facts = {"task": "generate", "seed": seed, "toward": toward, "truncation": truncation, "n": n}
    facts |= {"guided_by": [*guides], "weights_sha256": model.weights_hash, "versions": versions()}
    for number, one in [*enumerate(truncation * z, start=1)][part]:
        z = one[None].to(model.device)
        with torch.inference_mode():
            rgb = lab_to_rgb(fit_gamut(model.generator.scenes(_guided(model, z, guides) if guides else z)))
        yield Result(to_picture(rgb), facts | {"number": number})


def _square(model: ColorStyle, picture: Source) -> Float[Tensor, "1 3 64 64"]:
    """Lab of a picture's central square, at the size of the scenes."""
    square = ImageOps.fit(open_picture(picture), (_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return rgb_to_lab(to_tensor(square)[None].to(model.device))


@torch.inference_mode(mode=False)
def _guided(
    model: ColorStyle, z: Float[Tensor, "1 d"], guides: dict[str, Float[Tensor, "1 3 64 64"]]
) -> Float[Tensor, "1 d"]:
    """A z nearby, as long, whose scene has more of the palette's color vector, or of the sketch's shape map."""
    describe, length = model.generator.describe, z.norm()
    wanted = {name: describe(lab.clone()) for name, lab in guides.items()}
    moving, best = z.clone().requires_grad_(), (math.inf, z)
    optimizer = torch.optim.Adam([moving], _RATE)
    for _ in range(_STEPS):
        near = length * (moving / moving.norm(dim=1, keepdim=True))
        found, errors = describe(model.generator.scenes(near)), []
        if "color" in wanted:
            errors.append((found.vectors[0] - wanted["color"].vectors[0]).square().sum())
        if "shape" in wanted:
            errors.append((found.maps[2] - wanted["shape"].maps[2]).square().mean())
        error = torch.stack(errors).sum()
        best = min(best, (error.item(), near.detach()), key=lambda one: one[0])
        optimizer.zero_grad()
        error.backward(inputs=[moving])
        optimizer.step()
    return best[1]
