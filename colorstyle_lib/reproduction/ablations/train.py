"""One training of the matrix, held in memory: our loop or pix2pix's, and attention that training leaves alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import Preset
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.reproduction.ablations.configs import SIDE, Ablation
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.baselines.pix2pix import Pix2Pix
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import StepContext, train_step
from colorstyle_lib.training.loop import color_balance, stage_at
from colorstyle_lib.training.run_log import Losses
from colorstyle_lib.training.state import TrainState, learning_rate_at
from colorstyle_lib.training.tasks import draw

PIX2PIX_BATCH = 4
"""Its paper's, for coloring (section 6.2)."""

_LOOK_EVERY = 25


def train_member(member: Ablation, store: ImageStore, *, seed: int, steps: int) -> tuple[ColorMethod, float]:
    """Train one.

    Args:
        member: of the matrix.
        store: training pictures.
        seed: of weights and batches.
        steps: in all.

    Returns:
        What it became, and the processor time that it took (on a GPU the time), in seconds.

    Raises:
        WeightsError: a loss is no longer a number.
    """
    learner, losses, started = new_learner(member, store, seed), Losses(), clock()
    for step in range(steps):
        losses.add(learner.step(step, steps))
        if step % _LOOK_EVERY == 0:
            losses.check(step)
    losses.check(steps)
    return learner.finish(), clock() - started


def clock() -> float:
    """Processor time of this process, in seconds; where a GPU computes, time."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


class PresetLearner:
    """The loop of :func:`.train`, without its files."""

    def __init__(self, preset: Preset, held: Mapping[str, float], store: ImageStore, seed: int) -> None:
        config, self.device = preset.training, torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.preset, self.seed = preset, seed
        self.batches = Batches(store, config.batch_size, config.crop, seed)
        self.players = TrainState.new(preset, seed, self.device)
        if held:
            hold_attention(self.players, held)
        bins = preset.generator.colors == "bins"
        balance = color_balance(self.batches, config.bin_smoothing).to(self.device) if bins else None
        self.rules = StepContext(config, ProcessGroup(0, 1, self.device), balance)

    def step(self, index: int, steps: int) -> dict[str, Tensor]:
        """Step ``index`` of so many; returns its terms."""
        config, players = self.preset.training, self.players
        for group in players.generator_optimizer.param_groups:
            group["lr"] = learning_rate_at(index, steps, config)
        stage = stage_at(index, steps, config)
        drawn = draw(self.batches, index, config, self.preset.generator.noise)
        terms = train_step(players, drawn.on(self.device).parts(config.accumulate), self.rules, stage)
        if stage != "catch_up":
            players.update_average(config.ema, index)
        return terms

    def finish(self) -> ColorMethod:
        """What it became: the averaged weights.

        Raises:
            WeightsError: they are no longer numbers.
        """
        generator = self.players.average.cpu()
        if not all(bool(values.isfinite().all()) for values in generator.state_dict().values()):
            raise WeightsError("the weights are no longer numbers")

        def color(rgb: Tensor) -> Tensor:
            return generator(gray_content(rgb_to_lab(rgb)[:, :1]))

        return ColorMethod(self.preset.name, color, generator, seeds=(self.seed,))


class Pix2PixLearner:
    """Pix2pix as its paper trains it: Adam at a constant rate, no average of weights."""

    def __init__(self, store: ImageStore, seed: int) -> None:
        self.seed, self.device = seed, torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.batches = Batches(store, PIX2PIX_BATCH, SIDE, seed)
        self.model = Pix2Pix.new(SIDE, seed=seed, device=self.device)

    def step(self, index: int, steps: int) -> dict[str, Tensor]:
        """Step ``index``; returns its terms."""
        return self.model.step(self.batches.windows(index).to(self.device).crops())

    def finish(self) -> ColorMethod:
        """What it became."""
        network = self.model.generator.cpu().eval()
        return ColorMethod("pix2pix", lambda rgb: 110 * network(rgb_to_lab(rgb)[:, :1] / 50 - 1), seeds=(self.seed,))


Learner = PresetLearner | Pix2PixLearner


def new_learner(member: Ablation, store: ImageStore, seed: int) -> Learner:
    """A member before its first step.

    Args:
        member: of the matrix.
        store: training pictures.
        seed: of weights and batches.
    """
    if member.preset is None:
        return Pix2PixLearner(store, seed)
    return PresetLearner(member.preset, member.held, store, seed)


def hold_attention(players: TrainState, weights: Mapping[str, float]) -> None:
    """Give both players' attention weights that training leaves alone: energies without weights, of fixed biases.

    Equation (2) shares them out over what is present, as :class:`.AttentionOverride`
    does; here from the first step on, so that everything else learns to live with them.

    Args:
        players: before their first step.
        weights: one for each modality, above 0, in any unit.
    """
    held = []
    for generator in (players.generator, players.average):
        for attention in generator.steering.values():
            held += _fix_energies(
                attention.energy, attention.modalities, weights, math.sqrt(attention.energy[0].in_channels)
            )
    if players.discriminator.config.attention != "none":
        for level in players.discriminator.evidence.values():
            held += _fix_energies(level.energy, level.modalities, weights, 1.0)
    kept = {id(weight) for weight in held}
    # Out of the optimizers' reach: a discriminator's weights are switched to learn again after each verdict.
    for optimizer in (players.generator_optimizer, players.discriminator_optimizer):
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
