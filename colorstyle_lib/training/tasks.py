"""What one generator is asked for: each task is only a choice of what it is told about a picture.

The paper's section 2(1) wants one model for coloring and style, section 6 adds repair, enhancement and generation. Here
all of them come in one batch: a picture's task decides which of its planes are known, whether they are worn, and what
the picture beside it is for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.data.batches import Batches, Windows
from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model.content import content_planes

TASKS = ("automatic", "reference", "hints", "inpaint", "enhance", "generate", "stylize")
"""Color a gray picture; with another one to color it by; with some pixels' colors given. Fill a hole; undo wear; make a
picture from noise alone; give a picture another one's look."""

DEGRADED = 0.75
"""What a mask plane says of values that are known but not to be trusted."""

_TASKS_OF_ROWS = 4  # what random numbers are for, beside those of data.batches
_FAR = 2**31
_TAKEN = ((1, 1, 1), (0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1))
"""Of color, texture and shape: all, all but color, each alone, and color with one of the others."""
_TAKEN_HOW_OFTEN = (0.65, 0.1, 0.05, 0.06, 0.06, 0.04, 0.04)
_WHOLE = 0.85  # how often the whole look is asked for
_FOREIGN = 0.15  # how often a reference is of another picture
_LAST = 0.15  # chance that a hint is the last: about seven a picture, sometimes one, sometimes thirty


@dataclass(frozen=True)
class TaskBatch:
    """Pictures with their tasks.

    Attributes:
        rgb: the truth, sRGB in [0, 1].
        other: for each picture another one: a reference (a crop of the same, at times of a foreign picture, for not
            every reference fits) or a style (any picture).
        task: for each picture the index into :data:`TASKS`.
        known: where L and where color is known: 0 no, 1 yes, :data:`WORN` in between.
        fade: what worn pictures keep of their contrast and of their chroma.
        z: noise to choose from, 0 for pictures that get none.
        taken: which of the style's modalities are taken.
        strength: how much of the style is taken.
        chances: numbers in [0, 1) for the discriminator's augmentation: of the generated, then of the real picture.
    """

    rgb: Float[Tensor, "n 3 h w"]
    other: Float[Tensor, "n 3 h w"]
    task: Int[Tensor, " n"]
    known: Float[Tensor, "n 2 h w"]
    fade: Float[Tensor, "n 2"]
    z: Float[Tensor, "n k d"]
    taken: Float[Tensor, "n 3"]
    strength: Float[Tensor, " n"]
    chances: Float[Tensor, "n 2 4"]

    def parts(self, count: int) -> list[TaskBatch]:
        """The same in this many parts of equal size."""
        columns = [getattr(self, f.name).tensor_split(count) for f in fields(self)]
        return [TaskBatch(*part) for part in zip(*columns, strict=True)]

    def asked(self, *tasks: str) -> Bool[Tensor, " n"]:
        """Which pictures have one of these tasks."""
        wanted = torch.tensor([TASKS.index(t) for t in tasks], device=self.task.device)
        return torch.isin(self.task, wanted)

    @functools.cached_property
    def lab(self) -> Float[Tensor, "n 3 h w"]:
        """The truth in Lab."""
        return rgb_to_lab(self.rgb)

    @functools.cached_property
    def real(self) -> Float[Tensor, "n 3 h w"]:
        """What the discriminator shall take for real, in Lab: the truth, or for a new look the style itself."""
        styled = self.asked("stylize")
        if not bool(styled.any()):
            return self.lab
        return self.lab.index_put((styled,), rgb_to_lab(self.other[styled]))

    def content(self) -> Float[Tensor, "n 5 h w"]:
        """What the generator is told."""
        return content_planes(degrade(self.lab, self.fade), self.known[:, :1], self.known[:, 1:])


def degrade(lab: Float[Tensor, "n 3 h w"], fade: Float[Tensor, "n 2"]) -> Float[Tensor, "n 3 h w"]:
    """Make pictures dull: less contrast around their mean L, less chroma, and less sharp the less contrast is left.

    Args:
        lab: Lab.
        fade: what is left of contrast and of chroma, in [0, 1]; 1 and 1 change nothing.
    """
    contrast, chroma = (f[:, None, None] for f in fade[..., None].unbind(1))
    lightness = lab[:, :1]
    soft = torch.lerp(gaussian_blur(lightness, [5, 5], [1.2, 1.2]), lightness, contrast)
    mean = lightness.mean((-2, -1), keepdim=True)
    return torch.cat((mean + contrast * (soft - mean), chroma * lab[:, 1:]), dim=1)


def check_tasks(tasks: Sequence[tuple[str, float]]) -> None:
    """Make sure that tasks can be drawn.

    Raises:
        ConfigError: an unknown task (the message names the nearest), a weight below 0, or none above 0.
    """
    for name, weight in tasks:
        check_known("task", name, TASKS)
        if weight < 0:
            raise ConfigError(f"the weight of task {name!r} is {weight}; it must be at least 0")
    if sum(weight for _, weight in tasks) <= 0:
        raise ConfigError("no task has a weight above 0")


@dataclass(frozen=True)
class Drawn:
    """What :class:`TaskBatch` are made of, drawn but not yet computed: small, and made ahead in another thread."""

    windows: Windows
    others: Windows
    strangers: Windows | None
    styles: Windows | None
    foreign: Tensor
    columns: tuple[Tensor, ...]

    def on(self, device: torch.device) -> TaskBatch:
        """Scale the pictures where the step is computed."""
        task, *rest = (column.to(device, non_blocking=True) for column in self.columns)
        rgb, other = self.windows.to(device).crops(), self.others.to(device).crops()
        for windows, chosen in (
            (self.strangers, self.foreign.to(device) > 0),
            (self.styles, task == TASKS.index("stylize")),
        ):
            if windows is not None:
                other = torch.where(chosen[:, None, None, None], windows.to(device).crops(), other)
        return TaskBatch(rgb, other, task, *rest)


def draw(batches: Batches, index: int, config: TrainingConfig, noise: int, styles: Batches | None = None) -> Drawn:
    """Batch ``index`` with tasks, which depend on the seed, the index and the row alone.

    Args:
        batches: where pictures come from.
        index: number of the batch.
        config: which tasks, and how much noise.
        noise: numbers in a z.
        styles: where styles come from; by default any picture is one.

    Raises:
        ConfigError: tasks that cannot be drawn.
    """
    check_tasks(config.tasks)
    names, weights = zip(*config.tasks, strict=True)
    rows = [_Row(batches, index, row, names, np.array(weights) / sum(weights), config, noise) for row in batches.rows]
    columns = (
        torch.tensor([TASKS.index(row.task) for row in rows]),
        *(
            torch.from_numpy(np.stack([getattr(row, name) for row in rows]))
            for name in ("known", "fade", "z", "taken", "strength", "chances")
        ),
    )
    foreign = torch.tensor([row.foreign for row in rows])
    looks = styles.windows(index) if styles is not None and "stylize" in names else None
    # Any picture: the reference of a batch that is never reached.
    strangers = batches.windows(index + _FAR, view=1) if {"reference", "stylize"} & set(names) else None
    return Drawn(batches.windows(index), batches.windows(index, view=1), strangers, looks, foreign, columns)


class _Row:
    """One picture's part in a batch, as arrays of float32."""

    def __init__(
        self,
        batches: Batches,
        index: int,
        row: int,
        names: Sequence[str],
        shares: np.ndarray,
        config: TrainingConfig,
        noise: int,
    ) -> None:
        rng = np.random.default_rng((batches.seed, index, _TASKS_OF_ROWS, row))
        self.task = names[rng.choice(len(names), p=shares)]
        self.known = _known(self.task, batches.crop, rng)
        worn = (rng.uniform(0.4, 0.9), rng.uniform(0.1, 0.7))
        self.fade = np.array(worn if self.task == "enhance" else (1, 1), np.float32)
        # What is made from nothing is made from noise.
        noisy = self.task == "generate" or (rng.random() < config.noise_fraction and self.task != "stylize")
        self.z = rng.standard_normal((config.imle_samples, noise), np.float32) * np.float32(noisy)
        self.chances = rng.random((2, 4), np.float32)
        self.taken = np.array(_TAKEN[rng.choice(len(_TAKEN), p=_TAKEN_HOW_OFTEN)], np.float32)
        self.foreign = self.task == "stylize" or (self.task == "reference" and rng.random() < _FOREIGN)
        self.strength = np.float32(1 if rng.random() < _WHOLE else rng.uniform(0.1, 1))


def _known(task: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """``(2, size, size)``: where L and where color is known."""
    known = np.zeros((2, size, size), np.float32)
    if task == "generate":
        return known
    known[0] = 1
    # A photograph to be restyled or repaired may be gray, too.
    if task == "enhance" or (task in ("inpaint", "stylize") and rng.random() < 0.7):
        known[1] = 1
    if task == "enhance":
        known *= DEGRADED
    elif task == "hints":
        for _ in range(rng.geometric(_LAST)):
            side = int(rng.integers(2, 7))
            top, left = rng.integers(0, size - side, 2)
            known[1, top : top + side, left : left + side] = 1
    elif task == "inpaint":
        for _ in range(rng.integers(1, 4)):
            height, width = rng.integers(size // 8, size // 3, 2)
            top, left = rng.integers(0, size - height), rng.integers(0, size - width)
            known[:, top : top + height, left : left + width] = 0
    return known
