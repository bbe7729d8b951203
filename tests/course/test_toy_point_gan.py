"""Games on points: data, independence of the seeds, what is recorded, and the count of modes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from colorstyle_lib.course import toy_point_gan
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.adversarial import OBJECTIVES, get_objective


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_eight_gaussians_are_where_their_centers_are():
    cloud, centers = toy_point_gan.eight_gaussians(4000, random()), toy_point_gan.ring_centers()
    distance, nearest = torch.cdist(cloud, centers).min(dim=1)
    assert torch.allclose(centers.norm(dim=1), torch.ones(8))
    assert distance.square().mean().sqrt() == pytest.approx(toy_point_gan.MODE_SPREAD * 2**0.5, rel=0.05)
    assert torch.bincount(nearest, minlength=8).min() > 400


def test_points_follow_their_generator():
    cloud = toy_point_gan.eight_gaussians(1000, random(3))
    assert cloud.abs().max() < toy_point_gan.REACH
    assert torch.equal(cloud, toy_point_gan.eight_gaussians(1000, random(3)))
    assert not torch.equal(cloud, toy_point_gan.eight_gaussians(1000, random(4)))


def test_a_seed_plays_its_own_game_whoever_plays_beside_it():
    options = {"steps": 5, "gamma": 0.1, "batch_size": 16, "objective": "relativistic"}
    together = toy_point_gan.train_point_gan(seeds=(0, 7), **options).fake
    alone = toy_point_gan.train_point_gan(seeds=(7,), **options).fake
    assert torch.allclose(together[1], alone[0], atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=0.1)


def test_looking_changes_nothing():
    watched = toy_point_gan.train_point_gan("hinge", steps=4, batch_size=16, record=(0, 2, 4))
    unwatched = toy_point_gan.train_point_gan("hinge", steps=4, batch_size=16)
    assert [shot.step for shot in watched.snapshots] == [0, 2, 4]
    assert torch.equal(watched.fake, unwatched.fake)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_arrows_lead_where_the_generator_loss_falls(name: str):
    game = toy_point_gan.train_point_gan(name, steps=3, batch_size=32, record=(3,))
    (shot,) = game.snapshots
    objective = get_objective(name)

    def loss(fake: torch.Tensor) -> float:
        real = game.discriminator(shot.real[None])
        return objective.generator_loss(game.discriminator(fake[None]), real).item()

    length = shot.arrows.norm(dim=1).mean()
    assert (
        loss(shot.fake + 1e-2 * shot.arrows / length) < loss(shot.fake) < loss(shot.fake - 1e-2 * shot.arrows / length)
    )


def test_the_field_is_the_discriminator_over_the_plane():
    game = toy_point_gan.train_point_gan("non_saturating", steps=1, batch_size=8, record=(1,))
    field = game.snapshots[0].field
    corner = torch.tensor([[[toy_point_gan.REACH, -toy_point_gan.REACH]]])  # x at its right end, y at its lowest
    assert field[0, -1].item() == pytest.approx(game.discriminator(corner).item(), abs=1e-5)


def test_playing_well_covers_the_ring_and_a_slow_discriminator_does_not():
    options = {"steps": 900, "learning_rate": 2e-3}
    centers = toy_point_gan.ring_centers()
    good = toy_point_gan.train_point_gan("non_saturating", gamma=0.1, **options)
    bad = toy_point_gan.train_point_gan("saturating", discriminator_pace=0.1, **options)
    assert toy_point_gan.modes_covered(good.fake[0], centers)[0] >= 6
    assert toy_point_gan.modes_covered(bad.fake[0], centers)[0] <= 3


def test_sgd_moves_both_players():
    before = toy_point_gan.train_point_gan("saturating", steps=0, optimizer="sgd")
    after = toy_point_gan.train_point_gan("saturating", steps=3, optimizer="sgd", learning_rate=0.1)
    for player in ("generator", "discriminator"):
        weights = [getattr(game, player).weights[0] for game in (before, after)]
        assert not torch.equal(*weights)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objective": "hing"}, "did you mean 'hinge'"),
        ({"objective": "hinge", "optimizer": "adamm"}, "did you mean 'adam'"),
    ],
)
def test_a_mistyped_name_is_one_clear_line(options: dict[str, str], words: str):
    with pytest.raises(ConfigError, match=words) as error:
        toy_point_gan.train_point_gan(steps=1, **options)
    assert "\n" not in str(error.value)


def test_modes_are_counted_with_their_fair_share():
    centers = toy_point_gan.ring_centers()
    assert toy_point_gan.modes_covered(centers.repeat(10, 1), centers) == (8, 1.0)
    assert toy_point_gan.modes_covered(centers[:1].repeat(80, 1), centers) == (1, 1.0)
    assert toy_point_gan.modes_covered(torch.zeros(80, 2), centers) == (0, 0.0)
    strays = torch.cat((centers[:1].repeat(79, 1), centers[1:2]))
    assert toy_point_gan.modes_covered(strays, centers) == (1, 1.0)


@given(st.integers(0, 8), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_order_of_points_does_not_matter(kept: int, seed: int):
    centers = toy_point_gan.ring_centers()
    cloud = toy_point_gan.eight_gaussians(200, random(seed))
    cloud = cloud[torch.cdist(cloud, centers).argmin(dim=1) < max(kept, 1)]
    shuffled = cloud[torch.randperm(len(cloud), generator=random(seed))]
    assert (
        toy_point_gan.modes_covered(cloud, centers)[0]
        == toy_point_gan.modes_covered(shuffled, centers)[0]
        <= max(kept, 1)
    )
