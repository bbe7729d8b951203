"""What a training writes down as it goes: a line a time in ``log.jsonl``, and curves for TensorBoard if asked for."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from torch import Tensor

from colorstyle_lib.errors import MissingExtraError, WeightsError
from colorstyle_lib.training.distributed import ProcessGroup

AGAIN = "train anew with a lower learning rate; state and weights of the last evaluation are kept"


class RunLog:
    """One run's log.

    Args:
        folder: where it is written.
        after: the step that the run goes on from; what was logged beyond it will come again and is dropped.
        tensorboard: also write event files for TensorBoard.

    Raises:
        MissingExtraError: TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, *, after: int = 0, tensorboard: bool = False) -> None:
        self.file = folder / "log.jsonl"
        kept = self.file.read_text(encoding="utf-8").splitlines() if after and self.file.exists() else []
        lines = [line for line in kept if json.loads(line)["step"] <= after]
        self.file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        self._curves = _open_tensorboard(folder, after) if tensorboard else None

    def write(self, step: int, **facts: Any) -> None:
        """Log numbers, strings, and lists or dicts of them."""
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **facts}) + "\n")
        if self._curves is not None:
            for name, value in _flat(facts):
                self._curves.add_scalar(name, value, step)
            self._curves.flush()


class Losses:
    """Each term's mean since the last look, kept where it was computed: reading a number makes a GPU wait."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()

    def add(self, terms: dict[str, Tensor]) -> None:
        """Count one step's terms."""
        for name, term in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + term.detach().float()
            self._counts[name] += 1

    def check(self, step: int) -> None:
        """Make sure that every term still is a number.

        Raises:
            WeightsError: one is not.
        """
        for name, total in sorted(self._sums.items(), key=lambda item: item[0] == "loss"):  # the culprit first
            if not math.isfinite(total):
                raise WeightsError(f"the {name} term is no longer a number at step {step}: {AGAIN}")

    def means(self, world: ProcessGroup) -> dict[str, float]:
        """Every term's mean over steps and processes; counting starts anew."""
        here = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        everywhere = world.gather(here)
        names = dict.fromkeys(name for one in everywhere for name in one)
        return {name: sum(one.get(name, 0.0) for one in everywhere) / len(everywhere) for name in names}


def _flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Every number with a name; a dict's entries as ``outer/inner``."""
    numbers: list[tuple[str, float]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            numbers += _flat(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)):
            numbers.append((prefix + name, float(value)))
    return numbers


def _open_tensorboard(folder: Path, after: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError("TensorBoard", "tensorboard") from error
    return SummaryWriter(folder / "tensorboard", purge_step=after + 1 if after else None)
