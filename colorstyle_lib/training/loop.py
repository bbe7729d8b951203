"""The training loop for any learner and a budget in steps or seconds; the GAN as a learner (the paper's section 3).

Step ``i`` depends on the weights, the seed and ``i`` alone, so a run that was cut short ends as it would have ended.
What belongs to a saved run (checkpoints, log, validation, Ctrl-C) stands in :mod:`.saved_run`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from colorstyle_lib.config import Preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import train_step
from colorstyle_lib.training.run_log import Losses
from colorstyle_lib.training.state import StepContext, TrainState, learning_rate_at, stage_at
from colorstyle_lib.training.tasks import DrawnBatch, draw

_CHECK_EVERY = 25  # steps between checks of the losses: each makes a GPU wait
_SCHEDULE = 100_000  # parts that a budget in seconds is divided into, for schedules that count steps


@dataclass(frozen=True)
class Budget:
    """The length of a training: a number of steps, or seconds of computing, drawing of batches included."""

    steps: int | None = None
    seconds: float | None = None

    def is_spent(self, step: int, seconds: float) -> bool:
        """Whether it is spent after this many steps that took so long."""
        return seconds >= self.seconds if self.steps is None else step >= self.steps

    def schedule(self, step: int, seconds: float) -> tuple[int, int]:
        """Where a run is in its schedule, as a step of so many."""
        if self.steps is None:
            return int(seconds / self.seconds * _SCHEDULE), _SCHEDULE
        return step, self.steps


@runtime_checkable
class Learner(Protocol):
    """Networks with their optimizers and batches; ``state`` has ``state_dict`` and ``load_state_dict``."""

    device: torch.device
    state: Any

    def draw(self, step: int) -> Any:
        """The batch of a step, on the CPU; may be called ahead of its use, in another thread."""

    def gradient_step(self, batch: Any, step: int, at: int, of: int) -> dict[str, Tensor]:
        """Learn from a batch in step ``step``, by a schedule that is at ``at`` of ``of``; the losses by name."""


class Progress(NamedTuple):
    """Steps that are done, the seconds that they took, and the losses since they were last averaged."""

    step: int
    seconds: float
    losses: Losses


def clock_of(device: torch.device) -> Callable[[], float]:
    """The clock of a budget: processor time of this process; where a GPU computes, time."""
    return time.perf_counter if device.type == "cuda" else time.process_time


def training_loop(
    learner: Learner,
    budget: Budget,
    *,
    step: int = 0,
    seconds: float = 0.0,
    batches: Iterator[Any] | None = None,
) -> Iterator[Progress]:
    """Train until the budget is spent, and yield after each step: what the caller then does costs nothing of it.

    Args:
        learner: what is trained.
        budget: in steps or seconds.
        step: steps that are done already.
        seconds: that these have taken.
        batches: of the steps to come, where they are prepared ahead; by default each is drawn when it is needed.

    Raises:
        WeightsError: a loss is no longer a number.
    """
    losses, clock = Losses(), clock_of(learner.device)
    batches = batches or map(learner.draw, itertools.count(step))
    while not budget.is_spent(step, seconds):
        started = clock()
        losses.add(step, learner.gradient_step(next(batches), step, *budget.schedule(step, seconds)))
        seconds += clock() - started
        step += 1
        if step % _CHECK_EVERY == 0:
            losses.check()
        yield Progress(step, seconds, losses)
    losses.check()


class GanLearner:
    """The generator and the discriminator of a preset, trained by :func:`.train_step`.

    Arguments as in :func:`.saved_run.train` and :meth:`.TrainState.new`.
    """

    def __init__(
        self,
        preset: Preset,
        batches: Batches,
        *,
        seed: int = 0,
        styles: Batches | None = None,
        group: ProcessGroup | None = None,
        start_from: dict[str, Tensor] | None = None,
    ) -> None:
        group = group or ProcessGroup()
        self.preset, self.batches, self.styles, self.device = preset, batches, styles, group.device
        self.state = TrainState.new(preset, seed, group.device, start_from)
        self.context = StepContext.new(preset, batches, group)

    def draw(self, step: int) -> DrawnBatch:
        """The batch of a step."""
        return draw(self.batches, step, self.preset.training, self.preset.generator.noise, self.styles)

    def gradient_step(self, batch: DrawnBatch, step: int, at: int, of: int) -> dict[str, Tensor]:
        """Set the learning rate, take one step of the stage's networks, and move the average."""
        config = self.preset.training
        for group in self.state.generator_optimizer.param_groups:
            group["lr"] = learning_rate_at(at, of, config)
        stage = stage_at(at, of, config)
        losses = train_step(self.state, batch.on(self.device).split(config.accumulate), self.context, stage)
        if stage != "catch_up":
            self.state.update_average(config.ema, step)
        return losses
