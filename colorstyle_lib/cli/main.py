"""The `colorstyle` command. Heavy imports happen inside a command, so that --help answers at once."""

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from colorstyle_lib import __version__
from colorstyle_lib.cli.options import add_commands
from colorstyle_lib.errors import ColorStyleError

PROGRAM = "colorstyle"


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse sees it."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Color grayscale photographs; run and check the course. Start with: colorstyle colorize photo.jpg",
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    table = tomllib.loads(Path(__file__).with_name("commands.toml").read_text(encoding="utf-8"))
    add_commands(top, table, table.pop("shared"))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        Exit status: 0 done, 1 some of it failed (each failure named), 2 a mistake in what was asked, 130 interrupted.
    """
    parsed = parser().parse_args(arguments)
    try:
        status = parsed.command(parsed)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ColorStyleError, OSError) as error:  # a full disk, a forbidden folder, a name that is too long
        print(f"{PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130
