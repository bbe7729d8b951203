"""Metric variants: the same outputs, measured in ways that carry one name, give different numbers.

Four of them: colorfulness with signed or absolute differences, and its gap as a ratio of means or a mean of ratios;
PSNR of ab or of RGB; pictures made square by cropping or by stretching; distances of sets of 100 or 300 pictures.
A comparison with another paper's number has to know which variant that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import ImageStore, center_crops
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.metrics.bootstrap import Estimate, difference_of, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.coloring import (
    colorfulness,
    colorfulness_of_absolutes,
    colorfulness_ratios,
    psnr_ab,
    psnr_rgb,
)
from colorstyle_lib.metrics.feature_distance import (
    frechet_distance,
    kernel_distance,
    kernel_pairs,
    pooled_features,
    rank_note,
)
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, load_method
from colorstyle_lib.reproduction.benchmarks.coloring import SIZE
from colorstyle_lib.reproduction.benchmarks.runner import Rows, Run, cached, joined, numbers_of, spread
from colorstyle_lib.reproduction.results.measurement_cache import Columns
from colorstyle_lib.reproduction.results.store import Number, merge_results

ATLAS = "atlas."
"""The beginning of these metrics' names."""

_BATCH = 8
_SUBSETS = 200


@torch.no_grad()
def measure(method: ColorMethod, rgb: Float[Tensor, "n 3 h w"], pooling: EfficientNetLite0) -> Columns:
    """The columns of a method's pictures, of the real ones (``real_``) and of gray ones (``gray_``).

    Args:
        method: sees L alone.
        rgb: real squares in [0, 1], sides multiples of 32.
        pooling: its last stage's means are the features of a picture.
    """
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        light, ab = lab[:, :1], lab[:, 1:]
        part = {f"real_{name}": values for name, values in _of_pictures(batch, pooling).items()}
        for prefix, guess in (("", method.color(batch)), ("gray_", torch.zeros_like(ab))):
            picture = lab_to_rgb(fit_gamut(torch.cat((light, guess), dim=1)))
            part |= {f"{prefix}psnr_ab": psnr_ab(guess, ab), f"{prefix}psnr_rgb": psnr_rgb(picture, batch)}
            part |= _of_pictures(picture, pooling) if not prefix else {}
        parts.append(part)
    return joined(parts)


def _of_pictures(rgb: Tensor, pooling: EfficientNetLite0) -> Columns:
    """The measurements that need no picture to compare with."""
    return {
        "signed": colorfulness(rgb),
        "absolute": colorfulness_of_absolutes(rgb),
        "features": pooled_features(rgb, pooling),
    }


def colorfulness_rows(columns: Columns) -> Rows:
    """Colorfulness over the real pictures': two differences, two aggregations."""
    rows = {}
    for differences in ("signed", "absolute"):
        values = columns[differences], columns[f"real_{differences}"]
        note = f"colorfulness of {differences} differences over the real pictures'"
        rows |= {
            f"colorfulness_{differences}_ratio_of_means": (ratio_of(*values), f"{note}, ratio of means"),
            f"colorfulness_{differences}_mean_of_ratios": (
                mean_of(colorfulness_ratios(*values)),
                f"{note}, mean of ratios",
            ),
        }
    return rows


def psnr_rows(columns: Columns) -> tuple[Rows, Rows]:
    """PSNR of ab and of RGB: of the method with its gain over gray pictures; and of gray pictures."""
    ours, gray = {}, {}
    for metric, planes in (("psnr_ab", "a and b against 255"), ("psnr_rgb", "sRGB; L is given")):
        of_method, of_gray = (mean_of(columns[prefix + metric]) for prefix in ("", "gray_"))
        note = f"dB, a mean over pictures, {planes}"
        gray[metric] = of_gray, note
        ours[metric] = of_method, note
        ours[f"{metric}_minus_gray"] = difference_of(of_method, of_gray), f"{note}; paired"
    return ours, gray


def square_rows(cropped: Columns, stretched: Columns) -> Rows:
    """Three metrics of the same images, cropped and stretched to squares, and what stretching changes."""

    def metrics(columns: Columns) -> dict:
        return {
            "psnr_ab": mean_of(columns["psnr_ab"]),
            "colorfulness_ratio": ratio_of(columns["signed"], columns["real_signed"]),
            "kernel": pair_mean_of(kernel_pairs(columns["features"], columns["real_features"])),
        }

    crop, squeezed, rows = metrics(cropped), metrics(stretched), {}
    for metric in crop:
        rows |= {
            f"crop_{metric}": (crop[metric], "the largest centered square"),
            f"stretch_{metric}": (squeezed[metric], "the whole image, made square by squeezing it"),
            f"stretch_minus_crop_{metric}": (difference_of(squeezed[metric], crop[metric]), "paired"),
        }
    return rows


def size_rows(columns: Columns, few: int, many: int) -> Rows:
    """Kernel and Fréchet distance of the same outputs from few pictures and from many.

    For fewer pictures than there are, subsets are drawn; the interval then holds 95 % of their distances.
    """
    found, real = columns["features"], columns["real_features"]
    n, dimensions = found.shape
    random = np.random.default_rng(0)
    rows = {}
    for size in (few, many):
        subsets = [torch.from_numpy(random.permutation(n)[:size]) for _ in range(_SUBSETS if size < n else 1)]
        note = f"EfficientNet-Lite0's last stage pooled, {dimensions} dimensions"
        note += f"; mean of {_SUBSETS} subsets, the interval holds 95 % of them" if size < n else ""
        kernel = pair_mean_of(kernel_pairs(found, real))
        if size < n:
            kernel = _of_subsets([kernel_distance(found[chosen], real[chosen]) for chosen in subsets], size)
        frechet = _of_subsets([frechet_distance(found[chosen], real[chosen]) for chosen in subsets], size)
        rows[f"kernel_n{size}"] = kernel, note
        rows[f"frechet_n{size}"] = frechet, "; ".join(filter(None, (note, rank_note(size, dimensions))))
    return rows


def _of_subsets(values: Sequence[float], n: int) -> Estimate:
    """Mean and middle 95 % of distances; of a single one, no interval."""
    low, high = np.quantile(values, [0.025, 0.975]) if len(values) > 1 else (math.nan, math.nan)
    return Estimate(float(np.mean(values)), float(low), float(high), n)


def stretch(store: ImageStore, size: int) -> Float[Tensor, "n 3 {size} {size}"]:
    """Every image as a square, squeezed: nothing is cut off, and everything is out of shape. In [0, 1]."""
    options = {"size": (size, size), "mode": "bilinear", "antialias": True}
    return torch.cat([nnf.interpolate(image[None].float() / 255, **options) for image in store.images]).clamp(0, 1)


def sizes_of(n: int) -> tuple[int, int]:
    """100 and 300 pictures; where there are not as many, a third of them and all."""
    return (100, 300) if n >= 300 else (n // 3, n)


def evaluate_variants(root: Path, run: Run) -> list[Number]:
    """Measure one method's colorings of each data set's val pictures in all these ways, and keep the numbers.

    Returns:
        The numbers; crop and stretch only where images are not square.

    Raises:
        WeightsError: missing or damaged weights. DataError: no val pictures, or a damaged results file.
        ConfigError: fewer than 6 pictures of a data set.
    """
    method, pooling = load_method(run.method, run.file), pretrained_efficientnet_lite0()
    provenance = run.provenance(" --atlas")

    def columns_of(rgb: Tensor) -> Columns:
        return cached(lambda: measure(method, rgb, pooling), ATLAS, rgb, method.weights, measure, _of_pictures)

    numbers = []
    for data in dataset_names(root, "val"):
        store = load_split(root, "val", SIZE, [data], quiet=True)
        chosen = spread(len(store), run.limit)
        store = ImageStore([store.images[i] for i in chosen], [store.names[i] for i in chosen])
        cropped = columns_of(center_crops(store, SIZE))
        rows, gray = psnr_rows(cropped)
        rows = {**colorfulness_rows(cropped), **rows, **size_rows(cropped, *sizes_of(len(store)))}
        if any(image.shape[1] != image.shape[2] for image in store.images):
            rows |= square_rows(cropped, columns_of(stretch(store, SIZE)))
        for one, found in ((method, rows), (GRAY, gray)):
            named = {
                ATLAS + metric: (value, f"{note}; squares at {SIZE} px") for metric, (value, note) in found.items()
            }
            numbers += numbers_of(named, one, data, len(store), provenance)
        merge_results(numbers, run.output)
    return numbers


def print_variants(numbers: Sequence[Number]) -> None:
    """Print a line for each number, by data set."""
    for data in dict.fromkeys(n.data for n in numbers):
        print(f"\n{data}")
        for n in numbers:
            if n.data == data:
                print(f"  {n.method:10}{n.metric.removeprefix(ATLAS):44}{n.text(4)}")
