"""The figures made of ``figures/results.json`` and the released weights' log: nothing is computed, all is looked up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from colorstyle_lib import paths
from colorstyle_lib.config import get_preset
from colorstyle_lib.errors import DataError
from colorstyle_lib.reproduction.ablations.budgets import LONG, SMALL
from colorstyle_lib.reproduction.ablations.numbers import recorded_effects
from colorstyle_lib.reproduction.benchmarks.coloring import ALL, KERNEL, SIZE
from colorstyle_lib.reproduction.benchmarks.metric_variants import ATLAS
from colorstyle_lib.reproduction.benchmarks.run_coloring import DEMO
from colorstyle_lib.reproduction.benchmarks.run_style import STYLE_PAIRS
from colorstyle_lib.reproduction.figures import intervals as figures_results
from colorstyle_lib.reproduction.figures.ablations import effects as draw_effects
from colorstyle_lib.reproduction.figures.intervals import Panel, intervals
from colorstyle_lib.reproduction.figures.metric_variants import metric_atlas as draw_atlas
from colorstyle_lib.reproduction.figures.sidecar import KeptFigure
from colorstyle_lib.reproduction.figures.style import pareto, recorded_distances, summaries_of
from colorstyle_lib.reproduction.results.store import Number, number, read_results

_DATA = (ALL, "scenes", "imagenet_sample", "paintings", DEMO)
_OPPONENTS = "as the panels say; kernel distance on EfficientNet-Lite0's features; intervals over pictures, 95 %"
_TRAINING = "PSNR ab, dB, and colorfulness over the real photographs', of the moving average of the weights"
_METHODS = ("released", "gray", "l1", "pix2pix", "bins", "ours")


def opponents() -> KeptFigure:
    """The released weights beside their opponents, by data set."""
    found = read_results()

    def of(metric: str) -> dict[str, dict[str, Number]]:
        return _by_method(found, metric, [data for data in _DATA if data != DEMO])

    panels = [
        Panel("PSNR ab, dB", of("psnr_ab")),
        Panel("CIEDE2000, less is better", of("ciede2000")),
        Panel("colorfulness, % of the real", of("colorfulness_ratio"), 100.0, 100.0),
        Panel("kernel distance, less is better", of(KERNEL), 0.0),
    ]
    return _drawn(
        panels,
        _OPPONENTS,
        columns=2,
        width=3.1,
    )


def steering() -> KeptFigure:
    """What a reference, hints and seeds are worth, and whether the model knows where it is guessing."""
    found = read_results()
    ratios = {
        "error with a reference\n/ without": "reference_error_over_automatic",
        "error with ten hints\n/ without": "hints_error_over_automatic",
        "best of 8 seeds\n/ best of 8 random shifts": "best_of_8_over_jitters",
        "error where least sure\n/ where surest": "error_unsure_over_sure",
    }
    panels = []
    for title, metric in ratios.items():
        released = _by_method(found, metric, _DATA, ["released"])
        panels.append(Panel(title, released, 1.0))
    metric = "ratios of ab errors (squared; root mean square in the last); intervals over pictures, 95 %"
    return _drawn(panels, metric, width=2.1)


def ablations() -> KeptFigure:
    """What each change of the recipe does to small trainings, and to longer ones where there are any."""
    known = read_results().values()
    found, longer = (recorded_effects(known, budget) for budget in (SMALL, LONG))
    if not found:
        raise DataError("there are no ablations in results.json yet")
    figure = draw_effects([e for e, _ in found.values()], longer=[e for e, _ in longer.values()])
    numbers = [number for _, number in (*found.values(), *longer.values())]
    metric = "paired differences of trainings, small and longer; intervals over pictures of the mean over seeds, 95 %"
    return KeptFigure(figure, metric, max(n.n for n in numbers), _facts(numbers))


def metric_atlas() -> KeptFigure:
    """The same outputs, and as many numbers as there are ways to measure them."""
    found = {key: one for key, one in read_results().items() if one.metric.startswith(ATLAS)}
    figure = draw_atlas(found)
    weights = next((one.weights for one in found.values() if one.weights), None)
    metric = "as the panels say; intervals over pictures, 95 %"
    return KeptFigure(figure, metric, max(n.n for n in found.values()), _facts(found.values()), weights=weights)


def training() -> KeptFigure:
    """How the released weights came about, evaluation by evaluation."""
    path = paths.WEIGHTS / "companion.log.jsonl"
    if not path.is_file():
        raise DataError("the released weights' log is not there")
    log = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    log = [one for one in log if "color" in one]  # the last run taught restyling alone, and left coloring as it was
    recorded = {metric: number(f"{ALL}/released/{metric}") for metric in ("psnr_ab", "colorfulness_ratio")}
    sides = get_preset("companion").training.crop, SIZE
    figure = figures_results.training(log, recorded, sides)
    facts = {f"{metric}, by evaluation": [one[metric] for one in log] for metric in recorded}
    last = recorded["psnr_ab"]
    facts |= _facts(recorded.values())
    return KeptFigure(
        figure,
        _TRAINING,
        last.n,
        facts,
        weights=last.weights,
    )


def style_pareto() -> KeptFigure:
    """What is given of the photograph for how much of the style, for every way to restyle that was measured."""
    found = recorded_distances(read_results(), STYLE_PAIRS)
    if not found:
        raise DataError("there are no numbers of style transfer in results.json yet")
    figure = pareto(summaries_of(found))
    metric = "style and content loss of VGG-19; intervals over paintings, 95 %"
    weights = next((one.weights for one in found if one.weights), None)
    return KeptFigure(figure, metric, max(n.n for n in found), _facts(found), weights=weights)


def _by_method(
    found: Mapping[str, Number], metric: str, rows: Sequence[str], methods: Sequence[str] = _METHODS
) -> dict[str, dict[str, Number]]:
    """By method and data set, where there is such a number; the rows say how many pictures."""
    table = {
        method: {
            f"{data} (n = {found[key].n})": found[key] for data in rows if (key := f"{data}/{method}/{metric}") in found
        }
        for method in methods
    }
    return {method: some for method, some in table.items() if some}


def _drawn(panels: Sequence[Panel], metric: str, *, width: float, columns: int | None = None) -> KeptFigure:
    figure = intervals(panels, columns=columns, width=width)
    numbers = [n for panel in panels for some in panel.numbers.values() for n in some.values()]
    weights = next((n.weights for n in numbers if n.method == "released"), None)
    return KeptFigure(figure, metric, max(n.n for n in numbers), _facts(numbers), weights=weights)


def _facts(numbers: Iterable[Number]) -> dict[str, list[float]]:
    """Value and interval by address."""
    return {n.key: [n.value, *(n.interval or ())] for n in numbers}
