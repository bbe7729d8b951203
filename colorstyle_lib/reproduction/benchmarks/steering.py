"""What steering is worth: a reference, ten hints, eight seeds, and whether the model knows where it is guessing.

Errors are squared distances in the ab plane (squared Lab units), a mean over a picture's pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.inference.hints import limit_hints, rasterize_hints
from colorstyle_lib.metrics.bootstrap import Statistic, bootstrap, mean_of, ratio_of
from colorstyle_lib.metrics.coloring import square_error_ab
from colorstyle_lib.model.content import content_planes, gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.reproduction.benchmarks.calibration import uncertainty_cells, uncertainty_statistics
from colorstyle_lib.reproduction.benchmarks.coloring import ALL, ColorMethod, joined
from colorstyle_lib.reproduction.results.measurement_cache import Columns, cache_key, load_columns, save_columns
from colorstyle_lib.reproduction.results.store import Number, Provenance

HALVED = 192
"""Side in pixels of the squares that are cut into content and reference; its half must be a multiple of 32."""

HINTS = 10
SEEDS = 8
_BATCH = 20


@torch.no_grad()
def reference_errors(generator: Generator, rgb: Float[Tensor, "n 3 h w"]) -> Columns:
    """Color the left half of each picture by itself, and by the right half: two crops that share no pixel.

    Args:
        generator: in evaluation mode, with attention.
        rgb: real pictures in [0, 1]; half their width must be a multiple of the generator's step.

    Returns:
        ``automatic`` and ``reference``: the left half's error without and with the right half to look at.
    """
    parts = []
    for batch in rgb.split(_BATCH):
        left, right = rgb_to_lab(batch).chunk(2, dim=-1)
        content, truth = gray_content(left[:, :1]), left[:, 1:]
        guide = generator.describe_reference(right)
        parts.append(
            {
                "automatic": _error(generator(content), truth),
                "reference": _error(generator(content, guide), truth),
            }
        )
    return joined(parts)


@torch.no_grad()
def hint_errors(generator: Generator, rgb: Float[Tensor, "n 3 h w"], *, count: int = HINTS, seed: int = 0) -> Columns:
    """Tell the true color at random points, as a person would, and look everywhere else.

    Args:
        generator: in evaluation mode.
        rgb: real pictures in [0, 1] at the size that the generator works at.
        count: points in each picture.
        seed: of the points.

    Returns:
        Errors outside the hinted squares: ``automatic`` without hints, ``hints`` as ``colorize`` answers, which keeps
        hints to what they reach, and ``network`` as the generator alone does.
    """
    random = torch.Generator().manual_seed(seed)
    height, width = rgb.shape[-2:]
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        light, planted = lab[:, :1], []
        for i, image in enumerate(batch):
            at = torch.rand(count, 2, generator=random) * torch.tensor([width, height])
            hints = [(x, y, _hex(image[:, int(y), int(x)])) for x, y in at.tolist()]
            planted.append(rasterize_hints(hints, (width, height), light[i : i + 1]))
        ab, known = (torch.cat(planes) for planes in zip(*planted, strict=True))
        plain = generator(gray_content(light))
        hinted = generator(content_planes(torch.cat((light, ab), dim=1), torch.ones_like(known), known))
        answers = {"automatic": plain, "hints": limit_hints(plain, hinted, light, ab, known), "network": hinted}
        parts.append({name: _error(answer, lab[:, 1:], ~known[:, 0]) for name, answer in answers.items()})
    return joined(parts)


@torch.no_grad()
def sample_errors(generator: Generator, rgb: Float[Tensor, "n 3 h w"], *, count: int = SEEDS) -> Columns:
    """Color each picture with several seeds, and against that shift the single guess's color at random.

    A jitter adds one random ab vector to the whole guess. Those of a picture are scaled so that their mean square is
    the samples' own mean square distance from the guess: the same variance, without knowing anything of the picture.

    Args:
        generator: in evaluation mode, with noise.
        rgb: real pictures in [0, 1] at the size that the generator works at.
        count: seeds, 0 upwards as ``colorize(seed=)`` takes them; and as many jitters.

    Returns:
        ``single`` (the guess without a seed), ``best_sample`` and ``best_jitter``: errors; and ``spread``, the samples'
        mean square distance from the guess, squared Lab units.
    """
    noise = [
        torch.randn(1, generator.config.noise, generator=torch.Generator().manual_seed(seed)) for seed in range(count)
    ]
    random = torch.Generator().manual_seed(0)
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        content, truth = gray_content(lab[:, :1]), lab[:, 1:]
        seen = generator.encode(content)
        guess = generator.colors(generator.decode(seen)[0])
        samples = [generator.colors(generator.decode(seen, z.expand(len(batch), -1))[0]) for z in noise]
        spread = torch.stack([_error(sample, guess) for sample in samples]).mean(0)
        shifts = torch.randn(count, len(batch), 2, 1, 1, generator=random)
        shifts *= (spread / shifts.square().sum(2).mean(0).flatten())[:, None, None, None].sqrt()
        parts.append(
            {
                "single": _error(guess, truth),
                "best_sample": torch.stack([_error(sample, truth) for sample in samples]).amin(0),
                "best_jitter": torch.stack([_error(guess + shift, truth) for shift in shifts]).amin(0),
                "spread": spread,
            }
        )
    return joined(parts)


def steering_statistics(name: str, columns: Columns) -> dict[str, Statistic]:
    """The metrics of one way of steering, as statistics over pictures.

    Args:
        name: ``reference``, ``hints``, ``samples`` or ``uncertainty``.
        columns: from the function of this way.
    """
    if name == "uncertainty":
        return uncertainty_statistics(columns["unsure"], columns["wrong"])
    if name == "samples":
        single, best, jitter = (columns[c] for c in ("single", "best_sample", "best_jitter"))
        spread = mean_of(columns["spread"])
        return {
            "best_of_8_over_jitters": ratio_of(best, jitter),
            "best_of_8_over_single": ratio_of(best, single),
            "jitters_over_single": ratio_of(jitter, single),
            "sample_spread": lambda counts: spread(counts).sqrt(),
        }
    if name == "hints":
        alone = {"hints_network_error_over_automatic": ratio_of(columns["network"], columns["automatic"])}
    else:
        alone = {}
    return alone | {
        f"{name}_error_automatic": mean_of(columns["automatic"]),
        f"{name}_error": mean_of(columns[name]),
        f"{name}_error_over_automatic": ratio_of(columns[name], columns["automatic"]),
    }


def steer(generator: Generator, squares: Tensor, halved: Tensor) -> dict[str, Columns]:
    """Everything that this generator can be steered by, measured.

    Args:
        generator: in evaluation mode.
        squares: at its working size.
        halved: the same pictures at :data:`HALVED`.
    """
    ways = {}
    if generator.steering:
        ways["reference"] = reference_errors(generator, halved)
        ways["hints"] = hint_errors(generator, squares)
    if generator.config.noise:
        ways["samples"] = sample_errors(generator, squares)
    if generator.config.colors == "bins":
        ways["uncertainty"] = dict(zip(("unsure", "wrong"), uncertainty_cells(generator, squares), strict=True))
    return ways


def evaluate_steering(
    method: ColorMethod,
    squares: Mapping[str, Float[Tensor, "n 3 h w"]],
    halved: Mapping[str, Float[Tensor, "n 3 h2 w2"]],
    provenance: Provenance,
    *,
    resamples: int = 2000,
) -> list[Number]:
    """Measure what steering is worth on each data set and on all together; nothing where there is nothing to steer.

    What was measured before is taken from ``runs/measured``, as in the coloring benchmark.

    Args:
        method: of ours.
        squares: from :func:`.load_squares`, at the generator's working size.
        halved: from there, at :data:`HALVED`.
        provenance: of the run.
        resamples: of the bootstrap.
    """
    if method.generator is None:
        return []
    generator = method.generator

    def measured_before_or_now(rgb: Tensor, halves: Tensor) -> dict[str, Columns]:
        place = cache_key(rgb, halves, method.weights or method.name, *_MEASURES)
        flat = load_columns(place)
        if flat is None:
            flat = {f"{w}/{c}": v for w, columns in steer(generator, rgb, halves).items() for c, v in columns.items()}
            save_columns(place, flat)
        ways: dict[str, Columns] = {}
        for name, values in flat.items():
            way, column = name.split("/")
            ways.setdefault(way, {})[column] = values
        return ways

    measured = {data: measured_before_or_now(squares[data], halved[data]) for data in squares}
    if len(measured) > 1:
        first = next(iter(measured.values()))
        measured[ALL] = {way: joined([ways[way] for ways in measured.values()]) for way in first}
    facts = {"weights": method.weights, "seeds": method.seeds}
    return [
        Number.of(
            metric,
            method.name,
            data,
            bootstrap(statistic, len(next(iter(columns.values()))), resamples=resamples),
            provenance,
            **facts,
            note=_NOTES[way],
        )
        for data, ways in measured.items()
        for way, columns in ways.items()
        for metric, statistic in steering_statistics(way, columns).items()
    ]


_MEASURES = (reference_errors, hint_errors, sample_errors, uncertainty_cells)

_NOTES = {
    "reference": f"left half of a {HALVED} px square, its right half as reference; squared ab error, ratio of means",
    "hints": f"true colors at {HINTS} random points; squared ab error outside them, ratio of means",
    "samples": f"{SEEDS} seeds against as many random ab shifts of equal variance; squared ab error, ratio of means",
    "uncertainty": "cells of 4 x 4 px; root mean square ab error, quarters of all cells by predicted deviation",
}


def _error(ab: Tensor, truth: Tensor, where: Tensor | None = None) -> Float[Tensor, " n"]:
    errors = square_error_ab(ab, truth)
    if where is None:
        return errors.mean((1, 2))
    return (errors * where).sum((1, 2)) / where.sum((1, 2))


def _hex(rgb: Float[Tensor, 3]) -> str:
    return "#" + bytes((rgb * 255).round().byte().tolist()).hex()
