"""Baselines and our own model for equal computing time: their recipes and their training, same pictures, same loop.

Each has an equal budget of processor time rather than steps, since their steps cost differently; learning rates and
stages follow the share of the budget that is spent. So results differ a little from machine to machine.
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save

from colorstyle_lib import paths
from colorstyle_lib.config import Preset, derived_preset, differing, get_preset
from colorstyle_lib.data import Batches, ImageStore, load_split
from colorstyle_lib.errors import WeightsError, check_known
from colorstyle_lib.files import atomic_write
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.baselines.method import CONFIG, read_config
from colorstyle_lib.reproduction.baselines.pix2pix import BATCH_SIZE, Pix2Pix
from colorstyle_lib.training import STATE, GanLearner, this_process, train_for
from colorstyle_lib.training.train_on_folder import STORE_SCALE, STYLE_COVERS, STYLE_SCALE, style_store

CROP = 128  # side in pixels of the training crops of all; pix2pix needs a power of 2


@dataclass(frozen=True)
class Recipe:
    """The training of a baseline."""

    name: str  # of its folder and weights
    preset: Preset | None  # its networks and training; None for pix2pix, which brings its own
    budgets: float = 1.0  # its time, in shares of a baseline's: the work of two gets the time of two
    size: int = CROP  # side of pix2pix's pictures, in pixels


def _recipe(name: str, row: dict[str, Any]) -> Recipe:
    """Our preset with the crops and batches that all share, and the changes of a row."""
    if not row.get("preset", True):
        return Recipe(name, None)
    companion = get_preset("companion")
    parts = {part: _DATA["shared"][part] | row.get(part, {}) for part in ("generator", "training")}
    if row.get("restyles"):
        parts["generator"]["restyling"] = companion.generator.restyling
    if pictures := row.get("stylize"):  # beside all tasks of coloring
        tasks = companion.training.tasks
        parts["training"]["tasks"] = (*tasks, ("stylize", sum(weight for _, weight in tasks) / pictures))
    return Recipe(name, derived_preset(companion, name, parts), row.get("budgets", 1.0))


_DATA = tomllib.loads(Path(__file__).with_name("recipes.toml").read_text(encoding="utf-8"))

RECIPES, SPECIALISTS = (
    {name: _recipe(name, row) for name, row in _DATA[kind].items()} for kind in ("coloring", "both")
)
"""The coloring baselines and our recipe in the same time; and one model for both tasks and two that share its work."""

BASELINES: dict[str, Recipe] = RECIPES | SPECIALISTS  # every method that can be trained here, by name


def _restyles(recipe: Recipe) -> bool:
    return recipe.preset is not None and "stylize" in dict(recipe.preset.training.tasks)


def train_baseline(
    recipe: Recipe, store: ImageStore, folder: Path, *, seconds: float, seed: int = 0, styles: ImageStore | None = None
) -> Path:
    """Train one, or go on where a run of the same settings was cut short; a run that is done is left alone.

    Its folder gets ``config.json``, ``log.jsonl``, a state to go on from, and at the end the weights, which are
    returned. Style pictures are by default the store's. The seconds are of processor time (on a GPU: of time), drawing
    of batches included. WeightsError: the folder holds a run with other settings.
    """
    weights, preset = folder / f"{recipe.name}.safetensors", recipe.preset
    shape = asdict(preset) if preset else {"size": recipe.size, "batch_size": BATCH_SIZE}
    config = {"opponent": recipe.name, "seconds": seconds, "seed": seed, "images": len(store), "preset": shape}
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
        learner = Pix2Pix(recipe.size, store, seed=seed, timed=True)
    else:
        cut = preset.training.batch_size, preset.training.crop, seed
        style_batches = Batches(styles, *cut, covers=STYLE_COVERS) if styles and _restyles(recipe) else None
        learner = GanLearner(preset, Batches(store, *cut), seed=seed, styles=style_batches, group=this_process())
    trained = train_for(learner, folder, seconds)
    if preset is not None:
        save_generator(trained, weights, preset=preset.name)
    else:
        tensors = {key: value.detach().cpu().contiguous() for key, value in trained.state_dict().items()}
        with atomic_write(weights, error=WeightsError) as stream:
            stream.write(save(tensors, {"pix2pix": str(recipe.size)}))
    (folder / STATE).unlink()  # of no more use, and pix2pix's is half a gigabyte
    return weights


def train_baselines(
    names: Sequence[str] = (), *, data: str = "", minutes: float = 10.0, output: Path | None = None, seed: int = 0
) -> None:
    """Train baselines one after the other on the train split of a data root, or go on where that was cut short.

    Each of the names, or all that only color, gets a folder of its name in ``output``, by default ``runs/opponents``,
    and these minutes times its share. ConfigError: no baseline of a name, or no data root. DataError: no pictures.
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
        print(train_baseline(one, store, folder / name, seconds=seconds, seed=seed, styles=styles))
