"""The training loop: a budget in steps or in seconds, resumed in the middle, and a loss that is no number."""

import pytest
import torch

from colorstyle_lib.errors import WeightsError
from colorstyle_lib.training.loop import training_loop


class Counting:
    """A learner that only notes what it is asked for; its second batch gives a loss that is no number, on request."""

    def __init__(self, *, breaks=False):
        self.device, self.state, self.calls, self.breaks = torch.device("cpu"), None, [], breaks

    def draw(self, step):
        return step

    def gradient_step(self, batch, step, at, of):
        assert batch == step
        self.calls.append((step, at, of))
        return {"loss": torch.tensor(float("nan") if self.breaks and step == 1 else 1.0)}


@pytest.fixture
def half_seconds(monkeypatch):
    """A clock that is half a second later at each look."""
    looks = iter(range(1000))
    monkeypatch.setattr("time.process_time", lambda: next(looks) / 2)


def test_a_budget_in_steps_ends_after_so_many_and_goes_on_where_it_was():
    learner = Counting()
    assert [step for step, _, _ in training_loop(learner, 4, step=1)] == [2, 3, 4]
    assert learner.calls == [(1, 1, 4), (2, 2, 4), (3, 3, 4)]


@pytest.mark.usefixtures("half_seconds")
def test_a_budget_in_seconds_counts_the_steps_alone_and_its_schedule_follows_the_share_that_is_spent():
    learner, seconds = Counting(), []
    for _, spent, _ in training_loop(learner, budget=2.0, seconds=0.5):
        seconds.append(spent)
        next(iter(training_loop(Counting(), 1)))  # what the caller does costs nothing
    assert seconds == [1.0, 1.5, 2.0]
    assert learner.calls == [(0, 25_000, 100_000), (1, 50_000, 100_000), (2, 75_000, 100_000)]


def test_a_loss_that_is_no_number_is_found_at_the_end_at_the_latest():
    with pytest.raises(WeightsError, match="loss 'loss' is no longer a number at step 2"):
        list(training_loop(Counting(breaks=True), 3))
