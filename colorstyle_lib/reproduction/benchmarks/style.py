"""The style benchmark: the same pairs of a photograph and a painting for every method, and the same judge.

And style transfer by one modality alone: how much of each modality's distance to the style is closed, and by which.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data import center_crops, decode_images, list_images
from colorstyle_lib.errors import ColorStyleError, DataError
from colorstyle_lib.images.read import shorter_side, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.losses.reconstruction import content_distance, style_distance, style_statistics
from colorstyle_lib.metrics import Statistic, difference_of, perceptual_content_distance, ratio_of
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.model.pretrained import VGG19, EfficientNetLite0, load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod, StyleMethod
from colorstyle_lib.reproduction.baselines.style import optimization, quick_methods, stylizing
from colorstyle_lib.reproduction.benchmarks.runner import Run, joined, numbers_of, print_table
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, cached, merge_results

STYLE_PAIRS, PAIRS = "style_pairs", 210  # the name of the pairs among data sets, and how many
SIZE = 256  # side in pixels of the pairs' squares
STRENGTHS = (0.25, 0.5, 0.75, 0.9, 1.0)
MODALITY_PAIRS = 42  # at most so many, and no painting in two, so that intervals are over photographs and paintings
Trainings = Sequence[Columns]  # of each training of a method the columns of :func:`measure_pairs`

MEASURES = ("content", "style", "perceptual")
"""Distances of a restyled photograph, less is better: from the photograph at VGG-19's relu4_1, 0 for the same and 1 as
wrong as no feature at all; from the style at relu1_1, relu2_1, relu3_1 and relu4_1; and from the photograph on
EfficientNet-Lite0's features, on which no style term is trained."""


@torch.no_grad()
def style_judge(
    vgg: VGG19, efficientnet: EfficientNetLite0, photograph: Float[Tensor, "1 3 h w"], style: Float[Tensor, "1 3 h2 w2"]
) -> Callable[[Float[Tensor, "1 3 h w"]], dict[str, float]]:
    """What is expected of a restyled photograph, described once: a function that gives its :data:`MEASURES`.

    Pictures are sRGB in [0, 1]. Neither content nor style means anything alone: the photograph itself has the best
    content, a copy of the style picture the best style; what counts is how little of one is given for how much of the
    other. Files of VGG-19's weights that differ in the scale of activations give the same numbers.
    """

    def features(rgb: Tensor) -> list[Tensor]:
        side = max(32, min(rgb.shape[2:]) // 32 * 32)  # the network wants multiples of 32
        return efficientnet(shorter_side(rgb, side, 32))

    content, statistics, expected = vgg(photograph)[-1:], style_statistics(vgg(style)), features(photograph)

    @torch.no_grad()
    def scores(result: Tensor) -> dict[str, float]:
        maps = vgg(result)
        far = content_distance(maps[-1:], content), style_distance(style_statistics(maps), statistics)
        distances = (*far, perceptual_content_distance(features(result), expected))
        return {measure: distance.item() for measure, distance in zip(MEASURES, distances, strict=True)}

    return scores


@dataclass(frozen=True)
class Pairs:
    """Photographs, each with the style picture that it is to look like; names are below the data root."""

    contents: Float[Tensor, "n 3 size size"]
    styles: Float[Tensor, "m 3 size size"]
    style_of: list[int]  # for each photograph the number of its style picture
    content_names: list[str]
    style_names: list[str]


def validation_pairs(root: Path, n: int = PAIRS, *, size: int = SIZE, seed: int = 0) -> Pairs:
    """Choose n pairs of photograph and style picture of a data root's validation split, as centered squares.

    No photograph is in two pairs, and no style picture in two more pairs than another. Fewer pairs of one seed are the
    first of more. Style pictures come from the data set ``paintings``, photographs from others. DataError: too few.
    """
    listing = list_images(root, "val")
    paintings = listing.only(["paintings"])
    photographs = listing.take([i for i, dataset in enumerate(listing.datasets) if dataset != "paintings"])
    if len(photographs) < n:
        raise DataError(f"data root {str(root)!r} has {len(photographs)} validation photographs for {n} pairs")
    random, squares, names = np.random.default_rng(seed), [], []
    for every in (paintings, photographs):
        chosen = every.take(random.permutation(len(every)).tolist()[:n])
        store = decode_images(chosen.read, chosen.names, chosen.groups(), size)
        if store.problems:
            raise DataError(f"every picture of the benchmark must be readable: {store.problems[0]}")
        squares.append(center_crops(store, size))
        names.append(list(chosen.names))
    style_of = [i % len(names[0]) for i in range(n)]
    return Pairs(squares[1], squares[0], style_of, names[1], names[0])


def measure_pairs(
    methods: Sequence[StyleMethod], pairs: Pairs, networks: tuple[VGG19, EfficientNetLite0] | None = None
) -> dict[StyleMethod, Columns]:
    """Restyle every pair with every method: columns of :data:`MEASURES` of each method, a row a pair.

    What was measured is kept in ``runs/measured`` at once, and is not made again. The networks are by default the
    pretrained ones. ColorStyleError: a method gives another size. WeightsError: VGG-19's weights are missing.
    """
    networks = networks or (load_vgg19().to(memory_format=torch.channels_last), pretrained_efficientnet_lite0())
    found: dict[StyleMethod, list[Columns]] = {method: [] for method in methods}
    for i, number in enumerate(tqdm(pairs.style_of, unit="pair", mininterval=10)):
        pair = pairs.contents[i : i + 1], pairs.styles[number : number + 1]
        judge = cache(partial(style_judge, *networks, *pair))  # both pictures are described when they are asked for
        for method, rows in found.items():
            measured = partial(_measured, method, pair, judge)
            rows.append(cached(measured, *pair, method.name, str(method.strength), style_judge))
    return {method: joined(rows) for method, rows in found.items()}


def _measured(method: StyleMethod, pair: tuple[Tensor, Tensor], judge: Callable[[], Callable]) -> Columns:
    """One row of :func:`measure_pairs`."""
    result = method.restyle(*pair)
    if result.shape != pair[0].shape:
        raise ColorStyleError(f"{method.name} made {tuple(result.shape)} of {tuple(pair[0].shape)}")
    return {measure: torch.tensor([distance], dtype=torch.float64) for measure, distance in judge()(result).items()}


def style_numbers(
    trainings: Trainings, of: list[int], method: ColorMethod, provenance: Provenance, rivals: dict[str, Trainings]
) -> list[Number]:
    """Mean :data:`MEASURES` of one method, and differences from each rival, paired over pairs.

    Where one has more pairs than the other, its first ones count. ``of`` is the number of each pair's painting: pairs
    that share one are not independent, so samples are drawn of paintings with all pairs. ConfigError: all share one.
    """
    numbers = []
    for rival, theirs in {"": (), **rivals}.items():
        said = ("paired over pairs" if rival else "", "less is better; interval over paintings", method.note)
        note, suffix = "; ".join(filter(None, said)), f"_minus_{rival}" if rival else ""
        n = min(len(side["style"]) for side in (*trainings, *theirs))
        painting, rows = torch.tensor(of[:n]), []
        counts = torch.bincount(painting).double()
        for sides in zip(trainings, theirs, strict=True) if rival else zip(trainings, strict=True):
            found = {}
            for measure in MEASURES:
                one, *other = (ratio_of(torch.bincount(painting, side[measure][:n]), counts) for side in sides)
                found[f"style_{measure}{suffix}"] = difference_of(one, *other) if other else one, note
            rows.append(found)
        numbers += [replace(one, n=n) for one in numbers_of(rows, method, STYLE_PAIRS, len(counts), provenance)]
    return numbers


def evaluate_style(root: Path, run: Run, *, size: int = SIZE, optimized: int = 0) -> list[Number]:
    """Restyle the same pairs with weights and every baseline, keep the numbers, and print the table.

    Weights that only color are left out. The run's limit is of pairs, by default :data:`PAIRS`; on ``optimized`` pairs
    the optimization is measured too. WeightsError, DataError, MissingExtraError: weights, pictures, packages missing.
    """
    model, count = ColorStyle.load(run.weights), run.limit or PAIRS
    own = f"ours {model.weights_hash[:8]}"  # keeps what is measured of other weights apart
    ours = [stylizing(model, own, strength) for strength in STRENGTHS] if model.generator.config.restyling else []
    pairs, others = validation_pairs(root, count, size=size), quick_methods()
    measured = measure_pairs([*others, *ours], pairs)
    if optimized:
        others.append(optimization())
        measured |= measure_pairs(others[-1:], validation_pairs(root, optimized, size=size))
    provenance, numbers = run.provenance(" --style", more=f" --optimize {optimized}" if optimized else ""), []
    for method, columns in measured.items():
        at = f" at {method.strength:g}" if method.strength not in (0.0, 1.0) else ""
        weights = model.weights_hash if method in ours else None
        shown = ColorMethod(f"{run.method if weights else method.name}{at}", None, weights=weights)
        rivals = {rival.name: [measured[rival]] for rival in others if weights}
        numbers += style_numbers([columns], pairs.style_of, shown, provenance, rivals)
    print_table(numbers, {f"style_{measure}": (measure, 3, 1.0) for measure in MEASURES})
    if ours:
        few = validation_pairs(root, min(count, MODALITY_PAIRS, len(pairs.styles)), size=size)
        try:
            distances = distances_to_styles(model, few.contents, few.styles[few.style_of])
            shown = ColorMethod(run.method, None, weights=model.weights_hash)
            numbers += modality_numbers(distances, shown, provenance)
        except DataError as error:
            print(f"not measured, the effect of one modality alone: {error}", file=sys.stderr)
    merge_results(numbers, run.output)
    return numbers


def distances_to_styles(
    model: ColorStyle, photographs: Float[Tensor, "n 3 h w"], styles: Float[Tensor, "n 3 h2 w2"]
) -> dict[str, Float[Tensor, "k 3"]]:
    """Restyle photographs by all modalities of a style and by each alone, and measure Euclidean distances to it.

    Pictures are sRGB in [0, 1]. Pairs whose style lacks a modality are left out; DataError: all do. By what was taken
    (``""`` for all, ``only color`` ...) these are each result's distances from its style in color, texture and shape,
    of the vectors of :func:`.describe`; and under ``photograph`` those of the photograph.
    """
    described = describe(rgb_to_lab(styles))
    whole = described.present.all(1)
    if not whole.any():
        raise DataError("no style picture has color, texture and shape: nothing can be taken alone")
    photographs, styles = photographs[whole], styles[whole]

    def distance(rgb: Tensor) -> Tensor:
        pairs = zip(describe(rgb_to_lab(rgb)).vectors, described.vectors, strict=True)
        return torch.stack([(one - goal[whole]).norm(dim=1) for one, goal in pairs], 1)

    found = {"photograph": distance(photographs)}
    for taken, attention in ({"": None} | {f"only {name}": {name: 1.0} for name in MODALITIES}).items():
        made = [model.stylize(p, s, attention=attention).image for p, s in zip(photographs, styles, strict=True)]
        found[taken] = distance(torch.stack([to_tensor(image) for image in made]))
    return found


def modality_numbers(distances: Mapping[str, Tensor], ours: ColorMethod, provenance: Provenance) -> list[Number]:
    """The share of each distance that a result closed, and how much more of X's *only X* closed than *only Y*.

    A share is ``1 - sum |v(result) - v(style)| / sum |v(photograph) - v(style)|`` over pairs: 1 is arrival, below 0 the
    wrong way. The distances are those of :func:`distances_to_styles`.
    """
    numbers, start = [], distances["photograph"]
    left = {taken: [ratio_of(*pair) for pair in zip(ends.T, start.T, strict=True)] for taken, ends in distances.items()}
    del left["photograph"]
    for taken, ratios in left.items():
        rows: dict[str, tuple[Statistic, str]] = {}
        for k, modality in enumerate(MODALITIES):
            share = difference_of(lambda counts: counts.new_ones(len(counts)), ratios[k])
            rows[f"went_{modality}"] = share, "share of the way to the style, sums over pairs"
            for other in (one for one in MODALITIES if one != modality and taken == f"only {modality}"):
                farther = difference_of(left[f"only {other}"][k], ratios[k])
                rows[f"went_{modality}_minus_only_{other}"] = farther, "paired over pairs; above 0 the words are true"
        method = replace(ours, name=f"{ours.name}, {taken}" if taken else ours.name)
        numbers += numbers_of([rows], method, STYLE_PAIRS, len(start), provenance)
    return numbers
