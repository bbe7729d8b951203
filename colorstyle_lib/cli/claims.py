"""The command `colorstyle claims`. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_claims_command(commands: Any) -> None:
    """Add ``claims`` to a command line.

    Args:
        commands: what ``ArgumentParser.add_subparsers`` returned.
    """
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

    from colorstyle_lib.errors import ConfigError, check_known
    from colorstyle_lib.reproduction.claims.claims import CLAIMS
    from colorstyle_lib.reproduction.claims.table import as_facts, as_markdown, as_text, details
    from colorstyle_lib.reproduction.claims.verdict import judge_claims

    wanted = [name.upper() for name in arguments.ids]
    for name in wanted:
        check_known("claim", name, [claim.id for claim in CLAIMS])
    if arguments.data and not arguments.check:
        raise ConfigError("--data is for --check; the table itself needs none")
    if arguments.check:
        return _check(arguments, wanted)
    judgements = judge_claims(_recorded(arguments.results), [c for c in CLAIMS if not wanted or c.id in wanted])
    width = shutil.get_terminal_size((100, 24)).columns
    if arguments.json:
        print(json.dumps(as_facts(judgements), indent=1, ensure_ascii=False))
    elif arguments.markdown:
        print(as_markdown(judgements))
    elif wanted:
        print("\n\n".join(details(one, width) for one in judgements))
    else:
        print(as_text(judgements, width))
        print("\nOne claim in full: colorstyle claims C4. The numbers again: colorstyle claims --check.")
    return 0


def _recorded(file: Path | None) -> Any:
    from colorstyle_lib.errors import DataError
    from colorstyle_lib.reproduction.results.store import RESULTS, read_results

    if file is not None and not file.is_file():
        raise DataError(f"there is no file {str(file)!r}; leave --results out for figures/results.json")
    return read_results(file or RESULTS)


def _check(arguments: argparse.Namespace, wanted: list[str]) -> int:
    from colorstyle_lib.paths import data_root
    from colorstyle_lib.reproduction.claims.recheck import changed_verdicts, check_claims, left_unchecked, recompute
    from colorstyle_lib.reproduction.claims.verdict import judge_claims

    recorded = _recorded(arguments.results)
    # A variable alone does not start minutes of work: a root is asked for.
    now = recompute(data_root(arguments.data) if arguments.data else None)
    every = check_claims(recorded, now)
    checks = [c for c in every if not wanted or set(wanted) & set(c.claims)]
    for check in checks:
        print(check.line)
    changed = changed_verdicts(recorded, now)
    for line in changed:
        print(line)
    drifted = sum(bool(check.problem) for check in checks)
    print(f"{len(checks)} numbers checked, {drifted} drifted, {len(changed)} verdicts changed")
    for command, keys in left_unchecked(judge_claims(recorded), every).items():
        print(f"not computed again: {len(keys)} numbers of: {command}")
    return 1 if drifted or changed else 0
