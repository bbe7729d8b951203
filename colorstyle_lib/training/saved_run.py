"""A training run that is saved: checkpoints, run log, validation, sample sheets, Ctrl-C, resuming."""

import json
import math
import resource
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from colorstyle_lib import paths
from colorstyle_lib.config import Preset, TrainOptions, differing
from colorstyle_lib.data.batches import Batches, Prefetched
from colorstyle_lib.environment import versions
from colorstyle_lib.errors import ConfigError, WeightsError, require
from colorstyle_lib.files import atomic_write, to_json
from colorstyle_lib.model.generator import load_generator, save_generator
from colorstyle_lib.training.distributed import ProcessGroup, SharedBatchNorm2d, this_process
from colorstyle_lib.training.loop import AGAIN, GanLearner, training_loop
from colorstyle_lib.training.state import stage_at
from colorstyle_lib.training.validation import Evaluation, demo_squares, evaluate, warnings_of, write_sample_sheet

STATE = "state.pt"


def save_state(state: dict[str, Any], folder: Path) -> None:
    """Write a training state (tensors, numbers, strings, dicts, lists); the last one stays until it is all on disk."""
    with atomic_write(folder / STATE) as stream:
        try:
            torch.save(state, stream)
        except RuntimeError as error:  # what torch makes of a full disk
            raise OSError("not all of it could be written") from error


def load_state(folder: Path) -> dict[str, Any]:
    """Read a training state; no code in the file is executed. WeightsError: there is none, or it is damaged."""
    path = folder / STATE
    require(path.is_file(), f"no training state at {str(path)!r}; start without --resume", WeightsError)
    try:
        with zipfile.ZipFile(path) as records:
            if wrong := records.testzip():  # torch does not look at the checksums that it writes
                raise ValueError(f"the checksum of {wrong} differs")
        state = torch.load(path, map_location="cpu", weights_only=True)
        int(state["step"])  # else it is no state of ours
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{str(path)!r} is damaged or no training state: {reason}") from error
    return state


class RunLog:
    """The log of one run, ``log.jsonl``; lines beyond the step ``after``, from which it goes on, are dropped."""

    def __init__(self, folder: Path, *, after: int = 0) -> None:
        self.file = folder / "log.jsonl"
        kept = self.file.read_text(encoding="utf-8").splitlines() if after and self.file.exists() else []
        # The last line may be torn.
        lines = [line for line in kept if line.endswith("}") and json.loads(line)["step"] <= after]
        with atomic_write(self.file, "w") as stream:
            stream.writelines(line + "\n" for line in lines)

    def write(self, step: int, **facts: Any) -> None:
        """Log numbers, strings, and lists or dicts of them."""
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(to_json({"step": step, **facts}) + "\n")


def train_for(learner: Any, folder: Path, seconds: float, saves: int = 4) -> nn.Module:
    """Train a learner that has a ``state`` for so many seconds of computing in all; see :func:`.clock_of`.

    Returns the averaged generator. A line of ``log.jsonl`` and a state, where the next call goes on, are written
    ``saves`` times. WeightsError: the state is damaged, or a loss is no number.
    """
    state, start = learner.state, {"step": 0, "seconds": 0.0}
    if (folder / STATE).is_file():
        start = load_state(folder)
        state.load_state_dict(start.pop("learner"))
    log, due = RunLog(folder, after=start["step"]), start["seconds"] + seconds / saves
    for step, spent, losses in training_loop(learner, budget=seconds, **start):
        if spent >= min(due, seconds):
            log.write(step, spent=round(spent, 1), **losses.means())
            save_state({"learner": state.state_dict(), "step": step, "seconds": spent}, folder)
            due = spent + seconds / saves
            print(f"{folder.name}: step {step}, {spent:.0f} of {seconds:.0f} s", flush=True)
    return state.average


def train(
    preset: Preset,
    batches: Batches,
    validation: Float[Tensor, "n 3 h w"],
    options: TrainOptions,
    *,
    styles: Batches | None = None,
    sets: Sequence[str] = (),
    group: ProcessGroup | None = None,
) -> Evaluation:
    """Train a preset; write state, averaged weights, a line of ``log.jsonl`` and a sample sheet at each evaluation.

    Ctrl-C lets the step finish and saves the state. Returns the last evaluation; only the first process evaluates.

    Of ``batches`` it trains on this process's rows, never on ``validation``, whose data sets are ``sets``, for numbers
    of each; of ``options`` preset and data are not read. ``styles`` come from any training picture by default, and
    ``group`` is this process alone. WeightsError: nothing to resume from, or it is of other settings; or a loss is no
    longer a number. ConfigError: a task that needs what the preset lacks, or a batch that cannot be divided.
    """
    group, config, steps = group or this_process(), preset.training, options.steps
    if batches.batch_size % (group.size * config.accumulate):
        parts = f"{config.accumulate} parts on each of {group.size} processes"
        raise ConfigError(f"a batch of {batches.batch_size} cannot be divided into {parts}; choose a multiple")
    output = options.output or paths.RUNS / preset.name
    weights = load_generator(options.start_from).state_dict() if options.start_from else None
    learner = GanLearner(preset, batches, seed=options.seed, styles=styles, group=group, start_from=weights)
    state = learner.state
    if group.size > 1:
        for name, module in state.generator.named_modules():
            # Weights and their names stay. What repairs runs only where a process has such pictures: nobody may wait.
            if type(module) is nn.BatchNorm2d and not name.startswith("repairing."):
                module.__class__ = SharedBatchNorm2d
    first, before = 0, 0.0
    if options.resume or (group.restarted and (output / STATE).exists()):
        saved = load_state(output)
        _check_same_run(saved, preset, steps, output)
        state.load_state_dict(saved["train_state"])
        first, before = saved["step"], saved["seconds"]
    log = RunLog(output, after=first) if group.first else None
    squares = demo_squares(preset.generator.working_size) if group.first else None
    result, started = Evaluation(0, math.nan, math.nan), time.perf_counter()

    def save(step: int) -> None:
        facts = {"preset": asdict(preset), "steps": steps, "step": step, "version": versions()["colorstyle"]}
        seconds = before + time.perf_counter() - started
        save_state({**facts, "seconds": seconds, "train_state": state.state_dict()}, output)
        save_generator(state.average, output / "generator.safetensors", preset=preset.name, steps=str(step))

    if first == steps and group.first:
        save(first)  # it was cut between its last state and its weights
    size = batches.batch_size
    quiet, ahead = not (group.first and sys.stderr.isatty()), Prefetched(learner.draw, first, steps)
    bar = tqdm(total=steps * size, initial=first * size, disable=quiet, unit=" images")
    interrupted: list[int] = []
    with bar, ahead, ExitStack() as undo:
        if threading.current_thread() is threading.main_thread():  # the only one that may listen to signals
            # Ctrl-C waits until a step is complete, so that the saved state is of a step.
            before_us = signal.signal(signal.SIGINT, lambda number, frame: interrupted.append(number))
            undo.callback(signal.signal, signal.SIGINT, before_us)
        for step, _, losses in training_loop(learner, steps, step=first, batches=ahead):
            bar.update(size)
            if step % options.evaluate_every == 0 or step == steps:
                means = losses.means(group)
                if log is not None:
                    result = evaluate(state.average, validation, sets)
                    if not math.isfinite(result.psnr_ab):
                        raise WeightsError(f"the weights are no longer numbers after step {step}: {AGAIN}")
                    stage, here = stage_at(step - 1, steps, config), time.perf_counter() - started
                    accuracy = means.get("discriminator_accuracy", math.nan)
                    warnings = warnings_of(result, accuracy, step=step, steps=steps)
                    costs = {"seconds": round(before + here, 1), "waited": round(ahead.waited / here, 4)}
                    facts = {"stage": stage, **means, **asdict(result), **costs, "peak_mib": _peak_mib(learner.device)}
                    log.write(step, **facts, warnings=warnings)
                    shown = [name for name in ("loss", "discriminator", "discriminator_accuracy") if name in means]
                    line = (
                        f"step {step:6d}  {stage}  {'  '.join(f'{name} {means[name]:.3f}' for name in shown)}  "
                        f"PSNR ab {result.psnr_ab:.2f} dB  colorfulness {100 * result.colorfulness_ratio:.0f} % of real"
                        f"  stain ratio {result.stain_ratio:.2f}  {(before + here) / 60:.1f} min"
                    )
                    tqdm.write("\n".join((line, *(f"  warning: {one}" for one in warnings))), file=sys.stdout)
                    if squares is not None:
                        sheet = output / f"samples/{step:06d}.jpg"
                        write_sample_sheet(state.average, squares.to(learner.device), sheet)
                    save(step)
            if any(group.gather(bool(interrupted))):
                if group.first:
                    save(step)
                    print(f"stopped after step {step}; go on with the same command and --resume", flush=True)
                raise KeyboardInterrupt
    return result


def _check_same_run(saved: dict[str, Any], preset: Preset, steps: int, output: Path) -> None:
    path, asked = output / STATE, saved.get("steps", steps)
    if lacks := {"preset", "steps", "seconds", "version", "train_state"} - saved.keys():
        raise WeightsError(f"{path} is no state of this training: it lacks {min(lacks)}; train into another --output")
    if asked != steps:
        why = f"{path} is of a run of {asked} steps, and the learning rate depends on how many there are"
        raise WeightsError(f"{why}: resume with --steps {asked}, or train into another --output")
    if others := differing(saved["preset"], asdict(preset)):
        what = f"{path} is of another preset or other settings ({', '.join(others)})"
        raise WeightsError(f"{what}; train into another --output")
    ours = versions()["colorstyle"]
    if saved["version"] != ours:
        print(f"going on with colorstyle {ours} from a state of {saved['version']}", file=sys.stderr)


def _peak_mib(device: torch.device) -> int:
    """Peak memory so far: the GPU's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, but bytes on macOS
    return peak >> (20 if sys.platform == "darwin" else 10)
