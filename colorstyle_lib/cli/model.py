"""The commands that use a model or train one: `colorstyle colorize`, `stylize`, `inpaint` and so on."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from colorstyle_lib import __version__, paths
from colorstyle_lib.config import TrainOptions, get_mode
from colorstyle_lib.errors import require
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import size_of_file
from colorstyle_lib.inference.colorstyle import RELEASED, ColorStyle, make_scenes, released_card
from colorstyle_lib.model.generator import load_generator


def generate(output: Path, weights: Path | None, **options: Any) -> None:
    """Write new scenes into a new folder; the options are those of :func:`.make_scenes`."""
    require(not output.exists(), f"{str(output)!r} is there already; choose another -o")
    scenes = make_scenes(ColorStyle.load(weights), **options)
    for result in tqdm(scenes, total=options["n"], unit="picture", disable=not sys.stderr.isatty()):
        result.save(output / f"scene-{result.provenance['number']:04d}.png")
    print(f"{options['n']} generated in {str(output)!r}")


def explore(photo: Path | None, voila: bool) -> int:
    """Open notebook 09 with a photograph, in JupyterLab or by Voila."""
    from colorstyle_lib.notebook_runner.run import load_notebook_node, nbformat, parameterize_notebook, select_notebooks

    require(not voila or find_spec("voila") is not None, "Voila is not installed; get it with: pip install voila")
    path = select_notebooks(["09"])["09_explore"]
    if photo:
        size_of_file(photo)  # its errors come now, not in the browser
        given = {"photo": photo.expanduser().resolve().as_posix()}
        notebook = parameterize_notebook(load_notebook_node(str(path)), given, language="python")
        path = paths.RUNS / "explore" / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    return subprocess.call([sys.executable, "-m", *(["voila"] if voila else ["jupyter", "lab"]), str(path)])


def info(weights: Path | None) -> None:
    """Print versions, device, weights and where things are."""
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


def train(**options: Any) -> None:
    """Train a generator; the options are those of :class:`.TrainOptions`."""
    from colorstyle_lib.training.train_on_folder import train_on_folder, train_release

    asked = TrainOptions(**{n: tuple(v) if isinstance(v, list) else v for n, v in options.items()})
    (train_release if asked.release else train_on_folder)(asked)
