"""One model or two specialists: what learning both tasks at once costs either, with equal trained weights and time.

:data:`colorstyle_lib.opponents_recipes.SPECIALISTS` says who they are and ``colorstyle opponents`` trains them. Here
their colorings and their restyled photographs are measured, each pair of methods on the same pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, channels_last

from colorstyle_lib.benchmark_colorize import ALL, SIZE, load_squares, measure_all, numbers_of
from colorstyle_lib.benchmark_style import Contender, run_benchmark
from colorstyle_lib.contestants import Contestant, contestant
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.evaluation_style import STYLE_PAIRS, style_numbers, stylizing
from colorstyle_lib.features import load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.metrics_style import StyleJudge
from colorstyle_lib.opponents_recipes import SPECIALISTS
from colorstyle_lib.pairs_style import SIZE as STYLE_SIZE
from colorstyle_lib.pairs_style import Pairs, validation_pairs
from colorstyle_lib.pipeline import ColorStyle
from colorstyle_lib.results import Number, Provenance, merge_results
from colorstyle_lib.statistics_bootstrap import bootstrap, ratio_of
from colorstyle_lib.targets import Target, verdicts

JOINT, COLOR, STYLE = SPECIALISTS

PAIRS = 84
"""Of a photograph and a painting, each of the 42 validation paintings twice: over these intervals are drawn."""

COLORING = (
    Target("coloring at most 0.3 dB (PSNR ab) below the specialist's", f"psnr_ab_minus_{COLOR}", low=-0.3),
    Target("at least 95 % of the specialist's colorfulness", f"colorfulness_over_{COLOR}", low=0.95),
)
RESTYLING = (Target("style distance not above the specialist's", f"style_style_minus_{STYLE}", high=0.0),)
"""What learning both at once may cost, set before the trainings: on all validation pictures, and on pairs."""


def evaluate_specialists(
    root: Path,
    folder: Path,
    *,
    output: Path,
    limit: int | None = None,
    size: int = STYLE_SIZE,
    resamples: int = 2000,
) -> list[Number]:
    """Measure the joint model and both specialists, keep the numbers, and print what they say.

    Args:
        root: a data root with photographs and ``paintings``.
        folder: with the folders of ``colorstyle opponents``.
        output: the results file; numbers that are not measured again stay in it.
        limit: pictures of each data set, and pairs; by default all pictures, and :data:`PAIRS`.
        size: side of the pairs' squares, in pixels.
        resamples: of the bootstrap of colorings.

    Returns:
        Everybody's numbers, and what the joint model differs by from each specialist, paired.

    Raises:
        WeightsError: one is not trained yet, or VGG-19's weights are missing. DataError: too few pictures.
        MissingExtraError: a package is not installed.
    """
    files = {name: folder / name / f"{name}.safetensors" for name in SPECIALISTS}
    if missing := [name for name, file in files.items() if not file.is_file()]:
        raise WeightsError(f"not trained yet: {', '.join(missing)}; run: colorstyle opponents {' '.join(SPECIALISTS)}")
    methods = {name: _with_steps(contestant(name, file), file.parent) for name, file in files.items()}
    command = f"colorstyle evaluate --specialists --data ROOT{f' --limit {limit}' if limit else ''}"
    provenance = Provenance.here(command, "quick" if limit else "full")
    squares = load_squares(root, SIZE, limit)
    numbers = color_numbers(methods[JOINT], methods[COLOR], squares, provenance, resamples=resamples)
    merge_results(numbers, output)  # before minutes of restyling
    pairs = validation_pairs(root, limit or PAIRS, size=size)
    numbers += restyling_numbers(methods[JOINT], methods[STYLE], pairs, provenance, folder / "specialists.jsonl")
    merge_results(numbers, output)
    by_key, data = {n.key: n for n in numbers}, ALL if len(squares) > 1 else next(iter(squares))
    for where, targets in ((data, COLORING), (STYLE_PAIRS, RESTYLING)):
        for verdict in verdicts(by_key, JOINT, where, targets):
            print(verdict.line)
    return numbers


def color_numbers(
    one: Contestant,
    other: Contestant,
    squares: Mapping[str, Float[Tensor, "n 3 h w"]],
    provenance: Provenance,
    *,
    resamples: int = 2000,
) -> list[Number]:
    """Colorings of all data sets together: every metric of both, paired differences, and the ratio of colorfulness.

    Args:
        one: in question.
        other: it is compared with.
        squares: from :func:`colorstyle_lib.benchmark_colorize.load_squares`.
        provenance: of the run.
        resamples: of the bootstrap.
    """
    network, measured = measure_all([one, other], squares)
    data, (found, real) = list(measured.items())[-1]
    facts = {"data": data, "network": network, "provenance": provenance, "resamples": resamples}
    ours, theirs = (found[method.name]["colorfulness"] for method in (one, other))
    ratio = Number.of(
        f"colorfulness_over_{other.name}",
        one.name,
        data,
        bootstrap(ratio_of(ours, theirs), len(ours), resamples=resamples),
        provenance,
        weights=one.weights,
        seeds=one.seeds,
        note=f"mean colorfulness over the other's, paired over pictures; squares at {SIZE} px; {one.note}",
    )
    return [*numbers_of([one, other], found, real, **facts), ratio]


def restyling_numbers(
    one: Contestant, other: Contestant, pairs: Pairs, provenance: Provenance, log: Path
) -> list[Number]:
    """Photographs restyled by both: their distances, and paired differences.

    Args:
        one: in question; ours, with restyling levels, as the other.
        other: it is compared with.
        pairs: the same for both.
        provenance: of the run.
        log: what it holds is not done again.
    """
    judge = StyleJudge(load_vgg19().to(memory_format=channels_last), pretrained_efficientnet_lite0())
    # Names with hashes keep apart what the log holds of other trainings.
    contenders = {f"{method.name} {method.weights}": method for method in (one, other)}
    trials = run_benchmark([_contender(name, method) for name, method in contenders.items()], pairs, judge, log)
    named = [replace(trial, name=contenders[trial.name].name) for trial in trials]
    by_name = {method.name: method for method in (one, other)}
    return [
        replace(number, weights=method.weights, seeds=method.seeds, note=f"{number.note}; {method.note}")
        for number in style_numbers(named, one.name, [_contender(other.name, other)], provenance)
        if (method := by_name[number.method])
    ]


def _contender(name: str, method: Contestant) -> Contender:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return stylizing(ColorStyle(method.generator, method.weights or "", device), name)


def _with_steps(method: Contestant, folder: Path) -> Contestant:
    """How many steps its time was enough for: so a reader sees that all had about as many."""
    last = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    return replace(method, note=f"{method.note}, in {json.loads(last)['step']} steps")
