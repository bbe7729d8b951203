"""The figures made of ``figures/results.json`` and the released weights' log: nothing is computed, all is looked up."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from colorstyle_lib import paths
from colorstyle_lib.config import get_preset
from colorstyle_lib.errors import DataError
from colorstyle_lib.reproduction.ablations.configs import LONG, SMALL
from colorstyle_lib.reproduction.ablations.effects import effects_in
from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL, SIZE
from colorstyle_lib.reproduction.benchmarks.runner import ALL, DEMO
from colorstyle_lib.reproduction.benchmarks.style import MEASURES
from colorstyle_lib.reproduction.figures import plots
from colorstyle_lib.reproduction.figures.plots import Distances, KeptFigure, Panel
from colorstyle_lib.reproduction.results.store import Number, read_results

_DATA = (ALL, "scenes", "imagenet_sample", "paintings")
_METHODS = ("released", "gray", "l1", "pix2pix", "bins", "ours")
_RATIOS = {
    "error with a reference\n/ without": "reference_error_over_automatic",
    "error with ten hints\n/ without": "hints_error_over_automatic",
    "best of 8 seeds\n/ best of 8 random shifts": "best_of_8_over_jitters",
    "error where least sure\n/ where surest": "error_unsure_over_sure",
}


def opponents() -> KeptFigure:
    """The released weights beside the baselines, by data set."""
    panels = [
        Panel("PSNR ab, dB", _table("psnr_ab")),
        Panel("CIEDE2000, less is better", _table("ciede2000")),
        Panel("colorfulness, % of the real", _table("colorfulness_ratio"), 100.0, 100.0),
        Panel("kernel distance, less is better", _table(KERNEL), 0.0),
    ]
    what = "as the panels say; kernel distance on EfficientNet-Lite0's features"
    return _dots(panels, what, columns=2, width=3.1)


def steering() -> KeptFigure:
    """The effect of a reference, hints and seeds on the error, and the error by predicted uncertainty."""
    panels = [Panel(title, _table(metric, (*_DATA, DEMO), ("released",)), 1.0) for title, metric in _RATIOS.items()]
    return _dots(panels, "ratios of ab errors (squared; root mean square in the last)", width=2.1)


def ablations() -> KeptFigure:
    """The effect of each change of the recipe on small trainings, and on longer ones where there are any."""
    known = read_results().values()
    found, longer = (effects_in(known, scale) for scale in (SMALL, LONG))
    if not found:
        raise DataError("there are no ablations in results.json yet")
    metric = "paired differences of trainings, small and longer; intervals over pictures of the mean over seeds, 95 %"
    return _kept(plots.ablation_effects(found, longer), [*found.values(), *longer.values()], metric)


def training() -> KeptFigure:
    """The training of the released weights, evaluation by evaluation."""
    path = paths.WEIGHTS / "companion.log.jsonl"
    if not path.is_file():
        raise DataError("the released weights' log is not there")
    log = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    log = [one for one in log if "color" in one]  # the last run taught restyling alone, and left coloring as it was
    found = read_results()
    recorded = {metric: found[f"{ALL}/released/{metric}"] for metric in ("psnr_ab", "colorfulness_ratio")}
    figure = plots.training_curves(log, recorded, (get_preset("companion").training.crop, SIZE))
    metric = "PSNR ab, dB, and colorfulness over the real photographs', of the moving average of the weights"
    curves = {f"{name}, by evaluation": [one[name] for one in log] for name in recorded}
    return _kept(figure, list(recorded.values()), metric, curves)


def style_pareto() -> KeptFigure:
    """Distance from the photograph against distance from the style, for every way to restyle that was measured."""
    found = style_distances(read_results())
    if not found:
        raise DataError("there are no numbers of style transfer in results.json yet")
    metric = "style and content loss of VGG-19; intervals over paintings, 95 %"
    return _kept(plots.pareto(found), [one for some in found.values() for one in some.values()], metric)


def style_distances(numbers: Mapping[str, Number], data: str = "style_pairs") -> dict[tuple[str, float], Distances]:
    """Distances of restyled photographs, by measure, of each method and strength that has those to content and style.

    Short trainings are left out: they are compared with each other alone. ``numbers`` are by address, as from
    :func:`.read_results`, and ``data`` is the set of pairs of a photograph and a style.
    """
    found: dict[tuple[str, float], Distances] = {}
    for one in numbers.values():
        prefix, _, measure = one.metric.partition("_")
        known = prefix == "style" and measure in MEASURES and one.interval is not None
        if known and one.data == data and one.method not in SPECIALISTS:
            name, strength = re.fullmatch(r"(.*?)(?: at ([\d.]+))?", one.method).groups()
            found.setdefault((name, float(strength or 1)), {})[measure] = one
    return {key: some for key, some in found.items() if {"content", "style"} <= some.keys()}


def _table(metric: str, rows: Sequence[str] = _DATA, methods: Sequence[str] = _METHODS) -> dict[str, dict[str, Number]]:
    """Numbers by method and data set, where there are any; the rows say how many pictures."""
    found = read_results()
    table = {m: {row: found[f"{row}/{m}/{metric}"] for row in rows if f"{row}/{m}/{metric}" in found} for m in methods}
    return {m: {f"{row} (n = {one.n})": one for row, one in some.items()} for m, some in table.items() if some}


def _dots(panels: Sequence[Panel], what: str, **options: Any) -> KeptFigure:
    numbers = [n for panel in panels for some in panel.numbers.values() for n in some.values()]
    return _kept(plots.intervals(panels, **options), numbers, f"{what}; intervals over pictures, 95 %")


def _kept(
    figure: Figure, numbers: Sequence[Number], metric: str, facts: Mapping[str, list[float]] | None = None
) -> KeptFigure:
    """A figure with its numbers, value and interval by address, as facts beside others."""
    weights = next((n.weights for n in numbers if n.method.startswith("released")), None)
    drawn = {n.key: [n.value, *(n.interval or ())] for n in numbers}
    return KeptFigure(figure, metric, max(n.n for n in numbers), {**(facts or {}), **drawn}, weights=weights)
