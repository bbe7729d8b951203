"""Coverage of true modes, by hand and against a loop."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from colorstyle_lib.metrics.mode_coverage import mode_coverage

MODES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def test_one_draw_near_a_mode_covers_it_and_the_middle_covers_none():
    answers = torch.tensor([[[0.0, 1.0], [3.0, 3.0]], [[9.5, 0.0], [3.0, 3.0]], [[0.2, 0.0], [0.0, 9.0]]])
    assert mode_coverage(answers, MODES, 2.0).tolist() == pytest.approx([2 / 3, 1 / 3])


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 100))
def test_it_is_the_loop_and_more_draws_never_cover_less(draws: int, questions: int, seed: int):
    answers = 12 * torch.rand(draws, questions, 2, generator=torch.Generator().manual_seed(seed))
    found = mode_coverage(answers, MODES, 4.0)
    for question in range(questions):
        hit = [any((a - mode).norm() < 4 for a in answers[:, question]) for mode in MODES]
        assert found[question].item() == pytest.approx(sum(hit) / 3)
    more = mode_coverage(torch.cat((answers, answers[:1] + 1)), MODES, 4.0)
    assert (more >= found).all()
