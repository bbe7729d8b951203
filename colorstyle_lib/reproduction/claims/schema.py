"""Claims and targets as data, read from ``claims.toml``: the paper's sentences, and bounds on recorded numbers."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Condition:
    """Bounds for numbers."""

    says: str  # what it asks, in words
    # Addresses of the numbers, ``*`` standing for anything; all that one address finds must hold, and one address of
    # several is enough. Of a target: metrics, and each number is judged by itself.
    keys: tuple[str, ...]
    low: float = -inf  # least value
    high: float = inf  # largest value
    seeds: int = 0  # trainings that have to stand behind the number
    sampled: bool = True  # whether the number must have an interval; a size in memory has none
    # Address of a number that has to meet the same bounds before a miss counts: our own recipe's, which shows that
    # they can be met at all in the time that there was. Empty for bounds that are 0 for everybody.
    control: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim of the paper and its test."""

    id: str  # C1 to C12
    title: str  # the claim in a line
    quotes: tuple[str, ...]  # the paper's own words
    translation: str  # ours, of these words
    section: str  # where they stand
    test: str  # what is done to decide
    metric: str  # what is measured
    decides: tuple[Condition, ...]  # the conditions; all must hold
    cell: str  # notebook, and the cell in it, where this is taught or shown
    beside: tuple[str, ...] = ()  # addresses of numbers that a reader should see too, and that decide nothing
    command: str = ""  # makes the numbers; empty where the model has no call for it yet
    beyond: str = ""  # why missing numbers cannot be made here; empty where they can


def _condition(row: dict[str, Any]) -> Condition:
    return Condition(**row | {"keys": tuple(row["keys"])})


def _claim(row: dict[str, Any]) -> Claim:
    row["decides"] = map(_condition, row["decides"])
    return Claim(**{name: value if isinstance(value, str) else tuple(value) for name, value in row.items()})


_DATA = tomllib.loads(Path(__file__).with_name("claims.toml").read_text(encoding="utf-8"))

CLAIMS = tuple(_claim(row) for row in _DATA["claims"])

TARGETS = {name: tuple(map(_condition, rows)) for name, rows in _DATA["targets"].items()}
"""Our own aims: ``coloring``, and ``joint_coloring`` and ``joint_style``, what one model for both tasks may cost."""
