"""Training of the scene generator: what learns and what does not, the same steps after a stop, and that it learns."""

import pytest
import torch

from colorstyle_lib.config import change
from colorstyle_lib.model.scene_generator import SceneGenerator
from colorstyle_lib.training.loop import training_loop
from colorstyle_lib.training.saved_run import load_state, train_for
from colorstyle_lib.training.scene_training import SCENE_TRAINING, ProjectedDiscriminator, SceneLearner

SMALL = change(SCENE_TRAINING, batch_size=4)


@pytest.fixture(scope="module")
def pictures():
    """Red below blue, in many shades."""
    random = torch.Generator().manual_seed(0)
    shade = torch.randint(120, 255, (12, 1, 1), generator=random)
    made = torch.zeros(12, 3, 64, 64, dtype=torch.uint8)
    made[:, 0, 32:], made[:, 2, :32] = shade.byte(), shade.byte()
    return made


def new_learner(pictures, seed=0):
    torch.manual_seed(seed)
    return SceneLearner(SceneGenerator(8), ProjectedDiscriminator(), pictures, SMALL)


def after(learner, steps):
    for _ in training_loop(learner, steps):
        pass
    return {name: value.clone() for name, value in learner.state.generator.state_dict().items()}


def test_both_networks_learn_and_what_is_frozen_stays(pictures):
    learner = new_learner(pictures)
    before = {name: value.clone() for name, value in learner.state.discriminator.state_dict().items()}
    generator = {name: value.clone() for name, value in learner.state.generator.named_parameters()}
    after(learner, 2)
    moved = {n for n, v in learner.state.discriminator.named_parameters() if not torch.equal(v, before[n])}
    judging = {n for n, _ in learner.state.discriminator.named_parameters() if n.startswith("judges.")}
    assert moved < judging
    assert len(judging - moved) == 5  # the last biases: while all pictures are unsure, real and generated ones cancel
    assert [n for n, v in learner.state.generator.named_parameters() if torch.equal(v, generator[n])] == []


def test_each_of_its_judges_sees_something_else(pictures):
    discriminator, rgb = ProjectedDiscriminator().eval(), pictures[:2].float() / 255
    with torch.no_grad():
        maps = discriminator.project(rgb)
        logits = discriminator.judge(maps)
    assert [one.shape[-1] for one in maps] == [16, 8, 4, 2, 64]
    assert logits.shape == (2, 5 * 4)
    # A change of single pixels reaches all of the maps, a change of one map its own logits alone.
    changed = [maps[0] + 1, *maps[1:]]
    with torch.no_grad():
        apart = (discriminator.judge(changed) != logits).any(0)
    assert apart[:4].all()
    assert not apart[4:].any()


def test_real_views_are_mirrored_and_augmented_and_of_these_pictures(pictures):
    learner = new_learner(pictures)
    views = learner._views[-1]  # of the pictures themselves
    assert len(views) == 8 * len(pictures)
    assert not torch.equal(views[:12], views[24:36])  # two views that are not mirrored
    visible = views[:12].float() / 2 + 0.5
    assert ((visible - pictures.float() / 255).abs() < 0.01).float().mean() > 0.5


def test_a_stopped_training_ends_as_one_that_was_not(pictures, tmp_path, monkeypatch):
    ticks = iter(range(10_000))  # a step takes one second
    monkeypatch.setattr("colorstyle_lib.training.loop.clock_of", lambda device: lambda: float(next(ticks)))
    whole = train_for(new_learner(pictures), tmp_path / "whole", 4.0).state_dict()
    train_for(new_learner(pictures), tmp_path / "parts", 2.0)
    assert load_state(tmp_path / "parts")["step"] == 2
    parts = train_for(new_learner(pictures, seed=1), tmp_path / "parts", 4.0).state_dict()
    assert all(torch.equal(parts[name], value) for name, value in whole.items())


def test_it_learns_where_red_and_blue_are(pictures):
    """In one of four trainings at least: a game of two networks swings at first, and untrained ones know nothing."""

    def learned(learner):
        with torch.no_grad():
            rgb = learner.state.generator.train().rgb(torch.randn(32, 8)).mean(0)
        return bool(rgb[0, 36:].mean() > rgb[0, :28].mean() + 0.1 and rgb[2, :28].mean() > rgb[2, 36:].mean() + 0.1)

    assert not any(learned(new_learner(pictures, seed)) for seed in range(4))
    for seed in range(4):
        learner = new_learner(pictures, seed)
        after(learner, 40)
        if learned(learner):
            return
    pytest.fail("none of four trainings learned that red is below and blue above")
