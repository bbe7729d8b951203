"""From numbers to verdicts: a pure function of ``figures/results.json``, so that no verdict is ever typed.

A condition is met if the value, both ends of its interval over pictures, and every single training's own value lie
within its bounds; it is missed if all of them lie beyond the same bound; else it is open.
A claim is a conjunction, so conditions need no correction for their number: all must be met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from colorstyle_lib.claims import CLAIMS, Claim, Evidence
from colorstyle_lib.results import Number

MET, OPEN, MISSED, MISSING = "met", "open", "missed", "missing"

SUPPORTED = "supported"
NOT_SUPPORTED = "not supported"
CANNOT_TELL = "cannot tell"
NOT_YET = "not yet tested"
NOT_HERE = "cannot be tested here"


@dataclass(frozen=True)
class Finding:
    """A condition with the numbers that it was held against.

    Attributes:
        evidence: the condition.
        outcome: ``met``, ``open``, ``missed`` or ``missing``.
        numbers: what was found; none where it is missing.
        why: what keeps it open; empty otherwise.
    """

    evidence: Evidence
    outcome: str
    numbers: tuple[Number, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Judgement:
    """A claim with its verdict.

    Attributes:
        claim: the claim.
        verdict: one of the five.
        why: what decided, in a line.
        findings: each condition's.
        beside: numbers that decide nothing.
    """

    claim: Claim
    verdict: str
    why: str
    findings: tuple[Finding, ...]
    beside: tuple[Number, ...]

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All numbers of this claim, those that decide first, none twice."""
        found = [number for finding in self.findings for number in finding.numbers]
        return tuple(dict.fromkeys((*found, *self.beside)))


def judge_claims(numbers: Mapping[str, Number], claims: Sequence[Claim] = CLAIMS) -> list[Judgement]:
    """Every claim's verdict from what is known.

    Args:
        numbers: by address, as :func:`colorstyle_lib.results.read_results` gives them.
        claims: which.
    """
    return [judge_claim(claim, numbers) for claim in claims]


def judge_claim(claim: Claim, numbers: Mapping[str, Number]) -> Judgement:
    """One claim's verdict."""
    findings = tuple(_find(evidence, numbers) for evidence in claim.decides)
    decided = {number for finding in findings for number in finding.numbers}
    beside = [number for key in claim.beside for number in matching(key, numbers) if number not in decided]
    verdict, why = _decide(claim, findings)
    return Judgement(claim, verdict, why, findings, tuple(dict.fromkeys(beside)))


def _decide(claim: Claim, findings: Sequence[Finding]) -> tuple[str, str]:
    def saying(outcome: str) -> str:
        some = [f for f in findings if f.outcome == outcome]
        return "; ".join(f"{f.evidence.says} ({f.why})" if f.why else f.evidence.says for f in some)

    outcomes = {finding.outcome for finding in findings}
    if MISSED in outcomes:
        return NOT_SUPPORTED, f"missed: {saying(MISSED)}"
    if MISSING in outcomes:
        if claim.beyond:
            return NOT_HERE, claim.beyond
        if not claim.command:
            return NOT_YET, "the model has no call for this yet"
        return NOT_YET, f"no number yet for: {saying(MISSING)}; make it with: {claim.command}"
    weights = {n.weights for f in findings for n in f.numbers if n.method == "released"}
    if len(weights) > 1:
        return CANNOT_TELL, f"its numbers are of {len(weights)} different files of weights"
    if OPEN in outcomes:
        return CANNOT_TELL, f"open: {saying(OPEN)}"
    return SUPPORTED, "every condition is met" if len(findings) > 1 else "its condition is met"


def matching(key: str, numbers: Mapping[str, Number]) -> list[Number]:
    """Numbers at addresses like this one, spreads over trainings left out unless asked for."""
    found = [number for address, number in numbers.items() if fnmatchcase(address, key)]
    return found if key.endswith(_SPREAD) else [n for n in found if not n.metric.endswith(_SPREAD)]


_SPREAD = "_seed_sd"
_RANK = {MISSING: 0, MISSED: 1, OPEN: 2, MET: 3}


def _find(evidence: Evidence, numbers: Mapping[str, Number]) -> Finding:
    """The best of the addresses, each of them as good as the worst of its numbers."""
    return max((_find_at(key, evidence, numbers) for key in evidence.keys), key=lambda f: _RANK[f.outcome])


def _find_at(key: str, evidence: Evidence, numbers: Mapping[str, Number]) -> Finding:
    found = matching(key, numbers)
    if not found:
        return Finding(evidence, MISSING)
    judged = [_judge(number, evidence) for number in found]
    outcome, why = min(judged, key=lambda one: _RANK[one[0]])
    return Finding(evidence, outcome, tuple(found), why)


def _judge(number: Number, evidence: Evidence) -> tuple[str, str]:
    """Outcome of one number, and what keeps it open."""
    low, high, value = evidence.low, evidence.high, number.value
    if evidence.sampled and number.interval is None:
        return OPEN, "it has no interval"
    if len(number.seeds) < evidence.seeds:
        return OPEN, f"{len(number.seeds)} of {evidence.seeds} trainings"
    over_pictures = [value, *(number.interval or ())]
    ends = over_pictures + by_training(number)
    if all(low <= end <= high for end in ends):
        return MET, ""
    if all(end < low for end in ends) or all(end > high for end in ends):
        return MISSED, ""
    same = all(low <= end <= high for end in over_pictures)
    return OPEN, "trainings disagree" if same else "the interval holds both answers"


def by_training(number: Number) -> list[float]:
    """Each training's own value, where the number's note tells them: ``by seed +0.1, -0.2``."""
    told = re.search(r"by seed ([^;]+)", number.note)
    return [float(value) for value in told[1].split(",")] if told else []
