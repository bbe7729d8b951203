"""Recipes for equal computing time: the coloring baselines, and one model against two specialists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from colorstyle_lib.config import Preset, change, get_preset

CROP = 128
"""Side in pixels of the training crops of all; pix2pix needs a power of 2."""

_STYLED, _COLORED = 2, 10  # pictures of a joint step: both tasks are about as much work


@dataclass(frozen=True)
class Recipe:
    """The training of a baseline.

    Attributes:
        title: in texts.
        preset: its networks and training; None for pix2pix, which brings its own.
        budgets: its time, in shares of a baseline's: the work of two gets the time of two.
    """

    title: str
    preset: Preset | None
    budgets: float = 1.0


def _preset(name: str, generator: dict[str, Any], training: dict[str, Any]) -> Preset:
    """Our preset with crops, batches and the average's memory that fit minutes of training, and these changes."""
    companion = get_preset("companion")
    shape = {"working_size": CROP, "restyling": 0, **generator}
    schedule = {"crop": CROP, "batch_size": 8, "ema": 0.99, **training}
    parts = {"generator": change(companion.generator, **shape), "training": change(companion.training, **schedule)}
    return change(companion, name=name, **parts)


_PLAIN_SHAPE = {"noise": 0, "lightness": False, "vividness": 0.0}
_PLAIN_TRAINING = {
    "tasks": (("automatic", 1.0),),
    "objective": "none",
    "noise_fraction": 0.0,
    "imle_samples": 1,
    "attention_weight": 0.0,
}
# A Huber distance whose square ends at once is the absolute error.
_ABSOLUTE_ERROR = {"huber_delta": 0.01, "gradient_weight": 0.0, "chroma_weight": 0.0}
# Temperature and lambda (the bins' smoothing) are Zhang et al.'s (ECCV 2016, arXiv:1603.08511).
_ZHANG = {"attention": "none", "temperature": 0.38}

RECIPES: dict[str, Recipe] = {
    "l1": Recipe(
        "same generator, L1 only",
        _preset("l1", _PLAIN_SHAPE | {"colors": "regression"}, _PLAIN_TRAINING | _ABSOLUTE_ERROR),
    ),
    "pix2pix": Recipe("pix2pix's recipe", None),
    "bins": Recipe(
        "same generator without attention, rebalanced ab bins",
        _preset("bins", _PLAIN_SHAPE | _ZHANG, _PLAIN_TRAINING | {"bin_smoothing": 0.5}),
    ),
    "ours": Recipe("ours, in the same time", _preset("ours", {}, {})),
}
"""The coloring baselines and our recipe in the same time, by name."""

_BOTH = {"restyling": get_preset("companion").generator.restyling}
_COLORING = get_preset("companion").training.tasks
_SHARE = sum(weight for _, weight in _COLORING) * _STYLED / _COLORED
_JOINT = {"tasks": (*_COLORING, ("stylize", _SHARE)), "batch_size": _COLORED + _STYLED}
# The style specialist's coloring levels are there and never learn: what learns is what the joint model has beside them.
_STYLE_ALONE = {"tasks": (("stylize", 1.0),), "trainable": "restyling", "batch_size": _STYLED}

SPECIALISTS: dict[str, Recipe] = {
    "joint": Recipe("one model, trained for both from the start", _preset("joint", _BOTH, _JOINT), budgets=2.0),
    "color_specialist": Recipe(
        "coloring alone", _preset("color_specialist", {}, {"batch_size": _COLORED}), budgets=0.8
    ),
    "style_specialist": Recipe("restyling alone", _preset("style_specialist", _BOTH, _STYLE_ALONE), budgets=1.2),
}
"""One model and two that share its work: together they have its trained weights and its time.

The encoder is frozen and each carries one. A joint step holds about what one step of each specialist holds, and costs
about what both cost; of the two a coloring step costs 0.4, so that in their shares of the time all three make about as
many steps.
"""
