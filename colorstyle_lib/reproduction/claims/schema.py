"""Claims and targets as data, read from ``claims.toml``: the paper's sentences, and bounds on recorded numbers."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Condition:
    """Bounds for numbers.

    Attributes:
        says: what it asks, in words.
        keys: addresses of the numbers, ``*`` standing for anything; all that one address finds must hold, and one
            address of several is enough. Of a target: metrics, and each number is judged by itself.
        low: least value.
        high: largest value.
        seeds: trainings that have to stand behind the number.
        sampled: whether the number must have an interval; a size in memory has none.
        control: address of a number that has to meet the same bounds before a miss counts: our own recipe's, which
            shows that they can be met at all in the time that there was. Empty for bounds that are 0 for everybody.
    """

    says: str
    keys: tuple[str, ...]
    low: float = -inf
    high: float = inf
    seeds: int = 0
    sampled: bool = True
    control: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim of the paper and its test.

    Attributes:
        id: C1 to C12.
        title: the claim in a line.
        quotes: the paper's own words.
        translation: ours, of these words.
        section: where they stand.
        test: what is done to decide.
        metric: what is measured.
        decides: the conditions; all must hold.
        cell: notebook, and the cell in it, where this is taught or shown.
        beside: addresses of numbers that a reader should see too, and that decide nothing.
        command: makes the numbers; empty where the model has no call for it yet.
        beyond: why missing numbers cannot be made here; empty where they can.
    """

    id: str
    title: str
    quotes: tuple[str, ...]
    translation: str
    section: str
    test: str
    metric: str
    decides: tuple[Condition, ...]
    cell: str
    beside: tuple[str, ...] = ()
    command: str = ""
    beyond: str = ""


def _condition(row: dict[str, Any]) -> Condition:
    return Condition(**row | {"keys": tuple(row["keys"])})


def _claim(row: dict[str, Any]) -> Claim:
    row["decides"] = map(_condition, row["decides"])
    return Claim(**{name: value if isinstance(value, str) else tuple(value) for name, value in row.items()})


_DATA = tomllib.loads(Path(__file__).with_name("claims.toml").read_text(encoding="utf-8"))

CLAIMS = tuple(_claim(row) for row in _DATA["claims"])

TARGETS = {name: tuple(map(_condition, rows)) for name, rows in _DATA["targets"].items()}
"""Our own aims: ``coloring``, and ``joint_coloring`` and ``joint_style``, what one model for both tasks may cost."""
