"""Deviations of this companion from the paper, and choices where the paper leaves something open: one table."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from colorstyle_lib.config import PRESETS
from colorstyle_lib.model.color_bins import STEP, ab_bins


@dataclass(frozen=True)
class Deviation:
    """One difference.

    Attributes:
        topic: what it is about; unique.
        paper: what the paper says, with its section.
        ours: what this companion does today.
        why: the reason.
        where: what to look at: ``preset NAME``, a module of the library (``losses.adversarial``), or a name in one
            (``model.attention.multimodal_attention``).
        planned: what is not built yet; empty where nothing is missing.
    """

    topic: str
    paper: str
    ours: str
    why: str
    where: tuple[str, ...]
    planned: str = ""


def as_markdown(deviations: Sequence[Deviation] | None = None) -> str:
    """The table as Markdown, one line for each deviation; all of :data:`DEVIATIONS` by default."""
    lines = ["| about | the paper | this companion, today | why | where |", "|---|---|---|---|---|"]
    for row in DEVIATIONS if deviations is None else deviations:
        ours = f"{row.ours} *Planned: {row.planned}*" if row.planned else row.ours
        cells = (row.topic, row.paper, ours, row.why, ", ".join(f"`{place}`" for place in row.where))
        # A bar would end the cell.
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _read() -> tuple[Deviation, ...]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["deviations"]
    deviations = [Deviation(**{**row, "where": tuple(row["where"])}) for row in rows]
    facts = {**PRESETS, "bins": len(ab_bins()), "step": STEP}
    return tuple(replace(one, ours=one.ours.format(**facts)) for one in deviations)


DEVIATIONS = _read()
