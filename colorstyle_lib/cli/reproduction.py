"""The commands that make numbers, figures and verdicts again: notebooks, benchmarks, ablations, claims, figures.

Heavy imports wait for their use.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_actions, add_command, keywords, number, positive
from colorstyle_lib.config import MODES
from colorstyle_lib.errors import ConfigError, DataError, check_known

_REFUSED = {  # by benchmark the options that it does not take
    "style": ("demo", "opponents", "datasets"),
    "repair": ("demo", "opponents"),
    "clips": ("demo", "opponents", "datasets", "data"),
    "specialists": ("demo", "weights", "name", "datasets"),
    "generation": ("demo", "datasets"),
}


def add_reproduction_commands(commands: Any) -> None:
    """Add them to what ``ArgumentParser.add_subparsers`` returned."""
    add = add_command(commands, "run", _run, "run the notebooks, one process each")
    add("names", metavar="NOTEBOOK", nargs="*", help="01 or 01_data; default: all")
    add("--mode", default="auto", help=f"auto, {', '.join(MODES)}; default: auto")
    add("--data", default="", help="data root; default: COLORSTYLE_DATA")
    pair = {"dest": "parameters", "metavar": "NAME=VALUE", "help": "set a parameter"}
    add("-p", "--parameter", action="append", default=[], **pair)
    add("--output", default="", metavar="FOLDER", help="where executed notebooks go; default: by mode")
    add("--keep", action="store_true", help="also put small copies with outputs into figures/executed")
    add("--timeout", type=positive, metavar="SECONDS", help="limit for one cell; default: by mode")

    train = "reproduction.baselines.recipes:train_baselines"
    add = add_command(commands, "opponents", train, "train the opponents, each for the same time; again, to go on")
    names = "l1, pix2pix, bins, ours (these by default); or joint, color_specialist, style_specialist"
    add("names", metavar="NAME", nargs="*", help=names)
    add("--data", default="", help="data root; default: COLORSTYLE_DATA")
    minutes = "of processor time for each; joint gets 2 times this, its specialists 0.8 (color) and 1.2; default: 10"
    above_0 = number(float, sys.float_info.min, sys.float_info.max, "a number of minutes above 0")
    add("--minutes", type=above_0, default=10.0, help=minutes)
    add("--output", type=Path, metavar="FOLDER", help="default: runs/opponents")
    add("--seed", type=int, default=0)

    what = "measure weights and opponents on the val pictures of a data root"
    add = add_command(commands, "evaluate", _evaluate, what)
    add("--weights", type=Path, metavar="FILE", help="default: the released weights")
    add("--name", help="what their numbers are called; default: released, or the file's own name")
    add("--opponents", type=Path, metavar="FOLDER", help="default: runs/opponents, where there are any")
    add("--data", nargs="+", default=(), metavar="ROOT", help="data roots; default: COLORSTYLE_DATA")
    add("--datasets", nargs="+", default=(), metavar="NAME", help="only these data sets; default: all of the roots")
    add("--together", default="all", metavar="NAME", help="what their pictures together are called; default: all")
    add("--demo", action="store_true", help="on the 7 demo photographs instead, without a data root")
    add("--style", action="store_true", help="style transfer instead of coloring")
    several = "one model for both, against two specialists; several folders: one a seed; default: runs/opponents"
    add("--specialists", type=Path, nargs="*", metavar="FOLDER", help=several)
    add("--generation", action="store_true", help="new scenes; trains a DCGAN and ours first, 4 minutes each")
    slow = "with --style: on N pairs the optimization, for minutes each"
    add("--optimize", type=int, default=0, metavar="N", help=slow)
    add("--clips", action="store_true", help="how much restyled clips flicker; needs no data root")
    add("--repair", action="store_true", help="inpainting and enhancement against other fills and filters")
    add("--limit", type=int, metavar="N", help="only N pictures of each set, or pairs, for a first look")
    add("--output", type=Path, metavar="FILE", help="default: figures/results.json; with --limit runs/results.json")

    actions = add_actions(commands, "ablations", "small trainings, one ingredient changed in each, and attention")
    add_command(actions, "list", _list, "what each member changes, and for which claim")
    run = add_command(actions, "run", _train, "train and measure what is not in the log yet; again, to go on")
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

    claims = commands.add_parser("claims", help="the paper's claims, each with its numbers and a verdict")
    claims.add_argument("ids", metavar="ID", nargs="*", help="C1 to C12: everything about these; default: the table")
    form = claims.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="the table as Markdown")
    form.add_argument("--json", action="store_true", help="everything, for programs")
    form.add_argument("--check", action="store_true", help="compute again what this machine can; exit 1 on a drift")
    claims.add_argument("--results", type=Path, metavar="FILE", help="default: figures/results.json")
    claims.add_argument("--data", default="", help="with --check: a data root, to compute its numbers again too")
    claims.set_defaults(command=_claims)

    actions = add_actions(commands, "figures", "make the figures that the repository shows, or check them")
    make, pages = (f"reproduction.figures.{one}" for one in ("registry:make_figures", "pages:write_pages"))
    add = add_command(actions, "make", make, "make figures and their sidecars in figures/")
    add("names", metavar="NAME", nargs="*", help="default: all that can be made")
    add_command(actions, "pages", pages, "write the generated tables of README, figures/RESULTS.md and other pages")
    add = add_command(actions, "check", _check, "compute again what the figures show; exit 1 where they differ")
    add("names", metavar="NAME", nargs="*", help="default: all, tables of pages, executed notebooks")


def _run(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.notebook_runner.publish import FOLDER
    from colorstyle_lib.notebook_runner.run import report, run_notebooks

    pairs = {}
    for item in arguments.parameters:
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise ConfigError(f"--parameter wants NAME=VALUE, not {item!r}")
        pairs[name] = value
    given = {"parameters": pairs, "keep": FOLDER if arguments.keep else None}
    return report(run_notebooks(**keywords(arguments) | given))


def _evaluate(arguments: argparse.Namespace) -> None:
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.benchmarks import coloring, flicker, repair, style, unified_vs_specialists
    from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Run, load_squares, print_numbers, print_table
    from colorstyle_lib.reproduction.results.store import RESULTS

    limit, demo = arguments.limit, arguments.demo
    if limit is not None and limit < 2:
        raise ConfigError(f"--limit wants at least 2 pictures, not {limit}")
    benchmark = next((name for name in _REFUSED if getattr(arguments, name) not in (None, False)), "coloring")
    refused = _REFUSED.get(benchmark, ("data",) * demo) + ("opponents",) * bool(arguments.specialists)
    if wrong := [option for option in refused if getattr(arguments, option)]:
        named = benchmark if benchmark in _REFUSED else "demo"
        raise ConfigError(f"--{named} does not go with --{wrong[0]}; leave one of them out")
    needless = demo or benchmark == "clips"
    roots = None if needless else [paths.data_root(one, needed_for="measuring") for one in arguments.data or [""]]
    root = roots and roots[0]
    if benchmark not in ("coloring", "repair") and len(arguments.data) > 1:
        raise ConfigError(f"--{benchmark} measures on one data root")
    output = arguments.output or (paths.RUNS / "results.json" if limit else RESULTS)
    run = Run(output, arguments.weights, arguments.name, limit, arguments.datasets, arguments.together)
    baselines = arguments.opponents or paths.RUNS / "opponents"
    if benchmark == "style":
        most = limit or style.PAIRS
        if not 0 <= arguments.optimize <= most:
            raise ConfigError(f"--optimize wants 0 to {most} pairs, not {arguments.optimize}")
        style.evaluate_style(root, run, optimized=arguments.optimize)
    elif benchmark == "clips":
        print_numbers(flicker.evaluate_clips(run))
    elif benchmark == "repair":
        print_numbers(repair.evaluate_repair(load_squares(roots, repair.SIDE, limit, arguments.datasets), run))
    elif benchmark == "generation":
        from colorstyle_lib.reproduction.benchmarks.generation import evaluate_generation

        print_numbers(evaluate_generation(root, run, baselines))
    elif benchmark == "specialists":
        numbers = unified_vs_specialists.evaluate_specialists(root, arguments.specialists or [baselines], run)
        print_numbers([one for one in numbers if "_over_" in one.metric or "_minus_" in one.metric])
    else:
        numbers = coloring.evaluate_coloring(roots, run, baselines)
        print_table(numbers, NOTES["table"])
        print_numbers([one for one in numbers if "_over_" in one.metric])


def _list(_: argparse.Namespace) -> None:
    from colorstyle_lib.reproduction.ablations.configs import ABLATIONS

    for member in ABLATIONS.values():
        told = f"{member.changes} (against {member.against})" if member.claim else "what the others are compared with"
        print(f"{member.name:22}{member.claim:4} {told}")


def _train(arguments: argparse.Namespace) -> None:
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, LONG, SMALL
    from colorstyle_lib.reproduction.ablations.run import PICTURES, load_material, run_matrix

    for name in arguments.names:  # before pictures are read
        check_known("ablation", name, ABLATIONS)
    scale = LONG if arguments.long else SMALL
    folder = arguments.output or paths.RUNS / scale.folder
    store, pictures = load_material(paths.data_root(arguments.data), pictures=arguments.pictures or PICTURES)
    names, seeds, steps = arguments.names or scale.members, arguments.seeds or scale.seeds, arguments.steps
    lines = run_matrix(store, pictures, folder, names=names, seeds=seeds, steps=steps or scale.steps)
    print(f"{len(lines)} trainings in {folder}; what they say: colorstyle ablations show")


def _show(arguments: argparse.Namespace) -> None:
    from matplotlib import pyplot as plt

    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.ablations import effects
    from colorstyle_lib.reproduction.ablations.configs import LONG, SMALL
    from colorstyle_lib.reproduction.ablations.run import read_matrix
    from colorstyle_lib.reproduction.figures.plots import ablation_effects

    folder = arguments.output or paths.RUNS / SMALL.folder
    if (matrix := read_matrix(folder)) is None:
        raise DataError(f"no run of the base in {str(folder)!r}; train with: colorstyle ablations run")
    numbers = effects.level_numbers(matrix) + effects.effect_numbers(matrix) + effects.matrix_attention_numbers(matrix)
    if long := read_matrix(folder.with_name(f"{folder.name}_long"), LONG):
        numbers += effects.level_numbers(long) + effects.effect_numbers(long)
    _merge(numbers, arguments.results)
    effects.print_effects(numbers)
    plt.style.use(paths.STYLE_FILE)
    figure = ablation_effects(*(effects.effects_in(numbers, scale) for scale in (SMALL, LONG)))
    figure.savefig(folder / "effects.png")
    print(folder / "effects.png")


def _attention(arguments: argparse.Namespace) -> None:
    from colorstyle_lib.paths import data_root
    from colorstyle_lib.reproduction.ablations.effects import attention_numbers
    from colorstyle_lib.reproduction.benchmarks.runner import print_numbers

    numbers = attention_numbers(data_root(arguments.data), weights=arguments.weights, limit=arguments.limit)
    _merge(numbers, arguments.results)
    print_numbers(numbers)


def _merge(numbers: Any, file: Path | None) -> None:
    """Numbers of real images go where the texts read them; those of the handful of demo photographs do not."""
    from colorstyle_lib import paths
    from colorstyle_lib.reproduction.results.store import RESULTS, merge_results

    merge_results(numbers, file or (paths.RUNS / "results.json" if numbers[0].data == "demo" else RESULTS))


def _claims(arguments: argparse.Namespace) -> int:
    import json
    import shutil

    from colorstyle_lib.paths import data_root
    from colorstyle_lib.reproduction.claims import recheck, table
    from colorstyle_lib.reproduction.claims.verdict import CLAIMS, judge_claims
    from colorstyle_lib.reproduction.results.store import RESULTS, read_results

    wanted = [name.upper() for name in arguments.ids]
    for name in wanted:
        check_known("claim", name, [claim.id for claim in CLAIMS])
    if arguments.data and not arguments.check:
        raise ConfigError("--data is for --check; the table itself needs none")
    file = arguments.results or RESULTS
    if arguments.results and not file.is_file():
        raise DataError(f"there is no file {str(file)!r}; leave --results out for figures/results.json")
    recorded = read_results(file)
    if arguments.check:  # COLORSTYLE_DATA alone does not start minutes of work
        now = recheck.recompute(data_root(arguments.data) if arguments.data else None)
        return _report(recheck.check_claims(recorded, now, wanted))
    judgements = judge_claims(recorded, [c for c in CLAIMS if not wanted or c.id in wanted])
    width = shutil.get_terminal_size((100, 24)).columns
    if arguments.json:
        print(json.dumps(table.as_facts(judgements), indent=1, ensure_ascii=False))
    elif arguments.markdown:
        print(table.as_markdown(judgements))
    elif wanted:
        print("\n\n".join(table.details(one, width) for one in judgements))
    else:
        print(table.as_text(judgements, width))
        print("\nOne claim in full: colorstyle claims C4. The numbers again: colorstyle claims --check.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.notebook_runner.publish import check_executed
    from colorstyle_lib.reproduction.figures.pages import check_pages
    from colorstyle_lib.reproduction.figures.registry import check_figures

    return _report(check_figures(arguments.names) + ([] if arguments.names else check_pages() + check_executed()))


def _report(checks: Sequence[Any]) -> int:
    """Print checks; exit status 1 where one differs."""
    for one in checks:
        print("\n".join(one.lines))
    differ, skipped = sum(bool(one.problems) for one in checks), sum(one.skipped for one in checks)
    print(f"{len(checks) - skipped} checked, {differ} differ, {skipped} not checked")
    return 1 if differ else 0
