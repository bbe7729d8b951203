"""From the matrix's log to numbers: each member's level, paired differences, and what another seed would have said.

A difference is taken picture by picture and seed by seed. Its interval tells what other pictures would change, of the
mean over the seeds; the seeds' own values stand beside it, since three are too few for an interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from colorstyle_lib.ablation_run import REAL, config_hash, read_log
from colorstyle_lib.ablations import ABLATIONS, BASE, COMPARISONS, Comparison
from colorstyle_lib.attention_trial import mean_over
from colorstyle_lib.benchmark_colorize import KERNEL
from colorstyle_lib.contestants import GRAY
from colorstyle_lib.errors import DataError
from colorstyle_lib.measured import Columns, recall
from colorstyle_lib.metrics_perceptual import kernel_pairs
from colorstyle_lib.results import Number, Provenance
from colorstyle_lib.statistics_bootstrap import (
    RESAMPLES,
    Estimate,
    Statistic,
    bootstrap,
    difference_of,
    mean_of,
    pair_mean_of,
    ratio_of,
)

METRICS = {
    "psnr_ab": "PSNR ab, dB",
    "error_ab": "squared ab error",
    "colorfulness_ratio": "colorfulness ratio",
    KERNEL: "kernel distance",
    "reference_psnr_ab": "PSNR ab by a reference, dB",
    "reference_error_ab": "squared ab error by a reference",
}
"""What members are compared in, and what a reader calls it."""

METHOD = "ablation."
"""Before a comparison's name, in the address of its numbers."""

MODE = "small"


@dataclass(frozen=True)
class Matrix:
    """What a folder of runs holds.

    Attributes:
        columns: of each member and seed.
        real: of the real pictures.
        lines: the log's, of the same runs, those of broken trainings among them.
    """

    columns: dict[str, dict[int, Columns]]
    real: Columns
    lines: list[dict[str, Any]]

    @property
    def data(self) -> str:
        """What the pictures are called."""
        return self.lines[0]["data"]

    @property
    def provenance(self) -> Provenance:
        """Where the numbers come from: the runs' own commits and hardware."""
        root = " --data ROOT" if self.data == "all" else ""
        command = f"colorstyle ablations run{root} --steps {self.lines[0]['budget']}; colorstyle ablations show"
        commits, machines = (sorted({line[key] for line in self.lines}) for key in ("commit", "hardware"))
        return Provenance(command, MODE, ", ".join(commits), ", ".join(machines))

    def steps(self, name: str) -> int:
        """Of a member's trainings; 0 for no model."""
        return next((line["steps"] for line in self.lines if line["ablation"] == name), 0)

    def broken(self, name: str) -> int:
        """How many of its trainings ended in losses that are no numbers."""
        return sum(line["ablation"] == name and "problem" in line for line in self.lines)


@dataclass(frozen=True)
class Effect:
    """One difference.

    Attributes:
        comparison: of what.
        metric: in what.
        estimate: the mean over seeds, with its interval over pictures.
        by_seed: each seed's own.
    """

    comparison: Comparison
    metric: str
    estimate: Estimate
    by_seed: dict[int, float]

    @property
    def decided(self) -> bool:
        """Whether the interval leaves 0 out and every seed, of at least two, is on the same side."""
        signs = {value > 0 for value in (self.estimate.low, self.estimate.high, *self.by_seed.values())}
        return len(signs) == 1 and len(self.by_seed) > 1


def read_matrix(folder: Path) -> Matrix:
    """The runs in a folder that belong together: with the budget and the pictures of the last one of the base.

    Those of members that were something else then are left out.

    Raises:
        DataError: there is no run of the base, or columns are missing.
    """
    log = [line for line in read_log(folder) if _as_listed(line)]
    last = next((line for line in reversed(log) if line["ablation"] == BASE and "columns" in line), None)
    if last is None:
        raise DataError(f"no run of the base in {str(folder)!r}; train with: colorstyle ablations run")
    alike = [line for line in log if all(line[key] == last[key] for key in ("budget", "material"))]
    lines = list({(line["ablation"], line["seed"]): line for line in alike}.values())
    columns: dict[str, dict[int, Columns]] = {}
    for line in lines:
        if "columns" in line:
            columns.setdefault(line["ablation"], {})[line["seed"]] = _recalled(line["columns"], folder)
    real, gray = (_recalled(f"{name}-{last['material']}", folder) for name in (REAL, GRAY.name))
    columns[GRAY.name] = dict.fromkeys(columns[BASE], gray)  # needs no seed, and is compared with each
    return Matrix(columns, real, lines)


def _as_listed(line: Mapping[str, Any]) -> bool:
    member = ABLATIONS.get(line["ablation"])
    return member is not None and line["config"] == config_hash(member, line["budget"], line["material"])


def _recalled(name: str, folder: Path) -> Columns:
    found = recall(name, folder)
    if found is None:
        raise DataError(
            f"{name}.safetensors is missing or damaged; take its line out of the log, and: colorstyle ablations run"
        )
    return found


def metric_statistics(columns: Columns, real: Columns) -> dict[str, Statistic]:
    """Each of :data:`METRICS` that these columns know, as a statistic over pictures.

    Args:
        columns: of :func:`colorstyle_lib.ablation_exam.measure`.
        real: of the real pictures.
    """
    found = {name: mean_of(columns[name]) for name in METRICS if name in columns}
    found["colorfulness_ratio"] = ratio_of(columns["colorfulness"], real["colorfulness"])
    found[KERNEL] = pair_mean_of(kernel_pairs(columns["features"], real["features"]))
    return {name: found[name] for name in METRICS if name in found}


def effects_of(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Effect]:
    """Every comparison whose two sides have been run, in every metric that both know.

    Args:
        matrix: from :func:`read_matrix`.
        resamples: of the bootstrap.
    """
    effects, known = [], _Statistics(matrix)
    for comparison in COMPARISONS.values():
        one, other = known.of(*comparison.one), known.of(*comparison.other)
        shared = sorted(one.keys() & other.keys())
        metrics = [m for m in METRICS if shared and all(m in side[seed] for side in (one, other) for seed in shared)]
        for metric in metrics:
            by_seed = {seed: difference_of(one[seed][metric], other[seed][metric]) for seed in shared}
            values = {seed: value_of(statistic, known.n) for seed, statistic in by_seed.items()}
            estimate = bootstrap(mean_over(list(by_seed.values())), known.n, resamples=resamples)
            effects.append(Effect(comparison, metric, estimate, values))
    return effects


class _Statistics:
    """Each side's statistics by seed, made once."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix, self._made, self.n = matrix, {}, len(matrix.real["colorfulness"])

    def of(self, name: str, condition: str) -> dict[int, dict[str, Statistic]]:
        if (name, condition) not in self._made:
            prefix = f"{condition}/" if condition else ""
            self._made[name, condition] = {
                seed: metric_statistics(under(columns, prefix), self._matrix.real)
                for seed, columns in self._matrix.columns.get(name, {}).items()
            }
        return self._made[name, condition]


def under(columns: Columns, prefix: str) -> Columns:
    """Those whose names begin so, without the beginning."""
    return {key.removeprefix(prefix): values for key, values in columns.items() if key.startswith(prefix)}


def value_of(statistic: Statistic, n: int) -> float:
    """A statistic of all n pictures as they are."""
    return statistic(torch.ones(1, n, dtype=torch.float64)).item()


def level_numbers(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Number]:
    """Each member's own metrics, means over its seeds.

    Args:
        matrix: from :func:`read_matrix`.
        resamples: of the bootstrap.
    """
    known, numbers = _Statistics(matrix), []
    for name in matrix.columns:
        by_seed = known.of(name, "")
        for metric in next(iter(by_seed.values())):
            estimate = bootstrap(mean_over([s[metric] for s in by_seed.values()]), known.n, resamples=resamples)
            seeds = () if name == GRAY.name else tuple(sorted(by_seed))
            facts = {"seeds": seeds, "note": about(matrix, name)}
            numbers.append(Number.of(metric, METHOD + name, matrix.data, estimate, matrix.provenance, **facts))
    return numbers


def effect_numbers(matrix: Matrix, effects: list[Effect]) -> list[Number]:
    """Each effect as a number, and how far the seeds disagree on it.

    Args:
        matrix: from :func:`read_matrix`.
        effects: from :func:`effects_of`.
    """
    numbers = []
    for effect in effects:
        one, against = effect.comparison.one[0], effect.comparison.other[0]
        values = list(effect.by_seed.values())
        said = ", ".join(f"{value:+.4g}" for value in values)
        note = f"{effect.comparison.title}; by seed {said}; {about(matrix, one)}, against {about(matrix, against)}"
        name, seeds = f"{effect.metric}_minus_{against}", tuple(effect.by_seed)
        method, facts = METHOD + effect.comparison.name, {"seeds": seeds, "note": note}
        numbers.append(Number.of(name, method, matrix.data, effect.estimate, matrix.provenance, **facts))
        if len(values) > 1:
            numbers.append(seed_number(f"{name}_seed_sd", method, values, effect.estimate.n, matrix, **facts))
    return numbers


def about(matrix: Matrix, name: str) -> str:
    """What a reader of a member's numbers must know.

    Args:
        matrix: from :func:`read_matrix`.
        name: of the member.
    """
    if name == GRAY.name:
        return "gray: no model at all"
    broken, changes = matrix.broken(name), ABLATIONS[name].changes
    lost = f", {broken} trainings broke down" if broken else ""
    return f"{name} ({changes} changed): trained in the run, {matrix.steps(name)} steps each{lost}"


def seed_number(metric: str, method: str, values: list[float], n: int, matrix: Matrix, **facts: Any) -> Number:
    """The standard deviation of a number over seeds.

    Args:
        metric: what it is called.
        method: of whose.
        values: one a seed.
        n: pictures.
        matrix: from :func:`read_matrix`.
        **facts: see :meth:`colorstyle_lib.results.Number.of`.
    """
    deviation = torch.tensor(values, dtype=torch.float64).std().item()
    estimate = Estimate(deviation, deviation, deviation, n)
    return Number.of(metric, method, matrix.data, estimate, matrix.provenance, sure=False, **facts)


_TABLE = (("psnr_ab", 2), ("colorfulness_ratio", 3), (KERNEL, 4), ("reference_psnr_ab", 2))


def print_effects(matrix: Matrix, effects: list[Effect]) -> None:
    """A table of levels and differences; a star where the interval leaves 0 out and all seeds agree.

    Args:
        matrix: from :func:`read_matrix`.
        effects: from :func:`effects_of`.
    """
    budget = matrix.lines[0]["budget"]
    print(f"{matrix.data}, n = {len(matrix.real['colorfulness'])}, each as dear as {budget} steps of the base")
    print(f"{'':22}{'claim':6}{'seeds':6}{'steps':6}" + "".join(f"{METRICS[metric]:>32}" for metric, _ in _TABLE))
    for comparison in COMPARISONS.values():
        mine = {e.metric: e for e in effects if e.comparison == comparison}
        if not mine:
            continue
        first = next(iter(mine.values()))
        steps = matrix.steps(comparison.one[0])
        cells = "".join(f"{_cell(mine[metric], digits) if metric in mine else '':>32}" for metric, digits in _TABLE)
        print(f"{comparison.name:22}{comparison.claim:6}{len(first.by_seed):<6}{steps:<6}{cells}")


def _cell(effect: Effect, digits: int) -> str:
    e = effect.estimate
    return f"{e.value:+.{digits}f} [{e.low:+.{digits}f}, {e.high:+.{digits}f}]{'*' if effect.decided else ' '}"
