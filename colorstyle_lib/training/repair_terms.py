"""The tasks ``inpaint`` and ``enhance``: repaired pictures and their losses."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.data.damage import damage
from colorstyle_lib.model import Generator, Repaired
from colorstyle_lib.training.tasks import REPAIRS, TaskBatch

REPAIR_LOSSES = ("hole", "details", "tones", "damage")

_UNIT = 10.0  # Lab units of error that count as 1
_DETAILS_WEIGHT = 3.0  # faint over a whole picture, against a hole that is far off
_AMOUNT_WEIGHT = 4.0  # of the squared error of amounts in [0, 1]


class Repair(NamedTuple):
    """Pictures with holes or damage, in Lab, and what the repair decoder says of them."""

    true: Float[Tensor, "k 3 h w"]
    toned: Float[Tensor, "k 3 h w"]  # the true pictures with damaged tones alone
    filled: Float[Tensor, "k 3 h w"]  # what the decoder was given, holes filled smoothly
    unknown: Float[Tensor, "k 1 h w"]  # 1 in holes
    holed: Bool[Tensor, " k"]
    said: Repaired

    @property
    def lab(self) -> Float[Tensor, "k 3 h w"]:
        """The repaired pictures: holes filled, the rest as it was; or details and tones mended."""
        changed = self.filled + self.said.change
        in_holes = torch.where(self.unknown > 0, changed, self.filled)
        return torch.where(self.holed[:, None, None, None], in_holes, self.said.tone(changed))


def repair(generator: Generator, batch: TaskBatch) -> Repair:
    """Damage and repair the pictures of both tasks; gray ones are given as gray, and wanted so."""
    rows = batch.has_task(*REPAIRS)
    unknown = 1 - batch.known[rows, :1]
    gray = ~(batch.known[rows, 1] > 0).flatten(1).any(1)[:, None, None, None]
    seeds = (batch.chances[rows, 0, 0] * 2**24).long().tolist()  # numbers that the generator's own part does not use
    with torch.no_grad():
        rgb = (batch.rgb[rows], *damage(batch.rgb[rows], batch.damage[rows], seeds))
        labs = [rgb_to_lab(one) for one in rgb]
        true, toned, damaged = (torch.cat((lab[:, :1], lab[:, 1:].masked_fill(gray, 0)), 1) for lab in labs)
    filled, said = generator.repair(damaged, unknown)
    return Repair(true, toned, filled, unknown, batch.has_task("inpaint")[rows], said)


def repair_losses(batch: TaskBatch, repaired: Repair, config: TrainingConfig) -> dict[str, Float[Tensor, ""]]:
    """Losses of :data:`REPAIR_LOSSES` by name, weighted: means over the repaired pictures, 0 for the other task's.

    Mean absolute errors, in units of 10 Lab, in holes, of details and of tones; the squared error of amounts of damage.
    """
    said, holed = repaired.said, repaired.holed
    changed, area = repaired.filled + said.change, repaired.unknown.mean((1, 2, 3)).clamp_min(1e-6)
    errors = {
        "hole": ((changed - repaired.true).abs() * repaired.unknown).mean((1, 2, 3)) / area / _UNIT,
        "details": _DETAILS_WEIGHT * (changed - repaired.toned).abs().mean((1, 2, 3)) / _UNIT,
        "tones": (said.tone(repaired.toned) - repaired.true).abs().mean((1, 2, 3)) / _UNIT,
        "damage": _AMOUNT_WEIGHT * (said.amounts - batch.damage[batch.has_task(*REPAIRS)]).square().mean(1),
    }
    concerned = {name: holed if name == "hole" else ~holed for name in errors}
    means = {name: torch.where(concerned[name], error, 0.0).mean() for name, error in errors.items()}
    return {name: config.repair_weight * mean for name, mean in means.items()}
