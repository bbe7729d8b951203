"""Notebook 05's checkers: each hint names its mistake. That stubs fail and solutions pass is in test_checks."""

import pytest
import torch

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.course import exercises
from colorstyle_lib.metrics.feature_distance import kernel_distance

ALL = (exercises.kernel_distance, exercises.paired_interval, exercises.fool_colorfulness)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize(
    "result", [None, "k", float("nan"), (1, 2, 3), torch.zeros(2), torch.full((3, 3, 48, 48), 2.0)]
)
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


def kernel(x, y, degree=3, divide=True):
    return (x @ y.T / (x.shape[1] if divide else 1) + 1) ** degree


def pairs(x, y, **options):
    cross = kernel(x, y, **options)
    return kernel(x, x, **options) + kernel(y, y, **options) - cross - cross.T


def off_diagonal(h):
    return (h.sum() - h.diagonal().sum()) / (len(h) * (len(h) - 1))


def unpaired(x, y):
    return off_diagonal(kernel(x, x)) + off_diagonal(kernel(y, y)) - 2 * kernel(x, y).mean()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y: pairs(x, y).mean(), "leave out i = j"),
        (lambda x, y: (pairs(x, y).sum() - pairs(x, y).diagonal().sum()) / len(x) ** 2, "divide by n (n - 1)"),
        (lambda x, y: off_diagonal(pairs(x, y, divide=False)), "number of features"),
        (lambda x, y: off_diagonal(pairs(x, y, degree=1)), "cube"),
        (unpaired, "against its own real picture"),
        (lambda x, y: -kernel_distance(x, y), "it should be"),
    ],
)
def test_kernel_hints(attempt, hint: str):
    assert hint in exercises.kernel_distance(attempt)


def test_the_librarys_kernel_distance_passes():
    assert exercises.kernel_distance(kernel_distance).startswith("yes: ")


def bootstrapped(ours, theirs, *, apart=False, level=0.95, size=200, shift=0.0):
    one = torch.randint(len(ours), (1000, size))
    other = torch.randint(len(ours), (1000, size)) if apart else one
    difference = ours[one].mean(1) - theirs[other].mean(1) + shift
    return difference.quantile((1 - level) / 2), difference.quantile((1 + level) / 2)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y: bootstrapped(x, y, apart=True), "the same pictures"),
        (lambda x, y: tuple((x - y).quantile(torch.tensor([0.025, 0.975]))), "single pictures"),
        (lambda x, y: bootstrapped(x, y, level=0.5), "is right"),
        (lambda x, y: bootstrapped(x, y, size=50), "is right"),
        (lambda x, y: bootstrapped(y, x), "middle"),
        (lambda x, y: bootstrapped(x, y)[::-1], "lower end"),
        (lambda x, y: ((x - y).mean(), (x - y).mean()), "are any pictures drawn"),
        (lambda x, y: (x - y).mean(), "two numbers"),
    ],
)
def test_interval_hints(attempt, hint: str):
    torch.manual_seed(0)
    assert hint in exercises.paired_interval(attempt)


@pytest.mark.parametrize("seed", range(5))
def test_any_draw_of_a_right_interval_passes(seed: int):
    torch.manual_seed(seed)
    assert exercises.paired_interval(bootstrapped).startswith("yes: ")


def opposite(rgb, strength=0.8, fitted=True):
    lab = rgb_to_lab(rgb)
    wrong = torch.cat((lab[:, :1], -strength * lab[:, 1:]), dim=1)
    return lab_to_rgb(fit_gamut(wrong) if fitted else wrong)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda rgb: rgb.clone(), "too good"),
        (lambda rgb: opposite(rgb, 0.2), "90 to 110 %"),
        (lambda rgb: opposite(rgb, 2.0), "90 to 110 %"),
        (lambda rgb: 1 - rgb, "L has moved"),
        (lambda rgb: opposite(rgb, 2.0) + 0.5, "lies in [0, 1]"),
        (lambda rgb: rgb.mul_(0.5), "work on a copy"),
        (lambda rgb: rgb[0], "shape"),
    ],
)
def test_cheating_hints(attempt, hint: str):
    assert hint in exercises.fool_colorfulness(attempt)


def test_opposite_hues_of_the_right_strength_pass():
    assert exercises.fool_colorfulness(opposite).startswith("yes: ")
