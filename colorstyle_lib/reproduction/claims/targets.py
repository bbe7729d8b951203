"""What the coloring was meant to reach, set before any of it was measured, and whether it did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from colorstyle_lib.reproduction.baselines.recipes import SPECIALISTS
from colorstyle_lib.reproduction.benchmarks.coloring import ALL, KERNEL, PERCEPTUAL
from colorstyle_lib.reproduction.results.store import Number

OPPONENTS = ("gray", "l1", "pix2pix", "bins")
"""Methods that are not ours."""


@dataclass(frozen=True)
class Target:
    """A bound on one number.

    Attributes:
        title: in words.
        metric: which number. ``OPPONENT`` stands for each of :data:`OPPONENTS`, ``NETWORK`` for any feature network.
        low: least value.
        high: largest value.
    """

    title: str
    metric: str
    low: float = float("-inf")
    high: float = float("inf")


TARGETS = (
    Target("colorfulness within 10 % of the real pictures'", "colorfulness_ratio", 0.9, 1.1),
    Target("PSNR ab no worse than pix2pix's recipe", "psnr_ab_minus_pix2pix", low=0.0),
    Target("kernel distance below every opponent's", f"{KERNEL}_minus_OPPONENT", high=0.0),
    Target("perceptual distance below every opponent's", f"{PERCEPTUAL}NETWORK_minus_OPPONENT", high=0.0),
    Target("a reference takes away at least 20 % of the squared ab error", "reference_error_over_automatic", high=0.8),
    Target("ten hints take away at least 40 % of the squared ab error", "hints_error_over_automatic", high=0.6),
    Target("best of 8 seeds below best of 8 random shifts", "best_of_8_over_jitters", high=1.0),
    Target("more wrong where less sure", "error_unsure_over_sure", low=1.0),
)

_COLOR, _STYLE = list(SPECIALISTS)[1:]

COLORING = (
    Target("coloring at most 0.3 dB (PSNR ab) below the specialist's", f"psnr_ab_minus_{_COLOR}", low=-0.3),
    Target("at least 95 % of the specialist's colorfulness", f"colorfulness_over_{_COLOR}", low=0.95),
)
RESTYLING = (Target("style distance not above the specialist's", f"style_style_minus_{_STYLE}", high=0.0),)
"""What one model for both tasks may cost, set before its trainings: on all validation pictures, and on style pairs."""


@dataclass(frozen=True)
class Verdict:
    """One target against one number.

    Attributes:
        target: what was asked.
        number: what was found.
        missed_by: how far the value lies outside the bounds; 0 where it is met.
        certain: whether the whole interval lies on the same side.
    """

    target: Target
    number: Number
    missed_by: float
    certain: bool

    @property
    def line(self) -> str:
        """One line for a person."""
        met = "met" if not self.missed_by else f"missed by {self.missed_by:.4g}"
        doubt = "" if self.certain else ", but the interval holds both answers"
        return f"{met}{doubt}: {self.target.title} ({self.number.key} = {self.number.text(4)})"


def verdicts(
    numbers: Mapping[str, Number], method: str, data: str = ALL, targets: Sequence[Target] = TARGETS
) -> list[Verdict]:
    """Each target against the numbers of a method; targets without a number are left out.

    Args:
        numbers: by address, as :func:`.read_results` gives them.
        method: whose.
        data: on which pictures.
        targets: by default those of coloring.
    """
    found = []
    for target in targets:
        mine = [n for n in numbers.values() if (n.data, n.method) == (data, method) and _fits(n.metric, target.metric)]
        found += [_judge(target, number) for number in sorted(mine, key=lambda n: n.key)]
    return found


def _fits(metric: str, pattern: str) -> bool:
    words = re.escape(pattern).replace("OPPONENT", f"({'|'.join(OPPONENTS)})").replace("NETWORK", "[a-z0-9_]+")
    return re.fullmatch(words, metric) is not None


def _judge(target: Target, number: Number) -> Verdict:
    def outside(value: float) -> float:
        return max(target.low - value, value - target.high, 0.0)

    missed = outside(number.value)
    ends = number.interval or (number.value, number.value)
    # A value may be in a band with both ends out; then neither answer is certain.
    certain = all((outside(end) > 0) == (missed > 0) for end in ends)
    return Verdict(target, number, missed, certain)
