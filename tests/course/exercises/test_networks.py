"""The checkers on networks and their training: each hint names its mistake."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as nnf

from colorstyle_lib.course import exercises
from colorstyle_lib.course.toy_point_gan import modes_covered
from colorstyle_lib.losses.adversarial import zero_centered_penalty
from colorstyle_lib.model.attention import multimodal_attention


def says_no(answer: str, hint: str):
    """With that hint, which is not the error of the function itself."""
    assert answer.startswith("not yet: ")
    assert "stopped with" not in answer
    assert hint in answer


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
        (lambda D, real, gamma: penalty(D, real, gamma, of=torch.Tensor.sum), "mean of a picture's logits"),
        (lambda D, real, gamma: penalty(D, real, 1.0), "small example"),
        (lambda D, real, gamma: len(real) * penalty(D, real, gamma), "the mean over pictures"),
        (lambda D, real, gamma: penalty(D, real, gamma).expand(5), "return the mean over all pictures"),
        (lambda D, real, gamma: penalty(D, real.zero_(), gamma), "work on a copy"),
        (lambda D, real, gamma: penalty(D, real, gamma).item(), "float; return the mean"),
    ],
)
def test_penalty_hints(attempt, hint: str):
    says_no(exercises.r1_penalty(attempt), hint)


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
        (lambda x: -nnf.logsigmoid(x), "return the mean"),
        (lambda x: -nnf.logsigmoid(x).sum(), "not the sum"),
        (lambda x: -nnf.logsigmoid(x).mean() / 2, "should be"),
        (lambda x: -nnf.logsigmoid(x).mean().detach(), "take out detach"),
        (lambda x: -nnf.logsigmoid(x).mean().item(), "as a tensor"),
        (lambda x: nnf.relu(1 - x).mean(), "should be"),
        (lambda x: torch.log1p(torch.exp(-x)).mean(), "use logsigmoid"),
        (lambda x: None, "NoneType; return the mean"),
    ],
)
def test_loss_hints(attempt, hint: str):
    says_no(exercises.generator_loss(attempt), hint)


def nearest_only(points, centers, radius):
    return len(torch.cdist(points, centers).argmin(dim=1).unique())


def counted(points, centers, radius, share):
    distance, nearest = torch.cdist(points, centers).min(dim=1)
    hits = torch.bincount(nearest[distance < radius], minlength=len(centers))
    return int((hits >= share * len(points) / len(centers)).sum())


def any_point(points, centers, radius):
    return int((torch.cdist(points, centers) < radius).any(dim=0).sum())


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda points, centers, radius: 8, "one mode"),
        (nearest_only, "between the modes"),
        (any_point, "a stray"),
        (lambda points, centers, radius: counted(points, centers, radius, share=1.0), "17 points, a third"),
        (lambda points, centers, radius: counted(points, centers, radius, share=0.5), "17 points, a third"),
        (lambda points, centers, radius: counted(points, centers, radius, share=2.0), "points on all modes: it says 0"),
        (lambda points, centers, radius: counted(points, centers, radius, share=0.0), "it says 8, it should say 1"),
        (lambda points, centers, radius: None, "NoneType; return a number of modes"),
        (lambda points, centers, radius: torch.cdist(points, centers).min(dim=1), "return a number of modes"),
        (lambda points, centers, radius: modes_covered(points, centers)[0] / 8, "it says 1, it should say 8"),
        (lambda points, centers, radius: float("nan"), "it says nan"),
        (lambda points, centers, radius: modes_covered(centers, points)[0], "not enough: it says 6, it should say 1"),
        (lambda points, centers, radius: modes_covered(points.mul_(0), centers)[0], "work on a copy"),
    ],
)
def test_count_hints(attempt, hint: str):
    says_no(exercises.count_modes(attempt), hint)


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
        (nothing_is_nan, "zeros, neither NaN"),
        (lambda E, present: None, "NoneType; return a tensor"),
        (lambda E, present: E.sigmoid(), "over the sum of all"),
        (lambda E, present: (2 * E).softmax(dim=1), "over the sum of all"),
        (lambda E, present: E.log_softmax(dim=1), "over the sum of all"),
        (lambda E, present: E.argmax(dim=1), "shape (2,), not (2, 3)"),
        (lambda E, present: E.softmax(dim=1).mT, "shape (3, 2), not (2, 3)"),
        (lambda E, present: torch.where(present, E, 0.0).softmax(dim=1), "exactly 0"),
        (lambda E, present: E.masked_fill_(~present, -torch.inf).softmax(dim=1).nan_to_num(), "work on a copy"),
        (lambda E, present: naive(E - E.max(), present), "subtract each image's largest"),
        (lambda E, present: naive(E - E.amax(1, keepdim=True), present), "subtract each image's largest present"),
        (lambda E, present: torch.where(present, E, -1e9).softmax(dim=1), "nor equal weights"),
    ],
)
def test_attention_hints(attempt, hint: str):
    says_no(exercises.attention_weights(attempt), hint)


def test_the_librarys_own_attention_passes():
    assert exercises.attention_weights(partial(multimodal_attention, checked=False)).startswith("yes: ")


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
        ({"slope": 0.01}, "PyTorch's 0.01"),
        ({"slope": 0.3}, "by hand"),
        ({"features": 2}, "by hand"),
    ],
)
def test_energy_hints(changes, hint: str):
    assert exercises.additive_energies(energies).startswith("yes: ")
    assert hint in exercises.additive_energies(lambda *given: energies(*given, **changes))
    assert "before the softmax" in exercises.additive_energies(lambda *given: energies(*given).softmax(1))


def spoils_maps(x, maps, W, U, v):
    for m in maps:
        m.mul_(0.5)
    return energies(x, maps, W, U, v)


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda *given: None, "return energies (n, m, h, w)"),
        (lambda *given: energies(*given).transpose(0, 1), "shape (3, 2, 4, 3), not (2, 3, 4, 3)"),
        (lambda *given: list(energies(*given).unbind(1)), "list; return energies"),
        (lambda *given: energies(*given).mean((2, 3)), "shape (2, 3)"),
        (lambda *given: energies(*given).mT.reshape(2, 3, 4, 3), "by hand"),
        (lambda *given: -energies(*given), "by hand"),
        (lambda *given: energies(*given).log(), "NaN"),
        (spoils_maps, "work on a copy"),
    ],
)
def test_more_energy_hints(attempt, hint: str):
    says_no(exercises.additive_energies(attempt), hint)


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
        (lambda x, y, rate: right(y, x, rate), "should become"),
        (lambda x, y, rate: right(x, y, rate)[::-1], "should become"),
        (lambda x, y, rate: (y, -x), "should become"),
        (lambda x, y, rate: right(x, y, float("nan")), "should become"),
        (lambda x, y, rate: right(x, y, rate)[0], "float; return two numbers"),
        (lambda x, y, rate: (*right(x, y, rate), rate), "return two numbers"),
        (lambda x, y, rate: (None, y), "NoneType; return two numbers"),
    ],
)
def test_step_hints(attempt, hint: str):
    says_no(exercises.look_ahead(attempt), hint)


def weighed(means, variances, counts):
    share = counts / counts.sum()
    mean = (share * means).sum()
    return mean, (share * (variances + means.square())).sum() - mean.square()


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda means, variances, counts: None, "returns None"),
        (lambda means, variances, counts: means.mean(), "return two single numbers"),
        (lambda means, variances, counts: (means, variances), "single numbers"),
        (lambda means, variances, counts: weighed(means, variances, counts)[::-1], "the mean should be"),
        (lambda means, variances, counts: weighed(means, variances.sqrt(), counts), "the variance should be"),
        (lambda means, variances, counts: weighed(means, variances.mul_(2), counts), "work on a copy"),
        (lambda means, variances, counts: deviation(*weighed(means, variances, counts)), "is its square"),
        (lambda means, variances, counts: torch.cat((means, variances)), "return two single numbers"),
        (lambda means, variances, counts: weighed(means / 0 - means / 0, variances, counts), "not nan"),
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
    says_no(exercises.statistics_of_whole(attempt), hint)


def deviation(mean, variance):
    return mean, variance.sqrt()


def moved(average, trained, decay, *, buffers=True, both=False, only=None):
    """One EMA step with one thing changed."""
    with torch.no_grad():
        for old, new in list(zip(average.parameters(), trained.parameters(), strict=True))[:only]:
            old.lerp_(new, 1 - decay)
            if both:
                new.copy_(old)
        for old, new in zip(average.buffers(), trained.buffers(), strict=True):
            if buffers:
                old.copy_(new)


def test_an_average_with_gradients_is_told_of_no_grad():
    def attempt(average, trained, decay):
        for old, new in zip(average.parameters(), trained.parameters(), strict=True):
            old.mul_(decay).add_((1 - decay) * new)

    assert "change it under torch.no_grad()" in exercises.update_average(attempt)
    assert "work on a copy" in exercises.generator_loss(lambda x: nnf.softplus(x.neg_()).mean())


def averages_buffers(average, trained, decay):
    moved(average, trained, decay, buffers=False)
    average[1].running_mean.lerp_(trained[1].running_mean, 1 - decay)


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
        (lambda average, trained, decay: moved(trained, average, decay), "of the trained network"),
        (lambda average, trained, decay: moved(average, trained, decay, only=1), "0.bias of the average has not moved"),
        (lambda average, trained, decay: moved(average, trained, float("nan")), "should be decay"),
        (lambda average, trained, decay: moved(copy.deepcopy(average), trained, decay), "has not moved"),
        (averages_buffers, "copied, not averaged"),
    ],
)
def test_average_hints(attempt, hint: str):
    says_no(exercises.update_average(attempt), hint)


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
        (lambda x, y: x.mul_(2), "work on a copy"),
        (lambda x, y: y, "it returns shape (2, 4, 5, 5), not (2, 4, 6, 8)"),
        (no_care, "divide by no 0"),
        (lambda x, y: adain(x, 2 * y), "each channel should end"),
        (lambda x, y: x - x.mean((2, 3), keepdim=True) + y.mean((2, 3), keepdim=True), "deviations are still to come"),
        (lambda x, y: adain(x, y, (0, 2, 3)), "not over the batch"),
        (lambda x, y: adain(x, y, (1, 2, 3)), "each channel has its own"),
        (lambda x, y: adain(x, y, correction=1), "correction=0"),
        (lambda x, y: (x - statistics(x, (2, 3))[0]) / statistics(x, (2, 3))[1], "now give it the style's"),
        (lambda x, y: adain(y, x), "it returns shape (2, 4, 5, 5)"),
        (lambda x, y: None, "NoneType; return a tensor"),
        (lambda x, y: adain(x, y).square(), "each channel should end"),
        (lambda x, y: adain(x, y).flip(-1), "in the order that x had"),
    ],
)
def test_adain_hints(attempt, hint: str):
    says_no(exercises.adain(attempt), hint)


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
        (lambda x, alpha, gamma, beta: modulate(x, alpha, beta, gamma), "here they are swapped"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha * 3, gamma, beta), "one place by hand"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma, beta) / 3, "one place by hand"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha.softmax(0), gamma, beta), "one place by hand"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma, beta)[None], "shape (1, 5, 4, 3)"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma, beta).mean(0), "shape (4, 3), not (5, 4, 3)"),
        (lambda x, alpha, gamma, beta: modulate(x, (-alpha).log(), gamma, beta), "NaN"),
        (lambda x, alpha, gamma, beta: modulate(x, alpha, gamma.sub_(1), beta), "work on a copy"),
        (lambda x, alpha, gamma, beta: None, "NoneType; return a tensor"),
    ],
)
def test_modulate_hints(attempt, hint: str):
    says_no(exercises.modulate(attempt), hint)


def test_modulate_passes():
    assert exercises.modulate(modulate).startswith("yes: ")


def summed_softplus(x):
    return sum(nnf.softplus(-one) for one in x) / len(x)


def as_cross_entropy(x):
    return nnf.binary_cross_entropy_with_logits(x.double(), torch.ones_like(x, dtype=torch.float64))


def r1_picture_by_picture(D, real, gamma):
    total = 0.0
    for picture in real:
        x = picture[None].clone().requires_grad_()
        total = total + (torch.autograd.grad(D(x).mean(), x, create_graph=True)[0] ** 2).sum()
    return 0.5 * gamma * total / len(real)


def r1_by_functional(D, real, gamma):
    gradient = torch.func.grad(lambda x: D(x).mean(dim=1).sum())(real)
    return gamma / 2 * torch.linalg.vector_norm(gradient, dim=(1, 2, 3)).square().mean()


def count_in_a_loop(points, centers, radius):
    counts = [0] * len(centers)
    for x, y in points.tolist():
        distances = [((x - u) ** 2 + (y - v) ** 2) ** 0.5 for u, v in centers.tolist()]
        if min(distances) <= radius:
            counts[distances.index(min(distances))] += 1
    return sum(count >= len(points) / len(centers) / 4 for count in counts)


def weights_in_a_loop(E, present):
    weights = torch.zeros_like(E, dtype=torch.float64)
    for i, (energies, there) in enumerate(zip(E.tolist(), present.tolist(), strict=True)):
        kept = {j: e for j, (e, here) in enumerate(zip(energies, there, strict=True)) if here}
        for j, e in kept.items():
            weights[i, j] = 1 / sum(torch.tensor(other - e, dtype=torch.float64).exp() for other in kept.values())
    return weights


def weights_of_softmax(E, present):
    return E.masked_fill(~present, -torch.inf).softmax(dim=-1).nan_to_num(0.0)


def weights_by_logsumexp(E, present):
    E = E.masked_fill(~present, -torch.inf)
    return torch.where(present, (E - E.logsumexp(1, keepdim=True)).exp(), torch.zeros(()))


def energies_by_convolution(x, maps, W, U, v):
    found = []
    for m, u, one in zip(maps, U, v, strict=True):
        hidden = nnf.conv2d(torch.cat((x, m), dim=1), torch.cat((W, u), dim=1)[:, :, None, None])
        found.append(nnf.conv2d(torch.maximum(hidden, 0.2 * hidden), one[None, :, None, None]))
    return torch.cat(found, dim=1)


def energies_place_by_place(x, maps, W, U, v):
    out = torch.empty(len(x), len(maps), *x.shape[2:], dtype=torch.float64)
    for n, i, row, column in torch.cartesian_prod(*map(torch.arange, out.shape)).tolist():
        hidden = W @ x[n, :, row, column] + U[i] @ maps[i][n, :, row, column]
        out[n, i, row, column] = v[i] @ nnf.leaky_relu(hidden, 0.2)
    return out


def ahead_by_autograd(x, y, rate):
    def step(at):
        at = at.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(at[0] * at[1], at)
        return gradient * torch.tensor([-1.0, 1.0])

    start = torch.tensor([x, y])
    return start + rate * step(start + rate * step(start))


def ahead_in_closed_form(x, y, rate):
    return [(1 - rate**2) * x - rate * y, (1 - rate**2) * y + rate * x]


def merged(means, variances, counts):
    """Two parts at a time (Chan and others, 1979)."""
    n, mean, square = 0, 0.0, 0.0
    for m, v, k in zip(means.tolist(), variances.tolist(), counts.tolist(), strict=True):
        square += v * k + (m - mean) ** 2 * n * k / (n + k)
        mean, n = (n * mean + k * m) / (n + k), n + k
    return mean, square / n


def within_and_between(means, variances, counts):
    mean = torch.dot(means, counts / counts.sum())
    return torch.stack((mean, torch.dot(variances + (means - mean) ** 2, counts.float()) / counts.sum()))


def by_state(average, trained, decay):
    old, parameters = average.state_dict(), dict(average.named_parameters())
    for name, new in trained.state_dict().items():
        old[name] = decay * old[name] + (1 - decay) * new if name in parameters else new
    average.load_state_dict(old)


def by_data(average, trained, decay):
    for name, value in average.named_parameters():
        value.data = value.data.lerp(trained.get_parameter(name).data, 1 - decay)
    for name, value in average.named_buffers():
        value.data = trained.get_buffer(name).clone()


def adain_by_instance_norm(x, y):
    variance, mean = torch.var_mean(y, dim=(-2, -1), correction=0, keepdim=True)
    return nnf.instance_norm(x) * variance.sqrt() + mean


def adain_in_a_loop(x, y):
    out = torch.empty_like(x, dtype=torch.float64)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            content, style = x[n, c].double(), y[n, c].double()
            out[n, c] = content - content.mean()
            if content.std() > 0:
                out[n, c] *= style.std(correction=0) / content.std(correction=0)
            out[n, c] += style.mean()
    return out


def modulated_by_matrices(x, alpha, gamma, beta):
    flat = alpha.flatten(1)
    return (gamma.T @ flat + flat.sum(0)).view_as(x) * x + (beta.T @ flat).view_as(x)


def modulated_place_by_place(x, alpha, gamma, beta):
    out = torch.zeros_like(x, dtype=torch.float64)
    for c, row, column in torch.cartesian_prod(*map(torch.arange, x.shape)).tolist():
        for i in range(len(alpha)):
            out[c, row, column] += alpha[i, row, column] * ((1 + gamma[i, c]) * x[c, row, column] + beta[i, c])
    return out


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (exercises.generator_loss, summed_softplus),
        (exercises.generator_loss, as_cross_entropy),
        (exercises.generator_loss, lambda x: torch.logaddexp(torch.zeros_like(x), -x).mean()),
        (exercises.r1_penalty, r1_picture_by_picture),
        (exercises.r1_penalty, r1_by_functional),
        (exercises.count_modes, count_in_a_loop),
        (exercises.count_modes, lambda *given: torch.tensor(count_in_a_loop(*given))),
        (exercises.attention_weights, weights_in_a_loop),
        (exercises.attention_weights, weights_of_softmax),
        (exercises.attention_weights, weights_by_logsumexp),
        (exercises.additive_energies, energies_by_convolution),
        (exercises.additive_energies, energies_place_by_place),
        (exercises.look_ahead, ahead_by_autograd),
        (exercises.look_ahead, ahead_in_closed_form),
        (exercises.statistics_of_whole, merged),
        (exercises.statistics_of_whole, within_and_between),
        (exercises.update_average, by_state),
        (exercises.update_average, by_data),
        (exercises.adain, adain_by_instance_norm),
        (exercises.adain, adain_in_a_loop),
        (exercises.modulate, modulated_by_matrices),
        (exercises.modulate, modulated_place_by_place),
    ],
)
def test_a_right_answer_written_in_another_way_passes(check, attempt):
    assert check(attempt).startswith("yes: ")
