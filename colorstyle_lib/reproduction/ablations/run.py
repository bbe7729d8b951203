"""Runs of the ablations: what is not in the log yet is trained, measured and logged, so a run that was killed goes on.

Every training costs the same processor time: a member whose steps are dear has fewer of them. What a step costs is
measured once, beside the base's, and kept; so how busy the machine is later changes nothing, and a run can be repeated.
"""

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data import PHOTOGRAPHS, Batches, ImageStore, center_crops, load_images, load_split
from colorstyle_lib.environment import commit, hardware
from colorstyle_lib.errors import DataError, WeightsError
from colorstyle_lib.metrics import colorfulness, pooled_features, psnr_ab, square_error_ab
from colorstyle_lib.model import AttentionOverride, Generator, gray_content
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, BASE, CONDITIONS, SIDE, SMALL, Ablation, Scale
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, predict_ab
from colorstyle_lib.reproduction.baselines.pix2pix import BATCH_SIZE, Pix2Pix
from colorstyle_lib.reproduction.benchmarks.attention_faithfulness import attention_columns, batches_of, swapped
from colorstyle_lib.reproduction.benchmarks.runner import Rows, joined, numbers_of, spread
from colorstyle_lib.reproduction.results import store as results
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance
from colorstyle_lib.training import GanLearner, TrainState, this_process, training_loop
from colorstyle_lib.training.train_on_folder import STORE_SCALE

LOG, _REAL = "log.jsonl", "real"
_SHORT = 12  # steps of a run that only costs are measured on: all stages, at their shares
HALVED = 96  # side in pixels of the squares that are cut into content and reference
PICTURES = 240  # val pictures of a data root, spread evenly over all of them
_CROPS = 48  # of the handful of demo photographs
_CROPS_SEED = 1_000_003  # a seed that no training uses


@dataclass(frozen=True)
class ValidationSet:
    """Pictures that nobody trains on."""

    data: str  # what they are called: ``all`` data sets of a root, or ``demo``
    squares: Float[Tensor, "n 3 _ _"]  # to be colored by their L alone
    halves: Float[Tensor, "n 3 _ _"]  # of the same pictures; the left half is colored by the right half


def run_matrix(store: ImageStore, pictures: ValidationSet, folder: Path, scale: Scale) -> list[dict[str, Any]]:
    """Train on a store and measure on other pictures what the log in a folder does not have yet, at a scale.

    Returned are the log's lines of what is asked for. DataError: the folder cannot be written to.
    """
    network = pretrained_efficientnet_lite0()
    material = results.cache_key(pictures.squares, pictures.halves, *store.names)
    real = {"colorfulness": colorfulness(pictures.squares), "features": pooled_features(pictures.squares, network)}
    results.save_columns(f"{_REAL}-{material}", real, folder)
    results.save_columns(f"{GRAY.name}-{material}", measure(GRAY, pictures, network), folder)
    done, asked = {(line["config"], line["seed"]): line for line in results.read_lines(folder / LOG)}, []
    for name, seed in itertools.product(scale.members or ABLATIONS, range(scale.seeds)):
        member = ABLATIONS[name]
        config = config_hash(member, scale.steps, material)
        if (config, seed) not in done:
            own = max(1, round(scale.steps / cost_of(member, store, folder)))
            line = {"ablation": name, "seed": seed, "config": config, "steps": own, "n": len(pictures.squares)}
            line |= {"train": len(store), "commit": commit(), "hardware": hardware()}
            try:
                method, spent = train_member(member, store, seed=seed, steps=own)
            except WeightsError as error:  # a training that breaks down is a result, too
                print(f"{name} {seed}: {error}", flush=True)
                line["problem"] = str(error)
            else:
                columns = measure(method, pictures, network, CONDITIONS if name == BASE else ())
                line |= {"cpu_seconds": round(spent, 2), "columns": f"{name}-{config}-{seed}"}
                results.save_columns(line["columns"], columns, folder)
                told = f"{own} steps in {spent:.0f} s, PSNR ab {columns['psnr_ab'].mean():.2f} dB"
                print(f"{name} {seed}: {told}", flush=True)
            done[config, seed] = line | {"data": pictures.data, "material": material, "budget": scale.steps}
            results.add_line(folder / LOG, done[config, seed])
        asked.append(done[config, seed])
    return asked


def train_member(member: Ablation, store: ImageStore, *, seed: int, steps: int) -> tuple[ColorMethod, float]:
    """Train one member on the pictures of a store, with a seed of weights and batches.

    Returns it with the seconds of processor time (on a GPU of time). WeightsError: a loss or weight is no number.
    """
    learner = new_learner(member, store, seed)
    spent = [seconds for _, seconds, _ in training_loop(learner, steps)][-1]
    network = learner.state.average.cpu().eval()
    if not all(bool(values.isfinite().all()) for values in network.state_dict().values()):
        raise WeightsError("the weights are no longer numbers")
    generator = network if isinstance(network, Generator) else None
    return ColorMethod(member.name, partial(predict_ab, network), generator, seeds=(seed,)), spent


def new_learner(member: Ablation, store: ImageStore, seed: int) -> GanLearner | Pix2Pix:
    """A member before its first step; the seed is of weights and batches."""
    if member.preset is None:
        return Pix2Pix(SIDE, store, seed=seed)
    batches = Batches(store, member.preset.training.batch_size, member.preset.training.crop, seed)
    learner = GanLearner(member.preset, batches, seed=seed, group=this_process())
    if member.held:
        _hold_attention(learner.state, member.held)
    return learner


def _hold_attention(state: TrainState, weights: Mapping[str, float]) -> None:
    """Fix the attention weights of both networks from the first step on: their energies become constants.

    Equation (2) shares weights above 0, in any unit, out over the modalities present; everything else learns with them.
    """
    attentions = [level for one in (state.generator, state.average) for level in one.steering.values()]
    held = [(level, math.sqrt(level.energy[0].in_channels)) for level in attentions]
    if state.discriminator.config.attention != "none":
        held += [(level, 1.0) for level in state.discriminator.evidence.values()]
    for level, scale in held:
        for layer, name in zip(level.energy, level.modalities, strict=True):
            energy = torch.zeros(layer.out_channels, 1, 1, device=layer.bias.device)
            energy[-1] = scale * math.log(weights[name])  # the constant part of an energy comes last
            layer.register_forward_hook(lambda _, __, answer, energy=energy: energy.to(answer.dtype).expand_as(answer))


def config_hash(member: Ablation, steps: int, material: str) -> str:
    """A name for everything that a training's result depends on, but its seed and the machine.

    Only fields that differ from their defaults count, so one that is added later changes no name. Steps are the base's.
    """
    preset: Any = {"pix2pix": SIDE, "batch_size": BATCH_SIZE}
    if member.preset is not None:
        parts = (member.preset.generator, member.preset.discriminator, member.preset.training)
        preset = [{f.name: getattr(p, f.name) for f in fields(p) if getattr(p, f.name) != f.default} for p in parts]
    facts = {"preset": preset, "held": dict(member.held), "steps": steps, "material": material}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def cost_of(member: Ablation, store: ImageStore, folder: Path) -> float:
    """The cost of a member's training, in trainings of the base of as many steps; measured once and kept there."""
    path, name = folder / "costs.jsonl", config_hash(member, 0, "")
    known = {entry["config"]: entry["cost"] for entry in results.read_lines(path)}
    if name not in known and member.name != BASE:
        ends = []
        for one in (member, ABLATIONS[BASE]):  # of a short run of each; the first steps of all are slower
            spent = [seconds for _, seconds, _ in training_loop(new_learner(one, store, 0), _SHORT)]
            ends.append(spent[-1] - spent[1])
        known[name] = round(ends[0] / ends[1], 3)
        results.add_line(path, {"config": name, "cost": known[name]})
    return 1.0 if member.name == BASE else known[name]


def load_material(root: Path | None, *, pictures: int = PICTURES) -> tuple[ImageStore, ValidationSet]:
    """Pictures to learn from, and at most so many pictures to measure on: a data root's train and val splits.

    Without a root they are halves of the demo photographs. DataError: the root holds nothing usable.
    """
    if root is None:
        photographs = PHOTOGRAPHS.values()
        everything = load_images([p.open() for p in photographs], 2 * HALVED, names=[p.name for p in photographs])
        cut = [image.tensor_split((image.shape[2] // 2,), dim=2) for image in everything.images]
        learn, rest = (
            ImageStore(list(side), everything.names, groups=everything.groups) for side in zip(*cut, strict=True)
        )
        crops = (Batches(rest, min(pictures, _CROPS), side, _CROPS_SEED).batch(0) for side in (SIDE, HALVED))
        return learn, ValidationSet("demo", *crops)
    learn = load_split(root, "train", round(SIDE * STORE_SCALE))
    val = load_split(root, "val", HALVED)
    rows = spread(len(val), pictures)
    return learn, ValidationSet("all", center_crops(val, SIDE)[rows], center_crops(val, HALVED)[rows])


@torch.no_grad()
def measure(
    method: ColorMethod, pictures: ValidationSet, network: EfficientNetLite0, conditions: Iterable[str] = ()
) -> Columns:
    """Measure a method's colorings, a row a picture; again, as ``CONDITION/...``, under :data:`.CONDITIONS`.

    Columns are ``error_ab`` and ``psnr_ab``; ``colorfulness`` and ``features`` of the pictures colored by themselves;
    with the other half as reference ``reference_error_ab`` and ``reference_psnr_ab``, where there is a generator of
    ours; and where that has attention, those of :func:`measure_attention`.
    """
    parts: list[Columns] = []
    for rgb, lab, guide in _tasks(pictures):
        for condition in ("", *conditions) if guide is None or method.generator is not None else ():
            before = (f"{condition}/" if condition else "") + ("reference_" if guide is not None else "")
            plain = guide is None and not condition
            ab = method.color(rgb) if plain else _conditioned(method.generator, lab, guide, condition)
            found = {"error_ab": square_error_ab(ab, lab[:, 1:]).mean((1, 2)), "psnr_ab": psnr_ab(ab, lab[:, 1:])}
            if guide is None:
                picture = lab_to_rgb(fit_gamut(torch.cat((lab[:, :1], ab), dim=1)))
                found |= {"colorfulness": colorfulness(picture), "features": pooled_features(picture, network)}
            parts.append({before + name: values for name, values in found.items()})
    heard = method.generator is not None and method.generator.steering
    return joined(parts) | (measure_attention(method.generator, pictures) if heard else {})


def measure_attention(generator: Generator, pictures: ValidationSet) -> Columns:
    """Attention columns without and with a reference, ``automatic/...`` and ``reference/...``."""
    parts = []
    for _, lab, guide in _tasks(pictures):
        task, found = "automatic" if guide is None else "reference", attention_columns(generator, lab, guide)
        parts.append({f"{task}/{name}": values for name, values in found.items()})
    return joined(parts)


def _tasks(pictures: ValidationSet) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """Batches of contents, in RGB and in Lab, and their references in Lab: squares have none, left halves the right."""
    for rgb in batches_of(pictures.squares):
        yield rgb, rgb_to_lab(rgb), None
    for rgb in batches_of(pictures.halves):
        yield rgb, *rgb_to_lab(rgb).chunk(2, dim=-1)


def _conditioned(generator: Generator, lab: Tensor, guide: Tensor | None, condition: str) -> Tensor:
    """Predicted ab, with a modality swapped with another picture's or dropped."""
    reference = generator.describe_reference(guide) if guide is not None and generator.steering else None
    encoded, override = generator.encode(gray_content(lab[:, :1]), reference), None
    verb, modality = CONDITIONS.get(condition, ("", ""))
    if verb == "swap":
        encoded = swapped(encoded, modality)
    elif verb == "drop":
        override = AttentionOverride(remove=(modality,))
    return generator.colors(generator.decode(encoded, override=override)[0], encoded.content)


@dataclass(frozen=True)
class Matrix:
    """Trainings on the same pictures, each of the same cost."""

    columns: dict[str, dict[int, Columns]]  # of each member and seed
    real: Columns  # of the real pictures
    lines: list[dict[str, Any]]  # the log's, of the same runs, those of broken trainings among them
    scale: Scale = SMALL  # that was asked for

    def numbers(self, name: str, trainings: Sequence[Rows], seeds: Iterable[int]) -> list[Number]:
        """The metrics of a method's trainings with these seeds as numbers, which are means over the trainings."""
        method, data, n = ColorMethod(name, None, seeds=tuple(seeds)), self.lines[0]["data"], self.lines[0]["n"]
        asked = {
            "steps": (self.lines[0]["budget"], self.scale.steps),
            "seeds": (1 + max(line["seed"] for line in self.lines), self.scale.seeds),
            "pictures": (n, PICTURES if data == "all" else n),  # the demo has as many as it has
        }
        options = self.scale.option + (" --data ROOT" if data == "all" else "")
        options += "".join(f" --{name} {mine}" for name, (mine, default) in asked.items() if mine != default)
        command = f"colorstyle ablations run{options}; colorstyle ablations show"
        commits, machines = (", ".join(sorted({line[key] for line in self.lines})) for key in ("commit", "hardware"))
        provenance = Provenance(command, self.scale.name, commits, machines)  # of the runs themselves
        return numbers_of(trainings, method, data, n, provenance)

    def about(self, name: str) -> str:
        """What a reader of a member's numbers must know."""
        if name == GRAY.name:
            return "gray: no model at all"
        mine = [line for line in self.lines if line["ablation"] == name]
        trained = [line for line in mine if "problem" not in line]
        broken = len(mine) - len(trained)
        lost = f", {broken} training{'s' * (broken > 1)} broke down" if broken else ""
        minutes = sum(line["cpu_seconds"] for line in trained) / max(len(trained), 1) / 60
        few = "one training" if len(trained) == 1 else f"{len(trained)} trainings"
        cost = f"{mine[0]['steps']} steps, {minutes:.2g} processor minutes each"
        return f"{name} (changed: {ABLATIONS[name].changes}): {few} of {cost}{lost}"


def read_matrix(folder: Path, scale: Scale = SMALL) -> Matrix | None:
    """The runs in a folder of :func:`run_matrix` that belong together: with steps and pictures of the base's last one.

    Without runs of members that were changed since; None where none is of the base. DataError: columns are missing.
    """
    log = [
        line
        for line in results.read_lines(folder / LOG)
        if (one := ABLATIONS.get(line["ablation"]))
        and line["config"] == config_hash(one, line["budget"], line["material"])
    ]
    last = next((line for line in reversed(log) if line["ablation"] == BASE and "columns" in line), None)
    if last is None:
        return None
    alike = [line for line in log if all(line[key] == last[key] for key in ("budget", "material"))]
    lines = list({(line["ablation"], line["seed"]): line for line in alike}.values())

    def recalled(name: str) -> Columns:
        if (found := results.load_columns(name, folder)) is None:
            where = f"{name}.safetensors is missing or damaged; take its line out of the log"
            raise DataError(f"{where}, and: colorstyle ablations run{scale.option}")
        return found

    columns: dict[str, dict[int, Columns]] = {}
    for line in lines:
        if "columns" in line:
            columns.setdefault(line["ablation"], {})[line["seed"]] = recalled(line["columns"])
    real, gray = (recalled(f"{name}-{last['material']}") for name in (_REAL, GRAY.name))
    columns[GRAY.name] = dict.fromkeys(columns[BASE], gray)  # needs no seed, and is compared with each
    return Matrix(columns, real, lines, scale)
