"""The checkers of notebooks 00 and 01: each hint names its mistake."""

import pytest
import torch

from colorstyle_lib.course import exercises


def srgb_to_linear(gray: float) -> float:
    return gray / 12.92 if gray <= 0.04045 else ((gray + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda gray: 100 * gray, "undo the sRGB curve"),
        (lambda gray: 100 * srgb_to_linear(gray), "cube root"),
        (lambda gray: 1.16 * srgb_to_linear(gray) ** (1 / 3) - 0.16, "not up to 1"),
        (lambda gray: 116 * srgb_to_linear(gray) ** (1 / 3) - 16, "straight lines"),
        (lambda gray: 116 * srgb_to_linear(gray) ** (1 / 3), "should be"),
    ],
)
def test_lightness_hints_name_the_missing_step(attempt, hint: str):
    assert hint in exercises.lab_lightness(attempt)


def in_place(lab, keep):
    lab[1:] *= keep
    return lab


def turned(lab, keep):
    return torch.stack((lab[0], -keep * lab[2], keep * lab[1]))


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda lab, keep: keep * lab, "L has changed"),
        (lambda lab, keep: lab, "chroma is not 0.5 times"),
        (in_place, "work on a copy"),
        (turned, "hue has turned"),
        (lambda lab, keep: keep * lab[1:], "shape"),
    ],
)
def test_desaturate_hints_name_the_mistake(attempt, hint: str):
    assert hint in exercises.desaturate(attempt)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (
            lambda colors, chances: (colors.mean(dim=0), 1 - colors.mean(dim=0).norm() / colors.norm(dim=1).mean()),
            "weigh",
        ),
        (lambda colors, chances: (colors[0], 0.0), "smaller expected square error"),
        (lambda colors, chances: (chances @ colors, 0.5), "the loss is"),
        (lambda colors, chances: chances @ colors, "return two things"),
        (lambda colors, chances: (colors, 0.0), "one (a, b)"),
    ],
)
def test_best_guess_hints_name_the_mistake(attempt, hint: str):
    assert hint in exercises.best_guess(attempt)
