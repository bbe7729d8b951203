"""The two-player loop: a discriminator learns to tell real pictures from generated ones, a generator to answer it.

Plain torch, to be read beside notebook 04 and the paper's section 3. What happens in step ``i`` depends on the weights,
the seed and ``i`` alone, so a run that was cut short ends as it would have ended.
"""

from __future__ import annotations

import math
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import Preset, TrainingConfig, differing
from colorstyle_lib.data.batches import Batches, Prefetched
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.model.color_bins import bin_frequency, rebalancing
from colorstyle_lib.model.pretrained import load_vgg19
from colorstyle_lib.model.weights import save_generator
from colorstyle_lib.training.checkpoint import STATE, load_state, save_state
from colorstyle_lib.training.diagnostics import warnings_of
from colorstyle_lib.training.distributed import ProcessGroup, share_batch_norm
from colorstyle_lib.training.gan_step import StepContext, train_step
from colorstyle_lib.training.run_log import AGAIN, Losses, RunLog
from colorstyle_lib.training.state import TrainState, learning_rate_at
from colorstyle_lib.training.tasks import draw
from colorstyle_lib.training.validation import Evaluation, evaluate
from colorstyle_lib.training.validation_samples import demo_squares, write_sample_sheet

_LOOK_EVERY = 25  # steps between looks at the losses: each look makes a GPU wait


def stage_at(step: int, steps: int, config: TrainingConfig) -> str:
    """``supervised``, then ``catch_up`` (the discriminator alone), then ``joint`` (both in turn)."""
    if config.objective == "none" or step < round(config.supervised * steps):
        return "supervised"
    return "catch_up" if step < round((config.supervised + config.catch_up) * steps) else "joint"


@contextmanager
def _finish_the_step() -> Iterator[list[int]]:
    """Let Ctrl-C wait until a step is complete: a state saved in the middle of one would be of no step at all."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # only the main thread may listen to signals
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


def _check_same_run(state: dict[str, Any], preset: Preset, steps: int, output: Path) -> None:
    if state["steps"] != steps:
        raise WeightsError(
            f"{output / STATE} is of a run of {state['steps']} steps, and the learning rate depends on how many there "
            f"are: resume with --steps {state['steps']}, or train into another --output"
        )
    if others := differing(state["preset"], asdict(preset)):
        raise WeightsError(
            f"{output / STATE} is of another preset or other settings ({', '.join(others)}); "
            "train into another --output"
        )
    ours = versions()["colorstyle"]
    if state["version"] != ours:
        print(f"going on with colorstyle {ours} what {state['version']} began", file=sys.stderr)


def _say(
    step: int, stage: str, means: dict[str, float], result: Evaluation, seconds: float, trouble: list[str]
) -> None:
    shown = "  ".join(
        f"{name} {means[name]:.3f}" for name in ("loss", "discriminator", "discriminator_accuracy") if name in means
    )
    line = (
        f"step {step:6d}  {stage}  {shown}  PSNR ab {result.psnr_ab:.2f} dB  "
        f"colorfulness {100 * result.colorfulness_ratio:.0f} % of real  {seconds / 60:.1f} min"
    )
    tqdm.write("\n".join((line, *(f"  warning: {one}" for one in trouble))), file=sys.stdout)


def _peak_mib(device: torch.device) -> int:
    """Peak memory so far: the GPU's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, but bytes on macOS
    return peak >> (20 if sys.platform == "darwin" else 10)


def color_balance(batches: Batches, uniform: float, images: int = 512) -> Float[Tensor, " q"]:
    """How much pixels of each ab bin count, from how often it occurs in the training pictures."""
    samples = [batches.batch(i)[..., ::4, ::4] for i in range(-(-images // batches.batch_size))]
    return rebalancing(bin_frequency(rgb_to_lab(torch.cat(samples))[:, 1:]), uniform=uniform)


def train(
    preset: Preset,
    batches: Batches,
    validation: Float[Tensor, "n 3 h w"],
    *,
    steps: int,
    output: Path,
    resume: bool = False,
    seed: int = 0,
    evaluate_every: int = 500,
    styles: Batches | None = None,
    world: ProcessGroup | None = None,
    start_from: dict[str, Tensor] | None = None,
    tensorboard: bool = False,
    compiled: bool = False,
) -> Evaluation:
    """Train both players and keep the generator's averaged weights as ``generator.safetensors`` in ``output``.

    Written at each evaluation: the state to resume from (the one before is kept, too), the weights, a line in
    ``log.jsonl`` and a sample sheet. Ctrl-C lets the step finish and saves the state.

    Args:
        preset: what to train and how.
        batches: training pictures; this process's part of them.
        validation: pictures to measure on, never trained on.
        steps: optimizer steps in all.
        output: a folder, made where it is missing.
        resume: go on from the state in ``output``.
        seed: start of the weights.
        evaluate_every: steps between evaluations.
        styles: where styles come from; by default any training picture is one.
        world: the processes that train together; by default this one alone.
        start_from: weights that the generator already has; what they lack starts anew.
        tensorboard: also write curves for TensorBoard.
        compiled: let torch.compile work on the networks first; it pays where a run is long.

    Returns:
        The last evaluation; only the first process evaluates.

    Raises:
        WeightsError: nothing to resume from, or it is another preset's; or a loss is no longer a number.
        ConfigError: a task that needs what the preset lacks, or a batch that cannot be divided.
    """
    world = world or ProcessGroup(0, 1, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    config, device = preset.training, world.device
    if batches.batch_size % (world.size * config.accumulate):
        raise ConfigError(
            f"a batch of {batches.batch_size} cannot be divided into {config.accumulate} parts on each of {world.size} "
            "processes; choose a multiple"
        )
    players = TrainState.new(preset, seed, device, start_from)
    if world.size > 1:
        share_batch_norm(players.generator)
    if compiled:
        players.compile()
    output.mkdir(parents=True, exist_ok=True)
    first, seconds = 0, 0.0
    if resume or (world.restarted and (output / STATE).exists()):
        state = load_state(output)
        _check_same_run(state, preset, steps, output)
        players.load_state(state["players"])
        first, seconds = state["step"], state["seconds"]
    journal = RunLog(output, after=first, tensorboard=tensorboard) if world.first else None
    squares = demo_squares(preset.generator.working_size) if world.first else None
    rules = StepContext(
        config,
        world,
        color_balance(batches, config.bin_smoothing).to(device) if preset.generator.colors == "bins" else None,
        load_vgg19().to(device, memory_format=torch.channels_last) if "stylize" in dict(config.tasks) else None,
    )
    result, losses, clock = Evaluation(0, math.nan, math.nan), Losses(), _Clock(seconds)

    def keep(step: int) -> None:
        facts = {
            "preset": asdict(preset),
            "steps": steps,
            "step": step,
            "seconds": clock.total,
            "version": versions()["colorstyle"],
        }
        save_state({**facts, "players": players.state()}, output)
        save_generator(players.average, output / "generator.safetensors", preset=preset.name, steps=str(step))

    bar = tqdm(
        total=steps * batches.batch_size,
        initial=first * batches.batch_size,
        disable=not (world.first and sys.stderr.isatty()),
        unit=" images",
    )
    ahead = Prefetched(lambda step: draw(batches, step, config, preset.generator.noise, styles), first, steps)
    with bar, ahead, _finish_the_step() as interrupted:
        for step, drawn in enumerate(ahead, first):
            for group in players.generator_optimizer.param_groups:
                group["lr"] = learning_rate_at(step, steps, config)
            stage = stage_at(step, steps, config)
            parts = drawn.on(device).parts(config.accumulate)
            losses.add(train_step(players, parts, rules, stage))
            if stage != "catch_up":
                players.update_average(config.ema, step)
            bar.update(batches.batch_size)

            done = step + 1
            due = done % evaluate_every == 0 or done == steps
            if due or done % _LOOK_EVERY == 0:
                losses.check(step)
            if due:
                means = losses.means(world)
                if journal is not None:
                    result = evaluate(players.average, validation.to(device))
                    if not math.isfinite(result.psnr_ab):
                        raise WeightsError(f"the weights are no longer numbers after step {done}: {AGAIN}")
                    trouble = warnings_of(result, means.get("discriminator_accuracy", math.nan), step=done, steps=steps)
                    costs = {"seconds": round(clock.total, 1), "waited": round(ahead.waited / clock.here, 4)}
                    facts = {"stage": stage, **means, **asdict(result), **costs, "peak_mib": _peak_mib(device)}
                    journal.write(done, **facts, warnings=trouble)
                    _say(done, stage, means, result, clock.total, trouble)
                    if squares is not None:
                        write_sample_sheet(players.average, squares.to(device), output / f"samples/{done:06d}.jpg")
                    keep(done)
                world.wait()
            if world.any(bool(interrupted)):
                if world.first:
                    keep(done)
                    print(f"stopped after step {done}; go on with the same command and --resume", flush=True)
                raise KeyboardInterrupt
    return result


class _Clock:
    """Seconds of a run: of this process, and with what came before it."""

    def __init__(self, before: float) -> None:
        self._before, self._started = before, time.perf_counter()

    @property
    def here(self) -> float:
        return time.perf_counter() - self._started

    @property
    def total(self) -> float:
        return self._before + self.here
