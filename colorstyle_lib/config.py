"""Presets (what a model is and how it is trained), modes (how much work a run does) and the options of a run."""

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from colorstyle_lib.errors import ConfigError, check_known, nearest
from colorstyle_lib.paths import data_root

Config = TypeVar("Config")

ATTENTIONS = ("none", "plain", "places")
"""Attention can be left out, have one energy for a whole image (as the paper prints it), or one for each place."""


@dataclass(frozen=True)
class GeneratorConfig:
    """The generator's shape."""

    encoder: str = "convolutions"  # with pooling, as in section 3(1); or `efficientnet_lite0`, frozen and pretrained
    width: int = 16  # channels at full resolution; doubled at each halving, up to `max_width`
    max_width: int = 128  # no level of the decoder has more channels than this
    depth: int = 4  # number of halvings; for `efficientnet_lite0` always 5
    # `regression` (a and b) or `bins` (annealed mean of likely ab bins: R. Zhang et al., ECCV 2016, arXiv:1603.08511)
    colors: str = "regression"
    temperature: float = 0.38  # of that mean: 1 is the plain mean (pale), near 0 the likeliest bin (vivid, patchy)
    vividness: float = 0.0  # share given back of the chroma that the mean loses where colors differ, from 0 to 1
    gain: float = 0.0  # share of chroma added for each Lab unit of the colors' standard deviation, counted up to 15
    smoothing: int = 0  # radius, in pixels of half the size, in which surer colors calm unsure ones; 0 for not at all
    attention: str = "none"  # how modalities steer the decoder, by equation (2): one of ATTENTIONS
    modalities: tuple[str, ...] = ("color", "texture", "shape")  # which of color, texture and shape are weighed
    attention_at: tuple[int, ...] = (4, 8, 16)  # steered levels of the decoder: how often smaller than the picture
    noise: int = 0  # numbers in z; 0 for a generator that answers one input in one way
    restyling: int = 0  # channels of the style decoder, at a quarter of the size; 0 for a generator without one
    repairing: int = 0  # channels of the repair decoder, at half the size; 0 for a generator without one
    scenes: int = 0  # numbers in z of new scenes; 0 for a generator that makes none
    working_size: int = 128  # pixels of a picture's shorter side when chroma is predicted; a multiple of `2 ** depth`


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The discriminator's shape."""

    width: int = 32  # channels after the first halving; doubled at each further one, up to `max_width`
    max_width: int = 192  # no level has more channels than this
    depth: int = 4  # number of halvings
    scales: int = 2  # coarsest levels that give evidence; the finest is at least 3 halvings down, where modalities live
    attention: str = "places"  # how evidence is weighed, by equation (2): one of ATTENTIONS; `none`: by features alone
    modalities: tuple[str, ...] = ("color", "texture", "shape")  # which of color, texture and shape give evidence
    spectral_norm: bool = True  # of every layer but the energies' (T. Miyato et al., ICLR 2018, arXiv:1802.05957)
    # pooling, as the paper's section 3(2) says; or else stride 2 (A. Radford et al., ICLR 2016, arXiv:1511.06434)
    pooling: bool = False
    patches: bool = True  # judge each place (P. Isola et al., CVPR 2017, arXiv:1611.07004), not the picture as one


@dataclass(frozen=True)
class TrainingConfig:
    """Training in three stages: supervised alone, the discriminator alone catches up, then both networks in turn."""

    optimizer: str = "adamw"  # `adamw` or `sgd` (the paper's section 5(2)), for both networks
    learning_rate: float = 1e-3  # the generator's peak; it rises over `warmup` of the run and falls to 0 on a cosine
    discriminator_learning_rate: float = 4e-4  # constant
    warmup: float = 0.05  # fraction of the run
    batch_size: int = 16  # images a step, over all processes
    accumulate: int = 1  # parts that a process works its images off in, one after the other, before a step: less memory
    crop: int = 128  # side of the square training crops, in pixels; a multiple of `2 ** depth` and of 8
    # what the generator is asked for, and how often: names of TASKS and weights
    tasks: tuple[tuple[str, float], ...] = (("automatic", 5.0), ("reference", 5.0), ("hints", 3.0), ("inpaint", 1.0))
    supervised: float = 0.8  # fraction of the run before the discriminator enters
    catch_up: float = 0.05  # fraction of the run in which only the discriminator learns
    objective: str = "hinge"  # what the networks descend on, a name of OBJECTIVES, or `none` for no adversary
    adversarial_weight: float = 0.05  # of the generator's part of it
    judge_every: int = 1  # only one in so many pictures of each part of a step is judged; losses are means over these
    penalty: float = 0.0  # gamma of the zero-centred gradient penalty on real pictures (R1), per 100 Lab units; 0: none
    augment: bool = True  # show the discriminator shifted pictures with parts cut out (DiffAugment)
    huber_delta: float = 5.0  # ab distance, in Lab units, where the Huber term turns from a square into a line
    gradient_weight: float = 0.5  # weight of the Huber term on ab differences of neighbours (against bleeding)
    chroma_weight: float = 3.0  # a colorful pixel's weight is 1 + this * chroma / 110 (against brown)
    bin_smoothing: float = 0.75  # how far rare ab bins are weighed up: 0 (all bins count alike) to 1 (all pixels do)
    repair_weight: float = 1.0  # of the losses of inpaint and enhance
    content_weight: float = 0.45  # of stylize's content term
    style_weight: float = 12.0  # of stylize's style term
    identity_weight: float = 1.0  # of the distance to stylize's right answer, where only color is to be taken
    modality_weight: float = 3.0  # of the distance in color, texture and shape, where stylize takes only some of them
    trainable: str = "all"  # or `restyling` or `repairing`: these levels alone, which leaves coloring as it is
    attention_weight: float = 0.5  # weight of the term against attention's collapse
    attention_floor: float = 0.3  # entropy below which it acts, as a share of the largest possible
    noise_fraction: float = 0.25  # share of pictures that get a z other than 0
    # of so many z, the one that suits such a picture best is learned from, so that different z come to mean different
    # answers (K. Li and J. Malik, 2018, arXiv:1809.09087)
    imle_samples: int = 4
    half_precision: bool = True  # compute in bfloat16 where that loses nothing that matters
    ema: float = 0.998  # decay of the moving average of the weights, which is what is kept


@dataclass(frozen=True)
class Preset:
    """A named configuration: the two networks and their training."""

    name: str
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def change(config: Config, **changes: Any) -> Config:
    """Copy a configuration with some fields changed; ConfigError for one that is unknown or odd."""
    defaults = {f.name: f.default for f in fields(config)}  # type: ignore[arg-type]
    for key, value in changes.items():
        if key not in defaults:
            raise ConfigError(f"{type(config).__name__} has no {key!r}{nearest(key, defaults)}")
        if (kind := type(defaults[key])) in (bool, int, float, str, tuple):
            fits = type(value) is kind or (kind is float and type(value) is int)
            numbers = [n for n in (value if kind is tuple and fits else (value,)) if isinstance(n, int | float)]
            # Deeper or wider networks would be built for hours.
            most = 16 if key == "depth" else sys.float_info.max if kind is float else 1e6
            if not fits or not all(0 <= number <= most for number in numbers):
                raise ConfigError(f"{type(config).__name__}'s {key} is {value!r}, not as its default {defaults[key]!r}")
    return replace(config, **changes)  # type: ignore[type-var]


_TABLES = tomllib.loads(Path(__file__).with_name("presets.toml").read_text(encoding="utf-8"))


def derived_preset(base: Preset, name: str, tables: Mapping[str, Mapping[str, Any]]) -> Preset:
    """A preset with another name and changes of its parts, by part and field, as a TOML file has them; see `change`."""

    def frozen(value: Any) -> Any:
        return tuple(map(frozen, value)) if isinstance(value, list) else value

    parts = {part: {key: frozen(value) for key, value in table.items()} for part, table in tables.items()}
    return replace(base, name=name, **{part: change(getattr(base, part), **some) for part, some in parts.items()})


PRESETS: dict[str, Preset] = {name: derived_preset(Preset(name), name, tables) for name, tables in _TABLES.items()}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of the settings that are not the same in two nested dictionaries, such as ``training.modality_weight``."""
    names = []
    for key in dict.fromkeys((*one, *other)):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            names += [f"{key}.{name}" for name in differing(mine, theirs)]
        elif mine != theirs:
            names.append(key)
    return names


def get_preset(name: str) -> Preset:
    """Look up a preset; of an unknown name, a ConfigError names the nearest one."""
    check_known("preset", name, PRESETS)
    return PRESETS[name]


@dataclass(frozen=True)
class Mode:
    """Amounts of work. A notebook reads these numbers and never asks for the mode's name."""

    name: str  # `smoke`, `quick` or `full`
    source: Literal["synthetic", "demo", "folder"]  # of images behind numbers; folder: a data root
    image_size: int  # side of the square images that notebooks compute on, in pixels
    max_images: int  # at most this many images are read for statistics
    max_samples: int  # at most this many pixels are drawn for histograms and scatter plots
    repeats: int  # how often a timing is repeated (the median is shown)
    train_steps: int  # steps of a small model that is trained live
    release_steps: int  # steps of a training whose weights are to be kept


_AMOUNTS = tomllib.loads(Path(__file__).with_name("modes.toml").read_text(encoding="utf-8"))
MODES: dict[str, Mode] = {name: Mode(name, **amounts) for name, amounts in _AMOUNTS.items()}


def get_mode(name: str = "auto", data: str | os.PathLike[str] | None = None) -> Mode:
    """Choose how much work to do; ConfigError for a name that is no mode, or for ``full`` without a data root.

    ``auto`` is the environment variable ``COLORSTYLE_MODE`` where it is set, else ``full`` with a GPU and a data root
    (the one given as ``data``, or :func:`.data_root`'s), else ``quick``.
    """
    chosen = (name == "auto" and os.environ.get("COLORSTYLE_MODE")) or name
    if chosen == "auto":
        import torch

        chosen = "full" if torch.cuda.is_available() and data_root(data) else "quick"
    check_known("mode", chosen, MODES)
    if chosen == "full":
        data_root(data, needed_for="mode 'full'")
    return MODES[chosen]


_ALWAYS_TOLD = ("preset", "data", "steps", "seed")
_NEVER_TOLD = ("mode", "evaluate_every", "output", "resume", "overwrite")


@dataclass(frozen=True)
class TrainOptions:
    """Options of ``colorstyle train``, whose help describes each; None, or empty, leaves one to the preset or mode."""

    preset: str = "companion"
    data: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    mode: str = "auto"
    evaluate_every: int = 500
    output: Path | None = None
    tasks: tuple[str, ...] = ()
    learns: str | None = None
    styles: tuple[str, ...] = ()
    batch_size: int | None = None
    windows: int = 0
    accumulate: int | None = None
    start_from: Path | None = None
    resume: bool = False
    overwrite: bool = False
    steps: int | None = None
    seed: int = 0
    release: bool = False

    def command(self) -> str:
        """The command line that trains the same weights, without names of folders of this machine."""
        words = ["colorstyle train"]
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in _ALWAYS_TOLD or (one.name not in _NEVER_TOLD and value != one.default):
                if isinstance(value, Path):
                    value = value.name
                if one.name == "data":
                    value = ("ROOT",) * max(1, len(value))
                text = " ".join(value) if isinstance(value, tuple) else "" if value is True else value
                words.append(f"--{one.name.replace('_', '-')} {text}".rstrip())
        return " ".join(words)
