"""Color as a choice among ab bins: coding, rebalancing and decoding.

R. Zhang, P. Isola and A. Efros, Colorful Image Colorization, ECCV 2016 (arXiv:1603.08511), sections 2.1 to 2.3.
Averaging two plausible colors gives a brown that is neither; choosing among bins can keep both.
"""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from scipy.spatial import KDTree
from torch import Tensor

from colorstyle_lib.color import full_precision, rgb_to_lab
from colorstyle_lib.errors import ConfigError, require

STEP = 10  # distance of neighbouring bins, in Lab units
_SIGMA = 5.0  # of the soft coding, Lab units
_LEAST_CHROMA = 0.5  # a mean as good as gray has no hue that one could trust
_LARGEST_GAIN = 4.0
Logits = Float[Tensor, "n q h w"]  # one a bin
_FACE_SAMPLES = 129  # a side; 65 already find every bin that all 256^3 colors of 8 bits find


@lru_cache(maxsize=1)
def _centers() -> KDTree:
    """Grid points that are the nearest one to some sRGB color."""
    # A solid casts the same shadow as its surface: the cube's six faces reach every ab that the cube reaches.
    side = torch.linspace(0, 1, _FACE_SAMPLES, device="cpu")
    u, v = torch.meshgrid(side, side, indexing="ij")
    faces = [torch.stack((torch.full_like(u, e), u, v)).roll(axis, 0) for e in (0.0, 1.0) for axis in range(3)]
    with torch.autocast("cpu", enabled=False):  # whoever asks first, the bins are the same
        ab = rgb_to_lab(torch.stack(faces))[:, 1:].movedim(1, -1).flatten(0, -2)
    return KDTree((ab / STEP).round().unique(dim=0) * STEP)


def ab_bins(device: torch.device | None = None) -> Float[Tensor, "q 2"]:
    """Centers of the ab bins, Lab units: each point of a grid of step 10 that is the nearest to some sRGB color.

    Sorted by a and then by b. Zhang et al. estimate the gamut at 313; sRGB under D65 reaches 261, each of these.

    >>> ab_bins().shape
    torch.Size([261, 2])
    """
    # Built anew each time: a cached tensor could be changed in place, or be born in inference mode.
    return torch.tensor(_centers().data, dtype=torch.float32, device=device)


def check_bins(logits: Logits) -> None:
    """Refuse logits that are not one a bin, with a ConfigError."""
    if logits.shape[1] != _centers().n:
        raise ConfigError(f"{logits.shape[1]} logits a pixel, but there are {_centers().n} ab bins")


def _nearest(pixels: Float[Tensor, "p 2"], neighbours: int) -> tuple[Int[Tensor, "p k"], Float[Tensor, "p k"]]:
    """The nearest bins, nearest first, and their distances: by a k-d tree, or on a GPU among all."""
    if pixels.device.type != "cpu":  # no autocast rounds this mode
        distances = torch.cdist(pixels, ab_bins(pixels.device), compute_mode="donot_use_mm_for_euclid_dist")
        return distances.topk(neighbours, largest=False)[::-1]
    distances, numbers = _centers().query(pixels.numpy(), range(1, neighbours + 1))
    return torch.from_numpy(numbers), torch.from_numpy(distances).float()


def encode_soft(
    ab: Float[Tensor, "n 2 h w"], *, neighbours: int = 5
) -> tuple[Int[Tensor, "n k h w"], Float[Tensor, "n k h w"]]:
    """Share a pixel among its k nearest bins by ``exp(-d^2 / 2 sigma^2)``, sigma 5 Lab units, scaled to sum 1.

    Section 2.1, but sparse: k numbers a pixel instead of 261, or a batch of photographs would not fit in memory.
    Returns the bins' numbers, nearest first, and their weights.
    """
    n, _, h, w = ab.shape
    numbers, distances = _nearest(ab.detach().float().movedim(1, -1).reshape(-1, 2), neighbours)
    # Softmax of -d^2 / 2 sigma^2 is the scaled Gaussian, and stays a number however far away all bins are.
    weights = (-distances.square() / (2 * _SIGMA**2)).softmax(dim=1)
    return tuple(planes.view(n, h, w, neighbours).movedim(-1, 1) for planes in (numbers, weights))


def bin_frequency(ab: Float[Tensor, "n 2 h w"]) -> Float[Tensor, " q"]:
    """Frequency of each bin in pictures of these a and b, smoothed by the soft coding: p of section 2.2; sum 1."""
    numbers, weights = encode_soft(ab)
    counts = torch.bincount(numbers.flatten(), weights.flatten(), minlength=len(ab_bins()))
    return counts / counts.sum()


def rebalancing(frequency: Float[Tensor, " q"], *, uniform: float = 0.5) -> Float[Tensor, " q"]:
    """Weights of pixels by their bin: ``w = 1 / ((1 - lambda) p + lambda / Q)``, equation 4.

    Scaled so that ``sum p w = 1``: the mean weight of real pixels is 1, and the loss keeps its size. ``uniform`` is
    lambda: 0 inverts the frequencies p, 1 gives equal weights. ConfigError: outside [0, 1], or 0 and a bin is missing.
    """
    require(0 <= uniform <= 1, f"uniform must lie in [0, 1], not {uniform}")
    mixed = (1 - uniform) * frequency + uniform / len(frequency)
    if not bool((mixed > 0).all()):
        raise ConfigError("some bins never occur, and uniform=0 would weigh them infinitely; choose uniform above 0")
    return 1 / mixed / (frequency / mixed).sum()


def annealed_mean(logits: Logits, *, temperature: float = 0.38, vividness: float = 0.0) -> Float[Tensor, "n 2 h w"]:
    """Decode bins to a color: the mean of ``f_T(z) = exp(log z / T) / sum exp(log z / T)``, equation 5.

    ``log z`` may be replaced by the logits, since what they differ by cancels. At ``temperature`` T = 1 it is the mean
    (safe and brownish), towards 0 the most likely bin (vivid and patchy). Where colors differ their mean has less
    chroma than they have: of ``|m|``, ``vividness`` v makes ``|m| (E|c| / |m|)^v``, at v = 1 their mean chroma.

    Returns a and b, Lab units, at least float32. ConfigError: T not above 0, v not in [0, 1], or logits not one a bin.
    """
    require(temperature > 0, f"temperature must be above 0, not {temperature}")
    require(0 <= vividness <= 1, f"vividness lies in [0, 1], not {vividness}")
    check_bins(logits)
    # Bins last, as a channels-last network leaves them: a softmax over neighbours in memory is many times as fast.
    scaled = logits.movedim(1, -1) if temperature == 1 else full_precision(logits.movedim(1, -1)) / temperature
    with torch.autocast(logits.device.type, enabled=False):  # or the sum over bins would round ab to 8 bits
        chances = scaled.softmax(dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))
        centers = ab_bins(logits.device).to(chances.dtype)
        mean = chances @ centers
        if vividness:
            chroma = chances @ centers.norm(dim=1, keepdim=True)
            shrunk = chroma / mean.norm(dim=-1, keepdim=True).clamp_min(_LEAST_CHROMA)
            mean = mean * shrunk.clamp(1.0, _LARGEST_GAIN) ** vividness
        return mean.movedim(-1, 1)


def ab_spread(logits: Logits) -> Float[Tensor, "n 1 h w"]:
    """Standard deviation of the colors that a distribution holds possible, Lab: ``sqrt(sum p_q |c_q - mean|^2)``."""
    check_bins(logits)
    centers = ab_bins(logits.device)
    with torch.autocast(logits.device.type, enabled=False):
        share = logits.float().softmax(dim=1)
        moments = torch.einsum("nqhw,qc->nchw", share, torch.cat((centers, centers.square()), dim=1).float())
        mean, square = moments.chunk(2, dim=1)
        return (square - mean.square()).sum(1, keepdim=True).clamp_min(0).sqrt()
