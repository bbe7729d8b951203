"""Percentile intervals by the bootstrap over pictures (B. Efron, Annals of Statistics 7(1), 1979).

A drawn sample is told by how often each picture is in it, so a statistic is a function of such counts; two methods
measured on the same pictures share them, which pairs them. scipy.stats.bootstrap gives the same intervals up to the
noise of drawing; it draws other samples, with which the recorded intervals would not come out again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import require

# From how often each of n pictures is in each of b samples (float64, rows sum to n) to a number for each sample.
Statistic = Callable[[Float[Tensor, "b n"]], Float[Tensor, " b"]]
RESAMPLES = 2000
_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number of ``n`` pictures as they are, with the lower and upper end of its interval."""

    value: float
    low: float
    high: float
    n: int


def bootstrap(statistic: Statistic, n: int, *, resamples: int = RESAMPLES) -> Estimate:
    """Estimate a statistic of ``n`` pictures and its 95 % percentile interval; ConfigError for fewer than 2 pictures.

    The interval tells what other pictures of the same kind would change, not what another training would change. The
    samples are always the same, so differences of two statistics are paired.
    """
    require(n >= 2, f"an interval over pictures needs at least 2 of them, not {n}")
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=resamples)
    drawn = statistic(torch.from_numpy(counts).double())
    value = statistic(torch.ones(1, n, dtype=torch.float64))
    ends = torch.tensor([(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], dtype=torch.float64)
    # A sample of one picture, drawn again and again, has no pairs; of many pictures that never happens.
    low, high = drawn.double().nanquantile(ends).tolist()
    return Estimate(value.item(), low, high, n)


def mean_of(values: Float[Tensor, " n"]) -> Statistic:
    """The mean over pictures."""
    exact = values.double().cpu()
    return lambda counts: counts @ exact / len(exact)


def ratio_of(values: Float[Tensor, " n"], others: Float[Tensor, " n"]) -> Statistic:
    """Mean over mean: ``sum a / sum b``. Pictures with more of both count for more."""
    above, below = values.double().cpu(), others.double().cpu()
    return lambda counts: (counts @ above) / (counts @ below)


def pair_mean_of(pairs: Float[Tensor, "n n"]) -> Statistic:
    """The mean of the symmetric ``h_ij`` over i other than j (a U-statistic); copies of a picture make no pair."""
    exact = pairs.double().cpu().clone().fill_diagonal_(0)
    return lambda counts: (counts @ exact * counts).sum(1) / (counts.sum(1).square() - counts.square().sum(1))


def difference_of(one: Statistic, other: Statistic) -> Statistic:
    """``one - other`` on the same samples: a paired difference where both are of the same pictures."""
    return lambda counts: one(counts) - other(counts)


def mean_over(statistics: Sequence[Statistic]) -> Statistic:
    """The mean of several statistics of the same pictures, such as one a seed."""
    return lambda counts: torch.stack([statistic(counts) for statistic in statistics]).mean(0)
