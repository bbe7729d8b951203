"""The attention benchmark as numbers: of released weights, and of the ablations' base in each of its seeds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import torch

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.inference.colorstyle import RELEASED
from colorstyle_lib.metrics.bootstrap import RESAMPLES, Statistic, bootstrap, mean_over
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.reproduction.ablations.configs import BASE
from colorstyle_lib.reproduction.ablations.effects import spread_number, value_of, with_prefix
from colorstyle_lib.reproduction.ablations.measure import ValidationSet, measure_attention
from colorstyle_lib.reproduction.ablations.run import Matrix
from colorstyle_lib.reproduction.baselines.method import load_method
from colorstyle_lib.reproduction.benchmarks.attention_faithfulness import (
    attention_columns,
    attention_statistics,
    batches_of,
    override_columns,
    override_statistics,
    rank_correlation_of,
)
from colorstyle_lib.reproduction.benchmarks.runner import cached, joined, load_squares, numbers_of
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance

SIDE = 128
"""Side in pixels of the squares that are colored by themselves; smaller than released weights work at, to be cheap."""

HALVED = 192
"""Of those that are cut into content and reference."""

TASKS = ("automatic", "reference")


def try_weights(root: Path | None, *, weights: Path | None = None, limit: int = 100) -> list[Number]:
    """Measure the attention of weights.

    Args:
        root: a data root, whose val pictures these are; None for the demo photographs.
        weights: a ``.safetensors`` file; by default the released ones.
        limit: pictures of each data set.

    Returns:
        The numbers of :func:`.attention_statistics` and :func:`.override_statistics`.

    Raises:
        WeightsError: missing or damaged weights. ConfigError: they have no attention, or there is but one picture.
    """
    name = "released" if weights is None else weights.stem
    method = load_method(name, weights or paths.WEIGHTS / f"{RELEASED}.safetensors")
    if method.generator is None or not method.generator.steering:
        raise ConfigError(f"{method.name} has no attention to put on trial")
    data, given = ("demo", "") if root is None else ("all", " --data ROOT")
    squares, halves = (torch.cat(list(load_squares(root, side, limit).values())) for side in (SIDE, HALVED))

    def measured() -> Columns:
        pairs = (rgb_to_lab(batch).chunk(2, dim=-1) for batch in batches_of(halves))
        overridden = joined([override_columns(method.generator, *pair) for pair in pairs])
        return measure_attention(method.generator, ValidationSet(data, squares, halves)) | overridden

    found = cached(measured, squares, halves, method.weights, attention_columns, override_columns)
    statistics = attention_statistics(_by_task(found), method.generator.config.modalities)
    statistics |= override_statistics({k: v for k, v in found.items() if not k.startswith(TASKS)})
    chosen = f" --weights {weights.name}" if weights is not None else ""
    provenance = Provenance.here(f"colorstyle ablations attention{given}{chosen} --limit {limit}", "full")
    note = f"squares of {SIDE} px; with a reference: left halves of {HALVED} px squares by their right halves"
    rows = {metric: (statistic, note) for metric, statistic in statistics.items()}
    return numbers_of(rows, replace(method, name=f"attention.{name}"), data, len(squares), provenance)


def matrix_numbers(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Number]:
    """The attention of the base, a mean over seeds, and how far the seeds agree on it; see :func:`.read_matrix`."""
    heard = {seed: _by_task(columns) for seed, columns in sorted(matrix.columns[BASE].items())}
    facts, numbers = {"seeds": tuple(heard), "note": matrix.about(BASE)}, []

    def add(metric: str, statistic: Statistic) -> None:
        estimate = bootstrap(statistic, matrix.n, resamples=resamples)
        numbers.append(matrix.number(metric, "attention.matrix", estimate, **facts))

    by_seed = [attention_statistics(columns) for columns in heard.values()]
    for metric in by_seed[0]:
        add(metric, mean_over([statistics[metric] for statistics in by_seed]))
    for task, (i, name) in itertools.product(TASKS, enumerate(MODALITIES)):
        metric = f"{task}_weight_{name}"
        if metric in by_seed[0] and len(heard) > 1:
            values = [value_of(statistics[metric], matrix.n) for statistics in by_seed]
            numbers.append(spread_number(matrix, metric, "attention.matrix", values, **facts))
            weights = [columns[task]["weight"][:, i] for columns in heard.values()]
            pairs = [rank_correlation_of(*pair) for pair in itertools.combinations(weights, 2)]
            add(f"{task}_seed_rank_correlation_{name}", mean_over(pairs))
    return numbers


def _by_task(columns: Columns) -> dict[str, Columns]:
    return {task: with_prefix(columns, f"{task}/") for task in TASKS}
