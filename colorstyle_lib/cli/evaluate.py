"""The commands `colorstyle opponents` and `colorstyle evaluate`. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_command, number

_EXCLUDED = {  # by benchmark the options that it does not take, and why
    "atlas": (("demo", "opponents"), "--atlas measures one method on a data root"),
    "style": (("demo", "opponents"), "--style measures on paintings and against its own opponents"),
    "clips": (("demo", "data", "opponents"), "--clips measures on the demo photographs"),
    "specialists": (("demo", "weights", "name"), "--specialists measures what `colorstyle opponents` trained"),
}


def add_evaluate_commands(commands: Any) -> None:
    """Add ``opponents`` and ``evaluate`` to what ``ArgumentParser.add_subparsers`` returned."""
    add = add_command(commands, "opponents", _opponents, "train the opponents, each for the same time; again, to go on")
    names = "l1, pix2pix, bins, ours (these by default); or joint, color_specialist, style_specialist"
    add("names", metavar="NAME", nargs="*", help=names)
    add("--data", default="", help="data root; default: COLORSTYLE_DATA")
    minutes = "of processor time for each; joint gets 2 times this, its specialists 0.8 (color) and 1.2; default: 10"
    above_0 = number(float, lambda n: 0 < n < float("inf"), "a number of minutes above 0")
    add("--minutes", type=above_0, default=10.0, help=minutes)
    add("--output", type=Path, metavar="FOLDER", help="default: runs/opponents")
    add("--seed", type=int, default=0)

    what = "measure weights and opponents on the val pictures of a data root"
    add = add_command(commands, "evaluate", _evaluate, what)
    add("--weights", type=Path, metavar="FILE", help="default: the released weights")
    add("--name", help="what their numbers are called; default: released, or the file's own name")
    add("--opponents", type=Path, metavar="FOLDER", help="default: runs/opponents, where there are any")
    add("--data", default="", help="data root; default: COLORSTYLE_DATA")
    add("--demo", action="store_true", help="on the 7 demo photographs instead, without a data root")
    add("--atlas", action="store_true", help="one method's outputs in ways that carry the same name")
    add("--style", action="store_true", help="style transfer instead of coloring")
    several = "one model for both, against two specialists; several folders: one a seed; default: runs/opponents"
    add("--specialists", type=Path, nargs="*", metavar="FOLDER", help=several)
    slow = "with --style: on N pairs the optimization, for minutes each"
    add("--optimize", type=int, default=0, metavar="N", help=slow)
    add("--clips", action="store_true", help="how much restyled clips flicker; needs no data root")
    add("--limit", type=int, metavar="N", help="only N pictures of each set, or pairs, for a first look")
    add("--output", type=Path, metavar="FILE", help="default: figures/results.json; with --limit runs/results.json")


def _opponents(arguments: argparse.Namespace) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.baselines.recipes import train_baselines

    folder = arguments.output or paths.RUNS / "opponents"
    root = paths.data_root(arguments.data, needed_for="training")
    for weights in train_baselines(root, folder, names=arguments.names, minutes=arguments.minutes, seed=arguments.seed):
        print(weights)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.errors import ConfigError
    from colorstyle_lib.reproduction.benchmarks import coloring, flicker, style, unified_vs_specialists
    from colorstyle_lib.reproduction.benchmarks.runner import ALL, Run
    from colorstyle_lib.reproduction.results.store import RESULTS

    limit, demo = arguments.limit, arguments.demo
    if limit is not None and limit < 2:
        raise ConfigError(f"--limit wants at least 2 pictures, not {limit}")
    if demo and arguments.data:
        raise ConfigError("--demo and --data exclude each other: measure on the demo photographs, or on a data root")
    benchmark = next((name for name in _EXCLUDED if getattr(arguments, name) not in (None, False)), "coloring")
    excluded, why = _EXCLUDED.get(benchmark, ((), ""))
    if any(getattr(arguments, option) for option in excluded):
        options = (" and " if len(excluded) == 2 else ", ").join(f"--{option}" for option in excluded)
        raise ConfigError(f"{why}; leave {options} out")
    if arguments.specialists and arguments.opponents:
        raise ConfigError("--specialists already names folders; leave --opponents out")
    root = None if demo or benchmark == "clips" else paths.data_root(arguments.data, needed_for="measuring")
    output = arguments.output or (paths.RUNS / "results.json" if limit else RESULTS)
    run = Run(output, arguments.weights, arguments.name, limit)
    baselines = arguments.opponents or paths.RUNS / "opponents"
    if benchmark == "atlas":
        coloring.evaluate_variants(root, run)
    elif benchmark == "style":
        most = limit or style.PAIRS
        if not 0 <= arguments.optimize <= most:
            raise ConfigError(f"--optimize wants 0 to {most} pairs, not {arguments.optimize}")
        style.evaluate_style(root, run, optimized=arguments.optimize)
    elif benchmark == "clips":
        flicker.evaluate_clips(run)
    elif benchmark == "specialists":
        numbers = unified_vs_specialists.evaluate_specialists(root, arguments.specialists or [baselines], run)
        _print_verdicts(numbers, unified_vs_specialists.JOINT, numbers[0].data, "joint_coloring")
        _print_verdicts(numbers, unified_vs_specialists.JOINT, style.STYLE_PAIRS, "joint_style")
    else:
        numbers = coloring.evaluate_coloring(root, run, baselines)
        coloring.print_summary(numbers)
        last = ALL if any(n.data == ALL for n in numbers) else numbers[0].data
        for method in dict.fromkeys(n.method for n in numbers if n.metric == "colorfulness_ratio"):
            if method in (numbers[0].method, "ours"):
                print(f"\n{method}, {last}:")
                _print_verdicts(numbers, method, last, "coloring")
    return 0


def _print_verdicts(numbers: Sequence[Any], method: str, data: str, targets: str) -> None:
    from colorstyle_lib.reproduction.claims.schema import TARGETS
    from colorstyle_lib.reproduction.claims.verdict import judge_targets

    for finding in judge_targets({n.key: n for n in numbers}, method, data, TARGETS[targets]):
        print(f"  {finding.line}")
