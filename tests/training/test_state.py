"""The training state and its schedule."""

import pytest
import torch
from small_run import small_preset

from colorstyle_lib.config import change, get_preset
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.training.state import TrainState, learning_rate_at, stage_at


def test_learning_rate_rises_then_falls_to_nothing():
    config = get_preset("companion").training
    rates = [learning_rate_at(step, 100, config) for step in range(101)]
    assert max(rates) == pytest.approx(config.learning_rate)
    assert rates.index(max(rates)) in (4, 5)
    assert rates[0] == pytest.approx(config.learning_rate / 5)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_stages_come_in_order():
    config = change(get_preset("tiny").training, supervised=0.5, catch_up=0.2)
    stages = [stage_at(step, 10, config) for step in range(10)]
    assert stages == ["supervised"] * 5 + ["catch_up"] * 2 + ["joint"] * 3
    assert {stage_at(step, 10, change(config, objective="none")) for step in range(10)} == {"supervised"}


def test_judging_no_picture_is_refused():
    with pytest.raises(ConfigError, match="judge_every is 0: every picture is judged at 1"):
        TrainState.new(small_preset(judge_every=0), 0, torch.device("cpu"))
