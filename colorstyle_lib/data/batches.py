"""Images in memory, decoded once to 8 bits, and random batches of crops of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from colorstyle_lib.errors import ConfigError, DataError, ImageError
from colorstyle_lib.images import open_picture


@dataclass(frozen=True)
class ImageStore:
    """Decoded images.

    Attributes:
        images: one ``(3, h, w)`` uint8 tensor an image, shorter side as asked for.
        names: where each came from.
        problems: one line for each file that could not be read and was left out.
        groups: for each image, the index of its group (its data set); sampling balances groups.
    """

    images: list[UInt8[Tensor, "3 _ _"]]
    names: list[str]
    problems: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)


def shrink(picture: Image.Image, shorter_side: int) -> Image.Image:
    """Scale a picture so that its shorter side has this many pixels (Lanczos; small pictures are enlarged)."""
    scale = shorter_side / min(picture.size)
    size = tuple(max(shorter_side, round(side * scale)) for side in picture.size)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def load_images(
    sources: Sequence[Path | Image.Image],
    shorter_side: int,
    *,
    names: Sequence[str] = (),
    groups: Sequence[int] = (),
) -> ImageStore:
    """Decode images once, in parallel, into memory.

    Args:
        sources: paths or pictures.
        shorter_side: pixels.
        names: what to call them; by default the paths.
        groups: see :class:`ImageStore`; by default all in one.

    Returns:
        The images that could be read, in order; the others are named in ``problems``, never fatal.

    Raises:
        DataError: none could be read.
    """

    def decode(source: Path | Image.Image) -> Tensor | str:
        try:
            small = shrink(open_picture(source), shorter_side)
        except ImageError as error:
            return str(error)
        return torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous()

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(decode, sources))
    names = names or [str(s) if isinstance(s, Path) else f"image {i}" for i, s in enumerate(sources)]
    groups = groups or [0] * len(sources)
    good = [i for i, r in enumerate(results) if isinstance(r, Tensor)]
    problems = [r for r in results if isinstance(r, str)]
    if not good:
        raise DataError("no image could be read" + (f"; the first problem: {problems[0]}" if problems else ""))
    return ImageStore([results[i] for i in good], [names[i] for i in good], problems, [groups[i] for i in good])


def center_crops(store: ImageStore, size: int) -> Float[Tensor, "n 3 {size} {size}"]:
    """The largest centered square of every image, at one size.

    Args:
        store: images.
        size: side in pixels.

    Returns:
        ``(N, 3, size, size)`` in [0, 1].
    """
    crops = []
    for image in store.images:
        side = min(image.shape[1:])
        top, left = (image.shape[1] - side) // 2, (image.shape[2] - side) // 2
        crops.append(_scale(image[:, top : top + side, left : left + side], size))
    return torch.stack(crops)


def _scale(crop: UInt8[Tensor, "3 _ _"], size: int) -> Float[Tensor, "3 {size} {size}"]:
    crop = crop.float() / 255
    if crop.shape[1:] == (size, size):
        return crop
    return nnf.interpolate(crop[None], (size, size), mode="bilinear", antialias=True)[0].clamp(0, 1)


class Batches:
    """Endless random batches of square crops; batch ``i`` depends on the seed and ``i`` alone.

    That is what lets a run that was interrupted go on exactly where it was. Crops cover 60 to 100 % of the shorter
    side and half of them are mirrored. An image is drawn by group first: groups are chosen with a probability that
    grows with the square root of their size, so a small data set is seen more often than its share.

    Args:
        store: images.
        batch_size: images a batch.
        crop: side of the crops, in pixels.
        seed: any integer.
    """

    smallest_crop = 0.6

    def __init__(self, store: ImageStore, batch_size: int, crop: int, seed: int = 0) -> None:
        if batch_size < 1 or crop < 1:
            raise ConfigError(f"batch_size and crop must be at least 1, not {batch_size} and {crop}")
        self.store, self.batch_size, self.crop, self.seed = store, batch_size, crop, seed
        counts = np.bincount(store.groups)
        self._chances = (np.sqrt(counts) / np.maximum(counts, 1))[store.groups]
        self._chances /= self._chances.sum()

    def batch(self, index: int) -> Float[Tensor, "n 3 _ _"]:
        """Batch number ``index``: ``(batch_size, 3, crop, crop)`` in [0, 1]."""
        return self._crops(index, view=0)

    def references(self, index: int) -> Float[Tensor, "n 3 _ _"]:
        """Other crops of the same images as those of :meth:`batch`, to color them by."""
        return self._crops(index, view=1)

    def chosen(self, index: int, share: float) -> Bool[Tensor, " n"]:
        """A random choice of this share of batch ``index``."""
        return torch.from_numpy(np.random.default_rng((self.seed, index, 2)).random(self.batch_size) < share)

    def _crops(self, index: int, view: int) -> Tensor:
        which = np.random.default_rng((self.seed, index)).choice(len(self.store), self.batch_size, p=self._chances)
        rng = np.random.default_rng((self.seed, index, view))
        return torch.stack([self._random_crop(self.store.images[i], rng) for i in which])

    def __iter__(self) -> Iterator[Tensor]:
        index = 0
        while True:
            yield self.batch(index)
            index += 1

    def _random_crop(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        height, width = image.shape[1:]
        side = round(min(height, width) * rng.uniform(self.smallest_crop, 1))
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        crop = _scale(image[:, top : top + side, left : left + side], self.crop)
        return crop.flip(-1) if rng.random() < 0.5 else crop
