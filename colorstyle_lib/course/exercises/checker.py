"""The exercises' checkers: each takes a reader's function and answers "yes: ..." or "not yet: ..." (a hint).

A checker never raises, so that a notebook with empty exercises runs through. To add one, write a function
that takes the attempt, calls :func:`_hint_unless` for what must hold, returns a word of praise, and wears
``@checker``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.scenes import KINDS

Attempt = Callable[..., Any]


class _NotYetError(Exception):
    """An attempt misses something; the message is the hint."""


def _hint_unless(holds: bool | Tensor, hint: str) -> None:
    if not bool(holds):
        raise _NotYetError(hint)


def checker(check: Callable[[Attempt], str]) -> Callable[[Attempt], str]:
    """Turn hints, and any exception of the reader's own function, into an answer."""

    @wraps(check)
    def answer(attempt: Attempt) -> str:
        try:
            return f"yes: {check(attempt)}"
        except _NotYetError as hint:
            return f"not yet: {hint}"
        except Exception as error:  # whatever a half-written function may do
            return f"not yet: it stopped with {type(error).__name__}: {error}"

    return answer


@checker
def lab_lightness(attempt: Attempt) -> str:
    """Notebook 01: L of one gray sRGB value in [0, 1]."""
    answers = {gray: attempt(gray) for gray in (0.0, 0.01, 0.2, 0.5, 0.9, 1.0)}
    _hint_unless(None not in answers.values(), "it returns None; end it with return and your L")
    truth = {gray: float(rgb_to_lab(torch.full((3, 1, 1), gray))[0]) for gray in answers}

    def off(gray: float) -> bool:
        return not abs(float(answers[gray]) - truth[gray]) <= 0.01  # so that NaN is off, too

    if off(0.5):
        got, want = float(answers[0.5]), truth[0.5]
        _hint_unless(abs(got - 50) > 0.01, f"L(0.5) is {want:.2f}, not half of 100: undo the sRGB curve first")
        _hint_unless(abs(got - 100 * _linear(0.5)) > 0.1, "that is linear light Y; its cube root is still to come")
        _hint_unless(abs(got - want / 100) > 0.01, "L goes up to 100, not up to 1")
        raise _NotYetError(f"L(0.5) should be {want:.2f}; yours is {got:.2f}")
    for gray in answers:
        hint = f"L({gray}) should be {truth[gray]:.3f}; yours is {float(answers[gray]):.3f}"
        if gray < 0.05:  # both curves have a straight piece near black
            hint += ". Near black both curves are straight lines: mind the two thresholds"
        _hint_unless(not off(gray), hint)
    return f"L(0.5) is {truth[0.5]:.2f}: middle gray on the screen is lighter than half to the eye"


def _linear(gray: float) -> float:
    return ((gray + 0.055) / 1.055) ** 2.4


@checker
def desaturate(attempt: Attempt) -> str:
    """Notebook 01: chroma times ``keep``, with L and hue as they were."""
    lab = torch.rand((3, 5, 7), generator=torch.Generator().manual_seed(1))
    lab = torch.stack((100 * lab[0], 120 * lab[1] - 60, 120 * lab[2] - 60))
    given = lab.clone()
    for keep in (0.5, 0.0, 1.0):
        result = attempt(lab, keep)
        _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like lab")
        _hint_unless(result.shape == given.shape, f"it returns shape {tuple(result.shape)}, not {tuple(given.shape)}")
        _hint_unless(torch.equal(lab, given), "it changes the tensor that it was given; work on a copy")
        _hint_unless(torch.allclose(result[0], given[0], atol=1e-3), "L has changed; only a and b may")
        short = (result[1:].norm(dim=0) - keep * given[1:].norm(dim=0)).abs().max()
        _hint_unless(short < 1e-2, f"with keep = {keep} the chroma is not {keep} times what it was")
        turned = (result[1:] - keep * given[1:]).abs().max()
        _hint_unless(turned < 1e-2, "the chroma is right but the hue has turned: scale a and b by the same number")
    return "gray at 0, unchanged at 1, and every hue in its place"


@checker
def best_guess(attempt: Attempt) -> str:
    """Notebook 01: the guess of least expected square error, and the share of chroma that it loses."""
    cases = [(torch.tensor(kind.colors), None) for kind in KINDS if kind.ambiguous]
    cases.append((cases[0][0], torch.tensor([0.9, 0.1])))  # the same two colors, one of them rare
    for colors, chances in cases:
        chances = torch.full((len(colors),), 1 / len(colors)) if chances is None else chances
        result = attempt(colors.clone(), chances.clone())
        _hint_unless(result is not None, "it returns None; return the guess and the share of chroma that it loses")
        pair = isinstance(result, tuple | list) and len(result) == 2
        _hint_unless(pair, "return two things: the guess (a, b), and the share of chroma that it loses")
        guess, loss = torch.as_tensor(result[0], dtype=torch.float32), float(result[1])
        _hint_unless(guess.shape == (2,), f"the guess is one (a, b), of shape (2,), not {tuple(guess.shape)}")
        plain, mean = colors.mean(dim=0), chances @ colors
        fits = torch.allclose(guess, mean, atol=1e-2)
        if not fits and torch.allclose(guess, plain, atol=1e-2):
            raise _NotYetError("right for equal chances; now weigh each color by its chance")
        _hint_unless(fits, "another guess has a smaller expected square error: set the derivative to zero")
        _hint_unless(math.isfinite(loss), "the share lost is not a number")
        average = float(chances @ colors.norm(dim=1))
        want = 1 - float(mean.norm()) / average
        _hint_unless(
            abs(loss - want) < 1e-3,
            f"right guess; the loss is 1 - chroma of guess / average chroma = {want:.3f}, not {loss:.3f}",
        )
    return "the mean it is, and that is why it pales: opposite colors cancel"


@checker
def gray_keeps_lightness(attempt: Attempt) -> str:
    """Notebook 00: the gray picture whose L is the input's."""
    rgb = torch.rand((2, 3, 6, 5), generator=torch.Generator().manual_seed(2))
    result = attempt(rgb.clone())
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like rgb")
    _hint_unless(result.shape == rgb.shape, f"it returns shape {tuple(result.shape)}, not {tuple(rgb.shape)}")
    _hint_unless(
        result.max() <= 1.01,
        f"values go up to {float(result.max()):.0f}; sRGB goes up to 1, only L up to 100",
    )
    spread = (result.amax(dim=1) - result.amin(dim=1)).max()
    _hint_unless(spread < 1e-3, "that is not gray: R, G and B must be equal at every pixel")
    off = (rgb_to_lab(result)[:, 0] - rgb_to_lab(rgb)[:, 0]).abs().max()
    _hint_unless(off < 0.05, f"gray it is, but its L is off by up to {float(off):.0f}: take L from rgb_to_lab first")
    return "every pixel is as light as it was"


@checker
def saturation_for(attempt: Attempt) -> str:
    """Notebook 00: the saturation at which a picture is as colorful as wanted."""
    calls = 0

    def colorfulness_at(s: float) -> float:
        nonlocal calls
        calls += 1
        return 40 * s / (1 + 0.2 * s)  # grows ever more slowly, as colors meet the border of the gamut

    for target in (10.0, 33.3, 60.0, 500.0):
        calls = 0
        s = attempt(colorfulness_at, target)
        _hint_unless(s is not None, "it returns None; return the saturation")
        used = calls
        _hint_unless(used <= 40, f"that took {used} pictures; halve the interval instead of trying them all")
        if target == 500:
            _hint_unless(abs(s - 3) < 1e-6, f"500 is out of reach even at 3; then return 3, not {s:.2f}")
        else:
            _hint_unless(0 <= s <= 3, f"{s:.2f} is outside [0, 3]")
            got = colorfulness_at(s)
            _hint_unless(abs(got - target) < 0.1, f"at {s:.2f} the colorfulness is {got:.1f}; the target was {target}")
    return "found, and honest where the target is out of reach"
