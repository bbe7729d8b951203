"""Notebook 03's checkers: each hint names its mistake. That stubs fail and solutions pass is in test_checks."""

import pytest
import torch
from scipy.stats import spearmanr

from colorstyle_lib.course import exercises
from colorstyle_lib.model.attention import masked_softmax

ALL = (exercises.attention_weights, exercises.only_texture, exercises.rank_correlation)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("result", [None, "E", float("nan"), (1, 2), torch.zeros(2), torch.full((2, 3), 1 / 3)])
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


def naive(E, present):
    weights = torch.where(present, E.exp(), 0.0)
    return weights / weights.sum(dim=1, keepdim=True)


def nothing_is_nan(E, present):
    return torch.where(present, E, -torch.inf).softmax(dim=1)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda E, present: E.softmax(dim=0), "not over the images"),
        (lambda E, present: E / E.sum(dim=1, keepdim=True), "over the sum of all"),
        (lambda E, present: E.softmax(dim=1), "exactly 0"),
        (lambda E, present: torch.where(present, E, -2.0).softmax(dim=1) * present, "out of the sum"),
        (lambda E, present: E.softmax(dim=1) * present, "out of the sum"),
        (naive, "subtract each image's largest"),
        (nothing_is_nan, "zeros, not NaN"),
    ],
)
def test_attention_hints(attempt, hint: str):
    assert hint in exercises.attention_weights(attempt)


def test_the_librarys_own_attention_passes():
    assert exercises.attention_weights(masked_softmax).startswith("yes: ")


def contrast(by: float):
    def change(lab):
        middle = lab[:, :1].mean(dim=(2, 3), keepdim=True)
        return torch.cat([middle + by * (lab[:, :1] - middle), lab[:, 1:]], dim=1)

    return change


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda lab: lab, "grows with contrast"),
        (lambda lab: 0.5 * lab, "color noticed"),
        (lambda lab: torch.cat([lab[:, :1].roll(1, 3).square() / 100, lab[:, 1:]], dim=1), "shape noticed"),
        (lambda lab: lab - 60, "stay in [0, 100]"),
        (lambda lab: lab[:, :1], "shape"),
        (lambda lab: lab / 0, "not every value is a number"),
        (contrast(0.99), "grows with contrast"),
    ],
)
def test_texture_hints(attempt, hint: str):
    assert hint in exercises.only_texture(attempt)


def test_less_contrast_is_seen_by_texture_alone():
    assert exercises.only_texture(contrast(0.5)).startswith("yes: ")


def by_position(alpha, change):
    """Ranks without care for ties."""
    return torch.corrcoef(torch.stack([alpha.argsort().argsort(), change.argsort().argsort()]).float())[0, 1]


def never_nan(alpha, change):
    return torch.tensor(float(spearmanr(alpha, change).statistic) if len(alpha.unique()) > 1 else 0.0)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda alpha, change: torch.corrcoef(torch.stack([alpha, change]))[0, 1], "by their ranks"),
        (lambda alpha, change: by_position(alpha, change).abs(), "it is -1"),
        (by_position, "share a mean rank"),
        (never_nan, "return NaN"),
    ],
)
def test_rank_hints(attempt, hint: str):
    assert hint in exercises.rank_correlation(attempt)
