"""The checkers of the exercises of notebooks 00 and 01."""

from __future__ import annotations

import math

import torch

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_pair, is_tensor, matches
from colorstyle_lib.data.scenes import KINDS


@checker
def gray_keeps_lightness(attempt: Attempt):
    """Notebook 00: the gray picture whose L is the input's."""
    rgb = torch.rand((2, 3, 6, 5), generator=torch.Generator().manual_seed(2))
    result = attempt(rgb.clone())
    yield from is_tensor(result, rgb, "rgb")
    yield result.max() <= 1.01, f"values go up to {float(result.max()):.0f}; sRGB goes up to 1, only L up to 100"
    spread = (result.amax(dim=1) - result.amin(dim=1)).max()
    yield spread < 1e-3, "that is not gray: R, G and B must be equal at every pixel"
    off = (rgb_to_lab(result)[:, 0] - rgb_to_lab(rgb)[:, 0]).abs().max()
    yield off < 0.05, f"gray it is, but its L is off by up to {float(off):.0f}: take L from rgb_to_lab first"
    return "every pixel is as light as it was"


@checker
def saturation_for(attempt: Attempt):
    """Notebook 00: the saturation at which a picture is as colorful as wanted."""
    for target in (10.0, 33.3, 60.0, 500.0):
        tried = []

        def colorfulness_at(s: float, tried: list[float] = tried) -> float:
            tried.append(s)
            return 40 * s / (1 + 0.2 * s)  # grows ever more slowly, as colors meet the border of the gamut

        s = attempt(colorfulness_at, target)
        yield s is not None, "it returns None; return the saturation"
        yield len(tried) <= 40, f"that took {len(tried)} pictures; halve the interval instead of trying them all"
        if target == 500:
            yield abs(s - 3) < 1e-6, f"500 is out of reach even at 3; then return 3, not {s:.2f}"
        else:
            yield 0 <= s <= 3, f"{s:.2f} is outside [0, 3]"
            got = colorfulness_at(s)
            yield abs(got - target) < 0.1, f"at {s:.2f} the colorfulness is {got:.1f}; the target was {target}"
    return "found, and honest where the target is out of reach"


@checker
def lab_lightness(attempt: Attempt):
    """Notebook 01: L of one gray sRGB value in [0, 1]."""
    results = {gray: attempt(gray) for gray in (0.5, 0.0, 0.01, 0.2, 0.9, 1.0)}
    yield None not in results.values(), "it returns None; end it with return and your L"
    for gray, got in results.items():
        want = float(rgb_to_lab(torch.full((3, 1, 1), gray))[0])
        mistakes = {
            f"L(0.5) is {want:.2f}, not half of 100: undo the sRGB curve first": 50.0,
            "that is linear light Y; its cube root is still to come": 100 * ((0.5 + 0.055) / 1.055) ** 2.4,
            "L goes up to 100, not up to 1": want / 100,
        }
        hint = f"L({gray}) should be {want:.3f}; yours is {float(got):.3f}"
        if gray < 0.05:  # both curves have a straight piece near black
            hint += ". Near black both curves are straight lines: mind the two thresholds"
        yield from matches(float(got), want, hint, mistakes if gray == 0.5 else {}, within=0.01)
    return "L(0.5) is 53.39: middle gray on the screen is lighter than half to the eye"


@checker
def desaturate(attempt: Attempt):
    """Notebook 01: chroma times ``keep``, with L and hue as they were."""
    lab = torch.rand((3, 5, 7), generator=torch.Generator().manual_seed(1))
    lab = torch.stack((100 * lab[0], 120 * lab[1] - 60, 120 * lab[2] - 60))
    for keep in (0.5, 0.0, 1.0):
        given = lab.clone()
        result = attempt(given, keep)
        yield from is_tensor(result, lab, "lab")
        yield torch.equal(given, lab), "it changes the tensor that it was given; work on a copy"
        yield is_close(result[0], lab[0], within=1e-3), "L has changed; only a and b may"
        right = is_close(result[1:].norm(dim=0), keep * lab[1:].norm(dim=0), within=1e-2)
        yield right, f"with keep = {keep} the chroma is not {keep} times what it was"
        turned = "the chroma is right but the hue has turned: scale a and b by the same number"
        yield is_close(result[1:], keep * lab[1:], within=1e-2), turned
    return "gray at 0, unchanged at 1, and every hue in its place"


@checker
def best_guess(attempt: Attempt):
    """Notebook 01: the guess of least expected square error, and the share of chroma that it loses."""
    cases = [(torch.tensor(kind.colors), None) for kind in KINDS if kind.ambiguous]
    cases.append((cases[0][0], torch.tensor([0.9, 0.1])))  # the same two colors, one of them rare
    for colors, chances in cases:
        chances = torch.full((len(colors),), 1 / len(colors)) if chances is None else chances
        result = attempt(colors.clone(), chances.clone())
        yield from is_pair(result, "things: the guess (a, b), and the share of chroma that it loses")
        guess, loss = torch.as_tensor(result[0], dtype=torch.float32), float(result[1])
        yield guess.shape == (2,), f"the guess is one (a, b), of shape (2,), not {tuple(guess.shape)}"
        mean = chances @ colors
        plain = {"right for equal chances; now weigh each color by its chance": colors.mean(dim=0)}
        hint = "another guess has a smaller expected square error: set the derivative to zero"
        yield from matches(guess, mean, hint, plain, within=1e-2)
        yield math.isfinite(loss), "the share lost is not a number"
        want = 1 - float(mean.norm()) / float(chances @ colors.norm(dim=1))
        formula = "the loss is 1 - chroma of guess / average chroma"
        yield abs(loss - want) < 1e-3, f"right guess; {formula} = {want:.3f}, not {loss:.3f}"
    return "the mean it is, and that is why it pales: opposite colors cancel"
