"""`colorstyle train`: an option for each field of TrainOptions."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_command, positive
from colorstyle_lib.config import TrainOptions, flag_of
from colorstyle_lib.errors import ConfigError

_TYPES = {"Path | None": Path, "int": positive, "int | None": positive}


def add_train_command(commands: Any) -> None:
    """Add ``train`` to the commands."""
    add = add_command(commands, "train", _train, "train a generator on a folder of photographs")
    for option in fields(TrainOptions):
        about = {key: value for key, value in option.metadata.items() if key not in ("record", "flag")}
        about |= {"dest": option.name, "default": option.default}
        if option.type == "bool":
            about["action"] = "store_true"
        elif option.type == "tuple[str, ...]":
            about["nargs"] = "+"
        elif option.type in _TYPES:
            about.setdefault("type", _TYPES[option.type])
        add(flag_of(option), **about)
    add("--cache", help=argparse.SUPPRESS)


def _train(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.training.train_on_folder import train_on_folder

    if arguments.cache:
        raise ConfigError("there is no --cache: pack images once, colorstyle data shard SRC DST, and give --data DST")
    given = {option.name: getattr(arguments, option.name) for option in fields(TrainOptions)}
    train_on_folder(TrainOptions(**{n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}))
    return 0
