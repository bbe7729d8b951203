"""Parameters and multiply-adds of each preset's generator and discriminator, counted by running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from colorstyle_lib.config import PRESETS, Preset
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.generator import Generator

LARGE = 256
"""The size at which all presets are compared, in pixels."""

# The parts of either network that attention needs: it measures the modalities, then weighs and uses them.
_ATTENTION = {"Generator": ("describe", "steering"), "Discriminator": ("describe", "evidence")}


@dataclass(frozen=True)
class ModelCost:
    """The cost of one network on one square picture."""

    preset: str  # its name
    network: str  # ``generator`` or ``discriminator``
    learned: int  # parameters that training changes
    frozen: int  # parameters that it does not
    size: int  # side of the picture, in pixels
    multiply_adds: int  # of all convolutions and matrix products; what works element by element is not counted
    attention: int  # the part of them that measures the modalities and weighs them


def count(network: Generator | Discriminator, size: int, preset: str = "") -> ModelCost:
    """Count the cost of coloring one gray picture, or of judging one picture.

    Multiply-adds are half of what torch's ``FlopCounterMode`` counts. A reference or a z would cost a little more. The
    network, on the CPU, is left in evaluation mode. ``size`` is the picture's side in pixels, a multiple of what the
    network halves; ``preset`` is the name to note.

    Raises:
        ConfigError: the size does not fit the network.
    """
    gray = torch.full((1, 1, size, size), 50.0)
    picture = gray_content(gray) if isinstance(network, Generator) else torch.zeros(1, 3, size, size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(picture)
    by_module, name = counter.get_flop_counts(), type(network).__name__
    parts = {f"{name}.{part}" for part in _ATTENTION[name] if network.config.attention != "none"}
    # Of a ModuleDict, which is never called itself, each entry.
    within = [module for module in by_module if {module, module.rpartition(".")[0]} & parts]
    attention = sum(sum(by_module[module].values()) for module in within)
    learned, frozen = (
        sum(p.numel() for p in network.parameters() if p.requires_grad == wanted) for wanted in (True, False)
    )
    total = counter.get_total_flops()
    return ModelCost(preset, name.lower(), learned, frozen, size, total // 2, attention // 2)


def cost_table(presets: Mapping[str, Preset] = PRESETS, sizes: Sequence[int | None] = (None, LARGE)) -> list[ModelCost]:
    """Count both networks of every preset at sizes in pixels; None is the preset's own working size.

    Raises:
        ConfigError: no size.
    """
    if not sizes:
        raise ConfigError("name at least one size to count at; None is the preset's own")
    return [
        count(network, size or preset.generator.working_size, name)
        for name, preset in presets.items()
        for network in (Generator(preset.generator), Discriminator(preset.discriminator))
        for size in sizes
    ]


def as_markdown(rows: Sequence[ModelCost]) -> str:
    """The table as Markdown: parameters in thousands, multiply-adds in millions."""
    lines = [
        "| preset | network | learned | frozen | size | multiply-adds | of these attention |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.preset} | {row.network} | {row.learned / 1e3:,.0f} k | {row.frozen / 1e3:,.0f} k "
            f"| {row.size} px | {row.multiply_adds / 1e6:,.0f} M | {row.attention / row.multiply_adds:.0%} |"
        )
    return "\n".join(lines)
