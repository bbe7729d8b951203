"""Notebook 02's checkers: each hint names its mistake. That stubs fail and solutions pass is in test_checks."""

import pytest
import torch
import torch.nn.functional as nnf

from colorstyle_lib.course import exercises
from colorstyle_lib.course.toy_point_gan import modes_covered

ALL = (exercises.optimal_discriminator, exercises.generator_loss, exercises.count_modes)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("result", [None, "D", float("nan"), (1, 2), torch.zeros(2), torch.full((5,), 0.3)])
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda p, q: p / (p + q), "return 1/2 there"),
        (lambda p, q: q / (p + q), "chance of being generated"),
        (lambda p, q: (p > q).float(), "derivative"),
        (lambda p, q: p[:2], "shape"),
    ],
)
def test_discriminator_hints(attempt, hint: str):
    assert hint in exercises.optimal_discriminator(attempt)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x: -torch.sigmoid(x).log().mean(), "use logsigmoid"),
        (lambda x: -torch.sigmoid(x).clamp_min(1e-6).log().mean(), "clamp nothing"),
        (lambda x: nnf.logsigmoid(x).mean(), "the sign"),
        (lambda x: nnf.logsigmoid(-x).mean(), "the one that saturates"),
        (lambda x: -nnf.logsigmoid(x), "take the mean"),
        (lambda x: -nnf.logsigmoid(x).sum(), "should be"),
    ],
)
def test_loss_hints(attempt, hint: str):
    assert hint in exercises.generator_loss(attempt)


def nearest_only(points, centers, radius):
    return len(torch.cdist(points, centers).argmin(dim=1).unique())


def any_point(points, centers, radius):
    return int((torch.cdist(points, centers) < radius).any(dim=0).sum())


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [(lambda points, centers, radius: 8, "one mode"), (nearest_only, "between the modes"), (any_point, "stray")],
)
def test_count_hints(attempt, hint: str):
    assert hint in exercises.count_modes(attempt)


def test_the_librarys_own_count_passes():
    answer = exercises.count_modes(lambda points, centers, radius: modes_covered(points, centers)[0])
    assert answer.startswith("yes: ")
