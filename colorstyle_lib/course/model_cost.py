"""What the presets cost: parameters and multiply-adds of both players, counted by running them, never written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from colorstyle_lib.config import PRESETS, Preset
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.generator import Generator

LARGE = 256
"""The size at which all presets are compared, in pixels."""

# The parts of either player that attention needs: it measures the modalities, then weighs and uses them.
_ATTENTION = {"Generator": ("describe", "steering"), "Discriminator": ("describe", "evidence")}


@dataclass(frozen=True)
class Complexity:
    """What one player costs on one square picture.

    Attributes:
        preset: its name.
        player: ``generator`` or ``discriminator``.
        learned: parameters that training changes.
        frozen: parameters that it does not.
        size: side of the picture, in pixels.
        multiply_adds: of all convolutions and matrix products; what works element by element is not counted.
        attention: the part of them that measures the modalities and weighs them.
    """

    preset: str
    player: str
    learned: int
    frozen: int
    size: int
    multiply_adds: int
    attention: int


def count(player: Generator | Discriminator, size: int, preset: str = "") -> Complexity:
    """Count what one player costs: a generator that colors one gray picture, a discriminator that judges one.

    Multiply-adds are half of what torch's ``FlopCounterMode`` counts. A reference or a z would cost a little more.

    Args:
        player: on the CPU; it is left in evaluation mode.
        size: side of the picture, in pixels; a multiple of what the player halves.
        preset: the name to note.

    Raises:
        ConfigError: the size does not fit the player.
    """
    is_generator = isinstance(player, Generator)
    picture: Tensor = (
        gray_content(torch.full((1, 1, size, size), 50.0)) if is_generator else torch.zeros(1, 3, size, size)
    )
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        player.eval()(picture)
    by_module = counter.get_flop_counts()
    name = type(player).__name__
    parts = tuple(f"{name}.{part}" for part in _ATTENTION[name])
    # Of a ModuleDict, which is never called itself, each entry.
    within = [module for module in by_module if module in parts or module.rpartition(".")[0] in parts]
    attention = sum(sum(by_module[module].values()) for module in within) if player.config.attention != "none" else 0
    return Complexity(preset, name.lower(), *_parameters(player), size, counter.get_total_flops() // 2, attention // 2)


def _parameters(player: nn.Module) -> tuple[int, int]:
    """Learned and frozen."""
    learned = sum(p.numel() for p in player.parameters() if p.requires_grad)
    return learned, sum(p.numel() for p in player.parameters()) - learned


def complexity_table(
    presets: Mapping[str, Preset] | None = None, sizes: Sequence[int | None] = (None, LARGE)
) -> list[Complexity]:
    """Count both players of every preset.

    Args:
        presets: all of :data:`.PRESETS` by default.
        sizes: sides in pixels; None for the preset's own working size.

    Raises:
        ConfigError: no size.
    """
    if not sizes:
        raise ConfigError("name at least one size to count at; None is the preset's own")
    rows = []
    for name, preset in (PRESETS if presets is None else presets).items():
        for player in (Generator(preset.generator), Discriminator(preset.discriminator)):
            rows += [count(player, size or preset.generator.working_size, name) for size in sizes]
    return rows


def as_markdown(rows: Sequence[Complexity]) -> str:
    """The table as Markdown: parameters in thousands, multiply-adds in millions.

    Args:
        rows: what to show.
    """
    lines = [
        "| preset | player | learned | frozen | size | multiply-adds | of these attention |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        share = row.attention / row.multiply_adds
        lines.append(
            f"| {row.preset} | {row.player} | {row.learned / 1e3:,.0f} k | {row.frozen / 1e3:,.0f} k "
            f"| {row.size} px | {row.multiply_adds / 1e6:,.0f} M | {share:.0%} |"
        )
    return "\n".join(lines)
