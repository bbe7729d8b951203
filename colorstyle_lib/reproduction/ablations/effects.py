"""Effects of the ablations: differences picture by picture and seed by seed, as statistics, numbers and a table.

A difference's interval tells what other pictures would change, of the mean over the seeds; the seeds' own values stand
beside it, since three are too few for an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from colorstyle_lib.metrics.bootstrap import (
    RESAMPLES,
    Estimate,
    Statistic,
    bootstrap,
    difference_of,
    mean_of,
    mean_over,
    pair_mean_of,
    ratio_of,
)
from colorstyle_lib.metrics.feature_distance import kernel_pairs
from colorstyle_lib.reproduction.ablations.configs import BASE, COMPARISONS, CONDITIONS, SMALL, Comparison, Scale
from colorstyle_lib.reproduction.ablations.run import Matrix
from colorstyle_lib.reproduction.baselines.method import GRAY
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL
from colorstyle_lib.reproduction.results.store import Columns, Number

METRICS = {
    "psnr_ab": "PSNR ab, dB",
    "error_ab": "squared ab error",
    "colorfulness_ratio": "colorfulness ratio",
    KERNEL: "kernel distance",
    "reference_psnr_ab": "PSNR ab by a reference, dB",
    "reference_error_ab": "squared ab error by a reference",
}
"""What members are compared in, and what a reader calls it."""

AGREES, CONTRADICTS, UNCLEAR = "agrees", "contradicts", "unclear"

SPREAD = "_seed_sd"
"""Behind a metric's name: its standard deviation over seeds."""

_TABLE = {"psnr_ab": 2, "colorfulness_ratio": 3, KERNEL: 4, "reference_psnr_ab": 2}  # digits


@dataclass(frozen=True)
class Effect:
    """A difference in one metric: the mean over seeds with its interval over pictures, and each seed's own."""

    comparison: Comparison
    metric: str
    estimate: Estimate
    by_seed: dict[int, float]

    @property
    def side(self) -> int:
        """1 or -1 where the interval and every seed are above or below 0; else 0, for an exact 0 too."""
        ends = (self.estimate.low, self.estimate.high, *self.by_seed.values())
        return 1 if min(ends) > 0 else -1 if max(ends) < 0 else 0

    @property
    def decided(self) -> bool:
        """Whether all of that, of at least two seeds, is on one side of 0."""
        return self.side != 0 and len(self.by_seed) > 1

    def compared_with(self, longer: Effect) -> str:
        """Whether a longer training agrees with this or contradicts it, or one of the two is on no side."""
        if not (self.decided and longer.side):
            return UNCLEAR
        return AGREES if self.side == longer.side else CONTRADICTS


def _metric_statistics(columns: Columns, real: Columns) -> dict[str, Statistic]:
    """Each of :data:`METRICS` that columns of :func:`.measure` know, as a statistic over pictures."""
    found = {name: mean_of(columns[name]) for name in METRICS if name in columns}
    found["colorfulness_ratio"] = ratio_of(columns["colorfulness"], real["colorfulness"])
    found[KERNEL] = pair_mean_of(kernel_pairs(columns["features"], real["features"]))
    return {name: found[name] for name in METRICS if name in found}


def _side_statistics(matrix: Matrix) -> dict[tuple[str, str], dict[int, dict[str, Statistic]]]:
    """The statistics of each member and condition of its test, by seed."""
    return {
        (name, condition): {
            seed: _metric_statistics(with_prefix(columns, f"{condition}/" if condition else ""), matrix.real)
            for seed, columns in by_seed.items()
        }
        for name, by_seed in matrix.columns.items()
        for condition in ("", *(CONDITIONS if name == BASE else ()))
    }


def effects_of(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Effect]:
    """Every comparison whose two sides have been run, in every metric that both know; see :func:`.read_matrix`."""
    effects, sides = [], _side_statistics(matrix)
    for comparison in COMPARISONS.values():
        one, other = (sides.get(side, {}) for side in (comparison.one, comparison.other))
        shared = sorted(one.keys() & other.keys())
        metrics = [m for m in METRICS if shared and all(m in side[seed] for side in (one, other) for seed in shared)]
        for metric in metrics:
            by_seed = {seed: difference_of(one[seed][metric], other[seed][metric]) for seed in shared}
            values = {seed: value_of(statistic, matrix.n) for seed, statistic in by_seed.items()}
            estimate = bootstrap(mean_over(list(by_seed.values())), matrix.n, resamples=resamples)
            effects.append(Effect(comparison, metric, estimate, values))
    return effects


def level_numbers(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Number]:
    """Each member's own metrics as numbers, means over its seeds."""
    numbers = []
    for (name, condition), by_seed in _side_statistics(matrix).items():
        if condition:
            continue
        seeds = () if name == GRAY.name else tuple(sorted(by_seed))
        for metric in next(iter(by_seed.values())):
            statistics = [by_seed[seed][metric] for seed in sorted(by_seed)]
            estimate = bootstrap(mean_over(statistics), matrix.n, resamples=resamples)
            values = tuple(value_of(one, matrix.n) for one in statistics) if seeds else ()
            facts = {"seeds": seeds, "by_seed": values, "note": matrix.about(name)}
            numbers.append(matrix.number(metric, matrix.scale.method + name, estimate, **facts))
    return numbers


def effect_numbers(matrix: Matrix, effects: Sequence[Effect]) -> list[Number]:
    """Each effect as a number, and how far the seeds disagree on it."""
    numbers = []
    for effect in effects:
        comparison, values = effect.comparison, tuple(effect.by_seed.values())
        against, method = comparison.other[0], matrix.scale.method + comparison.name
        alone = ", one seed, so the interval knows of other pictures alone" if len(values) == 1 else ""
        sides = dict.fromkeys((comparison.one[0], against))  # one and the same where only the test differs
        note = f"{comparison.title}; {', against '.join(map(matrix.about, sides))}{alone}"
        facts = {"seeds": tuple(effect.by_seed), "by_seed": values, "note": note}
        name = f"{effect.metric}_minus_{against}"
        numbers.append(matrix.number(name, method, effect.estimate, **facts))
        if len(values) > 1:
            numbers.append(spread_number(matrix, name, method, values, **facts))
    return numbers


def spread_number(matrix: Matrix, metric: str, method: str, values: Sequence[float], **facts: Any) -> Number:
    """The standard deviation over seeds of a metric, from its value for each; ``facts`` as in :meth:`.Number.of`."""
    deviation = torch.tensor(values, dtype=torch.float64).std().item()
    estimate = Estimate(deviation, deviation, deviation, matrix.n)
    return matrix.number(metric + SPREAD, method, estimate, sure=False, **facts)


def recorded_effects(numbers: Iterable[Number], scale: Scale = SMALL) -> dict[str, tuple[Effect, Number]]:
    """Effects with the numbers that record them, by address, in the order of the comparisons."""
    found = {}
    for one in numbers:
        metric, minus, _ = one.metric.partition("_minus_")
        name = one.method.removeprefix(scale.method)
        if one.method == name or name not in COMPARISONS or metric not in METRICS or not minus or not one.interval:
            continue
        by_seed = dict(zip(one.seeds, one.by_seed, strict=False))
        found[one.key] = Effect(COMPARISONS[name], metric, Estimate(one.value, *one.interval, one.n), by_seed), one
    order = list(COMPARISONS)
    return dict(sorted(found.items(), key=lambda item: order.index(item[1][0].comparison.name)))


def print_effects(
    matrix: Matrix, effects: Sequence[Effect], longer: tuple[Matrix, Sequence[Effect]] | None = None
) -> None:
    """Print a table: a row a comparison, a star where the interval leaves 0 out and all seeds agree.

    Below it, where the comparison was made again with longer trainings, theirs: ``=`` where they agree with a star,
    ``!`` where they contradict it.
    """

    def row(start: str, matrix: Matrix, found: dict[str, Effect], signs: dict[str, str]) -> None:
        first = next(iter(found.values()))
        line = f"{start:28}{len(first.by_seed):<6}{matrix.steps(first.comparison.one[0]):<6}"
        for metric, digits in _TABLE.items():
            e = found[metric].estimate if metric in found else None
            cell = f"{e.value:+.{digits}f} [{e.low:+.{digits}f}, {e.high:+.{digits}f}]{signs[metric]}" if e else ""
            line += f"{cell:>32}"
        print(line)

    print(f"{matrix.data}, n = {matrix.n}, {matrix.cost}")
    if longer:
        print(f"below some: {longer[0].data}, n = {longer[0].n}, {longer[0].cost}; = agrees with a star, ! contradicts")
    print(f"{'':22}{'claim':6}{'seeds':6}{'steps':6}" + "".join(f"{METRICS[metric]:>32}" for metric in _TABLE))
    later = {(e.comparison, e.metric): e for e in longer[1]} if longer else {}
    for comparison in COMPARISONS.values():
        mine = {e.metric: e for e in effects if e.comparison == comparison}
        if not mine:
            continue
        stars = {metric: "*" if e.decided else " " for metric, e in mine.items()}
        row(f"{comparison.name:22}{comparison.claim:6}", matrix, mine, stars)
        again = {metric: later[comparison, metric] for metric in mine if (comparison, metric) in later}
        if longer and again:
            said = {metric: mine[metric].compared_with(e) for metric, e in again.items()}
            row("  longer", longer[0], again, {m: {AGREES: "=", CONTRADICTS: "!"}.get(s, " ") for m, s in said.items()})


def with_prefix(columns: Columns, prefix: str) -> Columns:
    """The columns whose names begin with a prefix, without it."""
    return {key.removeprefix(prefix): values for key, values in columns.items() if key.startswith(prefix)}


def value_of(statistic: Statistic, n: int) -> float:
    """A statistic of all n pictures as they are."""
    return statistic(torch.ones(1, n, dtype=torch.float64)).item()
