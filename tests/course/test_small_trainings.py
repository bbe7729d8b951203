"""Small trainings: the same seed gives the same, looking changes nothing, and each number means what it says."""

import dataclasses
import math

import pytest
import torch

from colorstyle_lib.config import get_preset
from colorstyle_lib.course.small_trainings import fixed_crops, halves, psnr_of_gray, small_preset, train_small
from colorstyle_lib.data.batches import ImageStore, load_images
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_picture


@pytest.fixture(scope="module")
def pictures() -> tuple[ImageStore, ImageStore]:
    return halves(load_images([to_picture(one) for one in scenes(4, 64, seed=3).rgb], 64))


def run(pictures, *, steps=5, seed=0, measurements=1, **changes):
    return train_small(
        small_preset(batch_size=2, **changes), *pictures, steps=steps, seed=seed, measurements=measurements
    )


def without_time(found):
    return {name: value for name, value in dataclasses.asdict(found).items() if name != "seconds"}


def test_the_small_preset_is_tiny_with_less():
    small, tiny = small_preset(penalty=2.0, spectral_norm=False), get_preset("tiny")
    assert small.training.penalty == 2.0
    assert not small.discriminator.spectral_norm
    assert small.generator.attention == small.discriminator.attention == "none"
    assert small.training.learning_rate == tiny.training.learning_rate
    with pytest.raises(ConfigError, match="'penalty'"):
        small_preset(penaltyy=2.0)


def test_halves_are_the_two_sides_of_each_picture():
    picture = torch.arange(3 * 4 * 7, dtype=torch.uint8).view(3, 4, 7)
    left, right = halves(ImageStore([picture], ["one"], groups=[5]))
    assert torch.equal(left.images[0], picture[:, :, :3])
    assert torch.equal(right.images[0], picture[:, :, 3:])
    assert left.groups == right.groups == [5]


def test_the_exam_is_always_the_same(pictures):
    crops = fixed_crops(pictures[1], 32)
    assert crops.shape == (24, 3, 32, 32)
    assert torch.equal(crops, fixed_crops(pictures[1], 32))
    assert not torch.equal(crops, fixed_crops(pictures[0], 32))


def test_gray_is_right_about_gray_pictures_only():
    gray = torch.rand((2, 1, 8, 8), generator=torch.Generator().manual_seed(0)).expand(2, 3, 8, 8)
    assert psnr_of_gray(gray) > 60
    red = torch.zeros((1, 3, 8, 8))
    red[:, 0] = 1.0  # a 80.1, b 67.2
    assert psnr_of_gray(red) == pytest.approx(10 * math.log10(255**2 / ((80.1**2 + 67.2**2) / 2)), abs=0.05)


def test_a_seed_decides_everything(pictures):
    first = without_time(run(pictures))
    assert first == without_time(run(pictures))
    assert first != without_time(run(pictures, seed=1))


def test_looking_changes_nothing(pictures):
    often, once = run(pictures, measurements=5), run(pictures, measurements=1)
    assert often.steps == [1, 2, 3, 4, 5]
    assert once.steps == [5]
    assert often.kept[-1] == once.kept[0]
    assert often.slope == once.slope


def test_more_measurements_than_steps_are_one_a_step(pictures):
    assert run(pictures, steps=3, measurements=10).steps == [1, 2, 3]


def test_the_average_lags_behind_what_is_trained(pictures):
    found = run(pictures, steps=6, measurements=6)
    assert found.kept != found.trained
    at_once = run(pictures, steps=6, measurements=6, ema=0.0)
    assert at_once.kept == pytest.approx(at_once.trained, abs=1e-3)


def test_a_penalty_flattens_the_discriminator(pictures):
    recipe = {"supervised": 0.0, "catch_up": 0.0, "spectral_norm": False, "discriminator_learning_rate": 3e-3}
    free, shy = run(pictures, steps=12, **recipe), run(pictures, steps=12, penalty=30.0, **recipe)
    assert shy.slope < 0.7 * free.slope


def test_a_discriminator_that_learns_alone_knows_the_pictures(pictures):
    alone = {"supervised": 0.0, "catch_up": 1.0, "augment": False, "discriminator_learning_rate": 3e-3}
    assert run(pictures, steps=25, **alone).known_seen > 0.9
    # One that has learned nothing has an opinion, too, which is right or wrong by luck.
    ignorant = alone | {"discriminator_learning_rate": 0.0}
    assert min(run(pictures, steps=1, seed=seed, **ignorant).known_seen for seed in range(4)) < 0.9
