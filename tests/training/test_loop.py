import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from small_run import drawn_store, small_preset

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.batches import Batches, Windows
from colorstyle_lib.data.folder import find_split
from colorstyle_lib.errors import ConfigError, DataError, WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.images.write import save_picture
from colorstyle_lib.losses.adversarial import OBJECTIVES
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.weights import load_generator, load_tensors
from colorstyle_lib.training.checkpoint import load_state
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import StepContext, discriminator_step, generator_step, make, train_step
from colorstyle_lib.training.loop import stage_at, train
from colorstyle_lib.training.state import TrainState, learning_rate_at
from colorstyle_lib.training.tasks import TaskBatch, draw
from colorstyle_lib.training.train_on_folder import train_on_folder
from colorstyle_lib.training.validation import evaluate

CPU = torch.device("cpu")
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
    one, other = load_state(one)["players"], load_state(other)["players"]
    return all(
        torch.equal(one[player][name], other[player][name])
        for player in ("generator", "average", "discriminator")
        for name in one[player]
    )


def test_bins_learn_and_are_decoded_inside_the_gamut(tmp_path):
    preset = get_preset("tiny")
    preset = change(preset, generator=change(preset.generator, colors="bins"))
    validation = synthetic.scenes(4, 48, seed=99).rgb
    after = train(preset, Batches(drawn_store(48), 8, 48), validation, steps=40, output=tmp_path, evaluate_every=40)
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
    after = train(preset, batches, validation, steps=60, output=tmp_path, evaluate_every=60)
    assert after.n == 8
    assert after.psnr_ab > before.psnr_ab + 1
    assert after.colorfulness_ratio > 0.2
    kept = load_generator(tmp_path / "generator.safetensors")
    assert evaluate(kept, validation).psnr_ab == pytest.approx(after.psnr_ab, abs=0.05)  # half precision on disk


def test_ctrl_c_saves_the_step_it_was_in(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    preset = get_preset("tiny")
    train(preset, batches, validation, steps=9, output=tmp_path / "whole")

    class Interrupting(Batches):
        def windows(self, index, view=0):
            if index == 7:
                os.kill(os.getpid(), signal.SIGINT)
            return super().windows(index, view)

    with pytest.raises(KeyboardInterrupt):
        train(preset, Interrupting(drawn_store(), 4, 48), validation, steps=9, output=tmp_path / "cut")
    assert 0 < load_state(tmp_path / "cut")["step"] < 9
    train(preset, batches, validation, steps=9, output=tmp_path / "cut", resume=True)
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


def test_resuming_something_else_is_refused(tmp_path):
    batches, validation = Batches(drawn_store(), 2, 48), synthetic.scenes(2, 48, seed=9).rgb
    with pytest.raises(WeightsError, match="start without --resume"):
        train(get_preset("tiny"), batches, validation, steps=2, output=tmp_path, resume=True)
    train(get_preset("tiny"), batches, validation, steps=2, output=tmp_path)
    with pytest.raises(WeightsError, match="resume with --steps 2"):
        train(get_preset("tiny"), batches, validation, steps=3, output=tmp_path, resume=True)
    (tmp_path / "state.pt").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="damaged or no training state"):
        train(get_preset("tiny"), batches, validation, steps=2, output=tmp_path, resume=True)


def test_learning_rate_rises_then_falls_to_nothing():
    config = get_preset("companion").training
    rates = [learning_rate_at(step, 100, config) for step in range(101)]
    assert max(rates) == pytest.approx(config.learning_rate)
    assert rates.index(max(rates)) in (4, 5)
    assert rates[0] == pytest.approx(config.learning_rate / 5)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_a_reference_changes_the_coloring_once_trained(tmp_path):
    preset = get_preset("tiny")
    validation = synthetic.scenes(4, 48, seed=99).rgb
    train(preset, Batches(drawn_store(48), 8, 48), validation, steps=60, output=tmp_path, evaluate_every=60)
    generator = load_generator(tmp_path / "generator.safetensors")
    lab = rgb_to_lab(validation)
    content = gray_content(lab[:, :1].clone())
    with torch.no_grad():
        right = generator(content, generator.describe_reference(lab))
        wrong = generator(content, generator.describe_reference(lab * torch.tensor([1.0, -1, -1]).view(3, 1, 1)))
    assert (right - lab[:, 1:]).square().mean() < (wrong - lab[:, 1:]).square().mean()


@pytest.mark.parametrize("layout", ["split by content", "train and val at the root"])
def test_any_folder_of_pictures_can_be_trained_on(layout, tmp_path, capsys):
    root = tmp_path / "pictures"
    for i, picture in enumerate(synthetic.scenes(6, 48, seed=1).rgb):
        home = root if layout == "split by content" else root / ("val" if i < 2 else "train")
        save_picture(to_picture(picture), home / f"{i}.png")
    weights = train_on_folder("tiny", str(root), steps=2, output=tmp_path / "out")
    assert list(json.loads(weights.with_suffix(".json").read_text())["measured"]) == ["pictures"]
    with pytest.raises(DataError, match="has no data set 'picture'; did you mean 'pictures'"):
        train_on_folder("tiny", str(root), datasets=["picture"], steps=2, output=tmp_path / "out")


@pytest.mark.data
def test_training_on_a_data_root_ends_with_weights_and_their_card(data_root, tmp_path):
    some = tmp_path / "root" / "scenes"
    for split, count in (("train", 12), ("val", 3)):
        (some / split).mkdir(parents=True)
        for path in find_split(data_root, split)[:count]:
            shutil.copy(path, some / split)
    weights = train_on_folder("tiny", str(tmp_path / "root"), steps=3, output=tmp_path / "out")
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["sha256"] == file_hash(weights)
    assert card["trained"]["images"] == 12
    assert card["measured"]["scenes"]["n"] == 3
    assert card["trained"]["command"].endswith("--steps 3 --seed 0")


def test_stages_come_in_order():
    config = change(get_preset("tiny").training, supervised=0.5, catch_up=0.2)
    stages = [stage_at(step, 10, config) for step in range(10)]
    assert stages == ["supervised"] * 5 + ["catch_up"] * 2 + ["joint"] * 3
    assert {stage_at(step, 10, change(config, objective="none")) for step in range(10)} == {"supervised"}


def steps_of(preset, count=1, parts=1):
    """Players after some joint steps, and what the steps said."""
    players = TrainState.new(preset, 0, CPU)
    batches = Batches(drawn_store(), preset.training.batch_size, 48)
    rules, said = StepContext(preset.training, ProcessGroup(0, 1, CPU)), []
    for step in range(count):
        examples = draw(batches, step, preset.training, preset.generator.noise).on(CPU).parts(parts)
        said.append(train_step(players, examples, rules, "joint"))
    return players, said


@pytest.mark.parametrize("name", OBJECTIVES)
def test_both_players_learn_with_every_objective(name):
    preset = small_preset(objective=name, adversarial_weight=1.0, penalty=1.0)
    before = TrainState.new(preset, 0, CPU)
    after, said = steps_of(preset)
    for player in ("generator", "discriminator"):
        old, new = (dict(getattr(p, player).named_parameters()) for p in (before, after))
        assert any(not torch.equal(old[key], new[key]) for key in old)
    assert {"loss", "color", "lightness", "adversarial", "discriminator", "discriminator_accuracy"} <= set(said[0])
    assert all(torch.isfinite(torch.as_tensor(value)) for value in said[0].values())


def test_the_generator_is_pulled_to_where_the_discriminator_says_real():
    """With the adversary alone, the verdict on generated pictures rises against a discriminator that stands still."""
    preset = small_preset(objective="non_saturating", adversarial_weight=1.0, augment=False)
    players, _ = steps_of(preset, 3)
    batches = Batches(drawn_store(), 4, 48)
    examples = draw(batches, 0, preset.training, preset.generator.noise).on(CPU)
    rules = StepContext(
        change(preset.training, adversarial_weight=1e4, tasks=(("automatic", 1.0),)), ProcessGroup(0, 1, CPU)
    )
    judge = {name: weight.clone() for name, weight in players.discriminator.named_parameters()}
    turns = [generator_step(players, [examples], rules, adversarial=True) for _ in range(12)]
    verdicts = [terms["adversarial"].item() for terms in turns]
    assert all(torch.equal(judge[name], weight) for name, weight in players.discriminator.named_parameters())
    assert verdicts[-1] < verdicts[0]


@pytest.mark.parametrize("judge_every", [1, 2])
def test_a_step_in_parts_is_the_step_at_once(judge_every):
    """Up to batch statistics, which each part has of its own: so without them."""
    preset = small_preset(augment=True, penalty=2.0, judge_every=judge_every)

    def gradients(parts):
        players = TrainState.new(preset, 0, CPU)
        players.generator_optimizer = torch.optim.SGD(players.generator.parameters(), lr=0.0)
        players.generator.eval()
        batches = Batches(drawn_store(), 4, 48)
        examples = draw(batches, 0, preset.training, preset.generator.noise).on(CPU).parts(parts)
        said = generator_step(
            players, examples, StepContext(preset.training, ProcessGroup(0, 1, CPU)), adversarial=True
        )
        return said, [p.grad for p in players.generator.parameters() if p.grad is not None]

    (whole, at_once), (split, in_parts) = gradients(1), gradients(2)
    assert split["loss"].item() == pytest.approx(whole["loss"].item(), rel=1e-4)
    for one, two in zip(at_once, in_parts, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("objective", ["hinge", "relativistic"])  # unpaired and paired
def test_only_every_second_picture_is_judged_where_so_many_are_asked_for(objective):
    """The players' game is that on these pictures alone; the others teach the generator by the truth, uncolored."""

    def played(judge_every, rows):
        preset = small_preset(objective=objective, judge_every=judge_every, penalty=1.0, tasks=(("automatic", 1.0),))
        players = TrainState.new(preset, 0, CPU)
        players.generator.eval()  # or the batch's statistics would differ
        every = draw(Batches(drawn_store(), 4, 48), 0, preset.training, preset.generator.noise).on(CPU)
        some = TaskBatch(*(getattr(every, field.name)[rows] for field in fields(every)))
        rules = StepContext(preset.training, ProcessGroup(0, 1, CPU))
        made = [make(players, some, rules)]
        said = discriminator_step(players, [some], rules, made)
        gradients = [p.grad for p in players.discriminator.parameters()]
        return (
            said | generator_step(players, [some], rules, adversarial=True, made=made),
            gradients,
            made[0].answered.lab,
        )

    said, gradients, lab = played(2, slice(None))
    alone, wanted, _ = played(1, slice(None, None, 2))
    for name in ("discriminator", "discriminator_accuracy", "adversarial"):
        assert said[name].item() == pytest.approx(alone[name].item(), rel=1e-5), name
    for one, other in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, other)
    assert said["color"].item() != pytest.approx(alone["color"].item(), rel=1e-3)  # this one is of all four
    assert [bool(picture.any()) for picture in lab[:, 1:]] == [True, False, True, False]


def test_judging_no_picture_is_refused():
    with pytest.raises(ConfigError, match="judge_every is 0: every picture is judged at 1"):
        TrainState.new(small_preset(judge_every=0), 0, CPU)


_COMPILED = """
import torch
from small_run import drawn_store, small_preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.training.distributed import World
from colorstyle_lib.training.state import Players
from colorstyle_lib.training.tasks import draw
from colorstyle_lib.training.gan_step import Rules, take_turns

torch.set_num_threads(1)
torch._dynamo.config.fail_on_recompile_limit_hit = True
preset, cpu = small_preset(batch_size=8), torch.device("cpu")
players = Players.new(preset, 0, cpu)
players.compile(backend="eager")
batches, rules = Batches(drawn_store(), 8, 48), Rules(preset.training, World(0, 1, cpu))
for step, stage in enumerate(("supervised", "supervised", "supervised", "catch_up", "joint", "joint")):
    take_turns(players, [draw(batches, step, preset.training, preset.generator.noise).on(cpu)], rules, stage)
"""


def test_a_compiled_training_never_falls_back_however_many_pictures_have_noise_or_a_reference():
    """Past its limit of versions torch would run what is left eagerly. It cannot trace types as tests check them."""
    command = [sys.executable, "-W", "ignore", "-c", _COMPILED]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]


def test_a_batch_that_cannot_be_divided_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a batch of 4 cannot be divided into 3 parts on each of 1 processes"):
        train(
            small_preset(accumulate=3),
            Batches(drawn_store(), 4, 48),
            synthetic.scenes(2, 48).rgb,
            steps=1,
            output=tmp_path,
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
    for key in ("loss", "color", "lightness", "discriminator", "adversarial"):
        for ours, alone in zip(both, one, strict=True):
            assert ours.get(key, 0.0) == pytest.approx(alone.get(key, 0.0), rel=2e-4, abs=1e-6), key
    weights = [load_state(tmp_path / name)["players"]["generator"] for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=5e-4, msg=name)


def test_the_state_before_serves_where_the_last_is_damaged(tmp_path, capsys):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    preset = small_preset()
    train(preset, batches, validation, steps=4, output=tmp_path, evaluate_every=2)
    (tmp_path / "state.pt").write_bytes(b"nonsense")
    train(preset, batches, validation, steps=4, output=tmp_path, evaluate_every=2, resume=True)
    assert "going on from state.before.pt, step 2" in capsys.readouterr().err
    assert [line["step"] for line in logged(tmp_path)] == [2, 4]


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
    with pytest.raises(WeightsError, match="the discriminator term is no longer a number at step 3: train anew"):
        train(small_preset(), Broken(drawn_store(), 4, 48), validation, steps=6, output=tmp_path, evaluate_every=2)
    assert load_state(tmp_path)["step"] == 2
    assert all(torch.isfinite(w).all() for w in load_tensors(tmp_path / "generator.safetensors").values())


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    wild = small_preset(optimizer="sgd", learning_rate=1e38, objective="none")
    with pytest.raises(WeightsError, match="no longer"):
        train(wild, batches, validation, steps=4, output=tmp_path, evaluate_every=1)
    assert not (tmp_path / "state.pt").exists()


def test_a_run_can_start_from_weights(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    train(small_preset(), batches, validation, steps=8, output=tmp_path / "first", evaluate_every=8)
    known = load_tensors(tmp_path / "first" / "generator.safetensors")
    slow = small_preset(learning_rate=1e-9, objective="none")
    after = train(slow, batches, validation, steps=1, output=tmp_path / "then", start_from=known)
    kept = evaluate(load_generator(tmp_path / "first" / "generator.safetensors"), validation)
    assert after.psnr_ab == pytest.approx(kept.psnr_ab, abs=0.1)


def test_a_sample_sheet_and_a_log_line_for_each_evaluation(tmp_path):
    batches, validation = Batches(drawn_store(), 4, 48), synthetic.scenes(2, 48, seed=9).rgb
    train(small_preset(), batches, validation, steps=2, output=tmp_path, evaluate_every=1)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["000001.jpg", "000002.jpg"]
    assert {"stage", "loss", "psnr_ab", "attention", "seconds", "waited", "peak_mib", "warnings"} <= set(
        logged(tmp_path)[0]
    )
