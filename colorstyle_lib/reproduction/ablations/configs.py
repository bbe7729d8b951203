"""The matrix of small trainings: one frozen configuration each, what it changes, and which claim of the paper it tries.

Every member learns the same pictures for the same computing time. The networks are those of the ``tiny`` preset, so an
effect, or none, is one of small networks after a short training; what it is at full size takes a full training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from colorstyle_lib.config import Preset, change, get_preset
from colorstyle_lib.errors import check_known
from colorstyle_lib.model.modalities import MODALITIES

CROP = 48
"""Side in pixels of the crops that are learned from."""

SIDE = 64
"""Of the squares that are measured, and of pix2pix's crops, which need a power of 2."""

BASE = "base"

EVEN: Mapping[str, float] = dict.fromkeys(MODALITIES, 1.0)
"""Weights to hold: the same for all that are present."""

UNEVEN: Mapping[str, float] = {"color": 0.5, "texture": 0.3, "shape": 0.2}
"""Weights to hold: a guess made before any training, color first."""


@dataclass(frozen=True)
class Ablation:
    """One member of the matrix.

    Attributes:
        name: what its numbers are called by.
        title: in words, for tables and figures.
        changes: what differs from the one it is compared with.
        claim: of the paper, the one that the comparison serves.
        preset: its networks and training; None for pix2pix, which brings its own.
        against: whom it is compared with.
        held: weights that both players' attention keeps while they learn; empty where they learn them.
    """

    name: str
    title: str
    changes: str
    claim: str
    preset: Preset | None
    against: str = BASE
    held: Mapping[str, float] = field(default_factory=dict)


def base_preset() -> Preset:
    """The recipe that we recommend, on the ``tiny`` preset's networks: no noise, no restyling, float32.

    The discriminator has half of the run, since a short run has no time for more supervision first.
    """
    tiny = get_preset("tiny")
    return change(
        tiny,
        name=BASE,
        generator=change(tiny.generator, noise=0, restyling=0, working_size=SIDE),
        training=change(
            tiny.training,
            crop=CROP,
            supervised=0.4,
            catch_up=0.1,
            adversarial_weight=0.1,
            noise_fraction=0.0,
            imle_samples=1,
            half_precision=False,
        ),
    )


_AT_ONCE: dict[str, Any] = {"supervised": 0.0, "catch_up": 0.0}
"""Both players from the first step."""

_COMMON: dict[str, Any] = _AT_ONCE | {"adversarial_weight": 1.0}
"""And the adversary's verdict at full weight, as in the paper's preset."""

_ABSOLUTE: dict[str, Any] = {"huber_delta": 0.01, "gradient_weight": 0.0, "chroma_weight": 0.0}
"""A Huber distance whose square ends at once is the absolute error."""


def _member(
    name: str,
    title: str,
    changes: str,
    claim: str,
    *,
    both: Mapping[str, Any] | None = None,
    generator: Mapping[str, Any] | None = None,
    discriminator: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    against: str = BASE,
    held: Mapping[str, float] | None = None,
) -> Ablation:
    """A member that changes these fields of the base; ``both`` are fields of both players."""
    base, shared = base_preset(), both or {}
    preset = change(
        base,
        name=name,
        generator=change(base.generator, **shared, **(generator or {})),
        discriminator=change(base.discriminator, **shared, **(discriminator or {})),
        training=change(base.training, **(training or {})),
    )
    return Ablation(name, title, changes, claim, preset, against, held or {})


def _without(modality: str) -> Ablation:
    left = tuple(m for m in MODALITIES if m != modality)
    both = {"modalities": left}
    return _member(f"without_{modality}", f"without {modality}", f"no {modality} in either player", "C3", both=both)


def _only(modality: str) -> Ablation:
    both = {"modalities": (modality,)}
    return _member(f"only_{modality}", f"{modality} alone", f"{modality} is the only modality", "C3", both=both)


def _objective(name: str, title: str) -> Ablation:
    recipe = {**_COMMON, "objective": name}
    return _member(name, title, f"{title} objective", "C7", training=recipe, against="adam_printed")


def _printed(name: str, title: str, changes: str, against: str = BASE, **training: Any) -> Ablation:
    recipe = {**_COMMON, "objective": "saturating", **training}
    return _member(name, title, changes, "C7", training=recipe, against=against)


_SGD: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 1e-2, "discriminator_learning_rate": 1e-2}
_FAST: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 1e-1, "discriminator_learning_rate": 1e-1}
_NO_ADVERSARY: dict[str, Any] = {"objective": "none"}
# Its L1 term counts 100 times, on ab in units of 110: beside 1 for a Lab unit the adversary has 1.1.
_PIX2PIX: dict[str, Any] = {
    "objective": "non_saturating",
    "adversarial_weight": 1.1,
    "tasks": (("automatic", 1.0),),
}
_BINS: dict[str, Any] = {"colors": "bins", "temperature": 1.0}
# Temperature and lambda are Zhang et al.'s (ECCV 2016, arXiv:1603.08511).
_ZHANG: dict[str, Any] = {"colors": "bins", "temperature": 0.38, "attention": "none"}


def _ablations() -> list[Ablation]:
    # The decisive ones first: a matrix that is cut short has these.
    return [
        Ablation(BASE, "base", "nothing", "", base_preset()),
        _member("uniform_attention", "uniform attention", "equal weights, held", "C2", held=EVEN),
        _member("no_attention", "no attention", "none in either player", "C2", both={"attention": "none"}),
        _member("no_discriminator", "no discriminator", "the same terms, no adversary", "C6", training=_NO_ADVERSARY),
        _without("color"),
        _without("texture"),
        _member("attention_in_g", "attention in G only", "none in D", "C2", discriminator={"attention": "none"}),
        _member("attention_in_d", "attention in D only", "none in G", "C2", generator={"attention": "none"}),
        _printed(
            "sgd_printed",
            "SGD, printed objective",
            "SGD and equation (1) as printed, beside the color term, from the first step",
            **_SGD,
        ),
        _member("fixed_attention", "fixed attention", "weights held at 0.5, 0.3, 0.2", "C2", held=UNEVEN),
        _printed("sgd_printed_fast", "SGD, printed, faster", "SGD at ten times the paper preset's rate", **_FAST),
        _printed("adam_printed", "Adam, printed objective", "Adam in the place of SGD", "sgd_printed"),
        _member("l1", "L1 alone", "absolute error, no adversary", "C6", training=_NO_ADVERSARY | _ABSOLUTE),
        _member("specialist", "specialist: automatic", "one task", "C1", training={"tasks": (("automatic", 1.0),)}),
        _member(
            "specialist_reference",
            "specialist: reference",
            "one task",
            "C1",
            training={"tasks": (("reference", 1.0),)},
        ),
        _member("global_attention", "global attention", "one energy a picture", "C2", both={"attention": "plain"}),
        _objective("non_saturating", "non-saturating"),
        _member(
            "pix2pix_terms",
            "pix2pix's losses, our networks",
            "absolute error and a non-saturating adversary, no attention, coloring alone",
            "C6",
            both={"attention": "none"},
            training=_AT_ONCE | _ABSOLUTE | _PIX2PIX,
        ),
        _objective("hinge", "hinge"),
        Ablation("pix2pix", "pix2pix", "pix2pix's own networks, losses and rates", "C6", None),
        _member("no_warm_up", "no warm-up", "both players from the first step", "C7", training=_AT_ONCE),
        _without("shape"),
        _member(
            "bin_classification",
            "ab bins, classified",
            "rebalanced bins, no attention, no adversary",
            "C6",
            generator=_ZHANG,
            training=_NO_ADVERSARY | {"bin_smoothing": 0.5},
        ),
        _only("color"),
        _only("texture"),
        _only("shape"),
        _member("bins", "ab bins", "bins in place of regression", "C6", generator=_BINS),
        _member(
            "bins_alone",
            "bins, no adversary",
            "no adversary",
            "C6",
            generator=_BINS,
            training=_NO_ADVERSARY,
            against="bins",
        ),
        _objective("least_squares", "least squares"),
        _objective("relativistic", "relativistic"),
    ]


ABLATIONS: dict[str, Ablation] = {member.name: member for member in _ablations()}
"""Everyone in the matrix, by name, in the order in which they are trained."""


@dataclass(frozen=True)
class Comparison:
    """Two columns of measurements to be compared, picture by picture and seed by seed.

    Attributes:
        name: what the difference is called by.
        title: in words.
        claim: that it serves.
        one: member and condition (empty: as trained) whose numbers count positive.
        other: member and condition that they are compared with.
    """

    name: str
    title: str
    claim: str
    one: tuple[str, str]
    other: tuple[str, str]


CONDITIONS = {f"{verb}_{m}": (verb, m) for verb in ("swap", "drop") for m in MODALITIES}
"""What is done to the base's modalities when it is tested: another picture's in their place, or taken away."""


def _comparisons() -> list[Comparison]:
    trained = [
        Comparison(a.name, a.title, a.claim, (a.name, ""), (a.against, "")) for a in ABLATIONS.values() if a.claim
    ]
    words = {"swap": "swapped at test", "drop": "deleted at test"}
    tested = [
        Comparison(name, f"{modality} {words[verb]}", "C3", (BASE, name), (BASE, ""))
        for name, (verb, modality) in CONDITIONS.items()
    ]
    return [Comparison("gray", "gray: no model", "C4", ("gray", ""), (BASE, "")), *trained, *tested]


COMPARISONS: dict[str, Comparison] = {one.name: one for one in _comparisons()}


def get_ablation(name: str) -> Ablation:
    """Look up a member by name.

    Raises:
        ConfigError: there is none of this name; the message names the nearest one.
    """
    check_known("ablation", name, ABLATIONS)
    return ABLATIONS[name]
