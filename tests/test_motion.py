"""Motion that is known is found, and a picture is carried along with it."""

import pytest
import torch

from colorstyle_lib.data.demo import photograph
from colorstyle_lib.images import to_tensor
from colorstyle_lib.metrics_flicker import pan
from colorstyle_lib.motion import box_mean, carried, motion


def planes(step: tuple[float, float], size: int = 128):
    picture = photograph("coffee").open().resize((300, 200))
    clip = torch.stack([to_tensor(frame) for frame in pan(picture, 2, step, size)])
    return clip.mean(dim=1, keepdim=True)  # (2, 1, h, w)


@pytest.mark.parametrize("step", [(1.3, 0.7), (-5.2, 3.4)])
def test_a_pan_is_followed_to_a_fraction_of_a_pixel(step: tuple[float, float]):
    before, now = planes(step).split(1)
    off = (motion(now, before) - torch.tensor(step).view(1, 2, 1, 1)).norm(dim=1)
    assert off.median() < 0.15
    assert off.quantile(0.9) < 1


def test_it_survives_noise():
    before, now = (planes((1.3, 0.7)) + 0.02 * torch.randn(2, 1, 128, 128)).split(1)
    off = (motion(now, before) - torch.tensor((1.3, 0.7)).view(1, 2, 1, 1)).norm(dim=1)
    assert off.median() < 0.3


def test_what_is_still_or_flat_does_not_move():
    (before, _) = planes((1.0, 1.0)).split(1)
    assert motion(before, before).abs().max() < 1e-3
    flat = torch.full((1, 1, 40, 50), 0.4)
    assert motion(flat, flat + 0.1).abs().max() < 1e-3


def test_carrying_by_whole_pixels_moves_them():
    picture = torch.rand(1, 2, 9, 12)
    flow = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 9, 12)
    moved, inside = carried(picture, flow)
    assert torch.allclose(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-5)
    assert torch.equal(inside[0, 0, :, :9], torch.arange(9)[:, None].expand(9, 9) >= 2)
    assert not inside[..., 9:].any()


def test_a_box_mean_is_the_mean_of_what_lies_inside():
    x = torch.rand(1, 1, 8, 6)
    mean = box_mean(x, 2)
    assert mean[0, 0, 4, 3].item() == pytest.approx(x[0, 0, 2:7, 1:6].mean().item(), abs=1e-6)
    assert mean[0, 0, 0, 0].item() == pytest.approx(x[0, 0, :3, :3].mean().item(), abs=1e-6)
