"""One model against two specialists: the cost of learning both tasks at once, with equal trained weights and time.

Of several seeds a number is the mean, and a model is compared with the specialist of its own seed. An interval tells
what other pictures would change; what another seed would, the seeds' own values tell.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from colorstyle_lib.config import differing
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import ratio_of
from colorstyle_lib.reproduction.baselines.method import ColorMethod, load_method, read_config
from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS
from colorstyle_lib.reproduction.baselines.style import stylizing
from colorstyle_lib.reproduction.benchmarks import style
from colorstyle_lib.reproduction.benchmarks.coloring import REAL, SIZE, coloring_numbers, measure_all, metrics_of
from colorstyle_lib.reproduction.benchmarks.runner import Run, Squares, load_squares
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, merge_results, read_lines

JOINT, COLOR, STYLE = SPECIALISTS

PAIRS = 84  # of a photograph and a painting, each of the 42 validation paintings twice: over these intervals are drawn

Trainings = Sequence[ColorMethod]  # of one method with several seeds; each meets the other method's in its place


def evaluate_specialists(root: Path, folders: Sequence[Path], run: Run, *, size: int = style.SIZE) -> list[Number]:
    """Measure the joint model and both specialists, with paired differences, and keep the numbers.

    Each folder has the folders of ``colorstyle opponents`` of another seed. Pairs are by default :data:`PAIRS`, squares
    of ``size`` pixels. Errors are :func:`read_trainings`'s, and those of the benchmarks of coloring and style.
    """
    methods = read_trainings(folders)
    seeds = "".join(f" SEED{seed}" for one in methods[JOINT] for seed in one.seeds) if len(folders) > 1 else ""
    provenance = run.provenance(f" --specialists{seeds}")
    numbers = color_numbers(methods[JOINT], methods[COLOR], load_squares(root, SIZE, run.limit), provenance)
    merge_results(numbers, run.output)  # before minutes of restyling
    pairs = style.validation_pairs(root, run.limit or PAIRS, size=size)
    numbers += restyling_numbers(methods[JOINT], methods[STYLE], pairs, provenance)
    merge_results(numbers, run.output)
    return numbers


def color_numbers(ours: Trainings, theirs: Trainings, squares: Squares, provenance: Provenance) -> list[Number]:
    """Colorings of all data sets together: every metric of both, paired differences, and the ratio of colorfulness."""
    methods, found = [_together(ours), _together(theirs)], {ours[0].name: [], theirs[0].name: []}
    for pair in zip(ours, theirs, strict=True):
        network, measured = measure_all(pair, squares)
        data, columns = list(measured.items())[-1]
        for method in pair:
            found[method.name].append(metrics_of(columns[method.name], columns[REAL], network))
        ratio = ratio_of(*(columns[method.name]["colorfulness"] for method in pair))
        note = "mean colorfulness over the other's, paired over pictures"
        found[pair[0].name][-1][f"colorfulness_over_{pair[1].name}"] = ratio, note
    return coloring_numbers(methods, found, len(columns[REAL]["colorfulness"]), data, provenance)


def restyling_numbers(ours: Trainings, theirs: Trainings, pairs: style.Pairs, provenance: Provenance) -> list[Number]:
    """Photographs restyled by both: their distances, and paired differences."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def measured(trainings: Trainings) -> list[Columns]:
        models = [(ColorStyle(one.generator, one.weights or "", device), one) for one in trainings]
        methods = [stylizing(model, f"{one.name} {one.weights}") for model, one in models]
        return list(style.measure_pairs(methods, pairs).values())

    mine, others = measured(ours), measured(theirs)
    numbers = style.style_numbers(mine, pairs.style_of, _together(ours), provenance, {theirs[0].name: others})
    return numbers + style.style_numbers(others, pairs.style_of, _together(theirs), provenance, {})


def _together(trainings: Trainings) -> ColorMethod:
    """A method with the seeds of all its trainings, for its facts and not to be run."""
    first, *more = trainings
    return replace(first, weights=None, seeds=tuple(s for one in trainings for s in one.seeds)) if more else first


def read_trainings(folders: Sequence[Path]) -> dict[str, list[ColorMethod]]:
    """The trainings of each of :data:`.SPECIALISTS`, one a folder and in their order.

    Notes tell the steps of all trainings, which are about as many. WeightsError: one is not trained yet or is damaged;
    or of several folders two hold the same seed, one different ones, or trainings differ in more than their seed.
    """
    several, found, known = len(folders) > 1, {name: [] for name in SPECIALISTS}, set()
    for folder in folders:
        files = {name: folder / name / f"{name}.safetensors" for name in SPECIALISTS}
        if missing := [name for name, file in files.items() if not file.is_file()]:
            alike = " --seed ITS_OWN --minutes AS_THE_OTHERS" if several else ""
            again = f"colorstyle opponents {' '.join(SPECIALISTS)} --output {folder}{alike}"
            raise WeightsError(f"not trained yet: {', '.join(missing)}; run: {again}")
        for name, file in files.items():
            found[name].append(load_method(name, file))
        seeds = {trainings[-1].seeds for trainings in found.values()}
        if several and (len(seeds) > 1 or seeds & known or seeds == {()}):
            what = f"{str(folder)!r} must be of one seed, which no other folder has"
            raise WeightsError(f"{what}; train with its own --seed")
        known |= seeds
    for name, trainings in found.items():
        counts, settings = [], [{**(read_config(folder / name) or {}), "seed": None} for folder in folders]
        for folder, own in zip(folders, settings, strict=True):
            if fields := differing(settings[0], own):
                both = f"{name} in {str(folder)!r} differs from {str(folders[0])!r}"
                raise WeightsError(f"{both} in more than its seed: {', '.join(fields)}")
            log = folder / name / "log.jsonl"
            if not (lines := read_lines(log)):
                raise WeightsError(f"{str(log)!r} is missing or damaged; train {name} again")
            counts.append(str(lines[-1]["step"]))
        found[name] = [replace(one, note=f"{one.note}, in {' and '.join(counts)} steps") for one in trainings]
    return found
