"""``figures/results.json``: every number that the texts show, with all that is needed to judge it and make it again.

Below it the cache of measurements: columns on disk, named by everything that they depend on.
"""

import hashlib
import inspect
import json
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.environment import commit, hardware
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write

RESULTS = paths.FIGURES / "results.json"  # the numbers of full runs; others go where they are told
SPREAD = "_seed_sd"  # behind a metric's name: its standard deviation over the seeds of trainings


@dataclass(frozen=True)
class Provenance:
    """The origin of a number."""

    command: str  # makes it again; ``ROOT`` stands for the data root
    mode: str  # how much work the run did
    commit: str  # of the code, with ``+`` where files differed from it
    hardware: str  # that it was computed on

    @classmethod
    def here(cls, command: str, mode: str) -> "Provenance":
        """The provenance of numbers that this process makes."""
        return cls(command, mode, commit(), hardware())


@dataclass(frozen=True)
class Number:
    """One number."""

    metric: str  # what is measured; see :mod:`colorstyle_lib.reproduction.benchmarks.coloring`
    method: str  # that is measured: ``released``, a baseline's name, ``ours``
    data: str  # the pictures' data set
    value: float  # the number
    n: int  # pictures
    interval: tuple[float, float] | None  # 95 % over pictures; None where there is no honest one
    seeds: tuple[int, ...]  # of the trainings behind it
    weights: str | None  # SHA-256 of the weights; None without
    command: str  # these four are the :class:`Provenance`
    mode: str  # how much work the run did
    commit: str  # of the code
    hardware: str  # that it was computed on
    note: str = ""  # what a reader must know
    by_seed: tuple[float, ...] = ()  # of a mean over trainings each one's own value, in the order of ``seeds``

    @property
    def key(self) -> str:
        """The address, such as ``scenes/released/psnr_ab``."""
        return f"{self.data}/{self.method}/{self.metric}"

    @property
    def side(self) -> int:
        """Of a difference 1 or -1 where its interval and every training are above or below 0; else 0."""
        ends = (*(self.interval or (0.0,)), *self.by_seed)
        return 1 if min(ends) > 0 else -1 if max(ends) < 0 else 0

    def text(self, digits: int = 2, scale: float = 1.0) -> str:
        """The number as texts show it: ``28.63 [28.05, 29.20]``, multiplied by ``scale``, such as 100 for percent."""
        shown = f"{scale * self.value:.{digits}f}"
        if self.interval is None:
            return shown
        low, high = (f"{scale * end:.{digits}f}" for end in self.interval)
        return f"{shown} [{low}, {high}]"


def read_results(path: Path = RESULTS) -> dict[str, Number]:
    """All numbers by address; none where there is no file yet. DataError: the file is damaged or of another version."""
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        fields = [{k: tuple(v) if isinstance(v, list) else v for k, v in one.items()} for one in stored.values()]
        numbers = [Number(**one) for one in fields]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path.name} is damaged or of another version ({error}); make it again") from error
    return {number.key: number for number in numbers}


def merge_results(numbers: Sequence[Number], path: Path = RESULTS) -> None:
    """Write numbers beside all others, whole or not at all, one writer at a time. DataError: the file is damaged."""
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    with FileLock(paths.RUNS / f"{path.stem}.lock"):
        merged = read_results(path) | {one.key: one for one in numbers}
        text = json.dumps({key: asdict(merged[key]) for key in sorted(merged)}, indent=1, ensure_ascii=False)
        with atomic_write(path, "w", DataError) as file:
            file.write(text + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a log, one JSON object a line, without one left unfinished; none where there is no file."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def add_line(path: Path, entry: dict[str, Any]) -> None:
    """Add an entry to a log of :func:`read_lines`, at once, so that a run that is stopped can go on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        # The break comes first: a line that a stopped run left unfinished must not swallow the next.
        file.write("\n" + json.dumps(entry))


class CheckResult(NamedTuple):
    """A figure, text or number, held against what it is made of now."""

    name: str  # of what was checked
    said: str  # what was compared, and how far it agrees, or why it was not
    problems: tuple[str, ...] = ()  # what does not agree; none where all does
    skipped: bool = False  # nothing could be compared

    @property
    def lines(self) -> list[str]:
        """For a person: one line, and one for each problem."""
        verdict = "not checked" if self.skipped else "DIFFERS" if self.problems else "agrees"
        return [f"{self.name}: {verdict}: {self.said}", *(f"  {problem}" for problem in self.problems)]


Columns = dict[str, Tensor]  # measurements by name, a row a picture


def cache_key(*parts: str | Tensor | Callable[..., object] | None) -> str:
    """The name of measurements that depend on these parts: hashes, names, pictures, and functions by their source."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            content = part.contiguous().cpu().numpy().tobytes()
        else:
            content = (inspect.getsource(part) if callable(part) else str(part)).encode()
        digest.update(struct.pack("<Q", len(content)) + content)  # with lengths, "ab", "c" is not "a", "bc"
    return digest.hexdigest()[:32]


def load_columns(name: str, folder: Path | None = None) -> Columns | None:
    """The columns of this name in a folder, by default ``runs/measured``; None where they are missing or damaged."""
    try:
        return load(((folder or paths.RUNS / "measured") / f"{name}.safetensors").read_bytes())
    except (OSError, SafetensorError):
        return None


def save_columns(name: str, columns: Columns, folder: Path | None = None) -> None:
    """Write columns under a name; see :func:`load_columns`. DataError: the folder cannot be written to."""
    with atomic_write((folder or paths.RUNS / "measured") / f"{name}.safetensors", error=DataError) as file:
        file.write(save({column: values.contiguous() for column, values in columns.items()}))


def cached(compute: Callable[[], Columns], *parts: str | Tensor | Callable[..., object] | None) -> Columns:
    """Columns from ``runs/measured``, computed and kept where they are not there; parts as of :func:`.cache_key`."""
    key = cache_key(*parts)
    if (columns := load_columns(key)) is None:
        columns = compute()
        save_columns(key, columns)
    return columns
