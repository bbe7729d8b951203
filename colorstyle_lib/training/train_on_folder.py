"""Training on a data root: from options to weights and their card."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torchvision.transforms.functional import to_pil_image as to_pil

from colorstyle_lib import paths
from colorstyle_lib.config import TrainOptions, change, get_mode, get_preset
from colorstyle_lib.data import example_pictures
from colorstyle_lib.data.batches import Batches, ImageStore, center_crops, load_images
from colorstyle_lib.data.datasets import Roots, dataset_names, load_split
from colorstyle_lib.data.downloads import find_roots
from colorstyle_lib.environment import hardware
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.files import atomic_write, file_hash
from colorstyle_lib.model.generator import load_generator
from colorstyle_lib.training.distributed import process_group
from colorstyle_lib.training.saved_run import train
from colorstyle_lib.training.tasks import check_tasks, parse_weights
from colorstyle_lib.training.validation import evaluate

STORE_SCALE = 1.25
"""Shorter side of stored pictures, in crops: a crop of 60 to 100 % is then neither blurred nor costly to decode."""

STYLE_SCALE, STYLE_COVERS = 2.25, (0.4, 0.8)
"""Where pictures are restyled, crops are closer: as coarse as pictures of 256 px, whose style is taken."""

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
    if not roots:
        raise ConfigError("training needs real images: give --data ROOT or set COLORSTYLE_DATA")
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
    config, card = preset.training, options.output / "generator.json"
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
        weights = options.output / "generator.safetensors"
        if group.first:
            card = write_card(weights, roots, options.command(), len(store))
            print(f"weights: {weights}\ncard:    {card}")
    return weights


def style_store(roots: Roots, names: Sequence[str], shorter_side: int, *, quiet: bool = False) -> ImageStore:
    """Style pictures to train on: our own gallery, and the roots' data sets of these names (else a DataError).

    By default those that are called after paintings or styles.
    """
    names = names or [n for n in dataset_names(roots, "train") if any(word in n.lower() for word in _PAINTED)]
    variants = [example_pictures.styles(shorter_side, variant) for variant in example_pictures.TRAINING_VARIANTS]
    drawn = [to_pil(picture.image) for variant in variants for picture in variant]
    own = load_images(drawn, shorter_side, names=[f"gallery {i}" for i in range(len(drawn))])
    if not names:
        return own
    store = load_split(roots, "train", shorter_side, names, quiet=quiet)
    groups = [*store.groups, *(max(store.groups) + 1 for _ in own.images)]
    return ImageStore([*store.images, *own.images], [*store.names, *own.names], store.problems, groups)


def write_card(weights: Path, roots: Roots, command: str, images: int) -> Path:
    """Measure weights on each data set's val split and write their card; ``log.jsonl`` stands beside them."""
    last = json.loads((weights.parent / "log.jsonl").read_text().splitlines()[-1])
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
        stream.write(json.dumps(card, indent=1) + "\n")
    return path
