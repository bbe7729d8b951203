"""Tasks: what each gives the generator, and that a row depends on seed, index and row alone."""

from dataclasses import replace

import pytest
import torch
from small_run import drawn_store, small_preset

from colorstyle_lib.config import TrainingConfig, get_preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.content import content_planes
from colorstyle_lib.training.state import TrainState
from colorstyle_lib.training.tasks import TASKS, differentiable_augmentation, draw

CPU = torch.device("cpu")


def examples(task, n=8, index=0, noise=8, **changes):
    config = replace(TrainingConfig(), tasks=((task, 1.0),), **changes)
    return draw(Batches(drawn_store(), n, 48), index, config, noise).on(CPU)


@pytest.mark.parametrize("task", TASKS)
def test_each_task_is_told_what_it_may_know(task):
    some = examples(task)
    light, color = some.known[:, 0], some.known[:, 1]
    assert bool(some.has_task(task).all())
    if task in ("automatic", "reference"):
        assert light.min() == 1
        assert color.max() == 0
    elif task == "hints":
        assert light.min() == 1
        share = color.mean((1, 2))
        assert share.min() > 0
        assert share.max() < 0.25
    elif task == "inpaint":
        assert bool(((light == 0).flatten(1).any(1) & (light == 1).flatten(1).any(1)).all())
        assert color[light == 0].max() == 0  # nothing at all is known in a hole
        assert {color[i].max().item() for i in range(len(color))} == {0.0, 1.0}  # gray photographs have holes, too
    elif task == "enhance":
        assert some.known.min() == 1
        assert some.damage.amax(0).min() > 0  # every kind comes
        assert not some.z.any()
    if task != "enhance":
        assert not some.damage.any()
    content = some.content
    assert content[:, 0][light == 0].abs().sum() == 0
    assert content[:, 1:3].movedim(1, -1)[color == 0].abs().sum() == 0
    assert torch.allclose(content[:, 0][light == 1] * 100, some.lab[:, 0][light == 1])


def test_a_row_depends_on_seed_index_and_row_alone():
    config = small_preset().training
    whole = draw(Batches(drawn_store(), 8, 48, 5), 7, config, 4).on(CPU)
    halves = [draw(Batches(drawn_store(), 8, 48, 5, part=(rank, 2)), 7, config, 4).on(CPU) for rank in (0, 1)]
    for name in ("task", "known", "damage", "z", "taken", "strength", "chances"):
        joined = torch.cat([getattr(half, name) for half in halves])
        assert torch.equal(getattr(whole, name), joined), name
    torch.testing.assert_close(whole.rgb, torch.cat([half.rgb for half in halves]))
    other = draw(Batches(drawn_store(), 8, 48, 5), 8, config, 4).on(CPU)
    assert not torch.equal(whole.z, other.z)


def test_a_reference_is_the_same_picture_and_a_style_another():
    guided, styled = examples("reference"), examples("stylize")
    near = (guided.rgb.mean((2, 3)) - guided.other.mean((2, 3))).abs().mean()
    far = (styled.rgb.mean((2, 3)) - styled.other.mean((2, 3))).abs().mean()
    assert near < far


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((("automatik", 1.0),), "no task 'automatik'; did you mean 'automatic'"),
        ((("hints", -1.0),), "the weight of task 'hints' is -1.0"),
        ((("hints", 0.0),), "no task has a weight above 0"),
        ((), "no task has a weight above 0"),
    ],
)
def test_tasks_that_cannot_be_drawn_are_refused(tasks, said):
    with pytest.raises(ConfigError, match=said):
        draw(Batches(drawn_store(), 2, 48), 0, replace(TrainingConfig(), tasks=tasks), 0)


def test_hints_reach_places_that_look_alike():
    """A hint on one of two equal disks tells of the other, and of the ground less."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    stripes = 60 + 25 * torch.sin(x * 1.6)
    disks = ((x - 16) ** 2 + (y - 32) ** 2 < 144) | ((x - 48) ** 2 + (y - 32) ** 2 < 144)
    light = torch.where(disks, stripes, 40.0)
    lab = torch.stack((light, torch.where(disks, 60.0, 0.0), torch.where(disks, 40.0, 0.0)))[None]
    known = torch.zeros(1, 1, 64, 64)
    known[..., 30:34, 14:18] = 1
    generator = TrainState.new(small_preset(), 0, CPU).generator
    content = content_planes(lab, torch.ones_like(known), known)
    own = generator.describe_content(content, generator.encoder(content))
    a = own.maps[0][0, -3]  # mean of a by cell, over 110
    assert a[4, 2] == pytest.approx(60 / 110, abs=1e-3)  # where the hint stands
    assert a[4, 6] > 0.9 * 60 / 110
    assert bool(own.present[0, 0])


def test_augmentation_moves_and_cuts_and_lets_gradients_through():
    lab = examples("automatic", 2).lab.requires_grad_()
    centre = torch.tensor([[0.5, 0.5, 0.0, 0.0]] * 2)
    shown = differentiable_augmentation(lab, centre)
    assert torch.equal(shown[..., 8:, 8:], lab[..., 8:, 8:])  # no shift; the cut is in the corner
    assert shown[..., :8, :8].abs().max() == 0
    far = differentiable_augmentation(lab, torch.tensor([[1.0 - 1e-6, 0.5, 1.0, 1.0]] * 2))
    assert torch.equal(far[..., 6:40, :40], lab[..., :34, :40])  # an eighth of 48 down
    shown.sum().backward()
    assert torch.equal(lab.grad[0, 0] > 0, shown[0, 0] != 0)


def test_the_paper_preset_and_the_tiny_one_have_tasks_that_exist():
    for name in ("paper", "tiny", "companion"):
        config = get_preset(name).training
        assert draw(Batches(drawn_store(), 2, 48), 0, config, 4).on(CPU).rgb.shape == (2, 3, 48, 48)


def test_what_is_unlike_every_hint_takes_little_from_it():
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    light = torch.where(x < 32, 60 + 25 * torch.sin(x * 1.6), 50 + 20 * torch.sin(y * 0.8))
    lab = torch.stack((light, torch.full_like(light, 60.0), torch.zeros_like(light)))[None]
    known = torch.zeros(1, 1, 64, 64)
    known[..., 30:34, 14:18] = 1
    generator = TrainState.new(small_preset(), 0, CPU).generator
    content = content_planes(lab, torch.ones_like(known), known)
    a = generator.describe_content(content, generator.encoder(content)).maps[0][0, -3]
    assert a[2, 1] > 2 * a[2, 6]  # as far from the hint's cell as each other, on its own and on the other side
    assert a[0, 7] < 0.5 * 60 / 110
