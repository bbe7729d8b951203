"""The small conditional GAN: its players and their training."""

import pytest
import torch

from colorstyle_lib.course import toy_color_gan, toy_objects
from colorstyle_lib.errors import ConfigError


@pytest.fixture(scope="module")
def data() -> toy_objects.ToyObjects:
    return toy_objects.draw_objects(40, seed=0)


def spread(player: toy_color_gan.ToyGenerator, data: toy_objects.ToyObjects) -> float:
    """Lab units by which answers to the same gray picture differ."""
    return float(toy_color_gan.sample_colors(player, data.lab[:, :1], 8).std(dim=0).mean())


def test_l2_comes_to_the_mean_and_learns_to_ignore_z(data: toy_objects.ToyObjects):
    def error(player: toy_color_gan.ToyGenerator) -> float:
        return float((toy_color_gan.sample_colors(player, data.lab[:, :1], 4) - data.mean_ab).square().mean())

    start, end = (toy_color_gan.train_by_distance("l2", data, steps=n, batch_size=16) for n in (0, 100))
    assert error(end) < 0.6 * error(start)  # of so few pictures it learns some coin tosses by heart
    assert spread(end, data) < 2


def test_a_discriminator_makes_z_choose_and_leaves_the_eyes_alone(data: toy_objects.ToyObjects):
    taught = toy_color_gan.train_by_distance("l2", data, steps=100, batch_size=16)
    before = [weight.clone() for weight in taught.encoder.parameters()]
    player = toy_color_gan.train_by_discriminator("relativistic", data, taught.encoder, steps=150, batch_size=32)
    toy_color_gan.train_by_distance("l1", data, taught.encoder, steps=2, batch_size=4)
    assert all(torch.equal(*pair) for pair in zip(before, player.encoder.parameters(), strict=True))
    assert spread(player, data) > 3 * spread(taught, data)


def test_parts_take_a_palette_and_give_it_back(data: toy_objects.ToyObjects):
    random = torch.Generator().manual_seed(0)
    halves = torch.zeros(2, 2, 24, 24)
    halves[:, 0, :, :9], halves[:, 1, :, 9:] = 1, 1
    seen = toy_color_gan.Encoding(torch.zeros(2, 64), halves)
    colors = 30 * torch.randn((2, 2, 2), generator=random)
    painted = seen.paint(colors)
    assert torch.allclose(painted[1, :, 3, 8], colors[1, 0])
    assert torch.allclose(painted[1, :, 3, 9], colors[1, 1])
    assert torch.allclose(seen.colors(painted), colors, atol=1e-4)
    parts = toy_color_gan.Encoder()(data.lab[:2, :1]).parts
    assert torch.allclose(parts.sum(dim=1), torch.ones(2, 24, 24))


@pytest.mark.parametrize("objective", ["relativistic", "saturating"])
def test_the_same_seed_gives_the_same_weights(objective: str, data: toy_objects.ToyObjects):
    encoder = toy_color_gan.Encoder()
    start, end, again = (
        toy_color_gan.train_by_discriminator(objective, data, encoder, steps=n, batch_size=4) for n in (0, 2, 2)
    )
    assert not torch.equal(start.choose[-1].weight, end.choose[-1].weight)
    assert torch.equal(end.choose[-1].weight, again.choose[-1].weight)


def test_training_leaves_the_callers_chance_alone(data: toy_objects.ToyObjects):
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    taught = toy_color_gan.train_by_distance("l1", data, steps=1, batch_size=2)
    toy_color_gan.train_by_discriminator("hinge", data, taught.encoder, steps=1, batch_size=2)
    assert torch.equal(torch.rand(3), want)


def test_samples_follow_z_and_its_seed(data: toy_objects.ToyObjects):
    player = toy_color_gan.ToyGenerator()
    lightness = data.lab[:2, :1]
    drawn = toy_color_gan.sample_colors(player, lightness, 3, seed=1)
    assert drawn.shape == (3, 2, 2, 24, 24)
    assert torch.equal(drawn, toy_color_gan.sample_colors(player, lightness, 3, seed=1))
    assert not torch.equal(drawn[0], drawn[1])


def test_mistakes_are_one_clear_line(data: toy_objects.ToyObjects):
    with pytest.raises(ConfigError, match="known: 'l1', 'l2'"):
        toy_color_gan.train_by_distance("L1", data, steps=1)
    with pytest.raises(ConfigError, match="did you mean 'hinge'"):
        toy_color_gan.train_by_discriminator("hinges", data, toy_color_gan.Encoder(), steps=1)
