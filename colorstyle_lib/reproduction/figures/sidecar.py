"""Figures that stay: written with a sidecar of all that a reader, or a check, has to know about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from colorstyle_lib import paths
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.reproduction.results.store import Provenance

_OPTIONS = {
    "jpg": {"pil_kwargs": {"quality": 82, "optimize": True}},
    "png": {},
    "pdf": {"metadata": {"CreationDate": None}},  # or the same figure would be another file every time
}


@dataclass(frozen=True)
class KeptFigure:
    """A figure and what it shows."""

    figure: Figure  # what is drawn
    metric: str  # what its numbers are
    n: int  # pictures behind them
    facts: Mapping[str, float | Sequence[float]]  # the numbers themselves, by name, as a check computes them again
    weights: str | None = None  # SHA-256; None where no weights took part
    # What else a reader must know, such as credits.
    about: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


def keep_figure(name: str, kept: KeptFigure, formats: Sequence[str], mode: str, folder: Path | None = None) -> Path:
    """Write a figure as ``NAME.png`` or in other formats, with ``NAME.json`` beside it, by default in ``figures/``.

    Returns:
        The first picture's path.
    """
    folder, hashes = folder or paths.FIGURES, {}
    for ending in formats:
        stream = BytesIO()
        kept.figure.savefig(stream, format=ending, **_OPTIONS[ending])
        with atomic_write(folder / f"{name}.{ending}") as file:
            file.write(stream.getvalue())
        hashes[f"{name}.{ending}"] = hashlib.sha256(stream.getvalue()).hexdigest()
    here = Provenance.here(f"colorstyle figures make {name}", mode)
    facts = {"figure": name, "command": here.command, "mode": mode, "metric": kept.metric, "n": kept.n, "seed": 0}
    facts |= {"weights_sha256": kept.weights, **kept.about, "commit": here.commit, "hardware": here.hardware}
    facts |= {**versions(), "files": hashes, "facts": dict(kept.facts)}
    with atomic_write(folder / f"{name}.json", "w") as file:
        file.write(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return folder / f"{name}.{formats[0]}"


def read_sidecar(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The facts about a figure that was kept.

    Raises:
        DataError: it was not, or its sidecar is damaged.
    """
    try:
        return json.loads(((folder or paths.FIGURES) / f"{name}.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"there is no figure {name!r} yet; make it with: colorstyle figures make {name}") from error
    except ValueError as error:
        raise DataError(f"{name}.json is damaged ({error}); make it again: colorstyle figures make {name}") from error
