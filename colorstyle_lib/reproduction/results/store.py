"""``figures/results.json``: every number that the texts show, with what it takes to judge it and to make it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from colorstyle_lib import paths
from colorstyle_lib.environment import commit, hardware
from colorstyle_lib.errors import DataError, nearest
from colorstyle_lib.files import atomic_write, file_lock
from colorstyle_lib.metrics.bootstrap import Estimate

RESULTS = paths.FIGURES / "results.json"
"""The numbers of full runs; others go where they are told."""

_BY_SEED = "by seed "


@dataclass(frozen=True)
class Provenance:
    """Where a number comes from.

    Attributes:
        command: makes it again; ``ROOT`` stands for the data root.
        mode: how much work the run did.
        commit: of the code, with ``+`` where files differed from it.
        hardware: what it was computed on.
    """

    command: str
    mode: str
    commit: str
    hardware: str

    @classmethod
    def here(cls, command: str, mode: str) -> Provenance:
        """Of this process."""
        return cls(command, mode, commit(), hardware())


@dataclass(frozen=True)
class Number:
    """One number.

    Attributes:
        metric: what is measured; see :mod:`.coloring`.
        method: of what: ``released``, an opponent's name, ``ours`` ...
        data: on which pictures.
        value: the number.
        n: pictures.
        interval: 95 % over pictures; None where there is no honest one.
        seeds: of the trainings behind it.
        weights: SHA-256 of the weights; None without.
        command: see :class:`Provenance`, as the three below.
        mode: see there.
        commit: see there.
        hardware: see there.
        note: what a reader must know.
    """

    metric: str
    method: str
    data: str
    value: float
    n: int
    interval: tuple[float, float] | None
    seeds: tuple[int, ...]
    weights: str | None
    command: str
    mode: str
    commit: str
    hardware: str
    note: str = ""

    @classmethod
    def of(
        cls,
        metric: str,
        method: str,
        data: str,
        estimate: Estimate,
        provenance: Provenance,
        *,
        weights: str | None = None,
        seeds: tuple[int, ...] = (),
        sure: bool = True,
        note: str = "",
    ) -> Number:
        """A number from an estimate.

        Args:
            metric: see :class:`Number`, as the rest.
            method: see there.
            data: see there.
            estimate: value and interval.
            provenance: of the run.
            weights: see there.
            seeds: see there.
            sure: whether the interval is an honest one.
            note: see there.
        """
        interval = (estimate.low, estimate.high) if sure else None
        return cls(
            metric, method, data, estimate.value, estimate.n, interval, seeds, weights, **asdict(provenance), note=note
        )

    @property
    def key(self) -> str:
        """Its address."""
        return f"{self.data}/{self.method}/{self.metric}"

    def text(self, digits: int = 2, scale: float = 1.0) -> str:
        """As texts show it: ``28.63 [28.05, 29.20]``.

        Args:
            digits: after the point.
            scale: to multiply with, such as 100 for percent.
        """
        shown = f"{scale * self.value:.{digits}f}"
        if self.interval is None:
            return shown
        low, high = (f"{scale * end:.{digits}f}" for end in self.interval)
        return f"{shown} [{low}, {high}]"


def seed_note(values: Sequence[float]) -> str:
    """Each training's own value, as the beginning of a note: ``by seed +0.1, -0.2``."""
    return _BY_SEED + ", ".join(f"{value:+.4g}" for value in values)


def seed_values(number: Number) -> list[float]:
    """Each training's own value, read from a number's note; empty where the note has none."""
    _, found, rest = number.note.partition(_BY_SEED)
    return [float(value) for value in rest.partition(";")[0].split(",")] if found else []


def read_results(path: Path = RESULTS) -> dict[str, Number]:
    """All numbers by address; none where there is no file yet.

    Raises:
        DataError: the file is damaged or of another version.
    """
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        numbers = [Number(**_with_tuples(one)) for one in stored.values()]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path.name} is damaged or of another version ({error}); make it again") from error
    return {number.key: number for number in numbers}


def number(key: str, path: Path = RESULTS) -> Number:
    """The number at an address, such as ``scenes/released/psnr_ab``.

    Raises:
        DataError: there is none; the message names the nearest address.
    """
    numbers = read_results(path)
    if key not in numbers:
        raise DataError(f"{path.name} has no number {key!r}{nearest(key, numbers) if numbers else ': it is empty'}")
    return numbers[key]


def merge_results(numbers: Mapping[str, Number] | list[Number], path: Path = RESULTS) -> None:
    """Put numbers at their addresses and leave all others as they are; whole or not at all, one writer at a time.

    Raises:
        DataError: the file that is there is damaged.
    """
    new = numbers.values() if isinstance(numbers, Mapping) else numbers
    path.parent.mkdir(parents=True, exist_ok=True)
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    with file_lock(paths.RUNS / f"{path.stem}.lock"):
        merged = read_results(path) | {one.key: one for one in new}
        text = json.dumps({key: asdict(merged[key]) for key in sorted(merged)}, indent=1, ensure_ascii=False)
        with atomic_write(path, "w", DataError) as file:
            file.write(text + "\n")


def _with_tuples(stored: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
