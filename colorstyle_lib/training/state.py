"""The two players of a training: their networks, their optimizers, and the average of the generator that is kept."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from colorstyle_lib.config import Preset, TrainingConfig
from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.pretrained import pretrained_efficientnet_lite0

_VERSIONS = 8  # of a compiled part; torch's own limit for one function


def new_generator(preset: Preset, seed: int = 0) -> Generator:
    """A generator before training; an encoder that comes pretrained has its weights.

    Raises:
        MissingExtraError: the package with the encoder's weights is not installed.
    """
    torch.manual_seed(seed)
    generator = Generator(preset.generator)
    if preset.generator.encoder == "efficientnet_lite0":
        generator.encoder.features.load_state_dict(pretrained_efficientnet_lite0().state_dict())
    return generator


def make_optimizer(player: nn.Module, config: TrainingConfig, learning_rate: float) -> torch.optim.Optimizer:
    """The optimizer that a preset names, over a player's weights that learn.

    Raises:
        ConfigError: an unknown optimizer.
    """
    weights = [p for p in player.parameters() if p.requires_grad]
    if config.optimizer == "adamw":
        # A discriminator that remembers old fakes for long fights the past: no momentum (T. Karras et al., ICLR 2018).
        first = 0.0 if isinstance(player, Discriminator) else 0.9
        return torch.optim.AdamW(weights, lr=learning_rate, betas=(first, 0.99), weight_decay=0.02)
    if config.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=learning_rate)
    raise ConfigError(f"no optimizer {config.optimizer!r}; known: 'adamw', 'sgd'")


def learning_rate_at(step: int, steps: int, config: TrainingConfig) -> float:
    """The generator's: a linear rise over ``warmup`` of the run, then half a cosine down to 0."""
    rise = max(1, round(config.warmup * steps))
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


@dataclass
class TrainState:
    """Everything in a training that changes.

    Attributes:
        generator: what learns.
        average: the moving average of its weights, which is what is kept.
        discriminator: its adversary.
        generator_optimizer: of the generator.
        discriminator_optimizer: of the discriminator.
    """

    generator: Generator
    average: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer

    @classmethod
    def new(
        cls, preset: Preset, seed: int, device: torch.device, start_from: dict[str, torch.Tensor] | None = None
    ) -> TrainState:
        """Both players before a run.

        Args:
            preset: their shapes.
            seed: start of their weights.
            device: where they live.
            start_from: weights that the generator already has; what they lack starts anew.

        Raises:
            ConfigError: an unknown part to learn, or one that the preset lacks; or ``judge_every`` is below 1.
        """
        config = preset.training
        if config.judge_every < 1:
            raise ConfigError(f"judge_every is {config.judge_every}: every picture is judged at 1, every second at 2")
        generator = new_generator(preset, seed)
        if start_from:
            generator.load_state_dict(start_from, strict=False)
        check_known("part to learn", config.trainable, ("all", "restyling"))
        if config.trainable == "restyling":
            if not preset.generator.restyling:
                raise ConfigError(f"preset {preset.name!r} has no restyling levels that could learn")
            if {name for name, weight in config.tasks if weight} != {"stylize"}:
                raise ConfigError("restyling levels learn alone by the task stylize alone: --tasks stylize=1")
            generator.requires_grad_(False).restyling.requires_grad_(True)
        generator = generator.to(device, memory_format=torch.channels_last).train()
        discriminator = Discriminator(preset.discriminator).to(device, memory_format=torch.channels_last).train()
        return cls(
            generator,
            copy.deepcopy(generator).eval().requires_grad_(False),
            discriminator,
            make_optimizer(generator, config, config.learning_rate),
            make_optimizer(discriminator, config, config.discriminator_learning_rate),
        )

    def compile(self, backend: str = "inductor") -> None:
        """Compile the convolutions of both; names and weights stay as they are.

        The whole would be too much: whether a picture has hints or a reference decides what is computed around them.

        Args:
            backend: torch.compile's.
        """
        parts = (self.generator.encoder, *self.generator.decoder, *self.discriminator.levels)
        # All parts count as versions of one function, and past the limit the rest would silently stay eager. Each has
        # some: with and without gradient, in training and evaluation, for one number of pictures and for any.
        limit = torch.compiler.config.recompile_limit
        torch.compiler.config.recompile_limit = max(limit, _VERSIONS * len(parts))
        for part in parts:
            part.compile(backend=backend)

    def _parts(self) -> dict[str, Any]:
        return dict(vars(self))

    def state(self) -> dict[str, Any]:
        """What must be written to go on later exactly from here."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    @torch.no_grad()
    def update_average(self, decay: float, step: int) -> None:
        """Move the kept weights a little towards the trained ones (exponential moving average)."""
        # Early on an average over hundreds of steps would mostly remember the random start.
        decay = min(decay, (step + 1) / (step + 10))
        for old, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            old.lerp_(now, 1 - decay)
        # Batch norms' statistics are averages already.
        for old, now in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            old.copy_(now)
