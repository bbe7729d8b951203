"""The `colorstyle` command, made of ``commands.toml``. Functions are imported when called: --help answers at once."""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from colorstyle_lib import __version__
from colorstyle_lib.errors import ColorStyleError

PROGRAM = "colorstyle"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        Exit status: 0 done, 1 some of it failed (each failure named), 2 a mistake in what was asked, 130 interrupted.
    """
    try:
        parsed = parser().parse_args(arguments)
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


class _Parser(argparse.ArgumentParser):
    """One whose error is one line, without all options that there are."""

    def error(self, message: str) -> None:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse sees it."""
    about = "Color grayscale photographs; run and check the course. Start with: colorstyle colorize photo.jpg"
    top = _Parser(prog=PROGRAM, description=about)
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    table = tomllib.loads(Path(__file__).with_name("commands.toml").read_text(encoding="utf-8"))
    _add_commands(top, table, table.pop("shared"))
    return top


def _add_commands(
    to: argparse.ArgumentParser, table: Mapping[str, Any], shared: Mapping[str, Any], title: str = "commands"
) -> None:
    """Add the commands of a table, and their actions, which have the same form, to a command line."""
    commands = to.add_subparsers(title=title, metavar=title.upper().removesuffix("S"), required=True)
    for name, about in table.items():
        added = commands.add_parser(name, help=about["help"])
        if "actions" in about:
            _add_commands(added, about["actions"], shared, "actions")
            continue
        added.set_defaults(command=partial(_call, about["call"]), **about.get("given", {}))
        groups = [*(shared[group] for group in about.get("also", ())), about.get("options", {})]
        options = [(names, dict(option)) for group in groups for names, option in group.items()]
        exclusive = added.add_mutually_exclusive_group() if any("exclusive" in one for _, one in options) else added
        for names, option in options:
            option["help"] = option.get("help", "").format_map(about) or None
            if "type" in option:
                option["type"] = _TYPES.get(kind := option["type"]) or (lambda text, kind=kind: _named(kind)(text))
            if "between" in option:
                option["type"] = _number(option["type"], *option.pop("between"), option.pop("wanted"))
            (exclusive if option.pop("exclusive", False) else added).add_argument(*names.split(), **option)


def _named(function: str) -> Callable[..., Any]:
    return resolve_name(f"colorstyle_lib.{function}")


def _call(name: str, arguments: argparse.Namespace) -> int:
    """Call a function of the library with the options by name; a path that it returns is printed."""
    options = {key: value for key, value in vars(arguments).items() if key != "command"}
    result = _named(name)(**options)
    if isinstance(result, Path):
        print(result)
    return result if isinstance(result, int) else 0


def _number(read: Callable[[str], Any], low: int | float, high: int | float, what: str) -> Callable[[str], Any]:
    """Make the type of an option: a number from ``low`` to ``high``, else refused with ``what`` it should be."""

    def value(text: str) -> Any:
        with suppress(ValueError):
            if low <= (found := read(text)) <= high:
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")

    return value


def _digits(text: str) -> int:
    return int(text) * text.isascii() * text.isdigit()


_TYPES: dict[str, Callable[[str], Any]] = {
    "path": Path,
    "int": int,
    "float": float,
    "positive": _number(_digits, 1, float("inf"), "a positive whole number"),
}
