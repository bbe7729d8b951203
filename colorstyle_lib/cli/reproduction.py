"""The commands that make numbers, figures and verdicts again: benchmarks, ablations, claims, figures."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from json import dumps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError, check_known, require
from colorstyle_lib.paths import data_root
from colorstyle_lib.reproduction.ablations import effects
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, LONG, SMALL
from colorstyle_lib.reproduction.ablations.run import PICTURES, load_material, read_matrix, run_matrix
from colorstyle_lib.reproduction.benchmarks import coloring, generation, imagenet, repair, style, unified_vs_specialists
from colorstyle_lib.reproduction.benchmarks.flicker import evaluate_clips
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Run, load_squares, print_numbers, print_table
from colorstyle_lib.reproduction.claims import recheck, table
from colorstyle_lib.reproduction.claims.verdict import CLAIMS, judge_claims
from colorstyle_lib.reproduction.results.store import RESULTS, merge_results, read_results

_REFUSED = {  # by benchmark, which is an option of its own, the options that it does not take
    "style": ("demo", "opponents", "datasets", "peer", "knob"),
    "repair": ("demo", "opponents", "peer", "knob"),
    "clips": ("demo", "opponents", "datasets", "data", "peer", "knob"),
    "specialists": ("demo", "weights", "name", "datasets", "peer", "knob"),
    "generation": ("demo", "datasets", "peer", "knob"),
    "protocol": ("demo", "opponents", "datasets", "knob"),
    "demo": ("data",),
}


def evaluate(**options: Any) -> None:
    """Measure weights and opponents by one benchmark, coloring by default, and print its numbers."""
    asked = SimpleNamespace(**options)
    require(asked.limit is None or asked.limit >= 2, f"--limit wants at least 2 pictures, not {asked.limit}")
    benchmark = next((name for name in _REFUSED if options[name] not in (None, False)), "coloring")
    refused = _REFUSED.get(benchmark, ()) + ("opponents",) * bool(asked.specialists)
    for option in refused:
        require(not options[option], f"--{benchmark} does not go with --{option}; leave one of them out")
    needless = benchmark in ("demo", "clips")
    roots = None if needless else [data_root(one, needed_for="measuring") for one in asked.data or [""]]
    root = roots and roots[0]
    require(len(asked.data) < 2 or benchmark in ("coloring", "repair"), f"--{benchmark} measures on one data root")
    output = asked.output or (paths.RUNS / "results.json" if asked.limit else RESULTS)
    run = Run(output, asked.weights, asked.name, asked.limit, asked.datasets, asked.together, asked.peer, asked.knob)
    baselines = asked.opponents or paths.RUNS / "opponents"
    if benchmark == "style":
        most = asked.limit or style.PAIRS
        require(0 <= asked.optimize <= most, f"--optimize wants 0 to {most} pairs, not {asked.optimize}")
        style.evaluate_style(root, run, optimized=asked.optimize)
    elif benchmark == "protocol":
        imagenet.evaluate_imagenet(root, run)
    elif benchmark == "clips":
        print_numbers(evaluate_clips(run))
    elif benchmark == "repair":
        print_numbers(repair.evaluate_repair(load_squares(roots, repair.SIDE, asked.limit, asked.datasets), run))
    elif benchmark == "generation":
        print_numbers(generation.evaluate_generation(root, run, baselines))
    elif benchmark == "specialists":
        numbers = unified_vs_specialists.evaluate_specialists(root, asked.specialists or [baselines], run)
        print_numbers([one for one in numbers if "_over_" in one.metric or "_minus_" in one.metric])
    else:
        numbers = coloring.evaluate_coloring(roots, run, baselines)
        print_table(numbers, NOTES["table"])
        print_numbers([one for one in numbers if "_over_" in one.metric])


def list_ablations() -> None:
    """Print what each member of the ablations changes."""
    for member in ABLATIONS.values():
        told = f"{member.changes} (against {member.against})" if member.claim else "what the others are compared with"
        print(f"{member.name:22}{member.claim:4} {told}")


def run_ablations(
    names: Sequence[str], data: str, long: bool, pictures: int | None, output: Path | None, **asked: int | None
) -> None:
    """Train and measure members of the ablations that are not in their log yet; ``asked`` are steps and seeds."""
    for name in names:  # before pictures are read
        check_known("ablation", name, ABLATIONS)
    scale = LONG if long else SMALL
    folder = output or paths.RUNS / scale.folder
    material = load_material(data_root(data), pictures=pictures or PICTURES)
    chosen = {name: given or getattr(scale, name) for name, given in ({"members": names} | asked).items()}
    lines = run_matrix(*material, folder, replace(scale, **chosen))
    print(f"{len(lines)} trainings in {folder}; what they say: colorstyle ablations show")


def show_ablations(output: Path | None, results: Path | None) -> None:
    """Print what the ablations say, and write their numbers and a figure."""
    from matplotlib import pyplot as plt

    from colorstyle_lib.reproduction.figures.from_results import ablation_effects

    folder = output or paths.RUNS / SMALL.folder
    if (matrix := read_matrix(folder)) is None:
        raise DataError(f"no run of the base in {str(folder)!r}; train with: colorstyle ablations run")
    numbers = effects.level_numbers(matrix) + effects.effect_numbers(matrix) + effects.matrix_attention_numbers(matrix)
    if long := read_matrix(folder.with_name(f"{folder.name}_long"), LONG):
        numbers += effects.level_numbers(long) + effects.effect_numbers(long)
    _merge(numbers, results)
    effects.print_effects(numbers)
    plt.style.use(paths.STYLE_FILE)
    figure = ablation_effects(*(effects.effects_in(numbers, scale) for scale in (SMALL, LONG)))
    figure.savefig(folder / "effects.png")
    print(folder / "effects.png")


def try_attention(data: str, weights: Path | None, limit: int, results: Path | None) -> None:
    """Measure the attention of weights, and print its numbers."""
    numbers = effects.attention_numbers(data_root(data), weights=weights, limit=limit)
    _merge(numbers, results)
    print_numbers(numbers)


def _merge(numbers: Any, file: Path | None) -> None:
    """Numbers of real images go where the texts read them; those of the handful of demo photographs do not."""
    merge_results(numbers, file or (paths.RUNS / "results.json" if numbers[0].data == "demo" else RESULTS))


def claims(ids: Sequence[str], markdown: bool, json: bool, check: bool, results: Path | None, data: str) -> int:
    """Print claims with their verdicts, or compute their numbers again; 1 where one has drifted."""
    wanted = [name.upper() for name in ids]
    for name in wanted:
        check_known("claim", name, [claim.id for claim in CLAIMS])
    require(check or not data, "--data is for --check; the table itself needs none")
    file = results or RESULTS
    there = not results or file.is_file()
    require(there, f"there is no file {str(file)!r}; leave --results out for figures/results.json", DataError)
    recorded = read_results(file)
    if check:  # COLORSTYLE_DATA alone does not start minutes of work
        now = recheck.recompute(data_root(data) if data else None)
        return _report(recheck.check_claims(recorded, now, wanted))
    judgements = judge_claims(recorded, [c for c in CLAIMS if not wanted or c.id in wanted])
    width = shutil.get_terminal_size((100, 24)).columns
    if json:
        print(dumps(table.as_facts(judgements), indent=1, ensure_ascii=False))
    elif markdown:
        print(table.as_markdown(judgements))
    elif wanted:
        print("\n\n".join(table.details(one, width) for one in judgements))
    else:
        print(table.as_text(judgements, width))
        print("\nOne claim in full: colorstyle claims C4. The numbers again: colorstyle claims --check.")
    return 0


def check_figures(names: Sequence[str]) -> int:
    """Compute again what figures show, and without names what pages and executed notebooks hold; 1 where it differs."""
    from colorstyle_lib.notebook_runner.publish import check_executed
    from colorstyle_lib.reproduction.figures import registry
    from colorstyle_lib.reproduction.figures.pages import check_pages

    return _report(registry.check_figures(names) + ([] if names else check_pages() + check_executed()))


def _report(checks: Sequence[Any]) -> int:
    """Print checks; exit status 1 where one differs."""
    for one in checks:
        print("\n".join(one.lines))
    differ, skipped = sum(bool(one.problems) for one in checks), sum(one.skipped for one in checks)
    print(f"{len(checks) - skipped} checked, {differ} differ, {skipped} not checked")
    return 1 if differ else 0
