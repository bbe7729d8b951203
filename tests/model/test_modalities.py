"""Each modality sees what it should and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.modalities import (
    MAP_CHANNELS,
    MODALITIES,
    PALETTE,
    REDUCTION,
    SCALES,
    VECTOR_SIZES,
    Modalities,
    ModalityEncoder,
    describe,
    match_reference,
)

COLOR, TEXTURE, SHAPE = range(3)
SEEDS = st.integers(0, 2**31 - 1)


def scene(seed: int = 0, n: int = 2, size: tuple[int, int] = (64, 48)) -> torch.Tensor:
    """Blobs of color and gray at every scale, well inside the range of Lab."""
    generator = torch.Generator().manual_seed(seed)
    lab = torch.zeros(n, 3, *size)
    for scale in (1, 2, 4, 8, 16):
        noise = torch.randn(n, 3, size[0] // scale, size[1] // scale, generator=generator)
        lab += nnf.interpolate(noise, size=size, mode="bilinear") * torch.tensor([4.0, 8, 8]).view(3, 1, 1)
    return lab + torch.tensor([50.0, 10, -5]).view(3, 1, 1)


@pytest.fixture(scope="module")
def photographs() -> torch.Tensor:
    pictures = [data.astronaut()[:256, :256], data.chelsea()[20:276, 100:356], data.coffee()[:256, 100:356]]
    return rgb_to_lab(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255)


def assert_same(one: Modalities, other: Modalities, modality: int, tolerance: float = 0.0) -> None:
    torch.testing.assert_close(one.vectors[modality], other.vectors[modality], rtol=0, atol=tolerance)
    torch.testing.assert_close(one.maps[modality], other.maps[modality], rtol=0, atol=tolerance)


@settings(max_examples=8)
@given(n=st.integers(1, 3), h=st.integers(1, 6), w=st.integers(1, 6))
def test_shapes_for_any_multiple_of_eight(n: int, h: int, w: int) -> None:
    seen = describe(torch.rand(n, 3, h * REDUCTION, w * REDUCTION) * 50)
    assert seen.present.shape == (n, 3)
    for name, vector, plane in zip(MODALITIES, seen.vectors, seen.maps, strict=True):
        assert vector.shape == (n, VECTOR_SIZES[name])
        assert plane.shape == (n, MAP_CHANNELS[name], h, w)
        assert vector.dtype == plane.dtype == torch.float32
        assert vector.isfinite().all()
        assert plane.isfinite().all()


def test_other_sizes_are_refused_with_the_number() -> None:
    with pytest.raises(ConfigError, match="multiples of 8, not \\(30, 32\\)"):
        describe(torch.zeros(1, 3, 30, 32))


@settings(max_examples=10)
@given(seed=SEEDS)
def test_color_vector_is_blind_to_a_shuffle_of_pixels(seed: int) -> None:
    lab = scene(seed)
    order = torch.randperm(lab[0, 0].numel(), generator=torch.Generator().manual_seed(seed))
    shuffled = lab.flatten(2)[..., order].view_as(lab)
    before, after = describe(lab), describe(shuffled)
    torch.testing.assert_close(before.vectors[COLOR], after.vectors[COLOR], rtol=0, atol=1e-5)
    # The other two must notice, or this test shows nothing.
    for other in (TEXTURE, SHAPE):
        assert (before.vectors[other] - after.vectors[other]).abs().max() > 0.05


@settings(max_examples=10)
@given(seed=SEEDS)
def test_color_map_moves_along_with_its_cells(seed: int) -> None:
    lab = scene(seed)
    h, w = lab.shape[-2:]
    order = torch.randperm(h * w // REDUCTION**2, generator=torch.Generator().manual_seed(seed))
    cells = nnf.unfold(lab, REDUCTION, stride=REDUCTION)[..., order]
    moved = describe(nnf.fold(cells, (h, w), REDUCTION, stride=REDUCTION)).maps[COLOR]
    torch.testing.assert_close(moved.flatten(2), describe(lab).maps[COLOR].flatten(2)[..., order], rtol=0, atol=1e-6)


@settings(max_examples=10)
@given(seed=SEEDS)
def test_color_reads_nothing_of_lightness_and_the_others_nothing_of_color(seed: int) -> None:
    lab, other = scene(seed), scene(seed + 1)
    before = describe(lab)
    relit = describe(torch.cat((other[:, :1], lab[:, 1:]), dim=1))
    assert_same(before, relit, COLOR)
    assert (before.vectors[TEXTURE] - relit.vectors[TEXTURE]).abs().max() > 0.005
    hue = torch.cat((lab[:, :1], -lab[:, 2:], lab[:, 1:2]), dim=1)  # a quarter turn
    for change in (hue, torch.cat((lab[:, :1], other[:, 1:]), dim=1)):
        recolored = describe(change)
        assert_same(before, recolored, TEXTURE)
        assert_same(before, recolored, SHAPE)
        assert (before.vectors[COLOR] - recolored.vectors[COLOR]).abs().max() > 0.005


@settings(max_examples=15)
@given(seed=SEEDS, gain=st.floats(0.25, 2), shift=st.floats(-20, 20))
def test_shape_is_blind_to_contrast_and_brightness_and_texture_is_not(seed: int, gain: float, shift: float) -> None:
    lab = scene(seed)
    changed = torch.cat((lab[:, :1] * gain + shift, lab[:, 1:]), dim=1)
    before, after = describe(lab), describe(changed)
    assert_same(before, after, SHAPE, tolerance=2e-3)
    if abs(gain - 1) > 0.1:
        difference = (after.vectors[TEXTURE] - before.vectors[TEXTURE])[:, 2::8]
        assert (difference.sign() == (1 if gain > 1 else -1)).all()


def test_the_histogram_puts_mass_where_the_color_is() -> None:
    for index, (a, b) in enumerate(PALETTE):
        lab = torch.tensor([50.0, a, b]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
        shares = describe(lab).vectors[COLOR][0, : len(PALETTE)]
        if index == 0:  # exactly gray has no color at all
            assert (shares == 0).all()
            continue
        assert shares.argmax() == index
        assert shares.sum() == pytest.approx(1, abs=1e-5)
    half = torch.tensor([50.0, 40, 20]).view(1, 3, 1, 1).repeat(1, 1, 16, 16)
    half[..., 8:] = torch.tensor([50.0, -40, 0]).view(3, 1, 1)
    mean, spread = describe(half).vectors[COLOR][0, -5:-3], describe(half).vectors[COLOR][0, -2:]
    torch.testing.assert_close(mean * 110, torch.tensor([0.0, 10]), atol=1e-3, rtol=0)
    torch.testing.assert_close(spread * 110, torch.tensor([40.0, 10]), atol=0.2, rtol=0)


@pytest.mark.parametrize(("scale", "orientation"), [(s, o) for s in range(SCALES) for o in range(4)])
def test_texture_finds_the_scale_and_direction_of_a_grating(scale: int, orientation: int) -> None:
    angle, wavelength = torch.tensor(torch.pi * orientation / 4), 4 * 2**scale
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    wave = torch.cos(2 * torch.pi / wavelength * (x * angle.cos() + y * angle.sin()))
    lab = torch.stack((50 + 20 * wave, 0 * x, 0 * x))[None]
    amplitudes = describe(lab).maps[TEXTURE][0, 2:, 3:-3, 3:-3].mean((-2, -1))
    assert amplitudes.argmax() == scale * 4 + orientation


def test_texture_does_not_take_shading_for_texture() -> None:
    ramp = (torch.arange(96.0) / 2 + 20).expand(1, 3, 96, 96) * torch.tensor([1.0, 0, 0]).view(3, 1, 1)
    assert describe(ramp).maps[TEXTURE][0, 2:, 3:-3, 3:-3].max() < 1e-3


def test_shape_tells_upright_from_lying_rising_and_falling() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    # Rows count downwards: along x + y = 64 an edge rises to the right.
    edges = {1: x - 32, 2: y - 32, 3: x + y - 64, 4: x - y}
    for channel, distance in edges.items():
        lab = torch.stack((50 + 30 * torch.sigmoid(distance), 0 * x, 0 * x))[None]
        directions = describe(lab).vectors[SHAPE][0, :5]
        assert directions[1:].argmax() + 1 == channel


def test_absence_is_exact() -> None:
    lab = scene()
    gray = lab * torch.tensor([1.0, 0, 0]).view(3, 1, 1)
    flat = lab * torch.tensor([0.0, 1, 1]).view(3, 1, 1) + 50
    nowhere = torch.zeros(2, 1, 64, 48, dtype=torch.bool)
    cases = {
        (True, True, True): describe(lab),
        (False, True, True): describe(gray),
        (True, False, False): describe(flat),
        (False, False, False): describe(lab, nowhere, nowhere),
    }
    cases_by_mask = describe(lab, known_color=nowhere)
    assert cases_by_mask.present.tolist() == [[False, True, True]] * 2
    for expected, seen in cases.items():
        assert seen.present.tolist() == [list(expected)] * 2
        for i, there in enumerate(expected):
            assert bool(seen.vectors[i].any()) is there
            assert bool(seen.maps[i].any()) is there


def test_without_takes_a_modality_away() -> None:
    seen = describe(scene())
    left = seen.without("color", "shape")
    assert left.present.tolist() == [[False, True, False]] * 2
    assert not left.maps[COLOR].any()
    assert_same(seen, left, TEXTURE)
    with pytest.raises(ConfigError, match="did you mean 'texture'"):
        seen.without("textur")


@settings(max_examples=8)
@given(seed=SEEDS)
def test_what_is_not_known_is_not_read(seed: int) -> None:
    lab = scene(seed)
    known = torch.ones(2, 1, 64, 48, dtype=torch.bool)
    known[..., 16:40, 16:40] = False
    wild = torch.where(known, lab, scene(seed + 1) * 1.5)
    before, after = describe(lab, known, known), describe(wild, known, known)
    for modality in range(3):
        assert_same(before, after, modality, tolerance=1e-6)
    assert not before.maps[COLOR][..., 2:5, 2:5].any()
    assert before.maps[TEXTURE][..., 0, 0].any()


def test_no_mask_is_a_mask_of_everything() -> None:
    lab = scene()
    everything = torch.ones(2, 1, 64, 48, dtype=torch.bool)
    for modality in range(3):
        assert_same(describe(lab), describe(lab, everything, everything), modality, tolerance=1e-5)


def test_gradients_reach_every_modality_and_are_finite() -> None:
    flat_and_gray = torch.full((1, 3, 32, 32), 50.0) * torch.tensor([1.0, 0, 0]).view(3, 1, 1)
    for lab, there in ((scene(n=1, size=(32, 32)), True), (flat_and_gray, False)):
        for modality in range(3):
            x = lab.clone().requires_grad_()
            seen = describe(x)
            (seen.vectors[modality].square().sum() + seen.maps[modality].square().sum()).backward()
            assert x.grad is not None
            assert x.grad.isfinite().all()
            assert bool(x.grad.any()) is there  # what is absent has no gradient either


def test_autocast_changes_nothing_and_bf16_input_little() -> None:
    lab = scene()
    exact = describe(lab)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        same = describe(lab)
    close = describe(lab.bfloat16())
    for modality in range(3):
        assert_same(exact, same, modality)
        torch.testing.assert_close(exact.vectors[modality], close.vectors[modality], rtol=0, atol=0.02)


def test_a_state_dict_stays_empty_and_runs_repeat() -> None:
    encoder = ModalityEncoder()
    assert not encoder.state_dict()
    for modality in range(3):
        assert_same(encoder(scene()), encoder(scene()), modality)


def test_doubling_a_photograph_moves_texture_one_scale_and_color_hardly(photographs: torch.Tensor) -> None:
    doubled = nnf.interpolate(photographs, scale_factor=2, mode="bicubic")
    small, large = describe(photographs), describe(doubled)
    assert (small.vectors[COLOR] - large.vectors[COLOR]).abs().max() < 0.01
    # vectors: two tones, then for each scale four means and four deviations
    fine, coarse = small.vectors[TEXTURE][:, 2:], large.vectors[TEXTURE][:, 2:]
    moved, stayed = ((fine[:, :16] - other).abs().mean() for other in (coarse[:, 8:], coarse[:, :16]))
    assert moved < stayed / 3
    assert (small.vectors[SHAPE][:, :20] - large.vectors[SHAPE][:, 10:]).abs().mean() < 0.03


def test_photographs_differ_from_each_other_in_every_modality(photographs: torch.Tensor) -> None:
    seen = describe(photographs)
    assert seen.present.all()
    for vector in seen.vectors:
        assert torch.pdist(vector).min() > 0.1


def pictures(seed: int = 0, n: int = 4) -> Modalities:
    return describe(torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 60)


def test_a_picture_laid_over_itself_keeps_its_maps_and_shuffled_finds_them_again() -> None:
    seen = pictures(n=1)
    same = match_reference(seen, seen, sharpness=200.0)
    for before, after in zip(seen.maps, same.maps, strict=True):
        torch.testing.assert_close(before, after, atol=1e-3, rtol=0)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    moved = Modalities(
        seen.vectors, tuple(m.flatten(2)[..., order].unflatten(2, (4, 4)) for m in seen.maps), seen.present
    )
    for before, after in zip(seen.maps, match_reference(moved, seen, sharpness=200.0).maps, strict=True):
        torch.testing.assert_close(before, after, atol=1e-3, rtol=0)


def test_a_reference_of_another_size_takes_the_contents_places() -> None:
    reference = describe(torch.rand(2, 3, 48, 80) * 60)
    content = pictures(n=2)
    assert [m.shape[-2:] for m in match_reference(reference, content).maps] == [(4, 4)] * 3
    # Nothing known of the content: every place gets the average.
    average = match_reference(reference, content.without(*MODALITIES)).maps[0]
    torch.testing.assert_close(average, reference.maps[0].mean((-2, -1), keepdim=True).expand_as(average))


@settings(max_examples=30, deadline=None)
@given(
    known=arrays(bool, (2, 1, 3, 5)).map(torch.from_numpy), sharpness=st.floats(0, 50), seed=st.integers(0, 2**31 - 1)
)
def test_only_known_cells_of_a_reference_are_carried(known: torch.Tensor, sharpness: float, seed: int) -> None:
    """A softmax over the known cells alone, by hand; unknown ones may hold anything; none known gives zeros."""
    generator = torch.Generator().manual_seed(seed)
    reference, content = describe(torch.rand(2, 3, 24, 40, generator=generator) * 60), pictures(n=2)
    carried = match_reference(reference, content, known=known, sharpness=sharpness)
    assert torch.equal(carried.present, reference.present)
    elsewhere = torch.where(known, reference.maps[0], 1e3)
    disturbed = match_reference(
        reference._replace(maps=(elsewhere, *reference.maps[1:])), content, known=known, sharpness=sharpness
    )
    torch.testing.assert_close(disturbed.maps[0], carried.maps[0])

    def likeness(seen: Modalities) -> torch.Tensor:
        planes = torch.cat(seen.maps[1:], dim=1).flatten(2).double()
        centred = planes - planes.mean(2, keepdim=True)
        return torch.nn.functional.normalize(centred / (centred.square().mean(2, keepdim=True) + 1e-6).sqrt(), dim=1)

    energies = sharpness * (likeness(content).mT @ likeness(reference))  # (n, places, cells)
    for image, cells in enumerate(known.flatten(1)):
        weights = energies[image][:, cells].softmax(1)
        expected = weights @ reference.maps[0][image].flatten(1)[:, cells].double().T
        torch.testing.assert_close(
            carried.maps[0][image].flatten(1).T.double(), expected, atol=1e-4 * (1 + sharpness), rtol=1e-3
        )


def test_a_reference_known_everywhere_is_carried_as_without_a_mask() -> None:
    reference, content = pictures(seed=5), pictures()
    everywhere = torch.ones(4, 1, 4, 4, dtype=torch.bool)
    for expected, found in zip(
        match_reference(reference, content).maps,
        match_reference(reference, content, known=everywhere).maps,
        strict=True,
    ):
        torch.testing.assert_close(expected, found)
    for found in match_reference(reference, content, known=~everywhere).maps:
        assert not found.any()
