"""The command `colorstyle figures`: make, pages and check. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from typing import Any

from colorstyle_lib.cli.options import add_actions, add_command


def add_figure_commands(commands: Any) -> None:
    """Add ``figures`` to a command line, given what ``ArgumentParser.add_subparsers`` returned."""
    actions = add_actions(commands, "figures", "make the figures that the repository shows, or check them")
    add = add_command(actions, "make", _make, "make figures and their sidecars in figures/")
    add("names", metavar="NAME", nargs="*", help="default: all that can be made")
    add_command(actions, "pages", _pages, "write the generated tables of README, figures/RESULTS.md and other pages")
    add = add_command(actions, "check", _check, "compute again what the figures show; exit 1 where they differ")
    add("names", metavar="NAME", nargs="*", help="default: all, tables of pages, executed notebooks")


def _make(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.reproduction.figures.registry import make_figures

    make_figures(arguments.names)
    return 0


def _pages(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.reproduction.figures.pages import write_pages

    write_pages()
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.notebook_runner.check import check_executed
    from colorstyle_lib.reproduction.figures.pages import check_pages
    from colorstyle_lib.reproduction.figures.registry import check_figures

    found = check_figures(arguments.names)
    if not arguments.names:
        found += check_pages() + check_executed()
    for one in found:
        print("\n".join(one.lines))
    differ, skipped = sum(bool(one.problems) for one in found), sum(one.skipped for one in found)
    print(f"{len(found) - skipped} checked, {differ} differ, {skipped} not checked")
    return 1 if differ else 0
