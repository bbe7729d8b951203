"""The race: what each recipe is, that time is what ends it, and that a run cut short goes on."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_run import drawn_store, small_preset

from colorstyle_lib.color import luma_to_gray, rgb_to_lab
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.losses.reconstruction import huber_ab
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.reproduction.baselines.method import load_method
from colorstyle_lib.reproduction.baselines.recipes import RECIPES, Recipe, train_baseline, train_baselines
from colorstyle_lib.training.loop import GanLearner
from colorstyle_lib.training.saved_run import load_state

PIX2PIX = RECIPES["pix2pix"]


def small(name: str) -> Recipe:
    """A recipe with the tiny networks in place of its own."""
    tiny, preset = small_preset(), RECIPES[name].preset
    shape = {"width": 12, "max_width": 48, "depth": 3, "encoder": "convolutions", "attention_at": (2, 4)}
    generator = replace(preset.generator, **shape, working_size=64)
    # In a run of eight steps the discriminator enters early enough to be seen.
    stages = {"supervised": 0.6, "catch_up": 0.1}
    training = replace(preset.training, crop=48, batch_size=4, half_precision=False, **stages)
    return Recipe(name, replace(preset, generator=generator, discriminator=tiny.discriminator, training=training))


@pytest.fixture
def clock(monkeypatch):
    """Time that passes by steps, two looks at it and so half a second in each, however fast the machine is."""

    class Clock:
        now = 0.0

        def __call__(self) -> float:
            self.now += 0.5
            return self.now

    ticking = Clock()
    monkeypatch.setattr(time, "process_time", ticking)
    return ticking


def test_all_learn_the_same_crops_and_only_what_the_name_says_differs():
    presets = {name: recipe.preset for name, recipe in RECIPES.items() if recipe.preset}
    assert {p.training.crop for p in presets.values()} == {128}
    assert {(p.training.batch_size, p.training.learning_rate, p.training.ema) for p in presets.values()} == {
        (8, 1e-3, 0.99)
    }
    shapes = {(p.generator.encoder, p.generator.width, p.generator.working_size) for p in presets.values()}
    assert shapes == {("efficientnet_lite0", 24, 128)}
    for name in ("l1", "bins"):
        assert presets[name].training.objective == "none"
        assert presets[name].training.tasks == (("automatic", 1.0),)
    assert presets["l1"].generator.colors == "regression"
    assert presets["bins"].generator.attention == "none"
    assert presets["ours"].training.objective == "hinge"


def test_l1_descends_on_the_absolute_error():
    x, y = 40 * torch.rand(2, 2, 8, 8), torch.zeros(2, 2, 8, 8)
    delta = RECIPES["l1"].preset.training.huber_delta
    assert huber_ab(x, y, delta=delta).mean().item() == pytest.approx((x - y).abs().mean().item(), abs=0.01)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", ["l1", "bins", "ours"])
def test_a_small_race_of_our_networks(name: str, tmp_path: Path):
    store = drawn_store()
    weights = train_baseline(small(name), store, tmp_path, seconds=4.0)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["spent"] >= 4.0
    assert ("discriminator" in log[-1]) == (name == "ours")  # it comes last, by share of time
    assert not list(tmp_path.glob("state*.pt"))
    method = load_method("trained", weights)
    color, generator = method.color, method.generator
    rgb = synthetic.scenes(2, 64, seed=5).rgb
    ab = color(rgb)
    torch.testing.assert_close(ab, generator(gray_content(rgb_to_lab(rgb)[:, :1])))
    # Scaled to the working size and back: other sizes are colored alike.
    large = torch.nn.functional.interpolate(rgb, scale_factor=2, mode="bilinear")
    again = torch.nn.functional.interpolate(color(large), scale_factor=0.5, mode="area")
    assert color(large).shape == (2, 2, 128, 128)
    assert (again - ab).abs().mean() < 0.5 * ab.abs().mean() + 0.5


def test_pix2pix_is_kept_as_it_was_trained_and_answers_by_lightness_alone(tmp_path: Path):
    weights = train_baseline(replace(PIX2PIX, size=32), drawn_store(), tmp_path, seconds=0.5)
    method = load_method("trained", weights)
    color, generator = method.color, method.generator
    assert generator is None
    rgb = synthetic.scenes(2, 32, seed=5).rgb
    ab = color(rgb)
    torch.testing.assert_close(ab, color(luma_to_gray(rgb_to_lab(rgb)[:, :1])), rtol=0, atol=0.05)
    assert ab.shape == (2, 2, 32, 32)
    assert 0 < ab.abs().max() <= 110


def test_a_run_that_was_cut_short_goes_on_and_a_finished_one_is_left_alone(tmp_path: Path, monkeypatch, clock):
    """Clock by steps instead of seconds: so the interrupted run can be compared with a whole one."""
    store, recipe = drawn_store(), small("ours")
    whole = train_baseline(recipe, store, tmp_path / "whole", seconds=4.0)
    before = load_file(whole)

    step = GanLearner.gradient_step

    def fails_at_5(self, batch, index, *schedule):
        if index == 5:
            raise KeyboardInterrupt
        return step(self, batch, index, *schedule)

    with monkeypatch.context() as patch:
        patch.setattr(GanLearner, "gradient_step", fails_at_5)
        with pytest.raises(KeyboardInterrupt):
            train_baseline(recipe, store, tmp_path / "cut", seconds=4.0)
    assert load_state(tmp_path / "cut")["step"] == 4
    cut = train_baseline(recipe, store, tmp_path / "cut", seconds=4.0)
    after = load_file(cut)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)
    spent = clock.now
    assert train_baseline(recipe, store, tmp_path / "cut", seconds=4.0) == cut
    assert clock.now == spent


def test_what_cannot_be_trained_or_read_is_refused(tmp_path: Path):
    store = drawn_store()
    with pytest.raises(ConfigError, match="did you mean 'bins'"):
        train_baselines(["bin"], data=str(tmp_path))
    train_baseline(small("l1"), store, tmp_path, seconds=0.1)
    with pytest.raises(WeightsError, match=r"other settings \(seconds\)"):
        train_baseline(small("l1"), store, tmp_path, seconds=0.2)
    with pytest.raises(WeightsError, match="no weights at"):
        load_method("none", tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match=r"bad\.safetensors"):
        load_method("none", tmp_path / "bad.safetensors")
