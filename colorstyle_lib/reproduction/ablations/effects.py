"""What a change does: differences picture by picture and seed by seed, and what another seed would have said.

A difference's interval tells what other pictures would change, of the mean over the seeds; the seeds' own values stand
beside it, since three are too few for an interval.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from colorstyle_lib.reproduction.ablations.configs import COMPARISONS, Comparison
from colorstyle_lib.reproduction.ablations.runs import Matrix
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL
from colorstyle_lib.reproduction.results.measurement_cache import Columns

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
    def side(self) -> int:
        """1 or -1 where the interval and every seed are above or below 0; else 0, for an exact 0 too."""
        ends = (self.estimate.low, self.estimate.high, *self.by_seed.values())
        return 1 if min(ends) > 0 else -1 if max(ends) < 0 else 0

    @property
    def decided(self) -> bool:
        """Whether all of that, of at least two seeds, is on one side of 0."""
        return self.side != 0 and len(self.by_seed) > 1

    def compared_with(self, longer: Effect) -> str:
        """What a longer training says to this: it agrees, contradicts, or one of the two is on no side."""
        if not (self.decided and longer.side):
            return UNCLEAR
        return AGREES if self.side == longer.side else CONTRADICTS


def effects_of(matrix: Matrix, *, resamples: int = RESAMPLES) -> list[Effect]:
    """Every comparison whose two sides have been run, in every metric that both know.

    Args:
        matrix: from :func:`.read_matrix`.
        resamples: of the bootstrap.
    """
    effects, known = [], SideStatistics(matrix)
    for comparison in COMPARISONS.values():
        one, other = known.of(*comparison.one), known.of(*comparison.other)
        shared = sorted(one.keys() & other.keys())
        metrics = [m for m in METRICS if shared and all(m in side[seed] for side in (one, other) for seed in shared)]
        for metric in metrics:
            by_seed = {seed: difference_of(one[seed][metric], other[seed][metric]) for seed in shared}
            values = {seed: value_of(statistic, matrix.n) for seed, statistic in by_seed.items()}
            estimate = bootstrap(mean_over(list(by_seed.values())), matrix.n, resamples=resamples)
            effects.append(Effect(comparison, metric, estimate, values))
    return effects


class SideStatistics:
    """Each side's statistics by seed, made once."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix, self._made = matrix, {}

    def of(self, name: str, condition: str = "") -> dict[int, dict[str, Statistic]]:
        """Of a member, tested under a condition: by seed, each of :data:`METRICS` that is known."""
        if (name, condition) not in self._made:
            prefix = f"{condition}/" if condition else ""
            self._made[name, condition] = {
                seed: metric_statistics(under(columns, prefix), self._matrix.real)
                for seed, columns in self._matrix.columns.get(name, {}).items()
            }
        return self._made[name, condition]


def metric_statistics(columns: Columns, real: Columns) -> dict[str, Statistic]:
    """Each of :data:`METRICS` that these columns know, as a statistic over pictures.

    Args:
        columns: of :func:`.measure`.
        real: of the real pictures.
    """
    found = {name: mean_of(columns[name]) for name in METRICS if name in columns}
    found["colorfulness_ratio"] = ratio_of(columns["colorfulness"], real["colorfulness"])
    found[KERNEL] = pair_mean_of(kernel_pairs(columns["features"], real["features"]))
    return {name: found[name] for name in METRICS if name in found}


def under(columns: Columns, prefix: str) -> Columns:
    """Those whose names begin so, without the beginning."""
    return {key.removeprefix(prefix): values for key, values in columns.items() if key.startswith(prefix)}


def value_of(statistic: Statistic, n: int) -> float:
    """A statistic of all n pictures as they are."""
    return statistic(torch.ones(1, n, dtype=torch.float64)).item()
