"""Small trainings that can be repeated: one ingredient of the recipe changed, several seeds, all measured alike.

The loop is the library's. Pictures and networks are small, so a result says what an ingredient does *here*; what it
does on a real data set takes a real training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import Preset, change, get_preset
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.metrics.coloring import psnr_ab
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.loop import GanLearner, training_loop
from colorstyle_lib.training.state import TrainState
from colorstyle_lib.training.validation import evaluate

_PER = 100.0  # Lab units: a gradient is told for a change of this much
_CROPS_SEED = 1_000_003  # a seed that no training uses


def small_preset(
    *, spectral_norm: bool = True, crop: int = 32, adversarial_weight: float = 1.0, ema: float = 0.9, **training: object
) -> Preset:
    """The ``tiny`` preset made smaller still: crops of 32 pixels, coloring alone, no attention, no noise.

    The adversarial weight is the paper's preset's, where the networks depend on each other most. The EMA remembers
    about an eighth of a run, as in the other presets. ``training`` changes further fields of :class:`.TrainingConfig`.

    Raises:
        ConfigError: there is no such field.
    """
    tiny = get_preset("tiny")
    changes = {"tasks": (("automatic", 1.0),), "noise_fraction": 0.0, "half_precision": False, **training}
    return change(
        tiny,
        generator=change(tiny.generator, depth=2, attention="none", noise=0, restyling=0, working_size=crop),
        discriminator=change(tiny.discriminator, attention="none", spectral_norm=spectral_norm),
        training=change(tiny.training, crop=crop, adversarial_weight=adversarial_weight, ema=ema, **changes),
    )


def halves(store: ImageStore) -> tuple[ImageStore, ImageStore]:
    """Cut every picture in two: the left half to train on, the right half to test on.

    A handful of pictures is too few to set some aside. The halves share light, place and camera, so such a test is
    easier than one on other pictures.
    """
    cut = [image.tensor_split((image.shape[2] // 2,), dim=2) for image in store.images]
    left, right = (ImageStore(list(images), store.names, groups=store.groups) for images in zip(*cut, strict=True))
    return left, right


def fixed_crops(pictures: ImageStore, crop: int, n: int = 24) -> Float[Tensor, "n 3 {crop} {crop}"]:
    """Random crops that are always the same, several of each picture where there are few pictures."""
    return Batches(pictures, n, crop, _CROPS_SEED).batch(0)


def psnr_of_gray(rgb: Float[Tensor, "n 3 h w"]) -> float:
    """Mean PSNR of the ab planes, in dB, of predicting gray: the least that a coloring must reach."""
    ab = rgb_to_lab(rgb)[:, 1:]
    return psnr_ab(torch.zeros_like(ab), ab).mean().item()


@dataclass(frozen=True)
class SmallTraining:
    """Measurements of one small training."""

    steps: list[int]  # after which it was measured
    # PSNR of the ab planes, dB, at each of them, on other crops of the pictures trained on: with the averaged weights,
    # which are what is kept, and with those that the last step left.
    kept: list[float]
    trained: list[float]
    seconds: float  # of training alone; on a CPU those that it computed, whatever else the machine had to do
    known_seen: float  # discriminator accuracy at the end, on crops of the pictures trained on
    known_unseen: float  # the same on pictures never trained on
    slope: float  # mean length of its gradient at real pictures never trained on, for a change of 100 Lab units


def train_small(
    preset: Preset,
    train_set: ImageStore,
    test_set: ImageStore,
    *,
    steps: int,
    seed: int,
    measurements: int = 5,
    device: torch.device | None = None,
) -> SmallTraining:
    """Train a small preset once on the CPU or a device, and measure it several times, the last time at the end.

    The seed is that of weights and batches; ``test_set`` is never trained on.
    """
    config, group = preset.training, ProcessGroup(device=device or torch.device("cpu"))
    seen, unseen = (fixed_crops(pictures, config.crop).to(group.device) for pictures in (train_set, test_set))
    learner = GanLearner(preset, Batches(train_set, config.batch_size, config.crop, seed), seed=seed, group=group)
    state, measured_after = learner.state, sorted({-(-steps * (i + 1) // measurements) for i in range(measurements)})
    kept, trained = [], []
    for step, seconds, _ in training_loop(learner, steps):  # noqa: B007
        if step in measured_after:
            kept.append(evaluate(state.average, seen).psnr_ab)
            trained.append(evaluate(state.generator.eval(), seen).psnr_ab)
            state.generator.train()
    state.discriminator.eval()
    x = (rgb_to_lab(unseen) / _PER).requires_grad_()
    (gradient,) = torch.autograd.grad(state.discriminator(x * _PER).mean(1).sum(), x)
    slope = gradient.flatten(1).norm(dim=1).mean().item()
    accuracies = (_accuracy(state, crops) for crops in (seen, unseen))
    return SmallTraining(measured_after, kept, trained, seconds, *accuracies, slope)


@torch.no_grad()
def _accuracy(state: TrainState, rgb: Tensor) -> float:
    """Share of pictures with a higher logit than the generated ones."""
    lab = rgb_to_lab(rgb)
    # With the batch's own statistics, as in the steps that the discriminator has learned from.
    generated = torch.cat((lab[:, :1], state.generator.train()(gray_content(lab[:, :1]))), dim=1)
    real, fake = (state.discriminator(pictures).mean(1) for pictures in (lab, generated))
    return (real > fake).float().mean().item()
