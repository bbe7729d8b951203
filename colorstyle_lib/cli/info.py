"""`colorstyle info`: versions, device, weights and folders, the first thing to send with a question."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from colorstyle_lib import __version__, paths
from colorstyle_lib.files import file_hash
from colorstyle_lib.inference.colorstyle import RELEASED, released_card
from colorstyle_lib.model.weights import load_generator
from colorstyle_lib.run_mode import get_mode


def print_info(weights: Path | None = None) -> None:
    """Print them; the released weights also with their measured numbers.

    Raises:
        WeightsError: the weights are missing, damaged, or not the file that their card describes.
    """
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    path = weights or paths.WEIGHTS / f"{RELEASED}.safetensors"
    card = released_card() if weights is None else None
    generator = load_generator(path, expected_hash=card["sha256"] if card else None)
    learned = sum(p.numel() for p in generator.parameters())
    rows = {
        "colorstyle": __version__,
        "torch": torch.__version__,
        "device": device,
        "mode": get_mode().name,
        "data root": paths.data_root() or "none (set COLORSTYLE_DATA)",
        "notebooks": paths.NOTEBOOKS if paths.IS_CHECKOUT else "not installed: clone the repository",
        "weights": path,
        "  sha256": file_hash(path),
        "  size": f"{path.stat().st_size / 1e6:.1f} MB, {learned / 1e6:.1f} M parameters",
        "  encoder": generator.config.encoder,
        "  working size": f"{generator.config.working_size} px",
    }
    for name, m in (card["measured"] if card else {}).items():
        value = f"PSNR ab {m['psnr_ab']:.1f} dB, colorfulness {100 * m['colorfulness_ratio']:.0f} % of real"
        rows[f"  {name} (n = {m['n']})"] = value
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        print(f"{name:{width}}  {value}")
