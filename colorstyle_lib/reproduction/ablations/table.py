"""The matrix as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from colorstyle_lib.reproduction.ablations.configs import BASE, COMPARISONS
from colorstyle_lib.reproduction.ablations.effects import AGREES, CONTRADICTS, METRICS, Effect
from colorstyle_lib.reproduction.ablations.runs import Matrix
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL

_TABLE = (("psnr_ab", 2), ("colorfulness_ratio", 3), (KERNEL, 4), ("reference_psnr_ab", 2))
_SIGNS = {AGREES: "=", CONTRADICTS: "!"}


def print_effects(
    matrix: Matrix, effects: Sequence[Effect], longer: tuple[Matrix, Sequence[Effect]] | None = None
) -> None:
    """A row a comparison: its differences, a star where the interval leaves 0 out and all seeds agree.

    Below it, where the comparison was made again with longer trainings, theirs: ``=`` where they agree with a star,
    ``!`` where they contradict it.

    Args:
        matrix: from :func:`.read_matrix`.
        effects: from :func:`.effects_of`.
        longer: the same, of longer trainings.
    """
    print(f"{matrix.data}, n = {matrix.n}, {_cost(matrix)}")
    later = {}
    if longer is not None:
        print(
            f"below some: {longer[0].data}, n = {longer[0].n}, {_cost(longer[0])}; = agrees with a star, ! contradicts"
        )
        later = {(e.comparison, e.metric): e for e in longer[1]}
    print(f"{'':22}{'claim':6}{'seeds':6}{'steps':6}" + "".join(f"{METRICS[metric]:>32}" for metric, _ in _TABLE))
    for comparison in COMPARISONS.values():
        mine = {e.metric: e for e in effects if e.comparison == comparison}
        if not mine:
            continue
        stars = {metric: "*" if e.decided else "" for metric, e in mine.items()}
        start = f"{comparison.name:22}{comparison.claim:6}"
        print(start + _rest(matrix, mine, stars))
        again = {metric: later[comparison, metric] for metric in mine if (comparison, metric) in later}
        if again and longer is not None:
            signs = {metric: _SIGNS.get(mine[metric].compared_with(e), "") for metric, e in again.items()}
            print(f"{'  longer':28}{_rest(longer[0], again, signs)}")


def _cost(matrix: Matrix) -> str:
    return (
        f"each as dear as {matrix.lines[0]['budget']} steps of the base, {matrix.minutes(BASE):.2g} processor minutes"
    )


def _rest(matrix: Matrix, found: dict[str, Effect], signs: dict[str, str]) -> str:
    first = next(iter(found.values()))
    steps = matrix.steps(first.comparison.one[0])
    cells = (_cell(found[metric], digits, signs[metric]) if metric in found else "" for metric, digits in _TABLE)
    return f"{len(first.by_seed):<6}{steps:<6}" + "".join(f"{cell:>32}" for cell in cells)


def _cell(effect: Effect, digits: int, sign: str) -> str:
    e = effect.estimate
    return f"{e.value:+.{digits}f} [{e.low:+.{digits}f}, {e.high:+.{digits}f}]{sign or ' '}"
