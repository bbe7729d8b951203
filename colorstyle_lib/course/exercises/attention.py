"""The checkers of notebook 03's exercises, made like those in :mod:`.checker`."""

from __future__ import annotations

import math

import torch
from scipy.stats import spearmanr
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course.exercises.checker import Attempt, _hint_unless, checker
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.model.attention import masked_softmax
from colorstyle_lib.model.modalities import describe

_MUCH, _LITTLE = 0.1, 0.01  # how much of its length a description must change, and may change


@checker
def attention_weights(attempt: Attempt) -> str:
    """Equation (2) with absent modalities and energies of any size."""
    E = torch.tensor([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])
    everything = torch.ones_like(E, dtype=torch.bool)
    result = attempt(E.clone(), everything.clone())
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like E")
    _hint_unless(result.shape == E.shape, f"it returns shape {tuple(result.shape)}, not {tuple(E.shape)}")
    want = masked_softmax(E, everything)
    over_images = torch.allclose(result, E.softmax(dim=0), atol=1e-4)
    _hint_unless(not over_images, "the sum runs over the modalities of one image, not over the images")
    _hint_unless(torch.allclose(result, want, atol=1e-4), "with all present: exp(E_i) over the sum of all exp(E_j)")
    present = torch.tensor([[True, False, True], [False, True, False]])
    result, want = attempt(E.clone(), present), masked_softmax(E, present)
    _hint_unless((result[~present] == 0).all(), "an absent modality's weight is exactly 0, however large its energy")
    short = torch.allclose(result, want * result.sum(dim=1, keepdim=True), atol=1e-4)
    _hint_unless(
        torch.allclose(result, want, atol=1e-4),
        "the present weights no longer sum to 1: leave the absent out of the sum, too"
        if short
        else "with one absent, the others' weights are not right",
    )
    for shift in (1000.0, -1000.0):
        result = attempt(E + shift, present)
        _hint_unless(
            torch.allclose(result, want, atol=1e-4),
            f"with {shift:+.0f} added to every energy the weights should stay; exp of it is not a number to divide "
            "by: subtract each image's largest energy first, the largest of those present",
        )
    nothing = torch.zeros_like(present)
    _hint_unless((attempt(E.clone(), nothing) == 0).all(), "an image without any modality should get zeros, not NaN")
    return "absent is exactly 0, the others sum to 1, and no energy is too large"


@checker
def only_texture(attempt: Attempt) -> str:
    """A change of pictures that texture notices, and color and shape do not."""
    lab = rgb_to_lab(scenes(3, 64, seed=5).rgb)
    result = attempt(lab.clone())
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like lab")
    _hint_unless(result.shape == lab.shape, f"it returns shape {tuple(result.shape)}, not {tuple(lab.shape)}")
    _hint_unless(torch.isfinite(result).all(), "not every value is a number")
    light = result[:, 0]
    _hint_unless(
        light.min() >= 0 and light.max() <= 100,
        f"L must stay in [0, 100]; yours goes from {float(light.min()):.0f} to {float(light.max()):.0f}",
    )
    color, texture, shape = (
        float(((after - before).norm(dim=1) / before.norm(dim=1)).max())
        for before, after in zip(describe(lab).vectors, describe(result).vectors, strict=True)
    )
    _hint_unless(color < _LITTLE, f"color noticed: its vector changed by {color:.0%}; leave a and b alone")
    _hint_unless(shape < _LITTLE, f"shape noticed: its vector changed by {shape:.0%}; it forgives only p L + q")
    _hint_unless(texture > _MUCH, f"texture changed by {texture:.0%} only; it grows with contrast")
    return f"texture changed by {texture:.0%}, color by {color:.1%}, shape by {shape:.1%}"


@checker
def rank_correlation(attempt: Attempt) -> str:
    """Spearman's: the correlation of ranks; ties share their mean rank; NaN where one side never changes."""
    alpha = torch.tensor([0.1, 0.4, 0.2, 0.9, 0.6])
    result = attempt(alpha.clone(), alpha.exp().square())
    _hint_unless(result is not None, "it returns None; return one number")
    growing = float(result)
    _hint_unless(
        abs(growing - 1) < 1e-4,
        f"where one always grows with the other it is 1, however crooked the curve; yours is {growing:.3f}: "
        "replace values by their ranks first",
    )
    _hint_unless(abs(float(attempt(alpha, -alpha)) + 1) < 1e-4, "where one falls as the other grows it is -1")
    change = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0])
    tied = torch.tensor([0.2, 0.2, 0.2, 0.7, 0.5])
    for x, y in ((alpha, change), (tied, change)):
        got, want = float(attempt(x.clone(), y.clone())), float(spearmanr(x, y).statistic)
        _hint_unless(
            abs(got - want) < 1e-4, f"with ties it should be {want:.4f}, not {got:.4f}: they share a mean rank"
        )
    constant = float(attempt(torch.ones(5), change))
    _hint_unless(
        math.isnan(constant),
        f"all weights equal, as in the paper preset on gray: there is nothing to rank; return NaN, not {constant:.3g}",
    )
    return "and it knows when there is nothing to know"
