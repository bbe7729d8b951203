"""Runs of the ablations: what is not in the log yet is trained, measured and logged, so a run that was killed goes on.

Every training costs the same processor time: a member whose steps are dear has fewer of them. What a step costs is
measured once, beside the base's, and kept; so how busy the machine is later changes nothing, and a run can be repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from colorstyle_lib.data.batches import ImageStore
from colorstyle_lib.environment import commit, hardware
from colorstyle_lib.errors import DataError, WeightsError
from colorstyle_lib.files import atomic_write, file_lock
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.ablations import configs
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, BASE, SMALL, Ablation, Scale
from colorstyle_lib.reproduction.ablations.measure import PICTURES, ValidationSet, measure, measure_all, measure_real
from colorstyle_lib.reproduction.ablations.train import clock, new_learner, train_member
from colorstyle_lib.reproduction.baselines.method import GRAY
from colorstyle_lib.reproduction.baselines.pix2pix import BATCH_SIZE
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, cache_key, load_columns, save_columns

_LOG, _COSTS, _REAL = "log.jsonl", "costs.json", "real"
_TOGETHER = 5  # members whose seeds are done before the next ones begin
_SHORT = 10  # steps of a run that only costs are measured on: all stages, at their shares


def run_matrix(
    store: ImageStore,
    pictures: ValidationSet,
    folder: Path,
    *,
    names: Sequence[str] = (),
    seeds: int = SMALL.seeds,
    steps: int = SMALL.steps,
) -> list[dict[str, Any]]:
    """Train and measure what the log does not have yet.

    Args:
        store: pictures to train on.
        pictures: to measure on.
        folder: for the log, which :func:`read_log` reads, and the columns.
        names: of :data:`.ABLATIONS`; empty for all.
        seeds: 0 upwards, of weights and batches.
        steps: of the base; of the others as many as take the same processor time.

    Returns:
        The log's lines of what was asked for.

    Raises:
        ConfigError: no member of a name. DataError: the folder cannot be written to.
    """
    members = [configs.get_ablation(name) for name in names] or list(ABLATIONS.values())
    groups = [members[start : start + _TOGETHER] for start in range(0, len(members), _TOGETHER)]
    network = pretrained_efficientnet_lite0()
    material = cache_key(pictures.squares, pictures.halves, *store.names)
    save_columns(f"{_REAL}-{material}", measure_real(pictures, network), folder)
    save_columns(f"{GRAY.name}-{material}", measure(GRAY, pictures, network), folder)
    done, asked = {(line["config"], line["seed"]): line for line in read_log(folder)}, []
    for member, seed in ((member, seed) for group in groups for seed in range(seeds) for member in group):
        config = config_hash(member, steps, material)
        if (config, seed) not in done:
            own = max(1, round(steps / cost_of(member, store, folder)))
            line = {"ablation": member.name, "seed": seed, "config": config, "steps": own, "n": len(pictures)}
            line |= {"train": len(store), "commit": commit(), "hardware": hardware()}
            line |= _train(member, store, pictures, network, seed, own, folder / f"{member.name}-{config}-{seed}")
            done[config, seed] = line | {"data": pictures.data, "material": material, "budget": steps}
            with file_lock(folder / "log.lock"):  # the line is added whole or not at all
                log = folder / _LOG
                before = log.read_text(encoding="utf-8") if log.is_file() else ""
                with atomic_write(log, "w", DataError) as file:
                    file.write(before + json.dumps(done[config, seed]) + "\n")
        asked.append(done[config, seed])
    return asked


def _train(
    member: Ablation,
    store: ImageStore,
    pictures: ValidationSet,
    network: EfficientNetLite0,
    seed: int,
    steps: int,
    file: Path,
) -> dict[str, Any]:
    """What a training adds to its line of the log; its columns are kept before that is written."""
    try:
        method, spent = train_member(member, store, seed=seed, steps=steps)
    except WeightsError as error:  # a training that breaks down is a result, too
        print(f"{member.name} {seed}: {error}", flush=True)
        return {"problem": str(error)}
    columns = measure_all(method, pictures, network, configs.CONDITIONS if member.name == BASE else ())
    save_columns(file.name, columns, file.parent)
    means = {key: round(values.mean().item(), 4) for key, values in columns.items() if values.ndim == 1}
    print(f"{member.name} {seed}: {steps} steps in {spent:.0f} s, PSNR ab {means['psnr_ab']:.2f} dB", flush=True)
    return {"cpu_seconds": round(spent, 2), "means": means, "columns": file.name}


def config_hash(member: Ablation, steps: int, material: str) -> str:
    """A name for everything that a training's result depends on, but its seed and the machine.

    Only fields that differ from their defaults count, so a field that is added later changes no name. ``steps`` are of
    the base, and ``material`` is a name for the pictures.
    """
    preset: Any = {"pix2pix": configs.SIDE, "batch_size": BATCH_SIZE}
    if member.preset is not None:
        parts = (member.preset.generator, member.preset.discriminator, member.preset.training)
        preset = [{f.name: getattr(p, f.name) for f in fields(p) if getattr(p, f.name) != f.default} for p in parts]
    facts = {"preset": preset, "held": dict(member.held), "steps": steps, "material": material}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def cost_of(member: Ablation, store: ImageStore, folder: Path) -> float:
    """The cost of a member's training, in trainings of the base of as many steps; measured once, then kept in a folder.

    A short run of each, step by step in turn, so that what else the machine has to do slows both alike.

    Raises:
        DataError: the folder cannot be written to, or what it holds is damaged.
    """
    if member.name == BASE:
        return 1.0
    path, name = folder / _COSTS, config_hash(member, 0, "")
    try:
        costs = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise DataError(f"{str(path)!r} is damaged ({error}); delete it") from error
    if name not in costs:
        learners = [new_learner(one, store, 0) for one in (member, ABLATIONS[BASE])]
        for index in range(2):  # the first steps of all are slower
            for learner in learners:
                learner.gradient_step(learner.draw(index), index, index, _SHORT)
        spent = [0.0, 0.0]
        for index in range(_SHORT):
            for i, learner in enumerate(learners):
                started = clock()
                learner.gradient_step(learner.draw(index), index, index, _SHORT)
                spent[i] += clock() - started
        costs[name] = round(spent[0] / spent[1], 3)
        with atomic_write(path, "w", DataError) as file:
            file.write(json.dumps(costs, indent=1) + "\n")
    return costs[name]


def read_log(folder: Path) -> list[dict[str, Any]]:
    """One line for each training that is done; none where there is no log.

    Raises:
        DataError: the log is damaged.
    """
    path = folder / _LOG
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise DataError(f"{str(path)!r} is damaged ({error}); delete its damaged lines, and run again") from error


@dataclass(frozen=True)
class Matrix:
    """Trainings on the same pictures, each of the same cost."""

    columns: dict[str, dict[int, Columns]]  # of each member and seed
    real: Columns  # of the real pictures
    lines: list[dict[str, Any]]  # the log's, of the same runs, those of broken trainings among them
    scale: Scale = SMALL  # that was asked for

    @property
    def data(self) -> str:
        """The name of the data."""
        return self.lines[0]["data"]

    @property
    def n(self) -> int:
        """How many pictures every member was measured on."""
        return len(self.real["colorfulness"])

    @property
    def cost(self) -> str:
        """The cost of each training, in words."""
        steps = self.lines[0]["budget"]
        return f"each as dear as {steps} steps of the base, {self.minutes(BASE):.2g} processor minutes"

    @property
    def provenance(self) -> Provenance:
        """Where the numbers come from: the runs' own commits and hardware."""
        options = self.scale.option + (" --data ROOT" if self.data == "all" else "")
        asked = {
            "steps": (self.lines[0]["budget"], self.scale.steps),
            "seeds": (1 + max(line["seed"] for line in self.lines), self.scale.seeds),
            "pictures": (self.n, PICTURES if self.data == "all" else self.n),  # the demo has as many as it has
        }
        options += "".join(f" --{name} {mine}" for name, (mine, default) in asked.items() if mine != default)
        command = f"colorstyle ablations run{options}; colorstyle ablations show"
        commits, machines = (sorted({line[key] for line in self.lines}) for key in ("commit", "hardware"))
        return Provenance(command, self.scale.name, ", ".join(commits), ", ".join(machines))

    def number(self, metric: str, method: str, estimate: Estimate, **facts: Any) -> Number:
        """A number of these trainings; ``facts`` as in :meth:`.Number.of`."""
        return Number.of(metric, method, self.data, estimate, self.provenance, **facts)

    def steps(self, name: str) -> int:
        """Of a member's trainings; 0 for no model."""
        return next((line["steps"] for line in self.lines if line["ablation"] == name), 0)

    def minutes(self, name: str) -> float:
        """Processor minutes of a member's training, a mean over seeds; 0 for no model."""
        spent = [line["cpu_seconds"] for line in self.lines if line["ablation"] == name and "cpu_seconds" in line]
        return sum(spent) / len(spent) / 60 if spent else 0.0

    def about(self, name: str) -> str:
        """What a reader of a member's numbers must know."""
        if name == GRAY.name:
            return "gray: no model at all"
        broken = sum(line["ablation"] == name and "problem" in line for line in self.lines)
        trainings = len(self.columns.get(name, ()))
        lost = f", {broken} training{'s' * (broken > 1)} broke down" if broken else ""
        cost = f"{self.steps(name)} steps, {self.minutes(name):.2g} processor minutes each"
        few = "one training" if trainings == 1 else f"{trainings} trainings"
        return f"{name} (changed: {ABLATIONS[name].changes}): {few} of {cost}{lost}"


def read_matrix(folder: Path, scale: Scale = SMALL) -> Matrix:
    """The runs in a folder of :func:`run_matrix` that belong together: with steps and pictures of the base's last one.

    Raises:
        DataError: there is no run of the base, or columns are missing.
    """
    log = _as_listed(folder)
    last = next((line for line in reversed(log) if line["ablation"] == BASE and "columns" in line), None)
    if last is None:
        raise DataError(f"no run of the base in {str(folder)!r}; train with: colorstyle ablations run{scale.option}")
    alike = [line for line in log if all(line[key] == last[key] for key in ("budget", "material"))]
    lines = list({(line["ablation"], line["seed"]): line for line in alike}.values())
    columns: dict[str, dict[int, Columns]] = {}
    for line in lines:
        if "columns" in line:
            columns.setdefault(line["ablation"], {})[line["seed"]] = _recalled(line["columns"], folder)
    real, gray = (_recalled(f"{name}-{last['material']}", folder) for name in (_REAL, GRAY.name))
    columns[GRAY.name] = dict.fromkeys(columns[BASE], gray)  # needs no seed, and is compared with each
    return Matrix(columns, real, lines, scale)


def holds_base(folder: Path) -> bool:
    """Whether a folder has a run that others can be compared with; one that was just begun has none."""
    return any(line["ablation"] == BASE and "columns" in line for line in _as_listed(folder))


def _as_listed(folder: Path) -> list[dict[str, Any]]:
    """The log's lines of members that still are what they were then."""
    return [
        line
        for line in read_log(folder)
        if (member := ABLATIONS.get(line["ablation"]))
        and line["config"] == config_hash(member, line["budget"], line["material"])
    ]


def _recalled(name: str, folder: Path) -> Columns:
    found = load_columns(name, folder)
    if found is None:
        raise DataError(
            f"{name}.safetensors is missing or damaged; take its line out of the log, and: colorstyle ablations run"
        )
    return found
