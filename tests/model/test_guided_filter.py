"""The guided filter in the model: what weights do, and that unsure places follow sure ones along the edges of L."""

from dataclasses import replace

import torch
from torch.nn.functional import avg_pool2d, interpolate

from colorstyle_lib.config import GeneratorConfig
from colorstyle_lib.model.color_bins import ab_spread, annealed_mean
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.guided_filter import guided_coefficients, smooth_where_unsure


def test_equal_weights_change_nothing():
    random = torch.Generator().manual_seed(0)
    guide, values = torch.rand(2, 1, 20, 24, generator=random) * 100, torch.randn(2, 3, 20, 24, generator=random)
    plain = guided_coefficients(guide, values, radius=3)
    weighed = guided_coefficients(guide, values, radius=3, weight=torch.full_like(guide, 0.25))
    for one, other in zip(plain, weighed, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_an_unsure_stain_on_a_calm_wall_goes_and_the_edge_of_another_thing_stays():
    guide = torch.full((1, 1, 80, 120), 70.0)
    guide[..., 80:] = 30.0  # another thing
    truth = torch.zeros(1, 2, 80, 120)
    truth[:, 0, :, 80:] = 40.0
    down, across = torch.meshgrid(torch.arange(80.0), torch.arange(120.0), indexing="ij")
    bump = torch.exp(-((down - 40).square() + (across - 40).square()) / 128)
    ab = truth.clone()
    ab[:, 1] = 30 * bump  # the stain
    spread = (2 + 40 * bump)[None, None]
    sure = smooth_where_unsure(ab, torch.full_like(spread, 2.0), guide, 12)
    found = smooth_where_unsure(ab, spread, guide, 12)
    assert float(found[:, 1].abs().max()) < 6 < 10 < float(sure[:, 1].abs().max())  # of 30
    assert float((found - truth)[:, 0].abs().max()) < 1


def test_small_colored_things_keep_their_color():
    guide = torch.full((1, 1, 40, 40), 70.0)
    ab = torch.zeros(1, 2, 40, 40)
    ab[:, 0, 20, 20] = 30.0
    found = smooth_where_unsure(ab, torch.full_like(guide, 10.0), guide, 6)
    assert float(found[0, 0, 20, 20]) > 27


def twins(**changes):
    """Two generators of the same weights, the second with changed settings, and a gray content."""
    torch.manual_seed(0)
    config = GeneratorConfig(width=8, max_width=16, depth=3, colors="bins")
    plain, other = Generator(config).eval(), Generator(replace(config, **changes)).eval()
    other.load_state_dict(plain.state_dict())
    return plain, other, gray_content(torch.rand(1, 1, 64, 64) * 100)


def test_the_generator_smooths_where_its_configuration_says_so():
    plain, smooth, content = twins(smoothing=4)
    with torch.no_grad():
        features, _ = plain.forward_features(content)
        assert torch.equal(plain(content), plain.colors(features))
        assert torch.equal(smooth(content), smooth.colors(features, content))
        assert torch.equal(smooth.colors(features), plain.colors(features))  # training sees what was predicted
        broad = [avg_pool2d(network(content), 6, stride=1).diff(dim=-1).abs().mean() for network in (plain, smooth)]
    assert broad[1] < 0.9 * broad[0]


def test_gain_adds_chroma_where_colors_differ():
    plain, vivid, content = twins(gain=0.02)
    with torch.no_grad():
        features, _ = plain.forward_features(content)
        spread = ab_spread(plain.head(features))
        wanted = interpolate(
            plain_half(plain, features) * (1 + 0.02 * spread.clamp(max=15)), scale_factor=2, mode="bilinear"
        )
        torch.testing.assert_close(vivid.colors(features), wanted)


def plain_half(generator, features):
    """a and b at half the size, as the bins say."""
    return annealed_mean(generator.head(features), temperature=generator.config.temperature)
