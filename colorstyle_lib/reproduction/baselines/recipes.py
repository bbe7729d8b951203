"""Recipes for equal computing time: the coloring baselines, and one model against two specialists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from colorstyle_lib.config import Preset, change, get_preset

CROP = 128
"""Side in pixels of the training crops of all; pix2pix needs a power of 2."""


@dataclass(frozen=True)
class Recipe:
    """The training of a baseline.

    Attributes:
        preset: its networks and training; None for pix2pix, which brings its own.
        budgets: its time, in shares of a baseline's: the work of two gets the time of two.
    """

    preset: Preset | None
    budgets: float = 1.0


_COMPANION = get_preset("companion")


def _preset(name: str, generator: dict[str, Any], training: dict[str, Any]) -> Preset:
    """Our preset with crops, batches and the average's memory that fit minutes of training, and these changes."""
    shape = {"working_size": CROP, "restyling": 0, **generator}
    schedule = {"crop": CROP, "batch_size": 8, "ema": 0.99, **training}
    parts = {"generator": change(_COMPANION.generator, **shape), "training": change(_COMPANION.training, **schedule)}
    return change(_COMPANION, name=name, **parts)


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
    "l1": Recipe(_preset("l1", _PLAIN_SHAPE | {"colors": "regression"}, _PLAIN_TRAINING | _ABSOLUTE_ERROR)),
    "pix2pix": Recipe(None),
    "bins": Recipe(_preset("bins", _PLAIN_SHAPE | _ZHANG, _PLAIN_TRAINING | {"bin_smoothing": 0.5})),
    "ours": Recipe(_preset("ours", {}, {})),
}
"""The coloring baselines and our recipe in the same time, by name."""

_STYLED, _COLORED = 2, 10  # pictures of a joint step: both tasks are about as much work
_BOTH = {"restyling": _COMPANION.generator.restyling}
_COLORING = _COMPANION.training.tasks
_SHARE = sum(weight for _, weight in _COLORING) * _STYLED / _COLORED
_JOINT = {"tasks": (*_COLORING, ("stylize", _SHARE)), "batch_size": _COLORED + _STYLED}
# The style specialist's coloring levels are there and never learn: what learns is what the joint model has beside them.
_STYLE_ALONE = {"tasks": (("stylize", 1.0),), "trainable": "restyling", "batch_size": _STYLED}

SPECIALISTS: dict[str, Recipe] = {
    "joint": Recipe(_preset("joint", _BOTH, _JOINT), budgets=2.0),
    "color_specialist": Recipe(_preset("color_specialist", {}, {"batch_size": _COLORED}), budgets=0.8),
    "style_specialist": Recipe(_preset("style_specialist", _BOTH, _STYLE_ALONE), budgets=1.2),
}
"""One model and two that share its work: together they have its trained weights and its time.

The encoder is frozen and each carries one. A joint step holds about what one step of each specialist holds, and costs
about what both cost; of the two a coloring step costs 0.4, so that in their shares of the time all three make about as
many steps.
"""
