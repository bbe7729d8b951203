"""Damage of pictures."""

import torch

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.damage import damage, damage_tones
from colorstyle_lib.model.repair_decoder import DAMAGES


def amounts(**given):
    return torch.tensor([[given.get(name, 0.0) for name in DAMAGES]] * 2)


RGB = synthetic.scenes(2, 64, seed=3).rgb


def test_nothing_is_damaged_by_amounts_of_nothing():
    assert all(torch.equal(one, RGB) for one in damage(RGB, amounts(), [1, 2]))


def test_tones_lose_chroma_and_contrast_and_gain_a_veil():
    lab = rgb_to_lab(RGB)
    faded, flat, hazy = (damage_tones(lab, amounts(**{name: 0.4})) for name in ("fade", "contrast", "haze"))
    torch.testing.assert_close(faded[:, 1:], 0.6 * lab[:, 1:])
    torch.testing.assert_close(flat[:, 0].std((1, 2)), 0.6 * lab[:, 0].std((1, 2)))
    torch.testing.assert_close(flat[:, 0].mean((1, 2)), lab[:, 0].mean((1, 2)))
    torch.testing.assert_close(hazy, 0.6 * lab + 0.4 * torch.tensor([92.0, 0, 0]).view(3, 1, 1))


def test_details_are_lost_and_noise_is_the_seeds():
    for name in ("blur", "noise", "blocks"):
        toned, damaged = damage(RGB, amounts(**{name: 0.5}), [1, 2])
        assert torch.equal(toned, RGB)
        assert (damaged - RGB).abs().mean() > 0.003
    first, again = (damage(RGB[[0, 0]], amounts(noise=0.5), seeds)[1] for seeds in ([1, 2], [1, 3]))
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[1], again[1])
    blurred = damage(RGB, amounts(blur=0.5), [1, 2])[1]
    assert blurred.diff(dim=3).abs().mean() < 0.8 * RGB.diff(dim=3).abs().mean()
