"""Training a generator on a folder of photographs: supervised, resumable, one log line at each evaluation."""

from __future__ import annotations

import copy
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib.bins import bin_frequency, rebalancing
from colorstyle_lib.checkpoint import load_state, save_generator, save_state
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import Preset, TrainingConfig
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.evaluation import Evaluation, evaluate
from colorstyle_lib.features import pretrained_efficientnet_lite0
from colorstyle_lib.generator import Generator, gray_content
from colorstyle_lib.losses import bin_cross_entropy, chroma_weight, huber_ab, huber_ab_gradient


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


def make_optimizer(generator: Generator, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimizer that a preset names, over the weights that learn.

    Raises:
        ConfigError: an unknown optimizer.
    """
    weights = [p for p in generator.parameters() if p.requires_grad]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(weights, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.02)
    if config.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=config.learning_rate)
    raise ConfigError(f"no optimizer {config.optimizer!r}; known: 'adamw', 'sgd'")


def learning_rate_at(step: int, steps: int, config: TrainingConfig) -> float:
    """Linear rise over ``warmup`` of the run, then half a cosine down to 0."""
    rise = max(1, round(config.warmup * steps))
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def colorization_loss(
    generator: Generator,
    rgb: Float[Tensor, "n 3 h w"],
    config: TrainingConfig,
    balance: Float[Tensor, " q"] | None = None,
    reference: Float[Tensor, "n 3 h2 w2"] | None = None,
    referenced: Bool[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    """Color the gray version of real pictures and compare.

    A generator of ab bins is trained on their cross-entropy, one that regresses on a Huber distance of ab and of its
    differences between neighbours.

    Args:
        generator: in training mode.
        rgb: real pictures, in [0, 1].
        config: weights of the terms.
        balance: how much a pixel counts, by its bin; see :func:`colorstyle_lib.bins.rebalancing`.
        reference: color pictures to color them by, in [0, 1].
        referenced: which of the pictures may see theirs.
    """
    lab = rgb_to_lab(rgb)
    target, content = lab[:, 1:], gray_content(lab[:, :1])
    offered = None
    if reference is not None and referenced is not None:
        offered = generator.describe_reference(rgb_to_lab(reference), content).only(referenced)
    if generator.config.colors == "bins":
        # Every fourth pixel of the half size: 261 logits a pixel cost more than the network, and neighbours tell the
        # same. Crops start anywhere, so no place of a picture is left out for long.
        logits = generator.head(generator.decode(content, offered)[0][..., ::2, ::2])
        return bin_cross_entropy(logits, nnf.avg_pool2d(target, 2)[..., ::2, ::2], balance=balance)
    predicted = generator(content, offered)
    weight = chroma_weight(target, config.chroma_weight)
    loss = huber_ab(predicted, target, delta=config.huber_delta, weight=weight)
    return loss + config.gradient_weight * huber_ab_gradient(predicted, target, delta=config.huber_delta)


def color_balance(batches: Batches, uniform: float, images: int = 512) -> Float[Tensor, " q"]:
    """How much pixels of each ab bin count, from how often it occurs in the training pictures."""
    samples = [batches.batch(i)[..., ::4, ::4] for i in range(-(-images // batches.batch_size))]
    return rebalancing(bin_frequency(rgb_to_lab(torch.cat(samples))[:, 1:]), uniform=uniform)


def _half_precision(device: torch.device) -> torch.autocast:
    """Bfloat16 where it is faster: it has float32's range, so no loss needs scaling."""
    return torch.autocast(device.type, torch.bfloat16)


@torch.no_grad()
def _average(average: Generator, generator: Generator, decay: float) -> None:
    """Move the kept weights a little towards the trained ones (exponential moving average)."""
    for kept, new in zip(average.state_dict().values(), generator.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


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
    device: torch.device | None = None,
) -> Evaluation:
    """Train a generator and keep its averaged weights as ``generator.safetensors`` in ``output``.

    Written at each evaluation: the state to resume from, the weights, and a line in ``log.jsonl``. Ctrl-C lets the step
    finish and saves the state, too.

    Args:
        preset: what to train and how.
        batches: training pictures.
        validation: pictures to measure on, never trained on.
        steps: optimizer steps in all.
        output: a folder, made where it is missing.
        resume: go on from the state in ``output``.
        seed: start of the weights.
        evaluate_every: steps between evaluations.
        device: by default a GPU where there is one.

    Returns:
        The last evaluation.

    Raises:
        WeightsError: nothing to resume from, or it is another preset's; or the loss is no longer a number.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = preset.training
    layout = torch.channels_last
    generator = new_generator(preset, seed).to(device, memory_format=layout).train()
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    optimizer = make_optimizer(generator, config)
    output.mkdir(parents=True, exist_ok=True)
    state_file, log_file = output / "state.pt", output / "log.jsonl"
    first, seconds = 0, 0.0
    if resume:
        state = load_state(state_file)
        if state["steps"] != steps:
            raise WeightsError(
                f"{state_file} is of a run of {state['steps']} steps, and the learning rate depends on how many there "
                f"are: resume with --steps {state['steps']}, or train into another --output"
            )
        if state["preset"] != asdict(preset):
            raise WeightsError(f"{state_file} is of another preset or other settings; train into another --output")
        generator.load_state_dict(state["generator"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds = state["step"], state["seconds"]
    else:
        log_file.unlink(missing_ok=True)

    def keep(step: int) -> None:
        state = {
            "preset": asdict(preset),
            "steps": steps,
            "step": step,
            "seconds": seconds + time.perf_counter() - started,
            "generator": generator.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        save_state(state, state_file)
        save_generator(average, output / "generator.safetensors", preset=preset.name, steps=str(step))

    balance = color_balance(batches, config.uniform).to(device) if preset.generator.colors == "bins" else None

    def references(step: int) -> tuple[Tensor, Tensor] | tuple[()]:
        if preset.generator.attention == "none":
            return ()
        return batches.references(step).to(device), batches.chosen(step, config.reference_share).to(device)

    result = Evaluation(0, math.nan, math.nan)
    losses: list[float] = []
    started = time.perf_counter()
    bar = tqdm(range(first, steps), initial=first, total=steps, disable=not sys.stderr.isatty(), unit="step")
    with _finish_the_step() as interrupted:
        for step in bar:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, steps, config)
            rgb = batches.batch(step).to(device, memory_format=layout)
            with _half_precision(device) if config.optimizer != "sgd" else nullcontext():
                loss = colorization_loss(generator, rgb, config, balance, *references(step))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
            optimizer.step()
            # Early on an average over hundreds of steps would mostly remember the random start.
            _average(average, generator, min(config.ema, (step + 1) / (step + 10)))
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise WeightsError(f"the loss is {losses[-1]} at step {step}; lower learning_rate, then --resume")
            if (step + 1) % evaluate_every == 0 or step + 1 == steps:
                result = evaluate(average, validation.to(device))
                elapsed = seconds + time.perf_counter() - started
                line = {
                    "step": step + 1,
                    "loss": sum(losses) / len(losses),
                    **asdict(result),
                    "seconds": round(elapsed, 1),
                }
                with log_file.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(line) + "\n")
                tqdm.write(
                    f"step {step + 1:6d}  loss {line['loss']:.3f}  PSNR ab {result.psnr_ab:.2f} dB  "
                    f"colorfulness {100 * result.colorfulness_ratio:.0f} % of real  {elapsed / 60:.1f} min",
                    file=sys.stdout,
                )
                losses.clear()
                keep(step + 1)
            if interrupted:
                keep(step + 1)
                print(f"stopped after step {step + 1}; go on with the same command and --resume", flush=True)
                raise KeyboardInterrupt
    return result
