"""The `colorstyle` command. Heavy imports happen inside a command, so that --help answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from colorstyle_lib import __version__
from colorstyle_lib.cli.ablations import add_ablation_commands
from colorstyle_lib.cli.claims import add_claims_command
from colorstyle_lib.cli.data import add_data_commands
from colorstyle_lib.cli.evaluate import add_evaluate_commands
from colorstyle_lib.cli.figures import add_figure_commands
from colorstyle_lib.cli.pictures import add_picture_commands, positive
from colorstyle_lib.config import PRESETS
from colorstyle_lib.errors import ColorStyleError, ConfigError
from colorstyle_lib.run_mode import MODES, get_mode

PROGRAM = "colorstyle"


def _info(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.cli.info import print_info

    print_info(arguments.weights)
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.training.train_on_folder import train_on_folder

    if arguments.cache:
        raise ConfigError("there is no --cache: pack images once, colorstyle data shard SRC DST, and give --data DST")
    train_on_folder(
        arguments.preset,
        arguments.data,
        datasets=arguments.datasets,
        steps=arguments.steps or get_mode(arguments.mode, arguments.data).release_steps,
        evaluate_every=arguments.every,
        output=arguments.output,
        resume=arguments.resume,
        seed=arguments.seed,
        start_from=arguments.start_from,
        tasks=[(name, _weight(name, weight)) for name, weight in _pairs(arguments.tasks, "--tasks").items()],
        learns=arguments.learns,
        styles=arguments.styles,
        batch_size=arguments.batch_size,
        accumulate=arguments.accumulate,
        tensorboard=arguments.tensorboard,
        compiled=arguments.compile,
        download=arguments.download,
    )
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.notebook_runner.publish import FOLDER
    from colorstyle_lib.notebook_runner.run import report, run_notebooks

    return report(
        run_notebooks(
            arguments.notebooks,
            mode=arguments.mode,
            data=arguments.data,
            parameters=_pairs(arguments.parameter, "--parameter"),
            output=arguments.output,
            timeout=arguments.timeout,
            keep=FOLDER if arguments.keep else None,
        )
    )


def _pairs(items: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise ConfigError(f"{option} wants NAME=VALUE, not {item!r}")
        pairs[name] = value
    return pairs


def _weight(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--tasks wants a number for {name}, not {text!r}") from None


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse sees it."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Color grayscale photographs; run and check the course. Start with: colorstyle colorize photo.jpg",
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    add_picture_commands(commands)

    info = commands.add_parser("info", help="versions, device, weights and where things are")
    info.add_argument("--weights", type=Path, help="a .safetensors file; default: the released weights")
    info.set_defaults(command=_info)

    train = commands.add_parser("train", help="train a generator on a folder of photographs")
    train.add_argument("--preset", default="companion", help=f"one of {', '.join(PRESETS)}; default: companion")
    train.add_argument(
        "--data", default="", help="data root, or a name of `colorstyle data list`; default: COLORSTYLE_DATA"
    )
    train.add_argument("--download", action="store_true", help="fetch a data set that is known by name")
    train.add_argument("--cache", help=argparse.SUPPRESS)
    train.add_argument("--datasets", nargs="+", default=(), metavar="NAME", help="only these folders of the root")
    train.add_argument("--mode", default="auto", help=f"how long: auto, {', '.join(MODES)}; default: auto")
    train.add_argument("--steps", type=positive, help="optimizer steps in all; default: by mode")
    train.add_argument("--every", type=positive, default=500, metavar="STEPS", help="between evaluations; default: 500")
    train.add_argument("--output", type=Path, help="folder for weights, log and state; default: runs/PRESET")
    train.add_argument(
        "--tasks", nargs="+", default=(), metavar="NAME=WEIGHT", help="what is learned, such as automatic=2 inpaint=1"
    )
    train.add_argument("--learns", metavar="PART", help="all, or restyling: those levels alone; default: the preset's")
    train.add_argument("--styles", nargs="+", default=(), metavar="NAME", help="folders of the root that hold styles")
    train.add_argument("--batch-size", type=positive, metavar="N", help="images a step, over all processes")
    train.add_argument("--accumulate", type=positive, metavar="N", help="parts to work a batch off in: less memory")
    train.add_argument("--start-from", type=Path, metavar="WEIGHTS", help="go on from a .safetensors file")
    train.add_argument("--compile", action="store_true", help="compile the networks first (torch.compile)")
    train.add_argument("--tensorboard", action="store_true", help="also write curves for TensorBoard")
    train.add_argument("--resume", action="store_true", help="go on from the state in --output")
    train.add_argument("--seed", type=int, default=0)
    train.set_defaults(command=_train)

    run = commands.add_parser("run", help="run the notebooks, one process each")
    run.add_argument("notebooks", metavar="NOTEBOOK", nargs="*", help="01 or 01_data; default: all")
    run.add_argument("--mode", default="auto", help=f"auto, {', '.join(MODES)}; default: auto")
    run.add_argument("--data", default="", help="data root; default: COLORSTYLE_DATA")
    run.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="set a parameter")
    run.add_argument("--output", default="", metavar="FOLDER", help="where executed notebooks go; default: by mode")
    run.add_argument("--keep", action="store_true", help="also put small copies with outputs into figures/executed")
    run.add_argument("--timeout", type=positive, metavar="SECONDS", help="limit for one cell; default: by mode")
    run.set_defaults(command=_run)

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


if __name__ == "__main__":
    sys.exit(main())
