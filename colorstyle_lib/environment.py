"""Versions, commit and hardware: what a number depends on besides its inputs."""

import os
import platform
import subprocess

import numpy as np
import torch

from colorstyle_lib import __version__, paths


def versions() -> dict[str, str]:
    """Versions of what a picture or a number depends on: Python, torch, numpy, this package."""
    python = platform.python_version()
    return {"python": python, "torch": torch.__version__, "numpy": np.__version__, "colorstyle": __version__}


def commit() -> str:
    """The commit of this code, with ``+`` where files differ from it; ``unknown`` outside a checkout."""

    def git(*arguments: str) -> str:
        # Without optional locks: looking must not touch the index of somebody who is committing.
        command = ["git", "--no-optional-locks", *arguments]
        return subprocess.run(command, cwd=paths.PACKAGE, capture_output=True, text=True, check=True).stdout.strip()

    if not paths.IS_CHECKOUT:
        return "unknown"
    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def hardware() -> str:
    """Name of the GPU, or number of CPU cores and threads, that this process computes on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"{os.cpu_count()} CPU cores, {threads} thread{'s' * (threads > 1)}"
