"""Only its color, only its texture, only its shape: how far pictures went that took one modality of a style alone."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import bootstrap, difference_of, ratio_of
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.reproduction.benchmarks.style_pairs import Pairs
from colorstyle_lib.reproduction.results.store import Number, Provenance

WORDS_PAIRS = 42
"""At most so many, and no painting in two, so that intervals are over photographs and paintings."""

_TAKEN = {"": None} | {f"only {name}": {name: 1.0} for name in MODALITIES}

Distances = Mapping[str, Float[Tensor, "n 3"]]
"""By what was taken (nothing said: all): how far each result is from its style in color, texture and shape; under
``"photograph"`` how far the photograph is."""


def distances_to_styles(model: ColorStyle, pairs: Pairs) -> Distances:
    """Restyle pairs with all of the style and with each modality alone.

    Distances are Euclidean, of the vectors of :func:`.describe`. Pairs whose style lacks a
    modality, such as a gray one color, are left out: there is nothing to take alone.
    """
    whole = describe(rgb_to_lab(pairs.styles)).present.all(1).tolist()
    chosen = [(content, pairs.styles[i]) for content, i in zip(pairs.contents, pairs.style_of, strict=True) if whole[i]]
    if not chosen:
        raise DataError("no style picture has color, texture and shape: nothing can be taken alone")
    contents, styles = (list(part) for part in zip(*chosen, strict=True))
    goals = _described(styles)

    def distance(pictures: list[Tensor]) -> Tensor:
        found = zip(_described(pictures), goals, strict=True)
        return torch.stack([(vector - goal).norm(dim=1) for vector, goal in found], 1)

    found = {"photograph": distance(contents)}
    for taken, attention in _TAKEN.items():
        made = [model.stylize(c, s, attention=attention).image for c, s in zip(contents, styles, strict=True)]
        found[taken] = distance([to_tensor(image) for image in made])
    return found


def words_numbers(distances: Distances, name: str, data: str, provenance: Provenance) -> list[Number]:
    """How much of the way to the style each result went, and what *only X* went farther in X than *only Y*.

    The share of a modality is ``1 - sum |v(result) - v(style)| / sum |v(photograph) - v(style)|`` over pairs: 1 is
    arrival, below 0 the wrong way.

    Args:
        distances: from :func:`distances_to_styles`.
        name: of the weights.
        data: what the pairs are called.
        provenance: of the run.
    """
    start = distances["photograph"]
    left = {
        taken: [ratio_of(found[:, k], start[:, k]) for k in range(len(MODALITIES))]
        for taken, found in distances.items()
        if taken != "photograph"
    }
    numbers = []
    for taken, ratios in left.items():
        method = f"{name}, {taken}" if taken else name
        for modality, ratio in zip(MODALITIES, ratios, strict=True):
            estimate = bootstrap(difference_of(_all_of_it, ratio), len(start))
            note = "share of the way to the style, sums over pairs"
            numbers.append(Number.of(f"went_{modality}", method, data, estimate, provenance, note=note))
    for k, modality in enumerate(MODALITIES):
        for other in MODALITIES:
            if other == modality:
                continue
            farther = difference_of(left[f"only {other}"][k], left[f"only {modality}"][k])
            metric = f"went_{modality}_minus_only_{other}"
            estimate = bootstrap(farther, len(start))
            note = "paired over pairs; above 0 the words are true"
            numbers.append(Number.of(metric, f"{name}, only {modality}", data, estimate, provenance, note=note))
    return numbers


def _all_of_it(counts: Tensor) -> Tensor:
    """The photograph's own share of what is left to go."""
    return counts.new_ones(len(counts))


def _described(pictures: list[Tensor]) -> tuple[Tensor, ...]:
    return describe(rgb_to_lab(torch.stack(pictures))).vectors
