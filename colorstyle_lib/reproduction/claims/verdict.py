"""Claims as data, read from ``claims.toml``, and their verdicts: a pure function of ``figures/results.json``.

A condition is met if the value, both ends of its interval over pictures, and every single training's own value lie
within its bounds; it is missed if all of them lie beyond the same bound; else it is open.
Where a small ablation was repeated with longer trainings, these can only weaken the outcome: a condition that was met
or missed is open if the longer trainings by themselves say the opposite. So does a control, for a bound that even our
own recipe may miss in the time that there was: a miss counts only if our recipe meets the bound.
A claim is a conjunction, so conditions need no correction for their number: all must be met.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path

from colorstyle_lib.reproduction.ablations.configs import LONG, SMALL
from colorstyle_lib.reproduction.results.store import SPREAD, Number

MISSING, MISSED, OPEN, MET = _OUTCOMES = ("missing", "missed", "open", "met")  # from the worst to the best

SUPPORTED = "supported"
NOT_SUPPORTED = "not supported"
CANNOT_TELL = "cannot tell"
NOT_YET = "not yet tested"
NOT_HERE = "cannot be tested here"


@dataclass(frozen=True)
class Condition:
    """Bounds for numbers."""

    says: str  # what it asks, in words
    keys: Sequence[
        str
    ]  # addresses, ``*`` standing for anything: all that one finds must hold, one of several is enough
    low: float = -inf  # least value
    high: float = inf  # largest value
    seeds: int = 0  # trainings that have to stand behind the number
    sampled: bool = True  # whether the number must have an interval; a size in memory has none
    # Address of our own recipe's number, which must meet the bounds before a miss counts: could they be met in time?
    control: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim of the paper and its test."""

    id: str  # C1 to C12
    title: str  # the claim in a line
    quotes: Sequence[str]  # the paper's own words
    translation: str  # ours, of these words
    section: str  # where they stand
    test: str  # what is done to decide
    metric: str  # what is measured
    decides: Sequence[Condition]  # the conditions; all must hold
    cell: str  # notebook, and the cell in it, where this is taught or shown
    beside: Sequence[str] = ()  # addresses of numbers that a reader should see too, and that decide nothing
    command: str = ""  # makes the numbers; empty where they cannot be made here
    beyond: str = ""  # why missing numbers cannot be made here; empty where they can


CLAIMS = [
    Claim(**row | {"decides": [Condition(**one) for one in row["decides"]]})
    for row in tomllib.loads(Path(__file__).with_name("claims.toml").read_text(encoding="utf-8"))["claims"]
]


@dataclass(frozen=True)
class Finding:
    """A condition with the numbers that it was held against."""

    condition: Condition  # the condition
    outcome: str  # ``met``, ``open``, ``missed`` or ``missing``
    numbers: tuple[Number, ...] = ()  # what was found; none where it is missing
    why: str = ""  # what keeps it open; empty otherwise
    longer: tuple[Number, ...] = ()  # the same numbers of longer trainings, where there are any
    heard: str = ""  # what these say: ``agrees``, ``contradicts``, or to a condition that is open their own outcome


@dataclass(frozen=True)
class Judgement:
    """A claim with its verdict."""

    claim: Claim  # the claim
    verdict: str  # one of the five
    why: str  # what decided, in a line
    findings: tuple[Finding, ...]  # each condition's
    beside: tuple[Number, ...]  # numbers that decide nothing

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All numbers of this claim, those that decide first, none twice."""
        found = [number for finding in self.findings for number in (*finding.numbers, *finding.longer)]
        return tuple(dict.fromkeys((*found, *self.beside)))


def judge_claims(numbers: Mapping[str, Number], claims: Sequence[Claim] = CLAIMS) -> list[Judgement]:
    """Judge claims by recorded numbers, given by address as :func:`.read_results` returns them."""
    judgements = []
    for claim in claims:
        findings = tuple(_find(condition, numbers) for condition in claim.decides)
        decided = [number for finding in findings for number in (*finding.numbers, *finding.longer)]
        beside = dict.fromkeys(n for key in claim.beside for n in matching(key, numbers) if n not in decided)
        judgements.append(Judgement(claim, *_decide(claim, findings), findings, tuple(beside)))
    return judgements


def matching(key: str, numbers: Mapping[str, Number]) -> list[Number]:
    """Numbers at addresses like this one, ``*`` standing for anything; spreads over trainings only if asked for."""
    found = [number for address, number in numbers.items() if fnmatchcase(address, key)]
    return found if key.endswith(SPREAD) else [n for n in found if not n.metric.endswith(SPREAD)]


def _decide(claim: Claim, findings: Sequence[Finding]) -> tuple[str, str]:
    """Verdict and reason."""
    told = [(f.outcome, f.condition.says + (f" ({f.why})" if f.why else "")) for f in findings]
    said = {outcome: "; ".join(words for one, words in told if one == outcome) for outcome in _OUTCOMES}
    weights = {n.weights for f in findings for n in f.numbers if n.method == "released"}
    if said[MISSED]:
        return NOT_SUPPORTED, f"missed: {said[MISSED]}"
    if said[MISSING] and claim.beyond:
        return NOT_HERE, claim.beyond
    if said[MISSING]:
        return NOT_YET, f"no number yet for: {said[MISSING]}; make it with: {claim.command}"
    if len(weights) > 1:
        return CANNOT_TELL, f"its numbers are of {len(weights)} different files of weights"
    if said[OPEN]:
        return CANNOT_TELL, f"open: {said[OPEN]}"
    return SUPPORTED, "every condition is met" if len(findings) > 1 else "its condition is met"


def _find(condition: Condition, numbers: Mapping[str, Number]) -> Finding:
    """The finding by the condition's numbers, weakened where longer trainings say the opposite."""
    *keys, control = (
        key.replace(f"/{SMALL.method}", f"/{LONG.method}") for key in (*condition.keys, condition.control)
    )
    asked = replace(condition, keys=keys, control=control, seeds=min(condition.seeds, LONG.seeds))
    finding, longer = _best(condition, numbers), _best(asked, numbers)
    if keys == list(condition.keys) or MISSING in (finding.outcome, longer.outcome):
        return finding
    heard = "agrees" if finding.outcome == longer.outcome != OPEN else longer.outcome
    if {finding.outcome, longer.outcome} == {MET, MISSED}:
        finding, heard = replace(finding, outcome=OPEN, why="a longer training contradicts"), "contradicts"
    return replace(finding, longer=longer.numbers, heard=heard)


def _best(condition: Condition, numbers: Mapping[str, Number]) -> Finding:
    """The best of the addresses, each of them as good as the worst of its numbers."""
    findings = []
    for found in (matching(key, numbers) for key in condition.keys):
        judged = [_judge(number, condition) for number in found] or [(MISSING, "")]
        outcome, why = min(judged, key=lambda one: _OUTCOMES.index(one[0]))
        if outcome == MISSED and condition.control:
            own = numbers.get(condition.control)
            if own is None:
                outcome, why = OPEN, "missed, but our own recipe was not measured"
            elif _judge(own, condition)[0] != MET:
                outcome, why = OPEN, f"missed, but our own recipe has {own.text()}"
        findings.append(Finding(condition, outcome, tuple(found), why))
    return max(findings, key=lambda one: _OUTCOMES.index(one.outcome))


def _judge(number: Number, condition: Condition) -> tuple[str, str]:
    """The outcome of one number, and what keeps it open."""
    if condition.sampled and number.interval is None:
        return OPEN, "it has no interval"
    if len(number.seeds) < condition.seeds:
        return OPEN, f"{len(number.seeds)} of {condition.seeds} trainings"
    over_pictures = [number.value, *(number.interval or ())]
    if _within(over_pictures, condition) == OPEN:
        return OPEN, "the interval holds both answers"
    outcome = _within([*over_pictures, *number.by_seed], condition)
    return outcome, "trainings disagree" if outcome == OPEN else ""


def _within(values: Sequence[float], condition: Condition) -> str:
    """Met if all lie within the bounds, missed if all lie beyond the same one, else open."""
    least, most = min(values), max(values)
    if condition.low <= least and most <= condition.high:
        return MET
    return MISSED if most < condition.low or least > condition.high else OPEN
