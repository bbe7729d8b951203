"""A check of the claims: their numbers measured again, and held against the recorded ones."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from colorstyle_lib import paths
from colorstyle_lib.inference.colorstyle import released_card
from colorstyle_lib.reproduction.benchmarks.coloring import evaluate_coloring
from colorstyle_lib.reproduction.benchmarks.runner import Run
from colorstyle_lib.reproduction.claims.table import shown
from colorstyle_lib.reproduction.claims.verdict import judge_claims
from colorstyle_lib.reproduction.results.store import CheckResult, Number

WITHIN = 0.01  # how far a number without an interval may move, as a share of itself


def recompute(root: Path | None = None) -> dict[str, Number]:
    """Measure the released weights anew, on demo photographs and a data root; errors of :func:`.evaluate_coloring`."""
    with tempfile.TemporaryDirectory() as folder, patch.object(paths, "RUNS", Path(folder)):
        roots = [None] if root is None else [None, [root]]
        numbers = [n for one in roots for n in evaluate_coloring(one, Run(Path(folder) / "results.json"))]
    return {number.key: number for number in numbers}


def check_claims(
    recorded: Mapping[str, Number], now: Mapping[str, Number], ids: Sequence[str] = ()
) -> list[CheckResult]:
    """Hold every number that claims rest on against its fresh value, and its weights against the released ones.

    A number differs where the fresh value, from :func:`recompute`, lies outside the recorded interval; a difference
    within it is printed, and ``colorstyle figures check`` is stricter. Without ids of claims all are checked. Returned
    is a check for each number that was computed again or is of other weights, in the order of the claims; for each
    claim that would now be judged otherwise; and for each command whose numbers were not computed again.
    """
    released, users, left = released_card()["sha256"], {}, {}
    before, after = judge_claims(recorded), judge_claims({**recorded, **now})
    for judgement in before:
        for number in judgement.numbers if not ids or judgement.claim.id in ids else ():
            users.setdefault(number, []).append(judgement.claim.id)
    checks = []
    for number, claims in users.items():
        name, fresh = f"{', '.join(claims)}: {number.key}", now.get(number.key)
        if number.method.endswith("released") and number.weights not in (None, released):
            problem = f"measured with weights {number.weights[:8]}, but {released[:8]} are released"
            checks.append(CheckResult(name, shown(number), (problem,)))
        elif fresh is None:
            left[number.command] = left.get(number.command, 0) + 1
        else:
            apart, share = abs(fresh.value - number.value), WITHIN * abs(number.value)
            low, high = number.interval or (number.value - share, number.value + share)
            allowed = "its interval" if number.interval else f"{WITHIN:.0%} of it"
            problems = () if low <= fresh.value <= high else (f"outside {allowed}",)
            said = f"{fresh.value:.6g} now, {shown(number)} recorded, {apart:.2g} apart"
            checks.append(CheckResult(name, said, problems))
    for one, other in zip(before, after, strict=True):
        if one.verdict != other.verdict:
            said = f"{one.verdict!r} as recorded"
            checks.append(CheckResult(one.claim.id, said, (f"{other.verdict!r} with the numbers of now",)))
    skipped = (CheckResult(command, f"{count} numbers", skipped=True) for command, count in left.items())
    return [*checks, *skipped]
