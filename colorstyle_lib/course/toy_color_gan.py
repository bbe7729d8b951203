"""A conditional GAN small enough to train while one waits; it colors :mod:`.toy_objects`.

A distance teaches :class:`Encoder` where the object is and what its shape is. Then the encoder is frozen, and two small
perceptrons, generator and discriminator, learn the *color* alone. On frozen features a discriminator can judge from its
first step: A. Sauer et al., Projected GANs Converge Faster, NeurIPS 2021 (arXiv:2111.01007).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.course.toy_objects import ToyObjects
from colorstyle_lib.course.toy_point_gan import Descent
from colorstyle_lib.errors import check_known
from colorstyle_lib.losses.adversarial import get_objective, zero_centered_penalty

PARTS = 2  # regions that get a color each; the object and its ground, if all goes well
NOISE = 4  # numbers in z
_SCALE = 30.0  # Lab units: what the networks see as 1
_DISTANCES = {"l1": nnf.l1_loss, "l2": nnf.mse_loss}


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(0.2))


def _perceptron(inputs: int, outputs: int) -> nn.Sequential:
    hidden = (nn.Linear(inputs, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2))
    return nn.Sequential(*hidden, nn.Linear(64, outputs))


@dataclass(frozen=True)
class Encoding:
    """The description of a gray picture."""

    summary: Float[Tensor, "n 64"]  # of the whole picture, no unit: enough to tell a disc from a square
    parts: Float[Tensor, "n parts 24 24"]  # how much each pixel belongs to each part; at every pixel they sum to 1

    def colors(self, ab: Float[Tensor, "n 2 24 24"]) -> Float[Tensor, "n parts 2"]:
        """Mean color of each part of a picture."""
        weights = self.parts / self.parts.sum(dim=(2, 3), keepdim=True)
        return torch.einsum("nkhw,nchw->nkc", weights, ab)

    def paint(self, colors: Float[Tensor, "n parts 2"]) -> Float[Tensor, "n 2 24 24"]:
        """A picture whose parts have these colors."""
        return torch.einsum("nkhw,nkc->nchw", self.parts, colors)


class Encoder(nn.Module):
    """L in, a :class:`Encoding` out: convolutions on cells of 4 x 4 pixels."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.near, self.far = _conv(16, width), _conv(width, width, 2)
        self.summary = nn.Sequential(nn.Linear(9 * width, 64), nn.LeakyReLU(0.2))
        self.parts = nn.Sequential(_conv(width, width), nn.Conv2d(width, 16 * PARTS, 1), nn.PixelShuffle(4))

    def forward(self, lightness: Float[Tensor, "n 1 24 24"]) -> Encoding:
        """Describe gray pictures; L in [0, 100]."""
        near = self.near(nnf.pixel_unshuffle((lightness - 57) / 10, 4))  # (N, w, 6, 6)
        summary = self.summary(self.far(near).flatten(1))  # (N, 64)
        return Encoding(summary, self.parts(near).softmax(dim=1))


class ToyGenerator(nn.Module):
    """L and z in, ab out: an encoder, and a perceptron that chooses one color for each part from its summary and z."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        super().__init__()
        self.encoder = encoder or Encoder()
        self.choose = _perceptron(64 + NOISE, 2 * PARTS)

    def forward(self, lightness: Float[Tensor, "n 1 24 24"], z: Float[Tensor, "n 4"]) -> Float[Tensor, "n 2 24 24"]:
        """Color gray pictures; a and b in Lab units."""
        return self.color(self.encoder(lightness), z)

    def color(self, encoding: Encoding, z: Float[Tensor, "n 4"]) -> Float[Tensor, "n 2 24 24"]:
        """Color encoded pictures; a and b in Lab units."""
        colors = self.choose(torch.cat((encoding.summary, z), dim=1)).unflatten(1, (PARTS, 2))
        return encoding.paint(_SCALE * colors)


class ToyDiscriminator(nn.Module):
    """An encoding and each part's color in, a logit out: are these colors real *for this gray picture*?"""

    def __init__(self) -> None:
        super().__init__()
        self.judge = _perceptron(64 + 2 * PARTS, 1)

    def forward(self, encoding: Encoding, colors: Float[Tensor, "n parts 2"]) -> Float[Tensor, " n"]:
        """Judge the parts' colors, in units of 30 Lab."""
        return self.judge(torch.cat((encoding.summary, colors.flatten(1)), dim=1))[:, 0]


def train_by_distance(
    distance: str,
    data: ToyObjects,
    encoder: Encoder | None = None,
    *,
    steps: int,
    seed: int = 0,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
) -> ToyGenerator:
    """Train a generator to be close to the true picture by ``l1`` or ``l2``.

    An encoder of a trained generator stays as it is; None trains a new one. The seed is that of weights, batches and
    noise. The learning rate falls to 0 on a line.

    Raises:
        ConfigError: no such distance.
    """
    check_known("distance", distance, _DISTANCES)
    generator, _ = _new_networks(encoder, seed)
    random = torch.Generator().manual_seed(seed)
    descend = Descent((generator.choose if encoder else generator).parameters(), learning_rate, steps)
    for _ in range(steps):
        lightness, ab = _batch(data, batch_size, random)
        painted = generator(lightness, torch.randn((batch_size, NOISE), generator=random))
        descend(_DISTANCES[distance](painted / _SCALE, ab / _SCALE))
    return generator


def train_by_discriminator(
    objective: str,
    data: ToyObjects,
    encoder: Encoder,
    *,
    steps: int,
    seed: int = 0,
    batch_size: int = 64,
    learning_rate: float = 4e-3,
    gamma: float = 0.1,
) -> ToyGenerator:
    """Train a generator to choose colors that a discriminator takes for real; no distance is used.

    Both networks use the encoder of a generator trained by a distance, and it stays as it is. ``gamma`` is the strength
    of R1 and R2, for gradients per 30 Lab units of a part's color. All else is as in :func:`train_by_distance`.

    Raises:
        ConfigError: no such objective.
    """
    losses = get_objective(objective)
    generator, discriminator = _new_networks(encoder, seed)
    random = torch.Generator().manual_seed(seed)
    descend_g, descend_d = (
        Descent(network.parameters(), learning_rate, steps) for network in (generator.choose, discriminator)
    )
    for _ in range(steps):
        lightness, ab = _batch(data, batch_size, random)
        with torch.no_grad():
            encoding = encoder(lightness)
        painted = generator.color(encoding, torch.randn((batch_size, NOISE), generator=random))
        real, fake = (encoding.colors(picture / _SCALE) for picture in (ab, painted))
        real, fixed = real.requires_grad_(), fake.detach().requires_grad_()
        real_logits, fake_logits = discriminator(encoding, real), discriminator(encoding, fixed)
        penalty = zero_centered_penalty(real_logits, real, gamma=gamma)
        penalty = penalty + zero_centered_penalty(fake_logits, fixed, gamma=gamma)
        descend_d(losses.discriminator_loss(real_logits, fake_logits) + penalty)
        real_logits = discriminator(encoding, real) if losses.paired else None
        descend_g(losses.generator_loss(discriminator(encoding, fake), real_logits))
    return generator


def _new_networks(encoder: Encoder | None, seed: int) -> tuple[ToyGenerator, ToyDiscriminator]:
    """Both networks with weights of a seed, without touching the caller's random state."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ToyGenerator(encoder), ToyDiscriminator()


def _batch(data: ToyObjects, size: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """L and ab of some pictures, in one of the eight ways to turn and mirror a square."""
    lab = data.lab[torch.randint(len(data.lab), (size,), generator=random)]
    lab = lab.rot90(int(torch.randint(4, (), generator=random)), dims=(2, 3))
    lab = lab.flip(3) if torch.randint(2, (), generator=random) else lab
    return lab[:, :1], lab[:, 1:]


@torch.no_grad()
def sample_colors(
    generator: ToyGenerator, lightness: Float[Tensor, "n 1 24 24"], draws: int, seed: int = 0
) -> Float[Tensor, "z n 2 24 24"]:
    """Color the same gray pictures several times, each time with another z of a seed; L in [0, 100]."""
    random = torch.Generator().manual_seed(seed)
    z = torch.randn((draws, len(lightness), NOISE), generator=random)
    return torch.stack([generator(lightness, one) for one in z])
