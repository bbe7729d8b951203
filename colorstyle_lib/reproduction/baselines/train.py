"""Opponents that must be trained, and our own model in the same race: same pictures, same loop, same computing time.

Each is trained for an equal budget of processor time rather than steps, since their steps cost differently; learning
rates and stages follow the share of the budget that is spent. So a race ends a little differently on another machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from colorstyle_lib.config import Preset, differing
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.errors import WeightsError, check_known
from colorstyle_lib.files import atomic_write
from colorstyle_lib.model.pretrained import load_vgg19
from colorstyle_lib.model.weights import save_generator
from colorstyle_lib.reproduction.baselines.method import CONFIG, read_config
from colorstyle_lib.reproduction.baselines.pix2pix import Pix2Pix
from colorstyle_lib.reproduction.baselines.recipes import CROP, RECIPES, SPECIALISTS, Recipe
from colorstyle_lib.training.checkpoint import STATE, load_state, save_state
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import StepContext, train_step
from colorstyle_lib.training.loop import color_balance, stage_at
from colorstyle_lib.training.run_log import Losses, RunLog
from colorstyle_lib.training.state import TrainState, learning_rate_at
from colorstyle_lib.training.tasks import draw
from colorstyle_lib.training.train_on_folder import style_store

MINUTES = 10.0
"""Of processor time for each, by default."""

OPPONENTS: dict[str, Recipe] = RECIPES | SPECIALISTS
"""Everyone that can be trained here, by name."""

_STORE_SCALE = 1.25  # as in colorstyle_lib.training.train_on_folder, as the two below
_CLOSE_SCALE, _CLOSE = 2.25, (0.4, 0.8)  # for looks, which are to be as coarse as those of pictures of 256 px
_SCHEDULE = 100_000  # parts that a budget is divided in, for schedules that count steps
_PIX2PIX_BATCH = 4  # its paper's for coloring (section 6.2)


class _PresetLearner:
    """Our own loop (:mod:`.loop`), its schedule by the share of the budget that is spent."""

    def __init__(
        self, preset: Preset, store: ImageStore, seed: int, device: torch.device, looks: ImageStore | None
    ) -> None:
        config = preset.training
        self.preset, self.device = preset, device
        self.batches = Batches(store, config.batch_size, config.crop, seed)
        self.looks = Batches(looks, config.batch_size, config.crop, seed, covers=_CLOSE) if looks is not None else None
        self.players = TrainState.new(preset, seed, device)
        bins = preset.generator.colors == "bins"
        balance = color_balance(self.batches, config.bin_smoothing).to(device) if bins else None
        network = load_vgg19().to(device, memory_format=torch.channels_last) if _restyles(preset) else None
        self.rules = StepContext(config, ProcessGroup(0, 1, device), balance, network)

    def step(self, index: int, spent: float) -> dict[str, Tensor]:
        config, players, at = self.preset.training, self.players, int(spent * _SCHEDULE)
        for group in players.generator_optimizer.param_groups:
            group["lr"] = learning_rate_at(at, _SCHEDULE, config)
        stage = stage_at(at, _SCHEDULE, config)
        drawn = draw(self.batches, index, config, self.preset.generator.noise, self.looks)
        terms = train_step(players, drawn.on(self.device).parts(config.accumulate), self.rules, stage)
        if stage != "catch_up":
            players.update_average(config.ema, index)
        return terms

    def state(self) -> dict[str, Any]:
        return self.players.state()

    def load_state(self, state: dict[str, Any]) -> None:
        self.players.load_state(state)

    def save(self, path: Path) -> None:
        save_generator(self.players.average, path, preset=self.preset.name)


class _Pix2PixLearner:
    """Pix2pix as its paper trains it: Adam at a constant rate, no average of weights."""

    def __init__(self, size: int, store: ImageStore, seed: int, device: torch.device) -> None:
        self.size, self.seed, self.device = size, seed, device
        self.batches = Batches(store, _PIX2PIX_BATCH, size, seed)
        self.model = Pix2Pix.new(size, seed=seed, device=device, half_precision=True)

    def step(self, index: int, spent: float) -> dict[str, Tensor]:
        torch.manual_seed(
            (self.seed << 32) + index
        )  # its dropout, so that a run taken up again goes on as it would have
        return self.model.step(self.batches.windows(index).to(self.device).crops())

    def state(self) -> dict[str, Any]:
        return {name: getattr(self.model, name).state_dict() for name in self._parts}

    def load_state(self, state: dict[str, Any]) -> None:
        for name in self._parts:
            getattr(self.model, name).load_state_dict(state[name])

    _parts = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")

    def save(self, path: Path) -> None:
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.model.generator.state_dict().items()}
        with atomic_write(path, error=WeightsError) as stream:
            stream.write(save(tensors, {"pix2pix": str(self.size)}))


def _new_learner(
    recipe: Recipe, store: ImageStore, seed: int, device: torch.device, size: int, looks: ImageStore | None
) -> _PresetLearner | _Pix2PixLearner:
    if recipe.preset is None:
        return _Pix2PixLearner(size, store, seed, device)
    return _PresetLearner(recipe.preset, store, seed, device, looks if _restyles(recipe.preset) else None)


def _restyles(preset: Preset | None) -> bool:
    return preset is not None and "stylize" in dict(preset.training.tasks)


def train_opponent(
    name: str,
    store: ImageStore,
    folder: Path,
    *,
    seconds: float = 60 * MINUTES,
    seed: int = 0,
    recipe: Recipe | None = None,
    looks: ImageStore | None = None,
    size: int = CROP,
    saves: int = 4,
) -> Path:
    """Train one, or go on where a run of the same settings was cut short; a run that is done is left alone.

    Writes ``config.json``, ``log.jsonl``, a state to go on from, and the weights once the budget is spent.

    Args:
        name: of :data:`OPPONENTS`.
        store: training pictures.
        folder: its own, made where it is missing.
        seconds: of processor time (on a GPU: of time), drawing of batches included.
        seed: of weights and batches.
        recipe: another than the named one, for tests.
        looks: style pictures, for those that restyle; by default any training picture is one.
        size: side of pix2pix's pictures.
        saves: how often the state is written.

    Returns:
        The weights: ``NAME.safetensors`` in the folder.

    Raises:
        ConfigError: no opponent of this name. WeightsError: the folder holds a run with other settings.
    """
    check_known("opponent", name, OPPONENTS)
    recipe = recipe or OPPONENTS[name]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    weights = folder / f"{name}.safetensors"
    _check_config(folder, name, recipe, seconds, seed, len(store), size)
    if weights.is_file():
        return weights
    learner = _new_learner(recipe, store, seed, device, size, looks)
    step, spent = 0, 0.0
    if (folder / STATE).is_file():
        state = load_state(folder)
        learner.load_state(state["learner"])
        step, spent = state["step"], state["spent"]
    journal, losses, due = RunLog(folder, after=step), Losses(), spent + seconds / saves
    while spent < seconds:
        started = clock()
        losses.add(learner.step(step, spent / seconds))
        spent += clock() - started
        step += 1
        if spent >= due or spent >= seconds:
            losses.check(step)
            journal.write(step, spent=round(spent, 1), **losses.means(ProcessGroup(0, 1, device)))
            save_state({"learner": learner.state(), "step": step, "spent": spent}, folder)
            due = spent + seconds / saves
            print(f"{name}: step {step}, {spent:.0f} of {seconds:.0f} s", flush=True)
    learner.save(weights)
    for state_file in folder.glob("state*.pt"):  # of no more use, and pix2pix's is half a gigabyte
        state_file.unlink()
    return weights


def train_opponents(
    root: Path, folder: Path, *, names: Sequence[str] = (), minutes: float = MINUTES, seed: int = 0
) -> list[Path]:
    """Train opponents one after the other on the train split of a data root, or go on where that was cut short.

    Args:
        root: a data root.
        folder: each gets a folder of its name in it.
        names: of :data:`OPPONENTS`; empty for all that only color.
        minutes: for each, times its recipe's share.
        seed: of weights and batches.

    Returns:
        Their weights.

    Raises:
        ConfigError: no opponent of a name. DataError: the root holds no pictures.
    """
    for name in names:
        check_known("opponent", name, OPPONENTS)
    chosen = {name: OPPONENTS[name] for name in names or RECIPES}
    store, looks = load_split(root, "train", round(CROP * _STORE_SCALE)), None
    if any(_restyles(recipe.preset) for recipe in chosen.values()):
        looks = style_store(root, (), round(CROP * _CLOSE_SCALE))
    options = {"seed": seed, "looks": looks}
    return [
        train_opponent(name, store, folder / name, seconds=60 * minutes * recipe.budgets, **options)
        for name, recipe in chosen.items()
    ]


def _check_config(folder: Path, name: str, recipe: Recipe, seconds: float, seed: int, images: int, size: int) -> None:
    """Write down what a run is, or make sure that the one in the folder is the same."""
    preset = asdict(recipe.preset) if recipe.preset else {"size": size, "batch_size": _PIX2PIX_BATCH}
    config = {"opponent": name, "seconds": seconds, "seed": seed, "images": images, "preset": preset}
    text = json.dumps(config, indent=1) + "\n"
    before = read_config(folder)
    if before is not None:
        if others := differing(before, json.loads(text)):
            raise WeightsError(
                f"{str(folder)!r} holds a run with other settings ({', '.join(others)}); "
                "move it away or name another folder"
            )
        return
    with atomic_write(folder / CONFIG, "w", WeightsError) as file:
        file.write(text)
