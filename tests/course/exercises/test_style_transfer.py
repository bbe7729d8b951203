"""Notebook 07's checkers: each hint names its mistake. That stubs fail and solutions pass is in test_checks."""

import pytest
import torch

from colorstyle_lib.course import exercises

ALL = (exercises.adain, exercises.modulate, exercises.front)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("result", [None, "L", float("nan"), (1, 2), (None, None), [], torch.zeros(2), [(1, 2, 3)] * 3])
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


def statistics(x, dims, correction=0):
    return x.mean(dims, keepdim=True), x.std(dims, correction=correction, keepdim=True).clamp_min(1e-6)


def adain(x, y, dims=(2, 3), correction=0):
    (m, s), (mean, deviation) = statistics(x, dims), statistics(y, dims, correction)
    return (x - m) / s * deviation + mean


def no_care(x, y):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), correction=0, keepdim=True)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y: x, "it is x itself"),
        (lambda x, y: x.mul_(2), "work on copies"),
        (lambda x, y: y, "places are x's"),
        (no_care, "divide by no 0"),
        (lambda x, y: adain(x, 2 * y), "each channel should end"),
        (lambda x, y: x - x.mean((2, 3), keepdim=True) + y.mean((2, 3), keepdim=True), "deviations are still to come"),
        (lambda x, y: adain(x, y, (0, 2, 3)), "not over the batch"),
        (lambda x, y: adain(x, y, (1, 2, 3)), "each channel has its own"),
        (lambda x, y: adain(x, y, correction=1), "correction=0"),
    ],
)
def test_adain_hints(attempt, hint: str):
    assert hint in exercises.adain(attempt)


def test_adain_passes():
    assert exercises.adain(adain).startswith("yes: ")


def modulate(x, alpha, gamma, beta):
    return sum(a * ((1 + g)[:, None, None] * x + b[:, None, None]) for a, g, b in zip(alpha, gamma, beta, strict=True))


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, alpha, gamma, beta: x, "x itself"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma - 1, beta), "1 + gamma"),
        (lambda x, alpha, gamma, beta: modulate(x, torch.full_like(alpha, 1 / 3), gamma, beta), "weigh them by alpha"),
        (
            lambda x, alpha, gamma, beta: modulate(x, alpha.mean((1, 2))[:, None, None].expand_as(alpha), gamma, beta),
            "place to place",
        ),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma, -beta), "one place by hand"),
    ],
)
def test_modulate_hints(attempt, hint: str):
    assert hint in exercises.modulate(attempt)


def test_modulate_passes():
    assert exercises.modulate(modulate).startswith("yes: ")


def front(points, beats=lambda a, b: bool((a <= b).all() and (a < b).any())):
    return [i for i, p in enumerate(points) if not any(beats(q, p) for q in points)]


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda points: list(range(len(points))), "some are beaten"),
        (lambda points: [int(points[:, 1].argmin())], "the front is"),
        (lambda points: front(points, lambda a, b: bool((a < b).all())), "as good in one and better in the other"),
        (
            lambda points: [i for i in front(points) if points[i].tolist() not in points[:i].tolist()],
            "two equal points",
        ),
    ],
)
def test_front_hints(attempt, hint: str):
    assert hint in exercises.front(attempt)


def test_front_passes_in_any_order_and_as_a_tensor():
    assert exercises.front(lambda points: torch.tensor(front(points)[::-1])).startswith("yes: ")
