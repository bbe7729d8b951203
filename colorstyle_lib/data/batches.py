"""Images in memory, decoded once to 8 bits, and random batches of crops of them."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib.data.crops import Windows, scaled
from colorstyle_lib.errors import ConfigError, DataError, ImageError
from colorstyle_lib.images.read import open_picture

_AT_ONCE = 512  # images decoded ahead of their use
_CHOSEN, _WHICH = 2, 3  # what random numbers are for; 0 and 1 are the views


@dataclass(frozen=True)
class ImageStore:
    """Decoded images.

    Attributes:
        images: one ``(3, h, w)`` uint8 tensor an image, shorter side as asked for.
        names: where each came from.
        problems: one line for each file that could not be read and was left out.
        groups: for each image, the index of its group (its data set); sampling balances groups.
    """

    images: Sequence[UInt8[Tensor, "3 _ _"]]
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


def decoded(read: Callable[[int], Image.Image], count: int, shorter_side: int) -> Iterator[Tensor | str]:
    """Decode images in parallel, in order, a few hundred at a time, however many there are.

    Args:
        read: opens image number ``i``.
        count: how many there are.
        shorter_side: pixels.

    Yields:
        For each image its ``(3, h, w)`` uint8 tensor, or one line that says why it could not be read.
    """

    def decode(i: int) -> Tensor | str:
        try:
            small = shrink(read(i), shorter_side)
        except ImageError as error:
            return str(error)
        return torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous()

    with ThreadPoolExecutor() as pool, tqdm(total=count, unit="image", leave=False, disable=_quiet(count)) as bar:
        for start in range(0, count, _AT_ONCE):
            for result in pool.map(decode, range(start, min(start + _AT_ONCE, count))):
                bar.update()
                yield result


def _quiet(count: int) -> bool:
    """A bar is for people, and for what takes longer than a moment."""
    return count < 1000 or not sys.stderr.isatty()


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
    names = names or [str(s) if isinstance(s, Path) else f"image {i}" for i, s in enumerate(sources)]
    groups = groups or [0] * len(sources)
    return in_memory(decoded(lambda i: open_picture(sources[i]), len(sources), shorter_side), names, groups)


def in_memory(results: Iterable[Tensor | str], names: Sequence[str], groups: Sequence[int]) -> ImageStore:
    """Keep what :func:`decoded` gives.

    Args:
        results: images, and why others could not be read.
        names: of all of them.
        groups: of all of them; see :class:`ImageStore`.

    Raises:
        DataError: there is no image among them.
    """
    store = ImageStore([], [], [], [])
    for result, name, group in zip(results, names, groups, strict=True):
        if isinstance(result, str):
            store.problems.append(result)
            continue
        store.images.append(result)
        store.names.append(name)
        store.groups.append(group)
    if not store.images:
        raise nothing_readable(store.problems)
    return store


def nothing_readable(problems: Sequence[str]) -> DataError:
    """What to raise where every image is damaged."""
    return DataError("no image could be read" + (f"; the first problem: {problems[0]}" if problems else ""))


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
        crops.append(scaled(image[:, top : top + side, left : left + side], size))
    return torch.stack(crops)


class Batches:
    """Endless random batches of square crops; batch ``i`` depends on the seed and ``i`` alone.

    That is what lets a run that was interrupted go on exactly where it was, and what lets several processes share a
    batch: each computes its own rows of one and the same. Half of the crops are mirrored. An image is drawn by group
    first: groups are chosen with a probability that grows with the square root of their size, so a small data set is
    seen more often than its share. No image is twice in a batch, unless a group has fewer than the batch wants of it.

    Args:
        store: images.
        batch_size: images a batch, over all parts.
        crop: side of the crops, in pixels.
        seed: any integer.
        part: (rank, world): which of how many equal parts of each batch this one computes.
        covers: from which to which share of the image's shorter side a crop covers.

    Raises:
        ConfigError: a size below 1, no such part, or a batch that cannot be divided evenly.
    """

    def __init__(
        self,
        store: ImageStore,
        batch_size: int,
        crop: int,
        seed: int = 0,
        *,
        part: tuple[int, int] = (0, 1),
        covers: tuple[float, float] = (0.6, 1.0),
    ) -> None:
        if batch_size < 1 or crop < 1:
            raise ConfigError(f"batch_size and crop must be at least 1, not {batch_size} and {crop}")
        rank, world = part
        if not 0 <= rank < world:
            raise ConfigError(f"part is (rank, world) with rank from 0 to world - 1, not {part}")
        if batch_size % world:
            raise ConfigError(f"batch_size {batch_size} cannot be divided among {world} processes; use a multiple")
        self.store, self.batch_size, self.crop, self.seed, self.part = store, batch_size, crop, seed, part
        self._covers = covers
        share = batch_size // world
        self.rows = range(rank * share, (rank + 1) * share)
        groups = np.asarray(store.groups)
        self._members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        self._chances = np.sqrt([len(members) for members in self._members])
        self._chances /= self._chances.sum()

    def batch(self, index: int) -> Float[Tensor, "n 3 _ _"]:
        """This part's rows of batch number ``index``: ``(n, 3, crop, crop)`` in [0, 1]."""
        return self.windows(index).crops()

    def references(self, index: int) -> Float[Tensor, "n 3 _ _"]:
        """Other crops of the same images as those of :meth:`batch`, to color them by."""
        return self.windows(index, view=1).crops()

    def chosen(self, index: int, share: float) -> Bool[Tensor, " n"]:
        """A random choice of this share of batch ``index``."""
        drawn = self._random(index, _CHOSEN).random(self.batch_size)[self.rows.start : self.rows.stop]
        return torch.from_numpy(drawn < share)

    def which(self, index: int) -> Int[np.ndarray, " n"]:
        """Which images of the store are the rows of :meth:`batch`."""
        random = self._random(index, _WHICH)
        group_of = random.choice(len(self._members), self.batch_size, p=self._chances)
        drawn = np.empty(self.batch_size, np.int64)
        for group, members in enumerate(self._members):
            rows = np.flatnonzero(group_of == group)
            rounds, rest = divmod(len(rows), len(members))
            places = [random.permutation(len(members)) for _ in range(rounds)]
            drawn[rows] = members[np.concatenate([*places, random.choice(len(members), rest, replace=False)])]
        return drawn[self.rows.start : self.rows.stop]

    def windows(self, index: int, view: int = 0) -> Windows:
        """What :meth:`batch` (view 0) and :meth:`references` (view 1) scale: to be made ahead, in another thread.

        Where another device computes, it is best done there: ``batches.windows(i).to(device).crops()``.
        """
        images = [self.store.images[i] for i in self.which(index).tolist()]
        places = [self._place(i, self._random(index, view, row)) for i, row in zip(images, self.rows, strict=True)]
        largest = max(side for _, _, side, _ in places)
        pixels = np.zeros((len(images), 3, largest, largest), np.uint8)
        for target, image, (top, left, side, _) in zip(pixels, images, places, strict=True):
            # NumPy copies in this thread alone; torch would wake all of its own for it.
            target[:, :side, :side] = image.numpy()[:, top : top + side, left : left + side]
        sides, mirrored = torch.tensor([p[2] for p in places]), torch.tensor([p[3] for p in places])
        return Windows(torch.from_numpy(pixels), sides, mirrored, self.crop)

    def __iter__(self) -> Iterator[Tensor]:
        return map(self.batch, itertools.count())

    def _place(self, image: Tensor, random: np.random.Generator) -> tuple[int, int, int, bool]:
        """Top, left, side and whether it is mirrored, of a random window."""
        height, width = image.shape[1:]
        side = round(min(height, width) * random.uniform(*self._covers))
        top, left = random.integers(height - side + 1), random.integers(width - side + 1)
        return int(top), int(left), side, bool(random.random() < 0.5)

    def _random(self, index: int, purpose: int, row: int = 0) -> np.random.Generator:
        """Random numbers that depend on what they are for and on nothing drawn before."""
        return np.random.default_rng((self.seed % 2**32, index, purpose, row))
