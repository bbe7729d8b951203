"""A check of the claims: their numbers measured again, and held against the recorded ones."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorstyle_lib.inference.colorstyle import released_card
from colorstyle_lib.reproduction.benchmarks.coloring import evaluate_coloring
from colorstyle_lib.reproduction.benchmarks.runner import Run
from colorstyle_lib.reproduction.claims.table import shown
from colorstyle_lib.reproduction.claims.verdict import Judgement, judge_claims
from colorstyle_lib.reproduction.results.store import Number, measured_anew

WITHIN = 0.01
"""How far a number without an interval may move, as a share of itself."""


@dataclass(frozen=True)
class Check:
    """A number, as it is recorded and as it is now."""

    claims: tuple[str, ...]  # that rest on it
    recorded: Number  # from ``figures/results.json``
    now: Number | None  # computed again; None where this machine did not
    problem: str = ""  # what is wrong; empty where nothing is

    @property
    def line(self) -> str:
        """One line for a person."""
        said = f"{', '.join(self.claims)}: {self.recorded.key}"
        if self.now is None:
            return f"{said}: {self.problem}"
        apart = abs(self.now.value - self.recorded.value)
        verdict = f"DRIFTED, {self.problem}" if self.problem else "agrees"
        return f"{said}: {self.now.value:.6g} now, {shown(self.recorded)} recorded, {apart:.2g} apart: {verdict}"


def recompute(root: Path | None = None) -> dict[str, Number]:
    """Measure the released weights without the cache: on the demo photographs, and on a data root where there is one.

    Raises:
        MissingExtraError: a package is not installed. DataError: the root holds no val pictures.
    """
    with measured_anew(), tempfile.TemporaryDirectory() as folder:
        roots = [None] if root is None else [None, root]
        numbers = [n for one in roots for n in evaluate_coloring(one, Run(Path(folder) / "results.json"))]
    return {number.key: number for number in numbers}


def check_claims(recorded: Mapping[str, Number], now: Mapping[str, Number]) -> list[Check]:
    """Hold every number that a claim rests on against its fresh value, and its weights against the released ones.

    A number has drifted where the fresh value lies outside the recorded interval. The pictures are the same, so a
    difference within it is no chance either: it is printed, and ``colorstyle figures check`` is stricter.

    Args:
        recorded: from :func:`.read_results`.
        now: from :func:`recompute`.

    Returns:
        For each number that was computed again, or is of other weights, its check; in the order of the claims.
    """
    released = released_card()["sha256"]
    users: dict[Number, tuple[str, ...]] = {}
    for judgement in judge_claims(recorded):
        for number in judgement.numbers:
            users[number] = (*users.get(number, ()), judgement.claim.id)
    checks = []
    for number, claims in users.items():
        fresh = now.get(number.key)
        if number.method.endswith("released") and number.weights not in (None, released):
            problem = f"measured with weights {number.weights[:8]}, but {released[:8]} are released"
            checks.append(Check(claims, number, None, problem))
        elif fresh is not None:
            checks.append(Check(claims, number, fresh, _drift(number, fresh.value)))
    return checks


def left_unchecked(judgements: Sequence[Judgement], checks: Sequence[Check]) -> dict[str, list[str]]:
    """Addresses of numbers that were not computed again, by the command that would."""
    done = {check.recorded for check in checks}
    rest: dict[str, dict[str, None]] = {}
    for number in (n for judgement in judgements for n in judgement.numbers if n not in done):
        rest.setdefault(number.command, {})[number.key] = None
    return {command: list(keys) for command, keys in rest.items()}


def changed_verdicts(recorded: Mapping[str, Number], now: Mapping[str, Number]) -> list[str]:
    """A line for each claim that the fresh numbers would judge otherwise."""
    return [
        f"{one.claim.id}: {one.verdict!r} as recorded, {other.verdict!r} with the numbers of now"
        for one, other in zip(judge_claims(recorded), judge_claims({**recorded, **now}), strict=True)
        if one.verdict != other.verdict
    ]


def _drift(number: Number, value: float) -> str:
    """What is wrong with a fresh value; empty if nothing is."""
    if number.interval is not None:
        return "" if number.interval[0] <= value <= number.interval[1] else "outside its interval"
    return "" if abs(value - number.value) <= WITHIN * abs(number.value) else f"more than {WITHIN:.0%} away"
