"""The figures made of ``figures/results.json`` and the released weights' log: nothing is computed, all is looked up.

They are dots with intervals, effects of ablations, curves of the training, and content against style.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, cycle, groupby, product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from colorstyle_lib import paths
from colorstyle_lib.config import get_preset
from colorstyle_lib.course.plots.common import BLACK, MARKERS, SERIES, curves, new_figure
from colorstyle_lib.errors import DataError
from colorstyle_lib.reproduction.ablations.configs import BASE, COMPARISONS, LONG, SMALL
from colorstyle_lib.reproduction.ablations.effects import Effects, effects_in
from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL, KNOB, KNOB_MEASURES, KNOB_SETTINGS, SIZE
from colorstyle_lib.reproduction.benchmarks.runner import ALL, NOTES
from colorstyle_lib.reproduction.benchmarks.style import MEASURES
from colorstyle_lib.reproduction.results.store import Number, read_lines, read_results

_FIGURES = tomllib.loads(Path(__file__).with_name("dots.toml").read_text(encoding="utf-8"))
_DOTS = tuple(zip((*SERIES[:5], BLACK), MARKERS, strict=False))  # light blue is too pale for a thin interval


@dataclass(frozen=True)
class KeptFigure:
    """A figure and what it shows."""

    figure: Figure  # what is drawn
    metric: str  # what its numbers are
    n: int  # pictures behind them
    facts: Mapping[str, float | Sequence[float]]  # the numbers themselves, by name, as a check computes them again
    weights: str | None = None  # SHA-256; None where no weights took part
    about: Mapping[str, str | Sequence[str]] = field(default_factory=dict)  # what else to know, such as credits
    formats: tuple[str, ...] = ("png", "pdf")  # photographs are ten times larger as PNG
    mode: str = "full"  # of its numbers


@dataclass(frozen=True)
class Panel:
    """Numbers of one metric."""

    title: str  # what is measured
    numbers: Mapping[str, Mapping[str, Number]]  # by method, then by row
    line: float | None = None  # a value to compare with, such as 0 for differences
    scale: float = 1.0  # to multiply with, such as 100 for percent
    note: str = ""  # below it
    of_trainings: bool = False  # differences: a tick a training; dots are filled where all are on one side of 0


def intervals(panels: Sequence[Panel], *, columns: int | None = None, width: float = 2.6) -> Figure:
    """Numbers as dots with their intervals, a panel a metric, a row a data set or comparison, a marker a method.

    What a method lacks is left out. So many ``columns`` stand side by side, by default all, each ``width`` inches wide.
    """
    columns = min(columns or len(panels), len(panels))
    lines = -(-len(panels) // columns)
    methods = list(dict.fromkeys(method for panel in panels for method in panel.numbers))
    rows = list(dict.fromkeys(row for panel in panels for some in panel.numbers.values() for row in some))
    row = 0.12 if panels[0].of_trainings else 0.17  # inches for each method
    tall = lines * (0.9 + len(rows) * max(2 * row, row * len(methods)))
    size = (width * columns + 1.1, tall + (0.3 if len(methods) > 1 else 0))
    figure, axes = new_figure(lines, columns, figsize=size, squeeze=False, sharey=True)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, panel in zip(axes.flat, panels, strict=False):
        _dots(ax, panel, methods, rows)
    if len(methods) > 1:
        handles = [pair for ax in axes.flat for pair in zip(*ax.get_legend_handles_labels(), strict=True)]
        known = {label: handle for handle, label in handles}
        figure.legend(known.values(), known, loc="outside lower center", ncols=len(known))
    return figure


def _dots(ax: Axes, panel: Panel, methods: Sequence[str], rows: Sequence[str]) -> None:
    """A dot with its interval for each method in each row, the methods side by side."""
    for i, (method, (color, marker)) in enumerate(zip(methods, cycle(_DOTS), strict=False)):
        mine, shift = panel.numbers.get(method, {}), 0.6 / len(methods) * (i - (len(methods) - 1) / 2)
        for place, one in ((place + shift, mine[row]) for place, row in enumerate(rows) if row in mine):
            if one.interval is not None:
                ax.plot([panel.scale * end for end in one.interval], [place] * 2, color=color, linewidth=1.2)
            filled = "white" if panel.of_trainings and not one.side else color
            ax.plot(panel.scale * one.value, place, marker, color=color, mfc=filled, markersize=5, label=method)
            if panel.of_trainings:
                ticks = {"color": "black", "markersize": 5, "markeredgewidth": 0.8}
                ax.plot(one.by_seed, [place] * len(one.by_seed), "|", **ticks)
    if panel.line is not None:
        ax.axvline(panel.line, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
    ax.set(title=panel.title, xlabel=panel.note, ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), rows)
    ax.margins(x=0.08)


def ablation_effects(found: Effects, longer: Effects | None = None) -> Figure:
    """Effects of the ablations: a row a comparison, a panel a metric, a color each for small and longer trainings.

    Both are from :func:`.effects_in`; longer trainings without a row among the small ones are left out.
    """
    panels, order = [], list(COMPARISONS)
    comparisons = sorted({c for c, _ in found}, key=lambda one: (one.claim, order.index(one.name)))
    for metric, (title, _, better) in NOTES["ablations"].items():
        if not better:
            continue
        numbers: dict[str, dict[str, Number]] = {}
        for trainings, effects in (("small trainings", found), ("one longer training", longer or {})):
            for one in (c for c in comparisons if (c, metric) in effects):
                against = "" if one.other[0] == BASE else f" (against {one.other[0].replace('_', ' ')})"
                numbers.setdefault(trainings, {})[f"{one.claim}  {one.title}{against}"] = effects[one, metric]
        panels.append(Panel(title, numbers, 0.0, note=f"difference, {better}", of_trainings=True))
    figure = intervals(panels, width=2.3)
    figure.suptitle("filled: interval and all trainings on one side of 0; ticks: trainings", fontsize="small")
    return figure


def training_curves(log: Sequence[Mapping[str, Any]], recorded: Mapping[str, Number], sides: tuple[int, int]) -> Figure:
    """PSNR ab and colorfulness at every evaluation of the runs behind the weights, lines of ``companion.log.jsonl``.

    Beside them stand the recorded ``psnr_ab`` and ``colorfulness_ratio`` with their intervals. The sides are pixels of
    the squares that the runs were measured on, and of those that the weights were.
    """
    runs: dict[int, list[tuple[int, Mapping[str, Any]]]] = {}
    end = 0
    for run, lines in groupby(log, lambda one: one["run"]):
        runs[run] = [(end + one["step"], one) for one in lines]
        end = runs[run][-1][0]
    titles = {"psnr_ab": ("PSNR ab, dB", 1.0), "colorfulness_ratio": ("colorfulness, % of the real", 100.0)}
    panels = {
        title: {
            f"run {run} (n = {some[-1][1]['n']:,})": ([s for s, _ in some], [scale * one[metric] for _, one in some])
            for run, some in runs.items()
        }
        for metric, (title, scale) in titles.items()
    }
    figure = curves(panels, xlabel=f"steps, one run after the other; at {sides[0]} px")
    joint = [entry for some in runs.values() for entry in some if entry[1].get("stage") == "joint"]
    for ax, (metric, (_, scale)) in zip(figure.axes, titles.items(), strict=True):
        ring = {"fillstyle": "none", "markersize": 9, "label": "after steps with a discriminator"}
        ax.plot([step for step, _ in joint], [scale * one[metric] for _, one in joint], "ko", **ring)
        number, place = recorded[metric], 1.04 * end
        released = f"released, at {sides[1]} px, n = {number.n}, 95 %"
        ax.plot([place, place], [scale * bound for bound in number.interval or ()], color="black", linewidth=1.2)
        ax.plot(place, scale * number.value, "kD", markersize=4, label=released)
        ax.get_legend().remove()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


Distances = dict[str, Number]  # of restyled photographs: ``content`` and ``perceptual`` from the photograph, ``style``


def pareto(distances: Mapping[tuple[str, float], Distances], *, beat: str | None = None) -> Figure:
    """Content loss against style loss, a marker for each method and a line over its strengths, with 95 % intervals.

    Who lies below and to the left of another is better in both. The distances are by name and strength. Where the
    result of the method to ``beat`` at full strength would be beaten in both losses is shaded.
    """
    figure, ax = new_figure(figsize=(6.4, 4.4))
    names = dict.fromkeys(name for name, _ in distances)
    for name, color, marker in zip(names, cycle(SERIES), cycle(MARKERS), strict=False):
        points = {s: distances[name, s] for s in sorted(s for other, s in distances if other == name)}
        x, y = ([one[measure] for one in points.values()] for measure in ("content", "style"))
        fewest, most = min(e.n for e in x), max(e.n for e in x)
        xerr, yerr = (np.array([[abs(end - e.value) for end in e.interval] for e in some]).T for some in (x, y))
        style = {"color": color, "marker": marker, "linestyle": "-" if len(points) > 1 else "none", "elinewidth": 0.7}
        label = f"{name} (n = {fewest if fewest == most else f'{fewest} to {most}'})"
        ax.errorbar([e.value for e in x], [e.value for e in y], xerr=xerr, yerr=yerr, **style, label=label)
        for strength, one_x, one_y in zip(points, x, y, strict=True) if len(points) > 1 else ():
            words = f"{'strength ' * (strength == min(points))}{strength:g}"
            ax.annotate(words, (one_x.value, one_y.value), xytext=(5, 5), textcoords="offset points", fontsize=8)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(left=-0.02)
    ax.set(xlabel="content loss at relu4_1, less is better", ylabel="style loss, less is better")
    if beat:
        right, top = (distances[beat, 1.0][measure].value for measure in ("content", "style"))
        left, bottom = ax.get_xlim()[0], ax.get_ylim()[0]
        shade = {"color": "0.5", "alpha": 0.12, "linewidth": 0, "label": f"better than {beat} in both"}
        ax.fill_between([left, right], bottom, top, **shade)
        ax.set(xlim=(left, None), ylim=(bottom, None))
    ax.legend()
    return figure


def dots(name: str) -> KeptFigure:
    """A figure of ``dots.toml``, of the numbers that there are; its rows say how many pictures."""
    found, asked, panels, drawn = read_results(), _FIGURES[name], [], list[Number]()
    for panel in asked["panels"]:
        table: dict[str, dict[str, Number]] = {}
        for method, data in product(asked["methods"], asked["data"]):
            if one := found.get(f"{data}/{method}/{panel['metric']}"):
                table.setdefault(method, {})[f"{data} (n = {one.n})"] = one
                drawn.append(one)
        panels.append(Panel(panel["title"], table, panel.get("line"), panel.get("scale", 1.0)))
    return _kept(intervals(panels, **asked["layout"]), drawn, f"{asked['metric']}; intervals over pictures, 95 %")


opponents = partial(dots, "opponents")  # the released weights beside the baselines, by data set
steering = partial(dots, "steering")  # the error with a reference, hints and seeds, and by predicted uncertainty


def ablations() -> KeptFigure:
    """The effect of each change of the recipe on small trainings, and on longer ones where there are any."""
    known = read_results().values()
    found, longer = (effects_in(known, scale) for scale in (SMALL, LONG))
    if not found:
        raise DataError("there are no ablations in results.json yet")
    metric = "paired differences of trainings, small and longer; intervals over pictures of the mean over seeds, 95 %"
    return _kept(ablation_effects(found, longer), [*found.values(), *longer.values()], metric)


def training() -> KeptFigure:
    """The training of the released weights, evaluation by evaluation."""
    log = read_lines(paths.WEIGHTS / "companion.log.jsonl")
    if not (log := [one for one in log if "color" in one]):  # the last run left coloring as it was
        raise DataError("the released weights' log is not there")
    found = read_results()
    recorded = {metric: found[f"{ALL}/released/{metric}"] for metric in ("psnr_ab", "colorfulness_ratio")}
    figure = training_curves(log, recorded, (get_preset("companion").training.crop, SIZE))
    metric = "PSNR ab, dB, and colorfulness over the real photographs', of the moving average of the weights"
    by_evaluation = {f"{name}, by evaluation": [one[name] for one in log] for name in recorded}
    kept = _kept(figure, list(recorded.values()), metric)
    return replace(kept, facts=by_evaluation | dict(kept.facts))


def style_pareto() -> KeptFigure:
    """Distance from the photograph against distance from the style, for every way to restyle that was measured."""
    found = style_distances(read_results())
    if not found:
        raise DataError("there are no numbers of style transfer in results.json yet")
    metric = "style and content loss of VGG-19; intervals over paintings, 95 %"
    return _kept(pareto(found), [one for some in found.values() for one in some.values()], metric)


def knob() -> KeptFigure:
    """Nearness to the true colors and kernel distance against colorfulness, over the settings that change it."""
    found, drawn = read_results(), list[Number]()
    ways = {way: [f"released, {one}" for one in settings] for way, settings in KNOB_SETTINGS.items()}
    ways |= {"gray: no model at all": ["gray"], "L1 loss only, trained for minutes": ["l1"]}
    ways = {way: names for way, names in ways.items() if f"{KNOB}/{names[0]}/{KERNEL}" in found}
    if not ways:
        raise DataError("there are no numbers of the colorfulness knob in results.json yet")
    figure, axes = new_figure(3, figsize=(7.2, 7.6), sharex=True)
    labels = "PSNR ab, dB, more is better", "CIEDE2000, less is better", "kernel distance, less is better"
    for ax, metric, label in zip(axes, KNOB_MEASURES, labels, strict=False):
        for (way, names), (color, marker) in zip(ways.items(), _DOTS, strict=False):
            points = [[found[f"{KNOB}/{name}/{one}"] for one in ("colorfulness_ratio", metric)] for name in names]
            drawn += chain(*points)
            x, y = np.array([[(one.value, *one.interval) for one in pair] for pair in points]).transpose(1, 2, 0)
            x *= 100
            single, gains = len(names) == 1, KNOB_SETTINGS[way] if way.startswith("gain") else ()
            ax.plot(x[0], y[0], color=color, marker=marker, mfc=color if single else "none", label=way)
            if single or gains:  # those of other settings lie on these
                ax.plot(x[1:], y[[0, 0]], x[[0, 0]], y[1:], color=color, linewidth=0.7)
            for setting, *at in zip(gains, x[0], y[0], strict=False):
                place = {"xytext": (4, -14)} if metric == "ciede2000" else {"xytext": (-4, -14), "ha": "right"}
                ax.annotate(setting.split()[3].strip(","), at, textcoords="offset points", fontsize=8, **place)
        ax.axvline(100, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
        ax.set_ylabel(label)
    axes[-1].plot(100, 0, "*", color="black", markersize=10, label="the real photographs")
    axes[-1].set_xlabel("colorfulness, % of the real photographs'")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return replace(_kept(figure, drawn, "as the axes say; intervals over pictures, 95 %"), mode=drawn[0].mode)


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


def _kept(figure: Figure, numbers: Sequence[Number], metric: str) -> KeptFigure:
    """A figure with its numbers, value and interval by address, as facts."""
    weights = next((n.weights for n in numbers if n.method.startswith("released")), None)
    facts = {n.key: [n.value, *(n.interval or ())] for n in numbers}
    return KeptFigure(figure, metric, max(n.n for n in numbers), facts, weights=weights)
