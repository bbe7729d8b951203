"""Multi-task batches: a task decides which parts of a picture the generator is given.

The paper's section 2(1) wants one model for coloring and style; section 6 adds repair, enhancement and generation. One
batch holds all of them: a picture's task says what of it is known, how it is damaged, and what the second one is for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageDraw
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.data.batches import Batches, Windows
from colorstyle_lib.errors import ConfigError, check_known, require
from colorstyle_lib.model.content import content_planes
from colorstyle_lib.model.repair_decoder import DAMAGES

# Color a gray picture; by a reference; by hints. Fill holes; undo damage; restyle.
TASKS = ("automatic", "reference", "hints", "inpaint", "enhance", "stylize")
REPAIRS = ("inpaint", "enhance")

_FARTHEST, _CUT = 1 / 8, 1 / 3  # augmentation: shift, and side of the part cut out, of a picture's side
_TASK_STREAM = 4  # of random numbers, beside those of data.batches
_FAR = 2**31
# Of color, texture and shape: all, all but color, each alone, and color with one of the others.
_TAKEN = ((1, 1, 1), (0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1))
_TAKEN_SHARES = (0.65, 0.1, 0.05, 0.06, 0.06, 0.04, 0.04)
_FULL_STRENGTH = 0.85  # share of styles
_FOREIGN = 0.15  # share of references that are crops of another picture
_DAMAGED = 0.4  # share of each kind of damage
_WHOLE = 0.2  # share of pictures to enhance that need nothing
_LAST_HINT = 0.15  # chance that a hint is the last: about seven a picture, sometimes one, sometimes thirty


@dataclass(frozen=True)
class TaskBatch:
    """Pictures with their tasks, on the device that computes the step.

    The second picture is a reference (a crop of the same, at times of a foreign one: not every one fits) or a style.
    """

    rgb: Float[Tensor, "n 3 h w"]  # the real pictures, sRGB in [0, 1]
    other: Float[Tensor, "n 3 h w"]  # for each picture a second one
    task: Int[Tensor, " n"]  # indices into TASKS
    known: Float[Tensor, "n 2 h w"]  # where L and where color is known: 0 no, 1 yes
    damage: Float[Tensor, "n 6"]  # amounts of DAMAGES
    z: Float[Tensor, "n k d"]  # noise vectors to choose from; 0 for pictures without noise
    taken: Float[Tensor, "n 3"]  # which of the style's modalities are taken
    strength: Float[Tensor, " n"]  # of the style
    chances: Float[Tensor, "n 2 4"]  # in [0, 1), for the augmentation of the generated and of the real picture
    windows: Int[Tensor, "n 2"]  # numbers of the two pictures among the fixed windows; -1 for none

    def split(self, count: int) -> list[TaskBatch]:
        """The same pictures in this many batches of equal size."""
        columns = [getattr(self, f.name).tensor_split(count) for f in fields(self)]
        return [TaskBatch(*column) for column in zip(*columns, strict=True)]

    def has_task(self, *tasks: str) -> Bool[Tensor, " n"]:
        """Which pictures have one of these tasks."""
        wanted = torch.tensor([TASKS.index(t) for t in tasks], device=self.task.device)
        return torch.isin(self.task, wanted)

    @functools.cached_property
    def lab(self) -> Float[Tensor, "n 3 h w"]:
        """The real pictures in Lab."""
        return rgb_to_lab(self.rgb)

    @functools.cached_property
    def content(self) -> Float[Tensor, "n 5 h w"]:
        """Content planes: what the generator is given."""
        return content_planes(self.lab, self.known[:, :1], self.known[:, 1:])

    @functools.cached_property
    def real(self) -> Float[Tensor, "n 3 h w"]:
        """The discriminator's real pictures in Lab: the true picture, or for ``stylize`` the style itself."""
        stylized = self.has_task("stylize")
        if not bool(stylized.any()):
            return self.lab
        return self.lab.index_put((stylized,), rgb_to_lab(self.other[stylized]))


def differentiable_augmentation(
    lab: Float[Tensor, "n 3 h w"], chances: Float[Tensor, "n 4"]
) -> Float[Tensor, "n 3 h w"]:
    """Shift each picture and cut a square out of it, black; gradients pass through to the pixels that are left.

    S. Zhao et al., Differentiable Augmentation, NeurIPS 2020 (arXiv:2006.10738), without its changes of color: color is
    what the discriminator has to judge. ``chances`` are in [0, 1): how far down and right to shift, and where to cut.
    """
    height, width = lab.shape[-2:]
    rows, columns = torch.arange(height, device=lab.device), torch.arange(width, device=lab.device)
    place, kept = [], []
    for axis, (length, index) in enumerate(((height, rows), (width, columns))):
        shift = ((2 * chances[:, axis] - 1) * (_FARTHEST * length + 1)).trunc().long()[:, None]
        place.append(index - shift)
        start = chances[:, 2 + axis, None] * length - _CUT * length / 2
        kept.append((index >= start) & (index < start + _CUT * length))
    inside = [(p >= 0) & (p < n) for p, n in zip(place, (height, width), strict=True)]
    visible = inside[0][:, :, None] & inside[1][:, None] & ~(kept[0][:, :, None] & kept[1][:, None])
    y, x = (p.clamp(0, n - 1) for p, n in zip(place, (height, width), strict=True))
    picture = torch.arange(len(lab), device=lab.device)[:, None, None]
    shifted = lab.movedim(1, -1)[picture, y[:, :, None], x[:, None]].movedim(-1, 1)
    return shifted * visible[:, None]


def parse_weights(texts: Sequence[str], option: str) -> dict[str, float]:
    """Names and their weights from an option's texts ``NAME=WEIGHT``; ConfigError for other forms."""
    weights: dict[str, float] = {}
    for text in texts:
        try:
            name, weight = text.split("=")
            weights[name] = float(weight)
        except ValueError:
            raise ConfigError(f"{option} wants NAME=NUMBER, not {text!r}") from None
    return weights


def check_tasks(tasks: Sequence[tuple[str, float]]) -> None:
    """Raise ConfigError for an unknown task (it names the nearest), a weight below 0, or none above 0."""
    for name, weight in tasks:
        check_known("task", name, TASKS)
        require(weight >= 0, f"the weight of task {name!r} is {weight}; it must be at least 0")
    require(sum(weight for _, weight in tasks) > 0, "no task has a weight above 0")


@dataclass(frozen=True)
class DrawnBatch:
    """A batch as small arrays, drawn ahead in another thread; :meth:`on` makes a :class:`TaskBatch` of it."""

    windows: Windows
    others: Windows
    columns: tuple[Tensor, ...]

    def on(self, device: torch.device) -> TaskBatch:
        """Scale the pictures on the device that computes the step."""
        task, *rest = (column.to(device, non_blocking=True) for column in self.columns)
        rgb, other = self.windows.to(device).crops(), self.others.to(device).crops()
        return TaskBatch(rgb, other, task, *rest, self.numbers.T.to(device))

    @property
    def numbers(self) -> Int[Tensor, "2 n"]:
        """Which fixed windows the pictures and the second pictures are."""
        return torch.stack((self.windows.numbers, self.others.numbers))


def draw(batches: Batches, index: int, config: TrainingConfig, noise: int, styles: Batches | None = None) -> DrawnBatch:
    """Batch ``index`` with tasks, which depend on the seed, the index and the row alone.

    A z has ``noise`` numbers; ``styles`` are any pictures by default. ConfigError: tasks that cannot be drawn.
    """
    check_tasks(config.tasks)
    names, weights = zip(*config.tasks, strict=True)
    shares = np.array(weights) / sum(weights)
    rows = []
    for row in batches.rows:
        rng = np.random.default_rng((batches.seed, index, _TASK_STREAM, row))
        task = names[rng.choice(len(names), p=shares)]
        rows.append(_draw_row(task, batches.crop, config, noise, rng))
    *columns, foreign = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
    others = batches.windows(index, view=1)
    if bool(foreign.any()):  # any picture: the second crop of a batch that is never reached
        others = others.replaced(foreign, batches.windows(index + _FAR, view=1))
    if styles is not None and bool((stylized := columns[0] == TASKS.index("stylize")).any()):
        others = others.replaced(stylized, styles.windows(index))
    return DrawnBatch(batches.windows(index), others, tuple(columns))


def _draw_row(task: str, crop: int, config: TrainingConfig, noise: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """One picture's columns of a :class:`TaskBatch` from ``task`` on, and whether its second picture is foreign."""
    known = _draw_known(task, crop, rng)
    damaged = task == "enhance" and rng.random() >= _WHOLE
    damage = (damaged * (rng.random(len(DAMAGES)) < _DAMAGED) * rng.uniform(0.1, 0.9, len(DAMAGES))).astype(np.float32)
    noisy = rng.random() < config.noise_fraction and task not in ("stylize", *REPAIRS)
    z = rng.standard_normal((config.imle_samples, noise), np.float32) * np.float32(noisy)
    chances = rng.random((2, 4), np.float32)
    taken = np.array(_TAKEN[rng.choice(len(_TAKEN), p=_TAKEN_SHARES)], np.float32)
    foreign = task == "stylize" or (task == "reference" and rng.random() < _FOREIGN)
    strength = np.float32(1 if rng.random() < _FULL_STRENGTH else rng.uniform(0.1, 1))
    return TASKS.index(task), known, damage, z, taken, strength, chances, foreign


def _draw_known(task: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """``(2, size, size)``: where L and where color is known."""
    known = np.zeros((2, size, size), np.float32)
    known[0] = 1
    # A photograph to be restyled or repaired may be gray, too.
    if task == "enhance" or (task in ("inpaint", "stylize") and rng.random() < 0.7):
        known[1] = 1
    if task == "hints":
        for _ in range(rng.geometric(_LAST_HINT)):
            side = int(rng.integers(2, 7))
            top, left = rng.integers(0, size - side, 2)
            known[1, top : top + side, left : left + side] = 1
    elif task == "inpaint":
        known *= 1 - _draw_holes(size, rng)
    return known


def _draw_holes(size: int, rng: np.random.Generator) -> np.ndarray:
    """``(size, size)``, 1 in holes: rectangles, scratches, or strokes of a brush, at times two of these."""
    holes = Image.new("L", (size, size))
    pen = ImageDraw.Draw(holes)
    for kind in rng.choice(3, rng.integers(1, 3), replace=False):
        if kind == 0:
            for _ in range(rng.integers(1, 4)):
                top, left = rng.integers(0, size, 2)
                height, width = rng.integers(size // 10, size // 3, 2)
                pen.rectangle((left - width // 2, top - height // 2, left + width // 2, top + height // 2), fill=1)
        else:
            thinnest, thickest = ((1, 5), (size // 20, size // 7))[kind - 1]
            for width in rng.integers(thinnest, thickest, rng.integers(1, 9 - 3 * kind)).tolist():
                pen.line(rng.integers(0, size, 2 * rng.integers(2, 6)).tolist(), fill=1, width=width, joint="curve")
    return np.asarray(holes, np.float32)
