"""The checkers on networks and their training: each hint names its mistake."""

from functools import partial

import pytest
import torch
import torch.nn.functional as nnf

from colorstyle_lib.course import exercises
from colorstyle_lib.course.toy_point_gan import modes_covered
from colorstyle_lib.losses.adversarial import zero_centered_penalty
from colorstyle_lib.model.attention import multimodal_attention


def penalty(D, real, gamma, *, power=2, over=torch.Tensor.sum, graph=True, of=torch.Tensor.mean):
    """R1 with one thing changed."""
    x = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(of(D(x), dim=1).sum(), x, create_graph=graph)
    return gamma / 2 * over(gradient.flatten(1).square(), dim=1).pow(power / 2).mean()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda D, real, gamma: 2 * penalty(D, real, gamma), "gamma / 2"),
        (lambda D, real, gamma: penalty(D, real, gamma, power=1), "square the length"),
        (lambda D, real, gamma: penalty(D, real, gamma, over=torch.Tensor.mean), "not a mean"),
        (lambda D, real, gamma: penalty(D, real, gamma, graph=False), "create_graph=True"),
        (lambda D, real, gamma: penalty(D, real, gamma).detach(), "create_graph=True"),
        (lambda D, real, gamma: penalty(D, real, gamma) + 1, "small example"),
        (lambda D, real, gamma: penalty(D, real, gamma, of=torch.Tensor.sum) / 3, "small example"),
    ],
)
def test_penalty_hints(attempt, hint: str):
    assert hint in exercises.r1_penalty(attempt)


def test_the_librarys_own_penalty_passes():
    def r1(D, real, gamma):
        real = real.requires_grad_()
        return zero_centered_penalty(D(real), real, gamma=gamma)

    assert exercises.r1_penalty(r1).startswith("yes: ")


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x: -torch.sigmoid(x).log().mean(), "use logsigmoid"),
        (lambda x: -torch.sigmoid(x).clamp_min(1e-6).log().mean(), "clamp nothing"),
        (lambda x: nnf.logsigmoid(x).mean(), "the sign"),
        (lambda x: nnf.logsigmoid(-x).mean(), "the one that saturates"),
        (lambda x: -nnf.logsigmoid(x), "take the mean"),
        (lambda x: -nnf.logsigmoid(x).sum(), "should be"),
    ],
)
def test_loss_hints(attempt, hint: str):
    assert hint in exercises.generator_loss(attempt)


def nearest_only(points, centers, radius):
    return len(torch.cdist(points, centers).argmin(dim=1).unique())


def any_point(points, centers, radius):
    return int((torch.cdist(points, centers) < radius).any(dim=0).sum())


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [(lambda points, centers, radius: 8, "one mode"), (nearest_only, "between the modes"), (any_point, "stray")],
)
def test_count_hints(attempt, hint: str):
    assert hint in exercises.count_modes(attempt)


def test_the_librarys_own_count_passes():
    answer = exercises.count_modes(lambda points, centers, radius: modes_covered(points, centers)[0])
    assert answer.startswith("yes: ")


def naive(E, present):
    weights = torch.where(present, E.exp(), 0.0)
    return weights / weights.sum(dim=1, keepdim=True)


def nothing_is_nan(E, present):
    return torch.where(present, E, -torch.inf).softmax(dim=1)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda E, present: E.softmax(dim=0), "not over the images"),
        (lambda E, present: E / E.sum(dim=1, keepdim=True), "over the sum of all"),
        (lambda E, present: E.softmax(dim=1), "exactly 0"),
        (lambda E, present: torch.where(present, E, -2.0).softmax(dim=1) * present, "out of the sum"),
        (lambda E, present: E.softmax(dim=1) * present, "out of the sum"),
        (naive, "subtract each image's largest"),
        (nothing_is_nan, "zeros, not NaN"),
    ],
)
def test_attention_hints(attempt, hint: str):
    assert hint in exercises.attention_weights(attempt)


def test_the_librarys_own_attention_passes():
    assert exercises.attention_weights(partial(multimodal_attention, checked=False)).startswith("yes: ")


def contrast(by: float):
    def change(lab):
        middle = lab[:, :1].mean(dim=(2, 3), keepdim=True)
        return torch.cat([middle + by * (lab[:, :1] - middle), lab[:, 1:]], dim=1)

    return change


def energies(x, maps, W, U, v, *, slope=0.2, features=1, after=torch.einsum):
    """Additive attention with one thing changed."""
    hidden = [
        torch.einsum("kd,ndhw->nkhw", u, m) + features * torch.einsum("kc,nchw->nkhw", W, x)
        for u, m in zip(U, maps, strict=True)
    ]
    hidden = [nnf.leaky_relu(h, slope) for h in hidden]
    return torch.stack([after("k,nkhw->nhw", one, h) for one, h in zip(v, hidden, strict=True)], dim=1)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"slope": 1.0}, "leaky ReLU is missing"),
        ({"slope": 0.0}, "keeps a fifth"),
        ({"features": 0}, "add W x"),
        ({"after": lambda _, v, h: h.sum(1)}, "product with v_i"),
        ({"slope": 0.3}, "by hand"),
    ],
)
def test_energy_hints(changes, hint: str):
    assert exercises.additive_energies(energies).startswith("yes: ")
    assert hint in exercises.additive_energies(lambda *given: energies(*given, **changes))
    assert "before the softmax" in exercises.additive_energies(lambda *given: energies(*given).softmax(1))


def right(x, y, rate):
    ahead_x, ahead_y = x - rate * y, y + rate * x
    return x - rate * ahead_y, y + rate * ahead_x


def two_steps(x, y, rate):
    x, y = x - rate * y, y + rate * x
    return x - rate * y, y + rate * x


def in_turn(x, y, rate):
    x = x - rate * (y + rate * x)
    return x, y + rate * x


def alternating(x, y, rate):
    y = y + rate * x
    return x - rate * y, y


def only_once(x, y, rate):
    return right(x, y, rate) if (x, y) == (1.0, 0.5) else (x, y)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y, rate: None, "returns None"),
        (lambda x, y, rate: (x - rate * y, y + rate * x), "the trial step alone"),
        (two_steps, "start from x and y again"),
        (in_turn, "where x would be"),
        (alternating, "that is alternating"),
        (lambda x, y, rate: right(x, y, -rate), "should become"),
        (only_once, "after 200 rounds"),
    ],
)
def test_step_hints(attempt, hint: str):
    assert hint in exercises.look_ahead(attempt)


def weighed(means, variances, counts):
    share = counts / counts.sum()
    mean = (share * means).sum()
    return mean, (share * (variances + means.square())).sum() - mean.square()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda means, variances, counts: None, "returns None"),
        (lambda means, variances, counts: means.mean(), "return two things"),
        (lambda means, variances, counts: (means, variances), "single numbers"),
        (lambda means, variances, counts: (means.mean(), weighed(means, variances, counts)[1]), "weigh each mean"),
        (lambda means, variances, counts: (means.sum(), variances.mean()), "the mean should be"),
        (lambda means, variances, counts: (weighed(means, variances, counts)[0], variances.mean()), "forgets"),
        (
            lambda means, variances, counts: (
                weighed(means, variances, counts)[0],
                weighed(means, variances, counts)[1] * 24 / 23,
            ),
            "not by n - 1",
        ),
    ],
)
def test_statistics_hints(attempt, hint: str):
    assert hint in exercises.statistics_of_whole(attempt)


def moved(average, trained, decay, *, buffers=True, both=False):
    """One EMA step with one thing changed."""
    with torch.no_grad():
        for old, new in zip(average.parameters(), trained.parameters(), strict=True):
            old.lerp_(new, 1 - decay)
            if both:
                new.copy_(old)
        for old, new in zip(average.buffers(), trained.buffers(), strict=True):
            if buffers:
                old.copy_(new)


def replaced(average, trained, decay):
    for (name, old), new in zip(list(average[0].named_parameters()), trained[0].parameters(), strict=True):
        setattr(average[0], name, torch.nn.Parameter(old.lerp(new, 1 - decay), requires_grad=False))


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda average, trained, decay: None, "has not moved"),
        (lambda average, trained, decay: average.load_state_dict(trained.state_dict()), "copies the trained"),
        (lambda average, trained, decay: moved(average, trained, 1 - decay), "swapped"),
        (lambda average, trained, decay: moved(average, trained, 0.5), "should be decay"),
        (lambda average, trained, decay: moved(average, trained, decay, buffers=False), "buffer"),
        (lambda average, trained, decay: moved(average, trained, decay, both=True), "of the trained network"),
        (replaced, "no longer a parameter"),
    ],
)
def test_average_hints(attempt, hint: str):
    assert hint in exercises.update_average(attempt)


@pytest.mark.parametrize(
    ("check", "attempt"),
    list(
        zip(
            (exercises.look_ahead, exercises.statistics_of_whole, exercises.update_average),
            (right, weighed, moved),
            strict=True,
        )
    ),
)
def test_a_right_answer_passes(check, attempt):
    assert check(attempt).startswith("yes: ")


def statistics(x, dims, correction=0):
    return x.mean(dims, keepdim=True), x.std(dims, correction=correction, keepdim=True).clamp_min(1e-6)


def adain(x, y, dims=(2, 3), correction=0):
    (m, s), (mean, deviation) = statistics(x, dims), statistics(y, dims, correction)
    return (x - m) / s * deviation + mean


def no_care(x, y):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), correction=0, keepdim=True)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, y: x, "it is x itself"),
        (lambda x, y: x.mul_(2), "work on copies"),
        (lambda x, y: y, "places are x's"),
        (no_care, "divide by no 0"),
        (lambda x, y: adain(x, 2 * y), "each channel should end"),
        (lambda x, y: x - x.mean((2, 3), keepdim=True) + y.mean((2, 3), keepdim=True), "deviations are still to come"),
        (lambda x, y: adain(x, y, (0, 2, 3)), "not over the batch"),
        (lambda x, y: adain(x, y, (1, 2, 3)), "each channel has its own"),
        (lambda x, y: adain(x, y, correction=1), "correction=0"),
    ],
)
def test_adain_hints(attempt, hint: str):
    assert hint in exercises.adain(attempt)


def test_adain_passes():
    assert exercises.adain(adain).startswith("yes: ")


def modulate(x, alpha, gamma, beta):
    return sum(a * ((1 + g)[:, None, None] * x + b[:, None, None]) for a, g, b in zip(alpha, gamma, beta, strict=True))


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x, alpha, gamma, beta: x, "x itself"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma - 1, beta), "1 + gamma"),
        (lambda x, alpha, gamma, beta: modulate(x, torch.full_like(alpha, 1 / 3), gamma, beta), "weigh them by alpha"),
        (
            lambda x, alpha, gamma, beta: modulate(x, alpha.mean((1, 2))[:, None, None].expand_as(alpha), gamma, beta),
            "place to place",
        ),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma, -beta), "one place by hand"),
    ],
)
def test_modulate_hints(attempt, hint: str):
    assert hint in exercises.modulate(attempt)


def test_modulate_passes():
    assert exercises.modulate(modulate).startswith("yes: ")


def front(points, beats=lambda a, b: bool((a <= b).all() and (a < b).any())):
    return [i for i, p in enumerate(points) if not any(beats(q, p) for q in points)]
