"""The metric atlas: the same outputs, measured in ways that carry one name, give different numbers.

Four of them: colorfulness with signed or absolute differences, and its gap as a ratio of means or a mean of ratios;
PSNR of ab or of RGB; pictures made square by cropping or by stretching; distances of crowds from 100 or 300 pictures.
Whoever compares a number with another paper's has to know which was taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import ImageStore, center_crops
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.inference.colorstyle import RELEASED
from colorstyle_lib.metrics.bootstrap import Estimate, bootstrap, difference_of, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.colorfulness import colorfulness_of_absolutes, colorfulness_ratios
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab, psnr_rgb
from colorstyle_lib.metrics.feature_distance import (
    frechet_distance,
    kernel_distance,
    kernel_pairs,
    pooled_features,
    rank_note,
)
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod, contestant
from colorstyle_lib.reproduction.benchmarks.coloring import SIZE, joined
from colorstyle_lib.reproduction.results.measurement_cache import Columns, cache_key, load_columns, save_columns
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

ATLAS = "atlas."
"""How the names of these metrics begin."""

_BATCH = 8
_DRAWS = 200


@dataclass(frozen=True)
class Place:
    """One way to measure.

    Attributes:
        metric: its name, without :data:`ATLAS`.
        estimate: what comes out.
        note: what was taken.
        of_gray: whether it is measured on gray pictures instead of the method's.
    """

    metric: str
    estimate: Estimate
    note: str
    of_gray: bool = False


@torch.no_grad()
def look(method: ColorMethod, rgb: Float[Tensor, "n 3 h w"], pooling: EfficientNetLite0) -> Columns:
    """What there is to measure of a method's pictures and, by names that begin with ``real_``, of the real ones.

    Args:
        method: sees L alone.
        rgb: real squares in [0, 1], sides multiples of 32.
        pooling: its last stage's means are the features of a picture.
    """
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        light, ab = lab[:, :1], lab[:, 1:]
        part = {f"real_{name}": values for name, values in _seen(batch, pooling).items()}
        for name, guess in (("", method.color(batch)), ("gray_", torch.zeros_like(ab))):
            picture = lab_to_rgb(fit_gamut(torch.cat((light, guess), dim=1)))
            part |= {f"{name}psnr_ab": psnr_ab(guess, ab), f"{name}psnr_rgb": psnr_rgb(picture, batch)}
            if not name:
                part |= _seen(picture, pooling)
        parts.append(part)
    return joined(parts)


def _seen(rgb: Tensor, pooling: EfficientNetLite0) -> Columns:
    """What can be said of pictures without comparing them one by one."""
    return {
        "signed": colorfulness(rgb),
        "absolute": colorfulness_of_absolutes(rgb),
        "features": pooled_features(rgb, pooling),
    }


def colorfulness_places(seen: Columns, resamples: int) -> Iterator[Place]:
    """Colorfulness over the real pictures': two differences, two aggregations."""
    n = len(seen["signed"])
    for differences in ("signed", "absolute"):
        found, real = seen[differences], seen[f"real_{differences}"]
        ways = {
            "ratio_of_means": ratio_of(found, real),
            "mean_of_ratios": mean_of(colorfulness_ratios(found, real)),
        }
        for aggregation, statistic in ways.items():
            note = f"colorfulness of {differences} differences over the real pictures', {aggregation.replace('_', ' ')}"
            yield Place(f"colorfulness_{differences}_{aggregation}", bootstrap(statistic, n, resamples=resamples), note)


def psnr_places(seen: Columns, resamples: int) -> Iterator[Place]:
    """PSNR of ab and of RGB: of the method, of gray pictures, and what is gained over these."""
    for metric in ("psnr_ab", "psnr_rgb"):
        ours, gray = (mean_of(seen[name + metric]) for name in ("", "gray_"))
        estimates = [
            bootstrap(s, len(seen[metric]), resamples=resamples) for s in (ours, gray, difference_of(ours, gray))
        ]
        note = "dB, a mean over pictures, " + ("a and b against 255" if metric == "psnr_ab" else "sRGB; L is given")
        yield Place(metric, estimates[0], note)
        yield Place(metric, estimates[1], note, of_gray=True)
        yield Place(f"{metric}_minus_gray", estimates[2], f"{note}; paired")


def square_places(cropped: Columns, stretched: Columns, resamples: int) -> Iterator[Place]:
    """The same images, cropped and stretched to squares."""
    n = len(cropped["signed"])
    kinds = {"crop": cropped, "stretch": stretched}
    statistics = {
        "psnr_ab": {kind: mean_of(seen["psnr_ab"]) for kind, seen in kinds.items()},
        "colorfulness_ratio": {kind: ratio_of(seen["signed"], seen["real_signed"]) for kind, seen in kinds.items()},
        "kernel": {kind: pair_mean_of(kernel_pairs(s["features"], s["real_features"])) for kind, s in kinds.items()},
    }
    for metric, ways in statistics.items():
        for kind, statistic in ways.items():
            note = "the largest centered square" if kind == "crop" else "the whole image, made square by squeezing it"
            yield Place(f"{kind}_{metric}", bootstrap(statistic, n, resamples=resamples), note)
        change = bootstrap(difference_of(ways["stretch"], ways["crop"]), n, resamples=resamples)
        yield Place(f"stretch_minus_crop_{metric}", change, "paired")


def size_places(seen: Columns, few: int, many: int, resamples: int) -> Iterator[Place]:
    """Kernel and Fréchet distance of the same outputs from few pictures and from many.

    Of fewer pictures than there are, subsets are drawn; the interval then holds 95 % of their distances.
    """
    found, real = seen["features"], seen["real_features"]
    n, dimensions = found.shape
    random = np.random.default_rng(0)
    features = f"EfficientNet-Lite0's last stage pooled, {dimensions} dimensions"
    for size in (few, many):
        chosen = [torch.from_numpy(random.permutation(n)[:size]) for _ in range(_DRAWS if size < n else 1)]
        note = features + (f"; mean of {_DRAWS} subsets, the interval holds 95 % of them" if size < n else "")
        if size < n:
            kernel = _spread([kernel_distance(found[rows], real[rows]) for rows in chosen], size)
        else:
            kernel = bootstrap(pair_mean_of(kernel_pairs(found, real)), n, resamples=resamples)
        yield Place(f"kernel_n{size}", kernel, note)
        frechet = _spread([frechet_distance(found[rows], real[rows]) for rows in chosen], size)
        yield Place(f"frechet_n{size}", frechet, "; ".join(filter(None, (note, rank_note(size, dimensions)))))


def _spread(values: list[float], n: int) -> Estimate:
    """Mean and middle 95 % of distances; of a single one, no interval."""
    low, high = np.quantile(values, [0.025, 0.975]) if len(values) > 1 else (math.nan, math.nan)
    return Estimate(float(np.mean(values)), float(low), float(high), n)


def stretch(store: ImageStore, size: int) -> Float[Tensor, "n 3 {size} {size}"]:
    """Every image as a square, squeezed: nothing is cut off, and everything is out of shape. In [0, 1]."""
    squares = [
        nnf.interpolate(image[None].float() / 255, (size, size), mode="bilinear", antialias=True)
        for image in store.images
    ]
    return torch.cat(squares).clamp(0, 1)


def sizes_of(n: int) -> tuple[int, int]:
    """100 and 300 pictures; where there are not as many, a third of them and all."""
    return (100, 300) if n >= 300 else (n // 3, n)


def measure_atlas(
    root: Path,
    *,
    output: Path,
    weights: Path | None = None,
    name: str | None = None,
    limit: int | None = None,
    resamples: int = 2000,
) -> list[Number]:
    """Measure one method's colorings of each data set's val pictures in all these ways, and keep the numbers.

    Args:
        root: a data root.
        output: the results file; numbers that are not measured again stay in it.
        weights: a ``.safetensors`` file; by default the released ones.
        name: what their numbers are called; by default ``released``, or the file's own name.
        limit: at most this many of each data set, spread evenly over its files; by default all.
        resamples: of the bootstrap.

    Returns:
        The numbers; crop and stretch only where images are not square.

    Raises:
        WeightsError: missing or damaged weights. DataError: no val pictures, or a damaged results file.
        ConfigError: fewer than 6 pictures of a data set.
    """
    name = name or ("released" if weights is None else weights.stem)
    method = contestant(name, weights or paths.WEIGHTS / f"{RELEASED}.safetensors")
    asked = f" --weights {weights.name} --name {name}" if weights is not None else ""
    command = f"colorstyle evaluate --atlas{asked} --data ROOT" + (f" --limit {limit}" if limit else "")
    provenance = Provenance.here(command, "quick" if limit else "full")
    pooling = pretrained_efficientnet_lite0()
    numbers = []
    for data in dataset_names(root, "val"):
        store = load_split(root, "val", SIZE, [data], quiet=True)
        if limit is not None and limit < len(store):
            chosen = torch.linspace(0, len(store) - 1, limit).round().long().tolist()
            store = ImageStore([store.images[i] for i in chosen], [store.names[i] for i in chosen])
        places = _places(method, store, pooling, resamples)
        numbers += [_number(place, method, data, provenance) for place in places]
        merge_results(numbers, output)
    return numbers


def _places(method: ColorMethod, store: ImageStore, pooling: EfficientNetLite0, resamples: int) -> Iterator[Place]:
    def seen(rgb: Tensor) -> Columns:
        where = cache_key("atlas", rgb, method.weights or method.name, look, _seen)
        known = load_columns(where)
        if known is None:
            known = look(method, rgb, pooling)
            save_columns(where, known)
        return known

    cropped = seen(center_crops(store, SIZE))
    yield from colorfulness_places(cropped, resamples)
    yield from psnr_places(cropped, resamples)
    yield from size_places(cropped, *sizes_of(len(store)), resamples)
    if any(image.shape[1] != image.shape[2] for image in store.images):
        yield from square_places(cropped, seen(stretch(store, SIZE)), resamples)


def _number(place: Place, method: ColorMethod, data: str, provenance: Provenance) -> Number:
    sure = not math.isnan(place.estimate.low)
    facts = {"sure": sure, "note": f"{place.note}; squares at {SIZE} px"}
    if not place.of_gray:
        facts |= {"weights": method.weights, "seeds": method.seeds}
    return Number.of(
        ATLAS + place.metric, "gray" if place.of_gray else method.name, data, place.estimate, provenance, **facts
    )


def print_atlas(numbers: list[Number]) -> None:
    """A line a number, by data set."""
    for data in dict.fromkeys(n.data for n in numbers):
        print(f"\n{data}")
        for n in numbers:
            if n.data == data:
                print(f"  {n.method:10}{n.metric.removeprefix(ATLAS):44}{n.text(4)}")
