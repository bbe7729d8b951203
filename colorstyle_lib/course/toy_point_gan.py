"""A GAN small enough to see: points in the plane, two small networks, and their game recorded as it goes.

Several seeds play side by side: every weight has a first dimension for the seed, and no number of one seed ever
meets another's. So three seeds cost little more than one, and a result is never that of a lucky start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, nearest
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
    """Points from eight narrow Gaussians on a ring, all equally likely: the usual test for mode collapse.

    Args:
        n: how many.
        random: where chance comes from; None takes torch's own.
    """
    which = torch.randint(_RING, (n,), generator=random)
    return ring_centers()[which] + MODE_SPREAD * torch.randn((n, 2), generator=random)


def spiral(n: int, random: torch.Generator | None = None) -> Float[Tensor, "n 2"]:
    """Points along one spiral arm, from the middle outward: connected, so a continuous generator can fit it.

    Args:
        n: how many.
        random: where chance comes from; None takes torch's own.
    """
    along = torch.rand((n,), generator=random).sqrt()  # as dense outside as inside
    angle = 1.5 * 2 * math.pi * along
    arm = along[:, None] * torch.stack((angle.cos(), angle.sin()), dim=1)
    return 1.1 * arm + 0.03 * torch.randn((n, 2), generator=random)


POINTS: dict[str, Callable[..., Tensor]] = {"eight_gaussians": eight_gaussians, "spiral": spiral}


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
    """The first seed's game at one moment.

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
class Game:
    """What is left when the players stop.

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
) -> Game:
    """Let generator and discriminator play in turn (Goodfellow et al. 2014, algorithm 1), one game for each seed.

    Args:
        objective: a name in :data:`.OBJECTIVES`.
        steps: of the generator.
        data: a name in :data:`POINTS`.
        seeds: one game each; its result depends on its own seed only.
        optimizer: ``adam`` (beta_1 = 0, beta_2 = 0.99) or ``sgd``.
        learning_rate: of both players at the start; it falls to 0 on a line.
        discriminator_pace: its learning rate as a multiple of the generator's.
        gamma: strength of the zero-centered gradient penalties on real (R1) and generated points (R2); 0 is none.
        batch_size: real and generated points a step.
        record: the steps before which a :class:`Snapshot` is taken; ``steps`` itself is after the last.

    Raises:
        ConfigError: no such objective, data or optimizer.
    """
    players = get_objective(objective)
    optimizers = {
        "adam": lambda p: torch.optim.Adam(p, learning_rate, betas=(0.0, 0.99), fused=True),
        "sgd": lambda p: torch.optim.SGD(p, learning_rate),
    }
    for name, known in ((data, POINTS), (optimizer, optimizers)):
        if name not in known:
            raise ConfigError(f"no {name!r} to play with{nearest(name, known)}")
    # Different streams, so that the two networks do not start alike and data do not depend on either.
    generator = ParallelPerceptrons(NOISE, 2, [3 * seed for seed in seeds])
    discriminator = ParallelPerceptrons(2, 1, [3 * seed + 1 for seed in seeds])
    randoms = [torch.Generator().manual_seed(3 * seed + 2) for seed in seeds]
    step_g, step_d = (optimizers[optimizer](player.parameters()) for player in (generator, discriminator))

    def real_points(n: int = batch_size) -> Tensor:
        return torch.stack([POINTS[data](n, random) for random in randoms])

    def noise(n: int = batch_size) -> Tensor:
        return torch.stack([torch.randn((n, NOISE), generator=random) for random in randoms])

    # The same points at every snapshot, drawn always, so that looking changes nothing.
    shown_real, shown_z = real_points(200), noise(200)
    snapshots = []
    for step in range(steps + 1):
        if step in record:
            snapshots.append(_snapshot(step, players, discriminator, shown_real, generator(shown_z)))
        if step == steps:
            break
        rate = learning_rate * (1 - step / steps)  # players that never slow down circle for ever
        step_g.param_groups[0]["lr"], step_d.param_groups[0]["lr"] = rate, discriminator_pace * rate
        real, fake = real_points(), generator(noise())
        loss = players.discriminator_loss(discriminator(real), discriminator(fake.detach()))
        if gamma:
            loss = loss + _flatness(discriminator, real, gamma) + _flatness(discriminator, fake, gamma)
        _descend(step_d, len(seeds) * loss)
        loss = players.generator_loss(discriminator(fake), discriminator(real) if players.paired else None)
        _descend(step_g, len(seeds) * loss)
    with torch.no_grad():
        return Game(generator(noise(1000)), snapshots, generator, discriminator)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step. The loss is a sum over seeds, so that each gets the gradient of its own mean."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _flatness(discriminator: ParallelPerceptrons, points: Tensor, gamma: float) -> Tensor:
    each = points.detach().flatten(0, 1).requires_grad_()  # the penalty wants one point a row
    logits = discriminator(each.unflatten(0, points.shape[:2]))
    return zero_centered_penalty(logits.flatten(), each, gamma=gamma)


def _snapshot(
    step: int, players: Objective, discriminator: ParallelPerceptrons, real: Tensor, fake: Tensor
) -> Snapshot:
    axis = torch.linspace(-REACH, REACH, 61)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack((x, y), dim=-1).flatten(0, 1)  # (61 * 61, 2)
    first = fake.detach().requires_grad_()
    real_logits = discriminator(real) if players.paired else None
    loss = players.generator_loss(discriminator(first), real_logits)
    (slope,) = torch.autograd.grad(loss, first)
    with torch.no_grad():
        field = discriminator(grid.expand(len(fake), -1, -1))[0].unflatten(0, (61, 61))[..., 0]
    # The mean over points and seeds is undone: an arrow is one point's own push.
    return Snapshot(step, real[0], fake.detach()[0], field, -slope[0] * fake[..., 0].numel())


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
