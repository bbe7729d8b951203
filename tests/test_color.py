import numpy as np
import pytest
import torch
from gamut_search import halving
from hypothesis import given
from hypothesis import strategies as st

from colorstyle_lib.color import (
    fit_gamut,
    lab_to_linear,
    lab_to_rgb,
    linear_to_srgb,
    luma_to_gray,
    rgb_to_lab,
    srgb_to_linear,
)
from colorstyle_lib.errors import ConfigError

skimage_color = pytest.importorskip("skimage.color")


def random_lab(seed: int, n: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([100.0, 220.0, 220.0]).view(3, 1, 1)
    return torch.rand(n, 3, 16, 16, generator=generator) * scale - torch.tensor([0.0, 110.0, 110.0]).view(3, 1, 1)


@given(st.integers(0, 10_000))
def test_lab_equals_scikit_image(seed):
    rgb = torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(seed))
    theirs = skimage_color.rgb2lab(rgb.permute(0, 2, 3, 1).numpy().astype(np.float64))
    assert np.abs(rgb_to_lab(rgb).permute(0, 2, 3, 1).numpy() - theirs).max() < 1e-3


def test_lab_of_every_gray_and_primary_equals_scikit_image():
    gray = torch.linspace(0, 1, 256).repeat(3, 1)[None, :, None, :]  # dark end: the straight part of both curves
    corners = torch.tensor([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]).float().T[None, :, None, :]
    for rgb in (gray, corners):
        theirs = skimage_color.rgb2lab(rgb.permute(0, 2, 3, 1).numpy().astype(np.float64))
        assert np.abs(rgb_to_lab(rgb).permute(0, 2, 3, 1).numpy() - theirs).max() < 1e-3


@given(st.integers(0, 10_000))
def test_conversion_returns_what_it_was_given(seed):
    rgb = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=2e-5)


def test_gradient_agrees_with_finite_differences():
    rgb = torch.rand(1, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(rgb_to_lab, rgb)
    lab = rgb_to_lab(rgb).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: linear_to_srgb(lab_to_linear(x)), lab)


def test_gradient_is_finite_at_black_and_white():
    rgb = torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2).clone().requires_grad_()
    lab_to_rgb(rgb_to_lab(rgb)).sum().backward()
    assert rgb.grad is not None
    assert bool(rgb.grad.isfinite().all())


def test_half_precision_is_computed_in_single():
    rgb = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert rgb_to_lab(rgb).dtype == torch.float32
    assert torch.equal(rgb_to_lab(rgb), rgb_to_lab(rgb.float()))


def test_autocast_does_not_round_lab():
    rgb = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        lab = rgb_to_lab(rgb)
        back = lab_to_rgb(lab)
    assert torch.equal(lab, rgb_to_lab(rgb))
    assert torch.equal(back, lab_to_rgb(lab))


@given(st.integers(0, 10_000))
def test_gamut_fit_keeps_lightness_and_hue_and_lands_inside(seed):
    lab = random_lab(seed)
    fitted = fit_gamut(lab)
    rgb = linear_to_srgb(lab_to_linear(fitted))
    # sRGB's straight part is 12.92 steep: the tolerance of 1e-4 in linear light is 1.3e-3 there, a third of a step.
    assert rgb.min() > -2e-3
    assert rgb.max() < 1 + 2e-3
    assert torch.equal(fitted[:, 0], lab[:, 0])
    cross = fitted[:, 1] * lab[:, 2] - fitted[:, 2] * lab[:, 1]
    assert cross.abs().max() < 1e-2
    assert ((fitted[:, 1:] * lab[:, 1:]).sum(1) >= -1e-4).all()


def test_gamut_fit_leaves_real_colors_alone_and_uses_the_gamut():
    real = rgb_to_lab(torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(fit_gamut(real), real)
    vivid = torch.tensor([50.0, 120.0, 120.0]).view(1, 3, 1, 1)
    fitted = linear_to_srgb(lab_to_linear(fit_gamut(vivid)))
    # At the border of the gamut one channel is at its end.
    assert min(fitted.min().abs().item(), (1 - fitted.max()).abs().item()) < 5e-3


@given(st.integers(0, 10_000))
def test_gamut_fit_finds_the_largest_chroma(seed):
    lab = random_lab(seed)
    chroma = lab[:, 1:].norm(dim=1, keepdim=True)
    exact = (halving(lab, 30) * chroma).squeeze(1)
    differs = (fit_gamut(lab)[:, 1:].norm(dim=1) - exact).abs()
    # 1/1024 of the chroma asked for, which is at most 156 Lab units here. On a ray that touches the gamut's concave
    # sides a channel stays within its tolerance for long, and rounding decides: 3 of 100,000 random colors.
    assert (differs > 0.16).sum() <= 2
    assert differs.median() <= 0.04


@given(st.floats(0, 100))
def test_gray_has_the_lightness_asked_for(lightness):
    rgb = luma_to_gray(torch.full((1, 1, 1, 1), lightness))
    assert abs(rgb_to_lab(rgb)[0, 0].item() - lightness) < 2e-3
    assert rgb_to_lab(rgb)[0, 1:].abs().max() < 0.02


def test_linear_light_of_middle_gray():
    # IEC 61966-2-1: ((0.5 + 0.055) / 1.055) ** 2.4
    assert srgb_to_linear(torch.full((1, 1, 1), 0.5)).item() == pytest.approx(0.21404, abs=1e-5)


@pytest.mark.parametrize("convert", [rgb_to_lab, lab_to_linear])
def test_wrong_planes_are_named(convert):
    # Outside of tests nothing checks the shapes in signatures, so the functions themselves must.
    with pytest.raises(ConfigError, match=r"\(\.\.\., 3, H, W\), not \(1, 4, 2, 2\)"):
        getattr(convert, "__wrapped__", convert)(torch.zeros(1, 4, 2, 2))
