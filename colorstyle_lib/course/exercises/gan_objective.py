"""The checkers of notebook 02's exercises, made like those in :mod:`.checker`."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, _hint_unless, checker
from colorstyle_lib.course.toy_point_gan import MODE_SPREAD, modes_covered, ring_centers


@checker
def optimal_discriminator(attempt: Attempt) -> str:
    """D* = p / (p + q) on histograms; 1/2 where nobody has been."""
    p, q = torch.tensor([0.0, 0.5, 0.5, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.25, 0.25, 0.5])
    result = attempt(p.clone(), q.clone())
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like p")
    _hint_unless(result.shape == p.shape, f"it returns shape {tuple(result.shape)}, not {tuple(p.shape)}")
    want = torch.tensor([0.5, 1.0, 2 / 3, 0.0, 0.0])
    _hint_unless(not torch.allclose(result[1:], 1 - want[1:], atol=1e-4), "that is the chance of being generated")
    _hint_unless(torch.allclose(result[1:], want[1:], atol=1e-4), "set the derivative of p log D + q log(1 - D) to 0")
    _hint_unless(
        abs(float(result[0]) - 0.5) < 1e-4,
        f"where p = q = 0 every D is as good; return 1/2 there, not {float(result[0]):.3g}",
    )
    return "sure where only one of the two has been, 1/2 where both are alike"


@checker
def generator_loss(attempt: Attempt) -> str:
    """The non-saturating loss on logits: value and gradient finite and right, however sure D is."""
    logits = torch.tensor([-200.0, -3.0, 0.0, 2.0, 200.0], requires_grad=True)
    result = attempt(logits)
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor")
    _hint_unless(result.ndim == 0, f"it returns shape {tuple(result.shape)}; take the mean over all logits")
    mild = torch.tensor([-3.0, 0.0, 2.0])
    value, want = float(attempt(mild)), float(-nnf.logsigmoid(mild).mean())
    _hint_unless(abs(value + want) > 1e-4, "the sign: the generator descends, so that log D grows")
    saturating = float(nnf.logsigmoid(-mild).mean())
    _hint_unless(abs(value - saturating) > 1e-4, "that is equation (1)'s half, the one that saturates")
    _hint_unless(abs(value - want) < 1e-4, f"on logits -3, 0, 2 it is {value:.4f}, but should be {want:.4f}")
    _hint_unless(torch.isfinite(result), "at a logit of -200 D is 0 and its log infinite: use logsigmoid or softplus")
    (slope,) = torch.autograd.grad(result, logits)
    right = -torch.sigmoid(-logits.detach()) / len(logits)
    _hint_unless(
        torch.allclose(slope, right, atol=1e-4),
        "the value is right, its slope is not: at a logit of -200 it should be -1 / n, so clamp nothing",
    )
    return "finite at both ends, and steepest where the discriminator is surest"


@checker
def count_modes(attempt: Attempt) -> str:
    """How many modes have at least a quarter of their fair share of points within the radius."""
    random = torch.Generator().manual_seed(0)
    centers = ring_centers()
    full = centers.repeat(50, 1) + 0.5 * MODE_SPREAD * torch.randn((400, 2), generator=random)
    one = centers[:1].repeat(400, 1)
    strays = torch.cat((one[:395], centers[1:6]))  # five modes with a single point each
    between = centers[:4].repeat(100, 1) * 0.5
    cases = (
        (full, "points on all modes"),
        (one, "all points on one mode"),
        (between, "points between the modes, near none"),
        (strays, "a single stray point on a mode, which is not enough"),
    )
    for points, name in cases:
        result = attempt(points.clone(), centers.clone(), 3 * MODE_SPREAD)
        _hint_unless(result is not None, "it returns None; return a number of modes")
        want = modes_covered(points, centers)[0]
        _hint_unless(int(result) == want, f"{name}: it says {int(result)}, it should say {want}")
    return "and a stray does not count as a discovery"
