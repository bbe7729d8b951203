"""The checkers of notebook 04's exercises."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_pair, matches


@checker
def look_ahead(attempt: Attempt):
    """One round of V = x y by looking ahead: both step from where they are, by the gradients where they would be."""
    x, y, rate = 1.0, 0.5, 0.2
    result = attempt(x, y, rate)
    yield from is_pair(result, "numbers: x and y")
    got = [float(one) for one in result]
    ahead = (x - rate * y, y + rate * x)
    want = (x - rate * ahead[1], y + rate * ahead[0])
    two_steps = (ahead[0] - rate * ahead[1], ahead[1] + rate * ahead[0])
    mistakes = {
        "that is the trial step alone; now take the gradients there and step again, from the start": ahead,
        "that is two steps, one after the other: the second must start from x and y again": two_steps,
        "y must answer to where x would be after the trial step, not to where x went": (want[0], y + rate * want[0]),
        "that is alternating: only x looks ahead; y should, too": (want[0], ahead[1]),
    }
    hint = (
        f"from (1, 0.5) at rate 0.2 they should become ({want[0]:.3f}, {want[1]:.3f}), not ({got[0]:.3f}, {got[1]:.3f})"
    )
    yield from matches(got, want, f"{hint}: x - rate * (y ahead), y + rate * (x ahead)", mistakes, within=1e-6)
    for _ in range(200):
        x, y = (float(one) for one in attempt(x, y, rate))
    distance = math.hypot(x, y)
    yield distance < 0.1, f"after 200 rounds it is {distance:.2f} from (0, 0); it should be near"
    return "it spirals in without any penalty: looking ahead undoes the rotation"


@checker
def statistics_of_whole(attempt: Attempt):
    """Mean and variance of all numbers from those of the parts, which need not be equally large."""
    numbers = torch.randn(24, generator=torch.Generator().manual_seed(4)) * 3 + torch.arange(24) / 4
    want_mean, want = numbers.mean(), numbers.var(correction=0)
    for sizes in ((12, 12), (4, 20), (6, 6, 12)):
        parts = numbers.split(list(sizes))
        means = torch.stack([part.mean() for part in parts])
        variances = torch.stack([part.var(correction=0) for part in parts])
        counts = torch.tensor(sizes)
        result = attempt(means.clone(), variances.clone(), counts.clone())
        yield from is_pair(result, "things: the mean and the variance of the whole")
        mean, variance = (torch.as_tensor(one, dtype=torch.float32) for one in result)
        yield mean.ndim == variance.ndim == 0, "return two single numbers, not one for each part"
        plain = {"the parts are not equally large: weigh each mean by its count": means.mean()}
        hint = f"the mean should be {want_mean:.4f}, not {float(mean):.4f}"
        yield from matches(mean, want_mean, hint, plain)
        within = (counts / counts.sum() * variances).sum()
        hint = "that is the mean of the variances: it forgets that the parts' means differ. Go by way of E[x^2]"
        yield not is_close(variance, within, within=1e-3), hint
        hint = f"the variance should be {want:.4f}, not {float(variance):.4f} (divide by n, not by n - 1)"
        yield is_close(variance, want, within=1e-3), hint
    return "what batch norm needs from every process: a mean, a mean square, a count"


@checker
def wins_for_good(attempt: Attempt):
    """The first step of a log from which on the discriminator's accuracy stays above a limit, up to the end."""
    cases = (
        ((None, 0.6, 0.98, 0.99), 150, "it wins from step 150 on"),
        ((None, 0.99, 0.7, 0.6), None, "it won at 100 only and lost again: return None"),
        ((None, 0.98, 0.7, 0.99), 200, "it won at 100, lost at 150, and wins from 200 on"),
        ((0.98, 0.99), 50, "it wins from the first line on"),
        ((None, None), None, "it never took part: return None"),
        ((0.5, 0.97), None, "0.97 is the limit itself, not more than it: return None"),
    )
    for accuracies, want, story in cases:
        log = [
            {"step": 50 * i, **({"stage": "supervised"} if one is None else {"discriminator_accuracy": one})}
            for i, one in enumerate(accuracies, start=1)
        ]
        got = attempt(log, 0.97)
        same = got is None if want is None else isinstance(got, int) and got == want
        shown = ["-" if one is None else one for one in accuracies]
        yield same, f"discriminator_accuracy {shown}: {story}; yours says {_short(got)}"
    return "and a win that was lost again is no win"


def _short(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a number"
    return repr(value)[:40]
