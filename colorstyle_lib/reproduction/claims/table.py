"""The claims table for people: as wide as their terminal, as Markdown, or for programs."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from colorstyle_lib.reproduction.claims.verdict import MISSING, Finding, Judgement
from colorstyle_lib.reproduction.results.store import Number

NARROWEST = 60  # columns below which a table is no longer one


def as_text(judgements: Sequence[Judgement], width: int = 100) -> str:
    """A table of claim, verdict and what decided it, no line wider than ``width``, but at least :data:`NARROWEST`."""
    table = Table(box=HORIZONTALS, show_edge=False, show_lines=True, pad_edge=False, expand=True)
    table.add_column()
    table.add_column("verdict", width=13)
    table.add_column("the paper's claim", ratio=2)
    table.add_column("decided by", ratio=3, overflow="fold")
    for one in judgements:
        decided = "\n".join(f"- {_said(f)}" for f in one.findings)
        if all(f.outcome == MISSING for f in one.findings):
            decided = f"no number yet; make it with: {one.claim.command}" if one.claim.command else one.why
        table.add_row(one.claim.id, one.verdict, one.claim.title, decided)
    return _printed(table, width)


def details(judgement: Judgement, width: int = 100) -> str:
    """Everything about one claim: the paper's words, the test, each condition and number with its address."""
    claim, table = judgement.claim, Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=11)
    table.add_column(overflow="fold")
    for name, said in (
        (claim.id, f"{judgement.verdict}: {claim.title}"),
        ("paper", f"{' … '.join(claim.quotes)} (section {claim.section})"),
        ("in English", claim.translation),
        ("test", claim.test),
        ("metric", claim.metric),
        ("why", judgement.why),
        *((f.outcome, _said(f, address=True)) for f in judgement.findings),
        *(("beside", _counted(n, address=True)) for n in judgement.beside),
        ("notebook", claim.cell.replace("#", ", cell ")),
        *(("make it", command) for command in _commands(judgement)),
    ):
        table.add_row(name, said)
    return _printed(table, width)


def as_markdown(judgements: Sequence[Judgement]) -> str:
    """The table as Markdown, one line a claim."""
    lines = [
        "| | the paper | our test, and its metric | numbers | verdict | where, and how to make it |",
        "|---|---|---|---|---|---|",
    ]
    for one in judgements:
        claim = one.claim
        commands = "; ".join(f"`{command}`" for command in _commands(one)) or "-"
        quotes = f"{' … '.join(claim.quotes)}<br>*{claim.translation}* (section {claim.section})"
        numbers, verdict = "<br>".join(map(_said, one.findings)), f"**{one.verdict}**: {one.why}"
        cells = (claim.id, quotes, f"{claim.test}<br>*{claim.metric}*", numbers, verdict, f"{claim.cell}; {commands}")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def as_facts(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """The judgements for programs: plain dictionaries, ready for JSON, which has no infinite bounds: None instead."""
    return [
        asdict(one, dict_factory=lambda pairs: {k: None if v in (-math.inf, math.inf) else v for k, v in pairs})
        for one in judgements
    ]


def opponent(number: Number) -> str:
    """The method that a number compares with, as its address says; empty where it stands alone."""
    found = re.fullmatch(r".*_(?:minus|over)_(.+)", number.metric)
    return found[1] if found else ""


def shown(number: Number) -> str:
    """Value and interval, with as many digits as the interval allows."""
    spread = number.interval[1] - number.interval[0] if number.interval else abs(number.value)
    digits = 2 if not spread else min(max(1 - math.floor(math.log10(spread)), 0), 5)
    return number.text(digits)


def _printed(table: Table, width: int) -> str:
    plain = dict.fromkeys(("markup", "highlight", "emoji", "force_jupyter"), False)  # a kernel would show it at once
    console = Console(file=StringIO(), width=max(width, NARROWEST), **plain)
    console.print(table)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def _said(finding: Finding, *, address: bool = False) -> str:
    """Condition and numbers in a line: with their addresses and the bounds, or with the outcome."""
    condition, why = finding.condition, finding.why
    numbers, longer = (
        "; ".join(_counted(number, address=address) for number in some) for some in (finding.numbers, finding.longer)
    )
    longer = f"; longer: {finding.heard}, {longer}" if longer else ""
    if not address:
        why = f" ({why})" if why else ""
        return f"{finding.outcome}: {condition.says}{why}{f': {numbers}' if numbers else ''}{longer}"
    ends = {"at least": condition.low, "at most": condition.high}
    finite = [f"{word} {end:g}" for word, end in ends.items() if not math.isinf(end)]
    bounds = finite[0] if len(finite) == 1 else f"{condition.low:g} to {condition.high:g}"
    why = f"; {why}" if why else ""
    return f"{condition.says}: wanted {bounds}{why}; {numbers or 'no number yet'}{longer}"


def _counted(number: Number, *, address: bool = False) -> str:
    """A number with the method it is compared with, how many pictures and how many trainings."""
    against = f" against {opponent(number)}" if opponent(number) else ""
    count = len(number.seeds) or int(number.weights is not None)
    trainings = f", {count} training{'s' * (count > 1)}" if count else ""
    return f"{f'{number.key} = ' if address else ''}{shown(number)}{against}, n = {number.n}{trainings}"


def _commands(judgement: Judgement) -> list[str]:
    """The commands that made the numbers at hand; the claim's own for those that are missing."""
    found = [number.command for number in judgement.numbers]
    if any(f.outcome == MISSING for f in judgement.findings) and judgement.claim.command:
        found += judgement.claim.command.split("; ")
    return list(dict.fromkeys(found))
