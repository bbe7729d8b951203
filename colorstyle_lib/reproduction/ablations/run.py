"""Runs the matrix: what is not in the log yet is trained, measured and logged, so a run that was killed goes on.

Every training costs the same processor time: a member whose steps are dear has fewer of them. What a step costs is
measured once, beside the base's, and kept; so how busy the machine is later changes nothing, and a run can be repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from colorstyle_lib.data.batches import ImageStore
from colorstyle_lib.environment import commit, hardware
from colorstyle_lib.errors import DataError, WeightsError
from colorstyle_lib.files import atomic_write, file_lock
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.ablations.budgets import SMALL
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, BASE, CONDITIONS, SIDE, Ablation, get_ablation
from colorstyle_lib.reproduction.ablations.measure import ValidationSet, measure, measure_attention, measure_real
from colorstyle_lib.reproduction.ablations.train import PIX2PIX_BATCH, clock, new_learner, train_member
from colorstyle_lib.reproduction.baselines.method import GRAY
from colorstyle_lib.reproduction.results.measurement_cache import cache_key, save_columns

LOG = "log.jsonl"
COSTS = "costs.json"
REAL = "real"
"""What the real pictures' columns are kept as."""

_TOGETHER = 5  # members whose seeds are done before the next ones begin
_SHORT = 10  # steps of a run that only costs are measured on: all stages, at their shares


def run_matrix(
    store: ImageStore,
    exam: ValidationSet,
    folder: Path,
    *,
    names: Sequence[str] = (),
    seeds: int = SMALL.seeds,
    steps: int = SMALL.steps,
) -> list[dict[str, Any]]:
    """Train and measure what the log does not have yet.

    Args:
        store: training pictures.
        exam: pictures to measure on.
        folder: for the log and the columns; see :func:`read_log`.
        names: of :data:`.ABLATIONS`; empty for all.
        seeds: 0 upwards, of weights and batches.
        steps: of the base; of the others as many as take the same processor time.

    Returns:
        The log's lines of what was asked for.

    Raises:
        ConfigError: no member of a name. DataError: the folder cannot be written to.
    """
    members = [get_ablation(name) for name in names] or list(ABLATIONS.values())
    network = pretrained_efficientnet_lite0()
    material = cache_key(exam.squares, exam.halves, *store.names)
    for name, columns in ((REAL, measure_real(exam, network)), (GRAY.name, measure(GRAY, exam, network))):
        save_columns(f"{name}-{material}", columns, folder)
    done = {(line["config"], line["seed"]): line for line in read_log(folder)}
    asked = []
    for start in range(0, len(members), _TOGETHER):
        for seed in range(seeds):
            for member in members[start : start + _TOGETHER]:
                config = config_hash(member, steps, material)
                if (config, seed) not in done:
                    own = round(steps / cost_of(member, store, folder))
                    line = _run(member, store, exam, folder, network, seed=seed, steps=max(1, own), config=config)
                    done[config, seed] = line | {"data": exam.data, "material": material, "budget": steps}
                    append_line(folder, done[config, seed])
                asked.append(done[config, seed])
    return asked


def config_hash(member: Ablation, steps: int, material: str) -> str:
    """A name for everything that a training's result depends on, but its seed and the machine.

    Of a configuration what differs from the defaults: a field that is added later changes no name.

    Args:
        member: its networks, its training, and the weights that it holds.
        steps: of the base, which are everybody's budget.
        material: a name for the pictures.
    """
    preset: Any = {"pix2pix": SIDE, "batch_size": PIX2PIX_BATCH}
    if member.preset is not None:
        preset = [_changed(part) for part in (member.preset.generator, member.preset.discriminator)]
        preset.append(_changed(member.preset.training))
    facts = {"preset": preset, "held": dict(member.held), "steps": steps, "material": material}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _changed(config: Any) -> dict[str, Any]:
    return {f.name: getattr(config, f.name) for f in fields(config) if getattr(config, f.name) != f.default}


def read_log(folder: Path) -> list[dict[str, Any]]:
    """One line for each training that is done; none where there is no log.

    Raises:
        DataError: the log is damaged.
    """
    path = folder / LOG
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise DataError(f"{str(path)!r} is damaged ({error}); delete its damaged lines, and run again") from error


def append_line(folder: Path, line: Mapping[str, Any]) -> None:
    """Add a line to the log, whole or not at all.

    Raises:
        DataError: the folder cannot be written to.
    """
    path = folder / LOG
    with file_lock(folder / "log.lock"):
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        with atomic_write(path, "w", DataError) as file:
            file.write(before + json.dumps(line) + "\n")


def _run(
    member: Ablation,
    store: ImageStore,
    exam: ValidationSet,
    folder: Path,
    network: EfficientNetLite0,
    *,
    seed: int,
    steps: int,
    config: str,
) -> dict[str, Any]:
    """Train and measure one; its columns are kept before its line is written."""
    facts: dict[str, Any] = {"ablation": member.name, "seed": seed, "config": config, "steps": steps}
    facts |= {"n": len(exam), "train": len(store), "commit": commit(), "hardware": hardware()}
    try:
        method, spent = train_member(member, store, seed=seed, steps=steps)
    except WeightsError as error:  # a training that breaks down is a result, too
        print(f"{member.name} {seed}: {error}", flush=True)
        return facts | {"problem": str(error)}
    columns = measure(method, exam, network)
    if method.generator is not None and method.generator.steering:
        columns |= measure_attention(method.generator, exam)
    if member.name == BASE and method.generator is not None:
        for condition in CONDITIONS:
            measured = measure(method, exam, network, condition)
            columns |= {f"{condition}/{name}": values for name, values in measured.items()}
    name = f"{member.name}-{config}-{seed}"
    save_columns(name, columns, folder)
    means = {key: round(values.mean().item(), 4) for key, values in columns.items() if values.ndim == 1}
    print(f"{member.name} {seed}: {steps} steps in {spent:.0f} s, PSNR ab {means['psnr_ab']:.2f} dB", flush=True)
    return facts | {"cpu_seconds": round(spent, 2), "means": means, "columns": name}


def cost_of(member: Ablation, store: ImageStore, folder: Path) -> float:
    """What a member's training costs, in trainings of the base of as many steps; measured once, then remembered.

    A short run of each, step by step in turn, so that what else the machine has to do slows both alike.

    Args:
        member: of the matrix.
        store: training pictures.
        folder: where costs are kept.

    Raises:
        DataError: the folder cannot be written to, or what it holds is damaged.
    """
    if member.name == BASE:
        return 1.0
    path, name = folder / COSTS, config_hash(member, 0, "")
    try:
        costs = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise DataError(f"{str(path)!r} is damaged ({error}); delete it") from error
    if name not in costs:
        learners = [new_learner(one, store, 0) for one in (member, ABLATIONS[BASE])]
        for index in range(2):  # the first steps of all are slower
            for learner in learners:
                learner.step(index, _SHORT)
        spent = [0.0, 0.0]
        for index in range(_SHORT):
            for i, learner in enumerate(learners):
                started = clock()
                learner.step(index, _SHORT)
                spent[i] += clock() - started
        costs[name] = round(spent[0] / spent[1], 3)
        with atomic_write(path, "w", DataError) as file:
            file.write(json.dumps(costs, indent=1) + "\n")
    return costs[name]
