"""The parts that all benchmarks share: pictures, one run's options, columns by picture, numbers with intervals.

A benchmark measures columns of values, a row a picture, and makes of them metrics: a name, a statistic and a note each.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.data.batches import center_crops
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.inference.colorstyle import RELEASED
from colorstyle_lib.metrics.bootstrap import Estimate, Statistic, bootstrap, mean_over
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, cache_key, load_columns, save_columns
from colorstyle_lib.training.validation import demo_squares

NOTES: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("notes.toml").read_text(encoding="utf-8"))

ALL = "all"
"""The name of all data sets' pictures together, each picture counting alike."""

DEMO = "demo"
"""The name of the demo photographs among data sets."""

Squares = Mapping[str, Float[Tensor, "n 3 _ _"]]
"""Square pictures, sRGB in [0, 1], by data set."""

Rows = Mapping[str, tuple[Statistic | Estimate, str]]
"""Metrics by name: a statistic over pictures, or an estimate without an interval (NaN ends); and a note."""


@dataclass(frozen=True)
class Run:
    """The options of one ``colorstyle evaluate``."""

    output: Path  # the results file; numbers that are not measured again stay in it
    weights: Path | None = None  # a ``.safetensors`` file; by default the released ones
    name: str | None = None  # of the weights, in addresses; by default ``released``, or the file's own name
    limit: int | None = None  # pictures of each data set, spread evenly over its files, or pairs; by default all

    @property
    def method(self) -> str:
        """The name of the weights in addresses."""
        return self.name or ("released" if self.weights is None else self.weights.stem)

    @property
    def file(self) -> Path:
        """The weights' file."""
        return self.weights or paths.WEIGHTS / f"{RELEASED}.safetensors"

    def provenance(self, benchmark: str = "", data: str = " --data ROOT", more: str = "") -> Provenance:
        """The run's command, with a benchmark's own options before and behind the common ones, and its mode."""
        weights = f" --weights {self.weights.name} --name {self.method}" if self.weights is not None else ""
        limited = f" --limit {self.limit}" if self.limit else ""
        mode = "quick" if self.limit or "--demo" in data else "full"
        return Provenance.here(f"colorstyle evaluate{benchmark}{weights}{data}{limited}{more}", mode)


def load_squares(root: Path | None, size: int, limit: int | None = None) -> Squares:
    """The centered squares, ``size`` pixels a side, of each data set's val pictures; of demo photographs, if no root.

    At most ``limit`` of each, spread evenly over its files.

    Raises:
        MissingExtraError: the package that carries demo photographs is not installed.
    """
    if root is None:
        if (squares := demo_squares(size)) is None:
            raise MissingExtraError("a package with demo photographs", "tutorial")
        return {DEMO: squares[:limit]}
    stores = ((name, load_split(root, "val", size, [name], quiet=True)) for name in dataset_names(root, "val"))
    return {name: center_crops(store, size)[spread(len(store), limit)] for name, store in stores}


def spread(n: int, limit: int | None) -> list[int]:
    """The numbers of at most ``limit`` of ``n`` pictures, spread evenly; of all without a limit."""
    return torch.linspace(0, n - 1, min(n, limit or n)).round().long().tolist()


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns of several batches or data sets, one after the other."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def with_all(measured: Mapping[str, Mapping[str, Columns]]) -> dict[str, Mapping[str, Columns]]:
    """Columns by data set and group, and behind them those of all data sets together, where there are several."""
    sets = list(measured.values())
    every = {ALL: {group: joined([one[group] for one in sets]) for group in sets[0]}} if len(sets) > 1 else {}
    return {**measured, **every}


def cached(compute: Callable[[], Columns], *parts: str | Tensor | Callable[..., object] | None) -> Columns:
    """Columns from ``runs/measured``, computed and kept where they are not there; parts as of :func:`.cache_key`."""
    key = cache_key(*parts)
    if (columns := load_columns(key)) is None:
        columns = compute()
        save_columns(key, columns)
    return columns


def numbers_of(rows: Rows, method: ColorMethod, data: str, n: int, provenance: Provenance) -> list[Number]:
    """Metrics of one method on one data set of n pictures as numbers, with 95 % intervals over pictures."""
    numbers = []
    for metric, (value, note) in rows.items():
        estimate = value if isinstance(value, Estimate) else bootstrap(value, n)
        facts = {"sure": not math.isnan(estimate.low), "weights": method.weights, "seeds": method.seeds, "note": note}
        numbers.append(Number.of(metric, method.name, data, estimate, provenance, **facts))
    return numbers


def mean_rows(trainings: Sequence[Rows]) -> Rows:
    """Metrics as means over trainings, on the same pictures."""
    means = {}
    for metric, (first, note) in trainings[0].items():
        values = [one[metric][0] for one in trainings]
        estimated = isinstance(first, Estimate)
        mean = without_interval(fmean(e.value for e in values), first.n) if estimated else mean_over(values)
        means[metric] = mean, note
    return means


def without_interval(value: float, n: int) -> Estimate:
    """A value for which no honest interval is known."""
    return Estimate(value, math.nan, math.nan, n)
