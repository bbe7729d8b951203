"""A GAN small enough to see: points in the plane, two small networks, and a record of their training.

Several seeds train side by side: every weight has a first dimension for the seed, and no number of one seed ever
meets another's. So three seeds cost little more than one, and a result is never that of a lucky start.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.errors import check_known
from colorstyle_lib.losses.adversarial import Objective, get_objective, zero_centered_penalty

NOISE = 2  # numbers in a generator's z
REACH = 1.6  # the part of the plane that matters: both coordinates in [-REACH, REACH]
MODE_SPREAD = 0.05  # standard deviation of one Gaussian of the ring
_RING = 8


def ring_centers() -> Float[Tensor, "8 2"]:
    """Centers of the eight Gaussians, evenly on the unit circle."""
    angles = torch.arange(_RING) * (2 * math.pi / _RING)
    return torch.stack((angles.cos(), angles.sin()), dim=1)


def eight_gaussians(n: int, random: torch.Generator | None = None) -> Float[Tensor, "n 2"]:
    """Draw points from eight narrow Gaussians on a ring, all equally likely: the usual test for mode collapse."""
    which = torch.randint(_RING, (n,), generator=random)
    return ring_centers()[which] + MODE_SPREAD * torch.randn((n, 2), generator=random)


def spiral(n: int, random: torch.Generator | None = None) -> Float[Tensor, "n 2"]:
    """Draw points along one spiral arm: connected, so that a continuous generator can fit it."""
    along = torch.rand((n,), generator=random).sqrt()  # as dense outside as inside
    angle = 1.5 * 2 * math.pi * along
    arm = along[:, None] * torch.stack((angle.cos(), angle.sin()), dim=1)
    return 1.1 * arm + 0.03 * torch.randn((n, 2), generator=random)


POINTS = {"eight_gaussians": eight_gaussians, "spiral": spiral}
_OPTIMIZERS = {
    "adam": lambda weights, rate: torch.optim.Adam(weights, rate, betas=(0.0, 0.99), fused=True),
    "sgd": lambda weights, rate: torch.optim.SGD(weights, rate),
}


class Descent:
    """Steps of an optimizer whose learning rate falls to 0 on a line: networks that never slow down circle for ever.

    Args:
        weights: what is trained.
        learning_rate: at the start.
        steps: after how many it is 0.
        optimizer: ``adam`` (beta_1 = 0, as is usual for GANs, and beta_2 = 0.99) or ``sgd``.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], learning_rate: float, steps: int, optimizer: str = "adam"
    ) -> None:
        check_known("optimizer", optimizer, _OPTIMIZERS)
        self.optimizer = _OPTIMIZERS[optimizer](weights, learning_rate)
        self.rate = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1 - step / max(steps, 1))

    def __call__(self, loss: Tensor) -> None:
        """Take one step down the gradient of a loss."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.rate.step()


class ParallelPerceptrons(nn.Module):
    """One small multilayer perceptron for each seed, applied in one call.

    Args:
        inputs: numbers that each takes.
        outputs: numbers that each gives.
        seeds: one network a seed; its weights depend on that seed only.
        width: of its two hidden layers.
    """

    def __init__(self, inputs: int, outputs: int, seeds: Sequence[int], width: int = 64) -> None:
        super().__init__()
        randoms = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for i, o in ((inputs, width), (width, width), (width, outputs)):
            drawn = torch.stack([torch.randn((i, o), generator=random) for random in randoms])
            self.weights.append(drawn * math.sqrt((1 if o == outputs else 2) / i))
            self.biases.append(torch.zeros(len(randoms), 1, o))

    def forward(self, x: Float[Tensor, "seeds n i"]) -> Float[Tensor, "seeds n o"]:
        """Each seed's network on that seed's rows."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = nn.functional.leaky_relu(torch.baddbmm(bias, x, weight), 0.2)
        return torch.baddbmm(self.biases[-1], x, self.weights[-1])


@dataclass(frozen=True)
class Snapshot:
    """The first seed's networks at one moment.

    Attributes:
        step: how many steps had been taken.
        real: some real points.
        fake: some generated ones.
        field: the discriminator's logit on a square grid over [-REACH, REACH] in x (last dimension) and y.
        arrows: where the generator's loss pushes each generated point: minus its gradient there.
    """

    step: int
    real: Float[Tensor, "n 2"]
    fake: Float[Tensor, "n 2"]
    field: Float[Tensor, "s s"]
    arrows: Float[Tensor, "n 2"]


@dataclass(frozen=True)
class PointGan:
    """A trained GAN on points.

    Attributes:
        fake: generated points of every seed.
        snapshots: as asked for, of the first seed.
        generator: the trained generators.
        discriminator: the trained discriminators.
    """

    fake: Float[Tensor, "seeds n 2"]
    snapshots: list[Snapshot]
    generator: ParallelPerceptrons
    discriminator: ParallelPerceptrons


def train_point_gan(
    objective: str,
    *,
    steps: int,
    data: str = "eight_gaussians",
    seeds: Sequence[int] = (0,),
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    discriminator_pace: float = 1.0,
    gamma: float = 0.0,
    batch_size: int = 128,
    record: Sequence[int] = (),
) -> PointGan:
    """Train generator and discriminator in turn (Goodfellow et al. 2014, algorithm 1), one GAN for each seed.

    Args:
        objective: a name in :data:`.OBJECTIVES`.
        steps: of the generator.
        data: a name in :data:`POINTS`.
        seeds: one GAN each; its result depends on its own seed only.
        optimizer: as in :class:`Descent`.
        learning_rate: of both networks at the start.
        discriminator_pace: its learning rate as a multiple of the generator's.
        gamma: strength of the zero-centered gradient penalties on real (R1) and generated points (R2); 0 is none.
        batch_size: real and generated points a step.
        record: the steps before which a :class:`Snapshot` is taken; ``steps`` itself is after the last.

    Raises:
        ConfigError: no such objective, data or optimizer.
    """
    losses = get_objective(objective)
    check_known("points", data, POINTS)
    # Different streams, so that the two networks do not start alike and data do not depend on either.
    generator = ParallelPerceptrons(NOISE, 2, [3 * seed for seed in seeds])
    discriminator = ParallelPerceptrons(2, 1, [3 * seed + 1 for seed in seeds])
    randoms = [torch.Generator().manual_seed(3 * seed + 2) for seed in seeds]
    descend_g = Descent(generator.parameters(), learning_rate, steps, optimizer)
    descend_d = Descent(discriminator.parameters(), discriminator_pace * learning_rate, steps, optimizer)

    def real_points(n: int = batch_size) -> Tensor:
        return torch.stack([POINTS[data](n, random) for random in randoms])

    def noise(n: int = batch_size) -> Tensor:
        return torch.stack([torch.randn((n, NOISE), generator=random) for random in randoms])

    # The same points at every snapshot, drawn always, so that recording changes nothing.
    shown_real, shown_z = real_points(200), noise(200)
    snapshots = []
    for step in range(steps + 1):
        if step in record:
            snapshots.append(_snapshot(step, losses, discriminator, shown_real, generator(shown_z)))
        if step == steps:
            break
        real, fake = real_points(), generator(noise())
        loss = losses.discriminator_loss(discriminator(real), discriminator(fake.detach()))
        if gamma:
            loss = loss + _penalty(discriminator, real, gamma) + _penalty(discriminator, fake, gamma)
        descend_d(len(seeds) * loss)  # a sum over seeds, so that each gets the gradient of its own mean
        loss = losses.generator_loss(discriminator(fake), discriminator(real) if losses.paired else None)
        descend_g(len(seeds) * loss)
    with torch.no_grad():
        return PointGan(generator(noise(1000)), snapshots, generator, discriminator)


def _penalty(discriminator: ParallelPerceptrons, points: Tensor, gamma: float) -> Tensor:
    each = points.detach().flatten(0, 1).requires_grad_()  # the penalty wants one point a row
    logits = discriminator(each.unflatten(0, points.shape[:2]))
    return zero_centered_penalty(logits.flatten(), each, gamma=gamma)


def _snapshot(step: int, losses: Objective, discriminator: ParallelPerceptrons, real: Tensor, fake: Tensor) -> Snapshot:
    axis = torch.linspace(-REACH, REACH, 61)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack((x, y), dim=-1).flatten(0, 1)  # (61 * 61, 2)
    fake = fake.detach().requires_grad_()
    loss = losses.generator_loss(discriminator(fake), discriminator(real) if losses.paired else None)
    (gradient,) = torch.autograd.grad(loss, fake)
    with torch.no_grad():
        field = discriminator(grid.expand(len(fake), -1, -1))[0].unflatten(0, (61, 61))[..., 0]
    # The mean over points and seeds is undone: an arrow is one point's own push.
    return Snapshot(step, real[0], fake.detach()[0], field, -gradient[0] * fake[..., 0].numel())


def modes_covered(points: Float[Tensor, "n 2"], centers: Float[Tensor, "k 2"]) -> tuple[int, float]:
    """How many modes are hit, and what share of the points hits any.

    A point hits a mode within 3 standard deviations of its center (A. Srivastava et al., VEEGAN, NeurIPS 2017,
    arXiv:1705.07761). A mode counts as covered with a quarter of its fair share of the points, so that a few
    strays on their way elsewhere do not cover it.

    Args:
        points: generated ones.
        centers: of the modes, each with deviation :data:`MODE_SPREAD`.

    Returns:
        The number of modes covered, and the share in [0, 1] of points that hit one.
    """
    distance, nearest_mode = torch.cdist(points, centers).min(dim=1)
    hit = distance < 3 * MODE_SPREAD
    hits = torch.bincount(nearest_mode[hit], minlength=len(centers))
    return int((hits >= len(points) / len(centers) / 4).sum()), float(hit.float().mean())
