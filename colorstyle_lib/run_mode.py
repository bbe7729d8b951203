"""Run modes: how much work a run does. One switch chooses one, and nothing else asks which it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from colorstyle_lib.errors import check_known
from colorstyle_lib.paths import data_root


@dataclass(frozen=True)
class Mode:
    """Amounts of work. A notebook reads these numbers and never asks for the mode's name.

    Attributes:
        name: ``smoke``, ``quick`` or ``full``.
        source: where the images that numbers come from live: ``synthetic``, ``demo`` or ``folder`` (a data root).
        image_size: side of the square images that notebooks compute on, in pixels.
        max_images: at most this many images are read for statistics.
        max_samples: at most this many pixels are drawn for histograms and scatter plots.
        repeats: how often a timing is repeated (the median is shown).
        train_steps: steps of a small model that is trained live.
        release_steps: steps of a training whose weights are to be kept.
    """

    name: str
    source: Literal["synthetic", "demo", "folder"]
    image_size: int
    max_images: int
    max_samples: int
    repeats: int
    train_steps: int
    release_steps: int


MODES: dict[str, Mode] = {
    "smoke": Mode("smoke", "synthetic", 64, 8, 5_000, 2, 5, 5),
    "quick": Mode("quick", "demo", 128, 64, 100_000, 5, 300, 4_000),
    "full": Mode("full", "folder", 128, 2_000, 1_000_000, 10, 3_000, 20_000),
}


def get_mode(name: str = "auto", data: str | os.PathLike[str] | None = None) -> Mode:
    """Choose how much work to do.

    Args:
        name: ``smoke``, ``quick``, ``full``, or ``auto``: the environment variable ``COLORSTYLE_MODE`` where it is
            set, else ``full`` with a GPU and a data root, else ``quick``.
        data: the data root that the run was given, if any.

    Raises:
        ConfigError: the name (or the variable's value) is no mode; or ``full`` without a data root.
    """
    chosen = (name == "auto" and os.environ.get("COLORSTYLE_MODE")) or name
    if chosen == "auto":
        import torch

        chosen = "full" if torch.cuda.is_available() and data_root(data) else "quick"
    check_known("mode", chosen, MODES)
    if chosen == "full":
        data_root(data, needed_for="mode 'full'")
    return MODES[chosen]
