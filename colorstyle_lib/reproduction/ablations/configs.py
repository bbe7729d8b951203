"""The ablations as data, read from ``ablations.toml``: small trainings, each with one change of the recipe.

Every one learns from the same pictures for the same computing time. The networks are those of the ``tiny`` preset, so
an effect, or none, is one of small networks after a short training; what it is at full size takes a full training.
"""

import tomllib
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorstyle_lib.config import Preset, derived_preset, get_preset
from colorstyle_lib.model.modalities import MODALITIES

BASE = "base"
SIDE = 64  # of the squares that are measured, in pixels, and of pix2pix's crops, which need a power of 2


@dataclass(frozen=True)
class Ablation:
    """One member of the matrix."""

    name: str  # in addresses of its numbers
    title: str  # in words, for tables and figures
    changes: str  # what differs from the one it is compared with
    claim: str  # of the paper, the one that the comparison serves
    preset: Preset | None  # its networks and training; None for pix2pix, which brings its own
    against: str = BASE  # whom it is compared with
    held: Mapping[str, float] = field(default_factory=dict)  # weights that the attention of both networks keeps


@dataclass(frozen=True)
class Scale:
    """Which ablations are trained, and for how long."""

    name: str  # the mode of its numbers
    method: str  # before a comparison's name, in the address of its numbers
    folder: str  # of its runs, in ``runs/``
    steps: int  # of the base; of the others as many as take the same processor time
    seeds: int  # trainings of each member
    members: Sequence[str] = ()  # names; empty for all
    option: str = ""  # of ``colorstyle ablations run``, that asks for it


@dataclass(frozen=True)
class Comparison:
    """Two columns of measurements to be compared, picture by picture and seed by seed."""

    name: str  # of the difference
    title: str  # in words
    claim: str  # that it serves
    one: tuple[str, str]  # member and condition (empty: as trained) whose numbers count positive
    other: tuple[str, str]  # the same of those that are subtracted


def _changed(preset: Preset, row: Mapping[str, Any]) -> Preset:
    """A preset with the changes of a row."""
    parts = {part: row.get("networks", {}) | row.get(part, {}) for part in ("generator", "discriminator")}
    recipes = [_DATA["recipes"][recipe] for recipe in row.get("recipes", ())]
    parts["training"] = dict(ChainMap(row.get("training", {}), *reversed(recipes)))
    return derived_preset(preset, row["name"], parts)


_DATA = tomllib.loads(Path(__file__).with_name("ablations.toml").read_text(encoding="utf-8"))
SMALL, LONG = (Scale(**row) for row in _DATA["scales"])
_BASE = _changed(get_preset("tiny"), {"name": BASE, **_DATA["base"]})

ABLATIONS = {
    row["name"]: Ablation(
        preset=_changed(_BASE, row) if row.get("preset", True) else None,
        **{name: row[name] for name in ("name", "title", "changes", "claim", "against", "held") if name in row},
    )
    for row in _DATA["ablations"]
}
"""All ablations by name, in the order in which they are trained."""

_TESTED = {"swap": "swapped at test", "drop": "deleted at test"}
CONDITIONS = {f"{verb}_{m}": (verb, m) for verb in _TESTED for m in MODALITIES}
"""What is done to the base's modalities when it is tested: another picture's in their place, or taken away."""

COMPARISONS = {
    one.name: one
    for one in (
        Comparison("gray", "gray: no model", "C4", ("gray", ""), (BASE, "")),
        *(Comparison(a.name, a.title, a.claim, (a.name, ""), (a.against, "")) for a in ABLATIONS.values() if a.claim),
        *(Comparison(n, f"{m} {_TESTED[verb]}", "C3", (BASE, n), (BASE, "")) for n, (verb, m) in CONDITIONS.items()),
    )
}
