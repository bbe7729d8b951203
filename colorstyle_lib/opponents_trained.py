"""Opponents that must be trained, and our own model in the same race: same pictures, same loop, same computing time.

Each is trained for an equal budget of processor time rather than steps, since their steps cost differently; learning
rates and stages follow the share of the budget that is spent. So a race ends a little differently on another machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from colorstyle_lib.checkpoint import STATE, load_state, save_generator, save_state
from colorstyle_lib.config import Preset, change, get_preset
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.data.datasets import load_split
from colorstyle_lib.distributed import World
from colorstyle_lib.errors import WeightsError, check_known
from colorstyle_lib.journal import Journal, Losses
from colorstyle_lib.pix2pix import Pix2Pix
from colorstyle_lib.players import Players, learning_rate_at
from colorstyle_lib.tasks import draw
from colorstyle_lib.training import color_balance, stage_at
from colorstyle_lib.turns import Rules, take_turns
from colorstyle_lib.writing import atomic_write

MINUTES = 10.0
"""Of processor time for each, by default."""

_CROP = 128  # pix2pix needs a power of 2
_STORE_SCALE = 1.25  # as in colorstyle_lib.release
_SCHEDULE = 100_000  # parts that a budget is divided in, for schedules that count steps
_PIX2PIX_BATCH = 4  # its paper's for coloring (section 6.2)
_PLAIN = {"tasks": (("automatic", 1.0),), "objective": "none", "noisy": 0.0, "best_of": 1, "attention_weight": 0.0}


@dataclass(frozen=True)
class Recipe:
    """How an opponent is trained.

    Attributes:
        title: what texts call it.
        preset: its networks and training; None for pix2pix, which brings its own.
    """

    title: str
    preset: Preset | None


def _recipes() -> dict[str, Recipe]:
    companion = get_preset("companion")
    # Crops, batches and the average's memory fit a race of minutes; the same for all that share our generator.
    base = change(
        companion,
        generator=change(companion.generator, working_size=_CROP, restyling=0),
        training=change(companion.training, crop=_CROP, batch_size=8, ema=0.99),
    )

    def alone(name: str, generator: dict[str, Any], **training: Any) -> Preset:
        shape = change(base.generator, noise=0, lightness=False, vividness=0.0, **generator)
        return change(base, name=name, generator=shape, training=change(base.training, **_PLAIN, **training))

    # A Huber distance whose square ends at once is the absolute error.
    absolute = {"huber_delta": 0.01, "gradient_weight": 0.0, "chroma_weight": 0.0}
    l1 = alone("l1", {"colors": "regression"}, **absolute)
    # Temperature and lambda are Zhang et al.'s (ECCV 2016, arXiv:1603.08511).
    bins = alone("bins", {"attention": "none", "temperature": 0.38}, uniform=0.5)
    return {
        "l1": Recipe("same generator, L1 only", l1),
        "pix2pix": Recipe("pix2pix's recipe", None),
        "bins": Recipe("same generator without attention, rebalanced ab bins", bins),
        "ours": Recipe("ours, in the same time", change(base, name="ours")),
    }


RECIPES: dict[str, Recipe] = _recipes()
"""Everyone in the race, by name."""


class _PresetLearner:
    """Our own loop (:mod:`colorstyle_lib.training`), its schedule by the share of the budget that is spent."""

    def __init__(self, preset: Preset, store: ImageStore, seed: int, device: torch.device) -> None:
        config = preset.training
        self.preset, self.device = preset, device
        self.batches = Batches(store, config.batch_size, config.crop, seed)
        self.players = Players.new(preset, seed, device)
        bins = preset.generator.colors == "bins"
        balance = color_balance(self.batches, config.uniform).to(device) if bins else None
        self.rules = Rules(config, World(0, 1, device), balance)

    def step(self, index: int, spent: float) -> dict[str, Tensor]:
        config, players, at = self.preset.training, self.players, int(spent * _SCHEDULE)
        for group in players.generator_optimizer.param_groups:
            group["lr"] = learning_rate_at(at, _SCHEDULE, config)
        stage = stage_at(at, _SCHEDULE, config)
        parts = draw(self.batches, index, config, self.preset.generator.noise).on(self.device).parts(config.accumulate)
        terms = take_turns(players, parts, self.rules, stage)
        if stage != "catch_up":
            players.move_average(config.ema, index)
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
    recipe: Recipe, store: ImageStore, seed: int, device: torch.device, size: int
) -> _PresetLearner | _Pix2PixLearner:
    if recipe.preset is None:
        return _Pix2PixLearner(size, store, seed, device)
    return _PresetLearner(recipe.preset, store, seed, device)


def train_opponent(
    name: str,
    store: ImageStore,
    folder: Path,
    *,
    seconds: float = 60 * MINUTES,
    seed: int = 0,
    recipe: Recipe | None = None,
    size: int = _CROP,
    saves: int = 4,
) -> Path:
    """Train one, or go on where a run of the same settings was cut short; a run that is done is left alone.

    Writes ``config.json``, ``log.jsonl``, a state to go on from, and the weights once the budget is spent.

    Args:
        name: of :data:`RECIPES`.
        store: training pictures.
        folder: its own, made where it is missing.
        seconds: of processor time (on a GPU: of time), drawing of batches included.
        seed: of weights and batches.
        recipe: another than the named one, for tests.
        size: side of pix2pix's pictures.
        saves: how often the state is written.

    Returns:
        The weights: ``NAME.safetensors`` in the folder.

    Raises:
        ConfigError: no opponent of this name. WeightsError: the folder holds a run with other settings.
    """
    check_known("opponent", name, RECIPES)
    recipe = recipe or RECIPES[name]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    weights = folder / f"{name}.safetensors"
    _check_config(folder, name, recipe, seconds, seed, len(store), size)
    if weights.is_file():
        return weights
    learner = _new_learner(recipe, store, seed, device, size)
    step, spent = 0, 0.0
    if (folder / STATE).is_file():
        state = load_state(folder)
        learner.load_state(state["learner"])
        step, spent = state["step"], state["spent"]
    journal, losses, due = Journal(folder, after=step), Losses(), spent + seconds / saves
    while spent < seconds:
        started = clock()
        losses.add(learner.step(step, spent / seconds))
        spent += clock() - started
        step += 1
        if spent >= due or spent >= seconds:
            losses.check(step)
            journal.write(step, spent=round(spent, 1), **losses.means(World(0, 1, device)))
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
        names: of :data:`RECIPES`; empty for all.
        minutes: for each.
        seed: of weights and batches.

    Returns:
        Their weights.

    Raises:
        ConfigError: no opponent of a name. DataError: the root holds no pictures.
    """
    for name in names:
        check_known("opponent", name, RECIPES)
    store = load_split(root, "train", round(_CROP * _STORE_SCALE))
    return [train_opponent(name, store, folder / name, seconds=60 * minutes, seed=seed) for name in names or RECIPES]


def _check_config(folder: Path, name: str, recipe: Recipe, seconds: float, seed: int, images: int, size: int) -> None:
    """Write down what a run is, or make sure that the one in the folder is the same."""
    preset = asdict(recipe.preset) if recipe.preset else {"size": size, "batch_size": _PIX2PIX_BATCH}
    config = {"opponent": name, "seconds": seconds, "seed": seed, "images": images, "preset": preset}
    text = json.dumps(config, indent=1) + "\n"
    path = folder / "config.json"
    if path.is_file():
        if path.read_text(encoding="utf-8") != text:
            raise WeightsError(f"{str(folder)!r} holds a run with other settings; move it away or name another folder")
        return
    with atomic_write(path, "w", WeightsError) as file:
        file.write(text)
