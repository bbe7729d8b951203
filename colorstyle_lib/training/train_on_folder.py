"""From a data root to weights and the card that vouches for them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch
from torchvision.transforms.functional import to_pil_image as to_pil

from colorstyle_lib import paths
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data import style_gallery
from colorstyle_lib.data.batches import Batches, ImageStore, center_crops, load_images
from colorstyle_lib.data.datasets import dataset_names, load_split
from colorstyle_lib.data.downloads import find_root
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.files import file_hash
from colorstyle_lib.model.weights import load_generator, load_tensors
from colorstyle_lib.training.distributed import world as joined_world
from colorstyle_lib.training.loop import train
from colorstyle_lib.training.tasks import check_tasks
from colorstyle_lib.training.validation import evaluate

# A quarter more than the crops, so that a crop of 60 to 100 % is neither blurred nor costly to decode.
_STORE_SCALE = 1.25
# Where pictures are redrawn, crops are closer: they are as coarse as pictures of 256 px are, whose looks are taken.
_CLOSE_SCALE, _CLOSE = 2.25, (0.4, 0.8)
_PAINTED = ("paint", "wikiart", "art", "style")


def train_on_folder(
    preset_name: str,
    data: str,
    *,
    datasets: Sequence[str] = (),
    steps: int,
    output: Path | None = None,
    resume: bool = False,
    seed: int = 0,
    start_from: Path | None = None,
    tasks: Sequence[tuple[str, float]] = (),
    learns: str | None = None,
    styles: Sequence[str] = (),
    batch_size: int | None = None,
    accumulate: int | None = None,
    evaluate_every: int = 500,
    tensorboard: bool = False,
    compiled: bool = False,
    download: bool = False,
) -> Path:
    """Train a preset on the train split of a data root, measure it on the val split, write weights and their card.

    Under ``torchrun`` the processes it started share the work.

    Returns:
        The weights file; its card stands beside it, with the ending ``.json``.

    Raises:
        ConfigError: no data root, or no such preset. DataError: the root holds nothing usable.
    """
    preset = get_preset(preset_name)
    if tasks:
        check_tasks(tasks)
    changes = {"tasks": tuple(tasks), "trainable": learns, "batch_size": batch_size, "accumulate": accumulate}
    preset = change(preset, training=change(preset.training, **{k: v for k, v in changes.items() if v}))
    if "stylize" not in dict(preset.training.tasks):  # levels that learned nothing are not to be kept
        preset = change(preset, generator=change(preset.generator, restyling=0))
    root = find_root(data, download=download)
    if root is None:
        raise ConfigError("training needs real images: give --data ROOT or set COLORSTYLE_DATA")
    output = output or paths.RUNS / preset.name
    weights, crop = output / "generator.safetensors", preset.training.crop
    before = load_tensors(start_from) if start_from else None
    with joined_world() as world:
        quiet = not world.first
        alone = preset.training.trainable == "restyling"
        scale, covers = (_CLOSE_SCALE, {"covers": _CLOSE}) if alone else (_STORE_SCALE, {})
        store = load_split(root, "train", round(crop * scale), datasets, quiet=quiet)
        validation = center_crops(load_split(root, "val", crop, datasets, quiet=quiet), crop)
        part = (world.rank, world.size)
        batches = Batches(store, preset.training.batch_size, crop, seed, part=part, **covers)
        looks = None
        if "stylize" in dict(preset.training.tasks):
            gallery = style_store(root, styles, round(crop * _CLOSE_SCALE), quiet=quiet)
            looks = Batches(gallery, preset.training.batch_size, crop, seed, part=part, covers=_CLOSE)
        train(
            preset,
            batches,
            validation,
            steps=steps,
            output=output,
            resume=resume,
            seed=seed,
            styles=looks,
            world=world,
            start_from=before,
            evaluate_every=evaluate_every,
            tensorboard=tensorboard,
            compiled=compiled,
        )
        if world.first:
            options = "".join(
                (
                    f" --datasets {' '.join(datasets)}" if datasets else "",
                    f" --tasks {' '.join(f'{name}={weight:g}' for name, weight in tasks)}" if tasks else "",
                    f" --learns {learns}" if learns else "",
                    f" --styles {' '.join(styles)}" if styles else "",
                    f" --batch-size {batch_size}" if batch_size else "",
                    f" --accumulate {accumulate}" if accumulate else "",
                    f" --start-from {start_from.name}" if start_from else "",
                )
            )
            command = f"colorstyle train --preset {preset.name} --data ROOT{options} --steps {steps} --seed {seed}"
            card = write_card(weights, root, command, len(store))
            print(f"weights: {weights}\ncard:    {card}")
    return weights


def style_store(root: Path, names: Sequence[str], shorter_side: int, *, quiet: bool = False) -> ImageStore:
    """Pictures whose look is learned to be taken: our own gallery, and data sets of paintings.

    Args:
        root: data root.
        names: its data sets that hold styles; by default those whose name says so.
        shorter_side: pixels.
        quiet: print nothing.

    Raises:
        DataError: the root has no data set of such a name.
    """
    names = names or [n for n in dataset_names(root, "train") if any(word in n.lower() for word in _PAINTED)]
    variants = [style_gallery.styles(shorter_side, variant) for variant in style_gallery.TRAINING_VARIANTS]
    drawn = [to_pil(picture.image) for variant in variants for picture in variant]
    own = load_images(drawn, shorter_side, names=[f"gallery {i}" for i in range(len(drawn))])
    if not names:
        return own
    store = load_split(root, "train", shorter_side, names, quiet=quiet)
    return ImageStore(
        [*store.images, *own.images],
        [*store.names, *own.names],
        store.problems,
        [*store.groups, *(max(store.groups) + 1 for _ in own.images)],
    )


def write_card(weights: Path, root: Path, command: str, images: int) -> Path:
    """Measure weights on each data set's val split and write what a reader must know beside them, as JSON.

    Args:
        weights: a ``.safetensors`` file, with the training's ``log.jsonl`` beside it.
        root: data root to measure on.
        command: how the weights were trained.
        images: how many images they were trained on.

    Returns:
        The card's path: the weights' with the ending ``.json``.
    """
    last = json.loads((weights.parent / "log.jsonl").read_text().splitlines()[-1])
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    generator = load_generator(weights)
    size = generator.config.working_size
    measured = {}
    for name in dataset_names(root, "val"):
        squares = center_crops(load_split(root, "val", size, [name]), size)
        measured[name] = asdict(evaluate(generator, squares))
    card = {
        "sha256": file_hash(weights),
        "generator": asdict(generator.config),
        "parameters": sum(p.numel() for p in generator.parameters()),
        "trained": {
            "command": command,
            "images": images,
            "seconds": round(last["seconds"]),
            "hardware": device,
            "torch": torch.__version__,
        },
        "measured_at_px": size,
        "measured": measured,
        "date": datetime.now(UTC).date().isoformat(),
    }
    path = weights.with_suffix(".json")
    path.write_text(json.dumps(card, indent=1) + "\n")
    return path
