"""Input planes of the generator."""

import pytest
import torch

from colorstyle_lib.model.content import content_planes, fill_lightness, gray_content


def test_content_says_what_is_known_and_hides_what_is_not():
    lab = torch.tensor([50.0, 60.0, -70.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    light = torch.tensor([[True, True], [False, False]])[None, None]
    color = torch.tensor([[True, False], [True, False]])[None, None]
    planes = content_planes(lab, light, color)
    assert planes[0, 0].flatten().tolist() == [0.5, 0.5, 0, 0]
    assert planes[0, 1].flatten().tolist() == pytest.approx([60 / 110, 0, 60 / 110, 0])
    assert torch.equal(planes[:, 3:], torch.cat((light, color), 1).float())
    gray = gray_content(lab[:, :1].clone())
    assert gray[0, 1:3].abs().max() == 0
    assert gray[0, 3].min() == 1
    assert gray[0, 4].max() == 0


def test_a_hole_is_filled_smoothly_from_its_rim_and_what_is_known_stays():
    ramp = torch.linspace(10, 90, 96).expand(2, 1, 150, 96)  # sides that cannot always be halved
    known = torch.ones_like(ramp)
    known[:, :, 40:100, 20:70] = 0
    lab = torch.cat((ramp, 0 * ramp, 0 * ramp), 1)
    filled = fill_lightness(content_planes(lab, known, 0 * known)) * 100
    assert torch.equal(filled[known > 0], (ramp / 100 * 100)[known > 0])
    assert float((filled - ramp)[known == 0].abs().mean()) < 3  # middle gray would miss it by 14
    assert float((50 - ramp)[known == 0].abs().mean()) > 10


def test_where_nothing_is_known_a_fill_is_middle_gray():
    nothing = torch.zeros(1, 1, 32, 64)
    filled = fill_lightness(content_planes(torch.full((1, 3, 32, 64), 70.0), nothing, nothing))
    assert torch.equal(filled, torch.full_like(nothing, 0.5))
