"""What a folder of runs holds: the log's lines that belong together, with the columns that were kept of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorstyle_lib.errors import DataError
from colorstyle_lib.reproduction.ablations.budgets import SMALL, Budget
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, BASE
from colorstyle_lib.reproduction.ablations.measure import PICTURES
from colorstyle_lib.reproduction.ablations.run import REAL, config_hash, read_log
from colorstyle_lib.reproduction.baselines.method import GRAY
from colorstyle_lib.reproduction.results.measurement_cache import Columns, load_columns
from colorstyle_lib.reproduction.results.store import Provenance


@dataclass(frozen=True)
class Matrix:
    """Trainings on the same pictures, each of the same cost.

    Attributes:
        columns: of each member and seed.
        real: of the real pictures.
        lines: the log's, of the same runs, those of broken trainings among them.
        budget: what was asked for.
    """

    columns: dict[str, dict[int, Columns]]
    real: Columns
    lines: list[dict[str, Any]]
    budget: Budget = SMALL

    @property
    def data(self) -> str:
        """What the pictures are called."""
        return self.lines[0]["data"]

    @property
    def n(self) -> int:
        """How many pictures every member was asked."""
        return len(self.real["colorfulness"])

    @property
    def provenance(self) -> Provenance:
        """Where the numbers come from: the runs' own commits and hardware."""
        options = self.budget.option
        options += " --data ROOT" if self.data == "all" else ""
        asked = {
            "steps": (self.lines[0]["budget"], self.budget.steps),
            "seeds": (1 + max(line["seed"] for line in self.lines), self.budget.seeds),
            "pictures": (self.n, PICTURES if self.data == "all" else self.n),  # the demo has as many as it has
        }
        options += "".join(f" --{name} {mine}" for name, (mine, default) in asked.items() if mine != default)
        command = f"colorstyle ablations run{options}; colorstyle ablations show"
        commits, machines = (sorted({line[key] for line in self.lines}) for key in ("commit", "hardware"))
        return Provenance(command, self.budget.name, ", ".join(commits), ", ".join(machines))

    def steps(self, name: str) -> int:
        """Of a member's trainings; 0 for no model."""
        return next((line["steps"] for line in self.lines if line["ablation"] == name), 0)

    def minutes(self, name: str) -> float:
        """Processor minutes of a member's training, a mean over seeds; 0 for no model."""
        spent = [line["cpu_seconds"] for line in self.lines if line["ablation"] == name and "cpu_seconds" in line]
        return sum(spent) / len(spent) / 60 if spent else 0.0

    def broken(self, name: str) -> int:
        """How many of its trainings ended in losses that are no numbers."""
        return sum(line["ablation"] == name and "problem" in line for line in self.lines)

    def about(self, name: str) -> str:
        """What a reader of a member's numbers must know."""
        if name == GRAY.name:
            return "gray: no model at all"
        broken, trainings = self.broken(name), len(self.columns.get(name, ()))
        lost = f", {broken} training{'s' * (broken > 1)} broke down" if broken else ""
        cost = f"{self.steps(name)} steps, {self.minutes(name):.2g} processor minutes each"
        few = "one training" if trainings == 1 else f"{trainings} trainings"
        return f"{name} (changed: {ABLATIONS[name].changes}): {few} of {cost}{lost}"


def read_matrix(folder: Path, budget: Budget = SMALL) -> Matrix:
    """The runs in a folder that belong together: with the steps and the pictures of the last one of the base.

    Those of members that were something else then are left out.

    Args:
        folder: of :func:`.run_matrix`.
        budget: that its numbers are called by.

    Raises:
        DataError: there is no run of the base, or columns are missing.
    """
    log = [line for line in read_log(folder) if _as_listed(line)]
    last = next((line for line in reversed(log) if line["ablation"] == BASE and "columns" in line), None)
    if last is None:
        raise DataError(f"no run of the base in {str(folder)!r}; train with: colorstyle ablations run{budget.option}")
    alike = [line for line in log if all(line[key] == last[key] for key in ("budget", "material"))]
    lines = list({(line["ablation"], line["seed"]): line for line in alike}.values())
    columns: dict[str, dict[int, Columns]] = {}
    for line in lines:
        if "columns" in line:
            columns.setdefault(line["ablation"], {})[line["seed"]] = _recalled(line["columns"], folder)
    real, gray = (_recalled(f"{name}-{last['material']}", folder) for name in (REAL, GRAY.name))
    columns[GRAY.name] = dict.fromkeys(columns[BASE], gray)  # needs no seed, and is compared with each
    return Matrix(columns, real, lines, budget)


def holds_base(folder: Path) -> bool:
    """Whether a folder has a run that others can be compared with; one that was just begun has none."""
    return any(line["ablation"] == BASE and "columns" in line and _as_listed(line) for line in read_log(folder))


def _as_listed(line: Mapping[str, Any]) -> bool:
    member = ABLATIONS.get(line["ablation"])
    return member is not None and line["config"] == config_hash(member, line["budget"], line["material"])


def _recalled(name: str, folder: Path) -> Columns:
    found = load_columns(name, folder)
    if found is None:
        raise DataError(
            f"{name}.safetensors is missing or damaged; take its line out of the log, and: colorstyle ablations run"
        )
    return found
