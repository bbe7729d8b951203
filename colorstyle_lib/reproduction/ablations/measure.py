"""What every member of the matrix is asked after its training: the same pictures, by themselves and by a reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.course.small_trainings import exam_crops, halves
from colorstyle_lib.data.batches import ImageStore, center_crops, load_images
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab, square_error_ab
from colorstyle_lib.metrics.feature_distance import pooled_features
from colorstyle_lib.model.attention_override import AttentionOverride
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator, Reference
from colorstyle_lib.model.pretrained import EfficientNetLite0
from colorstyle_lib.reproduction.ablations.configs import CONDITIONS, SIDE
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.attention_faithfulness import attention_columns, batches_of, swapped
from colorstyle_lib.reproduction.results.measurement_cache import Columns

HALVED = 96
"""Side in pixels of the squares that are cut into content and reference."""

PICTURES = 240
"""Val pictures of a data root, spread evenly over all of them."""

_STORE_SCALE = 1.25  # as in colorstyle_lib.training.train_on_folder
_CROPS = 48  # of the handful of demo photographs


@dataclass(frozen=True)
class ValidationSet:
    """Pictures that nobody trains on.

    Attributes:
        data: what they are called: ``all`` data sets of a root, or ``demo``.
        squares: to be colored by their L alone.
        halves: of the same pictures; the left half is colored by the right half.
    """

    data: str
    squares: Float[Tensor, "n 3 _ _"]
    halves: Float[Tensor, "n 3 _ _"]

    def __len__(self) -> int:
        return len(self.squares)


def load_material(root: Path | None, *, pictures: int = PICTURES) -> tuple[ImageStore, ValidationSet]:
    """Pictures to learn from, and the exam.

    Args:
        root: a data root, whose train and val splits these are; None for the demo photographs, of which the left halves
            are for learning and crops of the right halves for the exam.
        pictures: of the exam, at most.

    Raises:
        DataError: the root holds nothing usable.
    """
    if root is None:
        photographs = PHOTOGRAPHS.values()
        everything = load_images([p.open() for p in photographs], 2 * HALVED, names=[p.name for p in photographs])
        learn, rest = halves(everything)
        crops = (exam_crops(rest, side, min(pictures, _CROPS)) for side in (SIDE, HALVED))
        return learn, ValidationSet("demo", *crops)
    learn = load_split(root, "train", round(SIDE * _STORE_SCALE))
    val = load_split(root, "val", HALVED)
    rows = torch.linspace(0, len(val) - 1, min(pictures, len(val))).round().long()
    large = center_crops(val, HALVED)[rows]
    return learn, ValidationSet("all", center_crops(val, SIDE)[rows], large)


@torch.no_grad()
def measure(method: ColorMethod, exam: ValidationSet, network: EfficientNetLite0, condition: str = "") -> Columns:
    """Everything that is kept of a member's answers, a row a picture.

    Args:
        method: to be asked.
        exam: the pictures.
        network: whose features the kernel distance is of.
        condition: of :data:`.CONDITIONS`, or none.

    Returns:
        ``error_ab`` and ``psnr_ab``; ``colorfulness`` and ``features`` of the pictures colored by themselves; with the
        other half as reference ``reference_error_ab`` and ``reference_psnr_ab``, where there is a generator of ours.
    """
    parts = []
    for batch in batches_of(exam.squares):
        lab = rgb_to_lab(batch)
        ab = method.color(batch) if not condition else _conditioned(method.generator, lab, None, condition)
        picture = lab_to_rgb(fit_gamut(torch.cat((lab[:, :1], ab), dim=1)))
        parts.append(
            {
                **_errors(ab, lab),
                "colorfulness": colorfulness(picture),
                "features": pooled_features(picture, network),
            }
        )
    columns = _joined(parts)
    if method.generator is None:
        return columns
    parts = []
    for batch in batches_of(exam.halves):
        left, right = rgb_to_lab(batch).chunk(2, dim=-1)
        ab = _conditioned(method.generator, left, right, condition)
        parts.append({f"reference_{name}": values for name, values in _errors(ab, left).items()})
    return columns | _joined(parts)


@torch.no_grad()
def measure_real(exam: ValidationSet, network: EfficientNetLite0) -> Columns:
    """The real pictures' ``colorfulness`` and ``features``."""
    features = torch.cat([pooled_features(batch, network) for batch in batches_of(exam.squares)])
    return {"colorfulness": colorfulness(exam.squares), "features": features}


def measure_attention(generator: Generator, exam: ValidationSet) -> Columns:
    """What attention does on the exam's pictures, without and with a reference; see :func:`attention_columns`."""
    columns = {}
    for task in ("automatic", "reference"):
        parts = []
        for batch in batches_of(exam.squares if task == "automatic" else exam.halves):
            lab = rgb_to_lab(batch)
            content, guide = (lab, None) if task == "automatic" else lab.chunk(2, dim=-1)
            parts.append(attention_columns(generator, content, guide))
        columns |= {f"{task}/{name}": values for name, values in _joined(parts).items()}
    return columns


def _conditioned(generator: Generator, lab: Tensor, guide: Tensor | None, condition: str) -> Tensor:
    reference: Reference | None = None
    if guide is not None and generator.steering:
        reference = generator.describe_reference(guide)
    seen, override = generator.encode(gray_content(lab[:, :1]), reference), None
    if condition:
        verb, modality = CONDITIONS[condition]
        if verb == "swap":
            seen = swapped(seen, modality)
        else:
            override = AttentionOverride(remove=(modality,))
    return generator.colors(generator.decode(seen, override=override)[0])


def _errors(ab: Tensor, lab: Tensor) -> Columns:
    return {"error_ab": square_error_ab(ab, lab[:, 1:]).mean((1, 2)), "psnr_ab": psnr_ab(ab, lab[:, 1:])}


def _joined(parts: list[Columns]) -> Columns:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
