"""Weights that carry what they are (safetensors, no pickle), and training states that a run can go on from."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from colorstyle_lib.config import GeneratorConfig, change
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.images.write import atomic_write
from colorstyle_lib.model.generator import Generator


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def save_generator(generator: Generator, path: Path, **facts: str) -> str:
    """Write a generator's weights in half precision, with its configuration inside the file.

    Args:
        generator: what to keep.
        path: a ``.safetensors`` file; replaced whole or not at all.
        **facts: strings to keep beside the weights (preset, steps, ...).

    Returns:
        The file's SHA-256.
    """
    tensors = {
        name: (value.detach().to("cpu", torch.float16) if value.is_floating_point() else value.cpu()).contiguous()
        for name, value in generator.state_dict().items()
        if not name.endswith("num_batches_tracked")  # counts steps of batch norm; nothing reads it
    }
    metadata = {"generator": json.dumps(asdict(generator.config)), **facts}
    with atomic_write(path) as stream:
        stream.write(save(tensors, metadata))
    return file_hash(path)


def load_generator(path: Path, *, expected_hash: str | None = None) -> Generator:
    """Build the generator that a weights file describes, ready for use (evaluation mode, float32, CPU).

    Args:
        path: a ``.safetensors`` file written by :func:`save_generator`.
        expected_hash: SHA-256 that the file must have.

    Raises:
        WeightsError: the file is missing, damaged, not ours, or has another hash.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {str(path)!r}; train some with: colorstyle train")
    if expected_hash is not None and file_hash(path) != expected_hash:
        raise WeightsError(f"{path.name} is not the file its card describes (SHA-256 differs); get it again")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        stored = json.loads(metadata["generator"])  # JSON knows no tuples
        config = change(GeneratorConfig(), **{k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()})
        generator = Generator(config)
        missing, unknown = generator.load_state_dict(tensors, strict=False)
    except (SafetensorError, KeyError, json.JSONDecodeError, ConfigError, RuntimeError) as error:
        raise WeightsError(f"{path.name} holds no generator of this version of colorstyle: {error}") from error
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unknown:
        raise WeightsError(f"{path.name} does not fit this version of colorstyle: {(missing + unknown)[0]!r} differs")
    return generator.float().eval().requires_grad_(False)


STATE = "state.pt"
_BEFORE = "state.before.pt"


def save_state(state: dict[str, Any], folder: Path) -> None:
    """Write a training state (tensors, numbers, strings, dicts, lists) as ``state.pt``, and keep the one before.

    Either is replaced whole or not at all: at every moment there is one to go on from.
    """
    path = folder / STATE
    with atomic_write(folder / "state.next.pt") as stream:
        torch.save(state, stream)
    if path.exists():
        path.replace(folder / _BEFORE)
    (folder / "state.next.pt").replace(path)


def load_state(folder: Path) -> dict[str, Any]:
    """Read the last training state, or the one before where that is damaged; nothing that stands in it is executed.

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


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, to start a training from.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    return {name: value.float() for name, value in load_generator(path).state_dict().items()}
