"""Notebook 06's checkers: each hint names its mistake. That stubs fail and solutions pass is in test_checks."""

import math

import pytest
import torch

from colorstyle_lib.course import exercises
from colorstyle_lib.inference.guided_upsampling import guided_coefficients

ALL = (exercises.guided_line, exercises.best_saturation, exercises.where_to_ask)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("result", [None, "L", float("nan"), (1, 2), (None, None), [], torch.zeros(2), [(1, 2, 3)] * 3])
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


def line(L, b, epsilon, correction=0):
    covariance = ((L - L.mean()) * (b - b.mean())).sum() / (len(L) - correction)
    slope = covariance / (L.var(correction=correction) + epsilon)
    return slope, b.mean() - slope * L.mean()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda L, b, epsilon: line(L, b, epsilon)[0], "return two numbers"),
        (lambda L, b, epsilon: line(L, b, 0.0), "add it to the variance"),
        (lambda L, b, epsilon: line(L, b, epsilon, correction=1), "correction=0"),
        (lambda L, b, epsilon: (line(L, b, epsilon)[0], b.mean()), "through the mean"),
        (lambda L, b, epsilon: (0.0, b.mean()), "with epsilon = 0"),
    ],
)
def test_line_hints(attempt, hint: str):
    assert hint in exercises.guided_line(attempt)


def test_the_librarys_own_filter_fits_that_line():
    def attempt(L, b, epsilon):
        planes = (plane.view(1, 1, 5, 5) for plane in (L, b))
        slope, offset = guided_coefficients(*planes, radius=4, epsilon=max(epsilon, 1e-9))
        return slope[0, 0, 2, 2], offset[0, 0, 2, 2]  # every window holds all 25 pixels

    assert exercises.guided_line(attempt).startswith("yes: ")


def best(predicted, truth):
    return (predicted * truth).sum() / predicted.square().sum().clamp_min(1e-9)


def in_place(predicted, truth):
    s = best(predicted, truth).clamp(0, 3)
    predicted *= s
    return s


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda p, t: t.norm(dim=1).mean() / p.norm(dim=1).mean(), "least squared error is elsewhere"),
        (lambda p, t: 1.0, "parabola"),
        (best, "lies in [0, 3]"),
        (in_place, "changes the prediction"),
        (lambda p, t: ((p * t).sum() / p.square().sum()).clamp(0, 3), "which is not a number"),
    ],
)
def test_saturation_hints(attempt, hint: str):
    assert hint in exercises.best_saturation(attempt)


def test_the_best_saturation_is_found_by_search_too():
    def search(predicted, truth):
        values = torch.linspace(0, 3, 601)
        return values[torch.stack([(s * predicted - truth).square().sum() for s in values]).argmin()]

    assert exercises.best_saturation(search).startswith("yes: ")


def greedy(spread, count, apart):
    found = []
    for i in spread.flatten().argsort(descending=True).tolist():
        place = (i % spread.shape[1], i // spread.shape[1])
        if len(found) < count and all(math.dist(place, other) >= apart for other in found):
            found.append(place)
    return found


def strikes_out(spread, count, apart):
    spread[:] = 0.0
    return [(4, 3), (15, 9), (15, 3)]


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda spread, count, apart: greedy(spread, count, 0), "less than 5 away"),
        (lambda *given: [(y, x) for x, y in greedy(*given)], "x counts columns"),
        (lambda spread, count, apart: greedy(spread, count + 1, apart), "3 places were asked for"),
        (lambda spread, count, apart: greedy(-spread, count, apart), "least sure place is (4, 3)"),
        (lambda *given: [greedy(*given)[i] for i in (0, 2, 1)], "least sure first"),
        (lambda spread, count, apart: greedy(spread, count, min(apart, 3)), "fewer than were asked for"),
        (strikes_out, "work on a copy"),
    ],
)
def test_place_hints(attempt, hint: str):
    assert hint in exercises.where_to_ask(attempt)


def test_greedy_places_pass():
    assert exercises.where_to_ask(greedy).startswith("yes: ")
