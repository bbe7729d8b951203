"""Intervals over pictures: against scipy, and that differences are paired."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.bootstrap import bootstrap, difference_of, mean_of, pair_mean_of, ratio_of


def drawn(n: int, seed: int) -> torch.Tensor:
    return torch.rand(n, generator=torch.Generator().manual_seed(seed)) + 0.5


def test_the_interval_of_a_mean_is_scipys_percentile_interval():
    values = drawn(40, 1)
    ours = bootstrap(mean_of(values), 40, resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values.numpy(),), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.value == pytest.approx(values.mean().item())
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.03 * width
    assert abs(ours.high - theirs.high) < 0.03 * width


def test_the_interval_of_a_ratio_is_scipys_with_pairs():
    above, below = drawn(30, 1), drawn(30, 2)
    ours = bootstrap(ratio_of(above, below), 30, resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (above.numpy(), below.numpy()),
        lambda a, b, axis: a.mean(axis) / b.mean(axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.value == pytest.approx((above.sum() / below.sum()).item())
    assert abs(ours.low - theirs.low) < 0.03 * (theirs.high - theirs.low)
    assert abs(ours.high - theirs.high) < 0.03 * (theirs.high - theirs.low)


def test_a_mean_over_pairs_leaves_out_a_pictures_pairs_with_its_own_copies():
    pairs = torch.rand(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pairs = pairs + pairs.T
    sample = [0, 0, 2, 3, 0]  # picture 0 three times
    expected = np.mean([pairs[i, j].item() for i in sample for j in sample if i != j])
    counts = torch.tensor([[3.0, 0, 1, 1, 0]], dtype=torch.float64)
    assert pair_mean_of(pairs)(counts).item() == pytest.approx(expected)
    every = np.mean([pairs[i, j].item() for i in range(5) for j in range(5) if i != j])
    assert bootstrap(pair_mean_of(pairs), 5).value == pytest.approx(every)


def test_differences_are_paired():
    """What varies from picture to picture alike for both methods says nothing about their difference."""
    hard = 10 * drawn(50, 1)
    better = bootstrap(difference_of(mean_of(hard + 0.1), mean_of(hard)), 50)
    assert better.value == pytest.approx(0.1, abs=1e-5)
    assert better.high - better.low < 1e-4
    alone = bootstrap(mean_of(hard), 50)
    assert alone.high - alone.low > 1


@given(st.integers(2, 30), st.integers(0, 1000))
def test_an_interval_is_the_same_again_and_holds_the_middle_of_its_samples(n: int, seed: int):
    values = drawn(n, seed)
    one, again = (bootstrap(mean_of(values), n, resamples=200) for _ in range(2))
    assert one == again
    assert one.low <= one.high
    assert values.min().item() - 1e-6 <= one.low
    assert one.high <= values.max().item() + 1e-6
    assert one.low <= one.value <= one.high


def test_what_has_no_interval_is_refused():
    with pytest.raises(ConfigError, match="at least 2"):
        bootstrap(mean_of(torch.ones(1)), 1)
