"""One evaluation from start to end: weights and opponents in, numbers in a results file out, and a table to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.inference.colorstyle import RELEASED
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, contestant
from colorstyle_lib.reproduction.baselines.train import RECIPES
from colorstyle_lib.reproduction.benchmarks.coloring import (
    FRECHET,
    KERNEL,
    PERCEPTUAL,
    SIZE,
    evaluate_colorization,
    load_squares,
)
from colorstyle_lib.reproduction.benchmarks.steering import HALVED, evaluate_steering
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results
from colorstyle_lib.training.validation_samples import demo_squares

DEMO = "demo"
"""The name of the demo photographs among data sets."""

_COLUMNS = (  # metric, heading, digits, scale
    ("colorfulness_ratio", "colorfulness %", 1, 100.0),
    ("psnr_ab", "PSNR ab dB", 2, 1.0),
    ("ciede2000", "CIEDE2000", 2, 1.0),
    (KERNEL, "kernel x 1000", 2, 1000.0),
    (PERCEPTUAL, "perceptual x 100", 2, 100.0),
    ("ab_histogram", "ab histogram %", 1, 100.0),
    (FRECHET, "Fréchet", 2, 1.0),
)


def evaluate_weights(
    root: Path | None,
    *,
    output: Path,
    weights: Path | None = None,
    name: str | None = None,
    opponents: Path | None = None,
    limit: int | None = None,
    resamples: int = 2000,
) -> list[Number]:
    """Measure weights beside every opponent there is, on each data set's val pictures, and keep the numbers.

    Args:
        root: a data root; None for the demo photographs, which everybody has.
        output: the results file; numbers that are not measured again stay in it.
        weights: a ``.safetensors`` file; by default the released ones.
        name: what their numbers are called; by default ``released``, or the file's own name.
        opponents: folder with the folders of ``colorstyle opponents``; those that are not there are left out.
        limit: pictures of each data set; by default all.
        resamples: of the bootstrap.

    Returns:
        The numbers, the method in question first.

    Raises:
        WeightsError: missing or damaged weights. DataError: no val pictures, or a damaged results file.
        MissingExtraError: the package that carries demo photographs is not installed.
    """
    name = name or ("released" if weights is None else weights.stem)
    file = weights or paths.WEIGHTS / f"{RELEASED}.safetensors"
    methods = [contestant(name, file), GRAY, *_trained(opponents)]
    chosen = f" --weights {file.name} --name {name}" if weights is not None else ""
    limited = f" --limit {limit}" if limit else ""
    command = f"colorstyle evaluate{chosen} {'--data ROOT' if root else '--demo'}{limited}"
    provenance = Provenance.here(command, "full" if root and not limit else "quick")
    numbers = evaluate_colorization(methods, _squares(root, SIZE, limit), provenance, resamples=resamples)
    merge_results(numbers, output)
    subject = methods[0]
    if subject.generator is not None:
        squares = _squares(root, subject.generator.config.working_size, limit)
        halved = _squares(root, HALVED, limit)
        steered = evaluate_steering(subject, squares, halved, provenance, resamples=resamples)
        merge_results(steered, output)
        numbers += steered
    return numbers


def _squares(root: Path | None, size: int, limit: int | None) -> dict[str, Float[Tensor, "n 3 _ _"]]:
    if root is not None:
        return load_squares(root, size, limit)
    squares = demo_squares(size)
    if squares is None:
        raise MissingExtraError("a package with demo photographs", "tutorial")
    return {DEMO: squares[:limit]}


def _trained(folder: Path | None) -> list[ColorMethod]:
    files = {name: folder / name / f"{name}.safetensors" for name in RECIPES} if folder is not None else {}
    return [contestant(name, file) for name, file in files.items() if file.is_file()]


def print_summary(numbers: Sequence[Number]) -> None:
    """A table for each data set, and what steering is worth."""
    for data in dict.fromkeys(n.data for n in numbers):
        mine = [n for n in numbers if n.data == data]
        print(f"\n{data}, n = {mine[0].n}")
        print(f"{'':10}" + "".join(f"{heading:>24}" for _, heading, _, _ in _COLUMNS))
        for method in dict.fromkeys(n.method for n in mine):
            row = [n for n in mine if n.method == method and "_minus_" not in n.metric]
            print(f"{method:10}" + "".join(f"{_cell(row, *column):>24}" for column in _COLUMNS))
        for n in mine:
            if n.note and not any(n.metric.startswith(column[0]) for column in _COLUMNS) and "over" in n.metric:
                print(f"  {n.method}: {n.metric} {n.text(3)}")


def _cell(row: Sequence[Number], metric: str, heading: str, digits: int, scale: float) -> str:
    return next((n.text(digits, scale) for n in row if n.metric.startswith(metric)), "")
