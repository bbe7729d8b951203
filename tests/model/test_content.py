"""Input planes of the generator."""

import pytest
import torch

from colorstyle_lib.model.content import content_planes, gray_content


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
