"""The checkers of notebook 05's exercises, made like those in :mod:`.checker`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course.exercises.checker import Attempt, _hint_unless, _NotYetError, checker
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab
from colorstyle_lib.metrics.feature_distance import kernel_distance as library_distance
from colorstyle_lib.metrics.feature_distance import kernel_pairs


@checker
def kernel_distance(attempt: Attempt) -> str:
    """The kernel distance of two crowds: the mean of h over i other than j."""
    random = torch.Generator().manual_seed(5)
    x = torch.randn((6, 4), generator=random)
    y = torch.randn((6, 4), generator=random) + 0.5
    result = attempt(x.clone(), y.clone())
    _hint_unless(result is not None, "it returns None; return one number")
    got, want = float(result), library_distance(x, y)
    if abs(got - want) > 1e-4:
        raise _NotYetError(_kernel_mistake(got, x, y) or f"on six points each it should be {want:.4f}, not {got:.4f}")
    _hint_unless(abs(float(attempt(x.clone(), x.clone()))) < 1e-6, "of a crowd and itself it should be 0")
    one, two = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    _hint_unless(abs(float(attempt(one, two)) - 19) < 1e-4, "on the four numbers of section 3 it should be 19")
    return "19 for the four numbers of section 3, and no picture is compared with itself"


def _kernel_mistake(got: float, x: Tensor, y: Tensor) -> str:
    """What was probably forgotten; empty where nothing known was."""

    def kernel(one: Tensor, other: Tensor, degree: int = 3, divide: bool = True) -> Tensor:
        return (one @ other.T / (one.shape[1] if divide else 1) + 1) ** degree

    def mean_of_others(k: Tensor) -> float:
        return float((k.sum() - k.diag().sum()) / (len(k) * (len(k) - 1)))

    cross = kernel(x, y)
    pairs = kernel(x, x) + kernel(y, y) - cross - cross.T
    mean_gap = (kernel(x, x, 1) + kernel(y, y, 1) - kernel(x, y, 1) - kernel(x, y, 1).T).double()
    undivided = kernel(x, y, divide=False)
    raw = kernel(x, x, divide=False) + kernel(y, y, divide=False) - undivided - undivided.T
    unpaired = mean_of_others(kernel(x, x)) + mean_of_others(kernel(y, y)) - 2 * float(cross.mean())
    mistakes = {
        "every picture is also compared with itself: leave out i = j": float(pairs.mean()),
        "the pairs i = j are out of the sum; divide by n (n - 1) then": float(kernel_pairs(x, y).sum()) / len(x) ** 2,
        "x . y is to be divided by the number of features d": mean_of_others(raw),
        "without the cube it sees the means and nothing else": mean_of_others(mean_gap),
        "k(x_i, y_j) is taken over i = j, too: a result is held against its own real picture": unpaired,
    }
    return next((hint for hint, value in mistakes.items() if abs(got - value) < 1e-4), "")


@checker
def paired_interval(attempt: Attempt) -> str:
    """A 95 % bootstrap interval of the mean difference of two methods on the same pictures."""
    random = torch.Generator().manual_seed(6)
    theirs = 26 + 4 * torch.randn(200, generator=random)
    ours = theirs + 0.3 + torch.randn(200, generator=random)
    given = ours.clone(), theirs.clone()
    result = attempt(*given)
    _hint_unless(result is not None, "it returns None; return two numbers: low, high")
    pair = (isinstance(result, tuple | list) and len(result) == 2) or (
        isinstance(result, Tensor) and result.shape == (2,)
    )
    _hint_unless(pair, "return two numbers: low, high")
    low, high = (float(end) for end in result)
    _hint_unless(torch.equal(given[0], ours) and torch.equal(given[1], theirs), "it changes what it was given")
    _hint_unless(math.isfinite(low) and math.isfinite(high), f"({low}, {high}) is no interval")
    _hint_unless(low < high, "the lower end comes first, and the two differ: are any pictures drawn?")
    difference = ours - theirs
    deviation, mean = float(difference.std(correction=0)), float(difference.mean())
    right, width = 2 * 1.96 * deviation / len(ours) ** 0.5, high - low
    apart = 2 * 1.96 * float((ours.var(correction=0) + theirs.var(correction=0)).sqrt()) / len(ours) ** 0.5
    _hint_unless(
        abs(width - apart) > 0.2 * apart, "the same pictures must be drawn for both methods: that is what pairs them"
    )
    _hint_unless(
        width < 3 * deviation, "that is how far single pictures lie apart; ask how far *means* of drawn samples do"
    )
    _hint_unless(
        0.75 * right < width < 1.3 * right,
        f"its width is {width:.3f}; about {right:.3f} is right: 95 % of at least 1000 drawn samples of all 200",
    )
    _hint_unless(abs((low + high) / 2 - mean) < 0.25 * right, "its middle is not near the mean of ours - theirs")
    return f"[{low:.2f}, {high:.2f}], where drawing the two apart would give a width of {apart:.1f}"


@checker
def fool_colorfulness(attempt: Attempt) -> str:
    """A coloring as colorful as the real picture, and farther from it than gray."""
    real = scenes(3, 48, 7).rgb
    given = real.clone()
    result = attempt(given)
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return pictures like rgb")
    _hint_unless(result.shape == real.shape, f"it returns shape {tuple(result.shape)}, not {tuple(real.shape)}")
    _hint_unless(torch.equal(given, real), "it changes the pictures that it was given; work on a copy")
    _hint_unless(torch.isfinite(result).all(), "some of it is not a number")
    _hint_unless(result.min() >= -1e-4 and result.max() <= 1 + 1e-4, "sRGB lies in [0, 1]: fit_gamut before lab_to_rgb")
    lab, wanted = rgb_to_lab(result.clamp(0, 1)), rgb_to_lab(real)
    moved = (lab[:, 0] - wanted[:, 0]).abs().max()
    _hint_unless(moved < 0.5, f"L has moved by up to {float(moved):.1f}; a coloring leaves it alone")
    ratio = float(colorfulness(result).mean() / colorfulness(real).mean())
    ours = float(psnr_ab(lab[:, 1:], wanted[:, 1:]).mean())
    gray = float(psnr_ab(torch.zeros_like(wanted[:, 1:]), wanted[:, 1:]).mean())
    _hint_unless(ours < gray, f"its PSNR ab is {ours:.1f} dB, gray's {gray:.1f}: it is too good, make it worse")
    _hint_unless(
        0.9 <= ratio <= 1.1, f"wrong enough, but its colorfulness is {ratio:.0%} of the real: 90 to 110 % is the target"
    )
    return f"{ratio:.0%} as colorful as the real at {ours:.1f} dB, where gray has {gray:.1f}"
