"""Which photograph is to look like which painting: the pairs that every style number is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.data.batches import center_crops, decoded, in_memory
from colorstyle_lib.data.folder import list_images
from colorstyle_lib.data.image_list import Listing
from colorstyle_lib.errors import DataError

SIZE = 256
PAIRS = 210


@dataclass(frozen=True)
class Pairs:
    """Photographs, each with the style picture that it is to look like.

    Attributes:
        contents: one a pair.
        styles: each serves several pairs.
        style_of: for each pair the number of its style picture.
        content_names: of the photographs, below the data root.
        style_names: of the style pictures.
    """

    contents: Float[Tensor, "n 3 size size"]
    styles: Float[Tensor, "m 3 size size"]
    style_of: list[int]
    content_names: list[str]
    style_names: list[str]

    def __len__(self) -> int:
        return len(self.style_of)


def validation_pairs(
    root: Path, n: int = PAIRS, *, size: int = SIZE, seed: int = 0, styles: Sequence[str] = ("paintings",)
) -> Pairs:
    """Choose photographs and style pictures of a data root's validation split.

    No photograph is in two pairs, and no style picture in two more pairs than another.

    Args:
        root: the data root.
        n: pairs.
        size: side of the centered squares, in pixels.
        seed: which photographs, and which style each gets; fewer pairs of one seed are the first of more.
        styles: the data sets that style pictures come from; photographs come from all others.

    Raises:
        DataError: the root has no such data set, no other, or fewer photographs than pairs.
    """
    listing = list_images(root, "val")
    looks = listing.only(styles)
    photographs = listing.take([i for i, dataset in enumerate(listing.datasets) if dataset not in styles])
    if len(photographs) < n:
        raise DataError(f"data root {str(root)!r} has {len(photographs)} validation photographs for {n} pairs")
    random = np.random.default_rng(seed)
    looks = looks.take(random.permutation(len(looks)).tolist()[:n])
    chosen = photographs.take(random.permutation(len(photographs)).tolist()[:n])
    style_of = [i % len(looks) for i in range(n)]
    return Pairs(_squares(chosen, size), _squares(looks, size), style_of, list(chosen.names), list(looks.names))


def _squares(listing: Listing, size: int) -> Tensor:
    store = in_memory(decoded(listing.read, len(listing), size), listing.names, listing.groups())
    if store.problems:
        raise DataError(f"every picture of the benchmark must be readable: {store.problems[0]}")
    return center_crops(store, size)
