"""Images decoded each time they are asked for: for data of which not even the decoded pixels fit a disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from colorstyle_lib.data.batches import ImageStore, nothing_readable, shrink
from colorstyle_lib.data.image_list import Listing
from colorstyle_lib.errors import ImageError


class StreamedImages(Sequence):
    """Images that are opened when they are looked at. One that is damaged is named once, and the next stands in for it.

    Args:
        listing: the images.
        shorter_side: pixels.
        problems: where damaged images are named.
    """

    def __init__(self, listing: Listing, shorter_side: int, problems: list[str]) -> None:
        self._listing, self._side, self._problems = listing, shorter_side, problems
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._listing)

    def __getitem__(self, i: int) -> UInt8[Tensor, "3 _ _"]:
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        for offset in range(len(self)):
            number = (i + offset) % len(self)
            if number in self._damaged:
                continue
            try:
                small = shrink(self._listing.read(number), self._side)
            except ImageError as error:
                self._damaged.add(number)
                self._problems.append(str(error))
                continue
            return torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous()
        raise nothing_readable(self._problems)


def streamed(listing: Listing, shorter_side: int) -> ImageStore:
    """A store of images that are decoded at each access; its ``problems`` grow as damaged ones are met."""
    problems: list[str] = []
    images = StreamedImages(listing, shorter_side, problems)
    return ImageStore(images, list(listing.names), problems, listing.groups())
