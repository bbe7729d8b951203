"""From numbers to verdicts: a pure function of ``figures/results.json``, so that no verdict is ever typed.

A condition is met if the value, both ends of its interval over pictures, and every single training's own value lie
within its bounds; it is missed if all of them lie beyond the same bound; else it is open.
Where a small ablation was made again with longer trainings, these are a second witness that can only take certainty
away: a condition that was met or missed is open if the longer trainings by themselves say the opposite. So does a
control, for a bound that even our own recipe may miss in the time that there was: a miss counts only if ours meets it.
A claim is a conjunction, so conditions need no correction for their number: all must be met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from colorstyle_lib.reproduction.ablations.budgets import LONG, SMALL
from colorstyle_lib.reproduction.claims.claims import CLAIMS
from colorstyle_lib.reproduction.claims.schema import Claim, Evidence
from colorstyle_lib.reproduction.results.store import Number

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
        longer: the same numbers of longer trainings, where there are any.
        heard: what these say: ``agrees``, ``contradicts``, or to a condition that is open their own outcome.
    """

    evidence: Evidence
    outcome: str
    numbers: tuple[Number, ...] = ()
    why: str = ""
    longer: tuple[Number, ...] = ()
    heard: str = ""


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
        found = [number for finding in self.findings for number in (*finding.numbers, *finding.longer)]
        return tuple(dict.fromkeys((*found, *self.beside)))


def judge_claims(numbers: Mapping[str, Number], claims: Sequence[Claim] = CLAIMS) -> list[Judgement]:
    """Every claim's verdict from what is known.

    Args:
        numbers: by address, as :func:`.read_results` gives them.
        claims: which.
    """
    return [judge_claim(claim, numbers) for claim in claims]


def judge_claim(claim: Claim, numbers: Mapping[str, Number]) -> Judgement:
    """One claim's verdict."""
    findings = tuple(_find(evidence, numbers) for evidence in claim.decides)
    decided = {number for finding in findings for number in (*finding.numbers, *finding.longer)}
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
    """What the condition's numbers say, and the longer trainings to that."""
    finding = _best(evidence, numbers)
    twins = tuple(key.replace(f"/{SMALL.method}", f"/{LONG.method}") for key in evidence.keys)
    if twins == evidence.keys or finding.outcome == MISSING:
        return finding
    control = evidence.control.replace(f"/{SMALL.method}", f"/{LONG.method}")
    longer = _best(replace(evidence, keys=twins, control=control, seeds=min(evidence.seeds, LONG.seeds)), numbers)
    if longer.outcome == MISSING:
        return finding
    if {finding.outcome, longer.outcome} == {MET, MISSED}:
        finding, heard = replace(finding, outcome=OPEN, why="a longer training contradicts"), "contradicts"
    else:
        heard = "agrees" if finding.outcome == longer.outcome != OPEN else longer.outcome
    return replace(finding, longer=longer.numbers, heard=heard)


def _best(evidence: Evidence, numbers: Mapping[str, Number]) -> Finding:
    """The best of the addresses, each of them as good as the worst of its numbers."""
    return max((_find_at(key, evidence, numbers) for key in evidence.keys), key=lambda f: _RANK[f.outcome])


def _find_at(key: str, evidence: Evidence, numbers: Mapping[str, Number]) -> Finding:
    found = matching(key, numbers)
    if not found:
        return Finding(evidence, MISSING)
    judged = [_judge(number, evidence) for number in found]
    outcome, why = min(judged, key=lambda one: _RANK[one[0]])
    if outcome == MISSED and evidence.control:
        own = numbers.get(evidence.control)
        if own is None or _judge(own, evidence)[0] != MET:
            outcome, why = OPEN, f"missed, but {_by_ours(own)}"
    return Finding(evidence, outcome, tuple(found), why)


def _by_ours(own: Number | None) -> str:
    return f"our own recipe has {own.text()}" if own else "our own recipe was not measured"


def _judge(number: Number, evidence: Evidence) -> tuple[str, str]:
    """Outcome of one number, and what keeps it open."""
    if evidence.sampled and number.interval is None:
        return OPEN, "it has no interval"
    if len(number.seeds) < evidence.seeds:
        return OPEN, f"{len(number.seeds)} of {evidence.seeds} trainings"
    over_pictures = [number.value, *(number.interval or ())]
    outcome = _within([*over_pictures, *number.by_seed], evidence)
    if outcome != OPEN:
        return outcome, ""
    return OPEN, "the interval holds both answers" if _within(over_pictures, evidence) == OPEN else "trainings disagree"


def _within(ends: Sequence[float], evidence: Evidence) -> str:
    """Met if all lie within the bounds, missed if all lie beyond the same one, else open."""
    low, high = evidence.low, evidence.high
    if all(low <= end <= high for end in ends):
        return MET
    return MISSED if all(end < low for end in ends) or all(end > high for end in ends) else OPEN
