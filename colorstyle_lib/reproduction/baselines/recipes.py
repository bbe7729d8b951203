"""Who is trained for the same computing time: the opponents in coloring, and one model against two specialists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from colorstyle_lib.config import Preset, change, get_preset

CROP = 128
"""Side of what all of them learn from, in pixels; pix2pix needs a power of 2."""

_PLAIN = {
    "tasks": (("automatic", 1.0),),
    "objective": "none",
    "noise_fraction": 0.0,
    "imle_samples": 1,
    "attention_weight": 0.0,
}
_STYLED = 2  # pictures of a joint step that are restyled: about as much work as the others are
_COLORED = 10


@dataclass(frozen=True)
class Recipe:
    """How an opponent is trained.

    Attributes:
        title: what texts call it.
        preset: its networks and training; None for pix2pix, which brings its own.
        budgets: how much of everybody's time it gets: who does the work of two gets the time of two.
    """

    title: str
    preset: Preset | None
    budgets: float = 1.0


def _base() -> Preset:
    """Crops, batches and the average's memory fit a race of minutes; the same for all that share our generator."""
    companion = get_preset("companion")
    return change(
        companion,
        generator=change(companion.generator, working_size=CROP, restyling=0),
        training=change(companion.training, crop=CROP, batch_size=8, ema=0.99),
    )


def _recipes() -> dict[str, Recipe]:
    base = _base()

    def alone(name: str, generator: dict[str, Any], **training: Any) -> Preset:
        shape = change(base.generator, noise=0, lightness=False, vividness=0.0, **generator)
        return change(base, name=name, generator=shape, training=change(base.training, **_PLAIN, **training))

    # A Huber distance whose square ends at once is the absolute error.
    absolute = {"huber_delta": 0.01, "gradient_weight": 0.0, "chroma_weight": 0.0}
    l1 = alone("l1", {"colors": "regression"}, **absolute)
    # Temperature and lambda are Zhang et al.'s (ECCV 2016, arXiv:1603.08511).
    bins = alone("bins", {"attention": "none", "temperature": 0.38}, bin_smoothing=0.5)
    return {
        "l1": Recipe("same generator, L1 only", l1),
        "pix2pix": Recipe("pix2pix's recipe", None),
        "bins": Recipe("same generator without attention, rebalanced ab bins", bins),
        "ours": Recipe("ours, in the same time", change(base, name="ours")),
    }


RECIPES: dict[str, Recipe] = _recipes()
"""Everyone in the race, by name."""


def _specialists() -> dict[str, Recipe]:
    """A joint step holds about what one step of each specialist holds, and costs about what both cost.

    Of the two a coloring step costs 0.4, so that in their shares of the time all three make about as many steps.
    """
    base, restyling = _base(), get_preset("companion").generator.restyling
    both = change(base.generator, restyling=restyling)
    coloring = base.training.tasks
    share = sum(weight for _, weight in coloring) * _STYLED / _COLORED

    def learning(name: str, generator: Any, **training: Any) -> Preset:
        return change(base, name=name, generator=generator, training=change(base.training, **training))

    joint = learning("joint", both, tasks=(*coloring, ("stylize", share)), batch_size=_COLORED + _STYLED)
    color = learning("color_specialist", base.generator, batch_size=_COLORED)
    # Its coloring levels are there and never learn: what learns is what the joint model has beside coloring.
    alone = {"tasks": (("stylize", 1.0),), "trainable": "restyling", "batch_size": _STYLED}
    style = learning("style_specialist", both, **alone)
    return {
        "joint": Recipe("one model, trained for both from the start", joint, budgets=2.0),
        "color_specialist": Recipe("coloring alone", color, budgets=0.8),
        "style_specialist": Recipe("restyling alone", style, budgets=1.2),
    }


SPECIALISTS: dict[str, Recipe] = _specialists()
"""One model and two that share its work: together they have its trained weights and its time.

The encoder is frozen and each carries one.
"""
