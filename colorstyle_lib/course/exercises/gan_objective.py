"""The checkers of notebook 02's exercises."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_tensor, matches
from colorstyle_lib.course.toy_point_gan import MODE_SPREAD, modes_covered, ring_centers


@checker
def optimal_discriminator(attempt: Attempt):
    """D* = p / (p + q) on histograms; 1/2 where nobody has been."""
    p, q = torch.tensor([0.0, 0.5, 0.5, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.25, 0.25, 0.5])
    want = torch.tensor([0.5, 1.0, 2 / 3, 0.0, 0.0])
    result = attempt(p.clone(), q.clone())
    yield from is_tensor(result, p, "p")
    yield not is_close(result[1:], 1 - want[1:]), "that is the chance of being generated"
    yield is_close(result[1:], want[1:]), "set the derivative of p log D + q log(1 - D) to 0"
    half = f"where p = q = 0 every D is as good; return 1/2 there, not {float(result[0]):.3g}"
    yield is_close(result[0], 0.5), half
    return "sure where only one of the two has been, 1/2 where both are alike"


@checker
def generator_loss(attempt: Attempt):
    """Notebook 02: the non-saturating loss on logits, value and gradient finite and right, however sure D is."""
    logits = torch.tensor([-200.0, -3.0, 0.0, 2.0, 200.0], requires_grad=True)
    result = attempt(logits)
    yield isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor"
    yield result.ndim == 0, f"it returns shape {tuple(result.shape)}; take the mean over all logits"
    mild = torch.tensor([-3.0, 0.0, 2.0])
    value, want = float(attempt(mild)), float(-nnf.logsigmoid(mild).mean())
    mistakes = {
        "the sign: the generator descends, so that log D grows": -want,
        "that is equation (1)'s half, the one that saturates": float(nnf.logsigmoid(-mild).mean()),
    }
    yield from matches(value, want, f"on logits -3, 0, 2 it is {value:.4f}, but should be {want:.4f}", mistakes)
    yield torch.isfinite(result), "at a logit of -200 D is 0 and its log infinite: use logsigmoid or softplus"
    (gradient,) = torch.autograd.grad(result, logits)
    right = is_close(gradient, -torch.sigmoid(-logits.detach()) / len(logits))
    yield right, "the value is right, its gradient is not: at a logit of -200 it should be -1 / n, so clamp nothing"
    return "finite at both ends, and steepest where the discriminator is surest"


@checker
def count_modes(attempt: Attempt):
    """How many modes have at least a quarter of their fair share of points within the radius."""
    centers = ring_centers()
    noise = torch.randn((400, 2), generator=torch.Generator().manual_seed(0))
    one = centers[:1].repeat(400, 1)
    cases = {
        "points on all modes": centers.repeat(50, 1) + 0.5 * MODE_SPREAD * noise,
        "all points on one mode": one,
        "points between the modes, near none": centers[:4].repeat(100, 1) * 0.5,
        "a single stray point on a mode, which is not enough": torch.cat((one[:395], centers[1:6])),
    }
    for name, points in cases.items():
        result, want = attempt(points.clone(), centers.clone(), 3 * MODE_SPREAD), modes_covered(points, centers)[0]
        yield result is not None, "it returns None; return a number of modes"
        yield int(result) == want, f"{name}: it says {int(result)}, it should say {want}"
    return "and a stray does not count as a discovery"
