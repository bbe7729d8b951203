"""The style benchmark: the same pairs of a photograph and a painting for every method, and the same judge."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib import paths
from colorstyle_lib.data.batches import center_crops, decoded, in_memory
from colorstyle_lib.data.folder import list_images
from colorstyle_lib.data.image_list import Listing
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import Estimate, Statistic, bootstrap, difference_of, ratio_of
from colorstyle_lib.metrics.style import StyleJudge, StyleScores
from colorstyle_lib.model.pretrained import load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import StyleMethod
from colorstyle_lib.reproduction.baselines.style import optimization, quick_methods, stylizing
from colorstyle_lib.reproduction.benchmarks.modality_only import MODALITY_PAIRS, distances_to_styles, modality_numbers
from colorstyle_lib.reproduction.benchmarks.runner import Run
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

STYLE_PAIRS = "style_pairs"
"""The name of the pairs among data sets."""

PAIRS = 210
SIZE = 256
"""Side in pixels of the pairs' squares."""

STRENGTHS = (0.25, 0.5, 0.75, 0.9, 1.0)
MEASURES = tuple(field.name for field in fields(StyleScores))


@dataclass(frozen=True)
class Pairs:
    """Photographs, each with the style picture that it is to look like.

    Attributes:
        contents: one a pair.
        styles: each serves several pairs.
        style_of: for each pair the number of its style picture.
        content_names: of the photographs, below the data root.
        style_names: of the style pictures.
    """

    contents: Float[Tensor, "n 3 size size"]
    styles: Float[Tensor, "m 3 size size"]
    style_of: list[int]
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
    """The result of one method, at one strength, on one pair, by their names.

    Attributes:
        seconds: wall time of restyling, whatever else the machine was doing.
        scores: less is better.
    """

    name: str
    strength: float
    content: str
    style: str
    seconds: float
    scores: StyleScores


def style_judge() -> StyleJudge:
    """The judge of the benchmark, with pretrained networks.

    Raises:
        WeightsError: VGG-19's weights are missing. MissingExtraError: EfficientNet-Lite0's package is.
    """
    return StyleJudge(load_vgg19().to(memory_format=torch.channels_last), pretrained_efficientnet_lite0())


def measure_pairs(
    methods: Sequence[StyleMethod], pairs: Pairs, judge: StyleJudge, log: Path | None = None
) -> list[Trial]:
    """Restyle every pair with every method, and measure the results.

    Args:
        methods: each with another name or strength.
        pairs: see :func:`validation_pairs`.
        judge: measures.
        log: a file of JSON lines to which each result is added at once; results in it are not made again.

    Returns:
        One result for each method and pair, pair by pair.

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


def by_method(trials: Iterable[Trial]) -> dict[tuple[str, float], list[Trial]]:
    """Results by name and strength, in the order of their first results."""
    grouped: dict[tuple[str, float], list[Trial]] = {}
    for trial in trials:
        grouped.setdefault((trial.name, trial.strength), []).append(trial)
    return grouped


def means(trials: Sequence[Trial]) -> dict[str, Estimate]:
    """Means of one method's :data:`MEASURES` over pairs, with 95 % intervals.

    Pairs that share a painting are not independent, so the bootstrap draws paintings, each with all of its pairs.

    Raises:
        ConfigError: all pairs share one painting.
    """
    return {measure: _over_paintings(_mean_of(trials, measure), trials) for measure in MEASURES}


def compare(trials: Iterable[Trial], one: tuple[str, float], other: tuple[str, float]) -> dict[str, Estimate]:
    """Mean differences ``one - other`` (name and strength each), paired over the pairs that both were measured on.

    Raises:
        ConfigError: they have no pairs in common, or only of one painting.
    """
    by_pair = {key: {} for key in (one, other)}
    for trial in trials:
        if (trial.name, trial.strength) in by_pair:
            by_pair[trial.name, trial.strength][trial.content, trial.style] = trial
    both = sorted(by_pair[one].keys() & by_pair[other].keys())
    if not both:
        raise ConfigError(f"{one} and {other} were measured on no pair in common; run both on the same pairs")
    ours, theirs = ([by_pair[key][pair] for pair in both] for key in (one, other))
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
    note = "less is better; interval over paintings"
    found = [(key, "", means(some), note) for key, some in by_method(trials).items()] + [
        (key, f"_minus_{other.name}", compare(trials, key, (other.name, other.strength)), f"paired over pairs; {note}")
        for key in sorted({(trial.name, trial.strength) for trial in trials if trial.name == name})
        for other in others
    ]
    return [
        Number.of(f"style_{measure}{suffix}", _named(*key), STYLE_PAIRS, estimate, provenance, note=about)
        for key, suffix, estimates, about in found
        for measure, estimate in estimates.items()
    ]


def _named(name: str, strength: float) -> str:
    return name if strength in (0.0, 1.0) else f"{name} at {strength:g}"


def table(trials: Iterable[Trial]) -> str:
    """A Markdown table: means with their 95 % intervals, less is better, and median seconds a picture."""
    lines = ["| | strength | n | " + " | ".join(MEASURES) + " | seconds |", "|---" * (4 + len(MEASURES)) + "|"]
    for (name, strength), some in by_method(trials).items():
        cells = " | ".join(f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in means(some).values())
        seconds = median(trial.seconds for trial in some)
        lines.append(f"| {name} | {strength:g} | {len(some)} | {cells} | {seconds:.2f} |")
    return "\n".join(lines)


def evaluate_style(
    root: Path, run: Run, *, log: Path | None = None, size: int = SIZE, optimized: int = 0
) -> list[Number]:
    """Restyle the same pairs with weights and every baseline, keep the numbers, and print the table.

    Args:
        root: a data root with photographs and ``paintings``.
        run: its options; weights that only color are left out, and the limit is of pairs, by default :data:`PAIRS`.
        log: each result is added to it at once, and results in it are not made again; by default
            ``runs/style_benchmark.jsonl``. Results of other weights in it do not count.
        size: side of the squares, in pixels.
        optimized: on so many pairs the optimization is measured too.

    Returns:
        The numbers.

    Raises:
        WeightsError: missing weights. DataError: too few pictures. MissingExtraError: a package is not installed.
    """
    model, name, count = ColorStyle.load(run.weights), run.method, run.limit or PAIRS
    logged = f"ours {model.weights_hash[:8]}"  # keeps results of other weights in the log apart
    ours = [stylizing(model, logged, strength) for strength in STRENGTHS] if model.generator.config.restyling else []
    judge, pairs, others = style_judge(), validation_pairs(root, count, size=size), quick_methods()
    log = log or paths.RUNS / "style_benchmark.jsonl"
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
    if not ours:
        return numbers
    few = validation_pairs(root, min(count, MODALITY_PAIRS, len(pairs.styles)), size=size)
    try:
        distances = distances_to_styles(model, few.contents, few.styles[few.style_of])
    except DataError as error:
        print(f"not measured, the effect of one modality alone: {error}", file=sys.stderr)
        return numbers
    more = modality_numbers(distances, name, STYLE_PAIRS, provenance)
    more = [replace(n, weights=model.weights_hash) for n in more]
    merge_results(more, run.output)
    return numbers + more
