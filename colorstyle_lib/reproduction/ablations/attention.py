"""The trial of attention as numbers: of released weights, and of the matrix's base in each of its seeds."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.batches import center_crops, load_images
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.inference.colorstyle import RELEASED
from colorstyle_lib.metrics.bootstrap import RESAMPLES, Statistic, bootstrap, mean_over
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.reproduction.ablations.configs import BASE
from colorstyle_lib.reproduction.ablations.effects import under, value_of
from colorstyle_lib.reproduction.ablations.numbers import SPREAD, seed_number
from colorstyle_lib.reproduction.ablations.runs import Matrix
from colorstyle_lib.reproduction.baselines.method import load_method
from colorstyle_lib.reproduction.benchmarks.attention_faithfulness import (
    attention_columns,
    attention_statistics,
    batches_of,
    override_columns,
    override_statistics,
    rank_correlation_of,
)
from colorstyle_lib.reproduction.benchmarks.runner import load_squares
from colorstyle_lib.reproduction.results.measurement_cache import Columns, cache_key, load_columns, save_columns
from colorstyle_lib.reproduction.results.store import Number, Provenance

SIDE = 128
"""Pixels of the squares that released weights are tried on; smaller than they work at, to be cheap."""

HALVED = 192
"""Of those that are cut into content and reference."""

TASKS = ("automatic", "reference")


def try_weights(
    root: Path | None, *, weights: Path | None = None, limit: int = 100, resamples: int = RESAMPLES
) -> list[Number]:
    """Put the attention of weights on trial.

    Args:
        root: a data root, whose val pictures these are; None for the demo photographs.
        weights: a ``.safetensors`` file; by default the released ones.
        limit: pictures of each data set.
        resamples: of the bootstrap.

    Returns:
        The numbers of :func:`attention_statistics` and :func:`override_statistics`.

    Raises:
        WeightsError: missing or damaged weights. ConfigError: they have no attention, or there is but one picture.
    """
    method = load_method(
        "released" if weights is None else weights.stem, weights or paths.WEIGHTS / f"{RELEASED}.safetensors"
    )
    if method.generator is None or not method.generator.steering:
        raise ConfigError(f"{method.name} has no attention to put on trial")
    squares, halved = (_pictures(root, side, limit) for side in (SIDE, HALVED))
    place = cache_key(squares, halved, method.weights, attention_columns, override_columns)
    found = load_columns(place)
    if found is None:
        found = _everything(method.generator, squares, halved)
        save_columns(place, found)
    columns = {task: {k.partition("/")[2]: v for k, v in found.items() if k.startswith(task)} for task in TASKS}
    statistics = attention_statistics(columns, method.generator.config.modalities)
    statistics |= override_statistics({k: v for k, v in found.items() if not k.startswith(TASKS)})
    data, given = ("demo", "") if root is None else ("all", " --data ROOT")
    chosen = f" --weights {weights.name}" if weights is not None else ""
    provenance = Provenance.here(f"colorstyle ablations attention{given}{chosen} --limit {limit}", "full")
    note = f"squares of {SIDE} px; with a reference: left halves of {HALVED} px squares by their right halves"
    facts = {"weights": method.weights, "seeds": method.seeds, "note": note}
    return [
        Number.of(
            name,
            f"attention.{method.name}",
            data,
            bootstrap(one, len(squares), resamples=resamples),
            provenance,
            **facts,
        )
        for name, one in statistics.items()
    ]


def _pictures(root: Path | None, side: int, limit: int) -> Float[Tensor, "n 3 _ _"]:
    if root is None:
        return center_crops(load_images([p.open() for p in PHOTOGRAPHS.values()], side), side)
    return torch.cat(list(load_squares(root, side, limit).values()))


def _everything(generator: Generator, squares: Tensor, halved: Tensor) -> Columns:
    """Both tasks and the overrides, a column a row a picture."""
    parts: list[Columns] = []
    for square, halves in zip(batches_of(squares), batches_of(halved), strict=True):
        left, right = rgb_to_lab(halves).chunk(2, dim=-1)
        alone, guided = attention_columns(generator, rgb_to_lab(square)), attention_columns(generator, left, right)
        named = {f"automatic/{k}": v for k, v in alone.items()} | {f"reference/{k}": v for k, v in guided.items()}
        parts.append(named | override_columns(generator, left, right))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def matrix_numbers(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Number]:
    """What the base's attention says, a mean over seeds, and how far the seeds agree on it.

    Args:
        matrix: from :func:`.read_matrix`.
        resamples: of the bootstrap.
    """
    heard = {
        seed: {task: under(columns, f"{task}/") for task in TASKS} for seed, columns in matrix.columns[BASE].items()
    }
    n, seeds = matrix.n, tuple(sorted(heard))
    facts = {"seeds": seeds, "note": matrix.about(BASE)}
    numbers = []

    def add(metric: str, statistic: Statistic) -> None:
        estimate = bootstrap(statistic, n, resamples=resamples)
        numbers.append(Number.of(metric, "attention.matrix", matrix.data, estimate, matrix.provenance, **facts))

    by_seed = [attention_statistics(heard[seed]) for seed in seeds]
    for metric in by_seed[0]:
        add(metric, mean_over([statistics[metric] for statistics in by_seed]))
    if len(seeds) < 2:
        return numbers
    for task, (i, name) in itertools.product(TASKS, enumerate(MODALITIES)):
        metric = f"{task}_weight_{name}"
        if metric not in by_seed[0]:
            continue
        values = [value_of(statistics[metric], n) for statistics in by_seed]
        numbers.append(seed_number(metric + SPREAD, "attention.matrix", values, matrix, **facts))
        weights = [heard[seed][task]["weight"][:, i] for seed in seeds]
        pairs = [rank_correlation_of(*pair) for pair in itertools.combinations(weights, 2)]
        add(f"{task}_seed_rank_correlation_{name}", mean_over(pairs))
    return numbers
