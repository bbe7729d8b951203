"""Parts of a command line that several commands share."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name
from typing import Any


def add_command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int | None] | str, help: str
) -> Callable[..., argparse.Action]:
    """Add a command to what ``ArgumentParser.add_subparsers`` returned; what adds its options is returned.

    The command is a function of the parsed arguments, whose result is the exit status (None for 0), or names a function
    of the library, as ``MODULE:FUNCTION``, whose arguments are named as the options; a path that it returns is printed.
    """

    def call(arguments: argparse.Namespace) -> int:
        if callable(command):
            return command(arguments) or 0
        result = resolve_name(f"colorstyle_lib.{command}")(**keywords(arguments))
        if isinstance(result, Path):
            print(result)
        return result if isinstance(result, int) else 0

    added = commands.add_parser(name, help=help)
    added.set_defaults(command=call)
    return added.add_argument


def add_actions(commands: Any, name: str, help: str) -> Any:
    """Add a command that has actions, to which :func:`add_command` adds them."""
    return commands.add_parser(name, help=help).add_subparsers(title="actions", metavar="ACTION", required=True)


def keywords(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options by name, for a function whose arguments have the same names."""
    return {name: value for name, value in vars(arguments).items() if name != "command"}


def number(read: Callable[[str], Any], low: float, high: float, what: str) -> Callable[[str], Any]:
    """Make the type of an option: a number from ``low`` to ``high``, else refused with ``what`` it should be."""

    def value(text: str) -> Any:
        with suppress(ValueError):
            if low <= (found := read(text)) <= high:
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")

    return value


positive = number(
    lambda text: int(text) * text.isascii() * text.isdigit(), 1.0, float("inf"), "a positive whole number"
)
"""Type of an option: a whole number from 1 up, in digits."""
