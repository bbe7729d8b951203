"""Verdicts: met, missed and by how much, and whether the interval is of one mind."""

import pytest

from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL
from colorstyle_lib.reproduction.claims.targets import verdicts
from colorstyle_lib.reproduction.results.store import Number, Provenance

HERE = Provenance("colorstyle evaluate", "quick", "abc", "CPU")


def judged(metric: str, value: float, low: float, high: float):
    one = Number.of(metric, "released", "all", Estimate(value, low, high, 9), HERE)
    other = Number.of(metric, "ours", "all", Estimate(-9.0, -9.0, -9.0, 9), HERE)
    return verdicts({n.key: n for n in (one, other)}, "released")


@pytest.mark.parametrize(
    ("value", "low", "high", "missed", "certain"),
    [
        (0.95, 0.92, 0.99, 0.0, True),
        (0.95, 0.88, 0.99, 0.0, False),
        (0.85, 0.80, 0.88, 0.05, True),
        (0.85, 0.80, 0.91, 0.05, False),
        (1.25, 1.20, 1.30, 0.15, True),
    ],
)
def test_a_band(value: float, low: float, high: float, missed: float, certain: bool):
    (verdict,) = judged("colorfulness_ratio", value, low, high)
    assert verdict.missed_by == pytest.approx(missed)
    assert verdict.certain == certain
    assert verdict.line.startswith("missed by" if missed else "met")


def test_every_opponent_counts_and_our_other_weights_are_none():
    for name in ("gray", "l1", "pix2pix", "bins"):
        (verdict,) = judged(f"{KERNEL}_minus_{name}", 0.1, 0.05, 0.2)
        assert verdict.missed_by == pytest.approx(0.1)
    assert judged(f"{KERNEL}_minus_ours", 0.1, 0.05, 0.2) == []
    assert len(judged("perceptual_vgg19_minus_l1", -0.1, -0.2, -0.05)) == 1
    assert judged("ssim", 0.1, 0.05, 0.2) == []
