"""Distances in the features of frozen networks, each called by its network's name.

None is called LPIPS or FID: these names belong to weights fitted to people's judgements and to Inception's features.
Torchmetrics has both, with weights that come over the network.
"""

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import require
from colorstyle_lib.losses.reconstruction import feature_distance
from colorstyle_lib.model.pretrained import EfficientNetLite0, load_vgg19, pretrained_efficientnet_lite0

Network = Callable[[Float[Tensor, "n 3 h w"]], list[Tensor]]

_VGG19_FILE = "vgg19-dcbb9e9d.pth"  # torchvision's, in its cache
_BATCH = 16


def perceptual_network() -> tuple[str, Network]:
    """Load the network of :func:`perceptual_distances`, with its name: VGG-19 if at hand, else EfficientNet-Lite0.

    At hand is the file that ``COLORSTYLE_VGG19`` names (WeightsError where it is no good), or torchvision's in its
    cache; nothing is downloaded. MissingExtraError where neither network is installed.
    """
    cached = Path(torch.hub.get_dir()) / "checkpoints" / _VGG19_FILE
    if not (os.environ.get("COLORSTYLE_VGG19") or cached.is_file()):
        return "efficientnet_lite0", pretrained_efficientnet_lite0()
    vgg = load_vgg19().to(memory_format=torch.channels_last)

    def in_half_precision(rgb: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        # Twice as fast, and distances of real colorings moved by 0.2 % at most (8 pictures).
        with torch.autocast(rgb.device.type, torch.bfloat16):
            return vgg(rgb)

    return "vgg19", in_half_precision


@torch.no_grad()
def pooled_features(rgb: Float[Tensor, "n 3 h w"], network: EfficientNetLite0) -> Float[Tensor, "n 320"]:
    """EfficientNet-Lite0's last map, its mean over places, of sRGB in [0, 1] with sides that are multiples of 32."""
    return torch.cat([network(batch)[-1].mean((2, 3)) for batch in rgb.split(_BATCH)])


def perceptual_distances(found: list[Tensor], wanted: list[Tensor]) -> Float[Tensor, " n"]:
    """Mean :func:`.feature_distance` of all maps of a :func:`perceptual_network`, image by image; less is better.

    J. Johnson et al., Perceptual Losses, ECCV 2016 (arXiv:1603.08155), with each layer on its own scale.
    """
    return torch.stack([feature_distance(f, w) for f, w in zip(found, wanted, strict=True)]).mean(0)


def kernel_pairs(found: Float[Tensor, "n d"], real: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
    """``h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)`` with ``k(x, y) = (x . y / d + 1)^3``.

    The kernel is M. Bińkowski et al.'s (Demystifying MMD GANs, ICLR 2018, arXiv:1801.01401). The mean over i other
    than j is the unbiased squared maximum mean discrepancy (A. Gretton et al., JMLR 13, 2012, equation 4). It compares
    no result ``x_i`` with its own real picture ``y_i``, which a coloring would otherwise be rewarded for.

    For :func:`.pair_mean_of`: symmetric, float64, 0 on the diagonal. ConfigError: fewer than 2 pictures.
    """
    require(len(found) >= 2, f"a kernel distance needs at least 2 pictures, not {len(found)}")
    x, y = found.double(), real.double()

    def kernel(one: Tensor, other: Tensor) -> Tensor:
        return (one @ other.T / one.shape[1] + 1) ** 3

    cross = kernel(x, y)
    return (kernel(x, x) + kernel(y, y) - cross - cross.T).fill_diagonal_(0)


def kernel_distance(found: Float[Tensor, "n d"], real: Float[Tensor, "n d"]) -> float:
    """The unbiased squared maximum mean discrepancy with the cubic kernel of :func:`kernel_pairs`; less is better.

    0 on average where both have one distribution (it may be below 0), and 0 for equal pictures.
    """
    n = len(found)
    return (kernel_pairs(found, real).sum() / (n * (n - 1))).item()


def frechet_distance(found: Float[Tensor, "n d"], real: Float[Tensor, "m d"]) -> float:
    """``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`` of the Gaussians with the features' moments.

    D. Dowson and B. Landau, Journal of Multivariate Analysis 12(3), 1982; used for GANs by M. Heusel et al.
    (NeurIPS 2017, arXiv:1706.08500). The trace of the root is the sum of the singular values of ``A1 A2^T`` where
    ``S = A^T A``. Up to as many pictures as dimensions it is rank-deficient and far too large: a
    kernel distance comes first. ConfigError for fewer than 2 pictures.
    """
    require(min(len(found), len(real)) >= 2, "a Fréchet distance needs at least 2 pictures of each kind")
    x, y = found.double(), real.double()
    means = x.mean(0) - y.mean(0)
    a, b = ((z - z.mean(0)) / (len(z) - 1) ** 0.5 for z in (x, y))
    root = torch.linalg.svdvals(a @ b.T).sum()
    return (means.square().sum() + a.square().sum() + b.square().sum() - 2 * root).item()


def perceptual_content_distance(features: list[Tensor], targets: list[Tensor]) -> Float[Tensor, " n"]:
    """Perceptual distance of two pictures, place by place: ``mean (1 - cos(f, t))`` over a network's feature maps.

    R. Zhang et al., The Unreasonable Effectiveness of Deep Features, CVPR 2018 (arXiv:1801.03924), equation 1, with all
    channels weighed alike, halved, and a mean over layers instead of their sum. It is not "LPIPS", whose weights were
    fitted to people's judgements on other networks' features. 0 for the same, 1 for nothing in common, at most 2.
    """
    pairs = zip(features, targets, strict=True)
    layers = [1 - nnf.cosine_similarity(f.float(), t.float(), dim=1).mean(dim=(1, 2)) for f, t in pairs]
    return torch.stack(layers).mean(dim=0)
