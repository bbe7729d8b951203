"""The training state and its schedule."""

import subprocess
import sys
from pathlib import Path

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


_COMPILED = """
import torch
from small_run import drawn_store, small_preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.training.state import StepContext, TrainState
from colorstyle_lib.training.tasks import draw
from colorstyle_lib.training.gan_step import train_step

torch.set_num_threads(1)
torch._dynamo.config.fail_on_recompile_limit_hit = True
preset, cpu = small_preset(batch_size=8), torch.device("cpu")
state = TrainState.new(preset, 0, cpu)
state.compile(backend="eager")
batches, context = Batches(drawn_store(), 8, 48), StepContext(preset.training)
for step, stage in enumerate(("supervised", "supervised", "supervised", "catch_up", "joint", "joint")):
    batch = draw(batches, step, preset.training, preset.generator.noise).on(cpu)
    train_step(state, [batch], context, stage)
"""


def test_a_compiled_training_never_falls_back_however_many_pictures_have_noise_or_a_reference():
    """Past its limit of versions torch would run what is left eagerly. It cannot trace types as tests check them."""
    command = [sys.executable, "-W", "ignore", "-c", _COMPILED]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
