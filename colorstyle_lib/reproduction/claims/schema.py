"""What a claim is made of: the paper's sentence, and the conditions on numbers that decide it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Evidence:
    """A condition on numbers.

    Attributes:
        says: what it asks, in words.
        keys: addresses of the numbers, ``*`` standing for anything; all that one address finds must hold, and one
            address of several is enough.
        low: least value.
        high: largest value.
        seeds: trainings that have to stand behind the number.
        sampled: whether it has an interval; a size in memory has none.
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
    """A claim of the paper and its trial.

    Attributes:
        id: C1 to C12.
        title: the claim in a line.
        quotes: the paper's own words.
        translation: ours, of these words.
        section: where they stand.
        test: what is done to decide.
        metric: what is measured.
        decides: the conditions; all must hold.
        beside: addresses of numbers that a reader should see too, and that decide nothing.
        cell: notebook, and the cell in it, where this is taught or shown.
        command: makes the numbers.
        beyond: why the numbers cannot be made here, where they are missing; empty where they can.
    """

    id: str
    title: str
    quotes: tuple[str, ...]
    translation: str
    section: str
    test: str
    metric: str
    decides: tuple[Evidence, ...]
    beside: tuple[str, ...]
    cell: str
    command: str
    beyond: str = ""


def released(says: str, metric: str, low: float = -inf, high: float = inf) -> Evidence:
    """A condition on a number of the released weights, over all data sets."""
    return Evidence(says, (f"all/released/{metric}",), low, high)


EVALUATE = "colorstyle evaluate --data ROOT"
"""Makes the numbers of the released weights."""
