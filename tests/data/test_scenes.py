from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from colorstyle_lib.color import lab_to_linear, rgb_to_lab
from colorstyle_lib.data.scenes import KINDS, L_RANGE, Scenes, same_gray, scenes
from colorstyle_lib.errors import ConfigError


@pytest.fixture(scope="module")
def many() -> Scenes:
    return scenes(200, 64, seed=3)


def test_every_color_fits_the_gamut_at_every_lightness_used():
    lightness = torch.linspace(*L_RANGE, 50)
    for kind in KINDS:
        for a, b in kind.colors:
            lab = torch.stack((lightness, torch.full_like(lightness, a), torch.full_like(lightness, b)))
            linear = lab_to_linear(lab[:, None])
            assert linear.min() >= 0, kind.name
            assert linear.max() <= 1, kind.name


def test_rgb_holds_exactly_one_of_the_kinds_colors_inside_objects(many: Scenes):
    lab = rgb_to_lab(many.rgb)
    for index, kind in enumerate(KINDS):
        ab = lab[:, 1:].movedim(1, -1)[many.interior & (many.labels == index)]
        distance = (ab[:, None] - torch.tensor(kind.colors)).abs().amax(dim=-1)
        assert distance.min(dim=1).values.max() < 1e-2, kind.name
        assert distance.argmin(dim=1).unique().numel() == len(kind.colors), f"{kind.name}: a color never occurs"


def test_shapes_types_and_ranges(many: Scenes):
    assert many.rgb.shape == (200, 3, 64, 64)
    assert many.rgb.dtype == torch.float32
    assert many.rgb.min() > 0
    assert many.rgb.max() < 1
    lightness = rgb_to_lab(many.rgb)[:, 0]
    assert L_RANGE[0] - 1e-2 < lightness.min()
    assert lightness.max() < L_RANGE[1] + 1e-2
    assert set(many.labels.unique().tolist()) == set(range(len(KINDS)))


def test_ambiguous_follows_the_labels(many: Scenes):
    table = torch.tensor([len(kind.colors) > 1 for kind in KINDS])
    assert torch.equal(many.ambiguous, table[many.labels])
    for index, kind in enumerate(KINDS):
        mean = many.mean_ab.movedim(1, -1)[many.interior & (many.labels == index)]
        assert torch.allclose(mean, torch.tensor(kind.colors).mean(dim=0), atol=1e-4)


def test_determined_kinds_have_one_color_and_the_others_several():
    for kind in KINDS:
        assert (kind.determined_by == "nothing") == (len(set(kind.colors)) > 1)
    assert {kind.determined_by for kind in KINDS} == {"texture", "shape", "nothing"}


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.integers(32, 96), n=st.integers(1, 4))
def test_scene_depends_on_its_seed_and_not_on_n(seed: int, size: int, n: int):
    few, more = scenes(n, size, seed), scenes(n + 2, size, seed)
    assert torch.equal(few.rgb, more.rgb[:n])
    assert not torch.equal(more.rgb[0], more.rgb[1])


def test_seeds_differ():
    assert not torch.equal(scenes(1, 64, seed=0).rgb, scenes(1, 64, seed=1).rgb)


def test_same_scene_at_every_size():
    small, large = scenes(8, 64, seed=5), scenes(8, 128, seed=5)
    reduced = F.avg_pool2d(large.rgb, 2)
    assert (reduced - small.rgb).abs().mean() < 0.01


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(2, 36))
def test_one_gray_has_many_colors(seed: int, n: int):
    drawn = same_gray(n, 48, seed)
    lab = rgb_to_lab(drawn.rgb)
    assert (lab[:, 0] - lab[:1, 0]).abs().max() < 1e-3
    assert torch.equal(drawn.labels, drawn.labels[:1].expand_as(drawn.labels))
    assert torch.equal(drawn.mean_ab, drawn.mean_ab[:1].expand_as(drawn.mean_ab))
    distance = torch.cdist(lab[:, 1:].flatten(1), lab[:, 1:].flatten(1), p=torch.inf)
    assert distance[~torch.eye(n, dtype=torch.bool)].min() > 10
    differs = (lab[:, 1:] - lab[:1, 1:]).abs().amax(dim=(0, 1)) > 0.1
    assert not (differs & ~drawn.ambiguous[0] & drawn.interior[0]).any(), "a determined color changed"


def test_mean_ab_is_the_mean_of_all_colorings():
    # 36 colorings of a scene that has exactly 36 are all of them, so their average is the conditional mean.
    for seed in range(20):
        drawn = same_gray(36, 48, seed)
        ambiguous = drawn.ambiguous[0] & drawn.interior[0]
        ab = rgb_to_lab(drawn.rgb)[:, 1:]
        if len(ab.movedim(1, -1)[:, ambiguous].flatten(1).round().unique(dim=0)) != 36:
            continue
        error = (ab.mean(dim=0) - drawn.mean_ab[0]).abs()
        if error[:, ambiguous].max() < 0.05:
            assert error.max() < 0.05, "true at edges, too"
            return
    pytest.fail("no seed gave a scene with exactly 36 colorings")


def test_color_choice_leaves_no_trace_in_lightness(many: Scenes):
    lab = rgb_to_lab(many.rgb)
    disc = next(i for i, kind in enumerate(KINDS) if kind.name == "disc")
    inside = many.interior & (many.labels == disc)
    red = inside & (lab[:, 1] > 20)
    share = red.sum() / inside.sum()
    assert 0.35 < share < 0.65
    lightness = lab[:, 0]
    assert (lightness[red].mean() - lightness[inside & ~red].mean()).abs() < 2.5


def test_choices_of_two_objects_are_independent():
    # Among scenes with a red or blue object, the other objects' colors must not follow.
    drawn = scenes(500, 32, seed=11)
    lab = rgb_to_lab(drawn.rgb)
    disc, square = (next(i for i, k in enumerate(KINDS) if k.name == name) for name in ("disc", "square"))
    discs = drawn.interior & (drawn.labels == disc)
    squares = drawn.interior & (drawn.labels == square)
    both = discs.flatten(1).any(1) & squares.flatten(1).any(1)
    a_disc = (lab[:, 1] * discs).flatten(1).sum(1) / discs.flatten(1).sum(1).clamp_min(1)
    b_square = (lab[:, 2] * squares).flatten(1).sum(1) / squares.flatten(1).sum(1).clamp_min(1)
    correlation = torch.corrcoef(torch.stack((a_disc[both], b_square[both])))[0, 1]
    assert both.sum() > 80
    assert correlation.abs() < 0.3


def test_lightness_alone_does_not_tell_the_kind(many: Scenes):
    # The best classifier that sees one pixel's L only: the most frequent kind of each 1-unit bin.
    objects = many.interior & (many.labels > 0)
    bins = (rgb_to_lab(many.rgb)[:, 0][objects] - L_RANGE[0]).long().clamp(0, 40)
    table = torch.zeros(41, len(KINDS)).index_put_((bins, many.labels[objects]), torch.tensor(1.0), accumulate=True)
    best = table.max(dim=1).values.sum() / table.sum()
    prior = table.sum(dim=0).max() / table.sum()
    assert best < prior + 0.12


def test_objects_keep_a_gap():
    # Where two objects touched, two labels other than the ground would be neighbours.
    labels = scenes(100, 64, seed=9).labels
    for shifted, base in (
        (labels[:, 1:], labels[:, :-1]),
        (labels[:, :, 1:], labels[:, :, :-1]),
        (labels[:, 1:, 1:], labels[:, :-1, :-1]),
    ):
        assert not ((shifted != base) & (shifted > 0) & (base > 0)).any()


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: scenes(0), "at least 1"),
        (lambda: scenes(1, 16), "at least 32"),
        (lambda: same_gray(0), "at least 1"),
        (lambda: same_gray(37), "at most 36"),
    ],
)
def test_mistakes_are_one_clear_line(call, word: str):
    with pytest.raises(ConfigError, match=word) as caught:
        call()
    assert "\n" not in str(caught.value)
