"""The `colorstyle` command. Heavy imports happen inside a command, so that --help answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from colorstyle_lib import __version__
from colorstyle_lib.cli.ablations import add_ablation_commands
from colorstyle_lib.cli.claims import add_claims_command
from colorstyle_lib.cli.data import add_data_commands
from colorstyle_lib.cli.evaluate import add_evaluate_commands
from colorstyle_lib.cli.figures import add_figure_commands
from colorstyle_lib.cli.model import add_model_commands
from colorstyle_lib.cli.options import add_command, keywords, positive
from colorstyle_lib.cli.pictures import add_picture_commands
from colorstyle_lib.config import MODES
from colorstyle_lib.errors import ColorStyleError, ConfigError

PROGRAM = "colorstyle"


def _run(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.notebook_runner.publish import FOLDER
    from colorstyle_lib.notebook_runner.run import report, run_notebooks

    pairs = {}
    for item in arguments.parameters:
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise ConfigError(f"--parameter wants NAME=VALUE, not {item!r}")
        pairs[name] = value
    given = {"parameters": pairs, "keep": FOLDER if arguments.keep else None}
    return report(run_notebooks(**keywords(arguments) | given))


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse sees it."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Color grayscale photographs; run and check the course. Start with: colorstyle colorize photo.jpg",
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    add_picture_commands(commands)
    add_model_commands(commands)

    add = add_command(commands, "run", _run, "run the notebooks, one process each")
    add("names", metavar="NOTEBOOK", nargs="*", help="01 or 01_data; default: all")
    add("--mode", default="auto", help=f"auto, {', '.join(MODES)}; default: auto")
    add("--data", default="", help="data root; default: COLORSTYLE_DATA")
    pair = {"dest": "parameters", "metavar": "NAME=VALUE", "help": "set a parameter"}
    add("-p", "--parameter", action="append", default=[], **pair)
    add("--output", default="", metavar="FOLDER", help="where executed notebooks go; default: by mode")
    add("--keep", action="store_true", help="also put small copies with outputs into figures/executed")
    add("--timeout", type=positive, metavar="SECONDS", help="limit for one cell; default: by mode")

    add_data_commands(commands)
    add_evaluate_commands(commands)
    add_ablation_commands(commands)
    add_claims_command(commands)
    add_figure_commands(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        Exit status: 0 done, 1 some of it failed (each failure named), 2 a mistake in what was asked, 130 interrupted.
    """
    parsed = parser().parse_args(arguments)
    try:
        return parsed.command(parsed)
    except ColorStyleError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130
