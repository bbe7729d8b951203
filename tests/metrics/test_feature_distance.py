"""Distances in named features: against loops, scipy, and what they must be on average."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import scipy.linalg
import torch

from colorstyle_lib import paths
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.reconstruction import feature_distance
from colorstyle_lib.metrics.feature_distance import (
    frechet_distance,
    kernel_distance,
    kernel_pairs,
    perceptual_content_distance,
    perceptual_distances,
    perceptual_network,
    pooled_features,
)
from colorstyle_lib.model.pretrained import EfficientNetLite0, pretrained_efficientnet_lite0


def drawn(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_kernel_distance_is_the_double_loop_of_its_paper():
    x, y = drawn(7, 5, 1).double(), drawn(7, 5, 2).double() + 0.5

    def k(a, b):
        return float((a @ b / 5 + 1) ** 3)

    total = sum(
        k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i]) for i in range(7) for j in range(7) if i != j
    )
    assert kernel_distance(x, y) == pytest.approx(total / 42)
    torch.testing.assert_close(kernel_pairs(x, y), kernel_pairs(x, y).T)


def test_kernel_distance_is_0_on_average_for_one_distribution_and_above_for_two():
    same = [kernel_distance(drawn(20, 8, 2 * i), drawn(20, 8, 2 * i + 1)) for i in range(200)]
    assert abs(np.mean(same)) < 4 * np.std(same) / 200**0.5
    assert min(same) < 0
    assert kernel_distance(drawn(20, 8, 0), drawn(20, 8, 1) + 1) > max(same)
    assert kernel_distance(drawn(20, 8, 0), drawn(20, 8, 0)) == 0


def test_frechet_distance_is_scipys_root_and_for_fewer_pictures_than_features_too():
    for n, d in ((30, 5), (6, 12)):
        x, y = drawn(n, d, 3).double(), 1.5 * drawn(n + 4, d, 4).double() + 0.3
        a, b = np.cov(x.numpy(), rowvar=False), np.cov(y.numpy(), rowvar=False)
        values = np.linalg.eigvals(a @ b).real.clip(0)
        root = np.sqrt(values).sum() if n < d else np.trace(scipy.linalg.sqrtm(a @ b)).real
        expected = (x.mean(0) - y.mean(0)).square().sum().item() + np.trace(a) + np.trace(b) - 2 * root
        assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_is_torchmetrics():
    reason = "compares with torchmetrics: pip install 'colorstyle[test]'"
    fid = pytest.importorskip("torchmetrics.image.fid", reason=reason)

    class Means(torch.nn.Module):
        """Features of a picture: the means of its 12 blocks of 4 x 4 pixels a color."""

        num_features = 12

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.avg_pool2d(images.double() / 64, 4).flatten(1)

    random = torch.Generator().manual_seed(0)
    x, y = (torch.randint(0, top, (30, 3, 8, 8), dtype=torch.uint8, generator=random) for top in (256, 200))
    theirs = fid.FrechetInceptionDistance(Means(), normalize=False).set_dtype(torch.float64)
    theirs.update(x, real=False)
    theirs.update(y, real=True)
    assert frechet_distance(Means()(x), Means()(y)) == pytest.approx(theirs.compute().item(), rel=1e-6)


def test_few_pictures_inflate_the_frechet_distance_and_not_the_kernel_distance():
    frechet, kernel = (
        {n: np.mean([distance(drawn(n, 16, 2 * i), drawn(n, 16, 2 * i + 1)) for i in range(20)]) for n in (10, 100)}
        for distance in (frechet_distance, kernel_distance)
    )
    assert frechet[10] > 4 * frechet[100] > 0  # one distribution: the right answer is 0
    assert abs(kernel[10]) < 0.5


def test_two_pictures_are_the_least():
    with pytest.raises(ConfigError, match="at least 2"):
        kernel_distance(drawn(1, 3, 0), drawn(1, 3, 1))
    with pytest.raises(ConfigError, match="at least 2"):
        frechet_distance(drawn(1, 3, 0), drawn(5, 3, 1))


def test_perceptual_distances_are_the_losses_an_image_at_a_time():
    rgb = synthetic.scenes(3, 32, seed=1).rgb
    network = pretrained_efficientnet_lite0()
    found, wanted = network(rgb.flip(1)), network(rgb)
    distances = perceptual_distances(found, wanted)
    losses = [feature_distance(*layers).mean().item() for layers in zip(found, wanted, strict=True)]
    assert distances.mean().item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    alone = perceptual_distances(network(rgb[1:2].flip(1)), network(rgb[1:2])).item()
    assert distances[1].item() == pytest.approx(alone, rel=1e-3)
    assert perceptual_distances(wanted, wanted).tolist() == [0, 0, 0]


def test_pooled_features_see_color_and_not_the_batch():
    rgb = synthetic.scenes(18, 32, seed=1).rgb
    network = pretrained_efficientnet_lite0()
    features = pooled_features(rgb, network)
    assert features.shape == (18, 320)
    torch.testing.assert_close(features[17:], pooled_features(rgb[17:], network), rtol=1e-3, atol=1e-4)
    assert (features - pooled_features(rgb.flip(1), network)).abs().mean() > 0.01


def test_without_vgg_at_hand_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    name, network = perceptual_network()
    assert name == "efficientnet_lite0"
    assert isinstance(network, EfficientNetLite0)


def test_perceptual_distance_by_hand():
    east, north = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1), torch.tensor([0.0, 0.5]).view(1, 2, 1, 1)
    assert perceptual_content_distance([east], [3 * east]).item() == pytest.approx(0, abs=1e-6)  # length is forgotten
    assert perceptual_content_distance([east], [north]).item() == pytest.approx(1)
    assert perceptual_content_distance([east], [-east]).item() == pytest.approx(2)
    half = torch.cat((east, north), dim=3)  # one place of two
    assert perceptual_content_distance([half, east], [east.expand(1, 2, 1, 2), east]).item() == pytest.approx(0.25)
    batch = perceptual_content_distance([torch.cat((east, north))], [torch.cat((east, east))])
    assert batch.tolist() == pytest.approx([0, 1])


def test_nothing_is_called_lpips_or_fid():
    names = re.compile(
        r"^\s*(?:def|class) \w*(?:lpips|fid)\w*\b|^\w*(?:lpips|fid)\w* *[:=]", re.IGNORECASE | re.MULTILINE
    )
    assert not [file for file in paths.PACKAGE.rglob("*.py") if names.search(file.read_text(encoding="utf-8"))]
    recorded = json.loads((paths.FIGURES / "results.json").read_text(encoding="utf-8"))
    assert not [key for key in recorded if re.search(r"(?i)\b(lpips|fid|kid)\b|_(lpips|fid|kid)", key)]
