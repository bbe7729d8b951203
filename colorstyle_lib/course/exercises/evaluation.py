"""The checkers of notebook 05's exercises."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_pair, is_tensor, matches
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab
from colorstyle_lib.metrics.feature_distance import kernel_distance as library_distance


@checker
def kernel_distance(attempt: Attempt):
    """The kernel distance of two crowds: the mean of h over i other than j."""
    random = torch.Generator().manual_seed(5)
    x = torch.randn((6, 4), generator=random)
    y = torch.randn((6, 4), generator=random) + 0.5
    result = attempt(x.clone(), y.clone())
    yield result is not None, "it returns None; return one number"
    got, want = float(result), library_distance(x, y)
    hint = f"on six points each it should be {want:.4f}, not {got:.4f}"
    yield from matches(got, want, hint, _kernel_mistakes(x.double(), y.double()))
    yield is_close(float(attempt(x.clone(), x.clone())), 0.0, within=1e-6), "of a crowd and itself it should be 0"
    one, two = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    yield is_close(float(attempt(one, two)), 19.0), "on the four numbers of section 3 it should be 19"
    return "19 for the four numbers of section 3, and no picture is compared with itself"


def _kernel_mistakes(x: Tensor, y: Tensor) -> dict[str, float]:
    """What comes out where something is forgotten, by the hint."""

    def kernel(one: Tensor, other: Tensor, degree: int = 3, features: int = x.shape[1]) -> Tensor:
        return (one @ other.T / features + 1) ** degree

    def pairs(**options: int) -> Tensor:
        cross = kernel(x, y, **options)
        return kernel(x, x, **options) + kernel(y, y, **options) - cross - cross.T

    def mean_of_others(k: Tensor) -> float:
        return float((k.sum() - k.diag().sum()) / (len(k) * (len(k) - 1)))

    n = len(x)
    unpaired = mean_of_others(kernel(x, x)) + mean_of_others(kernel(y, y)) - 2 * float(kernel(x, y).mean())
    own_photograph = "k(x_i, y_j) is taken over i = j, too: a result is held against its own real picture"
    return {
        "every picture is also compared with itself: leave out i = j": float(pairs().mean()),
        "the pairs i = j are out of the sum; divide by n (n - 1) then": mean_of_others(pairs()) * (n - 1) / n,
        "x . y is to be divided by the number of features d": mean_of_others(pairs(features=1)),
        "without the cube it sees the means and nothing else": mean_of_others(pairs(degree=1)),
        own_photograph: unpaired,
    }


@checker
def paired_interval(attempt: Attempt):
    """A 95 % bootstrap interval of the mean difference of two methods on the same pictures."""
    random = torch.Generator().manual_seed(6)
    theirs = 26 + 4 * torch.randn(200, generator=random)
    ours = theirs + 0.3 + torch.randn(200, generator=random)
    given = ours.clone(), theirs.clone()
    result = attempt(*given)
    result = result.tolist() if isinstance(result, Tensor) else result
    yield from is_pair(result, "numbers: low, high")
    low, high = (float(end) for end in result)
    yield torch.equal(given[0], ours) and torch.equal(given[1], theirs), "it changes what it was given"
    yield math.isfinite(low) and math.isfinite(high), f"({low}, {high}) is no interval"
    yield low < high, "the lower end comes first, and the two differ: are any pictures drawn?"
    difference, root = ours - theirs, len(ours) ** 0.5
    deviation, width = float(difference.std(correction=0)), high - low
    right = 2 * 1.96 * deviation / root
    apart = 2 * 1.96 * float((ours.var(correction=0) + theirs.var(correction=0)).sqrt()) / root
    hint = "the same pictures must be drawn for both methods: that is what pairs them"
    yield abs(width - apart) > 0.2 * apart, hint
    hint = "that is how far single pictures lie apart; ask how far *means* of drawn samples do"
    yield width < 3 * deviation, hint
    hint = f"its width is {width:.3f}; about {right:.3f} is right: 95 % of at least 1000 drawn samples of all 200"
    yield 0.75 * right < width < 1.3 * right, hint
    off = abs((low + high) / 2 - float(difference.mean()))
    yield off < 0.25 * right, "its middle is not near the mean of ours - theirs"
    return f"[{low:.2f}, {high:.2f}], where drawing the two apart would give a width of {apart:.1f}"


@checker
def fool_colorfulness(attempt: Attempt):
    """A coloring as colorful as the real picture, and farther from it than gray."""
    real = scenes(3, 48, 7).rgb
    given = real.clone()
    result = attempt(given)
    yield from is_tensor(result, real, "rgb")
    yield torch.equal(given, real), "it changes the pictures that it was given; work on a copy"
    yield torch.isfinite(result).all(), "some of it is not a number"
    yield result.min() >= -1e-4 and result.max() <= 1 + 1e-4, "sRGB lies in [0, 1]: fit_gamut before lab_to_rgb"
    lab, wanted = rgb_to_lab(result.clamp(0, 1)), rgb_to_lab(real)
    moved = float((lab[:, 0] - wanted[:, 0]).abs().max())
    yield moved < 0.5, f"L has moved by up to {moved:.1f}; a coloring leaves it alone"
    ratio = float(colorfulness(result).mean() / colorfulness(real).mean())
    ours = float(psnr_ab(lab[:, 1:], wanted[:, 1:]).mean())
    gray = float(psnr_ab(torch.zeros_like(wanted[:, 1:]), wanted[:, 1:]).mean())
    yield ours < gray, f"its PSNR ab is {ours:.1f} dB, gray's {gray:.1f}: it is too good, make it worse"
    hint = f"wrong enough, but its colorfulness is {ratio:.0%} of the real: 90 to 110 % is the target"
    yield 0.9 <= ratio <= 1.1, hint
    return f"{ratio:.0%} as colorful as the real at {ours:.1f} dB, where gray has {gray:.1f}"
