"""Measuring of ablations: the same pictures for each, colored by themselves and by a reference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import Batches, ImageStore, center_crops, load_images
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab, square_error_ab
from colorstyle_lib.metrics.feature_distance import pooled_features
from colorstyle_lib.model.attention import AttentionOverride
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.pretrained import EfficientNetLite0
from colorstyle_lib.reproduction.ablations.configs import CONDITIONS, SIDE
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.attention_faithfulness import attention_columns, batches_of, swapped
from colorstyle_lib.reproduction.benchmarks.runner import joined, spread
from colorstyle_lib.reproduction.results.store import Columns
from colorstyle_lib.training.train_on_folder import STORE_SCALE

HALVED = 96  # side in pixels of the squares that are cut into content and reference
PICTURES = 240  # val pictures of a data root, spread evenly over all of them

_CROPS = 48  # of the handful of demo photographs
_CROPS_SEED = 1_000_003  # a seed that no training uses


@dataclass(frozen=True)
class ValidationSet:
    """Pictures that nobody trains on."""

    data: str  # what they are called: ``all`` data sets of a root, or ``demo``
    squares: Float[Tensor, "n 3 _ _"]  # to be colored by their L alone
    halves: Float[Tensor, "n 3 _ _"]  # of the same pictures; the left half is colored by the right half

    def __len__(self) -> int:
        return len(self.squares)


def load_material(root: Path | None, *, pictures: int = PICTURES) -> tuple[ImageStore, ValidationSet]:
    """Pictures to learn from, and at most so many pictures to measure on: a data root's train and val splits.

    Without a root they are left halves of the demo photographs, and crops of the right halves. DataError is raised
    where the root holds nothing usable.
    """
    if root is None:
        photographs = PHOTOGRAPHS.values()
        everything = load_images([p.open() for p in photographs], 2 * HALVED, names=[p.name for p in photographs])
        cut = [image.tensor_split((image.shape[2] // 2,), dim=2) for image in everything.images]
        learn, rest = (
            ImageStore(list(side), everything.names, groups=everything.groups) for side in zip(*cut, strict=True)
        )
        crops = (Batches(rest, min(pictures, _CROPS), side, _CROPS_SEED).batch(0) for side in (SIDE, HALVED))
        return learn, ValidationSet("demo", *crops)
    learn = load_split(root, "train", round(SIDE * STORE_SCALE))
    val = load_split(root, "val", HALVED)
    rows = spread(len(val), pictures)
    return learn, ValidationSet("all", center_crops(val, SIDE)[rows], center_crops(val, HALVED)[rows])


@torch.no_grad()
def measure(method: ColorMethod, pictures: ValidationSet, network: EfficientNetLite0, condition: str = "") -> Columns:
    """Measure a method's colorings, a row a picture, under one of :data:`.CONDITIONS` or none.

    Returns:
        ``error_ab`` and ``psnr_ab``; ``colorfulness`` and ``features`` of the pictures colored by themselves; with the
        other half as reference ``reference_error_ab`` and ``reference_psnr_ab``, where there is a generator of ours.
    """
    parts: dict[str, list[Columns]] = {"": [], "reference_": []}
    for rgb, lab, guide in _tasks(pictures):
        if guide is None:
            ab = method.color(rgb) if not condition else _conditioned(method.generator, lab, None, condition)
            picture = lab_to_rgb(fit_gamut(torch.cat((lab[:, :1], ab), dim=1)))
            found = {"colorfulness": colorfulness(picture), "features": pooled_features(picture, network)}
        elif method.generator is not None:
            ab, found = _conditioned(method.generator, lab, guide, condition), {}
        else:
            continue
        errors = {"error_ab": square_error_ab(ab, lab[:, 1:]).mean((1, 2)), "psnr_ab": psnr_ab(ab, lab[:, 1:])}
        task = "" if guide is None else "reference_"
        parts[task].append({f"{task}{name}": values for name, values in (errors | found).items()})
    return joined(parts[""]) | (joined(parts["reference_"]) if parts["reference_"] else {})


@torch.no_grad()
def measure_real(pictures: ValidationSet, network: EfficientNetLite0) -> Columns:
    """The real pictures' ``colorfulness`` and ``features``."""
    features = torch.cat([pooled_features(batch, network) for batch in batches_of(pictures.squares)])
    return {"colorfulness": colorfulness(pictures.squares), "features": features}


def measure_attention(generator: Generator, pictures: ValidationSet) -> Columns:
    """Attention columns without and with a reference, ``automatic/...`` and ``reference/...``."""
    parts: dict[str, list[Columns]] = {"automatic": [], "reference": []}
    for _, lab, guide in _tasks(pictures):
        task = "automatic" if guide is None else "reference"
        found = attention_columns(generator, lab, guide)
        parts[task].append({f"{task}/{name}": values for name, values in found.items()})
    return joined(parts["automatic"]) | joined(parts["reference"])


def measure_all(
    method: ColorMethod, pictures: ValidationSet, network: EfficientNetLite0, conditions: Iterable[str] = ()
) -> Columns:
    """Everything that is kept of a training: colorings, attention where there is any, and colorings by condition."""
    columns = measure(method, pictures, network)
    if method.generator is not None and method.generator.steering:
        columns |= measure_attention(method.generator, pictures)
    for condition in conditions:
        found = measure(method, pictures, network, condition)
        columns |= {f"{condition}/{name}": values for name, values in found.items()}
    return columns


def _tasks(pictures: ValidationSet) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """Batches of contents, in RGB and in Lab, and their references in Lab: squares have none, left halves the right."""
    for rgb in batches_of(pictures.squares):
        yield rgb, rgb_to_lab(rgb), None
    for rgb in batches_of(pictures.halves):
        yield rgb, *rgb_to_lab(rgb).chunk(2, dim=-1)


def _conditioned(generator: Generator, lab: Tensor, guide: Tensor | None, condition: str) -> Tensor:
    """Predicted ab, with a modality swapped with another picture's or dropped."""
    reference = generator.describe_reference(guide) if guide is not None and generator.steering else None
    encoded, override = generator.encode(gray_content(lab[:, :1]), reference), None
    verb, modality = CONDITIONS.get(condition, ("", ""))
    if verb == "swap":
        encoded = swapped(encoded, modality)
    elif verb == "drop":
        override = AttentionOverride(remove=(modality,))
    return generator.colors(generator.decode(encoded, override=override)[0], encoded.content)
