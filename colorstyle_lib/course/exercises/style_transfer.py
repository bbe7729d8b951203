"""The checkers of notebook 07's exercises."""

from __future__ import annotations

import torch
from torch import Tensor

from colorstyle_lib.course.exercises.checker import Attempt, checker, is_close, is_tensor, matches


@checker
def adain(attempt: Attempt):
    """A content's features with each channel's mean and deviation of a style's."""
    random = torch.Generator().manual_seed(5)
    x = 3 * torch.randn((2, 4, 6, 8), generator=random) + torch.arange(4.0).view(4, 1, 1)
    y = torch.randn((2, 4, 5, 5), generator=random) * torch.tensor([0.5, 1.0, 4.0, 2.0]).view(4, 1, 1) - 7
    x[0, 2] = 1.5  # a dead channel, as networks have some
    given = x.clone(), y.clone()
    result = attempt(*given)
    yield isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like x"
    yield result.shape == x.shape, f"it returns shape {tuple(result.shape)}, not {tuple(x.shape)}: places are x's"
    yield torch.equal(given[0], x) and torch.equal(given[1], y), "it changes what it was given; work on copies"
    yield result.isfinite().all(), "a channel of x is the same everywhere: divide by no 0 there"
    alive = torch.ones_like(x, dtype=torch.bool)
    alive[0, 2] = False

    def normed(dims: tuple[int, ...]) -> Tensor:
        return (x - x.mean(dims, keepdim=True)) / x.std(dims, correction=0, keepdim=True).clamp_min(1e-4)

    def styled(dims: tuple[int, ...], correction: int = 0) -> Tensor:
        return normed(dims) * y.std(dims, correction=correction, keepdim=True) + y.mean(dims, keepdim=True)

    places = (2, 3)
    shifted = x - x.mean(places, keepdim=True) + y.mean(places, keepdim=True)
    mistakes = {
        "it is x itself": x,
        "it normalises x; now give it the style's mean and deviation": normed(places),
        "the means are y's; its deviations are still to come": shifted,
        "each picture has its own statistics: take them over places, not over the batch": styled((0, 2, 3)),
        "each channel has its own statistics: take them over places alone": styled((1, 2, 3)),
        "divide by the number of places, not by one less: correction=0": styled(places, correction=1),
    }
    want = styled(places)[alive]
    wrong = {hint: mistake[alive] for hint, mistake in mistakes.items()}
    hint = "each channel should end with y's mean and deviation, each of its places in the order that x had"
    yield from matches(result[alive], want, hint, wrong, within=2e-2)
    level = y[0, 2].mean().expand(x[0, 2].shape)
    yield is_close(result[0, 2], level, within=0.05), "where x is even, only y's mean is left"
    return "the content's places, the style's statistics"


@checker
def modulate(attempt: Attempt):
    """``sum_i alpha_i ((1 + gamma_i) x + beta_i)``, alpha by place, gamma and beta by channel."""
    random = torch.Generator().manual_seed(6)
    x = torch.randn((5, 4, 3), generator=random)
    gamma, beta = torch.randn((2, 3, 5), generator=random)
    alpha = torch.randn((3, 4, 3), generator=random).softmax(dim=0)

    def modulated(alpha: Tensor, gamma: Tensor = gamma) -> Tensor:
        proposals = (1 + gamma)[..., None, None] * x + beta[..., None, None]  # (modalities, channels, h, w)
        return torch.einsum("mhw,mchw->chw", alpha, proposals)

    result, want = attempt(x.clone(), alpha.clone(), gamma.clone(), beta.clone()), modulated(alpha)
    yield from is_tensor(result, x, "x")
    everywhere = alpha.mean((1, 2))[:, None, None].expand_as(alpha)
    mistakes = {
        "it is x itself: nothing of the style is in it": x,
        "the scale is 1 + gamma, not gamma": modulated(alpha, gamma - 1),
        "all count alike there; weigh them by alpha": modulated(torch.full_like(alpha, 1 / 3)),
        "alpha differs from place to place: no means": modulated(everywhere),
    }
    yield from matches(result, want, "work out one place by hand: alpha there weighs three proposals", mistakes)
    alone = torch.zeros(3, 4, 3)
    alone[1] = 1
    only = attempt(x.clone(), alone, gamma.clone(), beta.clone())
    yield is_close(only, modulated(alone)), "with all weight on one modality, its scale and shift alone are left"
    return "three proposals, and attention decides place by place"


@checker
def front(attempt: Attempt):
    """The ways to restyle that no other beats in both content and style."""
    cases = (
        ([(0.0, 0.5), (0.2, 0.2), (0.6, 0.1), (0.6, 0.3), (0.3, 0.25)], [0, 1, 2], ""),
        ([(0.4, 0.4)], [0], ""),
        ([(0.5, 0.1), (0.1, 0.5), (0.3, 0.3), (0.2, 0.2)], [0, 1, 3], ""),
        (
            [(0.3, 0.2), (0.3, 0.1), (0.1, 0.2)],
            [1, 2],
            "(0.3, 0.1) beats (0.3, 0.2): as good in one and better in the other is enough",
        ),
        ([(0.3, 0.2), (0.3, 0.2), (0.4, 0.4)], [0, 1], "two equal points do not beat each other"),
    )
    for points, want, hint in cases:
        result = attempt(torch.tensor(points))
        yield result is not None, "it returns None; return the numbers of the points"
        got = sorted(int(i) for i in result)
        yield not hint or got == want, hint
        yield got == want or len(got) < len(points), "it returns all points; some are beaten"
        yield got == want, f"of {points} the front is {want}, not {got}"
    return "only these are worth choosing among; which of them is a matter of taste"
