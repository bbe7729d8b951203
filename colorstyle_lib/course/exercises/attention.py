"""The checkers of notebook 03's exercises."""

from __future__ import annotations

import math

import torch
from scipy.stats import spearmanr

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_tensor
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.model.attention import masked_softmax
from colorstyle_lib.model.modalities import describe

_MUCH, _LITTLE = 0.1, 0.01  # how much of its length a description must change, and may change


@checker
def attention_weights(attempt: Attempt):
    """Equation (2) with absent modalities and energies of any size."""
    E = torch.tensor([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])
    everything = torch.ones_like(E, dtype=torch.bool)
    result = attempt(E.clone(), everything.clone())
    yield from is_tensor(result, E, "E")
    yield not is_close(result, E.softmax(0)), "the sum runs over the modalities of one image, not over the images"
    yield is_close(result, E.softmax(1)), "with all present: exp(E_i) over the sum of all exp(E_j)"
    present = torch.tensor([[True, False, True], [False, True, False]])
    result, want = attempt(E.clone(), present), masked_softmax(E, present)
    yield (result[~present] == 0).all(), "an absent modality's weight is exactly 0, however large its energy"
    if is_close(result, want * result.sum(dim=1, keepdim=True)):
        hint = "the present weights no longer sum to 1: leave the absent out of the sum, too"
    else:
        hint = "with one absent, the others' weights are not right"
    yield is_close(result, want), hint
    for shift in (1000.0, -1000.0):
        hint = f"with {shift:+.0f} added to every energy the weights should stay; exp of it is not a number to divide "
        hint += "by: subtract each image's largest energy first, the largest of those present"
        yield is_close(attempt(E + shift, present), want), hint
    nothing = attempt(E.clone(), torch.zeros_like(present))
    yield (nothing == 0).all(), "an image without any modality should get zeros, not NaN"
    return "absent is exactly 0, the others sum to 1, and no energy is too large"


@checker
def only_texture(attempt: Attempt):
    """A change of pictures that texture notices, and color and shape do not."""
    lab = rgb_to_lab(scenes(3, 64, seed=5).rgb)
    result = attempt(lab.clone())
    yield from is_tensor(result, lab, "lab")
    yield torch.isfinite(result).all(), "not every value is a number"
    low, high = float(result[:, 0].min()), float(result[:, 0].max())
    yield low >= 0 and high <= 100, f"L must stay in [0, 100]; yours goes from {low:.0f} to {high:.0f}"
    color, texture, shape = (
        float(((after - before).norm(dim=1) / before.norm(dim=1)).max())
        for before, after in zip(describe(lab).vectors, describe(result).vectors, strict=True)
    )
    yield color < _LITTLE, f"color noticed: its vector changed by {color:.0%}; leave a and b alone"
    yield shape < _LITTLE, f"shape noticed: its vector changed by {shape:.0%}; it forgives only p L + q"
    yield texture > _MUCH, f"texture changed by {texture:.0%} only; it grows with contrast"
    return f"texture changed by {texture:.0%}, color by {color:.1%}, shape by {shape:.1%}"


@checker
def rank_correlation(attempt: Attempt):
    """Spearman's: the correlation of ranks; ties share their mean rank; NaN where one side never changes."""
    alpha, change = torch.tensor([0.1, 0.4, 0.2, 0.9, 0.6]), torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0])
    result = attempt(alpha.clone(), alpha.exp().square())
    yield result is not None, "it returns None; return one number"
    hint = f"where one always grows with the other it is 1, however crooked the curve; yours is {float(result):.3f}: "
    yield is_close(float(result), 1.0), hint + "replace values by their ranks first"
    yield is_close(float(attempt(alpha, -alpha)), -1.0), "where one falls as the other grows it is -1"
    for x in (alpha, torch.tensor([0.2, 0.2, 0.2, 0.7, 0.5])):
        got, want = float(attempt(x.clone(), change.clone())), float(spearmanr(x, change).statistic)
        yield is_close(got, want), f"with ties it should be {want:.4f}, not {got:.4f}: they share a mean rank"
    constant = float(attempt(torch.ones(5), change))
    hint = "all weights equal, as in the paper preset on gray: there is nothing to rank; return NaN, not "
    yield math.isnan(constant), f"{hint}{constant:.3g}"
    return "and it knows when there is nothing to know"
