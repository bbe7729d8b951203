"""One gradient step: the losses, what learns from them, and that a split batch is the whole batch."""

from dataclasses import fields, replace

import pytest
import torch
from small_run import drawn_store, small_preset

from colorstyle_lib.config import TrainingConfig, change
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.losses.adversarial import OBJECTIVES
from colorstyle_lib.training.gan_step import (
    choose_noise,
    color_loss,
    discriminator_step,
    generate,
    generate_fake,
    generator_step,
    supervised_losses,
    train_step,
)
from colorstyle_lib.training.state import StepContext, TrainState
from colorstyle_lib.training.tasks import REPAIRS, TASKS, TaskBatch, draw

CPU = torch.device("cpu")


def first_batch(preset, index=0, size=4):
    return draw(Batches(drawn_store(), size, 48), index, preset.training, preset.generator.noise).on(CPU)


def after_joint_steps(preset, count=1):
    """The state after some joint steps, and the losses of the last."""
    state, context = TrainState.new(preset, 0, CPU), StepContext(preset.training)
    for step in range(count):
        losses = train_step(state, [first_batch(preset, step, preset.training.batch_size)], context, "joint")
    return state, losses


@pytest.mark.parametrize("name", OBJECTIVES)
def test_both_networks_learn_with_every_objective(name):
    preset = small_preset(objective=name, adversarial_weight=1.0, penalty=1.0)
    before = TrainState.new(preset, 0, CPU)
    after, losses = after_joint_steps(preset)
    for network in ("generator", "discriminator"):
        old, new = (dict(getattr(state, network).named_parameters()) for state in (before, after))
        assert any(not torch.equal(old[key], new[key]) for key in old)
    assert {"loss", "color", "hole", "tones", "adversarial", "discriminator", "discriminator_accuracy"} <= set(losses)
    assert all(torch.isfinite(torch.as_tensor(value)) for value in losses.values())


def test_the_generator_is_pulled_to_where_the_discriminator_says_real():
    """With the adversarial loss alone, against a discriminator that stands still, generated pictures look more real."""
    preset = small_preset(objective="non_saturating", adversarial_weight=1.0, augment=False)
    state, _ = after_joint_steps(preset, 3)
    context = StepContext(change(preset.training, adversarial_weight=1e4, tasks=(("automatic", 1.0),)))
    before = {name: weight.clone() for name, weight in state.discriminator.named_parameters()}
    batch = first_batch(preset)
    steps = [generator_step(state, [batch], context, adversarial=True)["adversarial"].item() for _ in range(12)]
    assert all(torch.equal(before[name], weight) for name, weight in state.discriminator.named_parameters())
    assert steps[-1] < steps[0]


@pytest.mark.parametrize("judge_every", [1, 2])
def test_a_step_on_a_split_batch_is_the_step_on_the_whole(judge_every):
    """Up to batch statistics, which each part has of its own: so without them."""
    preset = small_preset(augment=True, penalty=2.0, judge_every=judge_every)

    def gradients(parts):
        state = TrainState.new(preset, 0, CPU)
        state.generator_optimizer = torch.optim.SGD(state.generator.parameters(), lr=0.0)
        state.generator.eval()
        batches = first_batch(preset).split(parts)
        losses = generator_step(state, batches, StepContext(preset.training), adversarial=True)
        return losses, [p.grad for p in state.generator.parameters() if p.grad is not None]

    (whole, at_once), (split, in_parts) = gradients(1), gradients(2)
    assert split["loss"].item() == pytest.approx(whole["loss"].item(), rel=1e-4)
    for one, two in zip(at_once, in_parts, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("objective", ["hinge", "relativistic"])  # unpaired and paired
def test_only_every_second_picture_is_judged_where_so_many_are_asked_for(objective):
    """The objective is that on these pictures alone; the others teach the generator by the truth, uncolored."""

    def stepped(judge_every, rows):
        preset = small_preset(objective=objective, judge_every=judge_every, penalty=1.0, tasks=(("automatic", 1.0),))
        state = TrainState.new(preset, 0, CPU)
        state.generator.eval()  # or the batch's statistics would differ
        every = first_batch(preset)
        batch = TaskBatch(*(getattr(every, field.name)[rows] for field in fields(every)))
        context = StepContext(preset.training)
        outputs = [generate_fake(state, batch, context)]
        losses = discriminator_step(state, [batch], context, outputs)
        gradients = [p.grad for p in state.discriminator.parameters()]
        losses |= generator_step(state, [batch], context, outputs, adversarial=True)
        return losses, gradients, outputs[0].lab

    losses, gradients, lab = stepped(2, slice(None))
    alone, wanted, _ = stepped(1, slice(None, None, 2))
    for name in ("discriminator", "discriminator_accuracy", "adversarial"):
        assert losses[name].item() == pytest.approx(alone[name].item(), rel=1e-5), name
    for one, other in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, other)
    assert losses["color"].item() != pytest.approx(alone["color"].item(), rel=1e-3)  # this one is of all four
    assert [bool(picture.any()) for picture in lab[:, 1:]] == [True, False, True, False]


@pytest.mark.parametrize("task", TASKS)
def test_what_is_known_for_certain_stays(task):
    preset = small_preset(tasks=((task, 1.0),))
    context = StepContext(preset.training)
    generator = TrainState.new(preset, 0, CPU).generator
    config = replace(TrainingConfig(), tasks=((task, 1.0),))
    batch = draw(Batches(drawn_store(), 8, 48), 0, config, 8).on(CPU)
    output = generate(generator, batch, context, pictures=True)
    lab = output.lab
    if task in ("automatic", "reference", "hints"):
        assert torch.equal(lab[:, 0], batch.lab[:, 0])
    if task == "inpaint":
        light, color = batch.known[:, 0] == 1, batch.known[:, 1] == 1
        torch.testing.assert_close(lab[:, 0][light], batch.lab[:, 0][light])
        torch.testing.assert_close(lab[:, 1][color], batch.lab[:, 1][color])
        assert not torch.equal(lab[:, 0][~light], batch.lab[:, 0][~light])
    if task == "stylize":
        return  # see tests/model/test_style_decoder.py
    losses = supervised_losses(generator, batch, output, context)
    assert (losses["hole"] > 0) == (task == "inpaint")
    assert (losses["damage"] > 0) == (task == "enhance")
    assert (losses["color"] > 0) == (task not in REPAIRS)


def test_losses_of_the_parts_have_the_mean_of_the_whole():
    """Whatever tasks the parts hold: otherwise several processes would train something else than one."""
    preset = small_preset()
    context = StepContext(preset.training)
    generator = TrainState.new(preset, 0, CPU).generator.eval()
    whole = first_batch(preset, 1, 8)
    assert len(whole.task.unique()) > 2

    def losses_of(batch):
        output = generate(generator.eval(), batch, context, pictures=True)
        return supervised_losses(generator, batch, output, context)

    parts = [losses_of(batch) for batch in whole.split(2)]
    for name, value in losses_of(whole).items():
        mean = (parts[0][name] + parts[1][name]) / 2
        assert mean.item() == pytest.approx(value.item(), rel=1e-3), name


def test_the_best_of_several_noises_is_learned_from():
    preset = small_preset()
    context = StepContext(preset.training)
    generator = TrainState.new(preset, 0, CPU).generator
    torch.nn.init.normal_(generator.from_noise.weight, std=2.0)
    config = replace(TrainingConfig(), tasks=(("automatic", 1.0),), noise_fraction=1.0, imle_samples=4)
    batch = draw(Batches(drawn_store(), 8, 48), 0, config, 8).on(CPU)
    generator.eval()
    chosen = choose_noise(generator, generator.encode(batch.content), batch, context)

    def loss(z):
        return color_loss(generator, generator.forward_features(batch.content, None, z)[0], batch.lab, context)

    offered = torch.stack([loss(z) for z in batch.z.unbind(1)])
    assert torch.allclose(loss(chosen), offered.amin(0))
    assert offered.std(0).max() > 0
