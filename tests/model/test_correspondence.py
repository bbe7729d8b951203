"""A reference's maps carried to the content's places."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from colorstyle_lib.model.modalities import MODALITIES, Modalities, describe, match_reference


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
