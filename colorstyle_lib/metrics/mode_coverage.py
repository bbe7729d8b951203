"""Coverage of true modes: where it is known what could have been, how much of it is ever drawn."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def mode_coverage(answers: Float[Tensor, "z n c"], modes: Float[Tensor, "k c"], radius: float) -> Float[Tensor, " n"]:
    """Share of the true answers that at least one draw comes near, a question at a time.

    It promises nothing of how often each is drawn, nor that all draws are near any.

    Args:
        answers: ``z`` draws for each of ``n`` questions, such as the (a, b) of an object colored again and again.
        modes: the true answers, the same for all questions.
        radius: what counts as near, a Euclidean distance in the answers' unit.

    Returns:
        From 0 to 1; more is better.
    """
    near = (answers[:, :, None] - modes).norm(dim=3) < radius  # (z, n, k)
    return near.any(dim=0).float().mean(dim=1)
