"""What goes wrong in a training, said early and with what to do about it."""

from __future__ import annotations

import math

from colorstyle_lib.training.validation import Evaluation

_SURE = 0.97  # accuracy of the discriminator
_ONE_TAKES_ALL = 0.98
_SAME_FOR_ALL = 1e-3
_PALE, _GAUDY = 0.5, 1.4
_EARLY = 100  # steps


def warnings_of(result: Evaluation, discriminator_accuracy: float = math.nan, *, step: int, steps: int) -> list[str]:
    """Signs of trouble at an evaluation, one line each.

    Args:
        result: of the average weights.
        discriminator_accuracy: share of pictures, real and generated, that the discriminator judged rightly since the
            last evaluation; NaN while it does not take part.
        step: steps done.
        steps: of the whole run.
    """
    found = []
    if discriminator_accuracy > _SURE:
        found.append(
            f"the discriminator tells {100 * discriminator_accuracy:.0f} % apart and teaches little; lower "
            "discriminator_learning_rate, or raise penalty"
        )
    # A generator that has just started is pale, and attends to all alike, by construction.
    if step < max(_EARLY, steps / 4):
        return found
    ratio = result.colorfulness_ratio
    if ratio < _PALE:
        found.append(
            f"colors are at {100 * ratio:.0f} % of the real ones (brown); raise chroma_weight, lower bin_smoothing"
        )
    if ratio > _GAUDY:
        found.append(
            f"colors are at {100 * ratio:.0f} % of the real ones (gaudy); lower chroma_weight, raise bin_smoothing"
        )
    for level, weights in result.attention.items():
        name, most = max(weights.items(), key=lambda item: item[1])
        if not any(0 < weight < 1 for weight in weights.values()):
            continue  # gray pictures offer it one modality, as in the paper's preset: there is nothing to choose
        if most > _ONE_TAKES_ALL:
            found.append(f"attention at 1/{level} has collapsed to {name} ({most:.2f}); lower learning_rate")
        elif result.attention_spread[level] < _SAME_FOR_ALL:
            found.append(f"attention at 1/{level} is the same for every picture; train longer, or leave the level out")
    return found
