"""The style benchmark: the same pairs of a photograph and a painting for every method, and the same judge.

And style transfer by one modality alone: how much of each modality's distance to the style is closed, and by which.
"""

from __future__ import annotations

import json
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
from colorstyle_lib.data.batches import center_crops, decoded, in_memory
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.data.layouts import Listing
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import Estimate, Statistic, bootstrap, difference_of, ratio_of
from colorstyle_lib.metrics.feature_distance import StyleJudge, StyleScores
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.model.pretrained import load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod, StyleMethod
from colorstyle_lib.reproduction.baselines.style import optimization, quick_methods, stylizing
from colorstyle_lib.reproduction.benchmarks.runner import Run, numbers_of
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

STYLE_PAIRS = "style_pairs"
"""The name of the pairs among data sets."""

PAIRS = 210
SIZE = 256
"""Side in pixels of the pairs' squares."""

STRENGTHS = (0.25, 0.5, 0.75, 0.9, 1.0)
MEASURES = tuple(field.name for field in fields(StyleScores))

MODALITY_PAIRS = 42
"""At most so many, and no painting in two, so that intervals are over photographs and paintings."""

_PHOTOGRAPH = "photograph"


@dataclass(frozen=True)
class Pairs:
    """Photographs, each with the style picture that it is to look like; names are below the data root."""

    contents: Float[Tensor, "n 3 size size"]
    styles: Float[Tensor, "m 3 size size"]
    style_of: list[int]  # for each photograph the number of its style picture
    content_names: list[str]
    style_names: list[str]

    def __len__(self) -> int:
        return len(self.style_of)


def validation_pairs(
    root: Path, n: int = PAIRS, *, size: int = SIZE, seed: int = 0, styles: Sequence[str] = ("paintings",)
) -> Pairs:
    """Choose photographs and style pictures of a data root's validation split.

    No photograph is in two pairs, and no style picture in two more pairs than another.

    Args:
        root: the data root.
        n: pairs.
        size: side of the centered squares, in pixels.
        seed: which photographs, and which style each gets; fewer pairs of one seed are the first of more.
        styles: the data sets that style pictures come from; photographs come from all others.

    Raises:
        DataError: the root has no such data set, no other, or fewer photographs than pairs.
    """
    listing = list_images(root, "val")
    paintings = listing.only(styles)
    photographs = listing.take([i for i, dataset in enumerate(listing.datasets) if dataset not in styles])
    if len(photographs) < n:
        raise DataError(f"data root {str(root)!r} has {len(photographs)} validation photographs for {n} pairs")
    random = np.random.default_rng(seed)
    paintings = paintings.take(random.permutation(len(paintings)).tolist()[:n])
    chosen = photographs.take(random.permutation(len(photographs)).tolist()[:n])
    style_of = [i % len(paintings) for i in range(n)]
    return Pairs(_squares(chosen, size), _squares(paintings, size), style_of, list(chosen.names), list(paintings.names))


def _squares(listing: Listing, size: int) -> Tensor:
    store = in_memory(decoded(listing.read, len(listing), size), listing.names, listing.groups())
    if store.problems:
        raise DataError(f"every picture of the benchmark must be readable: {store.problems[0]}")
    return center_crops(store, size)


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


def measure_pairs(
    methods: Sequence[StyleMethod], pairs: Pairs, judge: StyleJudge, log: Path | None = None
) -> list[Trial]:
    """Restyle every pair with every method, and measure the results: one for each method and pair, pair by pair.

    Args:
        methods: each with another name or strength.
        pairs: see :func:`validation_pairs`.
        judge: measures.
        log: a file of JSON lines to which each result is added at once; results in it are not made again.

    Raises:
        ColorStyleError: a method gives a picture of another size.
    """
    size = pairs.contents.shape[-1]
    known = _read(log, size) if log and log.exists() else {}
    described: dict[int, list[Tensor]] = {}
    trials = []
    for i, style_number in enumerate(tqdm(pairs.style_of, unit="pair", mininterval=10)):
        photograph, style = pairs.contents[i : i + 1], pairs.styles[style_number : style_number + 1]
        target = None
        for method in methods:
            key = (method.name, method.strength, pairs.content_names[i], pairs.style_names[style_number])
            if key not in known:
                if style_number not in described:
                    described[style_number] = judge.style(style)
                target = target or judge.content(photograph)
                started = time.perf_counter()
                result = method.restyle(photograph, style)
                seconds = time.perf_counter() - started
                if result.shape != photograph.shape:
                    raise ColorStyleError(f"{method.name} made {tuple(result.shape)} of {tuple(photograph.shape)}")
                known[key] = Trial(*key, seconds, judge.scores(result, target, described[style_number]))
                if log:
                    log.parent.mkdir(parents=True, exist_ok=True)
                    with log.open("a", encoding="utf-8") as stream:
                        # The break comes first: a line that a stopped run left unfinished must not swallow the next.
                        stream.write("\n" + json.dumps({"size": size, **asdict(known[key])}))
            trials.append(known[key])
    return trials


def _read(log: Path, size: int) -> dict[tuple[str, float, str, str], Trial]:
    """Results at this size; a line that a stopped run left unfinished is left out."""
    found = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            facts = json.loads(line)
        except json.JSONDecodeError:
            continue
        if facts.pop("size") == size:
            trial = Trial(**{**facts, "scores": StyleScores(**facts["scores"])})
            found[trial.name, trial.strength, trial.content, trial.style] = trial
    return found


def by_method(trials: Sequence[Trial]) -> dict[tuple[str, float], list[Trial]]:
    """Results by name and strength, in the order of their first results."""
    keys = dict.fromkeys((trial.name, trial.strength) for trial in trials)
    return {key: [trial for trial in trials if (trial.name, trial.strength) == key] for key in keys}


def means(trials: Sequence[Trial]) -> dict[str, Estimate]:
    """Means of one method's :data:`MEASURES` over pairs, with 95 % intervals.

    Pairs that share a painting are not independent, so the bootstrap draws paintings, each with all of its pairs.

    Raises:
        ConfigError: all pairs share one painting.
    """
    return {measure: _over_paintings(_mean_of(trials, measure), trials) for measure in MEASURES}


def compare(trials: Sequence[Trial], one: tuple[str, float], other: tuple[str, float]) -> dict[str, Estimate]:
    """Mean differences ``one - other`` (name and strength each), paired over the pairs that both were measured on.

    Raises:
        ConfigError: they have no pairs in common, or only of one painting.
    """
    sides = [{(t.content, t.style): t for t in trials if (t.name, t.strength) == key} for key in (one, other)]
    both = sorted(sides[0].keys() & sides[1].keys())
    if not both:
        raise ConfigError(f"{one} and {other} were measured on no pair in common; run both on the same pairs")
    ours, theirs = ([side[pair] for pair in both] for side in sides)
    return {
        measure: _over_paintings(difference_of(_mean_of(ours, measure), _mean_of(theirs, measure)), ours)
        for measure in MEASURES
    }


def _mean_of(trials: Sequence[Trial], measure: str) -> Statistic:
    """The mean over pairs, as a statistic over paintings."""
    _, painting = np.unique([t.style for t in trials], return_inverse=True)
    values = [getattr(t.scores, measure) for t in trials]
    return ratio_of(*(torch.from_numpy(np.bincount(painting, each)) for each in (values, np.ones(len(trials)))))


def _over_paintings(statistic: Statistic, trials: Sequence[Trial]) -> Estimate:
    return replace(bootstrap(statistic, len({trial.style for trial in trials})), n=len(trials))


def style_numbers(
    trials: Sequence[Trial], name: str, others: Sequence[StyleMethod], provenance: Provenance
) -> list[Number]:
    """Distances of all methods, and paired differences of one, if it is there, at each strength from all others."""
    note, grouped = "less is better; interval over paintings", by_method(trials)
    found = [(key, "", means(some), note) for key, some in grouped.items()] + [
        (key, f"_minus_{other.name}", compare(trials, key, (other.name, other.strength)), f"paired over pairs; {note}")
        for key in sorted(key for key in grouped if key[0] == name)
        for other in others
    ]
    return [
        Number.of(f"style_{measure}{suffix}", method, STYLE_PAIRS, estimate, provenance, note=about)
        for (method, strength), suffix, estimates, about in found
        for method in [method if strength in (0.0, 1.0) else f"{method} at {strength:g}"]
        for measure, estimate in estimates.items()
    ]


def table(trials: Sequence[Trial]) -> str:
    """A Markdown table: means with their 95 % intervals, less is better, and median seconds a picture."""
    lines = ["| | strength | n | " + " | ".join(MEASURES) + " | seconds |", "|---" * (4 + len(MEASURES)) + "|"]
    for (name, strength), some in by_method(trials).items():
        cells = " | ".join(f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in means(some).values())
        seconds = median(trial.seconds for trial in some)
        lines.append(f"| {name} | {strength:g} | {len(some)} | {cells} | {seconds:.2f} |")
    return "\n".join(lines)


def evaluate_style(root: Path, run: Run, *, size: int = SIZE, optimized: int = 0) -> list[Number]:
    """Restyle the same pairs with weights and every baseline, keep the numbers, and print the table.

    Results are added to ``runs/style_benchmark.jsonl`` at once; those of the same weights in it are not made again.

    Args:
        root: a data root with photographs and ``paintings``.
        run: its options; weights that only color are left out, and the limit is of pairs, by default :data:`PAIRS`.
        size: side of the squares, in pixels.
        optimized: on so many pairs the optimization is measured too.

    Raises:
        WeightsError: missing weights. DataError: too few pictures. MissingExtraError: a package is not installed.
    """
    model, name, count = ColorStyle.load(run.weights), run.method, run.limit or PAIRS
    logged = f"ours {model.weights_hash[:8]}"  # keeps results of other weights in the log apart
    ours = [stylizing(model, logged, strength) for strength in STRENGTHS] if model.generator.config.restyling else []
    judge, pairs, others = style_judge(), validation_pairs(root, count, size=size), quick_methods()
    log = paths.RUNS / "style_benchmark.jsonl"
    trials = measure_pairs([*others, *ours], pairs, judge, log)
    if optimized:
        others.append(optimization())
        trials += measure_pairs(others[-1:], validation_pairs(root, optimized, size=size), judge, log)
    provenance = run.provenance(" --style", more=f" --optimize {optimized}" if optimized else "")
    named = [replace(trial, name=name) if trial.name == logged else trial for trial in trials]
    numbers = style_numbers(named, name, others, provenance)
    numbers = [replace(n, weights=model.weights_hash) if n.method.partition(" at ")[0] == name else n for n in numbers]
    merge_results(numbers, run.output)
    print(table(trials))
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

    Args:
        model: with restyling levels.
        photographs: sRGB in [0, 1].
        styles: of each; pairs whose style lacks a modality, such as a gray one color, are left out.

    Returns:
        By what was taken (``""`` for all, ``only color`` ...) the distances of each result from its style in color,
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

    found = {_PHOTOGRAPH: distance(photographs)}
    for taken, attention in ({"": None} | {f"only {name}": {name: 1.0} for name in MODALITIES}).items():
        made = [model.stylize(p, s, attention=attention).image for p, s in zip(photographs, styles, strict=True)]
        found[taken] = distance(torch.stack([to_tensor(image) for image in made]))
    return found


def modality_numbers(
    distances: Mapping[str, Float[Tensor, "n 3"]],
    name: str,
    data: str,
    provenance: Provenance,
    weights: str | None = None,
) -> list[Number]:
    """The share of each distance that a result closed, and how much more of X's *only X* closed than *only Y*.

    A share is ``1 - sum |v(result) - v(style)| / sum |v(photograph) - v(style)|`` over pairs: 1 is arrival, below 0 the
    wrong way. The distances are those of :func:`distances_to_styles`.
    """
    start = distances[_PHOTOGRAPH]
    left = {
        taken: [ratio_of(found[:, k], start[:, k]) for k in range(len(MODALITIES))]
        for taken, found in distances.items()
        if taken != _PHOTOGRAPH
    }
    numbers = []
    for taken, ratios in left.items():
        rows: dict[str, tuple[Statistic, str]] = {}
        for k, modality in enumerate(MODALITIES):
            share = difference_of(lambda counts: counts.new_ones(len(counts)), ratios[k])
            rows[f"went_{modality}"] = share, "share of the way to the style, sums over pairs"
            for other in MODALITIES if taken == f"only {modality}" else ():
                if other != modality:
                    farther = difference_of(left[f"only {other}"][k], ratios[k])
                    note = "paired over pairs; above 0 the words are true"
                    rows[f"went_{modality}_minus_only_{other}"] = farther, note
        method = ColorMethod(f"{name}, {taken}" if taken else name, None, weights=weights)
        numbers += numbers_of(rows, method, data, len(start), provenance)
    return numbers
