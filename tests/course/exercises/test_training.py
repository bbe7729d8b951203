"""Notebook 04's checkers: each hint names its mistake. That stubs fail and solutions pass is in test_checks."""

import pytest
import torch

from colorstyle_lib.course import exercises

ALL = (exercises.look_ahead, exercises.statistics_of_whole, exercises.wins_for_good)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("result", ["D", float("nan"), (1, 2), (None, None), torch.zeros(2), torch.zeros(3, 2)])
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


def right(x, y, rate):
    ahead_x, ahead_y = x - rate * y, y + rate * x
    return x - rate * ahead_y, y + rate * ahead_x


def two_steps(x, y, rate):
    x, y = x - rate * y, y + rate * x
    return x - rate * y, y + rate * x


def in_turn(x, y, rate):
    x = x - rate * (y + rate * x)
    return x, y + rate * x


def alternating(x, y, rate):
    y = y + rate * x
    return x - rate * y, y


def only_once(x, y, rate):
    return right(x, y, rate) if (x, y) == (1.0, 0.5) else (x, y)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y, rate: None, "returns None"),
        (lambda x, y, rate: (x - rate * y, y + rate * x), "the trial step alone"),
        (two_steps, "start from x and y again"),
        (in_turn, "where x would be"),
        (alternating, "that is alternating"),
        (lambda x, y, rate: right(x, y, -rate), "should become"),
        (only_once, "after 200 rounds"),
    ],
)
def test_step_hints(attempt, hint: str):
    assert hint in exercises.look_ahead(attempt)


def weighed(means, variances, counts):
    share = counts / counts.sum()
    mean = (share * means).sum()
    return mean, (share * (variances + means.square())).sum() - mean.square()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda means, variances, counts: None, "returns None"),
        (lambda means, variances, counts: means.mean(), "return two things"),
        (lambda means, variances, counts: (means, variances), "single numbers"),
        (lambda means, variances, counts: (means.mean(), weighed(means, variances, counts)[1]), "weigh each mean"),
        (lambda means, variances, counts: (means.sum(), variances.mean()), "the mean should be"),
        (lambda means, variances, counts: (weighed(means, variances, counts)[0], variances.mean()), "forgets"),
        (
            lambda means, variances, counts: (
                weighed(means, variances, counts)[0],
                weighed(means, variances, counts)[1] * 24 / 23,
            ),
            "not by n - 1",
        ),
    ],
)
def test_statistics_hints(attempt, hint: str):
    assert hint in exercises.statistics_of_whole(attempt)


def for_good(log, limit):
    found = None
    for line in log:
        if "discriminator_accuracy" in line:
            found = (found or line["step"]) if line["discriminator_accuracy"] > limit else None
    return found


def first_win(log, limit):
    return next((line["step"] for line in log if line.get("discriminator_accuracy", 0) > limit), None)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda log, limit: None, "from step 150 on"),
        (first_win, "lost again"),
        (lambda log, limit: for_good(log, limit - 1e-6), "the limit itself"),
        (lambda log, limit: for_good([line for line in log if line["discriminator_accuracy"]], limit), "KeyError"),
    ],
)
def test_log_hints(attempt, hint: str):
    assert hint in exercises.wins_for_good(attempt)


@pytest.mark.parametrize(("check", "attempt"), list(zip(ALL, (right, weighed, for_good), strict=True)))
def test_a_right_answer_passes(check, attempt):
    assert check(attempt).startswith("yes: ")
