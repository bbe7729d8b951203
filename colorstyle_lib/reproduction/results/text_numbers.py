"""Numbers in texts that say where they come from, so that a text cannot drift from ``figures/results.json``.

A marked number has an HTML comment right behind it, which readers do not see:

    28.7 dB<!-- = scenes/released/psnr_ab -->
    61 %<!-- = 100 - 100 * KEY -->, [27.3<!-- = low of KEY -->, 28.0<!-- = high of KEY -->], n = 442<!-- = n of KEY -->

It has to be the recorded one, rounded to as many digits as it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from colorstyle_lib.errors import nearest
from colorstyle_lib.reproduction.results.store import Number

_MARK = re.compile(r"<!-- = (?P<rule>[^>]*?) -->")
_SHOWN = re.compile(r"(?P<shown>[-−]?\d[\d,]*(?:\.\d+)?)(?: ?(?:%|dB|px|MiB))?\**$")
_RULE = re.compile(r"(?P<rest>100 - )?(?P<percent>100 \* )?(?:(?P<part>low|high|n) of )?(?P<key>\S.*)")


def drifted_numbers(text: str, numbers: Mapping[str, Number]) -> tuple[int, list[str]]:
    """Hold a text's marked numbers against the recorded ones.

    Args:
        text: Markdown, or a notebook's file.
        numbers: from :func:`.read_results`.

    Returns:
        How many marks there are, and a line for each whose number is not the recorded one.
    """
    problems, marks = [], list(_MARK.finditer(text))
    for mark in marks:
        before = text[text.rfind("\n", 0, mark.start()) + 1 : mark.start()]
        shown = _SHOWN.search(before)
        if shown is None:
            problems.append(f"no number stands before the mark {mark['rule']!r}")
            continue
        problem = _problem(shown["shown"], mark["rule"], numbers)
        if problem:
            problems.append(problem)
    return len(marks), problems


def _problem(shown: str, rule: str, numbers: Mapping[str, Number]) -> str:
    parts = _RULE.fullmatch(rule)
    if parts is None or parts["key"] not in numbers:
        key = parts["key"] if parts else rule
        return f"{shown}: results.json has no number {key!r}{nearest(key, numbers) if numbers else ''}"
    number = numbers[parts["key"]]
    if parts["part"] in ("low", "high") and number.interval is None:
        return f"{shown}: {number.key} has no interval"
    low, high = number.interval or (0.0, 0.0)
    value = {"low": low, "high": high, "n": number.n}.get(parts["part"] or "", number.value)
    value = value * 100 if parts["percent"] else value
    value = 100 - value if parts["rest"] else value
    said = Decimal(shown.replace(",", "").replace("−", "-"))
    # A text was written by formatting the number, or typed from the number as it is printed: on a tie these may differ.
    wanted = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(said.as_tuple().exponent), ROUND_HALF_EVEN)
    formatted = Decimal(f"{value:.{max(0, -said.as_tuple().exponent)}f}")
    return "" if said in (wanted, formatted) else f"{shown}: {rule} is {wanted}"
