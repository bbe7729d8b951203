"""The commands and their options, made of ``commands.toml``."""

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any


def add_commands(
    parser: argparse.ArgumentParser, table: Mapping[str, Any], shared: Mapping[str, Any], title: str = "commands"
) -> None:
    """Add the commands of a table, and their actions, which have the same form, to a command line."""
    commands = parser.add_subparsers(title=title, metavar=title.upper().removesuffix("S"), required=True)
    for name, about in table.items():
        added = commands.add_parser(name, help=about["help"])
        if "actions" in about:
            add_commands(added, about["actions"], shared, "actions")
            continue
        added.set_defaults(command=partial(_call, about["call"]), **about.get("given", {}))
        groups = [*(shared[group] for group in about.get("also", ())), about.get("options", {})]
        options = [(names, dict(option)) for group in groups for names, option in group.items()]
        exclusive = added.add_mutually_exclusive_group() if any("exclusive" in one for _, one in options) else added
        for names, option in options:
            option["help"] = option.get("help", "").format_map(about) or None
            if "type" in option:
                option["type"] = _TYPES[option["type"]]
            if "between" in option:
                option["type"] = _number(option["type"], *option.pop("between"), option.pop("wanted"))
            (exclusive if option.pop("exclusive", False) else added).add_argument(*names.split(), **option)


def _call(name: str, arguments: argparse.Namespace) -> int:
    """Call a function of the library with the options by name; a path that it returns is printed."""
    options = {key: value for key, value in vars(arguments).items() if key != "command"}
    result = resolve_name(f"colorstyle_lib.{name}")(**options)
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
