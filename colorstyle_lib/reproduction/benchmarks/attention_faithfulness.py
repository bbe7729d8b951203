"""The attention benchmark: whether weights change with the picture, tell what the model used, and obey overrides.

The paper says that weights adapt "dynamically" (section 3(3)) and asks itself whether they explain anything (section
8). Deleting a modality shows what was used; a weight that explains goes along with how much the answer then changes.
"""

import itertools
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import check_known
from colorstyle_lib.metrics.bootstrap import Statistic, mean_of, ratio_of
from colorstyle_lib.model import MODALITIES, AttentionOverride, Encoded, Generator, Modalities, gray_content
from colorstyle_lib.reproduction.results.store import Columns

TASKS = ("automatic", "reference")
_TOGETHER = 24  # pictures at a time; neighbors lend each other their modalities


def batches_of(rgb: Float[Tensor, "n 3 h w"]) -> Sequence[Float[Tensor, "k 3 h w"]]:
    """Pictures a few at a time, never one alone where there are more."""
    return rgb.tensor_split(-(-len(rgb) // _TOGETHER))


@torch.no_grad()
def attention_columns(
    generator: Generator, lab: Float[Tensor, "n 3 h w"], guide: Float[Tensor, "n 3 h2 w2"] | None = None
) -> Columns:
    """Attention weights of each picture, of which only L is shown, and the effect of deleting each modality.

    The generator is in evaluation mode; guides are references in Lab. Of each of its modalities: ``weight``, the mean
    over levels and places; and ``moved``, the mean distance in ab, Lab units, between answers with and without it.
    """
    reference = generator.describe_reference(guide) if guide is not None else None
    encoded = generator.encode(gray_content(lab[:, :1]), reference)
    features, alphas = generator.decode(encoded)
    answer = generator.colors(features, encoded.content)
    levels = [alpha.flatten(2) for alpha in alphas.values()]
    overrides = [AttentionOverride(remove=(name,)) for name in generator.config.modalities]
    deleted = [generator.decode(encoded, override=override)[0] for override in overrides]
    return {
        "weight": torch.stack([alpha.mean(2) for alpha in levels]).mean(0),
        "moved": torch.stack([_distance(generator.colors(some, encoded.content), answer) for some in deleted], dim=1),
    }


@torch.no_grad()
def override_columns(
    generator: Generator, lab: Float[Tensor, "n 3 h w"], guide: Float[Tensor, "n 3 h2 w2"]
) -> dict[str, Float[Tensor, " n"]]:
    """The effect of fixed weights on each picture, whose reference is the guide of the picture before it.

    At weight 0 a modality should not matter, whichever picture it is of, and at weight 1 more than at the model's own
    weight: ``at_0/MODALITY``, ``own/MODALITY`` and ``at_1/MODALITY`` are the mean distances in ab, Lab units, that
    swapping it makes. The more color weighs, the nearer should the answer's colors come to the reference's:
    ``color_at_0`` and ``color_at_1`` are the distances of the answer's mean ab from the reference's.
    """
    foreign = guide.roll(1, 0)
    encoded = generator.encode(gray_content(lab[:, :1]), generator.describe_reference(foreign))

    found, names = {}, generator.config.modalities
    for name in names:
        pair = encoded, swapped(encoded, name)
        fixed = {"own": None, "at_0": {n: float(n != name) for n in names}, "at_1": {name: 1.0}}
        if len(names) == 1:  # nothing is left at 0
            del fixed["at_0"]
        for title, weights in fixed.items():
            override = AttentionOverride(fix=weights) if weights else None
            features = [generator.decode(one, override=override)[0] for one in pair]
            mine, other = (generator.colors(some, encoded.content) for some in features)
            found[f"{title}/{name}"] = _distance(other, mine)
            if name == "color" and weights is not None and len(names) > 1:
                found[f"color_{title}"] = (mine.mean((2, 3)) - foreign[:, 1:].mean((2, 3))).norm(dim=1)
    return found


def swapped(encoded: Encoded, modality: str) -> Encoded:
    """Pictures with one modality, own and reference's, of the one before. ConfigError: no such modality."""
    check_known("modality", modality, MODALITIES)

    def rolled(parts: Iterable[Tensor]) -> tuple[Tensor, ...]:
        return tuple(part.roll(int(name == modality), 0) for name, part in zip(MODALITIES, parts, strict=True))

    own, offered = (
        some and Modalities(rolled(some.vectors), rolled(some.maps), torch.stack(rolled(some.present.T), dim=1))
        for some in (encoded.own, encoded.offered)
    )
    return encoded._replace(own=own, offered=offered)


def rank_correlation_of(one: Float[Tensor, " n"], other: Float[Tensor, " n"]) -> Statistic:
    """Spearman's rank correlation over pictures, of ranks within a drawn sample; equal values share their mean rank."""
    differences = (values[:, None] - values for values in (one.double().cpu(), other.double().cpu()))
    above = [(difference.sign() + 1) / 2 for difference in differences]

    def statistic(counts: Float[Tensor, "b n"]) -> Float[Tensor, " b"]:
        n = counts.sum(1, keepdim=True)
        ranks = [counts @ matrix.T for matrix in above]  # pictures below, and half of those equal
        x, y = (r - (counts * r).sum(1, keepdim=True) / n for r in ranks)
        covariance, one, other = ((counts * a * b).sum(1) for a, b in ((x, y), (x, x), (y, y)))
        return covariance / (one * other).sqrt()

    return statistic


def deviation_of(values: Float[Tensor, " n"]) -> Statistic:
    """The standard deviation over pictures."""
    mean, square = mean_of(values), mean_of(values.double().square())
    return lambda counts: (square(counts) - mean(counts).square()).clamp_min(0).sqrt()


def attention_statistics(columns: Columns, names: Sequence[str] = MODALITIES) -> dict[str, Statistic]:
    """Everything in the columns of :func:`attention_columns`, as ``TASK/...``, as statistics over pictures.

    A modality that no picture of a task has (color, where a gray one comes without a reference) is left out.
    """
    statistics = {}
    for task, (i, name) in itertools.product(TASKS, enumerate(names)):
        weight, moved = (columns[f"{task}/{column}"][:, i] for column in ("weight", "moved"))
        if bool((weight > 0).any()):
            statistics |= {
                f"{task}_weight_{name}": mean_of(weight),
                f"{task}_spread_between_{name}": deviation_of(weight),
                f"{task}_moved_{name}": mean_of(moved),
                f"{task}_deletion_rank_correlation_{name}": rank_correlation_of(weight, moved),
            }
    return statistics


def override_statistics(found: Columns) -> dict[str, Statistic]:
    """Everything in the columns of :func:`override_columns`, as statistics over pictures."""
    statistics: dict[str, Statistic] = {}
    for key, values in found.items():
        verb, _, name = key.partition("/")
        if verb in ("at_0", "at_1"):
            statistics[f"override_influence_{verb}_{name}"] = mean_of(values)
        if verb == "at_1":
            statistics[f"override_influence_at_1_over_own_{name}"] = ratio_of(values, found[f"own/{name}"])
    if "color_at_0" in found:
        statistics["override_color_towards_reference"] = mean_of(found["color_at_0"] - found["color_at_1"])
    return statistics


def _distance(ab: Tensor, other: Tensor) -> Float[Tensor, " n"]:
    return (ab - other).norm(dim=1).mean((1, 2))
