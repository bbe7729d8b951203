"""The checkers of notebook 08: each hint names its mistake."""

import pytest
import torch

from colorstyle_lib.course import exercises


def relax(plane, unknown, steps=2000):
    plane = torch.where(unknown, plane[~unknown].mean(), plane)
    for _ in range(steps):
        padded = torch.nn.functional.pad(plane[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
        mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        plane = torch.where(unknown, mean, plane)
    return plane


def in_place(plane, unknown):
    plane[unknown] = 0.5
    return plane


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda plane, unknown: None, "return a tensor"),
        (in_place, "work on a copy"),
        (lambda plane, unknown: plane * 0, "must stay"),
        (lambda plane, unknown: torch.where(unknown, plane[~unknown].mean(), plane), "one value for the whole hole"),
        (lambda plane, unknown: relax(plane, unknown, 3), "repeat until it settles"),
        (lambda plane, unknown: torch.where(unknown[0, 0], plane * float("nan"), relax(plane, unknown)), "fewer"),
    ],
)
def test_harmonic_fill_hints(attempt, hint):
    assert hint in exercises.harmonic_fill(attempt)


def test_harmonic_fill_says_yes():
    assert exercises.harmonic_fill(relax).startswith("yes: ")


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda L, t, A: L + t * A, "weight 1 - t"),
        (lambda L, t, A: t * L + (1 - t) * A, "t is the share of the veil"),
        (lambda L, t, A: L, "black should become"),
    ],
)
def test_haze_hints(attempt, hint):
    assert hint in exercises.haze(attempt)
    assert exercises.haze(lambda L, t, A: (1 - t) * L + t * A).startswith("yes: ")
