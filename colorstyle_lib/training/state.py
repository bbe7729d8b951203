"""The training state (networks, optimizers, EMA), its schedule, and the context of a step."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import Preset, TrainingConfig
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model import Discriminator, Generator, bin_frequency, load_vgg19, rebalancing
from colorstyle_lib.model.pretrained import pretrained_efficientnet_lite0
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.kept_maps import KeptMaps
from colorstyle_lib.training.tasks import REPAIRS

# Parts of the generator that can learn alone, and the tasks that they learn by.
PARTS = {"restyling": ("stylize",), "repairing": REPAIRS}
_BIN_IMAGES = 512  # whose colors are counted


def new_generator(preset: Preset, seed: int = 0) -> Generator:
    """A generator before training; a pretrained encoder has its weights, or a MissingExtraError names their package."""
    torch.manual_seed(seed)
    generator = Generator(preset.generator)
    if preset.generator.encoder == "efficientnet_lite0":
        generator.encoder.features.load_state_dict(pretrained_efficientnet_lite0().state_dict())
    return generator


def make_optimizer(network: nn.Module, config: TrainingConfig, learning_rate: float) -> torch.optim.Optimizer:
    """The optimizer that a preset names (else a ConfigError), over a network's trainable weights."""
    weights = [p for p in network.parameters() if p.requires_grad]
    if config.optimizer == "adamw":
        # A discriminator that remembers old fakes for long fights the past: no momentum (T. Karras et al., ICLR 2018).
        first = 0.0 if isinstance(network, Discriminator) else 0.9
        return torch.optim.AdamW(weights, lr=learning_rate, betas=(first, 0.99), weight_decay=0.02)
    if config.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=learning_rate)
    raise ConfigError(f"no optimizer {config.optimizer!r}; known: 'adamw', 'sgd'")


def learning_rate_at(step: int, steps: int, config: TrainingConfig) -> float:
    """The generator's learning rate: a linear rise over ``warmup`` of the run, then half a cosine down to 0."""
    rise = max(1, round(config.warmup * steps))
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def stage_at(step: int, steps: int, config: TrainingConfig) -> str:
    """``supervised``, then ``catch_up`` (the discriminator alone), then ``joint`` (both in turn)."""
    if config.objective == "none" or step < round(config.supervised * steps):
        return "supervised"
    return "catch_up" if step < round((config.supervised + config.catch_up) * steps) else "joint"


@dataclass
class TrainState:
    """Everything in a training that changes; ``average``, the EMA of the generator's weights, is what is kept."""

    generator: nn.Module
    average: nn.Module
    discriminator: nn.Module
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer

    @classmethod
    def new(
        cls, preset: Preset, seed: int, device: torch.device, start_from: dict[str, Tensor] | None = None
    ) -> TrainState:
        """Both networks before a run; what ``start_from``, weights of the generator, lacks starts from the seed.

        ConfigError: an unknown part to train, or one that the preset lacks; or ``judge_every`` is below 1.
        """
        config = preset.training
        if config.judge_every < 1:
            raise ConfigError(f"judge_every is {config.judge_every}: every picture is judged at 1, every second at 2")
        generator = new_generator(preset, seed)
        if start_from:
            try:
                generator.load_state_dict(start_from, strict=False)
            except RuntimeError as error:  # torch's message has a line for each tensor
                why = f"the weights to start from are not of preset {preset.name!r}; name theirs"
                raise ConfigError(why) from error
        learns = config.trainable
        check_known("part to learn", learns, ("all", *PARTS))
        if learns != "all":
            if not getattr(preset.generator, learns):
                raise ConfigError(f"preset {preset.name!r} has no {learns} levels that could learn")
            if not {name for name, weight in config.tasks if weight} <= set(PARTS[learns]):
                raise ConfigError(f"{learns} levels learn alone by {' and '.join(PARTS[learns])} alone: set --tasks")
            generator.requires_grad_(False).get_submodule(learns).requires_grad_(True)
        generator = generator.to(device, memory_format=torch.channels_last).train()
        discriminator = Discriminator(preset.discriminator).to(device, memory_format=torch.channels_last).train()
        average = copy.deepcopy(generator).eval().requires_grad_(False)
        rates = ((generator, config.learning_rate), (discriminator, config.discriminator_learning_rate))
        return cls(generator, average, discriminator, *(make_optimizer(one, config, rate) for one, rate in rates))

    def state_dict(self) -> dict[str, Any]:
        """Everything that a run needs to go on exactly from here."""
        return {name: part.state_dict() for name, part in vars(self).items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state_dict` gave."""
        for name, part in vars(self).items():
            part.load_state_dict(state[name])

    @torch.no_grad()
    def update_average(self, decay: float, step: int) -> None:
        """Move the kept weights a little towards the trained ones (EMA).

        Not ``torch.optim.swa_utils.AveragedModel``: that copies the weights in its first step instead of averaging.
        """
        # Early on an average over hundreds of steps would mostly remember the random start.
        decay = min(decay, (step + 1) / (step + 10))
        for old, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            old.lerp_(now, 1 - decay)
        # Batch norms' statistics are averages already.
        for old, now in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            old.copy_(now)


@dataclass(frozen=True)
class StepContext:
    """What a step needs beside the training state and the batch; it never changes in a run."""

    config: TrainingConfig  # tasks, stages and weights of the losses
    group: ProcessGroup = field(default_factory=ProcessGroup)  # the processes that share each batch
    bin_weights: Float[Tensor, " q"] | None = None  # of a pixel by its ab bin, from `rebalancing`; None: all alike
    features: nn.Module | None = None  # frozen VGG-19, for the style losses; None where no task needs them
    kept: KeptMaps | None = None  # what the frozen encoder said of the fixed windows; None: computed in every step

    @classmethod
    def new(cls, preset: Preset, batches: Batches, group: ProcessGroup) -> StepContext:
        """The context of a preset's steps: bin weights from the training pictures, and VGG-19 where it is needed."""
        config, bin_weights, features = preset.training, None, None
        if preset.generator.colors == "bins":
            samples = [batches.batch(i)[..., ::4, ::4] for i in range(-(-_BIN_IMAGES // batches.batch_size))]
            frequency = bin_frequency(rgb_to_lab(torch.cat(samples))[:, 1:])
            bin_weights = rebalancing(frequency, uniform=config.bin_smoothing).to(group.device)
        if "stylize" in dict(config.tasks):
            features = load_vgg19().to(group.device, memory_format=torch.channels_last)
        return cls(config, group, bin_weights, features)

    @property
    def judged(self) -> slice:
        """Rows that the discriminator sees: as many in every process, so that their mean is that of the step."""
        return slice(None, None, self.config.judge_every)

    def precision(self) -> torch.autocast:
        """Bfloat16 where the preset wants it: it has float32's range, so no loss needs scaling."""
        return torch.autocast(self.group.device.type, torch.bfloat16, enabled=self.config.half_precision)
