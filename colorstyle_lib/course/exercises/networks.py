"""The checkers of the exercises on networks and their training: notebooks 02, 03, 04 and 07."""

import math

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from colorstyle_lib.course.exercises.checker import Attempt, a_number, a_pair, a_tensor, checker, close, draw, matches
from colorstyle_lib.course.toy_point_gan import MODE_SPREAD, modes_covered, ring_centers
from colorstyle_lib.model.attention import multimodal_attention


@checker("the loss is finite everywhere, and its gradient is largest where the discriminator is sure of a fake")
def generator_loss(attempt: Attempt):
    """Notebook 02: the non-saturating loss on logits, value and gradient finite and right, however sure D is."""
    logits = torch.tensor([-200.0, -3.0, 0.0, 2.0, 200.0], requires_grad=True)
    mild = torch.tensor([-3.0, 0.0, 2.0])
    want = -nnf.logsigmoid(mild).mean()
    value = yield from a_tensor(attempt(mild), want, "the mean over all logits, as a tensor")
    mistakes = {
        "the sign: the generator descends, so that log D grows": -want,
        "that is equation (1)'s half, the one that saturates": nnf.logsigmoid(-mild).mean(),
        "take the mean over all logits, not the sum": 3 * want,
    }
    yield from matches(value, want, f"on logits -3, 0, 2 it is {value:.4f}, but should be {want:.4f}", mistakes)
    result = attempt(logits)
    yield torch.isfinite(result), "at a logit of -200 D is 0 and its log infinite: use logsigmoid or softplus"
    yield result.requires_grad, "the value is right, but it has no gradient: take out detach or no_grad"
    (gradient,) = torch.autograd.grad(result, logits)
    right = close(gradient, -torch.sigmoid(-logits.detach()) / len(logits))
    yield right, "the value is right, its gradient is not: at a logit of -200 it should be -1 / n, so clamp nothing"


@checker("the penalty is right, and a network can descend on it")
def r1_penalty(attempt: Attempt):
    """Notebook 02: half gamma times the mean squared length of the discriminator's gradient at real data."""
    (real,) = draw(1, (5, 3, 5, 5))
    weight = torch.tensor(3.0, requires_grad=True)

    def two_logits(x: Tensor) -> Tensor:
        return torch.stack((x.square().flatten(1).sum(1), weight * x.flatten(1).sum(1)), dim=1)

    result = attempt(two_logits, real, 0.3)
    yield from a_tensor(result, torch.zeros(()), "the mean over all pictures, as a tensor")
    squares = (real + 1.5).flatten(1).square().sum(1)  # (2 x + 3) / 2 is the gradient of the mean of both logits
    want = 0.15 * squares.mean()
    mistakes = {
        "gamma / 2, not gamma": 2 * want,
        "square the length of the gradient": 0.15 * squares.sqrt().mean(),
        "the squared length is a sum over all numbers of a picture, not a mean": want / 75,
        "take the mean over pictures, not the sum": 5 * want,
        "D(x) is the mean of a picture's logits, not their sum": 4 * want,
    }
    hint = f"on a small example it should be {want:.2f}, not {float(result.detach()):.2f}"
    yield from matches(result, want, hint, mistakes, within=1e-3)
    learns = result.requires_grad and torch.autograd.grad(result, weight)[0] != 0
    yield learns, "the value is right, but it is a constant to D: autograd.grad needs create_graph=True"


@checker("your count is right: a few stray points do not cover a mode")
def count_modes(attempt: Attempt):
    """How many modes have at least a quarter of their fair share of points within the radius."""
    centers = ring_centers()
    (noise,) = draw(0, (400, 2))
    one = centers[:1].repeat(400, 1)
    cases = {
        "points on all modes": centers.repeat(50, 1) + 0.5 * MODE_SPREAD * noise,
        "all points on one mode": one,
        "points between the modes, near none": centers[:4].repeat(100, 1) * 0.5,
        "a stray on each of 5 modes, which is not enough": torch.cat((one[:395], centers[1:6])),
        "17 points, a third of a fair share, on a second mode": torch.cat((one[:383], centers[1:2].repeat(17, 1))),
    }
    for name, points in cases.items():
        found = yield from a_number(attempt(points, centers, 3 * MODE_SPREAD), "a number of modes")
        want, _ = modes_covered(points, centers)
        yield found == want, f"{name}: it says {found:g}, it should say {want}"


@checker("an absent modality gets exactly 0, the others sum to 1, and large energies do no harm")
def attention_weights(attempt: Attempt):
    """Equation (2) with absent modalities and energies of any size."""
    E = torch.tensor([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])
    result = yield from a_tensor(attempt(E, torch.ones_like(E, dtype=torch.bool)), E, "a tensor like E")
    yield not close(result, E.softmax(0)), "the sum runs over the modalities of one image, not over the images"
    yield close(result, E.softmax(1)), "with all present: exp(E_i) over the sum of all exp(E_j)"
    present = torch.tensor([[True, False, True], [False, True, False]])
    result, want = attempt(E, present), multimodal_attention(E, present)
    yield (result[~present] == 0).all(), "an absent modality's weight is exactly 0, however large its energy"
    scaled = want * result.sum(dim=1, keepdim=True)
    mistakes = {"the present weights no longer sum to 1: leave the absent out of the sum, too": scaled}
    yield from matches(result, want, "with one absent, the others' weights are not right", mistakes)
    far = E + torch.tensor([[1000.0], [-1000.0]]) + 1000 * ~present
    hint = "with energies 1000 higher or lower the weights should stay: subtract each image's largest present energy"
    yield close(attempt(far, present), want), hint
    nothing = attempt(E, torch.zeros_like(present))
    yield (nothing == 0).all(), "an image without any modality should get zeros, neither NaN nor equal weights"


@checker("now you have written the discriminator's energies, too")
def additive_energies(attempt: Attempt):
    """Notebook 03: ``E_i = <v_i, leaky_relu(W x + U_i m_i)>`` at every place, for each modality."""
    sizes = (3, 2, 4)  # of the modalities
    x, W, *maps = draw(7, (2, 5, 4, 3), (6, 5), *((2, size, 4, 3) for size in sizes))
    U, v = draw(8, *((6, size) for size in sizes)), draw(9, *[(6,)] * 3)

    def energies(slope: float = 0.2, *, features: bool = True, product: bool = True) -> Tensor:
        found = []
        for m, U_i, v_i in zip(maps, U, v, strict=True):
            joined = torch.einsum("kd,ndhw->nkhw", U_i, m) + features * torch.einsum("kc,nchw->nkhw", W, x)
            hidden = nnf.leaky_relu(joined, slope)
            found.append(torch.einsum("k,nkhw->nhw", v_i, hidden) if product else hidden.sum(1))
        return torch.stack(found, dim=1)

    want = energies()
    result = yield from a_tensor(attempt(x, maps, W, U, v), want, "energies (n, m, h, w)")
    mistakes = {
        "the leaky ReLU is missing between the sum and the product with v_i": energies(1.0),
        "a ReLU cuts off what is below 0; a leaky one keeps a fifth of it": energies(0.0),
        "the leaky ReLU's slope is 0.2, not PyTorch's 0.01": energies(0.01),
        "the features x do not enter; add W x": energies(features=False),
        "take the product with v_i, not the sum over the hidden numbers": energies(product=False),
        "these are weights; energies come before the softmax": want.softmax(1),
    }
    yield from matches(result, want, "work out one place of one picture by hand", mistakes, within=1e-3)


@checker("it spirals in without any penalty: looking ahead undoes the rotation")
def look_ahead(attempt: Attempt):
    """Notebook 04: one round of V = x y; both step from where they are, by the gradients where they would be."""
    x, y, rate = 1.0, 0.5, 0.2
    got = yield from a_pair(attempt(x, y, rate), "numbers: x and y", numbers=True)
    ahead = (x - rate * y, y + rate * x)
    want = (x - rate * ahead[1], y + rate * ahead[0])
    mistakes = {
        "that is the trial step alone; now take the gradients there and step again, from the start": ahead,
        "that is two steps, one after the other: the second must start from x and y again": (
            ahead[0] - rate * ahead[1],
            ahead[1] + rate * ahead[0],
        ),
        "y must answer to where x would be after the trial step, not to where x went": (want[0], y + rate * want[0]),
        "that is alternating: only x looks ahead; y should, too": (want[0], ahead[1]),
    }
    hint = f"from (1, 0.5) at rate 0.2 they should become ({want[0]:.3f}, {want[1]:.3f})"
    yield from matches(got, want, f"{hint}: x - rate * (y ahead), y + rate * (x ahead)", mistakes, within=1e-6)
    for _ in range(200):
        x, y = (float(one) for one in attempt(x, y, rate))
    yield math.hypot(x, y) < 0.1, f"after 200 rounds it is {math.hypot(x, y):.2f} from (0, 0); it should be near"


@checker("batch norm needs this from every process: a mean, a mean square, a count")
def statistics_of_whole(attempt: Attempt):
    """Mean and variance of all numbers from those of the parts, which need not be equally large."""
    numbers = draw(4, (24,))[0] * 3 + torch.arange(24) / 4
    want_mean, want = numbers.mean(), numbers.var(correction=0)
    for sizes in ((12, 12), (4, 20), (6, 6, 12)):
        parts = numbers.split(list(sizes))
        means = torch.stack([part.mean() for part in parts])
        variances = torch.stack([part.var(correction=0) for part in parts])
        counts, what = torch.tensor(sizes), "single numbers: the mean and the variance of the whole"
        mean, variance = yield from a_pair(attempt(means, variances, counts), what, numbers=True)
        plain = {"the parts are not equally large: weigh each mean by its count": means.mean()}
        hint = f"the mean should be {want_mean:.4f}, not {mean:.4f}"
        yield from matches(mean, want_mean, hint, plain)
        within = (counts / counts.sum() * variances).sum()
        mistakes = {
            "the mean of the variances forgets that the parts' means differ: go by way of E[x^2]": within,
            "that is the standard deviation; the variance is its square": want.sqrt(),
        }
        hint = f"the variance should be {want:.4f}, not {variance:.4f} (divide by n, not by n - 1)"
        yield from matches(variance, want, hint, mistakes, within=1e-3)


@checker("this average is what is kept of a training")
def update_average(attempt: Attempt):
    """Notebook 04: one step of the moving average of a network's weights, in place."""

    def network(seed: int) -> nn.Module:
        random = torch.Generator().manual_seed(seed)
        made = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        for values in (*made.parameters(), made[1].running_mean):
            values.data = torch.randn(values.shape, generator=random)
        return made

    average, trained = network(1), network(2)
    old, new = network(1), network(2)
    attempt(average, trained, 0.75)
    for name, before in new.state_dict().items():
        yield torch.equal(trained.state_dict()[name], before), f"it changes {name} of the trained network"
    for (name, value), start, other in zip(average.named_parameters(), old.parameters(), new.parameters(), strict=True):
        mistakes = {
            f"{name} of the average has not moved": start,
            "that copies the trained weights: keep decay times the old ones": other,
            "decay and 1 - decay are swapped: with decay 0.75 most of the average stays": start.lerp(other, 0.75),
        }
        wanted = start.lerp(other, 0.25)
        yield from matches(value, wanted, f"{name} should be decay * average + (1 - decay) * trained", mistakes)
        yield value.requires_grad and value.is_leaf, f"{name} is no longer a parameter; change it in place"
    for name, value in average.named_buffers():
        yield close(value, new.get_buffer(name)), f"the buffer {name} should be copied, not averaged or left"


@checker("the result has the content's pattern and the style's statistics")
def adain(attempt: Attempt):
    """A content's features with each channel's mean and deviation of a style's."""
    x, y = draw(5, (2, 4, 6, 8), (2, 4, 5, 5))
    x = 3 * x + torch.arange(4.0).view(4, 1, 1)
    y = y * torch.tensor([0.5, 1.0, 4.0, 2.0]).view(4, 1, 1) - 7
    x[0, 2] = 1.5  # a dead channel, as networks have some
    result, dead = attempt(x, y), "a channel of x is the same everywhere: divide by no 0 there"
    yield from a_tensor(result, x, "a tensor like x", dead)
    alive = x != 1.5

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
    yield close(result[0, 2], level, within=0.05), "where x is even, only y's mean is left"


@checker("attention weighs the three proposals at each place")
def modulate(attempt: Attempt):
    """``sum_i alpha_i ((1 + gamma_i) x + beta_i)``, alpha by place, gamma and beta by channel."""
    x, gamma, beta, alpha = draw(6, (5, 4, 3), (3, 5), (3, 5), (3, 4, 3))
    alpha = alpha.softmax(dim=0)

    def modulated(alpha: Tensor, gamma: Tensor = gamma, beta: Tensor = beta) -> Tensor:
        proposals = (1 + gamma)[..., None, None] * x + beta[..., None, None]  # (modalities, channels, h, w)
        return torch.einsum("mhw,mchw->chw", alpha, proposals)

    result = yield from a_tensor(attempt(x, alpha, gamma, beta), x, "a tensor like x")
    mistakes = {
        "it is x itself: nothing of the style is in it": x,
        "the scale is 1 + gamma, not gamma": modulated(alpha, gamma - 1),
        "gamma scales and beta shifts; here they are swapped": modulated(alpha, beta, gamma),
        "all count alike there; weigh them by alpha": modulated(torch.full_like(alpha, 1 / 3)),
        "alpha differs from place to place: no means": modulated(alpha.mean((1, 2), keepdim=True).expand_as(alpha)),
    }
    hint = "work out one place by hand: alpha there weighs three proposals"
    yield from matches(result, modulated(alpha), hint, mistakes)
    alone = torch.zeros(3, 4, 3)
    alone[1] = 1
    right = close(attempt(x, alone, gamma, beta), modulated(alone))
    yield right, "with all weight on one modality, its scale and shift alone are left"
