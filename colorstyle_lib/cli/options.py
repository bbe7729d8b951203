"""Parts of a command line that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def add_command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int], help: str
) -> Callable[..., argparse.Action]:
    """Add a command to what ``ArgumentParser.add_subparsers`` returned; what adds its options is returned."""
    added = commands.add_parser(name, help=help)
    added.set_defaults(command=command)
    return added.add_argument


def add_actions(commands: Any, name: str, help: str) -> Any:
    """Add a command that has actions, to which :func:`add_command` adds them."""
    return commands.add_parser(name, help=help).add_subparsers(title="actions", metavar="ACTION", required=True)


def keywords(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options by name, for a function whose arguments have the same names."""
    return {name: value for name, value in vars(arguments).items() if name != "command"}


def number(read: Callable[[str], Any], allowed: Callable[[Any], bool], what: str) -> Callable[[str], Any]:
    """Make the type of an option: a number, refused with ``what`` it should be where it is not allowed."""

    def value(text: str) -> Any:
        with suppress(ValueError):
            if allowed(found := read(text)):
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")

    return value


positive = number(lambda text: int(text) * text.isascii() * text.isdigit(), bool, "a positive whole number")
"""Type of an option: a whole number from 1 up, in digits."""
