"""The training loop for any learner and a budget in steps or seconds; the GAN as a learner (the paper's section 3).

Step ``i`` depends on the weights, the seed and ``i`` alone, so a run that was cut short ends as it would have ended.
What belongs to a saved run (checkpoints, log, validation, Ctrl-C) stands in :mod:`.saved_run`.
"""

import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.config import Preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import train_step
from colorstyle_lib.training.kept_maps import KeptMaps
from colorstyle_lib.training.state import StepContext, TrainState, learning_rate_at, stage_at
from colorstyle_lib.training.tasks import DrawnBatch, draw

_CHECK_EVERY = 25  # steps between checks of the losses: each makes a GPU wait
_SCHEDULE = 100_000  # parts that a budget in seconds is divided into, for schedules that count steps

AGAIN = "train anew with a lower learning rate; state and weights of the last evaluation are kept"


class Losses:
    """Means of losses, kept on the device that computed them: reading a number makes a GPU wait."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()
        self._step = 0

    def add(self, step: int, losses: dict[str, Tensor]) -> None:
        """Count the losses of a step."""
        self._step = step
        self._counts.update(losses.keys())
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + loss.detach().float()

    def check(self) -> None:
        """Raise WeightsError where a loss is no longer a number."""
        for name, total in sorted(self._sums.items(), key=lambda item: item[0] == "loss"):  # the sum of all last
            if not math.isfinite(total):
                raise WeightsError(f"loss {name!r} is no longer a number at step {self._step}: {AGAIN}")

    def means(self, group: ProcessGroup | None = None) -> dict[str, float]:
        """The mean of each loss over steps and processes, checked; counting starts anew."""
        self.check()
        here = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        everywhere = (group or ProcessGroup()).gather(here)
        names = dict.fromkeys(name for one in everywhere for name in one)
        return {name: sum(one.get(name, 0.0) for one in everywhere) / len(everywhere) for name in names}


def clock_of(device: torch.device) -> Callable[[], float]:
    """The clock of a budget: processor time of this process; where a GPU computes, time."""
    return time.perf_counter if device.type == "cuda" else time.process_time


def training_loop(
    learner: Any,
    steps: int | None = None,
    *,
    budget: float | None = None,
    step: int = 0,
    seconds: float = 0.0,
    batches: Iterator[Any] | None = None,
) -> Iterator[tuple[int, float, Losses]]:
    """Train for ``steps`` steps in all, or for a ``budget`` in seconds of computing, drawing of batches included.

    The learner's ``draw(step)`` gives the batch of a step, on the CPU, perhaps ahead of its use and in another thread;
    ``gradient_step(batch, step, at, of)`` learns from it, on the learner's ``device`` and by a schedule that is at
    ``at`` of ``of``, and returns the losses by name. ``step`` steps are done already, in so many ``seconds``;
    ``batches`` are of those to come, where they are prepared ahead, else each is drawn when it is needed.

    Yields after each step how many are done, the seconds that they took, and the losses since they were last averaged.
    What the caller then does costs nothing of the budget. A loss that is no longer a number is a WeightsError.
    """
    losses, clock = Losses(), clock_of(learner.device)
    batches = batches or map(learner.draw, itertools.count(step))
    while seconds < budget if steps is None else step < steps:
        at = (int(seconds / budget * _SCHEDULE), _SCHEDULE) if steps is None else (step, steps)
        started = clock()
        losses.add(step, learner.gradient_step(next(batches), step, *at))
        seconds += clock() - started
        step += 1
        if step % _CHECK_EVERY == 0:
            losses.check()
        yield step, seconds, losses
    losses.check()


class GanLearner:
    """The generator and the discriminator of a preset, trained by :func:`.train_step`.

    Arguments as in :func:`.saved_run.train` and :meth:`.TrainState.new`; maps of fixed windows are kept in ``maps``.
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
        maps: Path = paths.RUNS / "maps",
    ) -> None:
        group = group or ProcessGroup()
        self.preset, self.batches, self.styles, self.device = preset, batches, styles, group.device
        self.state = TrainState.new(preset, seed, group.device, start_from)
        self.context = StepContext.new(preset, batches, group)
        if batches.fixed:
            self.context = replace(self.context, kept=KeptMaps(maps, batches, self.state.generator))

    def draw(self, step: int) -> DrawnBatch:
        """The batch of a step."""
        drawn = draw(self.batches, step, self.preset.training, self.preset.generator.noise, self.styles)
        if self.context.kept:
            self.context.kept.touch(drawn.numbers)
        return drawn

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
