"""The steering benchmark: a reference, ten hints, eight seeds, and the calibration of predicted uncertainty.

Errors are squared distances in the ab plane (squared Lab units), a mean over a picture's pixels. Generators are in
evaluation mode; pictures are real ones in [0, 1], at the size that the generator works at.
"""

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.inference.hints import limit_hints, rasterize_hints
from colorstyle_lib.metrics import Statistic, mean_of, ratio_of, square_error_ab
from colorstyle_lib.model import Generator, content_planes, gray_content
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.runner import ALL, NOTES, Squares, joined, numbers_of, with_all
from colorstyle_lib.reproduction.results.store import Columns, Number, Provenance, cached

HALVED = 192  # side in pixels of the squares that are cut into content and reference; its half must be a multiple of 32
HINTS, SEEDS = 10, 8
_BATCH = 20
_CELL = 4  # pixels: uncertainty is predicted at half the size, and neighbors are nearly equal


@torch.no_grad()
def reference_errors(generator: Generator, rgb: Float[Tensor, "n 3 h w"]) -> Columns:
    """Errors of each picture's left half, ``automatic`` and with the right half as ``reference``; they share no pixel.

    Half the width must be a multiple of the generator's step.
    """
    parts = []
    for batch in rgb.split(_BATCH):
        left, right = rgb_to_lab(batch).chunk(2, dim=-1)
        content, truth = gray_content(left[:, :1]), left[:, 1:]
        guided = generator(content, generator.describe_reference(right))
        parts.append({"automatic": _error(generator(content), truth), "reference": _error(guided, truth)})
    return joined(parts)


@torch.no_grad()
def hint_errors(generator: Generator, rgb: Float[Tensor, "n 3 h w"], *, count: int = HINTS, seed: int = 0) -> Columns:
    """Errors outside hints of the true color at random points, as a person would give them.

    They are ``automatic`` without hints, ``hints`` as ``colorize`` limits them, and ``network`` by the generator alone.
    """
    random = torch.Generator().manual_seed(seed)
    height, width = rgb.shape[-2:]
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        light, rasters = lab[:, :1], []
        for i, image in enumerate((batch * 255).round().byte()):
            at = torch.rand(count, 2, generator=random) * torch.tensor([width, height])
            hints = [(x, y, "#" + bytes(image[:, int(y), int(x)].tolist()).hex()) for x, y in at.tolist()]
            rasters.append(rasterize_hints(hints, (width, height), light[i : i + 1]))
        ab, known = (torch.cat(planes) for planes in zip(*rasters, strict=True))
        plain = generator(gray_content(light))
        hinted = generator(content_planes(torch.cat((light, ab), dim=1), torch.ones_like(known), known))
        found = {"automatic": plain, "hints": limit_hints(plain, hinted, light, ab, known), "network": hinted}
        parts.append({name: _error(one, lab[:, 1:], ~known[:, 0]) for name, one in found.items()})
    return joined(parts)


@torch.no_grad()
def sample_errors(generator: Generator, rgb: Float[Tensor, "n 3 h w"], *, count: int = SEEDS) -> Columns:
    """Errors of ``count`` seeds, 0 upwards, and of the single guess with its color shifted at random as often.

    A jitter adds one random ab vector to the whole guess. Those of a picture are scaled so that their mean square is
    the samples' own mean square distance from the guess: the same variance, without any knowledge of the picture.
    Errors are ``single`` (the guess without a seed), ``best_sample`` and ``best_jitter``; ``spread`` is that distance.
    """
    size = generator.config.noise
    noise = [torch.randn(1, size, generator=torch.Generator().manual_seed(seed)) for seed in range(count)]
    random = torch.Generator().manual_seed(0)
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        truth, encoded = lab[:, 1:], generator.encode(gray_content(lab[:, :1]))
        features = [generator.decode(encoded, z.expand(len(batch), -1))[0] for z in noise]
        guess = generator.colors(generator.decode(encoded)[0], encoded.content)
        samples = [generator.colors(some, encoded.content) for some in features]
        spread = torch.stack([_error(sample, guess) for sample in samples]).mean(0)
        shifts = torch.randn(count, len(batch), 2, 1, 1, generator=random)
        shifts *= (spread / shifts.square().sum(2).mean(0).flatten())[:, None, None, None].sqrt()
        best = {"best_sample": samples, "best_jitter": [guess + shift for shift in shifts]}
        errors = {name: torch.stack([_error(ab, truth) for ab in answers]).amin(0) for name, answers in best.items()}
        parts.append({"single": _error(guess, truth), "spread": spread, **errors})
    return joined(parts)


@torch.no_grad()
def uncertainty_cells(generator: Generator, rgb: Float[Tensor, "n 3 h w"]) -> Columns:
    """Uncertainty of a generator of ab bins, and its error, a row of cells of 4 x 4 pixels a picture.

    ``unsure`` is the predicted standard deviation in the ab plane, Lab units; ``wrong`` the squared error.
    """
    parts = []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        content = gray_content(lab[:, :1])
        ab, spread = generator.colors_and_spread(generator.forward_features(content)[0], content)
        planes = {"unsure": spread, "wrong": square_error_ab(ab, lab[:, 1:])[:, None]}
        parts.append({name: nnf.avg_pool2d(plane, _CELL).flatten(1) for name, plane in planes.items()})
    return joined(parts)


def calibration(unsure: Float[Tensor, "n c"], wrong: Float[Tensor, "n c"], parts: int = 10) -> Float[Tensor, "p 2"]:
    """Root mean squares of predicted and actual error, Lab units, from the surest part of all cells on."""
    order = unsure.flatten().argsort()
    pairs = torch.stack((unsure.flatten().square()[order], wrong.flatten()[order]), dim=1)
    return torch.stack([part.mean(0).sqrt() for part in pairs.tensor_split(parts)])


def steering_statistics(way: str, columns: Columns) -> dict[str, Statistic]:
    """The metrics of one way of steering (``reference``, ``hints``, ``samples``, ``uncertainty``) from its columns.

    Those of uncertainty are the error in the surest and in the least sure quarter of all cells.
    """
    found = {
        metric: (mean_of if len(names) == 1 else ratio_of)(*(columns[name] for name in names))
        for metric, names in NOTES["steering"][way].items()
        if metric != "note"
    }
    if way != "uncertainty":
        return found
    unsure, wrong = columns["unsure"], columns["wrong"]
    ranked = unsure.flatten().sort().values
    quarter = torch.bucketize(unsure, ranked[[len(ranked) * part // 4 for part in (1, 2, 3)]])
    sure, guessing = (ratio_of((wrong * cells).sum(1), cells.sum(1).float()) for cells in (quarter == 0, quarter == 3))
    return {
        "error_where_sure": lambda counts: sure(counts).sqrt(),
        "error_where_unsure": lambda counts: guessing(counts).sqrt(),
        "error_unsure_over_sure": lambda counts: guessing(counts).sqrt() / sure(counts).sqrt(),
    }


def evaluate_steering(
    method: ColorMethod, squares: Squares, halved: Squares, provenance: Provenance, together: str = ALL
) -> list[Number]:
    """Measure what steering is worth on each data set and on all together; nothing where there is nothing to steer.

    The squares are those of :func:`.load_squares` at the generator's working size, and at :data:`HALVED`.
    """
    if (generator := method.generator) is None:
        return []
    ways = {}
    if generator.steering:
        ways |= {"reference": (reference_errors, halved), "hints": (hint_errors, squares)}
    if generator.config.noise:
        ways["samples"] = sample_errors, squares
    if generator.config.colors == "bins":
        ways["uncertainty"] = uncertainty_cells, squares

    def columns_of(way: str, data: str) -> Columns:
        measure, pictures = ways[way]
        weights = method.weights or method.name
        return cached(lambda: measure(generator, pictures[data]), pictures[data], weights, measure)

    numbers = []
    measured = {data: {way: columns_of(way, data) for way in ways} for data in squares}
    for data, by_way in with_all(measured, together).items():
        for way, columns in by_way.items():
            note = NOTES["steering"][way]["note"]
            rows = {metric: (value, note) for metric, value in steering_statistics(way, columns).items()}
            numbers += numbers_of([rows], method, data, len(next(iter(columns.values()))), provenance)
    return numbers


def _error(ab: Tensor, truth: Tensor, where: Tensor | None = None) -> Float[Tensor, " n"]:
    errors = square_error_ab(ab, truth)
    return errors.mean((1, 2)) if where is None else (errors * where).sum((1, 2)) / where.sum((1, 2))
