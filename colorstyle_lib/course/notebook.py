"""Setup of a notebook: mode, seed, device, figures' style; and figures written with a sidecar of their facts."""

import json
import os
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

from colorstyle_lib import paths
from colorstyle_lib.config import Mode, get_mode
from colorstyle_lib.course.plots.common import VERMILION
from colorstyle_lib.environment import versions


@dataclass(frozen=True)
class NotebookRun:
    """One run of one notebook."""

    mode: Mode  # how much work is done
    seed: int  # of every random generator
    device: torch.device  # where tensors live, ``cuda`` where there is one
    root: Path | None  # the folder of real images, or None
    output: Path  # of figures and files: scratch in ``smoke``, ``runs/`` in ``quick``, ``figures/`` in ``full``

    @property
    def where(self) -> str:
        """The output folder's name in print: an executed notebook must not name a machine's own paths."""
        inside = self.output.is_relative_to(paths.ROOT)
        return self.output.relative_to(paths.ROOT).as_posix() if inside else "a temporary folder"

    def keep(self, figure: Figure, name: str, **facts: Any) -> Figure:
        """Write a figure as ``name.png`` with a sidecar ``name.json`` of facts, and return it for display.

        Facts are numbers and strings that a reader must know about the figure: n, data, seeds. A ``smoke`` run writes
        "smoke" across it, so that it is never taken for a result.
        """
        if self.mode.name == "smoke":
            figure.text(0.995, 0.005, "smoke", fontsize=16, color=VERMILION, ha="right", va="bottom", weight="bold")
        self.output.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.output / f"{name}.png")
        run = {"mode": self.mode.name, "seed": self.seed, "device": self.device.type}
        (self.output / f"{name}.json").write_text(json.dumps({**run, **versions(), **facts}, indent=1) + "\n")
        return figure


def start(mode: str = "auto", data: str = "", seed: int = 0) -> NotebookRun:
    """Begin a notebook: choose the mode, seed everything, set the figures' style, print versions and device.

    ``mode`` is as in :func:`.get_mode`; ``data`` is a data root, or empty for ``COLORSTYLE_DATA``; ``seed`` is that of
    Python's, NumPy's and torch's random generators. ConfigError: no such mode. DataError: the root is not a folder.
    """
    chosen = get_mode(mode, data)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (third-party code in a notebook may still draw from it)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    root = paths.data_root(data) if chosen.source == "folder" else None
    scratch = Path(tempfile.gettempdir()) / f"colorstyle-smoke-{os.getpid()}"
    output = {"smoke": scratch, "full": paths.FIGURES}.get(chosen.name, paths.RUNS / "figures")
    plt.style.use(paths.STYLE_FILE)
    # A page of photographs is ten times smaller as JPEG, and executed notebooks are meant to be shared.
    set_matplotlib_formats("jpeg", pil_kwargs={"quality": 92})
    facts = ", ".join(f"{name} {number}" for name, number in versions().items())
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} CPU cores"
    print(f"{facts}\nmode {chosen.name} | seed {seed} | {where} | images: {root.name if root else chosen.source}")
    return NotebookRun(chosen, seed, device, root, output)
