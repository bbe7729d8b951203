"""One model or two specialists: what learning both tasks at once costs either, with equal trained weights and time.

:data:`.SPECIALISTS` says who they are and ``colorstyle opponents`` trains them. Here
their colorings and their restyled photographs are measured, each pair of methods on the same pictures.

Of several seeds a number is the mean, and a model is compared with the specialist of its own seed. An interval tells
what other pictures would change; what another seed would, the seeds' own values tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
from jaxtyping import Float
from torch import Tensor, channels_last

from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import bootstrap, mean_over, ratio_of
from colorstyle_lib.metrics.style import StyleJudge, StyleScores
from colorstyle_lib.model.pretrained import load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS
from colorstyle_lib.reproduction.benchmarks.coloring import SIZE, load_squares, measure_all, numbers_of
from colorstyle_lib.reproduction.benchmarks.run_style import style_numbers, stylizing
from colorstyle_lib.reproduction.benchmarks.specialists_train import read_trainings
from colorstyle_lib.reproduction.benchmarks.style import MEASURES, StyleMethod, Trial, run_benchmark
from colorstyle_lib.reproduction.benchmarks.style_pairs import SIZE as STYLE_SIZE
from colorstyle_lib.reproduction.benchmarks.style_pairs import Pairs, validation_pairs
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

JOINT, COLOR, STYLE = SPECIALISTS

PAIRS = 84
"""Of a photograph and a painting, each of the 42 validation paintings twice: over these intervals are drawn."""

Trained = ColorMethod | Sequence[ColorMethod]
"""A method, or its trainings with several seeds, each of which meets the other method's in the same place."""


def evaluate_specialists(
    root: Path,
    *folders: Path,
    output: Path,
    limit: int | None = None,
    size: int = STYLE_SIZE,
    resamples: int = 2000,
) -> list[Number]:
    """Measure the joint model and both specialists, and keep the numbers.

    Args:
        root: a data root with photographs and ``paintings``.
        folders: each with the folders of ``colorstyle opponents``, and of another seed. The first keeps what was
            restyled, which is not done again.
        output: the results file; numbers that are not measured again stay in it.
        limit: pictures of each data set, and pairs; by default all pictures, and :data:`PAIRS`.
        size: side of the pairs' squares, in pixels.
        resamples: of the bootstrap of colorings.

    Returns:
        Everybody's numbers, and what the joint model differs by from each specialist, paired.

    Raises:
        WeightsError: see :func:`.read_trainings`, or VGG-19's weights are missing.
        DataError: too few pictures. MissingExtraError: a package is not installed.
    """
    methods = read_trainings(folders)
    several = "".join(f" SEED{seed}" for one in methods[JOINT] for seed in one.seeds) if len(folders) > 1 else ""
    command = f"colorstyle evaluate --specialists{several} --data ROOT{f' --limit {limit}' if limit else ''}"
    provenance = Provenance.here(command, "quick" if limit else "full")
    squares = load_squares(root, SIZE, limit)
    colorings = partial(color_numbers, squares=squares, provenance=provenance, resamples=resamples)
    numbers = _with_seeds(colorings, methods[JOINT], methods[COLOR])
    merge_results(numbers, output)  # before minutes of restyling
    pairs = validation_pairs(root, limit or PAIRS, size=size)
    restylings = partial(restyling_numbers, pairs=pairs, provenance=provenance, log=folders[0] / "specialists.jsonl")
    numbers += _with_seeds(restylings, methods[JOINT], methods[STYLE])
    merge_results(numbers, output)
    return numbers


def _with_seeds(
    measure: Callable[[Sequence[ColorMethod], Sequence[ColorMethod]], list[Number]],
    ones: Sequence[ColorMethod],
    others: Sequence[ColorMethod],
) -> list[Number]:
    """Numbers of all trainings together, each with its value in every single one."""
    numbers = measure(ones, others)
    if len(ones) == 1:
        return numbers
    # Nothing is colored or restyled again: what was measured is recalled.
    alone = [measure([one], [other]) for one, other in zip(ones, others, strict=True)]
    return [
        replace(number, by_seed=tuple(one.value for one in each)) for number, *each in zip(numbers, *alone, strict=True)
    ]


def color_numbers(
    one: Trained,
    other: Trained,
    squares: Mapping[str, Float[Tensor, "n 3 h w"]],
    provenance: Provenance,
    *,
    resamples: int = 2000,
) -> list[Number]:
    """Colorings of all data sets together: every metric of both, paired differences, and the ratio of colorfulness.

    Args:
        one: in question.
        other: it is compared with.
        squares: from :func:`.load_squares`.
        provenance: of the run.
        resamples: of the bootstrap.
    """
    ones, others = _trainings(one), _trainings(other)
    measured = [measure_all(pair, squares) for pair in zip(ones, others, strict=True)]
    network, data = measured[0][0], list(measured[0][1])[-1]
    last = [by_data[data] for _, by_data in measured]
    ours, theirs = methods = _together(ones), _together(others)
    found = {method.name: [columns[method.name] for columns, _ in last] for method in methods}
    facts = {"data": data, "network": network, "provenance": provenance, "resamples": resamples}
    colorful = ([columns["colorfulness"] for columns in found[method.name]] for method in methods)
    ratio = mean_over([ratio_of(*values) for values in zip(*colorful, strict=True)])
    real = last[0][1]
    over = Number.of(
        f"colorfulness_over_{theirs.name}",
        ours.name,
        data,
        bootstrap(ratio, len(real["colorfulness"]), resamples=resamples),
        provenance,
        weights=ours.weights,
        seeds=ours.seeds,
        note=f"mean colorfulness over the other's, paired over pictures; squares at {SIZE} px; {ours.note}",
    )
    return [*numbers_of(methods, found, real, **facts), over]


def restyling_numbers(one: Trained, other: Trained, pairs: Pairs, provenance: Provenance, log: Path) -> list[Number]:
    """Photographs restyled by both: their distances, and paired differences.

    Args:
        one: in question; ours, with restyling levels, as the other.
        other: it is compared with.
        pairs: the same for both.
        provenance: of the run.
        log: what it holds is not done again.
    """
    ones, others = _trainings(one), _trainings(other)
    judge = StyleJudge(load_vgg19().to(memory_format=channels_last), pretrained_efficientnet_lite0())
    # Names with hashes keep apart what the log holds of other trainings.
    contenders = {f"{method.name} {method.weights}": method for method in (*ones, *others)}
    trials = run_benchmark([_contender(name, method) for name, method in contenders.items()], pairs, judge, log)
    means = _mean_trials([replace(trial, name=contenders[trial.name].name) for trial in trials])
    by_name = {method.name: method for method in (_together(ones), _together(others))}
    return [
        replace(number, weights=method.weights, seeds=method.seeds, note=f"{number.note}; {method.note}")
        for number in style_numbers(means, ones[0].name, [_contender(others[0].name, others[0])], provenance)
        if (method := by_name[number.method])
    ]


def _trainings(method: Trained) -> list[ColorMethod]:
    return [method] if isinstance(method, ColorMethod) else list(method)


def _together(trainings: Sequence[ColorMethod]) -> ColorMethod:
    """For its name and what is told of it, not to be run."""
    first, *more = trainings
    return replace(first, weights=None, seeds=tuple(s for one in trainings for s in one.seeds)) if more else first


def _mean_trials(trials: Sequence[Trial]) -> list[Trial]:
    """One a method and pair: the mean over its trainings."""
    grouped: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        grouped.setdefault((trial.name, trial.content, trial.style), []).append(trial)
    return [
        replace(some[0], scores=StyleScores(**{m: fmean(getattr(t.scores, m) for t in some) for m in MEASURES}))
        for some in grouped.values()
    ]


def _contender(name: str, method: ColorMethod) -> StyleMethod:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return stylizing(ColorStyle(method.generator, method.weights or "", device), name)
