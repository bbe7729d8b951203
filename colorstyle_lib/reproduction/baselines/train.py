"""Training of the baselines, and of our own model beside them: same pictures, same loop, same computing time.

Each has an equal budget of processor time rather than steps, since their steps cost differently; learning rates and
stages follow the share of the budget that is spent. So results differ a little from machine to machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save

from colorstyle_lib.config import differing
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.errors import WeightsError, check_known
from colorstyle_lib.files import atomic_write
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.baselines.method import CONFIG, read_config
from colorstyle_lib.reproduction.baselines.pix2pix import BATCH_SIZE, Pix2PixLearner
from colorstyle_lib.reproduction.baselines.recipes import CROP, RECIPES, SPECIALISTS, Recipe
from colorstyle_lib.training.distributed import ProcessGroup, this_process
from colorstyle_lib.training.loop import GanLearner, training_loop
from colorstyle_lib.training.run_log import RunLog
from colorstyle_lib.training.saved_run import STATE, load_state, save_state
from colorstyle_lib.training.train_on_folder import STORE_SCALE, STYLE_COVERS, STYLE_SCALE, style_store

BASELINES: dict[str, Recipe] = RECIPES | SPECIALISTS
"""Every method that can be trained here, by name."""


def _new_learner(
    recipe: Recipe, store: ImageStore, seed: int, size: int, styles: ImageStore | None
) -> GanLearner | Pix2PixLearner:
    device = this_process().device
    if recipe.preset is None:
        return Pix2PixLearner(store, size, seed, device, half_precision=True, resumable=True)
    shape = recipe.preset.training.batch_size, recipe.preset.training.crop, seed
    style_batches = Batches(styles, *shape, covers=STYLE_COVERS) if styles and _restyles(recipe) else None
    group = ProcessGroup(device=device)
    return GanLearner(recipe.preset, Batches(store, *shape), seed=seed, styles=style_batches, group=group)


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

    Writes ``config.json``, ``log.jsonl``, a state to go on from, and at the end the weights, which it returns.

    Args:
        name: of :data:`BASELINES`.
        store: training pictures.
        folder: its own, made where it is missing.
        seconds: of processor time (on a GPU: of time), drawing of batches included.
        seed: of weights and batches.
        recipe: another than the named one, for tests.
        styles: style pictures, for those that restyle; by default any training picture is one.
        size: side of pix2pix's pictures.
        saves: how often the state is written.

    Raises:
        ConfigError: no baseline of this name. WeightsError: the folder holds a run with other settings.
    """
    check_known("baseline", name, BASELINES)
    recipe = recipe or BASELINES[name]
    weights = folder / f"{name}.safetensors"
    _check_config(folder, name, recipe, seconds, seed, len(store), size)
    if weights.is_file():
        return weights
    learner = _new_learner(recipe, store, seed, size, styles)
    step, spent = 0, 0.0
    if (folder / STATE).is_file():
        state = load_state(folder)
        learner.state.load_state_dict(state["learner"])
        step, spent = state["step"], state["spent"]
    log, due = RunLog(folder, after=step), spent + seconds / saves
    for step, spent, losses in training_loop(learner, budget=seconds, step=step, seconds=spent):  # noqa: B020
        if spent >= due or spent >= seconds:
            log.write(step, spent=round(spent, 1), **losses.means())
            save_state({"learner": learner.state.state_dict(), "step": step, "spent": spent}, folder)
            due = spent + seconds / saves
            print(f"{name}: step {step}, {spent:.0f} of {seconds:.0f} s", flush=True)
    if isinstance(learner, GanLearner):
        save_generator(learner.state.average, weights, preset=learner.preset.name)
    else:
        network = learner.state.generator.state_dict()
        tensors = {key: value.detach().cpu().contiguous() for key, value in network.items()}
        with atomic_write(weights, error=WeightsError) as stream:
            stream.write(save(tensors, {"pix2pix": str(size)}))
    for state_file in folder.glob("state*.pt"):  # of no more use, and pix2pix's is half a gigabyte
        state_file.unlink()
    return weights


def train_baselines(
    root: Path, folder: Path, *, names: Sequence[str] = (), minutes: float = 10.0, seed: int = 0
) -> list[Path]:
    """Train baselines one after the other on the train split of a data root, or go on where that was cut short.

    Each of the names, by default all that only color, gets a folder of its name, and these minutes times its recipe's
    share. Returns the weights' files.

    Raises:
        ConfigError: no baseline of a name. DataError: the root holds no pictures.
    """
    for name in names:
        check_known("baseline", name, BASELINES)
    chosen = {name: BASELINES[name] for name in names or RECIPES}
    store, styles = load_split(root, "train", round(CROP * STORE_SCALE)), None
    if any(map(_restyles, chosen.values())):
        styles = style_store(root, (), round(CROP * STYLE_SCALE))
    return [
        train_baseline(name, store, folder / name, seconds=60 * minutes * one.budgets, seed=seed, styles=styles)
        for name, one in chosen.items()
    ]


def _check_config(folder: Path, name: str, recipe: Recipe, seconds: float, seed: int, images: int, size: int) -> None:
    """Write down what a run is, or make sure that the one in the folder is the same."""
    preset = asdict(recipe.preset) if recipe.preset else {"size": size, "batch_size": BATCH_SIZE}
    config = {"opponent": name, "seconds": seconds, "seed": seed, "images": images, "preset": preset}
    text = json.dumps(config, indent=1) + "\n"
    before = read_config(folder)
    if before is None:
        with atomic_write(folder / CONFIG, "w", WeightsError) as file:
            file.write(text)
    elif others := differing(before, json.loads(text)):
        what = f"{str(folder)!r} holds a run with other settings ({', '.join(others)})"
        raise WeightsError(f"{what}; move it away or name another folder")
