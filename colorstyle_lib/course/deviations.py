"""Deviations of this companion from the paper, and choices where the paper leaves something open: one table."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colorstyle_lib.config import PRESETS
from colorstyle_lib.model.color_bins import STEP, ab_bins


@dataclass(frozen=True)
class Deviation:
    """One difference."""

    topic: str  # what it is about; unique
    paper: str  # what the paper says, with its section
    ours: str  # what this companion does today
    why: str  # the reason
    where: Sequence[str]  # ``preset NAME``, a module of the library (``losses.adversarial``), or a name in one


_ROWS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["deviations"]
_FACTS = {**PRESETS, "bins": len(ab_bins()), "step": STEP}
DEVIATIONS = tuple(Deviation(**{**row, "ours": row["ours"].format(**_FACTS)}) for row in _ROWS)


def as_markdown(deviations: Sequence[Deviation] = DEVIATIONS) -> str:
    """The table as Markdown, one line for each deviation; all of :data:`DEVIATIONS` by default."""
    lines = ["| about | the paper | this companion, today | why | where |", "|---|---|---|---|---|"]
    for row in deviations:
        cells = (row.topic, row.paper, row.ours, row.why, ", ".join(f"`{place}`" for place in row.where))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")  # a bar would end the cell
    return "\n".join(lines)
