"""Checkpoints: training states that a run can be resumed from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from colorstyle_lib.errors import WeightsError
from colorstyle_lib.files import atomic_write

STATE = "state.pt"
_BEFORE = "state.before.pt"


def save_state(state: dict[str, Any], folder: Path) -> None:
    """Write a training state (tensors, numbers, strings, dicts, lists) as ``state.pt``, and keep the one before.

    Either is replaced whole or not at all: at every moment there is a state to go on from.
    """
    path = folder / STATE
    with atomic_write(folder / "state.next.pt") as stream:
        torch.save(state, stream)
    if path.exists():
        path.replace(folder / _BEFORE)
    (folder / "state.next.pt").replace(path)


def load_state(folder: Path) -> dict[str, Any]:
    """Read the last training state, or the one before where that is damaged; no code in the file is executed.

    Raises:
        WeightsError: there is none, or both are damaged.
    """
    problem = None
    for path in (folder / STATE, folder / _BEFORE):
        if not path.is_file():
            continue
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises half a dozen kinds for a damaged file
            problem = problem or WeightsError(f"{str(path)!r} is damaged or no training state: {_first_line(error)}")
            continue
        if problem is not None:
            print(f"{problem}; going on from {path.name}, step {state['step']}", file=sys.stderr)
        return state
    raise problem or WeightsError(f"no training state at {str(folder / STATE)!r}; start without --resume")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
