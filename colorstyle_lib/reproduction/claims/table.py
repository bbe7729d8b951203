"""The claims table for people: as wide as their terminal, as Markdown, or for programs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

from colorstyle_lib.reproduction.claims.schema import Evidence
from colorstyle_lib.reproduction.claims.verdict import MISSING, Finding, Judgement
from colorstyle_lib.reproduction.results.store import Number

NARROWEST = 60
"""Columns below which a table is no longer one."""


def as_text(judgements: Sequence[Judgement], width: int = 100) -> str:
    """A table of claim, verdict and what decided it, no line wider than ``width``.

    Args:
        judgements: from :func:`.judge_claims`.
        width: columns of the terminal; at least :data:`NARROWEST` are used.
    """
    room = max(width, NARROWEST) - 4 - 2 * 3
    verdict = 13
    title = (room - verdict) * 2 // 5
    widths = (4, verdict, title, room - verdict - title)
    lines = _row(("", "verdict", "the paper's claim", "decided by"), widths)
    for one in judgements:
        lines.append("-" * max(width, NARROWEST))
        decided = "\n".join(_finding_line(f) for f in one.findings)
        if all(f.outcome == MISSING for f in one.findings):
            decided = f"no number yet; make it with: {one.claim.command}" if one.claim.command else one.why
        lines += _row((one.claim.id, one.verdict, one.claim.title, decided), widths)
    return "\n".join(line.rstrip() for line in lines)


def details(judgement: Judgement, width: int = 100) -> str:
    """Everything about one claim: the paper's words, the test, each condition and number with its address.

    Args:
        judgement: of the claim.
        width: columns of the terminal.
    """
    claim = judgement.claim
    parts = [
        (claim.id, f"{judgement.verdict}: {claim.title}"),
        ("paper", f"{' … '.join(claim.quotes)} (section {claim.section})"),
        ("in English", claim.translation),
        ("test", claim.test),
        ("metric", claim.metric),
        ("why", judgement.why),
        *((f.outcome, f"{f.evidence.says}: wanted {_bounds(f.evidence)}{_at(f)}") for f in judgement.findings),
        *(("beside", _with_crowd(f"{number.key} = {shown(number)}", number)) for number in judgement.beside),
        ("notebook", claim.cell.replace("#", ", cell ")),
        *(("make it", command) for command in _commands(judgement)),
    ]
    return "\n".join(line for name, said in parts for line in _row((name, said), (11, max(width, NARROWEST) - 13)))


def as_markdown(judgements: Sequence[Judgement]) -> str:
    """The table as Markdown, one line a claim, as the README and the notebooks show it."""
    lines = [
        "| | the paper | our test, and its metric | numbers | verdict | where, and how to make it |",
        "|---|---|---|---|---|---|",
    ]
    for one in judgements:
        claim = one.claim
        numbers = "<br>".join(_finding_line(f) for f in one.findings)
        commands = "; ".join(f"`{command}`" for command in _commands(one)) or "-"
        cells = (
            claim.id,
            f"{' … '.join(claim.quotes)}<br>*{claim.translation}* (section {claim.section})",
            f"{claim.test}<br>*{claim.metric}*",
            numbers,
            f"**{one.verdict}**: {one.why}",
            f"{claim.cell}; {commands}",
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def as_facts(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """The table for programs: plain dictionaries, ready for JSON."""
    return [
        {
            "id": one.claim.id,
            "claim": one.claim.title,
            "quotes": list(one.claim.quotes),
            "translation": one.claim.translation,
            "section": one.claim.section,
            "test": one.claim.test,
            "metric": one.claim.metric,
            "verdict": one.verdict,
            "why": one.why,
            "conditions": [
                {
                    "says": f.evidence.says,
                    "outcome": f.outcome,
                    "low": None if math.isinf(f.evidence.low) else f.evidence.low,
                    "high": None if math.isinf(f.evidence.high) else f.evidence.high,
                    "numbers": [_facts(number) for number in f.numbers],
                    "longer": [_facts(number) for number in f.longer],
                    "heard": f.heard,
                }
                for f in one.findings
            ],
            "beside": [_facts(number) for number in one.beside],
            "cell": one.claim.cell,
            "commands": _commands(one),
        }
        for one in judgements
    ]


def opponent(number: Number) -> str:
    """Whom a number compares with, as its address says; empty where it stands alone."""
    for between in ("_minus_", "_over_"):
        _, found, other = number.metric.rpartition(between)
        if found:
            return other
    return ""


def shown(number: Number) -> str:
    """Value and interval, with as many digits as the interval allows."""
    spread = number.interval[1] - number.interval[0] if number.interval else abs(number.value)
    digits = 2 if not spread else min(max(1 - math.floor(math.log10(spread)), 0), 5)
    return number.text(digits)


def _finding_line(finding: Finding) -> str:
    found = "; ".join(_with_crowd(shown(n), n) for n in finding.numbers)
    why = f" ({finding.why})" if finding.why else ""
    longer = "; ".join(_with_crowd(shown(n), n) for n in finding.longer)
    heard = f"; longer: {finding.heard}, {longer}" if longer else ""
    return f"{finding.outcome}: {finding.evidence.says}{why}{': ' if found else ''}{found}{heard}"


def _with_crowd(value: str, number: Number) -> str:
    """A number with whom it is compared with, how many pictures and how many trainings."""
    against = f" against {opponent(number)}" if opponent(number) else ""
    count = len(number.seeds) or int(number.weights is not None)
    trainings = f", {count} training{'s' * (count > 1)}" if count else ""
    return f"{value}{against}, n = {number.n}{trainings}"


def _at(finding: Finding) -> str:
    def told(numbers: Sequence[Number]) -> str:
        return "; ".join(_with_crowd(f"{n.key} = {shown(n)}", n) for n in numbers)

    longer = f"; longer: {finding.heard}, {told(finding.longer)}" if finding.longer else ""
    why = f"; {finding.why}" if finding.why else ""
    return f"{why}; {told(finding.numbers)}{longer}" if finding.numbers else "; no number yet"


def _bounds(evidence: Evidence) -> str:
    if math.isinf(evidence.high):
        return f"at least {evidence.low:g}"
    return f"at most {evidence.high:g}" if math.isinf(evidence.low) else f"{evidence.low:g} to {evidence.high:g}"


def _commands(judgement: Judgement) -> list[str]:
    """The commands that made the numbers at hand; the claim's own for those that are missing."""
    found = [number.command for number in judgement.numbers]
    if any(f.outcome == MISSING for f in judgement.findings) and judgement.claim.command:
        found += judgement.claim.command.split("; ")
    return list(dict.fromkeys(found))


def _facts(number: Number) -> dict[str, Any]:
    return {
        "key": number.key,
        "value": number.value,
        "interval": number.interval,
        "n": number.n,
        "seeds": number.seeds,
        "opponent": opponent(number),
        "weights": number.weights,
        "command": number.command,
    }


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Cells side by side, each wrapped to its width."""
    columns = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, columns))
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    lines = []
    for i in range(height):
        line = [cell[i] + " " * (width - _wide(cell[i])) for cell, width in zip(padded, widths, strict=True)]
        lines.append("  ".join(line).rstrip())
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines no wider than ``width``; a Chinese sign takes two columns, and a line may break after any of them."""
    lines = []
    for paragraph in text.split("\n"):
        if all(_wide(sign) == 1 for sign in paragraph):
            lines += textwrap.wrap(paragraph, width, subsequent_indent="  ") or [""]
            continue
        line = ""
        for sign in paragraph:
            if _wide(line + sign) > width:
                lines.append(line.rstrip())
                line = ""
            line += sign
        lines.append(line)
    return lines


def _wide(text: str) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
