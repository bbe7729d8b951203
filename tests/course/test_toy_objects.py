"""Pictures whose color is a toss-up, and the numbers that judge answers to them."""

import pytest
import torch

from colorstyle_lib.course import toy_objects
from colorstyle_lib.data.scenes import KINDS
from colorstyle_lib.errors import ConfigError


@pytest.fixture(scope="module")
def data() -> toy_objects.ToyObjects:
    return toy_objects.draw_objects(40, seed=0)


def test_each_picture_holds_one_ambiguous_object_in_one_of_its_colors(data: toy_objects.ToyObjects):
    assert len(data.kinds) >= 8
    colors = toy_objects.object_colors(data.lab[None, :, 1:], data.inside)[0]
    for color, kind in zip(colors, data.kinds.tolist(), strict=True):
        assert KINDS[kind].ambiguous
        distance = (torch.tensor(KINDS[kind].colors) - color).norm(dim=1)
        assert distance.min() < 0.5
    corners = data.lab[:, 1:, ::23, ::23].movedim(1, 3)
    assert torch.allclose(corners, torch.tensor(KINDS[0].colors).expand_as(corners), atol=0.5), "sand, no neighbour"


def test_the_mean_is_the_kinds_mean(data: toy_objects.ToyObjects):
    answer = toy_objects.score_colors(toy_objects.object_colors(data.mean_ab[None], data.inside), data.kinds)
    assert answer.from_mean < 0.1
    assert (answer.true_share, answer.coverage) == (0, 0)


def test_the_truth_is_true_and_covers_what_it_shows():
    kinds = torch.tensor([i for i, kind in enumerate(KINDS) if kind.ambiguous])
    draws = [torch.stack([torch.tensor(KINDS[k].colors[i % len(KINDS[k].colors)]) for k in kinds]) for i in range(6)]
    every = toy_objects.score_colors(torch.stack(draws), kinds)
    assert (every.true_share, every.coverage) == (pytest.approx(1), pytest.approx(1))
    one = toy_objects.score_colors(torch.stack(draws[:1] * 6), kinds)
    assert one.true_share == pytest.approx(1)
    assert one.coverage == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert one.shares["disc"] == [1, 0]


def test_too_few_scenes_are_one_clear_line():
    with pytest.raises(ConfigError, match="draw more"):
        toy_objects.draw_objects(1, seed=1)
