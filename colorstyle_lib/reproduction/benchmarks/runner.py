"""The parts that all benchmarks share: pictures, one run's options, columns by picture, numbers with intervals.

A benchmark measures columns of values, a row a picture, and makes of them metrics: a name, a statistic and a note each.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.data import Roots, center_crops, dataset_names, load_split
from colorstyle_lib.errors import MissingExtraError, check_known
from colorstyle_lib.metrics.bootstrap import Statistic, bootstrap, mean_over
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.results.store import SPREAD, Columns, Number, Provenance
from colorstyle_lib.training.validation import demo_squares

NOTES: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("notes.toml").read_text(encoding="utf-8"))

ALL = "all"  # the name of all data sets' pictures together, each picture counting alike
DEMO = "demo"  # the name of the demo photographs among data sets
Squares = Mapping[str, Float[Tensor, "n 3 _ _"]]  # square pictures, sRGB in [0, 1], by data set

Rows = Mapping[str, tuple[Statistic | float, str]]
"""Metrics by name: a statistic over pictures, or a value for which no honest interval is known; and a note."""


@dataclass(frozen=True)
class Run:
    """The options of one ``colorstyle evaluate``."""

    output: Path  # the results file; numbers that are not measured again stay in it
    weights: Path | None = None  # a ``.safetensors`` file; by default the released ones
    name: str | None = None  # of the weights, in addresses; by default ``released``, or the file's own name
    limit: int | None = None  # pictures of each data set, spread evenly over its files, or pairs; by default all
    datasets: Sequence[str] = ()  # that are measured; by default all of the roots
    together: str = ALL  # the name of their pictures together
    peers: Sequence[str] = ()  # that are measured beside, each as MODULE:FUNCTION
    knob: bool = False  # whether the weights are measured at other settings of colorfulness, on all pictures together

    @property
    def method(self) -> str:
        """The name of the weights in addresses."""
        return self.name or ("released" if self.weights is None else self.weights.stem)

    def provenance(self, benchmark: str = "", data: str = " --data ROOT", more: str = "") -> Provenance:
        """The run's command, with a benchmark's own options before and behind the common ones, and its mode."""
        weights = f" --weights {self.weights.name} --name {self.method}" if self.weights is not None else ""
        limited = f" --limit {self.limit}" if self.limit else ""
        limited += "".join(f" --peer {name}" for name in self.peers)
        mode = "quick" if self.limit or "--demo" in data else "full"
        benchmark += " --knob" * self.knob
        return Provenance.here(f"colorstyle evaluate{benchmark}{weights}{data}{limited}{more}", mode)


def load_squares(roots: Roots | None, size: int, limit: int | None = None, names: Sequence[str] = ()) -> Squares:
    """The centered squares, ``size`` pixels a side, of each data set's val pictures; of demo photographs, if no root.

    At most ``limit`` of each, spread evenly over its files; of the data sets ``names`` only, where there are any.
    ConfigError: no data set of such a name. MissingExtraError: the package with demo photographs is not installed.
    """
    if roots is None:
        if (squares := demo_squares(size)) is None:
            raise MissingExtraError("a package with demo photographs", "tutorial")
        return {DEMO: squares[:limit]}
    known = dataset_names(roots, "val")
    for name in names:
        check_known("data set", name, known)
    stores = ((name, load_split(roots, "val", size, [name], quiet=True)) for name in names or known)
    return {name: center_crops(store, size)[spread(len(store), limit)] for name, store in stores}


def spread(n: int, limit: int | None) -> list[int]:
    """The numbers of at most ``limit`` of ``n`` pictures, spread evenly; of all without a limit."""
    return torch.linspace(0, n - 1, min(n, limit or n)).round().long().tolist()


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns of several batches or data sets, one after the other; a part may lack some."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.cat([part[name] for part in parts if name in part]) for name in names}


def with_all(measured: Mapping[str, Mapping[str, Columns]], together: str = ALL) -> dict[str, Mapping[str, Columns]]:
    """Columns by data set and group, and behind them those of all data sets ``together``, where there are several."""
    sets = list(measured.values())
    every = {together: {group: joined([one[group] for one in sets]) for group in sets[0]}} if len(sets) > 1 else {}
    return {**measured, **every}


def numbers_of(
    trainings: Sequence[Rows], method: ColorMethod, data: str, n: int, provenance: Provenance
) -> list[Number]:
    """Metrics of one method on one data set of n pictures as numbers, with 95 % intervals over pictures.

    Of several trainings a number is the mean, with each training's own value beside it.
    """
    numbers, facts = [], (method.seeds, method.weights, *astuple(provenance))
    for metric, (first, note) in trainings[0].items():
        each, interval = [rows[metric][0] for rows in trainings], None
        value = fmean(each) if not callable(first) else 0.0
        if callable(first):
            estimate = bootstrap(mean_over(each), n)
            value, interval = estimate.value, (estimate.low, estimate.high)
            each = [one(torch.ones(1, n, dtype=torch.float64)).item() for one in each]
        by_seed = tuple(each) if len(each) > 1 else ()
        numbers.append(Number(metric, method.name, data, value, n, interval, *facts, note, by_seed))
    return numbers


def spreads(numbers: Sequence[Number]) -> list[Number]:
    """The standard deviation over seeds of each number that is a mean over trainings, its metric ending in SPREAD."""
    of_trainings = [one for one in numbers if one.by_seed]
    return [replace(n, metric=n.metric + SPREAD, value=stdev(n.by_seed), interval=None) for n in of_trainings]


def print_table(
    numbers: Sequence[Number], columns: Mapping[str, Sequence[Any]], mark: Callable[[Number], str] = lambda _: ""
) -> None:
    """Print numbers, a table for each data set: a row a method, a column a metric, with a mark behind each number.

    The columns are heading, digits and scale, by the beginning of the metric's name; the first number of it is taken.
    """
    for data in dict.fromkeys(one.data for one in numbers):
        mine = [one for one in numbers if one.data == data and one.metric.startswith(tuple(columns))]
        wide = max(24, *(len(one.method) for one in mine))
        print(f"\n{data}, n = {mine[0].n}")
        print(f"{'':{wide}}" + "".join(f"  {heading:>26}" for heading, _, _ in columns.values()))
        for method in dict.fromkeys(one.method for one in mine):
            cells = []
            for metric, (_, digits, scale) in columns.items():
                found = [one for one in mine if one.method == method and one.metric.startswith(metric)]
                cells.append(found[0].text(digits, scale) + mark(found[0]) if found else "")
            print(f"{method:{wide}}" + "".join(f"  {cell:>26}" for cell in cells))


def print_numbers(numbers: Sequence[Number]) -> None:
    """Print numbers one below the other, each with its address and note."""
    for one in numbers:
        print(f"{one.key:64} {one.text(4)}, n = {one.n}  {one.note}")
