"""The checkers of notebook 07's exercises, made like those in :mod:`.checker`."""

from __future__ import annotations

import torch
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, _hint_unless, _NotYetError, checker


@checker
def adain(attempt: Attempt) -> str:
    """A content's features with each channel's mean and deviation of a style's."""
    random = torch.Generator().manual_seed(5)
    x = 3 * torch.randn((2, 4, 6, 8), generator=random) + torch.arange(4.0).view(4, 1, 1)
    y = torch.randn((2, 4, 5, 5), generator=random) * torch.tensor([0.5, 1.0, 4.0, 2.0]).view(4, 1, 1) - 7
    x[0, 2] = 1.5  # a dead channel, as networks have some
    given = x.clone(), y.clone()
    result = attempt(x, y)
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like x")
    _hint_unless(
        result.shape == x.shape, f"it returns shape {tuple(result.shape)}, not {tuple(x.shape)}: places are x's"
    )
    _hint_unless(torch.equal(x, given[0]) and torch.equal(y, given[1]), "it changes what it was given; work on copies")
    _hint_unless(bool(result.isfinite().all()), "a channel of x is the same everywhere: divide by no 0 there")

    def normed(z: Tensor, dims: tuple[int, ...]) -> Tensor:
        return (z - z.mean(dims, keepdim=True)) / z.std(dims, correction=0, keepdim=True).clamp_min(1e-4)

    def like(z: Tensor, dims: tuple[int, ...], correction: int = 0) -> Tensor:
        return z * y.std(dims, correction=correction, keepdim=True) + y.mean(dims, keepdim=True)

    mistakes = {
        "it is x itself": x,
        "it normalises x; now give it the style's mean and deviation": normed(x, (2, 3)),
        "the means are y's; its deviations are still to come": x
        - x.mean((2, 3), keepdim=True)
        + y.mean((2, 3), keepdim=True),
        "each picture has its own statistics: take them over places, not over the batch": like(
            normed(x, (0, 2, 3)), (0, 2, 3)
        ),
        "each channel has its own statistics: take them over places alone": like(normed(x, (1, 2, 3)), (1, 2, 3)),
        "divide by the number of places, not by one less: correction=0": like(normed(x, (2, 3)), (2, 3), 1),
    }
    want, alive = like(normed(x, (2, 3)), (2, 3)), torch.ones_like(x, dtype=torch.bool)
    alive[0, 2] = False
    if not torch.allclose(result[alive], want[alive], rtol=1e-3, atol=1e-2):
        for hint, wrong in mistakes.items():
            if torch.allclose(result[alive], wrong[alive], rtol=1e-3, atol=1e-2):
                raise _NotYetError(hint)
    _hint_unless(
        torch.allclose(result[alive], want[alive], rtol=1e-3, atol=1e-2),
        "each channel should end with y's mean and deviation, each of its places in the order that x had",
    )
    _hint_unless(torch.allclose(result[~alive], want[~alive], atol=0.05), "where x is even, only y's mean is left")
    return "the content's places, the style's statistics"


@checker
def modulate(attempt: Attempt) -> str:
    """``sum_i alpha_i ((1 + gamma_i) x + beta_i)``, alpha by place, gamma and beta by channel."""
    random = torch.Generator().manual_seed(6)
    x = torch.randn((5, 4, 3), generator=random)
    gamma, beta = torch.randn((2, 3, 5), generator=random)
    alpha = torch.randn((3, 4, 3), generator=random).softmax(dim=0)
    want = torch.einsum("mhw,mchw->chw", alpha, (1 + gamma)[..., None, None] * x + beta[..., None, None])
    result = attempt(x.clone(), alpha.clone(), gamma.clone(), beta.clone())
    _hint_unless(isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like x")
    _hint_unless(result.shape == x.shape, f"it returns shape {tuple(result.shape)}, not {tuple(x.shape)}")
    if not torch.allclose(result, want, atol=1e-4):
        scale, shift = (torch.einsum("mhw,mc->chw", alpha, z) for z in (gamma, beta))
        _hint_unless(not torch.allclose(result, x, atol=1e-4), "it is x itself: nothing of the style is in it")
        _hint_unless(not torch.allclose(result, x * scale + shift, atol=1e-4), "the scale is 1 + gamma, not gamma")
        even = x * (1 + gamma.mean(0))[:, None, None] + beta.mean(0)[:, None, None]
        _hint_unless(not torch.allclose(result, even, atol=1e-4), "all count alike there; weigh them by alpha")
        mean = alpha.mean((1, 2))
        everywhere = x * (1 + mean @ gamma)[:, None, None] + (mean @ beta)[:, None, None]
        _hint_unless(not torch.allclose(result, everywhere, atol=1e-4), "alpha differs from place to place: no means")
    _hint_unless(
        torch.allclose(result, want, atol=1e-4), "work out one place by hand: alpha there weighs three proposals"
    )
    alone = torch.zeros(3, 4, 3)
    alone[1] = 1
    only = attempt(x.clone(), alone, gamma.clone(), beta.clone())
    fits = torch.allclose(only, (1 + gamma[1])[:, None, None] * x + beta[1][:, None, None], atol=1e-4)
    _hint_unless(fits, "with all weight on one modality, its scale and shift alone are left")
    return "three proposals, and attention decides place by place"


@checker
def front(attempt: Attempt) -> str:
    """Which of several ways to restyle are beaten by no other in both content and style."""
    cases = (
        ([(0.0, 0.5), (0.2, 0.2), (0.6, 0.1), (0.6, 0.3), (0.3, 0.25)], [0, 1, 2]),
        ([(0.4, 0.4)], [0]),
        ([(0.5, 0.1), (0.1, 0.5), (0.3, 0.3), (0.2, 0.2)], [0, 1, 3]),
        ([(0.3, 0.2), (0.3, 0.1), (0.1, 0.2)], [1, 2]),
        ([(0.3, 0.2), (0.3, 0.2), (0.4, 0.4)], [0, 1]),
    )
    for number, (points, want) in enumerate(cases):
        given = torch.tensor(points)
        result = attempt(given.clone())
        _hint_unless(result is not None, "it returns None; return the numbers of the points")
        got = sorted(int(i) for i in (result.tolist() if isinstance(result, Tensor) else result))
        if number == 3 and got != want:
            raise _NotYetError("(0.3, 0.1) beats (0.3, 0.2): as good in one and better in the other is enough")
        if number == 4 and got != want:
            raise _NotYetError("two equal points do not beat each other")
        _hint_unless(got != list(range(len(points))) or got == want, "it returns all points; some are beaten")
        _hint_unless(got == want, f"of {points} the front is {want}, not {got}")
    return "only these are worth choosing among; which of them is a matter of taste"
