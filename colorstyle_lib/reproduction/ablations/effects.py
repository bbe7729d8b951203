"""The ablations as numbers: metrics of each, effects picture by picture and seed by seed, and what attention did.

A difference's interval tells what other pictures would change, of the mean over the seeds; the seeds' own values stand
beside it, since three are too few for an interval.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.bootstrap import Statistic, difference_of, mean_of, mean_over, pair_mean_of, ratio_of
from colorstyle_lib.metrics.feature_distance import kernel_pairs
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.reproduction.ablations.configs import BASE, COMPARISONS, LONG, SMALL, Comparison, Scale
from colorstyle_lib.reproduction.ablations.run import Matrix, ValidationSet, measure_attention
from colorstyle_lib.reproduction.baselines.method import GRAY, load_method
from colorstyle_lib.reproduction.benchmarks import attention_faithfulness as faithfulness
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, joined, load_squares, numbers_of, print_table, spreads
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, cached

METRICS = {metric: row[0] for metric, row in NOTES["ablations"].items()}  # compared, and what a reader calls them
Effects = Mapping[tuple[Comparison, str], Number]  # differences by comparison and metric

# Sides in pixels of the squares in which released weights' attention is measured: those that are colored by themselves,
# smaller than the weights work at, to be cheap; and those that are cut into content and reference.
SIDE, HALVED = 128, 192


def _statistics(matrix: Matrix, name: str, condition: str = "") -> dict[int, dict[str, Statistic]]:
    """Each of :data:`METRICS` that a member's columns know, under a condition of its test or none, by seed."""
    by_seed, before = {}, f"{condition}/" if condition else ""
    for seed, columns in sorted(matrix.columns.get(name, {}).items()):
        found = {metric: mean_of(columns[before + metric]) for metric in METRICS if before + metric in columns}
        found["colorfulness_ratio"] = ratio_of(columns[f"{before}colorfulness"], matrix.real["colorfulness"])
        found[KERNEL] = pair_mean_of(kernel_pairs(columns[f"{before}features"], matrix.real["features"]))
        by_seed[seed] = {metric: found[metric] for metric in METRICS if metric in found}
    return by_seed


def level_numbers(matrix: Matrix) -> list[Number]:
    """Each member's own metrics, means over its seeds; see :func:`.read_matrix`."""
    numbers = []
    for name in matrix.columns:
        by_seed, note = _statistics(matrix, name), matrix.about(name)
        rows = [{metric: (one, note) for metric, one in found.items()} for found in by_seed.values()]
        alike = name == GRAY.name  # whatever the seed
        numbers += matrix.numbers(matrix.scale.method + name, rows[:1] if alike else rows, () if alike else by_seed)
    return numbers


def effect_numbers(matrix: Matrix) -> list[Number]:
    """Every comparison whose two sides have been run, and how far the seeds disagree on it."""
    numbers = []
    for comparison in COMPARISONS.values():
        one, other = (_statistics(matrix, *side) for side in (comparison.one, comparison.other))
        if not (seeds := sorted(one.keys() & other.keys())):
            continue
        against = comparison.other[0]
        alone = ", one seed, so the interval knows of other pictures alone" if len(seeds) == 1 else ""
        sides = dict.fromkeys((comparison.one[0], against))  # one and the same where only the test differs
        note = f"{comparison.title}; {', against '.join(map(matrix.about, sides))}{alone}"
        shared = [metric for metric in METRICS if all(metric in side[seed] for side in (one, other) for seed in seeds)]
        rows = [
            {f"{m}_minus_{against}": (difference_of(one[seed][m], other[seed][m]), note) for m in shared}
            for seed in seeds
        ]
        found = matrix.numbers(matrix.scale.method + comparison.name, rows, seeds)
        numbers += found + spreads(found)
    return numbers


def effects_in(numbers: Iterable[Number], scale: Scale = SMALL) -> Effects:
    """The effects among numbers, in the order of the comparisons."""
    known = {(one.method, one.metric): one for one in numbers if one.interval}
    asked = itertools.product(COMPARISONS.values(), METRICS)
    places = {(c, metric): (scale.method + c.name, f"{metric}_minus_{c.other[0]}") for c, metric in asked}
    return {effect: known[place] for effect, place in places.items() if place in known}


def is_decided(effect: Number) -> bool:
    """Whether the interval and every seed, of at least two, are on one side of 0."""
    return effect.side != 0 and len(effect.seeds) > 1


def print_effects(numbers: Iterable[Number]) -> None:
    """Print a table: a row a comparison, and below it longer trainings; a star where it is decided."""
    small, long = (effects_in(numbers, scale) for scale in (SMALL, LONG))
    rows = [found[c, m] for c in COMPARISONS.values() for found in (small, long) for m in METRICS if (c, m) in found]
    columns = {f"{m}_minus": (title, digits, 1.0) for m, (title, digits, _) in NOTES["ablations"].items() if digits}
    print_table(rows, columns, lambda one: "*" if is_decided(one) else " ")


def attention_numbers(root: Path | None, *, weights: Path | None = None, limit: int = 100) -> list[Number]:
    """The numbers of :func:`.attention_statistics` and :func:`.override_statistics` of weights.

    By default they are the released ones. Measured are at most ``limit`` val pictures of each data set of a root, or
    the demo photographs. WeightsError: missing or damaged weights. ConfigError: no attention, or but one picture.
    """
    name = "released" if weights is None else weights.stem
    method = load_method(name, weights)
    if method.generator is None or not method.generator.steering:
        raise ConfigError(f"{method.name} has no attention to measure")
    data, given = ("demo", "") if root is None else ("all", " --data ROOT")
    squares, halves = (torch.cat(list(load_squares(root, side, limit).values())) for side in (SIDE, HALVED))

    def measured() -> Columns:
        pairs = (rgb_to_lab(batch).chunk(2, dim=-1) for batch in faithfulness.batches_of(halves))
        overridden = joined([faithfulness.override_columns(method.generator, *pair) for pair in pairs])
        return measure_attention(method.generator, ValidationSet(data, squares, halves)) | overridden

    found = cached(
        measured, squares, halves, method.weights, faithfulness.attention_columns, faithfulness.override_columns
    )
    statistics = faithfulness.attention_statistics(found, method.generator.config.modalities)
    statistics |= faithfulness.override_statistics(found)
    chosen = f" --weights {weights.name}" if weights is not None else ""
    provenance = Provenance.here(f"colorstyle ablations attention{given}{chosen} --limit {limit}", "full")
    note = f"squares of {SIDE} px; with a reference: left halves of {HALVED} px squares by their right halves"
    rows = {metric: (statistic, note) for metric, statistic in statistics.items()}
    return numbers_of([rows], replace(method, name=f"attention.{name}"), data, len(squares), provenance)


def matrix_attention_numbers(matrix: Matrix) -> list[Number]:
    """The attention of the base, a mean over seeds, and how far the seeds agree on it; see :func:`.read_matrix`."""
    by_seed, note = dict(sorted(matrix.columns[BASE].items())), matrix.about(BASE)
    statistics = map(faithfulness.attention_statistics, by_seed.values())
    rows = [{metric: (value, note) for metric, value in one.items()} for one in statistics]
    numbers, agreement = matrix.numbers("attention.matrix", rows, by_seed), {}
    numbers += spreads([one for one in numbers if "_weight_" in one.metric])
    for task, (i, name) in itertools.product(faithfulness.TASKS, enumerate(MODALITIES)):
        if f"{task}_weight_{name}" in rows[0] and len(rows) > 1:
            weights = [columns[f"{task}/weight"][:, i] for columns in by_seed.values()]
            pairs = [faithfulness.rank_correlation_of(*pair) for pair in itertools.combinations(weights, 2)]
            agreement[f"{task}_seed_rank_correlation_{name}"] = mean_over(pairs), note
    return numbers + matrix.numbers("attention.matrix", [agreement], by_seed)
