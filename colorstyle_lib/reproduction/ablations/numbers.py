"""The matrix's numbers, each at its address in ``figures/results.json``; and from such numbers effects again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from colorstyle_lib.metrics.bootstrap import RESAMPLES, Estimate, bootstrap, mean_over
from colorstyle_lib.reproduction.ablations.budgets import SMALL, Budget
from colorstyle_lib.reproduction.ablations.configs import COMPARISONS
from colorstyle_lib.reproduction.ablations.effects import METRICS, Effect, SideStatistics, value_of
from colorstyle_lib.reproduction.ablations.runs import Matrix
from colorstyle_lib.reproduction.baselines.method import GRAY
from colorstyle_lib.reproduction.results.store import Number

SPREAD = "_seed_sd"
"""Behind a metric's name: its standard deviation over seeds."""


def level_numbers(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Number]:
    """Each member's own metrics, means over its seeds.

    Args:
        matrix: from :func:`.read_matrix`.
        resamples: of the bootstrap.
    """
    known, numbers = SideStatistics(matrix), []
    for name in matrix.columns:
        by_seed = known.of(name)
        method, seeds = matrix.budget.method + name, () if name == GRAY.name else tuple(sorted(by_seed))
        for metric in next(iter(by_seed.values())):
            statistics = [by_seed[seed][metric] for seed in sorted(by_seed)]
            estimate = bootstrap(mean_over(statistics), matrix.n, resamples=resamples)
            values = tuple(value_of(one, matrix.n) for one in statistics) if seeds else ()
            facts = {"seeds": seeds, "by_seed": values, "note": matrix.about(name)}
            numbers.append(Number.of(metric, method, matrix.data, estimate, matrix.provenance, **facts))
    return numbers


def effect_numbers(matrix: Matrix, effects: list[Effect]) -> list[Number]:
    """Each effect as a number, and how far the seeds disagree on it.

    Args:
        matrix: from :func:`.read_matrix`.
        effects: from :func:`.effects_of`.
    """
    numbers = []
    for effect in effects:
        one, against = effect.comparison.one[0], effect.comparison.other[0]
        values = tuple(effect.by_seed.values())
        alone = ", one seed, so the interval knows of other pictures alone" if len(values) == 1 else ""
        sides = dict.fromkeys((one, against))  # one and the same where only the test differs
        trained = ", against ".join(matrix.about(name) for name in sides)
        note = f"{effect.comparison.title}; {trained}{alone}"
        name, seeds = f"{effect.metric}_minus_{against}", tuple(effect.by_seed)
        facts = {"seeds": seeds, "by_seed": values, "note": note}
        method = matrix.budget.method + effect.comparison.name
        numbers.append(Number.of(name, method, matrix.data, effect.estimate, matrix.provenance, **facts))
        if len(values) > 1:
            numbers.append(seed_number(name + SPREAD, method, values, matrix, **facts))
    return numbers


def seed_number(metric: str, method: str, values: Sequence[float], matrix: Matrix, **facts: Any) -> Number:
    """The standard deviation of a number over seeds.

    Args:
        metric: what it is called.
        method: of whose.
        values: one a seed.
        matrix: from :func:`.read_matrix`.
        **facts: see :meth:`.Number.of`.
    """
    deviation = torch.tensor(values, dtype=torch.float64).std().item()
    estimate = Estimate(deviation, deviation, deviation, matrix.n)
    return Number.of(metric, method, matrix.data, estimate, matrix.provenance, sure=False, **facts)


def recorded_effects(numbers: Iterable[Number], budget: Budget = SMALL) -> dict[str, tuple[Effect, Number]]:
    """The effects that these numbers tell, by address, in the order of the comparisons.

    Args:
        numbers: such as those of :func:`.read_results`.
        budget: of which matrix.
    """
    found = {}
    for one in numbers:
        metric, minus, _ = one.metric.partition("_minus_")
        name = one.method.removeprefix(budget.method)
        if one.method == name or name not in COMPARISONS or metric not in METRICS or not minus or not one.interval:
            continue
        by_seed = dict(zip(one.seeds, one.by_seed, strict=False))
        effect = Effect(COMPARISONS[name], metric, Estimate(one.value, *one.interval, one.n), by_seed)
        found[one.key] = effect, one
    order = list(COMPARISONS)
    return dict(sorted(found.items(), key=lambda item: order.index(item[1][0].comparison.name)))
