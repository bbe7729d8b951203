"""How methods color pictures that none of them was trained on: each metric with its interval, differences paired.

A method sees a square's L alone, colors it at the size it works at, and is measured at one size for all, on L as it was
given and on its a and b brought into the gamut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import center_crops
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.bootstrap import (
    Estimate,
    Statistic,
    bootstrap,
    difference_of,
    mean_of,
    mean_over,
    pair_mean_of,
    ratio_of,
)
from colorstyle_lib.metrics.coloring import (
    ab_histograms,
    ciede2000,
    colorfulness,
    histogram_distance,
    psnr_ab,
    psnr_rgb,
    ssim,
)
from colorstyle_lib.metrics.feature_distance import (
    Network,
    frechet_distance,
    kernel_pairs,
    perceptual_distances,
    perceptual_network,
    pooled_features,
)
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.results.measurement_cache import Columns, cache_key, load_columns, save_columns
from colorstyle_lib.reproduction.results.store import Number, Provenance

SIZE = 160
"""Side in pixels of the squares that are measured; a multiple of 32."""

ALL = "all"
"""The name of all data sets' pictures together, each picture counting alike."""

KERNEL = "kernel_efficientnet_lite0"
FRECHET = "frechet_efficientnet_lite0"
PERCEPTUAL = "perceptual_"
"""Before the name of the network at hand; see :func:`.perceptual_network`."""

_COMPARED = ("psnr_ab", "ciede2000", KERNEL, PERCEPTUAL)
_BATCH = 8
_REAL = "the real pictures"


def load_squares(root: Path, size: int = SIZE, limit: int | None = None) -> dict[str, Float[Tensor, "n 3 _ _"]]:
    """Each data set's val pictures, their centered squares at one size, in [0, 1].

    Args:
        root: a data root.
        size: side in pixels.
        limit: at most this many of each, spread evenly over its files.
    """
    squares = {}
    for name in dataset_names(root, "val"):
        rgb = center_crops(load_split(root, "val", size, [name], quiet=True), size)
        if limit is not None and limit < len(rgb):
            rgb = rgb[torch.linspace(0, len(rgb) - 1, limit).round().long()]
        squares[name] = rgb
    return squares


@torch.no_grad()
def measure(
    methods: Sequence[ColorMethod],
    rgb: Float[Tensor, "n 3 h w"],
    *,
    pooling: EfficientNetLite0,
    perceptual: Network,
) -> tuple[dict[str, Columns], Columns]:
    """Measure methods picture by picture, and the real pictures where a metric compares two crowds.

    Args:
        methods: each sees the same pictures, whose own features are computed once for all.
        rgb: real squares in [0, 1], sides multiples of 32.
        pooling: for the kernel and the Fréchet distance.
        perceptual: for the perceptual distance.

    Returns:
        By method its columns; and those of the real pictures.
    """
    found: dict[str, list[Columns]] = {method.name: [] for method in methods}
    real = []
    for batch in rgb.split(_BATCH):
        lab, maps = rgb_to_lab(batch), perceptual(batch)
        real.append(_looks(batch, lab, pooling))
        for method in methods:
            answered = torch.cat((lab[:, :1], method.color(batch)), dim=1)
            shown = fit_gamut(answered)
            picture = lab_to_rgb(shown)
            found[method.name].append(
                {
                    **_looks(picture, shown, pooling),
                    "psnr_ab": psnr_ab(answered[:, 1:], lab[:, 1:]),
                    "psnr_rgb": psnr_rgb(picture, batch),
                    "ssim": ssim(picture, batch),
                    "ciede2000": ciede2000(shown, lab),
                    "perceptual": perceptual_distances(perceptual(picture), maps),
                }
            )
    return {name: joined(parts) for name, parts in found.items()}, joined(real)


def _looks(rgb: Tensor, lab: Tensor, pooling: EfficientNetLite0) -> Columns:
    """What can be said of pictures without comparing them one by one."""
    return {
        "colorfulness": colorfulness(rgb),
        "histograms": ab_histograms(lab),
        "features": pooled_features(rgb, pooling),
    }


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns of several batches or data sets, one after the other."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def statistics_of(found: Columns, real: Columns, network: str) -> dict[str, Statistic]:
    """Every metric of :func:`measure`'s columns as a statistic over pictures, by name.

    Args:
        found: a method's.
        real: the real pictures', in the same order.
        network: what the perceptual distance's network is called.
    """
    ours, theirs = found["colorfulness"], real["colorfulness"]
    histograms, wanted = found["histograms"].double(), real["histograms"].double()
    n = len(ours)
    return {
        "colorfulness_ratio": ratio_of(ours, theirs),
        "colorfulness_gap_signed": mean_of(ours - theirs),
        "colorfulness_gap_absolute": mean_of((ours - theirs).abs()),
        **{name: mean_of(found[name]) for name in ("psnr_ab", "psnr_rgb", "ssim", "ciede2000")},
        "ab_histogram": lambda counts: histogram_distance(counts @ histograms / n, counts @ wanted / n),
        KERNEL: pair_mean_of(kernel_pairs(found["features"], real["features"])),
        PERCEPTUAL + network: mean_of(found["perceptual"]),
    }


def numbers_of(
    methods: Sequence[ColorMethod],
    found: Mapping[str, Sequence[Columns]],
    real: Columns,
    *,
    data: str,
    network: str,
    provenance: Provenance,
    resamples: int = 2000,
) -> list[Number]:
    """All numbers of one data set: every metric of every method, and what our own differ by from every other.

    Args:
        methods: whose columns these are; the first one, and ``ours`` if it is there, are compared with all others.
        found: from :func:`measure`, of each of a method's trainings; its numbers are means over them.
        real: from there, too.
        data: name of the data set.
        network: of the perceptual distance.
        provenance: of the run.
        resamples: of the bootstrap.
    """
    n = len(real["colorfulness"])
    statistics = {m.name: _means([statistics_of(one, real, network) for one in found[m.name]]) for m in methods}
    numbers = []
    for method in methods:
        facts = {"weights": method.weights, "seeds": method.seeds}
        for metric, statistic in statistics[method.name].items():
            estimate = bootstrap(statistic, n, resamples=resamples)
            numbers.append(
                Number.of(metric, method.name, data, estimate, provenance, **facts, note=note_of(metric, method))
            )
        distance = fmean(frechet_distance(one["features"], real["features"]) for one in found[method.name])
        estimate = Estimate(distance, math.nan, math.nan, n)
        numbers.append(
            Number.of(
                FRECHET, method.name, data, estimate, provenance, **facts, sure=False, note=note_of(FRECHET, method)
            )
        )
    for method in methods:
        if method is not methods[0] and method.name != "ours":
            continue
        for other in methods:
            if other.name == method.name:
                continue
            for metric, statistic in statistics[method.name].items():
                if not metric.startswith(_COMPARED):
                    continue
                estimate = bootstrap(difference_of(statistic, statistics[other.name][metric]), n, resamples=resamples)
                numbers.append(
                    Number.of(
                        f"{metric}_minus_{other.name}",
                        method.name,
                        data,
                        estimate,
                        provenance,
                        weights=method.weights,
                        seeds=method.seeds,
                        note=f"paired over pictures; {note_of(metric, method)}",
                    )
                )
    return numbers


def _means(trainings: Sequence[Mapping[str, Statistic]]) -> dict[str, Statistic]:
    return {metric: mean_over([one[metric] for one in trainings]) for metric in trainings[0]}


def measure_all(
    methods: Sequence[ColorMethod], squares: Mapping[str, Float[Tensor, "n 3 h w"]]
) -> tuple[str, dict[str, tuple[dict[str, Columns], Columns]]]:
    """Measure methods on each data set and on all together.

    What was measured before with the same weights, pictures and measure is taken from ``runs/measured``.

    Args:
        methods: any.
        squares: from :func:`load_squares`.

    Returns:
        What the perceptual distance's network is called, and by data set what :func:`measure` gives; all together last.

    Raises:
        ConfigError: no pictures, or two methods of one name. MissingExtraError: a package is not installed.
    """
    if not squares:
        raise ConfigError("there are no val pictures to measure on")
    if len({m.name for m in methods}) < len(methods):
        raise ConfigError("two methods have the same name; give them different ones")
    network, perceptual = perceptual_network()
    pooling = pretrained_efficientnet_lite0()

    def measured_before_or_now(rgb: Tensor) -> tuple[dict[str, Columns], Columns]:
        pictures = cache_key(rgb, network, measure, _looks)
        places = {m.name: cache_key("colors", pictures, m.weights or m.name) for m in methods} | {_REAL: pictures}
        known = {name: load_columns(place) for name, place in places.items()}
        missing = [m for m in methods if known[m.name] is None]
        if missing or known[_REAL] is None:
            found, real = measure(missing, rgb, pooling=pooling, perceptual=perceptual)
            new = {**found, _REAL: real}
            for name, columns in new.items():
                save_columns(places[name], columns)
            known |= new
        return {m.name: known[m.name] for m in methods}, known[_REAL]

    measured = {name: measured_before_or_now(rgb) for name, rgb in squares.items()}
    if len(measured) > 1:
        together = {m.name: joined([found[m.name] for found, _ in measured.values()]) for m in methods}
        measured[ALL] = together, joined([real for _, real in measured.values()])
    return network, measured


def evaluate_colorization(
    methods: Sequence[ColorMethod],
    squares: Mapping[str, Float[Tensor, "n 3 h w"]],
    provenance: Provenance,
    *,
    resamples: int = 2000,
) -> list[Number]:
    """All numbers of methods, of each data set and of all together.

    Args:
        methods: the one in question first.
        squares: from :func:`load_squares`.
        provenance: of the run.
        resamples: of the bootstrap.

    Raises:
        As :func:`measure_all`.
    """
    network, measured = measure_all(methods, squares)
    options = {"network": network, "provenance": provenance, "resamples": resamples}
    return [
        number
        for data, (found, real) in measured.items()
        for number in numbers_of(methods, {m.name: [found[m.name]] for m in methods}, real, data=data, **options)
    ]


_NOTES = {
    "colorfulness_ratio": "mean of Hasler and Süsstrunk's colorfulness (signed differences) over the real pictures'",
    "colorfulness_gap_signed": "mean of (colorfulness - the real picture's)",
    "colorfulness_gap_absolute": "mean of |colorfulness - the real picture's|",
    "psnr_ab": "dB over the a and b planes against 255, a mean over pictures",
    "psnr_rgb": "dB over sRGB, a mean over pictures; L is given",
    "ssim": "sRGB, Gaussian window of deviation 1.5 px, a mean over pictures; L is given",
    "ciede2000": "mean over pixels, then pictures",
    "ab_histogram": "total variation of all pictures' ab histograms, squares of 10 Lab units",
    KERNEL: "unbiased squared MMD, cubic kernel, EfficientNet-Lite0's last stage pooled; not KID, not FID",
    FRECHET: "same features (320); rank-deficient below 320 pictures and too large; no interval is claimed; not FID",
}


def note_of(metric: str, method: ColorMethod) -> str:
    """What a reader must know about a metric of a method."""
    if metric.startswith(PERCEPTUAL):
        known = "squared feature distance over the real features' mean square, a mean over layers; not LPIPS"
    else:
        known = _NOTES[metric]
    return "; ".join(part for part in (known, f"squares at {SIZE} px", method.note) if part)
