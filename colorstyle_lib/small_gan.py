"""A conditional GAN small enough to train while one waits: 32-pixel pictures of one object whose color is a toss-up.

The pictures are cut out of :mod:`colorstyle_lib.data.synthetic`'s scenes, so all colors that an object could have
had are known, and "does it pick a true color, and does z pick all of them?" has a number for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float, Int
from skimage.measure import label, regionprops
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.synthetic import KINDS, scenes
from colorstyle_lib.errors import ConfigError, nearest
from colorstyle_lib.objectives import OBJECTIVES, zero_centered_penalty

SIZE = 32
NOISE = 4  # numbers in z
NEAR = 15.0  # Lab units; the true colors of a kind lie at least 54 apart
_SCALE = 30.0  # Lab units: what the networks see as 1


@dataclass(frozen=True)
class Cutouts:
    """Pictures of one ambiguous object each, on a ground whose color is certain.

    Attributes:
        lab: L in [0, 100], a and b in Lab units.
        inside: whether a pixel lies wholly inside the object.
        kinds: index into :data:`colorstyle_lib.data.synthetic.KINDS`.
        mean_ab: expected ab given the gray picture.
    """

    lab: Float[Tensor, "n 3 32 32"]
    inside: Bool[Tensor, "n 32 32"]
    kinds: Int[Tensor, " n"]
    mean_ab: Float[Tensor, "n 2 32 32"]


def cutouts(n_scenes: int, seed: int = 0) -> Cutouts:
    """Cut the ambiguous objects out of scenes of 64 pixels; one whose window holds a neighbour too is left out.

    Args:
        n_scenes: scenes to draw; about two in five give a picture.
        seed: same seed, same pictures.

    Raises:
        ConfigError: not one object stands alone in these scenes.
    """
    drawn = scenes(n_scenes, 2 * SIZE, seed)
    lab, found = rgb_to_lab(drawn.rgb), []
    for i in range(n_scenes):
        parts = label(drawn.labels[i].numpy() > 0, connectivity=2)
        for part in regionprops(parts):
            row, column = (min(max(round(c) - SIZE // 2, 0), SIZE) for c in part.centroid)
            window = (slice(row, row + SIZE), slice(column, column + SIZE))
            mask = torch.from_numpy(parts[window] == part.label)
            alone = not (parts[window] * ~mask.numpy()).any()
            kind = int(drawn.labels[i][window][mask].mode().values)
            if alone and KINDS[kind].ambiguous:
                crop = (slice(None), *window)
                found.append((lab[i][crop], mask & drawn.interior[i][window], kind, drawn.mean_ab[i][crop]))
    if not found:
        raise ConfigError(f"no ambiguous object stands alone in {n_scenes} scenes: draw more")
    lab_planes, inside, kinds, mean_ab = zip(*found, strict=True)
    return Cutouts(torch.stack(lab_planes), torch.stack(inside), torch.tensor(kinds), torch.stack(mean_ab))


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(0.2))


class SmallGenerator(nn.Module):
    """L and z in, ab out: a U-Net of three levels. z enters at the bottom, where one cell sees the whole object."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.fine, self.middle = _conv(4, width), _conv(width, 2 * width, 2)
        self.coarse, self.bottom = _conv(2 * width, 2 * width, 2), _conv(2 * width + NOISE, 2 * width)
        self.to_middle, self.to_fine = _conv(4 * width, 2 * width), _conv(3 * width, width)
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, lightness: Float[Tensor, "n 1 32 32"], z: Float[Tensor, "n 4"]) -> Float[Tensor, "n 2 32 32"]:
        """Color gray pictures; a and b in Lab units."""
        fine = self.fine(nnf.pixel_unshuffle((lightness - 57) / 10, 2))  # (N, w, 16, 16)
        middle = self.middle(fine)  # (N, 2w, 8, 8)
        coarse = self.coarse(middle)  # (N, 2w, 4, 4)
        x = self.bottom(torch.cat((coarse, z[:, :, None, None].expand(-1, -1, 4, 4)), dim=1))
        x = self.to_middle(torch.cat((nnf.interpolate(x, scale_factor=2), middle), dim=1))
        x = self.to_fine(torch.cat((nnf.interpolate(x, scale_factor=2), fine), dim=1))
        return nnf.interpolate(_SCALE * self.head(x), scale_factor=2, mode="bilinear")


class SmallDiscriminator(nn.Module):
    """L and ab in, one logit a picture out: it judges whether the colors are real *for this gray picture*."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(12, width), _conv(width, 2 * width, 2), _conv(2 * width, 2 * width, 2), nn.Flatten()
        )
        self.head = nn.Linear(2 * width * 16, 1)

    def forward(self, lightness: Float[Tensor, "n 1 32 32"], ab: Float[Tensor, "n 2 32 32"]) -> Float[Tensor, " n"]:
        """How real the colors look, as a logit."""
        planes = torch.cat(((lightness - 57) / 10, ab / _SCALE), dim=1)
        return self.head(self.layers(nnf.pixel_unshuffle(planes, 2)))[:, 0]


def train(
    loss: str,
    data: Cutouts,
    *,
    steps: int,
    seed: int = 0,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    gamma: float = 1.2,
) -> SmallGenerator:
    """Teach a generator to color cutouts, by being right on average or by being believed.

    Args:
        loss: ``l1`` or ``l2`` (a distance to the true picture, no discriminator), or the name of an objective in
            :data:`colorstyle_lib.objectives.OBJECTIVES` (a discriminator, no distance).
        data: what to learn from.
        steps: of the generator.
        seed: of weights, batches and noise.
        batch_size: pictures a step.
        learning_rate: at the start; it falls to 0 on a line.
        gamma: strength of R1 and R2 at the start, for gradients per Lab unit; it falls to 0 on a line too.

    Raises:
        ConfigError: no such loss.
    """
    distances = {"l1": nnf.l1_loss, "l2": nnf.mse_loss}
    if loss not in {**distances, **OBJECTIVES}:
        raise ConfigError(f"no loss {loss!r}{nearest(loss, {**distances, **OBJECTIVES})}")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator, discriminator = SmallGenerator(), SmallDiscriminator()
    random = torch.Generator().manual_seed(seed)
    step_g, step_d = (
        torch.optim.Adam(player.parameters(), learning_rate, betas=(0.0, 0.99), fused=True)
        for player in (generator, discriminator)
    )
    for step in range(steps):
        for group in step_g.param_groups + step_d.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        flatness = gamma * (1 - step / steps)  # gentle at first, so that no color is lost; sharp in the end
        batch = data.lab[torch.randint(len(data.lab), (batch_size,), generator=random)]
        lightness, ab = _turned(batch, random).split([1, 2], dim=1)
        z = torch.randn((batch_size, NOISE), generator=random)
        painted = generator(lightness, z)
        if loss in distances:
            _descend(step_g, distances[loss](painted / _SCALE, ab / _SCALE))
            continue
        players = OBJECTIVES[loss]
        real, fake = ab.clone().requires_grad_(), painted.detach().requires_grad_()
        real_logits, fake_logits = discriminator(lightness, real), discriminator(lightness, fake)
        penalty = zero_centered_penalty(real_logits, real, gamma=flatness)
        penalty = penalty + zero_centered_penalty(fake_logits, fake, gamma=flatness)
        _descend(step_d, players.discriminator_loss(real_logits, fake_logits) + penalty)
        real_logits = discriminator(lightness, ab) if players.paired else None
        _descend(step_g, players.generator_loss(discriminator(lightness, painted), real_logits))
    return generator


def _turned(batch: Tensor, random: torch.Generator) -> Tensor:
    """One of the eight ways to turn and mirror a square."""
    turn, mirror = torch.randint(4, (), generator=random), torch.randint(2, (), generator=random)
    batch = batch.rot90(int(turn), dims=(2, 3))
    return batch.flip(3) if mirror else batch


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@torch.no_grad()
def sample(
    generator: SmallGenerator, lightness: Float[Tensor, "n 1 32 32"], draws: int, seed: int = 0
) -> Float[Tensor, "z n 2 32 32"]:
    """Color the same gray pictures again and again, each time with another z.

    Args:
        generator: a trained one.
        lightness: L in [0, 100].
        draws: how many z for each picture.
        seed: of z.
    """
    random = torch.Generator().manual_seed(seed)
    z = torch.randn((draws, len(lightness), NOISE), generator=random)
    return torch.stack([generator(lightness, one) for one in z])


def object_colors(ab: Float[Tensor, "z n 2 32 32"], inside: Bool[Tensor, "n 32 32"]) -> Float[Tensor, "z n 2"]:
    """The mean (a, b) inside each object.

    Args:
        ab: Lab units.
        inside: which pixels belong to the object.
    """
    weights = inside[:, None].float()
    return (ab * weights).sum(dim=(3, 4)) / weights.sum(dim=(2, 3))


@dataclass(frozen=True)
class Answer:
    """How one way of coloring answers an ambiguous question.

    Attributes:
        from_mean: average distance, in Lab units, of an object's color from the conditional mean.
        true_share: share of answers within :data:`NEAR` of one of the object's true colors.
        coverage: share of an object's true colors that at least one of its draws comes :data:`NEAR`.
        shares: for each kind, the share of its answers NEAR each of its true colors.
    """

    from_mean: float
    true_share: float
    coverage: float
    shares: dict[str, list[float]]


def judge(colors: Float[Tensor, "z n 2"], kinds: Int[Tensor, " n"]) -> Answer:
    """Compare objects' colors with what they could truly have been; every kind counts alike.

    Args:
        colors: of ``n`` objects, ``z`` draws each.
        kinds: of the objects, indices into ``KINDS``.
    """
    from_mean, covered, shares = [], [], {}
    for kind in kinds.unique().tolist():
        answers, known = colors[:, kinds == kind], KINDS[kind]
        from_mean.append((answers - torch.tensor(known.mean)).norm(dim=2).mean())
        near = (answers[:, :, None] - torch.tensor(known.colors)).norm(dim=3) < NEAR  # (z, n, colors)
        covered.append(near.any(dim=0).float().mean())
        shares[known.name] = near.float().mean(dim=(0, 1)).tolist()
    true = sum(sum(share) for share in shares.values()) / len(shares)
    return Answer(float(torch.stack(from_mean).mean()), true, float(torch.stack(covered).mean()), shares)
