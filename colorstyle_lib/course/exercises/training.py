"""The checkers of notebook 04's exercises, made like those in :mod:`.checker`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, _hint_unless, checker


def _near(got: float, want: float) -> bool:
    return abs(got - want) < 1e-6 * max(1.0, abs(want))  # False for NaN, too


@checker
def look_ahead(attempt: Attempt) -> str:
    """One round of V = x y by looking ahead: both step from where they are, by the slopes of where they would be."""
    x, y, rate = 1.0, 0.5, 0.2
    result = attempt(x, y, rate)
    _hint_unless(result is not None, "it returns None; return x and y")
    pair = isinstance(result, tuple | list) and len(result) == 2
    _hint_unless(pair, "return two numbers: x and y")
    got = tuple(map(float, result))
    there = (x - rate * y, y + rate * x)  # where both would be
    want = (x - rate * there[1], y + rate * there[0])

    def is_like(other: tuple[float, float]) -> bool:
        return all(map(_near, got, other))

    _hint_unless(not is_like(there), "that is the trial step alone; now take its slopes and step again, from the start")
    twice = (there[0] - rate * there[1], there[1] + rate * there[0])
    _hint_unless(not is_like(twice), "that is two steps, one after the other: the second must start from x and y again")
    in_turn = (x - rate * there[1], y + rate * (x - rate * there[1]))
    _hint_unless(not is_like(in_turn), "y must answer to where x would be after the trial step, not to where x went")
    alternating = (x - rate * there[1], there[1])
    _hint_unless(not is_like(alternating), "that is alternating: only x looks ahead; y should, too")
    for name, mine, right in zip("xy", got, want, strict=True):
        _hint_unless(
            _near(mine, right),
            f"from (1, 0.5) at rate 0.2 {name} should become {right:.3f}, not {mine:.3f}: x - rate * (y ahead), "
            "y + rate * (x ahead)",
        )
    for _ in range(200):
        x, y = map(float, attempt(x, y, rate))
    _hint_unless(
        math.hypot(x, y) < 0.1, f"after 200 rounds it is {math.hypot(x, y):.2f} from (0, 0); it should be near"
    )
    return "it spirals in without any penalty: looking ahead undoes the rotation"


@checker
def statistics_of_whole(attempt: Attempt) -> str:
    """Mean and variance of all numbers from those of the parts, which need not be equally large."""
    numbers = torch.randn(24, generator=torch.Generator().manual_seed(4)) * 3 + torch.arange(24) / 4
    for sizes in ((12, 12), (4, 20), (6, 6, 12)):
        parts = numbers.split(list(sizes))
        means = torch.stack([part.mean() for part in parts])
        variances = torch.stack([part.var(correction=0) for part in parts])
        counts = torch.tensor(sizes)
        result = attempt(means.clone(), variances.clone(), counts.clone())
        _hint_unless(result is not None, "it returns None; return the mean and the variance")
        pair = isinstance(result, tuple | list) and len(result) == 2
        _hint_unless(pair, "return two things: the mean and the variance of the whole")
        mean, variance = (torch.as_tensor(one, dtype=torch.float32) for one in result)
        _hint_unless(mean.ndim == variance.ndim == 0, "return two single numbers, not one for each part")
        want_mean, want = numbers.mean(), numbers.var(correction=0)
        plain = torch.isclose(mean, means.mean(), atol=1e-4) and not torch.isclose(mean, want_mean, atol=1e-4)
        _hint_unless(not plain, "the parts are not equally large: weigh each mean by its count")
        _hint_unless(
            torch.isclose(mean, want_mean, atol=1e-4), f"the mean should be {want_mean:.4f}, not {float(mean):.4f}"
        )
        share = counts / counts.sum()
        within = torch.isclose(variance, (share * variances).sum(), atol=1e-3)
        _hint_unless(
            not within,
            "that is the mean of the variances: it forgets that the parts' means differ. Go by way of E[x^2]",
        )
        _hint_unless(
            torch.isclose(variance, want, atol=1e-3),
            f"the variance should be {want:.4f}, not {float(variance):.4f} (divide by n, not by n - 1)",
        )
    return "what batch norm needs from every process: a mean, a mean square, a count"


@checker
def wins_for_good(attempt: Attempt) -> str:
    """The first step of a log from which on the discriminator tells more than a limit apart, up to the end."""

    def log(*told: float | None) -> list[dict[str, object]]:
        return [
            {"step": 50 * i, "stage": "supervised"} if one is None else {"step": 50 * i, "discriminator_accuracy": one}
            for i, one in enumerate(told, start=1)
        ]

    cases = (
        (log(None, 0.6, 0.98, 0.99), 150, "it wins from step 150 on"),
        (log(None, 0.99, 0.7, 0.6), None, "it won at 100 only and lost again: return None"),
        (log(None, 0.98, 0.7, 0.99), 200, "it won at 100, lost at 150, and wins from 200 on"),
        (log(0.98, 0.99), 50, "it wins from the first line on"),
        (log(None, None), None, "it never took part: return None"),
        (log(0.5, 0.97), None, "0.97 is the limit itself, not more than it: return None"),
    )
    for lines, want, story in cases:
        got = attempt([dict(line) for line in lines], 0.97)
        shown = [line.get("discriminator_accuracy", "-") for line in lines]
        same = got is None if want is None else isinstance(got, int) and got == want
        _hint_unless(same, f"discriminator_accuracy {shown}: {story}; yours says {_short(got)}")
    return "and a win that was lost again is no win"


def _short(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a number"
    return repr(value)[:40]
