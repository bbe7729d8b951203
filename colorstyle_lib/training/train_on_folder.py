"""Training on a data root: from options to weights and their card; and the release, all tasks one after the other."""

import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from colorstyle_lib import paths
from colorstyle_lib.config import TrainOptions, change, get_mode, get_preset
from colorstyle_lib.data import STYLES, TRAINING_VARIANTS, Batches, ImageStore, center_crops, find_roots, load_images
from colorstyle_lib.data.datasets import Roots, dataset_names, load_split
from colorstyle_lib.environment import hardware
from colorstyle_lib.errors import ConfigError, require
from colorstyle_lib.files import atomic_write, file_hash, to_json
from colorstyle_lib.model import Generator, load_generator, load_vgg19, save_generator
from colorstyle_lib.training.distributed import process_group, this_process
from colorstyle_lib.training.saved_run import STATE, train, train_for
from colorstyle_lib.training.scene_training import SCENE_CLASSES, SCENE_NOISE, scene_files, scene_learner
from colorstyle_lib.training.tasks import check_tasks, parse_weights
from colorstyle_lib.training.validation import evaluate

# Shorter side of stored pictures, in crops: a crop of 60 to 100 % is then neither blurred nor costly to decode.
STORE_SCALE = 1.25
# Where pictures are restyled, crops are closer: as coarse as pictures of 256 px, whose style is taken.
STYLE_SCALE, STYLE_COVERS = 2.25, (0.4, 0.8)
_WEIGHTS, _CARD, _LOG = "generator.safetensors", "generator.json", "log.jsonl"
_PAINTED = ("paint", "wikiart", "art", "style")


def train_on_folder(options: TrainOptions) -> Path:
    """Train a preset on the train split of a data root, measure it on the val split, write weights and their card.

    Under ``torchrun`` the processes it started share the work. Returns the weights file; the card stands beside it.
    ConfigError: no data root, or no such preset. DataError: the root holds nothing usable.
    """
    tasks = tuple(parse_weights(options.tasks, "--tasks").items())
    if tasks:
        check_tasks(tasks)
    roots = find_roots(options.data)
    require(len(roots) > 0, "training needs real images: give --data ROOT or set COLORSTYLE_DATA")
    steps = options.steps or get_mode(options.mode, roots[0]).release_steps
    weighed = any("=" in name for name in options.datasets)
    shares = parse_weights(options.datasets, "--datasets") if weighed else dict.fromkeys(options.datasets, 0.0)
    preset = get_preset(options.preset)
    sizes = {"batch_size": options.batch_size, "accumulate": options.accumulate}
    changes = {"tasks": tasks, "trainable": options.learns, **sizes}
    preset = change(preset, training=change(preset.training, **{k: v for k, v in changes.items() if v}))
    if "stylize" not in dict(preset.training.tasks):  # levels that learned nothing are not to be kept
        preset = change(preset, generator=change(preset.generator, restyling=0))
    options = replace(options, steps=steps, output=options.output or paths.RUNS / preset.name)
    config, card = preset.training, options.output / _CARD
    if card.exists() and not (options.resume or options.overwrite):
        raise ConfigError(f"{str(options.output)!r} holds finished weights; add --overwrite, or another --output")
    with process_group() as group:
        quiet = not group.first
        share: dict[str, Any] = {"seed": options.seed, "part": (group.rank, group.size)}
        closer = config.trainable == "restyling"
        scale, covers = (STYLE_SCALE, {"covers": STYLE_COVERS}) if closer else (STORE_SCALE, {})
        store = load_split(roots, "train", round(config.crop * scale), tuple(shares), quiet=quiet)
        held_out = load_split(roots, "val", config.crop, tuple(shares), quiet=quiet)
        drawn = {"shares": [shares[name] for name in sorted(shares)] if weighed else (), "fixed": options.windows}
        batches, styles = Batches(store, config.batch_size, config.crop, **share, **covers, **drawn), None
        if "stylize" in dict(config.tasks):
            gallery = style_store(roots, options.styles, round(config.crop * STYLE_SCALE), quiet=quiet)
            styles = Batches(gallery, config.batch_size, config.crop, **share, covers=STYLE_COVERS)
        validation = center_crops(held_out, config.crop)
        names = sorted(shares) or dataset_names(roots, "val")
        sets = [names[number] for number in held_out.groups]
        if group.first:
            card.unlink(missing_ok=True)  # the weights beside it will be others
        train(preset, batches, validation, options, styles=styles, sets=sets, group=group)
        weights = options.output / _WEIGHTS
        if group.first:
            card = write_card(weights, roots, options.command(), len(store))
            print(f"weights: {weights}\ncard:    {card}")
    return weights


def style_store(roots: Roots, names: Sequence[str], shorter_side: int, *, quiet: bool = False) -> ImageStore:
    """Our gallery, and the roots' data sets of these names (else a DataError), by default those like paintings."""
    names = names or [n for n in dataset_names(roots, "train") if any(word in n.lower() for word in _PAINTED)]
    drawn = [paths.STYLES / f"{name}-{variant}.jpg" for variant in TRAINING_VARIANTS for name in STYLES]
    own = load_images(drawn, shorter_side, names=[f"gallery {i}" for i in range(len(drawn))])
    if not names:
        return own
    store = load_split(roots, "train", shorter_side, names, quiet=quiet)
    groups = [*store.groups, *(max(store.groups) + 1 for _ in own.images)]
    return ImageStore([*store.images, *own.images], [*store.names, *own.names], store.problems, groups)


def write_card(weights: Path, roots: Roots, command: str, images: int) -> Path:
    """Measure weights on each data set's val split and write their card; ``log.jsonl`` stands beside them."""
    last = json.loads((weights.parent / _LOG).read_text().splitlines()[-1])
    generator = load_generator(weights)
    size = generator.config.working_size
    measured = {}
    for name in dataset_names(roots, "val"):
        squares = center_crops(load_split(roots, "val", size, [name]), size)
        measured[name] = asdict(evaluate(generator, squares))
    trained = {"command": command, "images": images, "seconds": round(last["seconds"])}
    card = {
        "sha256": file_hash(weights),
        "generator": asdict(generator.config),
        "parameters": sum(p.numel() for p in generator.parameters()),
        "trained": {**trained, "hardware": hardware(), "torch": torch.__version__},
        "measured_at_px": size,
        "measured": measured,
        "date": datetime.now(UTC).date().isoformat(),
    }
    path = weights.with_suffix(".json")
    with atomic_write(path, "w") as stream:
        stream.write(to_json(card, indent=1) + "\n")
    return path


def train_release(options: TrainOptions) -> Path:
    """Train all tasks by the phases of ``release.toml``, each in a folder of its own, and merge what they learned.

    ``steps`` in all are shared as the table's are. With ``resume`` finished phases stay and one that was cut short goes
    on. Where no data set has folders ``sea`` and ``mountain``, scenes are left out. Returns the weights file; card and
    log stand beside it. Errors are those of :func:`.train_on_folder`, and a ConfigError under ``torchrun``.
    """
    require("RANK" not in os.environ, "train --release works in one process; start it without torchrun")
    load_vgg19()  # its absence is told now, not after hours
    output, device = options.output or paths.RUNS / "release", this_process().device
    phases = tomllib.loads(Path(__file__).with_name("release.toml").read_text(encoding="utf-8"))["phase"]
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
