"""Peers: what somebody else's function is given, what is taken of its picture, and what is said when it fails."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.reproduction.baselines.method import load_peer


@pytest.fixture
def rgb() -> torch.Tensor:
    return scenes(2, 32, 5).rgb


def peer(monkeypatch: pytest.MonkeyPatch, function):
    monkeypatch.setitem(sys.modules, "somebody", SimpleNamespace(color=function))
    return load_peer("somebody:color")


def test_a_peer_sees_gray_pictures_and_its_a_and_b_are_taken(monkeypatch, rgb):
    seen = []

    def warm(gray):
        seen.append(gray)
        return (gray * np.array([1.0, 0.8, 0.6])).astype(np.uint8)

    method = peer(monkeypatch, warm)
    found = method.color(rgb)
    assert method.name == "somebody:color"
    assert found.shape == (2, 2, 32, 32)
    for gray, truth, ab in zip(list(seen), rgb, found, strict=True):
        assert gray.shape == (32, 32, 3)
        assert gray.dtype == np.uint8
        assert (np.ptp(gray, axis=2) <= 1).all()
        light = rgb_to_lab(torch.from_numpy(gray).permute(2, 0, 1)[None] / 255)[0, 0]
        assert (light - rgb_to_lab(truth[None])[0, 0]).abs().max() < 0.5  # of its L, up to rounding
        colored = torch.from_numpy(warm(gray)).permute(2, 0, 1)[None] / 255
        torch.testing.assert_close(ab, rgb_to_lab(colored)[0, 1:])


def test_a_picture_of_another_size_or_order_in_memory_is_taken_too(monkeypatch, rgb):
    half = peer(monkeypatch, lambda gray: np.full((16, 20, 3), (200, 100, 50), np.uint8)[:, :, ::-1])
    found = half.color(rgb)
    expected = rgb_to_lab(torch.tensor([50, 100, 200]).view(1, 3, 1, 1) / 255)[:, 1:]
    torch.testing.assert_close(found, expected.expand(2, 2, 32, 32), atol=1e-3, rtol=0)


@pytest.mark.parametrize("wrong", [lambda gray: gray / 255, lambda gray: gray[:, :, 0], lambda gray: None])
def test_what_is_no_picture_is_refused(monkeypatch, rgb, wrong):
    with pytest.raises(ConfigError, match="the peer 'somebody:color' failed"):
        peer(monkeypatch, wrong).color(rgb)


def test_a_peer_that_is_not_there_or_fails_is_named(monkeypatch, rgb):
    with pytest.raises(ConfigError, match=r"no peer 'nobody:color'.*give MODULE:FUNCTION"):
        load_peer("nobody:color")

    def offline(gray):
        raise OSError("no weights without a network")

    with pytest.raises(ConfigError, match="'somebody:color' failed: no weights without a network"):
        peer(monkeypatch, offline).color(rgb)
