"""Weights files (safetensors, no pickle) that carry the configuration of their generator."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from colorstyle_lib.config import GeneratorConfig, change
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.files import atomic_write, file_hash
from colorstyle_lib.model.generator import Generator

_UNREAD = "num_batches_tracked"  # counts steps of batch norm; nothing reads it


def save_generator(generator: Generator, path: Path, **facts: str) -> str:
    """Write a generator's weights in half precision to a ``.safetensors`` file, replaced whole or not at all.

    Its configuration goes inside, with facts such as preset and steps. Returns the file's SHA-256.
    """
    tensors = {
        name: (value.detach().to("cpu", torch.float16) if value.is_floating_point() else value.cpu()).contiguous()
        for name, value in generator.state_dict().items()
        if not name.endswith(_UNREAD)
    }
    with atomic_write(path) as stream:
        stream.write(save(tensors, {"generator": json.dumps(asdict(generator.config)), **facts}))
    return file_hash(path)


def load_generator(path: Path, *, expected_hash: str | None = None) -> Generator:
    """Build the generator that a file of :func:`save_generator` describes (evaluation mode, float32, CPU).

    Raises:
        WeightsError: the file is missing, damaged, not ours, or has another SHA-256 than expected.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {str(path)!r}; train some with: colorstyle train")
    if expected_hash is not None and file_hash(path) != expected_hash:
        raise WeightsError(f"{path.name} is not the file its card describes (SHA-256 differs); get it again")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        stored = json.loads(metadata["generator"])  # JSON knows no tuples
        config = change(GeneratorConfig(), **{k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()})
        generator = Generator(config)
        missing, unknown = generator.load_state_dict(tensors, strict=False)
    except (SafetensorError, KeyError, json.JSONDecodeError, ConfigError, RuntimeError) as error:
        raise WeightsError(f"{path.name} holds no generator of this version of colorstyle: {error}") from error
    if wrong := [*(name for name in missing if not name.endswith(_UNREAD)), *unknown]:
        raise WeightsError(f"{path.name} does not fit this version of colorstyle: {wrong[0]!r} differs")
    return generator.float().eval().requires_grad_(False)
