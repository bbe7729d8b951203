"""The coloring benchmark: methods on pictures that none of them was trained on; and its metrics' variants.

A method sees a square's L alone, colors it at the size it works at, and is measured at one size for all, on L as it was
given and on its a and b brought into the gamut. Differences of two methods are paired over pictures.

The same outputs, measured in ways that carry one name, give different numbers: colorfulness with signed or absolute
differences, and its gap as a ratio of means or a mean of ratios; PSNR of ab or of RGB; pictures made square by cropping
or by stretching; distances of sets of 100 or 300 pictures. A comparison with another paper's number has to know which.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib import metrics
from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data.batches import ImageStore, center_crops
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics import difference_of, kernel_pairs, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.metrics.feature_distance import Network, perceptual_network, rank_note
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, load_method
from colorstyle_lib.reproduction.baselines.recipes import RECIPES
from colorstyle_lib.reproduction.benchmarks import runner
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Rows, Run, Squares
from colorstyle_lib.reproduction.benchmarks.steering import HALVED, evaluate_steering
from colorstyle_lib.reproduction.results.store import (
    Columns,
    Number,
    Provenance,
    cache_key,
    load_columns,
    merge_results,
    save_columns,
)

SIZE = 160  # side in pixels of the squares that are measured; a multiple of 32

KERNEL = "kernel_efficientnet_lite0"
FRECHET = "frechet_efficientnet_lite0"
PERCEPTUAL = "perceptual_"  # before the name of the network at hand; see perceptual_network
REAL = "the real pictures"  # the name of the real pictures' own columns beside those of methods
ATLAS = "atlas."  # the beginning of the names of metrics' variants

_BATCH = 8
_COMPARED = ("psnr_ab", "ciede2000", KERNEL, PERCEPTUAL)  # of two methods, paired over pictures
_SUBSETS = 200


@torch.no_grad()
def measure(
    methods: Sequence[ColorMethod], rgb: Float[Tensor, "n 3 h w"], *, pooling: EfficientNetLite0, perceptual: Network
) -> dict[str, Columns]:
    """The columns of each method, and under :data:`REAL` those of the real squares, in [0, 1], sides multiples of 32.

    One network is for the kernel and the Fréchet distance, the other for the perceptual distance.
    """
    parts: dict[str, list[Columns]] = {name: [] for name in (REAL, *(method.name for method in methods))}
    for batch in rgb.split(_BATCH):
        lab, maps = rgb_to_lab(batch), perceptual(batch)
        parts[REAL].append(_of_pictures(batch, lab, pooling))
        for method in methods:
            predicted = torch.cat((lab[:, :1], method.color(batch)), dim=1)
            shown = fit_gamut(predicted)
            picture = lab_to_rgb(shown)
            beside_real = {
                "psnr_ab": metrics.psnr_ab(predicted[:, 1:], lab[:, 1:]),
                "psnr_rgb": metrics.psnr_rgb(picture, batch),
                "ssim": metrics.ssim(picture, batch),
                "ciede2000": metrics.ciede2000(shown, lab),
                "perceptual": metrics.perceptual_distances(perceptual(picture), maps),
            }
            parts[method.name].append(_of_pictures(picture, shown, pooling) | beside_real)
    return {name: runner.joined(batches) for name, batches in parts.items()}


def _of_pictures(rgb: Tensor, lab: Tensor, pooling: EfficientNetLite0) -> Columns:
    """The measurements that need no picture to compare with."""
    return {
        "colorfulness": metrics.colorfulness(rgb),
        "colorfulness_absolute": metrics.colorfulness_of_absolutes(rgb),
        "histograms": metrics.ab_histograms(lab),
        "features": metrics.pooled_features(rgb, pooling),
    }


def measure_all(methods: Sequence[ColorMethod], squares: Squares) -> tuple[str, dict[str, Mapping[str, Columns]]]:
    """The name of the perceptual distance's network; and columns of :func:`measure` by data set, and of all together.

    Measurements of the same weights and pictures by the same code come from ``runs/measured``.

    Raises:
        ConfigError: no pictures, or two methods of one name. MissingExtraError: a package is not installed.
    """
    if not squares:
        raise ConfigError("there are no val pictures to measure on")
    if len({m.name for m in methods}) < len(methods):
        raise ConfigError("two methods have the same name; give them different ones")
    network, perceptual = perceptual_network()
    pooling, measured = pretrained_efficientnet_lite0(), {}
    for data, rgb in squares.items():
        pictures = cache_key(rgb, network, measure, _of_pictures)
        keys = {REAL: pictures} | {m.name: cache_key("colors", pictures, m.weights or m.name) for m in methods}
        columns = {name: load_columns(key) for name, key in keys.items()}
        if None in columns.values():
            missing = [m for m in methods if columns[m.name] is None]
            new = measure(missing, rgb, pooling=pooling, perceptual=perceptual)
            for name in new:
                save_columns(keys[name], new[name])
            columns |= new
        measured[data] = columns
    return network, runner.with_all(measured)


def metrics_of(found: Columns, real: Columns, network: str) -> Rows:
    """Every metric of a method's columns, beside the real pictures' and named after the perceptual network."""
    ours, theirs = found["colorfulness"], real["colorfulness"]
    histograms, real_histograms = (columns["histograms"].double() / len(ours) for columns in (found, real))
    features = found["features"], real["features"]
    statistics = {name: mean_of(found[name]) for name in ("psnr_ab", "psnr_rgb", "ssim", "ciede2000")} | {
        "colorfulness_ratio": ratio_of(ours, theirs),
        "colorfulness_gap_signed": mean_of(ours - theirs),
        "colorfulness_gap_absolute": mean_of((ours - theirs).abs()),
        "ab_histogram": lambda counts: metrics.histogram_distance(counts @ histograms, counts @ real_histograms),
        KERNEL: pair_mean_of(kernel_pairs(*features)),
        FRECHET: runner.without_interval(metrics.frechet_distance(*features), len(ours)),
    }
    rows = {metric: (statistic, NOTES["coloring"][metric]) for metric, statistic in statistics.items()}
    return rows | {PERCEPTUAL + network: (mean_of(found["perceptual"]), NOTES["coloring"][PERCEPTUAL])}


def coloring_numbers(
    methods: Sequence[ColorMethod], found: Mapping[str, Sequence[Rows]], n: int, data: str, provenance: Provenance
) -> list[Number]:
    """All numbers of one data set of n pictures: every metric of every method, and differences.

    The first method, and ``ours`` if it is there, are compared with all others. What was found is from
    :func:`metrics_of`, by method one for each of its trainings, over which its numbers are means.
    """
    numbers = []
    for method in methods:
        suffix, trainings = "; ".join(filter(None, (f"squares at {SIZE} px", method.note))), []
        others = [one.name for one in methods if one is not method and method.name in (methods[0].name, "ours")]
        for i, mine in enumerate(found[method.name]):
            rows = {metric: (value, f"{note}; {suffix}") for metric, (value, note) in mine.items()}
            for metric, other in itertools.product((m for m in mine if m.startswith(_COMPARED)), others):
                difference = difference_of(mine[metric][0], found[other][i][metric][0])
                rows[f"{metric}_minus_{other}"] = difference, f"paired over pictures; {rows[metric][1]}"
            trainings.append(rows)
        numbers += runner.numbers_of(trainings, method, data, n, provenance)
    return numbers


def evaluate_methods(methods: Sequence[ColorMethod], squares: Squares, provenance: Provenance) -> list[Number]:
    """All numbers of methods, the one in question first, of each data set and of all; errors as :func:`measure_all`."""
    (network, measured), numbers = measure_all(methods, squares), []
    for data, columns in measured.items():
        found = {method.name: [metrics_of(columns[method.name], columns[REAL], network)] for method in methods}
        numbers += coloring_numbers(methods, found, len(columns[REAL]["colorfulness"]), data, provenance)
    return numbers


def evaluate_coloring(root: Path | None, run: Run, baselines: Path | None = None) -> list[Number]:
    """Measure weights, gray and every trained baseline on each data set's val pictures, and keep the numbers.

    Without a root these are the demo photographs. Of the folders of ``colorstyle opponents`` in ``baselines`` those
    that are not there are left out.

    Raises:
        WeightsError: missing or damaged weights. DataError: no val pictures, or a damaged results file.
        MissingExtraError: the package that carries demo photographs is not installed.
    """
    files = {name: baselines / name / f"{name}.safetensors" for name in RECIPES} if baselines is not None else {}
    subject = load_method(run.method, run.file)
    methods = [subject, GRAY, *(load_method(name, file) for name, file in files.items() if file.is_file())]
    provenance = run.provenance(data=" --data ROOT" if root else " --demo")
    numbers = evaluate_methods(methods, runner.load_squares(root, SIZE, run.limit), provenance)
    merge_results(numbers, run.output)
    if subject.generator is not None:
        sides = subject.generator.config.working_size, HALVED
        squares, halved = (runner.load_squares(root, side, run.limit) for side in sides)
        steered = evaluate_steering(subject, squares, halved, provenance)
        merge_results(steered, run.output)
        numbers += steered
    return numbers


def colorfulness_rows(found: Columns, real: Columns) -> Rows:
    """Colorfulness over the real pictures': two differences, two aggregations."""
    rows = {}
    for differences, column in (("signed", "colorfulness"), ("absolute", "colorfulness_absolute")):
        values = found[column], real[column]
        ways = {"ratio_of_means": ratio_of(*values), "mean_of_ratios": mean_of(metrics.colorfulness_ratios(*values))}
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
    """Three metrics of the same images, cropped and stretched, and paired differences; columns as (method's, real)."""
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
    random, rows = np.random.default_rng(0), {}
    for size in (few, many):
        subsets = [torch.from_numpy(random.permutation(n)[:size]) for _ in range(_SUBSETS if size < n else 1)]
        note = f"EfficientNet-Lite0's last stage pooled, {dimensions} dimensions"
        kernel, frechet = (
            [distance(found[chosen], real[chosen]) for chosen in subsets]
            for distance in (metrics.kernel_distance, metrics.frechet_distance)
        )
        if size < n:
            note += f"; mean of {_SUBSETS} subsets, the interval holds 95 % of them"
            kernel, frechet = (
                Estimate(float(np.mean(values)), *np.quantile(values, [0.025, 0.975]).tolist(), size)
                for values in (kernel, frechet)
            )
        else:
            kernel, frechet = pair_mean_of(kernel_pairs(found, real)), runner.without_interval(frechet[0], size)
        rows[f"kernel_n{size}"] = kernel, note
        rows[f"frechet_n{size}"] = frechet, "; ".join(filter(None, (note, rank_note(size, dimensions))))
    return rows


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
        chosen = runner.spread(len(store), run.limit)
        store = ImageStore([store.images[i] for i in chosen], [store.names[i] for i in chosen])
        squares = {"crop": center_crops(store, SIZE)}
        if any(image.shape[1] != image.shape[2] for image in store.images):
            squares["stretch"] = stretch(store, SIZE)
        columns = {kind: measure_all([method, GRAY], {data: rgb})[1][data] for kind, rgb in squares.items()}
        pairs = {kind: (one[method.name], one[REAL]) for kind, one in columns.items()}
        found, real = pairs["crop"]
        rows, gray = psnr_rows(found, columns["crop"][GRAY.name])
        rows |= colorfulness_rows(found, real) | size_rows(found["features"], real["features"], *sizes_of(len(store)))
        if "stretch" in pairs:
            rows |= square_rows(*pairs.values())
        for one, of_one in ((method, rows), (GRAY, gray)):
            of_one = {ATLAS + name: (value, f"{note}; squares at {SIZE} px") for name, (value, note) in of_one.items()}
            numbers += runner.numbers_of([of_one], one, data, len(store), provenance)
        merge_results(numbers, run.output)
    return numbers
