"""The small conditional GAN: its pictures, its training, and the numbers that judge it."""

import pytest
import torch

from colorstyle_lib import small_gan
from colorstyle_lib.data.synthetic import KINDS
from colorstyle_lib.errors import ConfigError


@pytest.fixture(scope="module")
def data() -> small_gan.Cutouts:
    return small_gan.cutouts(40, seed=0)


def test_each_picture_holds_one_ambiguous_object_in_one_of_its_colors(data: small_gan.Cutouts):
    assert len(data.kinds) >= 8
    colors = small_gan.object_colors(data.lab[None, :, 1:], data.inside)[0]
    for color, kind in zip(colors, data.kinds.tolist(), strict=True):
        assert KINDS[kind].ambiguous
        distance = (torch.tensor(KINDS[kind].colors) - color).norm(dim=1)
        assert distance.min() < 0.5
    corner = data.lab[:, 1:, 0, 0]
    assert torch.allclose(corner, torch.tensor(KINDS[0].colors).expand_as(corner), atol=0.5), "sand, no neighbour"


def test_the_mean_is_the_kinds_mean(data: small_gan.Cutouts):
    answer = small_gan.judge(small_gan.object_colors(data.mean_ab[None], data.inside), data.kinds)
    assert answer.from_mean < 0.1
    assert (answer.true_share, answer.coverage) == (0, 0)


def test_the_truth_is_true_and_covers_what_it_shows():
    kinds = torch.tensor([i for i, kind in enumerate(KINDS) if kind.ambiguous])
    draws = [torch.stack([torch.tensor(KINDS[k].colors[i % len(KINDS[k].colors)]) for k in kinds]) for i in range(6)]
    every = small_gan.judge(torch.stack(draws), kinds)
    assert (every.true_share, every.coverage) == (pytest.approx(1), pytest.approx(1))
    one = small_gan.judge(torch.stack(draws[:1] * 6), kinds)
    assert one.true_share == pytest.approx(1)
    assert one.coverage == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert one.shares["disc"] == [1, 0]


def test_l2_lowers_the_error_and_learns_to_ignore_z(data: small_gan.Cutouts):
    def error_and_spread(steps: int) -> tuple[float, float]:
        player = small_gan.train("l2", data, steps=steps, batch_size=16)
        drawn = small_gan.sample(player, data.lab[:, :1], 4)
        return float((drawn - data.lab[:, 1:]).square().mean()), float(drawn.std(dim=0).mean())

    before, _ = error_and_spread(0)
    after, spread = error_and_spread(100)
    assert after < 0.6 * before  # what is left is the coin toss itself
    assert spread < 2


@pytest.mark.parametrize("loss", ["relativistic", "saturating"])
def test_a_discriminator_trains_it_without_any_distance(loss: str, data: small_gan.Cutouts):
    start, end = (small_gan.train(loss, data, steps=n, batch_size=4) for n in (0, 2))
    assert not torch.equal(start.head.weight, end.head.weight)
    again = small_gan.train(loss, data, steps=2, batch_size=4)
    assert torch.equal(end.head.weight, again.head.weight), "the same seed, the same weights"


def test_training_leaves_the_callers_chance_alone(data: small_gan.Cutouts):
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    small_gan.train("l1", data, steps=1, batch_size=2)
    assert torch.equal(torch.rand(3), want)


def test_samples_follow_z_and_its_seed(data: small_gan.Cutouts):
    player = small_gan.SmallGenerator()
    lightness = data.lab[:2, :1]
    drawn = small_gan.sample(player, lightness, 3, seed=1)
    assert drawn.shape == (3, 2, 2, 32, 32)
    assert torch.equal(drawn, small_gan.sample(player, lightness, 3, seed=1))
    assert not torch.equal(drawn[0], drawn[1])


def test_mistakes_are_one_clear_line(data: small_gan.Cutouts):
    with pytest.raises(ConfigError, match=r"known: .*'l1'"):
        small_gan.train("L1", data, steps=1)
    with pytest.raises(ConfigError, match="draw more"):
        small_gan.cutouts(1, seed=1)
