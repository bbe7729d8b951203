"""Several ways to do one thing, timed in alternating rounds of one run, so that a busy moment hits them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of each way in each round, in the order of the rounds."""

    seconds: dict[str, list[float]]

    def ratio(self, way: str, other: str) -> float:
        """How long one way takes over another: the median of the rounds' own ratios."""
        pairs = zip(self.seconds[way], self.seconds[other], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def show(self, title: str, yardstick: str) -> None:
        """Print medians, and ratios to the way named."""
        print(f"\n{title}\n{'':36}{'median s':>10}{'ratio':>9}")
        for way, seconds in self.seconds.items():
            print(f"  {way:34}{statistics.median(seconds):10.4f}{self.ratio(way, yardstick):9.3f}")


def alternate(
    ways: dict[str, Callable[[], object]], rounds: int = 7, clock: Callable[[], float] = time.perf_counter
) -> Timing:
    """Call every way once to warm up, then once in every round."""
    for run in ways.values():
        run()
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            started = clock()
            run()
            seconds[way].append(clock() - started)
    return Timing(seconds)
