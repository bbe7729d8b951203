"""Baselines and our own model for equal computing time: their recipes and their training, same pictures, same loop.

Each has an equal budget of processor time rather than steps, since their steps cost differently; learning rates and
stages follow the share of the budget that is spent. So results differ a little from machine to machine.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save

from colorstyle_lib import paths
from colorstyle_lib.config import Preset, change, differing, get_preset
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.errors import WeightsError, check_known
from colorstyle_lib.files import atomic_write
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.baselines.method import CONFIG, read_config
from colorstyle_lib.reproduction.baselines.pix2pix import BATCH_SIZE, Pix2Pix
from colorstyle_lib.training.distributed import ProcessGroup, this_process
from colorstyle_lib.training.loop import GanLearner
from colorstyle_lib.training.saved_run import STATE, train_for
from colorstyle_lib.training.train_on_folder import STORE_SCALE, STYLE_COVERS, STYLE_SCALE, style_store

CROP = 128  # side in pixels of the training crops of all; pix2pix needs a power of 2


@dataclass(frozen=True)
class Recipe:
    """The training of a baseline."""

    preset: Preset | None  # its networks and training; None for pix2pix, which brings its own
    budgets: float = 1.0  # its time, in shares of a baseline's: the work of two gets the time of two


_COMPANION = get_preset("companion")


def _preset(name: str, generator: dict[str, Any], training: dict[str, Any]) -> Preset:
    """Our preset with crops, batches and the average's memory that fit minutes of training, and these changes."""
    shape = {"working_size": CROP, "restyling": 0, **generator}
    schedule = {"crop": CROP, "batch_size": 8, "ema": 0.99, **training}
    parts = {"generator": change(_COMPANION.generator, **shape), "training": change(_COMPANION.training, **schedule)}
    return change(_COMPANION, name=name, **parts)


_PLAIN_SHAPE = {"noise": 0, "repairing": 0, "vividness": 0.0}
_PLAIN_TRAINING = {
    "tasks": (("automatic", 1.0),),
    "objective": "none",
    "noise_fraction": 0.0,
    "imle_samples": 1,
    "attention_weight": 0.0,
}
# A Huber distance whose square ends at once is the absolute error.
_ABSOLUTE_ERROR = {"huber_delta": 0.01, "gradient_weight": 0.0, "chroma_weight": 0.0}
# Temperature and lambda (the bins' smoothing) are Zhang et al.'s (ECCV 2016, arXiv:1603.08511).
_ZHANG = {"attention": "none", "temperature": 0.38}

RECIPES: dict[str, Recipe] = {
    "l1": Recipe(_preset("l1", _PLAIN_SHAPE | {"colors": "regression"}, _PLAIN_TRAINING | _ABSOLUTE_ERROR)),
    "pix2pix": Recipe(None),
    "bins": Recipe(_preset("bins", _PLAIN_SHAPE | _ZHANG, _PLAIN_TRAINING | {"bin_smoothing": 0.5})),
    "ours": Recipe(_preset("ours", {}, {})),
}
"""The coloring baselines and our recipe in the same time, by name."""

_STYLED, _COLORED = 2, 10  # pictures of a joint step: both tasks are about as much work
_BOTH = {"restyling": _COMPANION.generator.restyling}
_COLORING = _COMPANION.training.tasks
_SHARE = sum(weight for _, weight in _COLORING) * _STYLED / _COLORED
_JOINT = {"tasks": (*_COLORING, ("stylize", _SHARE)), "batch_size": _COLORED + _STYLED}
# The style specialist's coloring levels are there and never learn: what learns is what the joint model has beside them.
_STYLE_ALONE = {"tasks": (("stylize", 1.0),), "trainable": "restyling", "batch_size": _STYLED}

SPECIALISTS: dict[str, Recipe] = {
    "joint": Recipe(_preset("joint", _BOTH, _JOINT), budgets=2.0),
    "color_specialist": Recipe(_preset("color_specialist", {}, {"batch_size": _COLORED}), budgets=0.8),
    "style_specialist": Recipe(_preset("style_specialist", _BOTH, _STYLE_ALONE), budgets=1.2),
}
"""One model and two that share its work: together they have its trained weights and its time.

The encoder is frozen and each carries one. A joint step holds about what one step of each specialist holds, and costs
about what both cost; of the two a coloring step costs 0.4, so that in their shares of the time all three make about as
many steps.
"""

BASELINES: dict[str, Recipe] = RECIPES | SPECIALISTS  # every method that can be trained here, by name


def _restyles(recipe: Recipe) -> bool:
    return recipe.preset is not None and "stylize" in dict(recipe.preset.training.tasks)


def train_baseline(
    name: str,
    store: ImageStore,
    folder: Path,
    *,
    seconds: float = 600.0,
    seed: int = 0,
    recipe: Recipe | None = None,
    styles: ImageStore | None = None,
    size: int = CROP,
    saves: int = 4,
) -> Path:
    """Train one, or go on where a run of the same settings was cut short; a run that is done is left alone.

    Its folder gets ``config.json``, ``log.jsonl``, a state to go on from, written ``saves`` times, and at the end the
    weights, which are returned. Its recipe is that of its name; style pictures are by default the store's. The seconds
    are of processor time (on a GPU: of time), drawing of batches included; ``size`` is the side of pix2pix's pictures.

    Raises:
        ConfigError: no baseline of this name. WeightsError: the folder holds a run with other settings.
    """
    check_known("baseline", name, BASELINES)
    recipe = recipe or BASELINES[name]
    weights, preset = folder / f"{name}.safetensors", recipe.preset
    shape = asdict(preset) if preset else {"size": size, "batch_size": BATCH_SIZE}
    config = {"opponent": name, "seconds": seconds, "seed": seed, "images": len(store), "preset": shape}
    text = json.dumps(config, indent=1) + "\n"
    if (before := read_config(folder)) is None:
        with atomic_write(folder / CONFIG, "w", WeightsError) as file:
            file.write(text)
    elif others := differing(before, json.loads(text)):
        what = f"{str(folder)!r} holds a run with other settings ({', '.join(others)})"
        raise WeightsError(f"{what}; move it away or name another folder")
    if weights.is_file():
        return weights
    if preset is None:
        learner = Pix2Pix(size, store, seed=seed, device=this_process().device, timed=True)
    else:
        cut = preset.training.batch_size, preset.training.crop, seed
        group = ProcessGroup(device=this_process().device)
        style_batches = Batches(styles, *cut, covers=STYLE_COVERS) if styles and _restyles(recipe) else None
        learner = GanLearner(preset, Batches(store, *cut), seed=seed, styles=style_batches, group=group)
    trained = train_for(learner, folder, seconds, saves)
    if preset is not None:
        save_generator(trained, weights, preset=preset.name)
    else:
        tensors = {key: value.detach().cpu().contiguous() for key, value in trained.state_dict().items()}
        with atomic_write(weights, error=WeightsError) as stream:
            stream.write(save(tensors, {"pix2pix": str(size)}))
    (folder / STATE).unlink()  # of no more use, and pix2pix's is half a gigabyte
    return weights


def train_baselines(
    names: Sequence[str] = (), *, data: str = "", minutes: float = 10.0, output: Path | None = None, seed: int = 0
) -> None:
    """Train baselines one after the other on the train split of a data root, or go on where that was cut short.

    Each of the names, or all that only color, gets a folder of its name in ``output``, by default ``runs/opponents``,
    and these minutes times its recipe's share. Printed are the weights' files.

    Raises:
        ConfigError: no baseline of a name, or no data root. DataError: the root holds no pictures.
    """
    root, folder = paths.data_root(data, needed_for="training"), output or paths.RUNS / "opponents"
    for name in names:
        check_known("baseline", name, BASELINES)
    chosen = {name: BASELINES[name] for name in names or RECIPES}
    store, styles = load_split(root, "train", round(CROP * STORE_SCALE)), None
    if any(map(_restyles, chosen.values())):
        styles = style_store(root, (), round(CROP * STYLE_SCALE))
    for name, one in chosen.items():
        seconds = 60 * minutes * one.budgets
        print(train_baseline(name, store, folder / name, seconds=seconds, seed=seed, styles=styles))
