"""The table of commands: each calls a function of the library that takes its options."""

import argparse
import inspect
from collections.abc import Iterator
from pkgutil import resolve_name

import pytest

from colorstyle_lib.cli.main import main, parser


def commands(of: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command and action by name."""
    below = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for word, one in action.choices.items():
            yield from commands(one, f"{name} {word}".strip())
    if not below:
        yield name, of


@pytest.mark.parametrize(("name", "command"), list(commands(parser())))
def test_a_command_calls_a_function_that_takes_its_options(name: str, command: argparse.ArgumentParser):
    called = resolve_name(f"colorstyle_lib.{command.get_default('command').args[0]}")
    given = {action.dest for action in command._actions if action.dest != "help"} | set(command._defaults) - {"command"}
    inspect.signature(called).bind(**dict.fromkeys(given))
    assert [action.dest for action in command._actions if action.option_strings and not action.help] in ([], ["seed"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("colorize a.png --saturation 3.5", "'3.5' is not a number from 0 (gray) to 3"),
        ("colorize a.png --saturation nan", "'nan' is not a number from 0"),
        ("colorize a.png --quality 0", "'0' is not a whole number from 1 to 100"),
        ("generate -n 0", "'0' is not a positive whole number"),
        ("generate -n +1", "'+1' is not a positive whole number"),
        ("opponents --minutes inf", "'inf' is not a number of minutes above 0"),
        ("claims --json --markdown", "not allowed with argument --json"),
        ("data", "arguments are required: ACTION"),
        ("", "arguments are required: COMMAND"),
    ],
)
def test_what_is_asked_wrongly_is_said(words: str, said: str, capsys):
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
