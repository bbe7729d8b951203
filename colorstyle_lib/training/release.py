"""The release training: coloring, style, repair and scenes, one phase after the other, into one file and its card."""

import json
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from colorstyle_lib import paths
from colorstyle_lib.config import TrainOptions, change, get_preset
from colorstyle_lib.data.batches import center_crops, load_images
from colorstyle_lib.data.downloads import find_roots
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.model.generator import Generator, load_generator, save_generator
from colorstyle_lib.model.pretrained import load_vgg19
from colorstyle_lib.training.distributed import this_process
from colorstyle_lib.training.saved_run import STATE, train_for
from colorstyle_lib.training.scene_training import SCENE_CLASSES, SCENE_NOISE, scene_files, scene_learner
from colorstyle_lib.training.train_on_folder import train_on_folder, write_card

_WEIGHTS, _CARD, _LOG = "generator.safetensors", "generator.json", "log.jsonl"


def train_release(options: TrainOptions) -> Path:
    """Train all tasks by the phases of ``release.toml``, each in a folder of its own, and merge what they learned.

    ``steps`` in all are shared as the table's are. With ``resume`` finished phases stay and one that was cut short goes
    on. Where no data set has folders ``sea`` and ``mountain``, scenes are left out. Returns the weights file; card and
    log stand beside it. Errors are those of :func:`.train_on_folder`, and a ConfigError under ``torchrun``.
    """
    if "RANK" in os.environ:
        raise ConfigError("train --release works in one process; start it without torchrun")
    load_vgg19()  # its absence is told now, not after hours
    output, device = options.output or paths.RUNS / "release", this_process().device
    phases = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["phase"]
    share = (options.steps / sum(phase.get("steps", 0) for phase in phases)) if options.steps else 1.0
    parts: dict[str, Path] = {}
    for number, settings in enumerate(phases, start=1):
        name = settings.pop("name")
        folder = output / f"{number}-{name}"
        print(f"phase {number} of {len(phases)}: {name}")
        if "minutes" in settings:
            scenes = _train_scenes(options, folder, 60 * share * settings["minutes"], device)
            continue
        start, parts[name] = parts.get("color", options.start_from), folder / _WEIGHTS
        if options.resume and (folder / _CARD).is_file():
            continue
        settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
        settings |= {"steps": max(1, round(share * settings["steps"])), "output": folder}
        settings |= {"resume": options.resume and (folder / STATE).is_file()}
        # A GPU computes the encoder's maps faster than a disk gives them; an encoder that learns has none to keep.
        if device.type == "cuda" or get_preset(options.preset).generator.encoder == "convolutions":
            settings["windows"] = 0
        train_on_folder(replace(options, start_from=start, **settings))
    weights = output / _WEIGHTS
    save_generator(_merged(parts, scenes), weights, preset=options.preset, release="all phases")
    _join_logs(list(parts), output)
    images = json.loads((parts["color"].with_suffix(".json")).read_text())["trained"]["images"]
    print(f"weights: {weights}\ncard:    {write_card(weights, find_roots(options.data), options.command(), images)}")
    return weights


def _train_scenes(options: TrainOptions, folder: Path, seconds: float, device: torch.device) -> dict[str, torch.Tensor]:
    """Weights of the scene generator; empty where there is nothing to learn from."""
    files = [path for root in find_roots(options.data) for path in scene_files(root, "train")]
    if not files:
        print(f"no scenes: no data set has folders {' and '.join(SCENE_CLASSES)}")
        return {}
    photographs = center_crops(load_images(files, 64), 64).to(device)
    torch.manual_seed(options.seed)
    return train_for(scene_learner(photographs), folder, seconds).cpu().state_dict()


def _merged(parts: dict[str, Path], scenes: dict[str, torch.Tensor]) -> Generator:
    """The color phase's generator, with the parts that learned after it."""
    generator = load_generator(parts["color"])
    weights, changes = generator.state_dict(), {"scenes": SCENE_NOISE if scenes else 0}
    for name in set(parts) - {"color"}:
        learned = load_generator(parts[name])
        changes[name] = getattr(learned.config, name)
        weights = {key: value for key, value in weights.items() if not key.startswith(f"{name}.")}
        weights |= {key: value for key, value in learned.state_dict().items() if key.startswith(f"{name}.")}
    whole = Generator(change(generator.config, **changes))
    whole.load_state_dict(weights | {f"scenes.{key}": value for key, value in scenes.items()})
    return whole


def _join_logs(names: list[str], output: Path) -> None:
    """One log of all phases; seconds go on."""
    lines: list[dict[str, Any]] = []
    for number, name in enumerate(names, start=1):
        before = lines[-1]["seconds"] if lines else 0.0
        for text in (output / f"{number}-{name}" / _LOG).read_text().splitlines():
            line = {"phase": name, **json.loads(text)}
            lines.append(line | {"seconds": before + line["seconds"]})
    with atomic_write(output / _LOG, "w") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)
