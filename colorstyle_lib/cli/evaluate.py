"""The commands `colorstyle opponents` and `colorstyle evaluate`. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colorstyle_lib.reproduction.results.store import Number


def add_evaluate_commands(commands: Any) -> None:
    """Add ``opponents`` and ``evaluate`` to a command line.

    Args:
        commands: what ``ArgumentParser.add_subparsers`` returned.
    """
    opponents = commands.add_parser("opponents", help="train the opponents, each for the same time; again, to go on")
    opponents.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="l1, pix2pix, bins, ours (these by default); or joint, color_specialist, style_specialist",
    )
    opponents.add_argument("--data", default="", help="data root; default: COLORSTYLE_DATA")
    opponents.add_argument(
        "--minutes",
        type=_minutes,
        default=10.0,
        help="of processor time for each; joint gets 2 times this, its specialists 0.8 (color) and 1.2; default: 10",
    )
    opponents.add_argument("--output", type=Path, metavar="FOLDER", help="default: runs/opponents")
    opponents.add_argument("--seed", type=int, default=0)
    opponents.set_defaults(command=_opponents)

    evaluate = commands.add_parser("evaluate", help="measure weights and opponents on the val pictures of a data root")
    evaluate.add_argument("--weights", type=Path, metavar="FILE", help="default: the released weights")
    evaluate.add_argument("--name", help="what their numbers are called; default: released, or the file's own name")
    evaluate.add_argument(
        "--opponents", type=Path, metavar="FOLDER", help="default: runs/opponents, where there are any"
    )
    evaluate.add_argument("--data", default="", help="data root; default: COLORSTYLE_DATA")
    evaluate.add_argument("--demo", action="store_true", help="on the 7 demo photographs instead, without a data root")
    evaluate.add_argument("--atlas", action="store_true", help="one method's outputs in ways that carry the same name")
    evaluate.add_argument("--style", action="store_true", help="style transfer instead of coloring")
    evaluate.add_argument(
        "--specialists",
        type=Path,
        nargs="*",
        metavar="FOLDER",
        help="one model for both, against two specialists; several folders: one a seed; default: runs/opponents",
    )
    evaluate.add_argument(
        "--optimize",
        type=int,
        default=0,
        metavar="N",
        help="with --style: on N pairs the optimization, for minutes each",
    )
    evaluate.add_argument("--clips", action="store_true", help="how much restyled clips flicker; needs no data root")
    evaluate.add_argument(
        "--limit", type=int, metavar="N", help="only N pictures of each set, or pairs, for a first look"
    )
    evaluate.add_argument(
        "--output", type=Path, metavar="FILE", help="default: figures/results.json; with --limit runs/results.json"
    )
    evaluate.set_defaults(command=_evaluate)


def _minutes(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return number


def _opponents(arguments: argparse.Namespace) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.baselines.train import train_opponents

    folder = arguments.output or paths.RUNS / "opponents"
    root = _root(arguments.data, "training")
    for weights in train_opponents(root, folder, names=arguments.names, minutes=arguments.minutes, seed=arguments.seed):
        print(weights)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.reproduction.benchmarks.coloring import ALL
    from colorstyle_lib.reproduction.benchmarks.run_coloring import evaluate_weights, print_summary
    from colorstyle_lib.reproduction.results.store import RESULTS

    if arguments.limit is not None and arguments.limit < 2:
        raise ConfigError(f"--limit wants at least 2 pictures, not {arguments.limit}")
    if arguments.demo and arguments.data:
        raise ConfigError("--demo and --data exclude each other: measure on the demo photographs, or on a data root")
    output = arguments.output or (paths.RUNS / "results.json" if arguments.limit else RESULTS)
    if arguments.atlas:
        return _atlas(arguments, output)
    if arguments.style:
        return _style(arguments, output)
    if arguments.clips:
        return _clips(arguments, output)
    if arguments.specialists is not None:
        return _specialists(arguments, output)
    numbers = evaluate_weights(
        None if arguments.demo else _root(arguments.data, "measuring"),
        weights=arguments.weights,
        name=arguments.name,
        opponents=arguments.opponents or paths.RUNS / "opponents",
        limit=arguments.limit,
        output=output,
    )
    print_summary(numbers)
    last = ALL if any(n.data == ALL for n in numbers) else numbers[0].data
    for method in dict.fromkeys(n.method for n in numbers if n.metric == "colorfulness_ratio"):
        if method in (numbers[0].method, "ours"):
            print(f"\n{method}, {last}:")
            _print_verdicts(numbers, method, last, "coloring")
    return 0


def _style(arguments: argparse.Namespace, output: Path) -> int:
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.reproduction.benchmarks.run_style import PAIRS, evaluate_style

    if arguments.demo or arguments.opponents:
        raise ConfigError("--style measures on paintings and against its own opponents; leave --demo, --opponents out")
    root = _root(arguments.data, "measuring")
    if not 0 <= arguments.optimize <= (arguments.limit or PAIRS):
        raise ConfigError(f"--optimize wants 0 to {arguments.limit or PAIRS} pairs, not {arguments.optimize}")
    options = {"weights": arguments.weights, "name": arguments.name, "pairs": arguments.limit or PAIRS}
    options["optimized"] = arguments.optimize
    evaluate_style(root, output=output, **options)
    return 0


def _specialists(arguments: argparse.Namespace, output: Path) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.reproduction.benchmarks.run_style import STYLE_PAIRS
    from colorstyle_lib.reproduction.benchmarks.unified_vs_specialists import JOINT, evaluate_specialists

    if arguments.demo or arguments.weights or arguments.name:
        raise ConfigError(
            "--specialists measures what `colorstyle opponents` trained; leave --demo, --weights, --name out"
        )
    if arguments.specialists and arguments.opponents:
        raise ConfigError("--specialists already names folders; leave --opponents out")
    root = _root(arguments.data, "measuring")
    folders = arguments.specialists or [arguments.opponents or paths.RUNS / "opponents"]
    numbers = evaluate_specialists(root, *folders, output=output, limit=arguments.limit)
    _print_verdicts(numbers, JOINT, numbers[0].data, "joint_coloring")
    _print_verdicts(numbers, JOINT, STYLE_PAIRS, "joint_style")
    return 0


def _print_verdicts(numbers: Sequence[Number], method: str, data: str, targets: str) -> None:
    from colorstyle_lib.reproduction.claims.schema import TARGETS
    from colorstyle_lib.reproduction.claims.verdict import judge_targets

    for finding in judge_targets({n.key: n for n in numbers}, method, data, TARGETS[targets]):
        print(f"  {finding.line}")


def _clips(arguments: argparse.Namespace, output: Path) -> int:
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.reproduction.benchmarks.flicker import evaluate_clips

    if arguments.demo or arguments.data or arguments.opponents:
        raise ConfigError("--clips measures on the demo photographs; leave --demo, --data and --opponents out")
    evaluate_clips(output=output, weights=arguments.weights, name=arguments.name, limit=arguments.limit)
    return 0


def _atlas(arguments: argparse.Namespace, output: Path) -> int:
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.reproduction.benchmarks.metric_variants import measure_atlas, print_atlas

    if arguments.demo or arguments.opponents:
        raise ConfigError("--atlas measures one method on a data root; leave --demo and --opponents out")
    root = _root(arguments.data, "measuring")
    options = {"weights": arguments.weights, "name": arguments.name, "limit": arguments.limit}
    print_atlas(measure_atlas(root, output=output, **options))
    return 0


def _root(given: str, what: str) -> Path:
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.paths import data_root

    root = data_root(given)
    if root is None:
        raise ConfigError(f"{what} needs real images: give --data ROOT or set COLORSTYLE_DATA")
    return root
