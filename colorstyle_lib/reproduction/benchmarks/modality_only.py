"""Style transfer by one modality alone: how much of each modality's distance to the style is closed, and by which."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics.bootstrap import difference_of, ratio_of
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.runner import Rows, numbers_of
from colorstyle_lib.reproduction.results.store import Number, Provenance

MODALITY_PAIRS = 42
"""At most so many, and no painting in two, so that intervals are over photographs and paintings."""

_PHOTOGRAPH = "photograph"
_ATTENTION = {"": None} | {f"only {name}": {name: 1.0} for name in MODALITIES}


def distances_to_styles(
    model: ColorStyle, photographs: Float[Tensor, "n 3 h w"], styles: Float[Tensor, "n 3 h2 w2"]
) -> dict[str, Float[Tensor, "k 3"]]:
    """Restyle photographs by all modalities of a style and by each alone, and measure Euclidean distances to it.

    Args:
        model: with restyling levels.
        photographs: sRGB in [0, 1].
        styles: of each; pairs whose style lacks a modality, such as a gray one color, are left out.

    Returns:
        By what was taken (``""`` for all, ``only color`` ...) the distances of each result from its style in color,
        texture and shape, of the vectors of :func:`.describe`; and under ``photograph`` those of the photograph.

    Raises:
        DataError: every style lacks a modality.
    """
    whole = describe(rgb_to_lab(styles)).present.all(1)
    if not whole.any():
        raise DataError("no style picture has color, texture and shape: nothing can be taken alone")
    photographs, styles = photographs[whole], styles[whole]
    goals = describe(rgb_to_lab(styles)).vectors

    def distance(rgb: Tensor) -> Tensor:
        vectors = describe(rgb_to_lab(rgb)).vectors
        return torch.stack([(one - goal).norm(dim=1) for one, goal in zip(vectors, goals, strict=True)], 1)

    found = {_PHOTOGRAPH: distance(photographs)}
    for taken, attention in _ATTENTION.items():
        made = [model.stylize(p, s, attention=attention).image for p, s in zip(photographs, styles, strict=True)]
        found[taken] = distance(torch.stack([to_tensor(image) for image in made]))
    return found


def modality_numbers(
    distances: Mapping[str, Float[Tensor, "n 3"]], name: str, data: str, provenance: Provenance
) -> list[Number]:
    """The share of each distance that a result closed, and how much more of X's *only X* closed than *only Y*.

    A share is ``1 - sum |v(result) - v(style)| / sum |v(photograph) - v(style)|`` over pairs: 1 is arrival, below 0 the
    wrong way.

    Args:
        distances: from :func:`distances_to_styles`, of the weights and the pairs of these names.
        name: of the weights.
        data: of the pairs.
        provenance: of the run.
    """
    start = distances[_PHOTOGRAPH]
    left = {
        taken: [ratio_of(found[:, k], start[:, k]) for k in range(len(MODALITIES))]
        for taken, found in distances.items()
        if taken != _PHOTOGRAPH
    }
    numbers = []
    for taken, ratios in left.items():
        rows: Rows = {
            f"went_{modality}": (
                difference_of(lambda counts: counts.new_ones(len(counts)), ratio),
                "share of the way to the style, sums over pairs",
            )
            for modality, ratio in zip(MODALITIES, ratios, strict=True)
        }
        for k, modality in enumerate(MODALITIES):
            if taken == f"only {modality}":
                rows |= {
                    f"went_{modality}_minus_only_{other}": (
                        difference_of(left[f"only {other}"][k], ratios[k]),
                        "paired over pairs; above 0 the words are true",
                    )
                    for other in MODALITIES
                    if other != modality
                }
        method = ColorMethod(f"{name}, {taken}" if taken else name, None)
        numbers += numbers_of(rows, method, data, len(start), provenance)
    return numbers
