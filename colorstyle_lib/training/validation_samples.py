"""A training's sample sheet: the same photographs, colored by each state of the weights that is evaluated."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import center_crops, load_images
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.data.style_gallery import STYLES, style
from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.images.write import save_picture
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator


def demo_squares(size: int) -> Float[Tensor, "n 3 {size} {size}"] | None:
    """The demo photographs' middles, which may be shown anywhere; None where their packages are not installed."""
    try:
        pictures = [photograph.open() for photograph in PHOTOGRAPHS.values()]
    except MissingExtraError:
        return None
    return center_crops(load_images(pictures, size), size)


@torch.no_grad()
def write_sample_sheet(generator: Generator, squares: Float[Tensor, "n 3 h w"], path: Path) -> None:
    """Three rows: gray, colored, real; two more where it can restyle: styles of our gallery, and the real ones redrawn.

    Args:
        generator: in evaluation mode.
        squares: real pictures in [0, 1], sides multiples of ``2 ** depth``.
        path: a .jpg file.
    """
    lab = rgb_to_lab(squares)
    light = lab[:, :1]
    gray = lab_to_rgb(torch.cat((light, torch.zeros_like(lab[:, 1:])), dim=1))
    ours = lab_to_rgb(fit_gamut(torch.cat((light, generator(gray_content(light))), dim=1)))
    rows = [gray, ours, squares]
    if generator.config.restyling:
        names = itertools.islice(itertools.cycle(STYLES), len(squares))
        looks = torch.stack([style(name, squares.shape[-1]).image for name in names]).to(squares)
        look = generator.describe_style(rgb_to_lab(looks))
        rows += [looks, generator.restyle(squares, generator.encoder(gray_content(light)), look)[0]]
    sheet = make_grid(torch.cat(rows), nrow=len(squares), padding=4, pad_value=1.0)
    pixels = (sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(Image.fromarray(pixels), path, quality=88)
