"""The measure of flicker: 0 for what only moves, as much as was added to what flickers."""

import pytest
import torch

from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.reproduction.benchmarks.pans import flicker, pan


@pytest.fixture(scope="module")
def picture():
    return photograph("china").open().resize((240, 160))


def clip(picture, step, frames: int = 4, size: int = 96):
    return torch.stack([to_tensor(frame) for frame in pan(picture, frames, step, size)])


@pytest.mark.parametrize("step", [(2.0, 1.0), (-1.0, 3.0), (0.0, 0.0)])
def test_a_pan_by_whole_pixels_has_none(picture, step):
    frames = clip(picture, step)
    assert flicker(frames, step) < 1e-4
    assert flicker(frames, (step[0] + 1, step[1])) > 0.02  # the wrong motion is not taken back


def test_a_pan_by_parts_of_a_pixel_has_little(picture):
    frames = clip(picture, (1.3, 0.7))
    assert 0 < flicker(frames, (1.3, 0.7)) < 0.3 * flicker(frames, (0.0, 0.0))


def test_what_flickers_is_measured(picture):
    frames = clip(picture, (2.0, 1.0)) * 0.8
    frames[1::2] += 0.1
    assert flicker(frames, (2.0, 1.0)) == pytest.approx(0.1, abs=2e-3)


def test_what_cannot_be_done_is_refused(picture):
    with pytest.raises(ConfigError, match="at least 2 frames"):
        pan(picture, 1)
    with pytest.raises(ConfigError, match="leaves a picture"):
        pan(picture, 50, (3.0, 0.0), 120)
    with pytest.raises(ConfigError, match="at least 2 frames"):
        flicker(torch.rand(1, 3, 20, 20), (1.0, 0.0))
    with pytest.raises(ConfigError, match="nothing in common"):
        flicker(torch.rand(2, 3, 20, 20), (12.0, 0.0))
