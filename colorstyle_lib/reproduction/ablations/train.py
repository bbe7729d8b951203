"""One training of the ablation matrix, held in memory; and attention weights that training leaves alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.reproduction.ablations.configs import SIDE, Ablation
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.baselines.pix2pix import Pix2PixLearner
from colorstyle_lib.training.distributed import this_process
from colorstyle_lib.training.loop import GanLearner, clock_of, training_loop
from colorstyle_lib.training.state import TrainState


def train_member(member: Ablation, store: ImageStore, *, seed: int, steps: int) -> tuple[ColorMethod, float]:
    """Train one member on the pictures of a store, with a seed of weights and batches.

    Returns:
        The trained method, and the processor time that it took (on a GPU the time), in seconds.

    Raises:
        WeightsError: a loss, or a weight, is no longer a number.
    """
    started = clock()
    learner = new_learner(member, store, seed)
    for _ in training_loop(learner, steps):
        pass
    if isinstance(learner, Pix2PixLearner):
        network = learner.state.generator.cpu().eval()
        method = ColorMethod(member.name, lambda rgb: 110 * network(rgb_to_lab(rgb)[:, :1] / 50 - 1), seeds=(seed,))
        return method, clock() - started
    generator = learner.state.average.cpu()
    if not all(bool(values.isfinite().all()) for values in generator.state_dict().values()):
        raise WeightsError("the weights are no longer numbers")

    def color(rgb: Tensor) -> Tensor:
        return generator(gray_content(rgb_to_lab(rgb)[:, :1]))

    return ColorMethod(member.name, color, generator, seeds=(seed,)), clock() - started


def clock() -> float:
    """Processor time of this process, in seconds; where a GPU computes, time."""
    return clock_of(this_process().device)()


def new_learner(member: Ablation, store: ImageStore, seed: int) -> GanLearner | Pix2PixLearner:
    """A member before its first step; the seed is of weights and batches."""
    group = this_process()
    if member.preset is None:
        return Pix2PixLearner(store, SIDE, seed, group.device)
    config = member.preset.training
    batches = Batches(store, config.batch_size, config.crop, seed)
    learner = GanLearner(member.preset, batches, seed=seed, group=group)
    if member.held:
        hold_attention(learner.state, member.held)
    return learner


def hold_attention(state: TrainState, weights: Mapping[str, float]) -> None:
    """Fix the attention weights of both networks: energies without weights, of fixed biases.

    Equation (2) shares them out over the modalities present, as with :class:`.AttentionOverride`; here from the first
    step on, so that everything else learns with them.

    Args:
        state: before the first step.
        weights: one for each modality, above 0, in any unit.
    """
    held = []
    for generator in (state.generator, state.average):
        for attention in generator.steering.values():
            scale = math.sqrt(attention.energy[0].in_channels)
            held += _fix_energies(attention.energy, attention.modalities, weights, scale)
    if state.discriminator.config.attention != "none":
        for level in state.discriminator.evidence.values():
            held += _fix_energies(level.energy, level.modalities, weights, 1.0)
    kept = {id(weight) for weight in held}
    # Out of the optimizers' reach: adversarial_loss makes all weights of a discriminator trainable again.
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["params"] = [weight for weight in group["params"] if id(weight) not in kept]


@torch.no_grad()
def _fix_energies(
    layers: nn.ModuleList, modalities: Sequence[str], weights: Mapping[str, float], scale: float
) -> list[nn.Parameter]:
    for layer, name in zip(layers, modalities, strict=True):
        layer.weight.zero_()
        layer.bias.zero_()
        layer.bias[-1] = scale * math.log(weights[name])  # the constant part of an energy comes last
    layers.requires_grad_(False)
    return list(layers.parameters())
