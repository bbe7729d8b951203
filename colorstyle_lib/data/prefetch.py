"""What a step needs next, prepared in the background while the current step computes."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from colorstyle_lib.errors import ConfigError

Item = TypeVar("Item")


class Prefetched(Generic[Item]):
    """``make(start)``, ``make(start + 1)``, ... up to ``stop``, always in this order, each made ahead of its use.

    Use it in a ``with`` block, so that its threads end however the block ends. What ``make`` raises is raised where
    its item would have come. Threads, not processes: decoding and copying let go of Python's lock.

    Args:
        make: what to call with each number; called from several threads at once.
        start: the first number.
        stop: the first number that is no longer made; None for no end.
        depth: how many items are kept ready or in the making.
        workers: threads.

    Attributes:
        waited: seconds that the consumer stood still for data, in all.
    """

    def __init__(
        self, make: Callable[[int], Item], start: int = 0, stop: int | None = None, *, depth: int = 4, workers: int = 2
    ) -> None:
        if depth < 1 or workers < 1:
            raise ConfigError(f"depth and workers must be at least 1, not {depth} and {workers}")
        self.waited = 0.0
        self._make, self._numbers = make, iter(itertools.count(start) if stop is None else range(start, stop))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetch")
        self._ahead: deque[Future[Item]] = deque()
        for number in itertools.islice(self._numbers, depth):
            self._ahead.append(self._pool.submit(make, number))

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if not self._ahead:
            raise StopIteration
        started = time.perf_counter()
        item = self._ahead.popleft().result()
        self.waited += time.perf_counter() - started
        if (number := next(self._numbers, None)) is not None:
            self._ahead.append(self._pool.submit(self._make, number))
        return item

    def close(self) -> None:
        """Make nothing more; returns when the threads have ended."""
        self._ahead.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Prefetched[Item]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
