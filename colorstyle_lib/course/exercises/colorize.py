"""The checkers of notebook 06's exercises."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_pair, matches


@checker
def guided_line(attempt: Attempt):
    """Slope and offset of one window: least squares with the slope held back by epsilon."""
    random = torch.Generator().manual_seed(3)
    L = 20 + 60 * torch.rand(25, generator=random)
    b = 0.4 * L - 9 + 4 * torch.randn(25, generator=random)
    variance, covariance = float(L.var(correction=0)), float(((L - L.mean()) * (b - b.mean())).mean())
    for epsilon in (0.0, 4.0, 400.0):
        result = attempt(L.clone(), b.clone(), epsilon)
        yield from is_pair(result, "numbers: slope, offset")
        slope, offset = (float(value) for value in result)
        want = covariance / (variance + epsilon)
        mistakes = {
            "right without epsilon; add it to the variance of L": covariance / variance,
            "divide by the number of pixels, not by one less: correction=0": covariance
            / (variance + epsilon * 24 / 25),
        }
        hint = f"with epsilon = {epsilon:g} the slope should be {want:.4f}, not {slope:.4f}"
        yield from matches(slope, want, hint, mistakes if epsilon else {})
        line = float(b.mean()) - want * float(L.mean())
        hint = "the slope is right; the line must pass through the mean of L and the mean of b"
        yield is_close(offset, line, within=1e-3), hint
    slope, offset = (float(value) for value in attempt(torch.full((25,), 50.0), b.clone(), 4.0))
    level = is_close(slope, 0.0) and is_close(offset, float(b.mean()), within=1e-3)
    yield level, "where L is flat only the mean of b is left"
    return "steep where L says something, flat where it does not"


@checker
def best_saturation(attempt: Attempt):
    """The saturation in [0, 3] of least squared ab error."""
    random = torch.Generator().manual_seed(4)
    truth = 30 * torch.randn((1, 2, 12, 10), generator=random)
    noise = 10 * torch.randn((1, 2, 12, 10), generator=random)
    cases = {
        "pale": 0.5 * truth + noise,
        "loud": 1.6 * truth + noise,
        "all wrong": -truth,
        "far too pale": 0.1 * truth,
        "gray": torch.zeros_like(truth),
    }
    for name, predicted in cases.items():
        given = predicted.clone()
        result = attempt(given, truth.clone())
        yield result is not None, "it returns None; return one number"
        got = float(result)
        yield math.isfinite(got), f"on a prediction that is {name} it answers {got}, which is not a number"
        yield torch.equal(given, predicted), "it changes the prediction that it was given"
        if name == "gray":
            yield 0 <= got <= 3, "gray stays gray at any saturation; but it lies in [0, 3]"
            continue
        free = float((predicted * truth).sum() / predicted.square().sum())
        want = min(max(free, 0.0), 3.0)
        by_chroma = float(truth.norm(dim=1).mean() / predicted.norm(dim=1).mean())
        mistakes = {
            "that makes chroma as large as the truth's; the least squared error is elsewhere": by_chroma,
            f"right in general, but saturation lies in [0, 3]: {free:.1f} should become {want:.0f}": free,
        }
        hint = f"on a prediction that is {name} the best is {want:.2f}, not {got:.2f}: the error is a parabola in s"
        yield from matches(got, want, f"{hint}; where is its slope 0?", mistakes, within=1e-2)
    return "wrong colors are best turned down, and now you know by how much"


@checker
def where_to_ask(attempt: Attempt):
    """The places where the model is least sure, not all of them in one spot."""
    spread = torch.full((12, 20), 10.0)
    spread[2:5, 3:6] = torch.tensor([[40.0, 41.0, 42.0], [43.0, 50.0, 44.0], [45.0, 46.0, 47.0]])
    spread[9, 15] = 30.0
    spread[3, 15] = 25.0
    given = spread.clone()
    result = attempt(given, 3, 5.0)
    yield result is not None, "it returns None; return a list of (x, y)"
    places = [tuple(int(value) for value in place) for place in _as_lists(result)]
    yield torch.equal(given, spread), "it changes the map that it was given; work on a copy"
    yield len(places) == 3, f"3 places were asked for, not {len(places)}"
    yield all(len(place) == 2 for place in places), "a place is (x, y)"
    yield places[0] != (3, 4), "x counts columns and y counts rows: the first place is (4, 3)"
    yield places[0] == (4, 3), f"the least sure place is (4, 3); yours is {places[0]}"
    near = [place for place in places[1:] if math.dist(place, places[0]) < 5]
    yield not near, f"{near[:1]} is less than 5 away from (4, 3): one answer will do for both"
    yield places[1:] == [(15, 9), (15, 3)], "then come (15, 9) and (15, 3): least sure first"
    hint = "a map of 4 x 4 has one place only if all must be 30 apart; return fewer than were asked for"
    yield len(_as_lists(attempt(torch.arange(16.0).view(4, 4), 9, 30.0))) == 1, hint
    return "a person's few answers go where they tell most"


def _as_lists(result: Any) -> list[Any]:
    return result.tolist() if isinstance(result, Tensor) else [list(place) for place in result]
