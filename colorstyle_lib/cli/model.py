"""The commands `colorstyle info`, the first thing to send with a question, and `colorstyle train`."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_command, keywords, positive
from colorstyle_lib.config import TrainOptions, flag_of, get_mode
from colorstyle_lib.errors import ConfigError

_TYPES = {"Path | None": Path, "int": positive, "int | None": positive}


def add_model_commands(commands: Any) -> None:
    """Add ``info`` and ``train``, which has an option for each field of TrainOptions."""
    add = add_command(commands, "info", _info, "versions, device, weights and where things are")
    add("--weights", type=Path, help="a .safetensors file; default: the released weights")

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


def _info(arguments: argparse.Namespace) -> int:
    import torch

    from colorstyle_lib import __version__, paths
    from colorstyle_lib.files import file_hash
    from colorstyle_lib.inference.colorstyle import RELEASED, released_card
    from colorstyle_lib.model.generator import load_generator

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    path = arguments.weights or paths.WEIGHTS / f"{RELEASED}.safetensors"
    card = released_card() if arguments.weights is None else None
    generator = load_generator(path, expected_hash=card["sha256"] if card else None)
    learned = sum(p.numel() for p in generator.parameters())
    rows = {
        "colorstyle": __version__,
        "torch": torch.__version__,
        "device": device,
        "mode": get_mode().name,
        "data root": paths.data_root() or "none (set COLORSTYLE_DATA)",
        "notebooks": paths.NOTEBOOKS if paths.IS_CHECKOUT else "not installed: clone the repository",
        "weights": path,
        "  sha256": file_hash(path),
        "  size": f"{path.stat().st_size / 1e6:.1f} MB, {learned / 1e6:.1f} M parameters",
        "  encoder": generator.config.encoder,
        "  working size": f"{generator.config.working_size} px",
    }
    for name, m in (card["measured"] if card else {}).items():
        value = f"PSNR ab {m['psnr_ab']:.1f} dB, colorfulness {100 * m['colorfulness_ratio']:.0f} % of real"
        rows[f"  {name} (n = {m['n']})"] = value
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        print(f"{name:{width}}  {value}")
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.training.train_on_folder import train_on_folder

    given = keywords(arguments)
    if given.pop("cache"):
        raise ConfigError("there is no --cache: pack images once, colorstyle data shard SRC DST, and give --data DST")
    train_on_folder(TrainOptions(**{n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}))
    return 0
