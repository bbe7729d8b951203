"""One gradient step of both networks: batch, generator output, discriminator, losses.

:func:`train_step` at the top calls what follows, in this order. Every loss is a mean over all pictures of a step, with
0 for those that it does not concern. So a step's loss is the same if its batch is split, or shared by processes.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.color import lab_to_rgb, rgb_to_lab
from colorstyle_lib.losses import reconstruction
from colorstyle_lib.losses.adversarial import get_objective, zero_centered_penalty
from colorstyle_lib.model import Discriminator, Encoded, Generator, Measured, Modalities, StyleDecoder
from colorstyle_lib.model.generator import Noise
from colorstyle_lib.training.repair_terms import REPAIR_LOSSES, Repair, repair, repair_losses
from colorstyle_lib.training.state import PARTS, StepContext, TrainState
from colorstyle_lib.training.style_terms import STYLE_LOSSES, restyle, style_losses
from colorstyle_lib.training.tasks import REPAIRS, TaskBatch, differentiable_augmentation

_PENALTY_UNIT = 100.0  # a penalty's gamma is meant for pictures whose values span about 1
_AT_ONCE = 4  # pictures whose 261 numbers a pixel are held: for larger blocks a CPU's memory is mapped anew each time


class DiscriminatorInput(NamedTuple):
    """Augmented pictures in Lab, and their modalities where the discriminator weighs these."""

    lab: Tensor
    modalities: Modalities | None


@dataclass(frozen=True)
class GeneratorOutput:
    """The generator's output for a batch."""

    features: Float[Tensor, "n c _ _"] | None  # the decoder's, at half the size; None where coloring does not learn
    alphas: dict[str, Tensor]  # attention weights by level
    lab: Float[Tensor, "n 3 h w"] | None = None  # colors only in rows that the discriminator sees; None without one
    source: Float[Tensor, "k 3 h w"] | None = None  # to restyle, sRGB, gray ones as the generator colored them
    restyled: Float[Tensor, "k 3 h w"] | None = None  # the same in their style, sRGB that may leave [0, 1] a little
    style_alpha: Float[Tensor, "k 3 _ _"] | None = None  # attention weights of the style decoder
    repaired: Repair | None = None  # pictures of inpaint and enhance
    fake: DiscriminatorInput | None = None  # None without a discriminator


def train_step(state: TrainState, batches: list[TaskBatch], context: StepContext, stage: str) -> dict[str, Tensor]:
    """One gradient step: the discriminator first, then the generator against the updated discriminator.

    The generator runs once for both: each learns from the same pictures. In the other order the pictures would be those
    from before the generator's step, so both networks would move at once, which diverges where alternation circles.

    Several batches share one step (gradient accumulation); ``stage`` is :func:`.stage_at`'s. Returns the losses by
    name, of :func:`discriminator_step` and :func:`generator_step`.
    """
    losses, at_once = {}, stage == "joint" and len(batches) == 1  # of several, all gradients would wait in memory
    outputs = [generate_fake(state, batches[0], context)] if at_once else None
    if stage != "supervised":
        losses |= discriminator_step(state, batches, context, outputs)
    if stage != "catch_up":
        losses |= generator_step(state, batches, context, outputs, adversarial=stage == "joint")
    return losses


Outputs = list[GeneratorOutput] | None  # for each batch, where they are there already
Losses = dict[str, Float[Tensor, ""]]  # by name


def discriminator_step(
    state: TrainState, batches: list[TaskBatch], context: StepContext, outputs: Outputs = None
) -> Losses:
    """One gradient step of the discriminator; arguments as in :func:`train_step`.

    The generator only supplies pictures: ``outputs`` from :func:`generate_fake`, where they are there already. Returns
    the loss, the accuracy (share of real pictures with a higher logit than the generated one beside it), and the
    attention weight of each modality on real pictures.
    """
    state.discriminator_optimizer.zero_grad(set_to_none=True)
    sums: dict[str, Tensor] = {}
    for i, batch in enumerate(batches):
        with torch.no_grad():
            fake = (outputs[i] if outputs else generate_fake(state, batch, context)).fake
        loss, facts = discriminator_loss(state.discriminator, batch, fake, context)
        (loss / len(batches)).backward()
        _add_means(sums, {"discriminator": loss} | facts, len(batches))
    context.group.average_gradients(state.discriminator.parameters())
    state.discriminator_optimizer.step()
    return sums


def generator_step(
    state: TrainState, batches: list[TaskBatch], context: StepContext, outputs: Outputs = None, *, adversarial: bool
) -> Losses:
    """One gradient step of the generator, else as :func:`discriminator_step`; the total loss, and each in it."""
    state.generator_optimizer.zero_grad(set_to_none=True)
    sums: dict[str, Tensor] = {}
    for i, batch in enumerate(batches):
        with context.precision():
            if not outputs and not adversarial:
                output = generate(state.generator, batch, context, pictures=False)
            else:
                output = outputs[i] if outputs else generate_fake(state, batch, context)
            losses = supervised_losses(state.generator, batch, output, context)
            if adversarial:
                weight = context.config.adversarial_weight
                losses["adversarial"] = weight * adversarial_loss(state.discriminator, batch, output.fake, context)
        loss = torch.stack(tuple(losses.values())).sum()
        (loss / len(batches)).backward()
        _add_means(sums, {"loss": loss} | losses, len(batches))
    context.group.average_gradients(state.generator.parameters())
    # Clipped apart: a steep gradient of restyling must not slow down coloring, or the other way round.
    learned = [(name.partition(".")[0], w) for name, w in state.generator.named_parameters() if w.grad is not None]
    for part in (*PARTS, None):
        nn.utils.clip_grad_norm_([w for name, w in learned if (name if name in PARTS else None) == part], 1.0)
    state.generator_optimizer.step()
    return sums


def _add_means(sums: dict[str, Tensor], losses: Mapping[str, Tensor], count: int) -> None:
    for name, loss in losses.items():
        sums[name] = sums.get(name, 0.0) + loss.detach() / count


def generate_fake(state: TrainState, batch: TaskBatch, context: StepContext) -> GeneratorOutput:
    """Run the generator, and prepare its pictures for the discriminator: every ``judge_every``-th of them."""
    with context.precision():
        output = generate(state.generator, batch, context, pictures=True)
        rows = context.judged
        lab = _augment(output.lab[rows], batch.chances[rows, 0], context)
        weighed = state.discriminator.config.attention != "none"
        return replace(output, fake=DiscriminatorInput(lab, state.discriminator.describe(lab) if weighed else None))


def real_pictures(batch: TaskBatch, context: StepContext) -> Float[Tensor, "m 3 h w"]:
    """The discriminator's real pictures, augmented."""
    return _augment(batch.real[context.judged], batch.chances[context.judged, 1], context)


def _augment(lab: Tensor, chances: Tensor, context: StepContext) -> Tensor:
    return differentiable_augmentation(lab, chances) if context.config.augment else lab


def generate(generator: Generator, batch: TaskBatch, context: StepContext, *, pictures: bool) -> GeneratorOutput:
    """Run the generator, in training mode, on a batch of any tasks.

    Its losses read features: colors are decoded only if a discriminator sees ``pictures``, and of gray ones to restyle.
    """
    stylized = batch.has_task("stylize")
    if context.config.trainable == "restyling":  # nothing would learn from colors
        kept = kept_of(generator, batch, context)
        maps = kept.maps if kept else generator.encoder(batch.content, StyleDecoder.encoder_levels)
        restyled, alpha = restyle(generator, batch, stylized, batch.rgb, maps)
        lab = rgb_to_lab(restyled.clamp(0, 1)) if pictures else None
        return GeneratorOutput(None, {}, lab, batch.rgb, restyled, alpha)
    repairs = batch.has_task(*REPAIRS)
    repaired = repair(generator, batch) if bool(repairs.any()) else None
    if context.config.trainable == "repairing":
        return GeneratorOutput(None, {}, repaired.lab if pictures else None, repaired=repaired)
    reference, guided = None, batch.has_task("reference")
    if generator.steering and bool(guided.any()):
        other = rgb_to_lab(batch.other[guided])
        windows = batch.windows[guided, 1]
        measured = context.kept(generator, other, windows) if context.kept else generator.measure(other)
        reference = generator.as_reference(measured)._replace(rows=guided)
    encoded = generator.encode(batch.content, reference, kept_of(generator, batch, context))
    features, alphas = generator.decode(encoded, choose_noise(generator, encoded, batch, context))
    # A gray picture is colored before it is restyled.
    gray = stylized & ~batch.known[:, 1:].flatten(1).any(1)
    colored = gray.clone()
    if pictures:
        colored[context.judged] |= ~(stylized | repairs)[context.judged]
    lab = colorize(generator, batch, features, colored)
    source = restyled = alpha = None
    if bool(stylized.any()):
        # Restyling must not change how pictures are colored: no gradient.
        own = lab_to_rgb(lab[stylized].detach())
        source = torch.where(gray[stylized][:, None, None, None], own, batch.rgb[stylized])
        restyled, alpha = restyle(generator, batch, stylized, source, [m[stylized] for m in encoded.maps])
    if pictures:
        if repaired is not None:
            lab = lab.index_put((repairs,), repaired.lab)
        if restyled is not None:
            lab = lab.index_put((stylized,), rgb_to_lab(restyled.clamp(0, 1)))
    return GeneratorOutput(features, alphas, lab if pictures else None, source, restyled, alpha, repaired)


@torch.no_grad()
def kept_of(generator: Generator, batch: TaskBatch, context: StepContext) -> Measured | None:
    """What is kept of the batch's pictures; what colors them looks at whole ones, whatever is to be repaired."""
    return context.kept(generator, batch.lab, batch.windows[:, 0]) if context.kept is not None else None


@torch.no_grad()
def choose_noise(generator: Generator, encoded: Encoded, batch: TaskBatch, context: StepContext) -> Noise:
    """For each picture the z, of those on offer, whose colors are nearest to the real ones; None without noise.

    Implicit maximum likelihood: K. Li and J. Malik, 2018 (arXiv:1809.09087). Learning from the nearest output alone
    makes different z cover different colorings; learning from any would make all of them produce their mean.
    """
    if not generator.config.noise:
        return None
    offered = batch.z  # (n, k, d)
    noisy = offered.flatten(1).any(1)
    if offered.shape[1] == 1 or not bool(noisy.any()):
        return offered[:, 0]
    real, numbers = batch.lab[noisy], noisy.nonzero().flatten()
    normed = (generator.bottom, generator.decoder, generator.steering)
    training = [part.training for part in normed]
    for part in normed:
        part.eval()  # must not move the batch statistics
    # All at once: so few pictures are little work and many small calls.
    candidates = offered[noisy].transpose(0, 1).flatten(0, 1)
    features, _ = generator.decode(encoded.pick(numbers.repeat(offered.shape[1])), candidates)
    losses = [color_loss(generator, some, real, context) for some in features.split(len(real))]
    for part, mode in zip(normed, training, strict=True):
        part.train(mode)
    best = torch.stack(losses).argmin(0)
    chosen = offered[:, 0].clone()
    chosen[noisy] = offered[noisy][torch.arange(len(best), device=best.device), best]
    return chosen


def colorize(
    generator: Generator, batch: TaskBatch, features: Float[Tensor, "n c _ _"], rows: Bool[Tensor, " n"]
) -> Float[Tensor, "n 3 h w"]:
    """Every coloring task: the real L, and the predicted ab planes in the given rows (0 elsewhere)."""
    if not bool(rows.any()):
        return batch.lab
    ab = torch.cat([generator.colors(some) for some in features[rows].split(_AT_ONCE)])
    return torch.cat((batch.lab[:, :1], torch.zeros_like(batch.lab[:, 1:]).index_put((rows,), ab)), dim=1)


def discriminator_loss(
    discriminator: Discriminator, batch: TaskBatch, fake: DiscriminatorInput, context: StepContext
) -> tuple[Tensor, dict[str, Tensor]]:
    """The objective, with a gradient penalty (R1) where the preset has one; accuracy and attention weights to log."""
    config, objective = context.config, get_objective(context.config.objective)
    # The factor makes gradients, and with them gamma, those of pictures with values of about 1.
    real = (real_pictures(batch, context) / _PENALTY_UNIT).requires_grad_(config.penalty > 0)
    with context.precision() if not config.penalty else contextlib.nullcontext():
        real_logits, alphas = discriminator.weigh(real * _PENALTY_UNIT)
        modalities = fake.modalities.detach() if fake.modalities is not None else None
        fake_logits, _ = discriminator.weigh(fake.lab.detach(), described=modalities)
    loss = objective.discriminator_loss(real_logits, fake_logits)
    if config.penalty:
        loss = loss + zero_centered_penalty(real_logits, real, gamma=config.penalty)
    facts = {"discriminator_accuracy": (real_logits.mean(1) > fake_logits.mean(1)).float().mean()}
    for level, alpha in alphas.items():
        means = alpha.detach().mean((0, 2, 3)).unbind()
        names = discriminator.config.modalities
        facts |= {f"weight_in_d/{level}/{name}": mean for name, mean in zip(names, means, strict=True)}
    return loss, facts


def adversarial_loss(
    discriminator: Discriminator, batch: TaskBatch, fake: DiscriminatorInput, context: StepContext
) -> Float[Tensor, ""]:
    """The generator's half of the objective; the discriminator's weights stand still."""
    objective = get_objective(context.config.objective)
    discriminator.requires_grad_(False)
    fake_logits, _ = discriminator.weigh(fake.lab, described=fake.modalities)
    real_logits = None
    if objective.paired:
        with torch.no_grad():
            real_logits = discriminator(real_pictures(batch, context))
    discriminator.requires_grad_(True)
    return objective.generator_loss(fake_logits, real_logits)


def supervised_losses(generator: Generator, batch: TaskBatch, output: GeneratorOutput, context: StepContext) -> Losses:
    """Every loss that compares with a real picture, weighted, by name; ConfigError: ``stylize`` without features."""
    config, apart = context.config, {}
    if output.restyled is not None:
        apart = style_losses(batch, output.source, output.restyled, output.style_alpha, context)
    if output.repaired is not None:
        apart |= repair_losses(batch, output.repaired, config)
    if output.features is None:
        return apart
    stylized, repairs = batch.has_task("stylize"), batch.has_task(*REPAIRS)
    color = color_loss(generator, output.features, batch.lab, context)
    zero = color.new_zeros(())
    losses = {"color": torch.where(stylized | repairs, 0.0, color).mean()}
    if generator.config.repairing:
        losses |= dict.fromkeys(REPAIR_LOSSES, zero)
    if context.features is not None:
        losses |= dict.fromkeys(STYLE_LOSSES, zero)
    if output.alphas and config.attention_weight:
        levels = [reconstruction.attention_collapse(alpha, config.attention_floor) for alpha in output.alphas.values()]
        losses["collapse"] = config.attention_weight * torch.stack(levels).mean()
    for name, loss in apart.items():
        share = (repairs if name in REPAIR_LOSSES else stylized).float().mean()
        losses[name] = losses.get(name, zero) + loss * share
    return losses


def color_loss(
    generator: Generator, features: Float[Tensor, "n c _ _"], lab: Float[Tensor, "n 3 h w"], context: StepContext
) -> Float[Tensor, " n"]:
    """Distance of the predicted colors from the real ones, one number for each picture.

    That of ab bins is their cross-entropy, that of regression a Huber distance of ab and of neighbors' differences.
    """
    config, ab = context.config, lab[:, 1:]
    if generator.config.colors == "bins":
        # Every fourth pixel of the half size: 261 logits a pixel cost more than the network, and neighbors tell the
        # same. Which of the four differs from picture to picture: where a level was doubled, its even and odd columns
        # have weights of their own, and those that never enter the loss draw stripes.
        logits = generator.head(_one_in_four(features))
        sampled = _one_in_four(nnf.avg_pool2d(ab, 2))
        return reconstruction.bin_cross_entropy(logits, sampled, balance=context.bin_weights)
    predicted, delta = generator.colors(features), config.huber_delta
    weight = reconstruction.chroma_weight(ab, config.chroma_weight)
    distance = reconstruction.huber_ab(predicted, ab, delta=delta, weight=weight)
    return distance + config.gradient_weight * reconstruction.huber_ab_gradient(predicted, ab, delta=delta)


def _one_in_four(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h/2 w/2"]:
    """One pixel of each 2 x 2: in the first picture the upper left one, in the next the upper right one, and so on."""
    corners = nnf.pixel_unshuffle(planes, 2).unflatten(1, (-1, 4))  # (n, c, 4, h/2, w/2)
    picture = torch.arange(len(planes), device=planes.device)
    return corners[picture, :, picture % 4]
