"""The coloring benchmark: methods on pictures that none of them was trained on.

A method sees a square's L alone, colors it at the size it works at, and is measured at one size for all, on L as it was
given and on its a and b brought into the gamut. Differences of two methods are paired over pictures.
"""

import itertools
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib import metrics
from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.config import change
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics import difference_of, kernel_pairs, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.feature_distance import Network, perceptual_network
from colorstyle_lib.model import EfficientNetLite0, gray_content, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, load_method, load_peer
from colorstyle_lib.reproduction.baselines.recipes import RECIPES
from colorstyle_lib.reproduction.benchmarks import runner
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Rows, Run, Squares
from colorstyle_lib.reproduction.benchmarks.steering import HALVED, evaluate_steering
from colorstyle_lib.reproduction.results import store
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, merge_results

SIZE = 160  # side in pixels of the squares that are measured; a multiple of 32

KERNEL = "kernel_efficientnet_lite0"
FRECHET = "frechet_efficientnet_lite0"
PERCEPTUAL = "perceptual_"  # before the name of the network at hand; see perceptual_network
REAL = "the real pictures"  # the name of the real pictures' own columns beside those of methods

KNOB = "knob"  # the name of the pictures that the settings of colorfulness are measured on, all data sets together
KNOB_MEASURES = ("psnr_ab", "ciede2000", KERNEL, "colorfulness_ratio")
KNOB_SETTINGS: Mapping[str, Sequence[str]] = NOTES["knob"]  # by what is turned
_BATCH = 8
_COMPARED = ("psnr_ab", "ciede2000", KERNEL, PERCEPTUAL)  # of two methods, paired over pictures


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
            ab = method.color(batch)
            shown = fit_gamut(torch.cat((lab[:, :1], ab), dim=1))
            picture, stains = lab_to_rgb(shown), metrics.stain_gradients(shown[:, 1:], lab[:, 1:])
            beside_real = dict(zip(("stains", "calm"), stains, strict=True)) | {
                "psnr_ab": metrics.psnr_ab(ab, lab[:, 1:]),
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
        "histograms": metrics.ab_histograms(lab),
        "features": metrics.pooled_features(rgb, pooling),
    }


def measure_all(
    methods: Sequence[ColorMethod], squares: Squares, together: str = runner.ALL
) -> tuple[str, dict[str, Mapping[str, Columns]]]:
    """The name of the perceptual distance's network; and columns of :func:`measure` by data set, and of all together.

    Measurements of the same weights and pictures by the same code come from ``runs/measured``. ConfigError: no
    pictures, or two methods of one name. MissingExtraError: a package is not installed.
    """
    if not squares:
        raise ConfigError("there are no val pictures to measure on")
    if len({m.name for m in methods}) < len(methods):
        raise ConfigError("two methods have the same name; give them different ones")
    network, perceptual = perceptual_network()
    pooling, measured = pretrained_efficientnet_lite0(), {}
    for data, rgb in squares.items():
        pictures = store.cache_key(rgb, network, measure, _of_pictures)
        keys = {REAL: pictures} | {m.name: store.cache_key("colors", pictures, m.weights or m.name) for m in methods}
        passing = {method.name for method in methods if not method.keep}
        columns = {name: None if name in passing else store.load_columns(key) for name, key in keys.items()}
        if None in columns.values():
            missing = [m for m in methods if columns[m.name] is None]
            new = measure(missing, rgb, pooling=pooling, perceptual=perceptual)
            for name in new.keys() - passing:
                store.save_columns(keys[name], new[name])
            columns |= new
        measured[data] = columns
    return network, runner.with_all(measured, together)


def metrics_of(found: Columns, real: Columns, network: str) -> Rows:
    """Every metric of a method's columns, beside the real pictures' and named after the perceptual network."""
    ours, theirs = found["colorfulness"], real["colorfulness"]
    histograms, real_histograms = (columns["histograms"].double() / len(ours) for columns in (found, real))
    features = found["features"], real["features"]
    statistics = {name: mean_of(found[name]) for name in ("psnr_ab", "psnr_rgb", "ssim", "ciede2000")} | {
        "colorfulness_ratio": ratio_of(ours, theirs),
        "stain_ratio": ratio_of(found["stains"], found["calm"]),
        "ab_histogram": lambda counts: metrics.histogram_distance(counts @ histograms, counts @ real_histograms),
        KERNEL: pair_mean_of(kernel_pairs(*features)),
        FRECHET: metrics.frechet_distance(*features),
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


def evaluate_methods(
    methods: Sequence[ColorMethod], squares: Squares, provenance: Provenance, together: str = runner.ALL
) -> list[Number]:
    """All numbers of methods, the one in question first, of each data set and of all; errors as :func:`measure_all`."""
    (network, measured), numbers = measure_all(methods, squares, together), []
    for data, columns in measured.items():
        found = {method.name: [metrics_of(columns[method.name], columns[REAL], network)] for method in methods}
        numbers += coloring_numbers(methods, found, len(columns[REAL]["colorfulness"]), data, provenance)
    return numbers


def methods_at_settings(method: ColorMethod) -> list[ColorMethod]:
    """A method at all settings of the knob; ConfigError where its weights do not predict ab bins."""
    if (generator := method.generator) is None or generator.config.colors != "bins":
        raise ConfigError("these weights predict a and b themselves; the knob needs weights that predict ab bins")

    @lru_cache(maxsize=1)  # settings change only the generator's end, and each sees a batch before the next one comes
    def features(rgb: Tensor) -> tuple[Tensor, Tensor]:
        small = nnf.interpolate(rgb, generator.config.working_size, mode="bilinear", antialias=True).clamp(0, 1)
        content = gray_content(rgb_to_lab(small)[:, :1])
        return generator.forward_features(content)[0], content

    def at(setting: str) -> ColorMethod:
        changed, fields = copy(generator), map(str.split, setting.split(", "))  # with the same layers
        changed.config = change(generator.config, **{field: float(value) for field, value in fields})

        def color(rgb: Tensor) -> Tensor:
            return nnf.interpolate(changed.colors(*features(rgb)), rgb.shape[-2:], mode="bilinear")

        return replace(method, name=f"{method.name}, {setting}", color=color, keep=False)

    return [at(setting) for setting in dict.fromkeys(itertools.chain(*KNOB_SETTINGS.values()))]


def evaluate_coloring(roots: Sequence[Path] | None, run: Run, baselines: Path | None = None) -> list[Number]:
    """Measure weights, gray, every trained baseline and peers on each data set's val pictures, and keep the numbers.

    Without a root these are the demo photographs. Of the folders of ``colorstyle opponents`` in ``baselines`` those
    that are not there are left out. Errors are those of loading, of :func:`measure_all` and :func:`.merge_results`.
    """
    files = {name: baselines / name / f"{name}.safetensors" for name in RECIPES} if baselines is not None else {}
    subject = load_method(run.method, run.weights)
    methods = [subject, GRAY, *(load_method(name, file) for name, file in files.items() if file.is_file())]
    methods += map(load_peer, run.peers)
    chosen = f" --datasets {' '.join(run.datasets)} --together {run.together}" if run.datasets else ""
    data = " --data" + " ROOT" * len(roots) + chosen if roots else " --demo"
    provenance, squares = run.provenance(data=data), runner.load_squares(roots, SIZE, run.limit, run.datasets)
    if run.knob:
        methods[1:1], squares = methods_at_settings(subject), {KNOB: torch.cat([*squares.values()])}
    numbers = evaluate_methods(methods, squares, provenance, run.together)
    numbers = [one for one in numbers if not run.knob or one.metric.startswith(KNOB_MEASURES)]
    merge_results(numbers, run.output)
    if subject.generator is not None and not run.knob:
        sides = subject.generator.config.working_size, HALVED
        squares, halved = (runner.load_squares(roots, side, run.limit, run.datasets) for side in sides)
        steered = evaluate_steering(subject, squares, halved, provenance, run.together)
        merge_results(steered, run.output)
        numbers += steered
    return numbers
