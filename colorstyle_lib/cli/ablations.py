"""The command `colorstyle ablations`. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_actions, add_command, positive


def add_ablation_commands(commands: Any) -> None:
    """Add ``ablations`` to a command line, given what ``ArgumentParser.add_subparsers`` returned."""
    actions = add_actions(commands, "ablations", "small trainings, one ingredient changed in each, and attention")
    add_command(actions, "list", _list, "what each member changes, and for which claim")
    run = add_command(actions, "run", _run, "train and measure what is not in the log yet; again, to go on")
    show = add_command(actions, "show", _show, "what the runs say: numbers, a table and a figure")
    trial = add_command(actions, "attention", _attention, "attention of the released weights on trial")
    for add in (run, trial):
        add("--data", default="", help="data root; default: COLORSTYLE_DATA, else the demo photographs")
    for add in (show, trial):
        add("--results", type=Path, metavar="FILE", help="default: figures/results.json; of the demo runs/")
    run("names", metavar="NAME", nargs="*", help="see: colorstyle ablations list; default: all")
    run("--long", action="store_true", help="the decisive ones again, ten processor minutes each")
    steps = "of the base, the others at its cost; default: 160, with --long 6500"
    run("--steps", type=positive, metavar="N", help=steps)
    run("--seeds", type=positive, metavar="N", help="trainings of each; default: 3, with --long 1")
    run("--pictures", type=positive, metavar="N", help="that are measured on; default: 240")
    run("--output", type=Path, metavar="FOLDER", help="default: runs/ablations, with --long runs/ablations_long")
    where = "where the runs are, and beside it in FOLDER_long the long ones; default: runs/ablations"
    show("--output", type=Path, metavar="FOLDER", help=where)
    trial("--weights", type=Path, metavar="FILE", help="default: the released weights")
    trial("--limit", type=positive, default=100, metavar="N", help="pictures of each data set; default: 100")


def _list(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.reproduction.ablations.configs import ABLATIONS

    for member in ABLATIONS.values():
        told = f"{member.changes} (against {member.against})" if member.claim else "what the others are compared with"
        print(f"{member.name:22}{member.claim:4} {told}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.ablations.configs import LONG, SMALL, get_ablation
    from colorstyle_lib.reproduction.ablations.measure import PICTURES, load_material
    from colorstyle_lib.reproduction.ablations.run import run_matrix

    for name in arguments.names:  # before pictures are read
        get_ablation(name)
    scale = LONG if arguments.long else SMALL
    folder = arguments.output or paths.RUNS / scale.folder
    store, pictures = load_material(paths.data_root(arguments.data), pictures=arguments.pictures or PICTURES)
    names, seeds, steps = arguments.names or scale.members, arguments.seeds or scale.seeds, arguments.steps
    lines = run_matrix(store, pictures, folder, names=names, seeds=seeds, steps=steps or scale.steps)
    print(f"{len(lines)} trainings in {folder}; what they say: colorstyle ablations show")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from matplotlib import pyplot as plt

    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.ablations.attention import matrix_numbers
    from colorstyle_lib.reproduction.ablations.configs import LONG, SMALL
    from colorstyle_lib.reproduction.ablations.effects import effect_numbers, effects_of, level_numbers, print_effects
    from colorstyle_lib.reproduction.ablations.run import holds_base, read_matrix
    from colorstyle_lib.reproduction.figures.plots import ablation_effects

    folder = arguments.output or paths.RUNS / SMALL.folder
    beside = folder.with_name(f"{folder.name}_long")
    matrix = read_matrix(folder)
    effects = effects_of(matrix)
    numbers = level_numbers(matrix) + effect_numbers(matrix, effects) + matrix_numbers(matrix)
    longer = None
    if holds_base(beside):
        long = read_matrix(beside, LONG)
        longer = long, effects_of(long)
        numbers += level_numbers(long) + effect_numbers(*longer)
    _merge(numbers, arguments.results)
    print_effects(matrix, effects, longer)
    plt.style.use(paths.STYLE_FILE)
    ablation_effects(effects, longer=longer[1] if longer else ()).savefig(folder / "effects.png")
    print(folder / "effects.png")
    return 0


def _attention(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.paths import data_root
    from colorstyle_lib.reproduction.ablations.attention import try_weights

    numbers = try_weights(data_root(arguments.data), weights=arguments.weights, limit=arguments.limit)
    _merge(numbers, arguments.results)
    for number in numbers:
        print(f"{number.key:64} {number.text(4)}  n = {number.n}")
    return 0


def _merge(numbers: Any, file: Path | None) -> None:
    """Numbers of real images go where the texts read them; those of the handful of demo photographs do not."""
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.results.store import RESULTS, merge_results

    merge_results(numbers, file or (paths.RUNS / "results.json" if numbers[0].data == "demo" else RESULTS))
