"""Numbers for tests."""

from dataclasses import asdict
from typing import Any

from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.results.store import Number, Provenance


def number_of(
    metric: str, method: str, data: str, estimate: Estimate, provenance: Provenance, *, sure: bool = True, **facts: Any
) -> Number:
    """A number from an estimate; without its interval unless ``sure``, and with more of the fields as ``facts``."""
    facts = {"seeds": (), "weights": None, **facts, **asdict(provenance)}
    interval = (estimate.low, estimate.high) if sure else None
    return Number(metric, method, data, estimate.value, estimate.n, interval, **facts)
