"""Validation during training: numbers on pictures that are never trained on, warnings, and a sample sheet."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.utils import make_grid

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data import PHOTOGRAPHS, STYLES, center_crops, load_images, style
from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.images import save_picture, to_picture
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab, stain_gradients
from colorstyle_lib.model import Generator, attention_spread, gray_content

_SURE = 0.97  # accuracy of the discriminator
_COLLAPSED = 0.98  # weight of one modality
_CONSTANT = 1e-3  # standard deviation of attention weights over pictures
_PALE, _GAUDY = 0.5, 1.4
_EARLY = 100  # steps
_BATCH = 25  # pictures


@dataclass(frozen=True)
class Evaluation:
    """Results on pictures that were not trained on; of attention by decoder level, empty without it."""

    n: int  # pictures
    psnr_ab: float  # mean over pictures of the PSNR of the ab planes, dB
    colorfulness_ratio: float  # mean colorfulness of the results over the real pictures'; 1 is right, 0 is gray
    stain_ratio: float = math.nan  # how fast blurred color changes in calm places, over the real pictures'; 1 is right
    attention: dict[str, dict[str, float]] = field(default_factory=dict)  # the mean weight of each modality
    attention_spread: dict[str, float] = field(default_factory=dict)  # a weight's largest deviation over pictures
    sets: dict[str, dict[str, float]] = field(default_factory=dict)  # PSNR and ratios of each, where there are several


@torch.no_grad()
def evaluate(generator: Generator, rgb: Float[Tensor, "n 3 h w"], sets: Sequence[str] = ()) -> Evaluation:
    """Measure a generator, in evaluation mode, on the L of real pictures; sides are multiples of ``2 ** depth``.

    ``sets`` is the data set of each picture, where each is to be measured apart, too.
    """
    rows, weights_of = [], []
    for batch in rgb.to(next(generator.parameters()).device).split(_BATCH):
        lab = rgb_to_lab(batch)
        content = gray_content(lab[:, :1])
        features, alphas = generator.forward_features(content)
        ab = generator.colors(features, content)
        weights_of.append({level: alpha.mean((2, 3)) for level, alpha in alphas.items()})
        shown = fit_gamut(torch.cat((lab[:, :1], ab), dim=1))
        colors = (colorfulness(lab_to_rgb(shown)), colorfulness(batch))
        rows.append(torch.stack((psnr_ab(ab, lab[:, 1:]), *colors, *stain_gradients(shown[:, 1:], lab[:, 1:])), 1))
    table, names = torch.cat(rows).cpu(), np.asarray(sets)
    each = {name: _means(table[torch.from_numpy(names == name)]) for name in dict.fromkeys(sets)}
    weights = {level: torch.cat([one[level] for one in weights_of]) for level in weights_of[0]}  # (N, M) each
    modalities, sets = generator.config.modalities, each if len(each) > 1 else {}
    attention = {level: dict(zip(modalities, w.mean(0).tolist(), strict=True)) for level, w in weights.items()}
    spread = {level: attention_spread(w).max().item() for level, w in weights.items()}
    return Evaluation(len(rgb), **_means(table), attention=attention, attention_spread=spread, sets=sets)


def _means(table: Float[Tensor, "n 5"]) -> dict[str, float]:
    """Numbers of an Evaluation from PSNR, colorfulness of result and real, and calm gradients of result and real."""
    psnr, found, real, stains, calm = table.mean(0).tolist()
    ratio = found / real if real > 1 else math.nan  # gray pictures have no color to match
    return {"psnr_ab": psnr, "colorfulness_ratio": ratio, "stain_ratio": stains / calm if calm else math.nan}


def warnings_of(result: Evaluation, discriminator_accuracy: float = math.nan, *, step: int, steps: int) -> list[str]:
    """Signs of a training that goes wrong, one line each, with the setting to change.

    ``discriminator_accuracy`` is that since the last evaluation, NaN while the discriminator does not take part.
    """
    found = []
    if math.isnan(result.colorfulness_ratio):
        found.append("the validation pictures are gray, so colors cannot be judged; train on photographs in color")
    if discriminator_accuracy > _SURE:
        right = f"the discriminator is right about {100 * discriminator_accuracy:.0f} % of pairs"
        found.append(f"{right}, so the generator learns little; lower discriminator_learning_rate, or raise penalty")
    # A generator that has just started is pale, and attends to all alike, by construction.
    if step < max(_EARLY, steps / 4):
        return found
    ratio, real = result.colorfulness_ratio, f"colors are at {100 * result.colorfulness_ratio:.0f} % of the real ones"
    if ratio < _PALE:
        found.append(f"{real} (too pale); raise chroma_weight, lower bin_smoothing")
    if ratio > _GAUDY:
        found.append(f"{real} (too vivid); lower chroma_weight, raise bin_smoothing")
    for level, weights in result.attention.items():
        name, most = max(weights.items(), key=lambda item: item[1])
        if not any(0 < weight < 1 for weight in weights.values()):
            continue  # gray pictures offer it one modality, as in the paper's preset: there is nothing to choose
        if most > _COLLAPSED:
            found.append(f"attention at 1/{level} has collapsed to {name} ({most:.2f}); lower learning_rate")
        elif result.attention_spread[level] < _CONSTANT:
            found.append(f"attention at 1/{level} is the same for every picture; train longer, or leave the level out")
    return found


def demo_squares(size: int) -> Float[Tensor, "n 3 {size} {size}"] | None:
    """Center crops of the demo photographs, which may be shown anywhere; None where their packages are missing."""
    try:
        pictures = [photograph.open() for photograph in PHOTOGRAPHS.values()]
    except MissingExtraError:
        return None
    return center_crops(load_images(pictures, size), size)


@torch.no_grad()
def write_sample_sheet(generator: Generator, squares: Float[Tensor, "n 3 h w"], path: Path) -> None:
    """Write a .jpg of rows: gray, colored, real; with restyling levels also styles, and the real pictures restyled."""
    lab = rgb_to_lab(squares)
    light = lab[:, :1]
    gray = lab_to_rgb(torch.cat((light, torch.zeros_like(lab[:, 1:])), dim=1))
    colored = lab_to_rgb(fit_gamut(torch.cat((light, generator(gray_content(light))), dim=1)))
    rows = [gray, colored, squares]
    if generator.config.restyling:
        names = itertools.islice(itertools.cycle(STYLES), len(squares))
        pictures = torch.stack([style(name, squares.shape[-1]).image for name in names]).to(squares)
        styles = generator.describe_style(rgb_to_lab(pictures))
        rows += [pictures, generator.restyle(squares, generator.encoder(gray_content(light)), styles)[0]]
    sheet = make_grid(torch.cat(rows), nrow=len(squares), padding=4, pad_value=1.0)
    save_picture(to_picture(sheet), path, quality=88)
