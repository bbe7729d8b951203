"""A saved run: it resumes bit for bit after a kill, refuses other settings, and never keeps what is no number."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_run import drawn_store, small_preset

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import TrainOptions, change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.batches import Batches, Windows
from colorstyle_lib.errors import ColorStyleError, ConfigError, WeightsError
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator, load_generator
from colorstyle_lib.training.saved_run import RunLog, load_state, save_state, train
from colorstyle_lib.training.validation import evaluate

HERE = Path(__file__).parents[1]


def start(output, steps, *options, processes=1):
    """Run tests/small_run.py to its end, whatever that is."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command += [str(HERE / "small_run.py"), str(output), str(steps), *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def logged(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def same_weights(one, other):
    one, other = load_state(one)["train_state"], load_state(other)["train_state"]
    return all(
        torch.equal(one[network][name], other[network][name])
        for network in ("generator", "average", "discriminator")
        for name in one[network]
    )


def test_bins_learn_and_are_decoded_inside_the_gamut(tmp_path):
    preset = get_preset("tiny")
    preset = change(preset, generator=change(preset.generator, colors="bins"))
    validation = synthetic.scenes(4, 48, seed=99).rgb
    after = train(
        preset, Batches(drawn_store(48), 8, 48), validation, TrainOptions(steps=40, output=tmp_path, evaluate_every=40)
    )
    before = evaluate(Generator(preset.generator).eval(), validation)
    assert after.psnr_ab > before.psnr_ab
    assert load_generator(tmp_path / "generator.safetensors").config.colors == "bins"


def test_tiny_learns_what_texture_and_shape_determine(tmp_path):
    store = drawn_store(48)
    validation = synthetic.scenes(8, 48, seed=99).rgb
    batches = Batches(store, 8, 48)
    preset = get_preset("tiny")
    preset = change(preset, training=change(preset.training, tasks=(("automatic", 1.0),), objective="none"))
    before = evaluate(Generator(preset.generator).eval(), validation)
    after = train(preset, batches, validation, TrainOptions(steps=60, output=tmp_path, evaluate_every=60))
    assert after.n == 8
    assert after.psnr_ab > before.psnr_ab + 1
    assert after.colorfulness_ratio > 0.2
    kept = load_generator(tmp_path / "generator.safetensors")
    assert evaluate(kept, validation).psnr_ab == pytest.approx(after.psnr_ab, abs=0.05)  # half precision on disk


def test_a_reference_changes_the_coloring_once_trained(tmp_path):
    preset = get_preset("tiny")
    validation = synthetic.scenes(4, 48, seed=99).rgb
    train(
        preset, Batches(drawn_store(48), 8, 48), validation, TrainOptions(steps=60, output=tmp_path, evaluate_every=60)
    )
    generator = load_generator(tmp_path / "generator.safetensors")
    lab = rgb_to_lab(validation)
    content = gray_content(lab[:, :1].clone())
    with torch.no_grad():
        right = generator(content, generator.describe_reference(lab))
        wrong = generator(content, generator.describe_reference(lab * torch.tensor([1.0, -1, -1]).view(3, 1, 1)))
    assert (right - lab[:, 1:]).square().mean() < (wrong - lab[:, 1:]).square().mean()


def test_ctrl_c_saves_the_step_it_was_in(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    preset = get_preset("tiny")
    train(preset, batches, validation, TrainOptions(steps=9, output=tmp_path / "whole"))

    class Interrupting(Batches):
        def windows(self, index, view=0):
            if index == 7:
                os.kill(os.getpid(), signal.SIGINT)
            return super().windows(index, view)

    with pytest.raises(KeyboardInterrupt):
        train(preset, Interrupting(drawn_store(), 4, 48), validation, TrainOptions(steps=9, output=tmp_path / "cut"))
    assert 0 < load_state(tmp_path / "cut")["step"] < 9
    train(preset, batches, validation, TrainOptions(steps=9, output=tmp_path / "cut", resume=True))
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


def test_resuming_something_else_is_refused(tmp_path):
    batches, validation = Batches(drawn_store(), 2, 48), synthetic.scenes(2, 48, seed=9).rgb
    with pytest.raises(WeightsError, match="start without --resume"):
        train(get_preset("tiny"), batches, validation, TrainOptions(steps=2, output=tmp_path, resume=True))
    train(get_preset("tiny"), batches, validation, TrainOptions(steps=2, output=tmp_path))
    with pytest.raises(WeightsError, match="resume with --steps 2"):
        train(get_preset("tiny"), batches, validation, TrainOptions(steps=3, output=tmp_path, resume=True))
    (tmp_path / "state.pt").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="damaged or no training state"):
        train(get_preset("tiny"), batches, validation, TrainOptions(steps=2, output=tmp_path, resume=True))


def test_a_batch_that_cannot_be_divided_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a batch of 4 cannot be divided into 3 parts on each of 1 processes"):
        train(
            small_preset(accumulate=3),
            Batches(drawn_store(), 4, 48),
            synthetic.scenes(2, 48).rgb,
            TrainOptions(steps=1, output=tmp_path),
        )


def test_a_killed_run_ends_with_the_same_weights(tmp_path):
    assert start(tmp_path / "whole", 9).returncode == 0
    killed = start(tmp_path / "cut", 9, "--dies-at=4")
    assert killed.returncode == -signal.SIGKILL
    assert load_state(tmp_path / "cut")["step"] == 3
    assert start(tmp_path / "cut", 9, "--resume").returncode == 0
    assert same_weights(tmp_path / "whole", tmp_path / "cut")
    assert [line["step"] for line in logged(tmp_path / "cut")] == [3, 6, 9]
    same = ("stage", "loss", "color", "psnr_ab", "attention")
    for one, other in zip(logged(tmp_path / "whole"), logged(tmp_path / "cut"), strict=True):
        assert {key: one.get(key) for key in same} == {key: other.get(key) for key in same}


def test_two_processes_take_the_steps_of_one_even_when_one_of_them_was_lost(tmp_path):
    """With plain SGD: AdamW's first steps are nearly signs, which turn a rounding error into a step the other way."""
    assert start(tmp_path / "one", 6, "--sgd").returncode == 0
    lost = start(tmp_path / "two", 6, "--sgd", "--dies-at=4", processes=2)
    assert lost.returncode not in (0, None)
    assert load_state(tmp_path / "two")["step"] == 3
    two = start(tmp_path / "two", 6, "--sgd", "--resume", processes=2)
    assert two.returncode == 0, two.stderr[-2000:]
    assert two.stdout.count("step      6") == 1  # one process alone reports
    both, one = logged(tmp_path / "two"), logged(tmp_path / "one")
    assert [(line["step"], line["stage"]) for line in both] == [(3, "catch_up"), (6, "joint")]
    for key in ("loss", "color", "discriminator", "adversarial"):
        for ours, alone in zip(both, one, strict=True):
            assert ours.get(key, 0.0) == pytest.approx(alone.get(key, 0.0), rel=2e-4, abs=1e-6), key
    weights = [load_state(tmp_path / name)["train_state"]["generator"] for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=5e-4, msg=name)


class NoNumber(Windows):
    def to(self, device):
        return self

    def crops(self):
        return super().crops() * torch.nan


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_state(tmp_path):
    class Broken(Batches):
        def windows(self, index, view=0):
            windows = super().windows(index, view)
            return NoNumber(**vars(windows)) if index >= 3 else windows

    validation = synthetic.scenes(2, 48, seed=9).rgb
    with pytest.raises(WeightsError, match="loss 'discriminator' is no longer a number at step 3: train anew"):
        train(
            small_preset(tasks=(("automatic", 1.0),)),  # damaging a picture to enhance would refuse NaN
            Broken(drawn_store(), 4, 48),
            validation,
            TrainOptions(steps=6, output=tmp_path, evaluate_every=2),
        )
    assert load_state(tmp_path)["step"] == 2
    weights = load_generator(tmp_path / "generator.safetensors").state_dict()
    assert all(torch.isfinite(w).all() for w in weights.values())


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    wild = small_preset(optimizer="sgd", learning_rate=1e38, objective="none")
    with pytest.raises(WeightsError, match="no longer"):
        train(wild, batches, validation, TrainOptions(steps=4, output=tmp_path, evaluate_every=1))
    assert not (tmp_path / "state.pt").exists()


def test_a_run_can_start_from_weights(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    # Long enough that batch norm's running statistics have settled: a further step moves them, whatever its rate.
    train(small_preset(), batches, validation, TrainOptions(steps=40, output=tmp_path / "first", evaluate_every=40))
    known = tmp_path / "first" / "generator.safetensors"
    slow = small_preset(learning_rate=1e-9, objective="none")
    after = train(slow, batches, validation, TrainOptions(steps=1, output=tmp_path / "then", start_from=known))
    assert after.psnr_ab == pytest.approx(evaluate(load_generator(known), validation).psnr_ab, abs=0.1)


def test_a_sample_sheet_and_a_log_line_for_each_evaluation(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    train(small_preset(), batches, validation, TrainOptions(steps=2, output=tmp_path, evaluate_every=1))
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["000001.jpg", "000002.jpg"]
    assert {"stage", "loss", "psnr_ab", "attention", "seconds", "waited", "peak_mib", "warnings"} <= set(
        logged(tmp_path)[0]
    )


def test_every_flipped_bit_of_a_state_is_noticed(tmp_path):
    save_state({"step": 3, "weights": torch.arange(4000.0)}, tmp_path)
    whole = (tmp_path / "state.pt").read_bytes()
    data = whole.index(torch.arange(4000.0).numpy().tobytes())
    for place in [*range(data, data + 16000, 1601), whole.index(b"step")]:
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / "state.pt").write_bytes(damaged)
        with pytest.raises(WeightsError, match="damaged"):
            load_state(tmp_path)
    (tmp_path / "state.pt").write_bytes(whole)
    assert load_state(tmp_path)["step"] == 3


def test_a_torn_last_line_of_the_log_is_dropped(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3, "lo')
    RunLog(tmp_path, after=2).write(3, loss=0.5)
    assert (tmp_path / "log.jsonl").read_text().splitlines()[-2:] == ['{"step": 2}', '{"step": 3, "loss": 0.5}']


@pytest.mark.parametrize("room", [0, 1000, 20_000])
def test_a_disk_without_room_for_the_state_is_one_line(tmp_path, room):
    save_state({"step": 1}, tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(ColorStyleError, match=r"cannot write .*free some space") as caught:
            save_state({"step": 2, "weights": torch.rand(100_000)}, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert load_state(tmp_path)["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
