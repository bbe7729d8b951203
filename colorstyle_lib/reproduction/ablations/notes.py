"""What a number's note tells of each single training, as it is written and read again."""

from __future__ import annotations

from collections.abc import Sequence

from colorstyle_lib.reproduction.results.store import Number

_BY_SEED = "by seed "


def told_by_seed(values: Sequence[float]) -> str:
    """For a note, which goes on behind a semicolon: ``by seed +0.1, -0.2``."""
    return _BY_SEED + ", ".join(f"{value:+.4g}" for value in values)


def by_training(number: Number) -> list[float]:
    """Each training's own value, where the number's note tells them."""
    _, told, rest = number.note.partition(_BY_SEED)
    return [float(value) for value in rest.partition(";")[0].split(",")] if told else []
