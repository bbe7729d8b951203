from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn import functional as F

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.example_pictures import STYLES, TRAINING_VARIANTS, VARIANTS, StylePicture, style
from colorstyle_lib.errors import ConfigError


@pytest.fixture(scope="module")
def gallery() -> list[StylePicture]:
    return [style(name, 128) for name in STYLES]


def palette(picture: StylePicture) -> torch.Tensor:
    """Histogram of Lab on 4 x 6 x 6 cells, sums to 1."""
    lightness, a, b = rgb_to_lab(picture.image).flatten(1)
    cell = (lightness / 25).long().clamp(0, 3) * 36
    cell = cell + ((a + 60) / 20).long().clamp(0, 5) * 6 + ((b + 60) / 20).long().clamp(0, 5)
    return torch.bincount(cell, minlength=144) / cell.numel()


def texture(picture: StylePicture) -> torch.Tensor:
    """Mean edge strength across and down, at three scales."""
    plane = rgb_to_lab(picture.image)[None, :1]
    strengths = []
    for _ in range(3):
        strengths += [plane.diff(dim=-1).abs().mean(), plane.diff(dim=-2).abs().mean()]
        plane = F.avg_pool2d(plane, 2)
    return torch.stack(strengths)


def test_there_are_at_least_twelve_with_names_and_titles(gallery: list[StylePicture]):
    assert len(gallery) >= 12
    assert tuple(picture.name for picture in gallery) == STYLES
    assert len({picture.title for picture in gallery}) == len(gallery)


def test_shape_type_and_range(gallery: list[StylePicture]):
    for picture in gallery:
        assert picture.image.shape == (3, 128, 128)
        assert picture.image.dtype == torch.float32
        assert picture.image.min() >= 0
        assert picture.image.max() <= 1
        assert picture.image.std() > 0.08, f"{picture.name} is nearly empty"


def test_every_two_differ_in_palette_or_in_texture(gallery: list[StylePicture]):
    for one, other in itertools.combinations(gallery, 2):
        shared = torch.minimum(palette(one), palette(other)).sum()
        ratio = (texture(one) / texture(other)).log().abs().max().exp()
        assert shared < 0.8, (one.name, other.name)
        assert shared < 0.5 or ratio > 1.3, (one.name, other.name)


def test_textures_span_calm_to_busy(gallery: list[StylePicture]):
    fine = torch.stack([texture(picture)[:2].mean() for picture in gallery])
    assert fine.max() / fine.min() > 3


@pytest.mark.parametrize("name", ["glass", "waves"])
def test_same_seed_same_picture_and_other_seed_another(name: str):
    first = style(name, 64, seed=4)
    torch.manual_seed(99)
    assert torch.equal(first.image, style(name, 64, seed=4).image)
    assert not torch.equal(first.image, style(name, 64, seed=5).image)


@pytest.mark.parametrize("name", ["night", "linocut"])
def test_same_picture_at_every_size(name: str):
    large = F.avg_pool2d(style(name, 512).image[None], 2)[0]
    small = style(name, 256).image
    assert (large - small).abs().mean() < 0.03
    assert torch.allclose(large.mean(dim=(1, 2)), small.mean(dim=(1, 2)), atol=5e-3)


def test_unknown_name_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'mosaic'"):
        style("mosiac")


@pytest.mark.parametrize("size", [0, 31, 2048])
def test_size_out_of_range_is_one_clear_line(size: int):
    with pytest.raises(ConfigError, match="from 32 to 1024") as caught:
        style("ink", size)
    assert "\n" not in str(caught.value)


def test_there_are_four_variants_of_each_and_a_seed_counts_modulo_four():
    assert len(list(paths.STYLES.glob("*.jpg"))) == VARIANTS * len(STYLES)
    assert torch.equal(style("ink", 64, seed=11).image, style("ink", 64, seed=3).image)


def test_training_never_sees_the_last_variant():
    assert set(TRAINING_VARIANTS) == set(range(VARIANTS)) - {VARIANTS - 1}
