"""Style transfer from start to end: weights and opponents in, numbers in a results file out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, channels_last

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.style import StyleJudge
from colorstyle_lib.model.pretrained import load_vgg19, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.benchmarks.modality_only import WORDS_PAIRS, distances_to_styles, words_numbers
from colorstyle_lib.reproduction.benchmarks.style import (
    StyleMethod,
    Trial,
    compare,
    named,
    numbers_of,
    opponents,
    optimization,
    run_benchmark,
    summarize,
    table,
)
from colorstyle_lib.reproduction.benchmarks.style_pairs import PAIRS, SIZE, validation_pairs
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results

STYLE_PAIRS = "style_pairs"
"""The name of the benchmark's pairs of a photograph and a painting among data sets."""

STRENGTHS = (0.25, 0.5, 0.75, 0.9, 1.0)


def evaluate_style(
    root: Path,
    *,
    output: Path,
    weights: Path | None = None,
    name: str | None = None,
    log: Path | None = None,
    pairs: int = PAIRS,
    size: int = SIZE,
    optimized: int = 0,
) -> list[Number]:
    """Let weights and every opponent restyle the same pairs, keep the numbers, and print the table.

    Args:
        root: a data root with photographs and ``paintings``.
        output: the results file; numbers that are not measured again stay in it.
        weights: a ``.safetensors`` file; by default the released ones. Those that only color are left out.
        name: what their numbers are called; by default ``released``, or the file's own name.
        log: each result is added to it at once, and what it holds is not done again; by default
            ``runs/style_benchmark.jsonl``. Results of other weights in it do not count.
        pairs: how many.
        size: side of the squares, in pixels.
        optimized: on the first so many pairs the optimization, too, which takes minutes for each.

    Returns:
        Every contender's distances, what the weights differ by from each opponent, and, where a style has all three,
        how far pictures that took one modality alone went in each.

    Raises:
        WeightsError: missing weights, of ours or of VGG-19. DataError: too few pictures. MissingExtraError: a package
        is not installed.
    """
    model = ColorStyle.load(weights)
    name = name or ("released" if weights is None else weights.stem)
    ours = _ours(model) if model.generator.config.restyling else []
    judge = StyleJudge(load_vgg19().to(memory_format=channels_last), pretrained_efficientnet_lite0())
    chosen = validation_pairs(root, pairs, size=size)
    others = opponents()
    log = log or paths.RUNS / "style_benchmark.jsonl"
    trials = run_benchmark([*others, *ours], chosen, judge, log)
    if optimized:
        others.append(optimization())
        trials += run_benchmark(others[-1:], validation_pairs(root, optimized, size=size), judge, log)
    limited = f" --limit {pairs}" if pairs != PAIRS else ""
    slow = f" --optimize {optimized}" if optimized else ""
    picked = f" --weights {weights.name} --name {name}" if weights is not None else ""
    provenance = Provenance.here(f"colorstyle evaluate --style{picked} --data ROOT{limited}{slow}", _mode(pairs))
    called = {contender.name: name for contender in ours}
    numbers = style_numbers(
        [replace(trial, name=called.get(trial.name, trial.name)) for trial in trials], name, others, provenance
    )
    numbers = [replace(n, weights=model.weights_hash) if n.method.partition(" at ")[0] == name else n for n in numbers]
    merge_results(numbers, output)
    print(table(summarize(trials)))
    if ours:
        few = validation_pairs(root, min(pairs, WORDS_PAIRS, len(chosen.styles)), size=size)
        try:
            words = words_numbers(distances_to_styles(model, few), name, STYLE_PAIRS, provenance)
        except DataError as error:
            print(f"not measured, what one modality alone does: {error}", file=sys.stderr)
            return numbers
        words = [replace(n, weights=model.weights_hash) for n in words]
        merge_results(words, output)
        numbers += words
    return numbers


def style_numbers(
    trials: Sequence[Trial], name: str, others: Sequence[StyleMethod], provenance: Provenance
) -> list[Number]:
    """Distances of everybody, and paired differences of one contender at each strength from each of the others.

    Args:
        trials: of all.
        name: the contender in question; it may be missing.
        others: whom it is compared with.
        provenance: of the run.
    """
    numbers = numbers_of(summarize(trials), STYLE_PAIRS, provenance)
    note = "paired over pairs; less is better; interval over paintings"
    return numbers + [
        Number.of(
            f"style_{measure}_minus_{other.name}",
            named(name, strength),
            STYLE_PAIRS,
            estimate,
            provenance,
            note=note,
        )
        for strength in sorted({trial.strength for trial in trials if trial.name == name})
        for other in others
        for measure, estimate in compare(trials, (name, strength), (other.name, other.strength)).items()
    ]


def _ours(model: ColorStyle) -> list[StyleMethod]:
    """At each strength; the hash in the name keeps other weights' results in the log apart."""
    return [stylizing(model, f"ours {model.weights_hash[:8]}", strength) for strength in STRENGTHS]


def stylizing(model: ColorStyle, name: str, strength: float = 1.0) -> StyleMethod:
    """A model of ours that restyles, as a contender."""

    def restyle(content: Float[Tensor, "1 3 h w"], style: Float[Tensor, "1 3 h2 w2"]) -> Float[Tensor, "1 3 h w"]:
        return to_tensor(model.stylize(content[0], style[0], strength=strength).image)[None]

    return StyleMethod(name, restyle, strength)


def _mode(pairs: int) -> str:
    return "full" if pairs == PAIRS else "quick"
