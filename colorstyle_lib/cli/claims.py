"""The command `colorstyle claims`. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_claims_command(commands: Any) -> None:
    """Add ``claims`` to a command line, given what ``ArgumentParser.add_subparsers`` returned."""
    claims = commands.add_parser("claims", help="the paper's claims, each with its numbers and a verdict")
    claims.add_argument("ids", metavar="ID", nargs="*", help="C1 to C12: everything about these; default: the table")
    form = claims.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="the table as Markdown")
    form.add_argument("--json", action="store_true", help="everything, for programs")
    form.add_argument("--check", action="store_true", help="compute again what this machine can; exit 1 on a drift")
    claims.add_argument("--results", type=Path, metavar="FILE", help="default: figures/results.json")
    claims.add_argument("--data", default="", help="with --check: a data root, to compute its numbers again too")
    claims.set_defaults(command=_claims)


def _claims(arguments: argparse.Namespace) -> int:
    import json
    import shutil

    from colorstyle_lib.errors import ConfigError, DataError, check_known
    from colorstyle_lib.reproduction.claims import table
    from colorstyle_lib.reproduction.claims.schema import CLAIMS
    from colorstyle_lib.reproduction.claims.verdict import judge_claims
    from colorstyle_lib.reproduction.results.store import RESULTS, read_results

    wanted = [name.upper() for name in arguments.ids]
    for name in wanted:
        check_known("claim", name, [claim.id for claim in CLAIMS])
    if arguments.data and not arguments.check:
        raise ConfigError("--data is for --check; the table itself needs none")
    file = arguments.results or RESULTS
    if arguments.results and not file.is_file():
        raise DataError(f"there is no file {str(file)!r}; leave --results out for figures/results.json")
    recorded = read_results(file)
    if arguments.check:
        return _check(recorded, arguments.data, set(wanted))
    judgements = judge_claims(recorded, [c for c in CLAIMS if not wanted or c.id in wanted])
    width = shutil.get_terminal_size((100, 24)).columns
    if arguments.json:
        print(json.dumps(table.as_facts(judgements), indent=1, ensure_ascii=False))
    elif arguments.markdown:
        print(table.as_markdown(judgements))
    elif wanted:
        print("\n\n".join(table.details(one, width) for one in judgements))
    else:
        print(table.as_text(judgements, width))
        print("\nOne claim in full: colorstyle claims C4. The numbers again: colorstyle claims --check.")
    return 0


def _check(recorded: Any, data: str, wanted: set[str]) -> int:
    from colorstyle_lib.paths import data_root
    from colorstyle_lib.reproduction.claims import recheck
    from colorstyle_lib.reproduction.claims.verdict import judge_claims

    now = recheck.recompute(data_root(data) if data else None)  # COLORSTYLE_DATA alone does not start minutes of work
    every = recheck.check_claims(recorded, now)
    checks = [c for c in every if not wanted or wanted & set(c.claims)]
    changed = recheck.changed_verdicts(recorded, now)
    for line in (*(check.line for check in checks), *changed):
        print(line)
    drifted = sum(bool(check.problem) for check in checks)
    print(f"{len(checks)} numbers checked, {drifted} drifted, {len(changed)} verdicts changed")
    for command, keys in recheck.left_unchecked(judge_claims(recorded), every).items():
        print(f"not computed again: {len(keys)} numbers of: {command}")
    return 1 if drifted or changed else 0
