from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.color_bins import ab_bins, annealed_mean, bin_frequency, check_bins, encode_soft, rebalancing

Q = 261

pictures = arrays("float32", (1, 3, 4, 5), elements=st.floats(0, 1, width=32)).map(torch.from_numpy)


def colors(n: int = 2, size: int = 16) -> torch.Tensor:
    """Real colors: ab of random sRGB."""
    return rgb_to_lab(torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0)))[:, 1:]


def number_of(a: float, b: float) -> int:
    return ab_bins().tolist().index([a, b])


def dense(numbers: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    n, _, h, w = numbers.shape
    return torch.zeros(n, Q, h, w).scatter(1, numbers, weights)


def test_bins_are_distinct_grid_points_around_gray():
    centers = ab_bins()
    assert centers.shape == (Q, 2)
    assert torch.equal(centers, (centers / 10).round() * 10)
    assert len(set(map(tuple, centers.tolist()))) == Q
    assert [0, 0] in centers.tolist()
    assert [100, -100] not in centers.tolist()


def test_bins_cannot_be_spoiled_by_a_caller():
    ab_bins().zero_()
    assert ab_bins().abs().max() > 0


@given(pictures)
@settings(max_examples=30)
def test_every_srgb_color_has_its_nearest_grid_point_among_the_bins(rgb: torch.Tensor):
    ab = rgb_to_lab(rgb)[:, 1:]
    numbers, _ = encode_soft(ab, neighbours=1)
    offset = (ab_bins()[numbers[:, 0]].movedim(-1, 1) - ab).abs()
    assert offset.max() <= 5 + 1e-3


def test_encoding_of_a_center_by_hand():
    numbers, weights = encode_soft(torch.zeros(1, 2, 1, 1))
    neighbours = {number_of(*ab) for ab in ((10, 0), (-10, 0), (0, 10), (0, -10))}
    assert numbers[0, 0, 0, 0] == number_of(0, 0)
    assert set(numbers[0, 1:, 0, 0].tolist()) == neighbours
    side = math.exp(-(10**2) / (2 * 5**2))
    expected = torch.tensor([1, side, side, side, side]) / (1 + 4 * side)
    torch.testing.assert_close(weights.flatten(), expected)


@given(pictures, st.integers(1, 8))
@settings(max_examples=30)
def test_weights_are_shares_and_the_nearest_comes_first(rgb: torch.Tensor, neighbours: int):
    numbers, weights = encode_soft(rgb_to_lab(rgb)[:, 1:], neighbours=neighbours)
    assert numbers.shape == weights.shape == (1, neighbours, 4, 5)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(1, 4, 5))
    assert (weights >= 0).all()
    assert (weights.diff(dim=1) <= 1e-6).all()


def test_chunks_do_not_show():
    many = colors(1, 160)  # more pixels than a chunk holds
    numbers, weights = encode_soft(many)
    few_numbers, few_weights = encode_soft(many[..., -3:, -3:])
    assert torch.equal(numbers[..., -3:, -3:], few_numbers)
    assert torch.equal(weights[..., -3:, -3:], few_weights)


@pytest.mark.parametrize("spread", [20.0, 60.0, 1e3])  # within the gamut, across its rim, and far from it
@pytest.mark.parametrize("neighbours", [1, 5, 12])
def test_the_nearest_bins_are_those_that_measuring_all_finds(spread: float, neighbours: int):
    ab = spread * torch.randn(2, 2, 40, 40, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):  # as a training step looks for them
        numbers, _ = encode_soft(ab, neighbours=neighbours)
    apart = (ab.double()[:, None] - ab_bins().double()[:, :, None, None]).square().sum(2)
    least = apart.topk(neighbours, dim=1, largest=False).values
    torch.testing.assert_close(apart.gather(1, numbers), least, rtol=1e-6, atol=1e-6)  # two may be equally far


def test_a_color_far_outside_still_has_finite_shares():
    _, weights = encode_soft(torch.full((1, 2, 1, 1), 1e4))
    assert weights.isfinite().all()
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))


def test_decoding_undoes_encoding():
    ab = colors()
    share = dense(*encode_soft(ab))
    decoded = annealed_mean(share.clamp_min(1e-30).log(), temperature=1.0)
    assert (decoded - ab).abs().mean() < 1  # a grid of step 10, yet within a Lab unit on average


def test_temperature_goes_from_mode_to_mean():
    logits = torch.randn(2, Q, 3, 3, generator=torch.Generator().manual_seed(1))
    mean = torch.einsum("nqhw,qc->nchw", logits.softmax(dim=1), ab_bins())
    torch.testing.assert_close(annealed_mean(logits, temperature=1.0), mean)
    mode = ab_bins()[logits.argmax(dim=1)].movedim(-1, 1)
    torch.testing.assert_close(annealed_mean(logits, temperature=1e-4), mode)


def test_annealed_mean_of_two_bins_by_hand():
    logits = torch.full((1, Q, 1, 1), -1e4)
    logits[0, number_of(50, 0)] = math.log(0.8)
    logits[0, number_of(-50, 0)] = math.log(0.2)
    red, green = 0.8 ** (1 / 0.38), 0.2 ** (1 / 0.38)
    expected = 50 * (red - green) / (red + green)
    torch.testing.assert_close(annealed_mean(logits).flatten(), torch.tensor([expected, 0.0]))


def test_vividness_gives_back_the_chroma_that_a_mean_loses():
    """Of 0.8 red and 0.2 green the mean has chroma 30, though either has 50; where all agree nothing is lost."""
    logits = torch.full((1, Q, 1, 1), -1e4)
    logits[0, number_of(50, 0)] = math.log(0.8)
    logits[0, number_of(-50, 0)] = math.log(0.2)
    for vividness, chroma in ((0.0, 30.0), (0.5, math.sqrt(30 * 50)), (1.0, 50.0)):
        decoded = annealed_mean(logits, temperature=1.0, vividness=vividness)
        torch.testing.assert_close(decoded.flatten(), torch.tensor([chroma, 0.0]))
    logits[0, number_of(-50, 0)] = -1e4
    sure = [annealed_mean(logits, temperature=1.0, vividness=v) for v in (0.0, 1.0)]
    torch.testing.assert_close(*sure)


def test_gray_that_could_be_anything_stays_gray():
    logits = torch.full((1, Q, 1, 1), -1e4)
    for a in (50, -50):
        logits[0, number_of(a, 0)] = 0.0
    logits.requires_grad_(True)
    decoded = annealed_mean(logits, temperature=1.0, vividness=1.0)
    assert decoded.abs().max() < 1e-3
    decoded.sum().backward()
    assert logits.grad.isfinite().all()


def test_decoding_keeps_its_precision_in_half_precision_regions():
    logits = torch.randn(1, Q, 4, 4, generator=torch.Generator().manual_seed(2)) * 5
    with torch.autocast("cpu", torch.bfloat16):
        inside = annealed_mean(logits)
    assert torch.equal(inside, annealed_mean(logits))
    assert annealed_mean(logits.bfloat16()).dtype == torch.float32


def test_frequencies_of_two_colors():
    ab = torch.zeros(1, 2, 1, 4)
    ab[:, 0, :, 3] = 60  # three gray pixels, one at a = 60
    frequency = bin_frequency(ab)
    torch.testing.assert_close(frequency.sum(), torch.tensor(1.0))
    middle = 1 / (1 + 4 * math.exp(-2))
    torch.testing.assert_close(frequency[number_of(0, 0)], torch.tensor(0.75 * middle))
    torch.testing.assert_close(frequency[number_of(60, 0)], torch.tensor(0.25 * middle))


def test_rebalancing_by_hand():
    p = torch.tensor([0.7, 0.2, 0.1])
    raw = 1 / (0.5 * p + 0.5 / 3)
    torch.testing.assert_close(rebalancing(p), raw / (p * raw).sum())
    torch.testing.assert_close(rebalancing(p, uniform=1.0), torch.ones(3))
    torch.testing.assert_close(rebalancing(p, uniform=0.0), 1 / (3 * p))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9).filter(lambda p: sum(p) > 0.01), st.floats(0.01, 1))
@settings(max_examples=50)
def test_rebalancing_keeps_the_mean_and_favours_the_rare(values: list[float], uniform: float):
    p = torch.tensor(values, dtype=torch.float64)
    p = p / p.sum()
    w = rebalancing(p, uniform=uniform)
    torch.testing.assert_close((p * w).sum(), torch.ones((), dtype=torch.float64))
    assert (w[p.argsort()].diff() <= 1e-9).all()


def test_mistakes_are_named():
    with pytest.raises(ConfigError, match="uniform"):
        rebalancing(torch.ones(3) / 3, uniform=1.5)
    with pytest.raises(ConfigError, match="never occur"):
        rebalancing(torch.tensor([1.0, 0.0]), uniform=0.0)
    with pytest.raises(ConfigError, match="temperature"):
        annealed_mean(torch.zeros(1, Q, 1, 1), temperature=0.0)
    with pytest.raises(ConfigError, match="vividness"):
        annealed_mean(torch.zeros(1, Q, 1, 1), vividness=1.5)
    with pytest.raises(ConfigError, match="313 logits a pixel, but there are 261"):
        check_bins(torch.zeros(1, 313, 1, 1))
