"""Images in memory, decoded once to 8 bits; random batches of crops of them; and batches made ahead of their use."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from torch import Tensor
from tqdm.contrib.concurrent import thread_map

from colorstyle_lib.errors import ConfigError, DataError, ImageError, require
from colorstyle_lib.images.read import open_picture, resize

_WHICH, _FIXED = 3, 5  # random numbers that choose images, or place fixed windows; 0 and 1 place those of each view
Item = TypeVar("Item")


@dataclass(frozen=True)
class ImageStore:
    """Decoded images."""

    images: Sequence[UInt8[Tensor, "3 _ _"]]  # shorter side as asked for
    names: list[str]  # where each came from
    problems: list[str] = field(default_factory=list)  # a line for each file that could not be read and was left out
    groups: list[int] = field(default_factory=list)  # the number of each image's data set; sampling balances these

    def __len__(self) -> int:
        return len(self.images)


def shrink(picture: Image.Image, shorter_side: int) -> Image.Image:
    """Scale a picture so that its shorter side has this many pixels (Lanczos; small pictures are enlarged)."""
    scale = shorter_side / min(picture.size)
    size = tuple(max(shorter_side, round(side * scale)) for side in picture.size)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def shrunk_tensor(picture: Image.Image, shorter_side: int) -> UInt8[Tensor, "3 _ _"]:
    """:func:`shrink`, as an 8-bit tensor."""
    return torch.from_numpy(np.array(shrink(picture, shorter_side))).permute(2, 0, 1).contiguous()


def load_images(sources: Sequence[Path | Image.Image], shorter_side: int, *, names: Sequence[str] = ()) -> ImageStore:
    """Decode paths or pictures once, in parallel, into memory, as one group; by default called by their paths.

    Those that cannot be read are left out and named in ``problems``; if none can be, a DataError.
    """
    names = names or [str(s) if isinstance(s, Path) else f"image {i}" for i, s in enumerate(sources)]
    return decode_images(lambda i: open_picture(sources[i]), names, [0] * len(sources), shorter_side)


def decode_images(
    read: Callable[[int], Image.Image], names: Sequence[str], groups: Sequence[int], shorter_side: int
) -> ImageStore:
    """:func:`load_images` where ``read`` opens image number ``i``, of this name and group."""

    def decode(i: int) -> Tensor | str:
        try:
            return shrunk_tensor(read(i), shorter_side)
        except ImageError as error:
            return str(error)

    quiet = len(names) < 1000 or None  # a bar is for what takes longer than a moment and, says None, for terminals
    results = thread_map(decode, range(len(names)), unit="image", leave=False, disable=quiet)
    problems = [result for result in results if isinstance(result, str)]
    good = [i for i, result in enumerate(results) if not isinstance(result, str)]
    if not good:
        raise nothing_readable(problems)
    return ImageStore([results[i] for i in good], [names[i] for i in good], problems, [groups[i] for i in good])


def nothing_readable(problems: Sequence[str]) -> DataError:
    """Tell that every image of a data set is damaged."""
    return DataError("no image could be read" + (f"; the first problem: {problems[0]}" if problems else ""))


def scaled(window: UInt8[Tensor, "3 _ _"], size: int) -> Float[Tensor, "3 {size} {size}"]:
    """A square window at one size, in [0, 1]: antialiased bilinear, so that shrinking does not alias."""
    return resize(window[None].float() / 255, (size, size))[0].clamp(0, 1)


def center_crops(store: ImageStore, size: int) -> Float[Tensor, "n 3 {size} {size}"]:
    """The largest centered square of every image, scaled to ``size`` pixels a side; sRGB in [0, 1]."""
    crops = []
    for image in store.images:
        side = min(image.shape[1:])
        top, left = (image.shape[1] - side) // 2, (image.shape[2] - side) // 2
        crops.append(scaled(image[:, top : top + side, left : left + side], size))
    return torch.stack(crops)


@dataclass(frozen=True)
class Windows:
    """Windows of images before they are scaled: a quarter of a float batch to move."""

    pixels: UInt8[Tensor, "n 3 s s"]  # the images' own, each window in the upper left corner; the rest is ignored
    sides: Int[Tensor, " n"]  # of each window, in pixels
    mirrored: Bool[Tensor, " n"]  # which are turned left to right
    size: int  # side of the crops to make, in pixels
    numbers: Int[Tensor, " n"]  # of each window among the fixed ones; -1 where windows are not fixed

    def to(self, device: torch.device | str) -> Windows:
        """The same windows on another device."""
        moved = (part.to(device, non_blocking=True) for part in (self.pixels, self.sides, self.mirrored))
        return Windows(*moved, self.size, self.numbers)

    def replaced(self, rows: Bool[Tensor, " n"], others: Windows) -> Windows:
        """Windows of these, but in some rows of others."""
        wide = max(self.pixels.shape[-1], others.pixels.shape[-1])
        mine, theirs = (nnf.pad(one.pixels, (0, wide - one.pixels.shape[-1]) * 2) for one in (self, others))
        sides, mirrored, numbers = (
            torch.where(rows, getattr(others, name), getattr(self, name)) for name in ("sides", "mirrored", "numbers")
        )
        return Windows(torch.where(rows[:, None, None, None], theirs, mine), sides, mirrored, self.size, numbers)

    def crops(self) -> Float[Tensor, "n 3 size size"]:
        """Scale, and mirror where it is due: crops in [0, 1] on the windows' device."""
        if self.pixels.device.type != "cpu":
            return self.crops_at_once()
        each = zip(self.pixels, self.sides.tolist(), strict=True)
        crops = torch.stack([scaled(window[:, :side, :side], self.size) for window, side in each])
        return torch.where(self.mirrored[:, None, None, None], crops.flip(-1), crops)

    def crops_at_once(self) -> Float[Tensor, "n 3 size size"]:
        """:meth:`crops` in a handful of operations, as a GPU wants it; a CPU is faster one by one.

        Antialiased bilinear scaling is a triangle filter along each axis, so a crop is ``Y x X^T`` with matrices that
        differ from window to window: two batched products, however many sizes there are.
        """
        device, sides = self.pixels.device, self.sides[:, None, None]
        with torch.autocast(device.type, enabled=False):  # 8 bits need more than bfloat16's precision
            place = torch.arange(self.pixels.shape[-1], device=device) + 0.5
            scale = sides / self.size
            center = scale * (torch.arange(self.size, device=device) + 0.5)[:, None]
            weight = (1 - (place - center).abs() / scale.clamp(min=1)).clamp(min=0) * (place < sides)
            vertical = weight / weight.sum(-1, keepdim=True)  # (n, size, s): what a pixel counts for one of the crop
            horizontal = torch.where(self.mirrored[:, None, None], vertical.flip(1), vertical)
            return (vertical[:, None] @ (self.pixels.float() / 255) @ horizontal[:, None].mT).clamp(0, 1)


class Batches:
    """Endless random batches of square crops; batch ``i`` depends on the seed and ``i`` alone.

    So a run that was interrupted goes on exactly where it was, and several processes can share a batch. Half of the
    crops are mirrored. An image is drawn by group first: groups are chosen by their shares or, by default, with a
    probability that grows with the square root of their size, so a small data set is seen more often than its size
    says. No image is twice in a batch, unless a group has fewer than the batch wants.

    Args:
        batch_size: images a batch, over all parts; ``crop`` is the side of the crops, in pixels.
        part: (rank, world): which of how many equal parts of each batch this one computes.
        covers: from which to which share of the image's shorter side a crop covers.
        shares: of the store's groups, in their order.
        fixed: how many windows an image has, for what is computed of them to be kept; 0 for a new window each time.
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
        shares: Sequence[float] = (),
        fixed: int = 0,
    ) -> None:
        require(min(batch_size, crop) >= 1, f"batch_size and crop must be at least 1, not {batch_size} and {crop}")
        rank, world = part
        require(0 <= rank < world, f"part is (rank, world) with rank from 0 to world - 1, not {part}")
        if batch_size % world:
            raise ConfigError(f"batch_size {batch_size} cannot be divided among {world} processes; use a multiple")
        require(fixed != 1, "an image needs 2 fixed windows or more: one of them is the other's reference")
        self.store, self.batch_size, self.crop, self.seed, self.fixed = store, batch_size, crop, seed, fixed
        self.covers, share = covers, batch_size // world
        self.rows = range(rank * share, (rank + 1) * share)
        groups = np.asarray(store.groups)
        self._members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        chances = np.asarray(shares or np.sqrt([len(members) for members in self._members]))
        self._chances = chances / chances.sum()

    def batch(self, index: int) -> Float[Tensor, "n 3 _ _"]:
        """This part's rows of batch number ``index``: ``(n, 3, crop, crop)`` in [0, 1]."""
        return self.windows(index).crops()

    def __iter__(self) -> Iterator[Tensor]:
        return map(self.batch, itertools.count())

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
        """The windows that :meth:`batch` (view 0) scales, or others of the same images (view 1): to be made ahead.

        Where another device computes, scaling is best done there: ``batches.windows(i).to(device).crops()``.
        """
        which = self.which(index).tolist()
        images, numbers = [self.store.images[i] for i in which], [-1] * len(which)
        randoms = [self._random(index, view, row) for row in self.rows]
        if self.fixed:
            # View 0 takes one of an image's fixed windows, every further view the next one.
            taken = [(int(self._random(index, 0, row).integers(self.fixed)) + view) % self.fixed for row in self.rows]
            numbers = [window * len(self.store) + i for window, i in zip(taken, which, strict=True)]
            randoms = [self._random(number, _FIXED) for number in numbers]
        places = [self._place(image, random) for image, random in zip(images, randoms, strict=True)]
        largest = max(side for _, _, side, _ in places)
        pixels = np.zeros((len(images), 3, largest, largest), np.uint8)
        for target, image, (top, left, side, _) in zip(pixels, images, places, strict=True):
            # NumPy copies in this thread alone; torch would wake all of its own for it.
            target[:, :side, :side] = image.numpy()[:, top : top + side, left : left + side]
        sides, mirrored = torch.tensor([p[2] for p in places]), torch.tensor([p[3] for p in places])
        return Windows(torch.from_numpy(pixels), sides, mirrored, self.crop, torch.tensor(numbers))

    def _place(self, image: Tensor, random: np.random.Generator) -> tuple[int, int, int, bool]:
        """Top, left, side and whether it is mirrored, of a random window."""
        height, width = image.shape[1:]
        side = round(min(height, width) * random.uniform(*self.covers))
        top, left = random.integers(height - side + 1), random.integers(width - side + 1)
        return int(top), int(left), side, bool(random.random() < 0.5)

    def _random(self, index: int, purpose: int, row: int = 0) -> np.random.Generator:
        """Random numbers that depend on what they are for and on nothing drawn before."""
        return np.random.default_rng((self.seed % 2**32, index, purpose, row))


class Prefetched(Iterator[Item], AbstractContextManager):
    """``make(start)``, ``make(start + 1)``, ... below ``stop``, always in this order, each made ahead of its use.

    Use it in a ``with`` block, which its threads end with. They keep ``depth`` items ready or in the making; what
    ``make`` raises is raised where its item would have come. Threads, not processes: decoding and copying let go of
    Python's lock. ``waited`` counts seconds that the consumer stood still.
    """

    def __init__(
        self, make: Callable[[int], Item], start: int = 0, stop: int | None = None, *, depth: int = 4, workers: int = 2
    ) -> None:
        self.waited = 0.0
        self._make, self._numbers = make, iter(itertools.count(start) if stop is None else range(start, stop))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetch")
        self._ahead = deque(self._pool.submit(make, number) for number in itertools.islice(self._numbers, depth))

    def __next__(self) -> Item:
        if not self._ahead:
            raise StopIteration
        started = time.perf_counter()
        item = self._ahead.popleft().result()
        self.waited += time.perf_counter() - started
        if (number := next(self._numbers, None)) is not None:
            self._ahead.append(self._pool.submit(self._make, number))
        return item

    def __exit__(self, *error: object) -> None:
        self._ahead.clear()
        self._pool.shutdown(cancel_futures=True)
