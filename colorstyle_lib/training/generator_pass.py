"""What the generator is asked in a step and what it descends on, picture by picture, whatever its task.

Every term is a mean over all pictures of a step, with 0 for those that it does not concern. So a step that is worked
off in parts, or by several processes, has the same loss as one worked off at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.color import lab_to_rgb, rgb_to_lab
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.losses.reconstruction import (
    attention_collapse,
    bin_cross_entropy,
    chroma_weight,
    huber_ab,
    huber_ab_gradient,
)
from colorstyle_lib.model.generator import Encoded, Generator
from colorstyle_lib.model.style_decoder import StyleDecoder
from colorstyle_lib.training.style_terms import restyle, restyling_terms
from colorstyle_lib.training.tasks import TaskBatch

_LIGHTNESS_DELTA = 5.0  # in L units, as huber_delta's default is in ab units
_FREE = ("inpaint", "enhance", "generate")
_AT_ONCE = 4  # pictures whose 261 numbers a pixel are held: for larger blocks a CPU's memory is mapped anew each time


@dataclass(frozen=True)
class Answer:
    """What the generator made of a step's pictures.

    Attributes:
        content: what it was told.
        features: what it thought, at half the size; None where only the restyling levels learn.
        alphas: its attention by level.
        lab: the pictures it answers with, colored only where somebody looks; None where nobody does.
        before: those that are to have another look, sRGB, gray ones as it colored them; None where there are none.
        restyled: those with another look, sRGB that may leave [0, 1] a little.
        choices: their attention.
    """

    content: Float[Tensor, "n 5 h w"]
    features: Float[Tensor, "n c _ _"] | None
    alphas: dict[str, Tensor]
    lab: Float[Tensor, "n 3 h w"] | None = None
    before: Float[Tensor, "k 3 h w"] | None = None
    restyled: Float[Tensor, "k 3 h w"] | None = None
    choices: Float[Tensor, "k 3 _ _"] | None = None


def answer(
    generator: Generator,
    examples: TaskBatch,
    balance: Float[Tensor, " q"] | None,
    config: TrainingConfig,
    *,
    judged: bool,
) -> Answer:
    """Run the generator on pictures and their tasks.

    Args:
        generator: in training mode.
        examples: what it is asked.
        balance: see :func:`color_term`.
        config: weights of the terms.
        judged: whether a discriminator looks at the pictures.
    """
    content, guide = examples.content(), None
    if config.trainable == "restyling":  # of coloring nothing would learn, so nothing is colored
        maps = generator.encoder(content, StyleDecoder.encoder_levels)
        restyled, choices = restyle(generator, examples, examples.asked("stylize"), examples.rgb, maps)
        lab = rgb_to_lab(restyled.clamp(0, 1)) if judged else None
        return Answer(content, None, {}, lab, examples.rgb, restyled, choices)
    shown = examples.asked("reference")
    if generator.steering and bool(shown.any()):
        guide = generator.describe_reference(rgb_to_lab(examples.other[shown]))._replace(rows=shown)
    seen = generator.encode(content, guide)
    z = choose_noise(generator, seen, examples, balance, config) if generator.config.noise else None
    features, alphas = generator.decode(seen, z)
    styled = examples.asked("stylize")
    # A gray picture is colored before it is restyled.
    gray = styled & ~examples.known[:, 1:].flatten(1).any(1)
    # The generator's own terms read how likely colors are: they are decided on only where somebody else looks.
    colored = gray.clone()
    if judged:
        colored[:: config.judge_every] |= ~styled[:: config.judge_every]
    lab = examples.lab
    if bool(colored.any()):
        ab = torch.cat([generator.colors(few) for few in features[colored].split(_AT_ONCE)])
        lab = torch.cat((lab[:, :1], torch.zeros_like(lab[:, 1:]).index_put((colored,), ab)), dim=1)
    rgb = restyled = choices = None
    if bool(styled.any()):
        # What coloring does is not restyling's to change.
        ours = lab_to_rgb(lab[styled].detach())
        rgb = torch.where(gray[styled][:, None, None, None], ours, examples.rgb[styled])
        restyled, choices = restyle(generator, examples, styled, rgb, [m[styled] for m in seen.maps])
    if not judged:
        return Answer(content, features, alphas, None, rgb, restyled, choices)
    free = examples.asked(*_FREE)
    if bool(free.any()):
        lightness = generator.lightness(features[free], content[free])
        kept = examples.known[free] == 1  # for certain
        restored = torch.where(
            kept.repeat_interleave(torch.tensor([1, 2], device=kept.device), dim=1),
            examples.lab[free],
            torch.cat((lightness, lab[free, 1:]), dim=1),
        )
        lab = lab.index_put((free,), restored)
    if restyled is not None:
        lab = lab.index_put((styled,), rgb_to_lab(restyled.clamp(0, 1)))
    return Answer(content, features, alphas, lab, rgb, restyled, choices)


@torch.no_grad()
def choose_noise(
    generator: Generator,
    seen: Encoded,
    examples: TaskBatch,
    balance: Float[Tensor, " q"] | None,
    config: TrainingConfig,
) -> Float[Tensor, "n d"]:
    """For each picture the z, of those on offer, whose answer is nearest to the truth.

    Implicit maximum likelihood: K. Li and J. Malik, 2018 (arXiv:1809.09087). Descending on the nearest answer alone
    makes different z cover different truths, where descending on any would make all answer with their mean.
    """
    offered = examples.z  # (n, k, d)
    noisy = offered.flatten(1).any(1)
    if offered.shape[1] == 1 or not bool(noisy.any()):
        return offered[:, 0]
    truth, numbers = examples.lab[noisy], noisy.nonzero().flatten()
    learning = generator.training
    generator.eval()  # looking must not move the batch statistics
    # All at once: so few pictures are little work and many small calls.
    features, _ = generator.decode(
        seen.pick(numbers.repeat(offered.shape[1])), offered[noisy].transpose(0, 1).flatten(0, 1)
    )
    losses = [color_term(generator, part, truth, config, balance) for part in features.split(len(truth))]
    generator.train(learning)
    best = torch.stack(losses).argmin(0)
    chosen = offered[:, 0].clone()
    chosen[noisy] = offered[noisy][torch.arange(len(best), device=best.device), best]
    return chosen


def color_term(
    generator: Generator,
    features: Float[Tensor, "n c _ _"],
    lab: Float[Tensor, "n 3 h w"],
    config: TrainingConfig,
    balance: Float[Tensor, " q"] | None = None,
) -> Float[Tensor, " n"]:
    """How far the colors are from the true ones.

    A generator of ab bins is trained on their cross-entropy, one that regresses on a Huber distance of ab and of its
    differences between neighbours.

    Args:
        generator: whose head reads the features.
        features: from :meth:`.Generator.forward_features`.
        lab: the truth.
        config: weights of the terms.
        balance: how much a pixel counts, by its bin; see :func:`.rebalancing`.

    Returns:
        One number a picture.
    """
    target = lab[:, 1:]
    if generator.config.colors == "bins":
        # Every fourth pixel of the half size: 261 logits a pixel cost more than the network, and neighbours tell the
        # same. Which of the four differs from picture to picture: where a level was doubled, its even and odd columns
        # have weights of their own, and those that are never looked at draw stripes.
        few = _one_in_four(features)
        logits = generator.head(few)
        seen = _one_in_four(nnf.avg_pool2d(target, 2))
        return bin_cross_entropy(logits, seen, balance=balance)
    predicted = generator.colors(features)
    weight = chroma_weight(target, config.chroma_weight)
    distance = huber_ab(predicted, target, delta=config.huber_delta, weight=weight)
    edges = huber_ab_gradient(predicted, target, delta=config.huber_delta)
    return distance + config.gradient_weight * edges


def _one_in_four(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h/2 w/2"]:
    """One pixel of each 2 x 2: in the first picture the upper left one, in the next the upper right one, and so on."""
    kinds = nnf.pixel_unshuffle(planes, 2).unflatten(1, (-1, 4))  # (n, c, 4, h/2, w/2)
    picture = torch.arange(len(planes), device=planes.device)
    return kinds[picture, :, picture % 4]


def supervised_terms(
    generator: Generator,
    examples: TaskBatch,
    answered: Answer,
    config: TrainingConfig,
    balance: Float[Tensor, " q"] | None = None,
    network: nn.Module | None = None,
) -> dict[str, Float[Tensor, ""]]:
    """Every term that compares with a real picture, weighed, by name.

    Args:
        generator: that answered.
        examples: what it was asked.
        answered: what it made of it.
        config: weights of the terms.
        balance: see :func:`color_term`.
        network: frozen features for ``stylize``.

    Raises:
        ConfigError: ``stylize`` is asked for without them.
    """
    looks = {}
    if answered.restyled is not None:
        looks = restyling_terms(examples, answered.before, answered.restyled, answered.choices, config, network)
    if answered.features is None:
        return looks
    colors = color_term(generator, answered.features, examples.lab, config, balance)
    styled = examples.asked("stylize")
    none = colors.new_zeros(())
    terms = {"color": torch.where(styled, 0.0, colors).mean()}
    if generator.config.lightness:
        terms["lightness"] = none
    if network is not None:
        terms |= dict.fromkeys(("content", "style", "identity", "outside", "words"), none)
    if answered.alphas and config.attention_weight:
        levels = [attention_collapse(alpha, config.attention_floor) for alpha in answered.alphas.values()]
        terms["collapse"] = config.attention_weight * torch.stack(levels).mean()
    free = examples.asked("inpaint", "enhance", "generate")
    if bool(free.any()):
        if answered.lab is not None:
            lightness = answered.lab[free, :1]
        else:
            lightness = generator.lightness(answered.features[free], answered.content[free])
        error = nnf.huber_loss(lightness, examples.lab[free, :1], reduction="none", delta=_LIGHTNESS_DELTA)
        wrong = (error / _LIGHTNESS_DELTA * (examples.known[free, :1] < 1)).mean((1, 2, 3))
        terms["lightness"] = config.lightness_weight * wrong.sum() / len(examples.rgb)
    for name, term in looks.items():
        terms[name] = terms.get(name, none) + term * styled.sum() / len(styled)
    return terms
