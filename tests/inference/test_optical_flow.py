"""A flow that is known is found; warping moves a picture by as much as it is told, and wears nothing out."""

import pytest
import torch

from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.inference.optical_flow import box_mean, optical_flow, separable_filter, warp, warp_bilinear
from colorstyle_lib.reproduction.benchmarks.flicker import pan


def planes(step: tuple[float, float], size: int = 128):
    picture = photograph("coffee").open().resize((300, 200))
    clip = torch.stack([to_tensor(frame) for frame in pan(picture, 2, step, size)])
    return clip.mean(dim=1, keepdim=True)  # (2, 1, h, w)


@pytest.mark.parametrize("step", [(1.3, 0.7), (-5.2, 3.4)])
def test_a_pan_is_followed_to_a_fraction_of_a_pixel(step: tuple[float, float]):
    before, now = planes(step).split(1)
    off = (optical_flow(now, before) - torch.tensor(step).view(1, 2, 1, 1)).norm(dim=1)
    assert off.median() < 0.05
    assert off.quantile(0.9) < 0.1


def test_it_survives_noise():
    before, now = (planes((1.3, 0.7)) + 0.02 * torch.randn(2, 1, 128, 128)).split(1)
    off = (optical_flow(now, before) - torch.tensor((1.3, 0.7)).view(1, 2, 1, 1)).norm(dim=1)
    assert off.median() < 0.3


def test_what_is_still_or_flat_does_not_move():
    (before, _) = planes((1.0, 1.0)).split(1)
    assert optical_flow(before, before).abs().max() < 1e-3
    flat = torch.full((1, 1, 40, 50), 0.4)
    assert optical_flow(flat, flat + 0.1).abs().max() < 1e-3


def test_a_camera_is_followed_where_nothing_is_to_be_seen():
    """Half of the picture is flat: what the other half tells holds there, too."""
    picture = photograph("coffee").open().resize((300, 200))
    picture.paste((100, 110, 90), (0, 64, 300, 200))
    before, now = torch.stack([to_tensor(one) for one in pan(picture, 2, (1.3, 0.7), 128)]).mean(1, True).split(1)
    off = (optical_flow(now, before) - torch.tensor((1.3, 0.7)).view(1, 2, 1, 1)).norm(dim=1)
    assert off[..., 80:, :].mean() < 0.1


def test_a_turning_camera_is_followed():
    picture = to_tensor(photograph("coffee").open().resize((300, 200)))[None, :, :160, :160].mean(1, keepdim=True)
    y, x = torch.meshgrid(torch.arange(160.0), torch.arange(160.0), indexing="ij")
    true = torch.stack((-(y - 80) * 0.02 + 1, (x - 80) * 0.02))[None]
    now = warp_bilinear(picture, true)[0]
    off = (optical_flow(now, picture) - true)[..., 16:-16, 16:-16].norm(dim=1)
    assert off.quantile(0.9) < 0.1


def test_a_thing_that_moves_by_itself_is_followed():
    before, thing = torch.rand(2, 1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    before, thing = (separable_filter(one, torch.ones(5) / 5) for one in (before, thing[..., :64, :64]))
    now = before.roll(2, dims=-1)
    before[..., 30:94, 30:94], now[..., 30:94, 33:97] = thing, thing  # 3 pixels, the ground 2
    flow = optical_flow(now, before)
    assert (flow[:, 0, 50:74, 50:74] + 3).abs().median() < 0.1
    assert (flow[:, 0, :12] + 2).abs().median() < 0.1


def test_a_box_mean_is_the_mean_of_what_lies_inside():
    x = torch.rand(1, 1, 8, 6)
    mean = box_mean(x, 2)
    assert mean[0, 0, 4, 3].item() == pytest.approx(x[0, 0, 2:7, 1:6].mean().item(), abs=1e-6)
    assert mean[0, 0, 0, 0].item() == pytest.approx(x[0, 0, :3, :3].mean().item(), abs=1e-6)


def still(x: float, y: float, height: int, width: int) -> torch.Tensor:
    return torch.tensor([x, y]).view(1, 2, 1, 1).expand(1, 2, height, width)


def test_warping_by_whole_pixels_moves_them():
    picture = torch.rand(1, 2, 9, 12)
    moved, inside = warp(picture, still(3.0, -2.0, 9, 12))
    assert torch.allclose(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-4)
    assert torch.equal(inside[0, 0, :, :9], torch.arange(9)[:, None].expand(9, 9) >= 2)
    assert not inside[..., 9:].any()


@pytest.mark.parametrize("part", [0.25, 0.5, 0.8])
def test_slopes_and_waves_go_exactly_as_far_as_told(part: float):
    x = torch.arange(64.0)
    for line in (lambda at: at / 64, lambda at: 0.5 + 0.4 * torch.sin(0.6 * at)):
        moved, _ = warp(line(x).expand(1, 1, 8, 64), still(part, 0.0, 8, 64))
        assert (moved[0, 0, 4] - line(x + part))[20:-20].abs().max() < 1e-3


def test_a_long_way_in_small_steps_wears_little_out():
    picture = to_tensor(photograph("coffee").open().resize((150, 100)))[None]
    start, moved = picture, picture
    for step in (0.3, -0.3, 0.5, -0.5, 0.2, -0.2) * 5:
        moved, _ = warp(moved, still(step, -step, 100, 150))
    inside = (..., slice(20, -20), slice(20, -20))
    off = (moved - start)[inside].abs().mean()
    assert off < 0.6 * (start - separable_filter(start, torch.ones(3) / 3))[inside].abs().mean()
    assert moved.diff()[inside].abs().mean() < start.diff()[inside].abs().mean()  # and nothing rings


def test_filtering_mirrors_beyond_the_rim():
    assert torch.equal(
        separable_filter(torch.ones(1, 1, 3, 5), torch.ones(5) / 5).round(decimals=5), torch.ones(1, 1, 3, 5)
    )
    line = separable_filter(torch.tensor([1.0, 2.0, 4.0]).expand(1, 1, 3, 3), torch.tensor([0.25, 0.5, 0.25]))
    assert torch.allclose(line[0, 0, 1], torch.tensor([1.5, 2.25, 3.0]))
