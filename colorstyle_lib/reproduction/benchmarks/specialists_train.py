"""The trainings of one model and two specialists, read from folders: one seed a folder, else all alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from colorstyle_lib.config import differing
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.reproduction.baselines.method import ColorMethod, contestant, read_config
from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS


def read_trainings(folders: Sequence[Path]) -> dict[str, list[ColorMethod]]:
    """Each of :data:`.SPECIALISTS`, once a folder and in their order.

    Every note tells the steps of all trainings of its name: so a reader sees that all had about as many.

    Args:
        folders: each with the folders of ``colorstyle opponents``.

    Raises:
        WeightsError: one is not trained yet or is damaged; or of several folders two hold the same seed, one holds
            different seeds, or trainings differ in more than their seed.
    """
    for folder in folders:
        if missing := [name for name in SPECIALISTS if not _weights(folder, name).is_file()]:
            alike = " --seed ITS_OWN --minutes AS_THE_OTHERS" if len(folders) > 1 else ""
            again = f"colorstyle opponents {' '.join(SPECIALISTS)} --output {folder}{alike}"
            raise WeightsError(f"not trained yet: {', '.join(missing)}; run: {again}")
    found = {name: [contestant(name, _weights(folder, name)) for folder in folders] for name in SPECIALISTS}
    if len(folders) > 1:
        _check_seeds(folders, found)
        _check_alike(folders)
    return {
        name: [replace(one, note=f"{one.note}, in {_steps(folders, name)} steps") for one in trainings]
        for name, trainings in found.items()
    }


def _weights(folder: Path, name: str) -> Path:
    return folder / name / f"{name}.safetensors"


def _check_seeds(folders: Sequence[Path], found: dict[str, list[ColorMethod]]) -> None:
    by_seed: dict[tuple[int, ...], Path] = {}
    for folder, trainings in zip(folders, zip(*found.values(), strict=True), strict=True):
        seeds = trainings[0].seeds
        if not seeds or {one.seeds for one in trainings} != {seeds}:
            raise WeightsError(f"the trainings in {str(folder)!r} are not of one seed; train them with the same --seed")
        if seeds in by_seed:
            both = f"{str(by_seed[seeds])!r} and {str(folder)!r}"
            raise WeightsError(f"{both} are both of seed {seeds[0]}; name folders of different seeds")
        by_seed[seeds] = folder


def _check_alike(folders: Sequence[Path]) -> None:
    """A mean over seeds is one of the same recipe, time and pictures."""
    for name in SPECIALISTS:
        for folder in folders[1:]:
            before, after = ({**read_config(one / name), "seed": None} for one in (folders[0], folder))
            if others := differing(before, after):
                raise WeightsError(
                    f"{name} in {str(folder)!r} differs from {str(folders[0])!r} in more than its seed: "
                    f"{', '.join(others)}"
                )


def _steps(folders: Sequence[Path], name: str) -> str:
    """How many steps the time was enough for, such as ``375 and 402``."""
    counts = []
    for path in (folder / name / "log.jsonl" for folder in folders):
        try:
            counts.append(str(json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["step"]))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise WeightsError(f"{str(path)!r} is missing or damaged ({error}); train {name} again") from error
    return " and ".join(counts)
