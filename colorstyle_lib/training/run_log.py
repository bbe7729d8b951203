"""The run log: a line of JSON at each evaluation, curves for TensorBoard on request, and warnings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.training.validation import Evaluation

_SURE = 0.97  # accuracy of the discriminator
_COLLAPSED = 0.98  # weight of one modality
_CONSTANT = 1e-3  # standard deviation of attention weights over pictures
_PALE, _GAUDY = 0.5, 1.4
_EARLY = 100  # steps


class RunLog:
    """The log of one run, ``log.jsonl`` in its folder, with event files for TensorBoard, where installed, on request.

    Lines beyond the step ``after``, from which the run goes on, will come again and are dropped.
    """

    def __init__(self, folder: Path, *, after: int = 0, tensorboard: bool = False) -> None:
        self.file = folder / "log.jsonl"
        kept = self.file.read_text(encoding="utf-8").splitlines() if after and self.file.exists() else []
        whole = [line for line in kept if line.endswith("}")]  # the last may be torn
        lines = [line for line in whole if json.loads(line)["step"] <= after]
        self.file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        self._curves = None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise MissingExtraError("TensorBoard", "tensorboard") from error
            self._curves = SummaryWriter(folder / "tensorboard", purge_step=after + 1 if after else None)

    def write(self, step: int, **facts: Any) -> None:
        """Log numbers, strings, and lists or dicts of them."""
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **facts}) + "\n")
        if self._curves is not None:
            for name, value in _flat(facts):
                self._curves.add_scalar(name, value, step)
            self._curves.flush()


def _flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Every number with a name; a dict's entries as ``outer/inner``."""
    numbers: list[tuple[str, float]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            numbers += _flat(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)):
            numbers.append((prefix + name, float(value)))
    return numbers


def warnings_of(result: Evaluation, discriminator_accuracy: float = math.nan, *, step: int, steps: int) -> list[str]:
    """Signs of a training that goes wrong, one line each, with the setting to change.

    ``discriminator_accuracy`` is that since the last evaluation, NaN while the discriminator does not take part.
    """
    found = []
    if discriminator_accuracy > _SURE:
        apart = f"the discriminator tells {100 * discriminator_accuracy:.0f} % apart and teaches little"
        found.append(f"{apart}; lower discriminator_learning_rate, or raise penalty")
    # A generator that has just started is pale, and attends to all alike, by construction.
    if step < max(_EARLY, steps / 4):
        return found
    ratio, real = result.colorfulness_ratio, f"colors are at {100 * result.colorfulness_ratio:.0f} % of the real ones"
    if ratio < _PALE:
        found.append(f"{real} (brown); raise chroma_weight, lower bin_smoothing")
    if ratio > _GAUDY:
        found.append(f"{real} (gaudy); lower chroma_weight, raise bin_smoothing")
    for level, weights in result.attention.items():
        name, most = max(weights.items(), key=lambda item: item[1])
        if not any(0 < weight < 1 for weight in weights.values()):
            continue  # gray pictures offer it one modality, as in the paper's preset: there is nothing to choose
        if most > _COLLAPSED:
            found.append(f"attention at 1/{level} has collapsed to {name} ({most:.2f}); lower learning_rate")
        elif result.attention_spread[level] < _CONSTANT:
            found.append(f"attention at 1/{level} is the same for every picture; train longer, or leave the level out")
    return found
