"""The figures that the repository shows: each made by one function, kept with its facts, and checked against them."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from colorstyle_lib import paths
from colorstyle_lib.course.plots import diagrams
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import DataError, check_known
from colorstyle_lib.files import atomic_write, file_hash
from colorstyle_lib.reproduction.figures import from_results, from_weights
from colorstyle_lib.reproduction.figures.from_results import KeptFigure
from colorstyle_lib.reproduction.results.store import CheckResult, Provenance

TOLERANCE = 0.005
"""How far a recomputed number may lie from the kept one, as a share of it or, near 0, in its own unit: processors round
differently."""


_OPTIONS = {
    "jpg": {"pil_kwargs": {"quality": 82, "optimize": True}},
    "png": {},
    "pdf": {"metadata": {"CreationDate": None}},  # or the same figure would be another file every time
    "svg": {"metadata": {"Date": None}},
}


def _diagram(draw: Callable[[], Figure]) -> KeptFigure:
    figure = draw()
    shapes = {"shapes": len(figure.axes[0].patches)}
    return KeptFigure(figure, "a diagram: nothing is measured", 0, shapes, formats=("svg",), mode="quick")


_MADE = {
    from_weights: ("first_light", "contact_sheet", "style_sheet", "calibration"),
    from_results: ("opponents", "knob", "steering", "ablations", "training", "style_pareto"),
}
FIGURES: dict[str, Callable[[], KeptFigure]] = {
    **{name: getattr(module, name) for module, names in _MADE.items() for name in names},
    "generator": partial(_diagram, diagrams.generator_diagram),
    "discriminator": partial(_diagram, diagrams.discriminator_diagram),
    "training_step": partial(_diagram, diagrams.training_step_diagram),
    "course_map": partial(_diagram, diagrams.course_map),
}


def make_figures(names: Sequence[str] = (), folder: Path | None = None) -> list[Path]:
    """Make figures in ``figures/`` or another folder, each with a sidecar; without names, all that can be made.

    ConfigError: a name that is no figure. DataError: what a named one needs is not there.
    """
    made = []
    for name in _known(names):
        try:
            with plt.style.context(paths.STYLE_FILE):
                made.append(keep_figure(name, FIGURES[name](), folder))
            print(made[-1])
        except DataError as error:
            if names:
                raise
            print(f"left out {name}: {error}")
    return made


def check_figures(names: Sequence[str] = (), folder: Path | None = None) -> list[CheckResult]:
    """Make figures again in memory, all or those named, and hold their facts against those kept in a folder.

    Compared are the files' hashes with their sidecar, the weights, the number of pictures, and every number that is
    drawn. Pixels are not: another version of matplotlib sets type otherwise. ConfigError: a name that is no figure.
    """
    return [_check(name, folder or paths.FIGURES) for name in _known(names)]


def _known(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        check_known("figure", name, FIGURES)
    return names or list(FIGURES)


def _check(name: str, folder: Path) -> CheckResult:
    fresh = None
    try:
        with plt.style.context(paths.STYLE_FILE):
            fresh = FIGURES[name]()
        sidecar = read_sidecar(name, folder)
    except DataError as error:
        return CheckResult(name, str(error), (str(error),) * bool(fresh), skipped=fresh is None)
    problems = [
        f"{file} is not the file that its sidecar is of"
        for file, kept in sidecar.get("files", {}).items()
        if not (folder / file).is_file() or file_hash(folder / file) != kept
    ]
    facts = {"weights_sha256": fresh.weights, "n": fresh.n, "metric": fresh.metric}
    problems += [f"{k}: {sidecar.get(k)} kept, {now} now" for k, now in facts.items() if sidecar.get(k) != now]
    kept, largest = sidecar.get("facts", {}), 0.0
    problems += sorted(f"{fact}: kept, but not made now" for fact in kept.keys() - fresh.facts.keys())
    problems += sorted(f"{fact}: made now, but not kept" for fact in fresh.facts.keys() - kept.keys())
    for fact in sorted(kept.keys() & fresh.facts.keys()):
        one, other = np.atleast_1d(kept[fact]), np.atleast_1d(fresh.facts[fact])
        if one.shape != other.shape:
            problems.append(f"{fact}: {one.size} numbers kept, {other.size} now")
            continue
        apart = np.abs(one - other)
        largest = max(largest, float((apart / np.maximum(np.abs(one), TOLERANCE)).max(initial=0.0)))
        wrong = ~(apart <= TOLERANCE * np.maximum(np.maximum(np.abs(one), np.abs(other)), 1.0))
        problems += [f"{fact}: {a:.6g} kept, {b:.6g} now" for a, b in zip(one[wrong], other[wrong], strict=True)]
    others = [f"{package} {sidecar.get(package)}" for package, now in versions().items() if sidecar.get(package) != now]
    made_with = f"; made with {', '.join(others)}" if others else ""
    said = f"{len(fresh.facts)} facts, at most {largest:.2g} of their value apart ({TOLERANCE:g} allowed){made_with}"
    return CheckResult(name, said, tuple(problems))


def keep_figure(name: str, kept: KeptFigure, folder: Path | None = None) -> Path:
    """Write ``NAME.png`` or other formats, and ``NAME.json``, by default to ``figures/``; returns the first path."""
    folder, hashes = folder or paths.FIGURES, {}
    for ending in kept.formats:
        with atomic_write(folder / f"{name}.{ending}") as file:
            kept.figure.savefig(file, format=ending, **_OPTIONS[ending])
        hashes[f"{name}.{ending}"] = file_hash(folder / f"{name}.{ending}")
    here = Provenance.here(f"colorstyle figures make {name}", kept.mode)
    facts = {"figure": name, "command": here.command, "mode": kept.mode, "metric": kept.metric, "n": kept.n, "seed": 0}
    facts |= {"weights_sha256": kept.weights, **kept.about, "commit": here.commit, "hardware": here.hardware}
    facts |= {**versions(), "files": hashes, "facts": dict(kept.facts)}
    with atomic_write(folder / f"{name}.json", "w") as file:
        file.write(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return folder / f"{name}.{kept.formats[0]}"


def read_sidecar(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The facts about a figure that was kept. DataError: it was not, or its sidecar is damaged."""
    try:
        return json.loads(((folder or paths.FIGURES) / f"{name}.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"there is no figure {name!r} yet; make it with: colorstyle figures make {name}") from error
    except ValueError as error:
        raise DataError(f"{name}.json is damaged ({error}); make it again: colorstyle figures make {name}") from error
