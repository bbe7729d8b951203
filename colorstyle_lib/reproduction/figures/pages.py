"""The generated parts of the repository's pages, each between two marker lines.

A page holds ``<!-- generated: NAME -->``, the part of that name in :func:`parts`, and ``<!-- end -->``. The tables of
numbers are rows of data in ``tables.toml`` beside this file; their values come from ``figures/results.json``.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from colorstyle_lib import paths
from colorstyle_lib.course import deviations
from colorstyle_lib.errors import DataError, check_known, nearest
from colorstyle_lib.files import atomic_write
from colorstyle_lib.reproduction.claims import table, verdict
from colorstyle_lib.reproduction.results.store import CheckResult, Number, read_results

PAGES = (paths.ROOT / "README.md", paths.FIGURES / "RESULTS.md", paths.NOTEBOOKS / "DEVIATIONS.md")

_TABLES = tomllib.loads(Path(__file__).with_name("tables.toml").read_text(encoding="utf-8"))
_PART = re.compile(r"^<!-- generated: (?P<name>.+?) -->\n(?P<content>.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\{(?P<rest>100 - )?(?P<percent>100 \* )?(?P<key>[^{}]+):(?P<digits>\d)\}")


def table_of_numbers(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Mapping[str, Number]) -> str:
    """A Markdown table, and below it how many pictures its numbers are of and the commands that measured them.

    In a cell ``{KEY:DIGITS}`` stands for the number at an address, with its interval. DataError: there is no such one.
    """
    used: dict[str, Number] = {}

    def shown(match: re.Match[str]) -> str:
        key = match["key"]
        if key not in numbers:
            raise DataError(f"results.json has no number {key!r}{nearest(key, numbers)}")
        number = used[key] = numbers[key]
        values = [(100 if match["percent"] else 1) * value for value in (number.value, *(number.interval or ()))]
        value, *ends = [100 - value for value in values] if match["rest"] else values
        # Adding 0.0 makes a zero of a negative zero.
        texts = [f"{round(x, int(match['digits'])) + 0.0:.{match['digits']}f}" for x in (value, *sorted(ends))]
        return (texts[0] + (f" [{texts[1]}, {texts[2]}]" if ends else "")).replace("-", "−")

    lines = [[_NUMBER.sub(shown, cell) for cell in row] for row in (head, ["---"] * len(head), *rows)]
    counts = " or ".join(map(str, sorted({number.n for number in used.values()})))
    commands = ", ".join(f"`{command}`" for command in dict.fromkeys(number.command for number in used.values()))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n*n = {counts}; measured by {commands}*"


def parts(numbers: Mapping[str, Number]) -> dict[str, str]:
    """Every generated part by its name. DataError: ``numbers`` lacks one that a table shows."""
    judgements = verdict.judge_claims(numbers)
    verdicts = [f"| {one.claim.id} | {one.claim.title.rstrip('.')} | {one.verdict} |" for one in judgements]
    return {
        **{name: table_of_numbers(made["head"], made["rows"], numbers) for name, made in _TABLES.items()},
        "claims": table.as_markdown(judgements),
        "verdicts": "\n".join(["| | claim of the paper | verdict |", "|---|---|---|", *verdicts]),
        "deviations": deviations.as_markdown(),
    }


def generate(text: str, made: Mapping[str, str]) -> str:
    """A page's text with its generated parts renewed by those of :func:`parts`. ConfigError: a marker names no part."""

    def renew(match: re.Match[str]) -> str:
        check_known("part of a page", match["name"], made)
        return f"<!-- generated: {match['name']} -->\n{made[match['name']]}\n<!-- end -->"

    return _PART.sub(renew, text)


def write_pages(pages: Sequence[Path] = PAGES) -> None:
    """Renew the generated parts of pages in place, and print which have changed."""
    made = parts(read_results())
    for page in pages:
        old = page.read_text(encoding="utf-8")
        new = generate(old, made)
        if new != old:
            with atomic_write(page, "w", DataError) as file:
                file.write(new)
        print(f"{_name(page)}: {'renewed' if new != old else 'unchanged'}")


def check_pages(pages: Sequence[Path] = PAGES) -> list[CheckResult]:
    """Compare the generated parts of pages with what this code and ``figures/results.json`` give."""
    made, checks = parts(read_results()), []
    for page in pages:
        found = list(_PART.finditer(page.read_text(encoding="utf-8")))
        drifted = [match["name"] for match in found if match["content"] != made.get(match["name"], "") + "\n"]
        problems = tuple(f"{name!r} is not what results.json gives: colorstyle figures pages" for name in drifted)
        checks.append(CheckResult(_name(page), f"{len(found)} generated parts", problems))
    return checks


def _name(page: Path) -> str:
    return page.relative_to(paths.ROOT).as_posix() if page.is_relative_to(paths.ROOT) else page.name
