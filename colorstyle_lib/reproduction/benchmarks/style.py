"""The style benchmark: the same pairs of a photograph and a painting for every method, and the same judge.

And style transfer by one modality alone: how much of each modality's distance to the style is closed, and by which.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.batches import center_crops, decode_images
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import Statistic, difference_of, ratio_of
from colorstyle_lib.metrics.feature_distance import StyleJudge, StyleScores
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.model.pretrained import load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod, StyleMethod
from colorstyle_lib.reproduction.baselines.style import optimization, quick_methods, stylizing
from colorstyle_lib.reproduction.benchmarks.runner import Run, numbers_of, print_table
from colorstyle_lib.reproduction.results.store import Number, Provenance, add_line, merge_results, read_lines

STYLE_PAIRS = "style_pairs"  # the name of the pairs among data sets

PAIRS = 210
SIZE = 256  # side in pixels of the pairs' squares

STRENGTHS = (0.25, 0.5, 0.75, 0.9, 1.0)
MEASURES = tuple(field.name for field in fields(StyleScores))

MODALITY_PAIRS = 42  # at most so many, and no painting in two, so that intervals are over photographs and paintings


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
    first of more. Style pictures come from the data set ``paintings``, photographs from all others.

    Raises:
        DataError: the root has no such data set, no other, or fewer photographs than pairs.
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


@dataclass(frozen=True)
class Trial:
    """The result of one method, at one strength, on one pair, by their names."""

    name: str
    strength: float
    content: str
    style: str
    seconds: float  # wall time of restyling, whatever else the machine was doing
    scores: StyleScores


def style_judge() -> StyleJudge:
    """The judge of the benchmark, with pretrained networks; errors as of their loading."""
    return StyleJudge(load_vgg19().to(memory_format=torch.channels_last), pretrained_efficientnet_lite0())


def measure_pairs(methods: Sequence[StyleMethod], pairs: Pairs, judge: StyleJudge, log: Path) -> list[Trial]:
    """Restyle every pair with every method, and measure the results: one for each method and pair, pair by pair.

    Methods differ in name or strength. The log is a file of JSON lines to which each result is added at once; results
    in it are not made again.

    Raises:
        ColorStyleError: a method gives a picture of another size.
    """
    size, known, described, trials = pairs.contents.shape[-1], {}, {}, []
    for entry in read_lines(log):
        if entry.pop("size") == size:
            trial = Trial(**entry | {"scores": StyleScores(**entry["scores"])})
            known[trial.name, trial.strength, trial.content, trial.style] = trial
    for i, style_number in enumerate(tqdm(pairs.style_of, unit="pair", mininterval=10)):
        photograph, style, target = pairs.contents[i : i + 1], pairs.styles[style_number : style_number + 1], None
        for method in methods:
            key = (method.name, method.strength, pairs.content_names[i], pairs.style_names[style_number])
            if key not in known:
                target = target or judge.content(photograph)
                if style_number not in described:
                    described[style_number] = judge.style(style)
                started = time.perf_counter()
                result = method.restyle(photograph, style)
                seconds = time.perf_counter() - started
                if result.shape != photograph.shape:
                    raise ColorStyleError(f"{method.name} made {tuple(result.shape)} of {tuple(photograph.shape)}")
                known[key] = Trial(*key, seconds, judge.scores(result, target, described[style_number]))
                add_line(log, {"size": size, **asdict(known[key])})
            trials.append(known[key])
    return trials


def style_numbers(
    trainings: Sequence[Sequence[Trial]], method: ColorMethod, rivals: Sequence[Sequence[Trial]], provenance: Provenance
) -> list[Number]:
    """Mean :data:`MEASURES` of one method, or where there is a rival the differences from it, paired over pairs.

    Both come as one list for each training. Pairs that share a painting are not independent, so samples are drawn of
    paintings, each with all of its pairs.

    Raises:
        ConfigError: the two were measured on no pair in common, or all pairs share one painting.
    """
    suffix, note = (f"_minus_{rivals[0][0].name}", "paired over pairs; ") if rivals else ("", "")
    note, rows = "; ".join(filter(None, (f"{note}less is better; interval over paintings", method.note))), []
    for sides in zip(trainings, rivals, strict=True) if rivals else zip(trainings, strict=True):
        by_pair = [{(trial.content, trial.style): trial for trial in side} for side in sides]
        both = sorted(set.intersection(*map(set, by_pair)))
        if not both:
            raise ConfigError(f"{' and '.join(one[0].name for one in sides)} were measured on no pair in common")
        paintings, painting = np.unique([style for _, style in both], return_inverse=True)
        counts, found = torch.from_numpy(np.bincount(painting).astype(float)), {}
        for measure in MEASURES:
            sums = (np.bincount(painting, [getattr(side[pair].scores, measure) for pair in both]) for side in by_pair)
            one, *other = (ratio_of(torch.from_numpy(each), counts) for each in sums)
            found[f"style_{measure}{suffix}"] = difference_of(one, *other) if other else one, note
        rows.append(found)
    return [replace(one, n=len(both)) for one in numbers_of(rows, method, STYLE_PAIRS, len(paintings), provenance)]


def evaluate_style(root: Path, run: Run, *, size: int = SIZE, optimized: int = 0) -> list[Number]:
    """Restyle the same pairs with weights and every baseline, keep the numbers, and print the table.

    Results are added to ``runs/style_benchmark.jsonl`` at once; those of the same weights in it are not made again.
    Weights that only color are left out. The run's limit is of pairs, by default :data:`PAIRS`; on ``optimized`` pairs
    the optimization is measured too.

    Raises:
        WeightsError: missing weights. DataError: too few pictures. MissingExtraError: a package is not installed.
    """
    model, name, count = ColorStyle.load(run.weights), run.method, run.limit or PAIRS
    logged = f"ours {model.weights_hash[:8]}"  # keeps results of other weights in the log apart
    ours = [stylizing(model, logged, strength) for strength in STRENGTHS] if model.generator.config.restyling else []
    judge, pairs, others = style_judge(), validation_pairs(root, count, size=size), quick_methods()
    log, trials = paths.RUNS / "style_benchmark.jsonl", {}
    measured = measure_pairs([*others, *ours], pairs, judge, log)
    if optimized:
        others.append(optimization())
        measured += measure_pairs(others[-1:], validation_pairs(root, optimized, size=size), judge, log)
    for trial in measured:
        trials.setdefault((trial.name, trial.strength), []).append(trial)
    provenance, numbers = run.provenance(" --style", more=f" --optimize {optimized}" if optimized else ""), []
    for (title, strength), some in trials.items():
        mine = title == logged
        shown = f"{name if mine else title}{f' at {strength:g}' if strength not in (0.0, 1.0) else ''}"
        method = ColorMethod(shown, None, weights=model.weights_hash if mine else None)
        for rivals in ([], *([trials[one.name, one.strength]] for one in others if mine)):
            numbers += style_numbers([some], method, rivals, provenance)
    merge_results(numbers, run.output)
    print_table(numbers, {f"style_{measure}": (measure, 3, 1.0) for measure in MEASURES})
    for (title, strength), some in trials.items():
        print(f"{title} at {strength:g}: {median(trial.seconds for trial in some):.2f} s a picture")
    if ours:
        few = validation_pairs(root, min(count, MODALITY_PAIRS, len(pairs.styles)), size=size)
        try:
            distances = distances_to_styles(model, few.contents, few.styles[few.style_of])
        except DataError as error:
            print(f"not measured, the effect of one modality alone: {error}", file=sys.stderr)
        else:
            numbers += modality_numbers(distances, name, STYLE_PAIRS, provenance, model.weights_hash)
            merge_results(numbers, run.output)
    return numbers


def distances_to_styles(
    model: ColorStyle, photographs: Float[Tensor, "n 3 h w"], styles: Float[Tensor, "n 3 h2 w2"]
) -> dict[str, Float[Tensor, "k 3"]]:
    """Restyle photographs by all modalities of a style and by each alone, and measure Euclidean distances to it.

    Pictures are sRGB in [0, 1]. Pairs whose style lacks a modality, such as a gray one color, are left out.
    By what was taken (``""`` for all, ``only color`` ...) these are each result's distances from its style in color,
    texture and shape, of the vectors of :func:`.describe`; and under ``photograph`` those of the photograph.

    Raises:
        DataError: every style lacks a modality.
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


def modality_numbers(
    distances: Mapping[str, Tensor], name: str, data: str, provenance: Provenance, weights: str | None = None
) -> list[Number]:
    """The share of each distance that a result closed, and how much more of X's *only X* closed than *only Y*.

    A share is ``1 - sum |v(result) - v(style)| / sum |v(photograph) - v(style)|`` over pairs: 1 is arrival, below 0 the
    wrong way. The distances are those of :func:`distances_to_styles`.
    """
    results, numbers = dict(distances), []
    start = results.pop("photograph")
    left = {taken: [ratio_of(*pair) for pair in zip(ends.T, start.T, strict=True)] for taken, ends in results.items()}
    for taken, ratios in left.items():
        rows: dict[str, tuple[Statistic, str]] = {}
        for k, modality in enumerate(MODALITIES):
            share = difference_of(lambda counts: counts.new_ones(len(counts)), ratios[k])
            rows[f"went_{modality}"] = share, "share of the way to the style, sums over pairs"
            for other in (one for one in MODALITIES if one != modality and taken == f"only {modality}"):
                farther = difference_of(left[f"only {other}"][k], ratios[k])
                rows[f"went_{modality}_minus_only_{other}"] = farther, "paired over pairs; above 0 the words are true"
        method = ColorMethod(f"{name}, {taken}" if taken else name, None, weights=weights)
        numbers += numbers_of([rows], method, data, len(start), provenance)
    return numbers
