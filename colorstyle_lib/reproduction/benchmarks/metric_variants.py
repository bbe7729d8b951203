"""Metric variants: the same outputs, measured in ways that carry one name, give different numbers.

Four of them: colorfulness with signed or absolute differences, and its gap as a ratio of means or a mean of ratios;
PSNR of ab or of RGB; pictures made square by cropping or by stretching; distances of sets of 100 or 300 pictures.
A comparison with another paper's number has to know which variant that is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.data.batches import ImageStore, center_crops
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.metrics import (
    colorfulness_ratios,
    difference_of,
    frechet_distance,
    kernel_distance,
    kernel_pairs,
    mean_of,
    pair_mean_of,
    ratio_of,
)
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.metrics.feature_distance import rank_note
from colorstyle_lib.reproduction.baselines.method import GRAY, load_method
from colorstyle_lib.reproduction.benchmarks.coloring import REAL, SIZE, measure_all
from colorstyle_lib.reproduction.benchmarks.runner import Rows, Run, numbers_of, spread
from colorstyle_lib.reproduction.results.store import Columns, Number, merge_results

ATLAS = "atlas."
"""The beginning of these metrics' names."""

_SUBSETS = 200


def colorfulness_rows(found: Columns, real: Columns) -> Rows:
    """Colorfulness over the real pictures': two differences, two aggregations."""
    rows = {}
    for differences, column in (("signed", "colorfulness"), ("absolute", "colorfulness_absolute")):
        values = found[column], real[column]
        ways = {"ratio_of_means": ratio_of(*values), "mean_of_ratios": mean_of(colorfulness_ratios(*values))}
        for way, statistic in ways.items():
            note = f"colorfulness of {differences} differences over the real pictures', {way.replace('_', ' ')}"
            rows[f"colorfulness_{differences}_{way}"] = statistic, note
    return rows


def psnr_rows(found: Columns, gray: Columns) -> tuple[Rows, Rows]:
    """PSNR of ab and of RGB: of the method with its gain over gray pictures; and of gray pictures."""
    ours, of_gray = {}, {}
    for metric, planes in (("psnr_ab", "a and b against 255"), ("psnr_rgb", "sRGB; L is given")):
        note = f"dB, a mean over pictures, {planes}"
        ours[metric], of_gray[metric] = ((mean_of(columns[metric]), note) for columns in (found, gray))
        ours[f"{metric}_minus_gray"] = difference_of(ours[metric][0], of_gray[metric][0]), f"{note}; paired"
    return ours, of_gray


def square_rows(crop: tuple[Columns, Columns], stretch: tuple[Columns, Columns]) -> Rows:
    """Three metrics of the same images, cropped and stretched to squares, and their paired differences.

    The columns of each are those of the method and of the real pictures.
    """
    cropped, stretched = (
        {
            "psnr_ab": mean_of(found["psnr_ab"]),
            "colorfulness_ratio": ratio_of(found["colorfulness"], real["colorfulness"]),
            "kernel": pair_mean_of(kernel_pairs(found["features"], real["features"])),
        }
        for found, real in (crop, stretch)
    )
    rows = {}
    for metric, statistic in cropped.items():
        rows[f"crop_{metric}"] = statistic, "the largest centered square"
        rows[f"stretch_{metric}"] = stretched[metric], "the whole image, made square by squeezing it"
        rows[f"stretch_minus_crop_{metric}"] = difference_of(stretched[metric], statistic), "paired"
    return rows


def size_rows(found: Float[Tensor, "n d"], real: Float[Tensor, "n d"], few: int, many: int) -> Rows:
    """Kernel and Fréchet distance of the same outputs' features from few pictures and from many.

    For fewer pictures than there are, subsets are drawn; the interval then holds 95 % of their distances.
    """
    n, dimensions = found.shape
    random = np.random.default_rng(0)
    rows = {}
    for size in (few, many):
        subsets = [torch.from_numpy(random.permutation(n)[:size]) for _ in range(_SUBSETS if size < n else 1)]
        note = f"EfficientNet-Lite0's last stage pooled, {dimensions} dimensions"
        if size < n:
            note += f"; mean of {_SUBSETS} subsets, the interval holds 95 % of them"
            kernel = _of_subsets([kernel_distance(found[chosen], real[chosen]) for chosen in subsets], size)
        else:
            kernel = pair_mean_of(kernel_pairs(found, real))
        frechet = _of_subsets([frechet_distance(found[chosen], real[chosen]) for chosen in subsets], size)
        rows[f"kernel_n{size}"] = kernel, note
        rows[f"frechet_n{size}"] = frechet, "; ".join(filter(None, (note, rank_note(size, dimensions))))
    return rows


def _of_subsets(values: Sequence[float], n: int) -> Estimate:
    """Mean and middle 95 % of distances; of a single one, no interval."""
    ends = np.quantile(values, [0.025, 0.975]).tolist() if len(values) > 1 else (math.nan, math.nan)
    return Estimate(float(np.mean(values)), *ends, n)


def stretch(store: ImageStore, size: int) -> Float[Tensor, "n 3 {size} {size}"]:
    """Every image as a square, squeezed: nothing is cut off, and everything is out of shape. In [0, 1]."""
    options = {"size": (size, size), "mode": "bilinear", "antialias": True}
    return torch.cat([nnf.interpolate(image[None].float() / 255, **options) for image in store.images]).clamp(0, 1)


def sizes_of(n: int) -> tuple[int, int]:
    """100 and 300 pictures; where there are not as many, a third of them and all."""
    return (100, 300) if n >= 300 else (n // 3, n)


def evaluate_variants(root: Path, run: Run) -> list[Number]:
    """Measure one method's colorings of each data set's val pictures in all these ways, and keep the numbers.

    Crop and stretch are compared only where images are not square.

    Raises:
        WeightsError: missing or damaged weights. DataError: no val pictures, or a damaged results file.
        ConfigError: fewer than 6 pictures of a data set.
    """
    method, provenance, numbers = load_method(run.method, run.file), run.provenance(" --atlas"), []
    for data in dataset_names(root, "val"):
        store = load_split(root, "val", SIZE, [data], quiet=True)
        chosen = spread(len(store), run.limit)
        store = ImageStore([store.images[i] for i in chosen], [store.names[i] for i in chosen])
        squares = {"crop": center_crops(store, SIZE)}
        if any(image.shape[1] != image.shape[2] for image in store.images):
            squares["stretch"] = stretch(store, SIZE)
        columns = {kind: measure_all([method, GRAY], {data: rgb})[1][data] for kind, rgb in squares.items()}
        pairs = {kind: (one[method.name], one[REAL]) for kind, one in columns.items()}
        found, real = pairs["crop"]
        rows, gray = psnr_rows(found, columns["crop"][GRAY.name])
        rows |= colorfulness_rows(found, real)
        rows |= size_rows(found["features"], real["features"], *sizes_of(len(store)))
        if "stretch" in pairs:
            rows |= square_rows(pairs["crop"], pairs["stretch"])
        for one, of_one in ((method, rows), (GRAY, gray)):
            of_one = {ATLAS + name: (value, f"{note}; squares at {SIZE} px") for name, (value, note) in of_one.items()}
            numbers += numbers_of(of_one, one, data, len(store), provenance)
        merge_results(numbers, run.output)
    return numbers


def print_variants(numbers: Sequence[Number]) -> None:
    """Print a line for each number, by data set."""
    for data, some in itertools.groupby(numbers, lambda n: n.data):
        print(f"\n{data}")
        for n in some:
            print(f"  {n.method:10}{n.metric.removeprefix(ATLAS):44}{n.text(4)}")
