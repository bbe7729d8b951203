"""LPIPS and FID: torchmetrics', with their standard weights, so that a number can stand beside a paper's; or none.

The weights come from the network once and are found again in torch's cache. Distances in other features are called by
those features' names (:mod:`.feature_distance`).
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.errors import ConfigError, WeightsError, needs_extra

LPIPS_WEIGHTS = "alexnet-owt-7be5be79.pth"  # torchvision's; what was fitted on top of it comes with torchmetrics
FID_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"  # of TensorFlow's graph, as torch-fidelity publishes it
FID_FEATURES = 2048  # dimensions of Inception's last pooling
_BATCH = 50


@torch.no_grad()
def lpips(predicted: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """LPIPS 0.1 with AlexNet (R. Zhang et al., CVPR 2018, arXiv:1801.03924), an image at a time; less is better.

    For sRGB in [0, 1] with sides of at least 63 pixels.

    Raises:
        ConfigError: smaller pictures. MissingExtraError: torchmetrics is not installed.
        WeightsError: the weights are not here and cannot be fetched.
    """
    from torchvision.models import AlexNet_Weights

    with needs_extra("torchmetrics", "metrics"):
        from torchmetrics.functional.image import learned_perceptual_image_patch_similarity as distance
    if min(predicted.shape[2:]) < 63:
        raise ConfigError("LPIPS with AlexNet wants sides of 63 pixels or more; enlarge the pictures")
    with _weights("LPIPS", "AlexNet's", LPIPS_WEIGHTS):
        AlexNet_Weights.IMAGENET1K_V1.get_state_dict(progress=sys.stderr.isatty(), check_hash=True)
    pairs = zip(predicted.split(_BATCH), target.split(_BATCH), strict=True)
    return torch.cat([distance(x, y, net_type="alex", reduction="none", normalize=True).flatten() for x, y in pairs])


@torch.no_grad()
def fid(found: Float[Tensor, "n 3 h w"], real: Float[Tensor, "m 3 h w"]) -> float:
    """Fréchet Inception distance (M. Heusel et al., NeurIPS 2017, arXiv:1706.08500) of two sets of pictures.

    For sRGB in [0, 1], which is rounded to 8 bits; less is better. On 2,048 features: with fewer pictures it is
    rank-deficient and too large (:func:`.rank_note`), and no two numbers of different n can be compared.

    Raises:
        ConfigError: fewer than 2 pictures. MissingExtraError: torchmetrics or torch-fidelity is not installed.
        WeightsError: the weights are not here and cannot be fetched.
    """
    if min(len(found), len(real)) < 2:
        raise ConfigError("FID needs at least 2 pictures of each kind")
    with needs_extra("torch_fidelity", "metrics"):
        import torch_fidelity  # noqa: F401  (torchmetrics' own words name another extra)
    with needs_extra("torchmetrics", "metrics"):
        from torchmetrics.image.fid import FrechetInceptionDistance
    with _weights("FID", "Inception's", FID_WEIGHTS):
        distance = FrechetInceptionDistance(FID_FEATURES, normalize=True)
    for pictures, are_real in ((found, False), (real, True)):
        for batch in pictures.split(_BATCH):
            distance.update(batch, real=are_real)
    return distance.compute().item()


@contextmanager
def _weights(metric: str, whose: str, file: str) -> Iterator[None]:
    """Say how to get what could not be downloaded or read."""
    try:
        yield
    except (OSError, HTTPException, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise WeightsError(
            f"{metric} needs {whose} standard weights, and they could not be loaded ({reason}): "
            f"connect to the internet once, or bring {file} into {str(folder)!r} from a machine that has it"
        ) from error
