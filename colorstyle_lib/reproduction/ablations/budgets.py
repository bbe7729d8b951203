"""How dear a matrix is: all members in small, and the decisive ones again with ten processor minutes each.

What is found in a quarter of a minute may be a matter of the first steps. So the comparisons that most of the claims
rest on are made again, forty times as long; their numbers have addresses of their own, beside the small ones'.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What is trained, and for how long.

    Attributes:
        name: what a run is called, as its numbers' mode.
        method: before a comparison's name, in the address of its numbers.
        folder: of its runs, in ``runs/``.
        steps: of the base; of the others as many as take the same processor time.
        seeds: trainings of each member.
        members: who is trained; empty for all.
        option: of ``colorstyle ablations run``, that asks for it.
    """

    name: str
    method: str
    folder: str
    steps: int
    seeds: int
    members: tuple[str, ...] = ()
    option: str = ""


SMALL = Budget("small", "ablation.", "ablations", 160, 3)

LONG = Budget(
    "long",
    "ablation_long.",
    "ablations_long",
    6500,
    1,
    ("base", "no_attention", "no_discriminator", "without_color", "sgd_printed", "pix2pix"),
    " --long",
)
"""About ten processor minutes a training; one seed each, so it can agree or contradict, and decides nothing alone."""
