"""The generation benchmark: new scenes of the weights, a DCGAN and noise, beside photographs never trained on."""

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from colorstyle_lib.config import change
from colorstyle_lib.data.batches import center_crops, load_images
from colorstyle_lib.inference.colorstyle import ColorStyle, to_tensor
from colorstyle_lib.metrics.bootstrap import difference_of, mean_of, pair_mean_of, ratio_of
from colorstyle_lib.metrics.feature_distance import kernel_pairs, perceptual_network, pooled_features
from colorstyle_lib.model.pretrained import pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.runner import NOTES, Run, numbers_of, spread
from colorstyle_lib.reproduction.results.store import Number, merge_results
from colorstyle_lib.training.saved_run import train_for
from colorstyle_lib.training.scene_training import SCENE_TRAINING, SceneLearner, scene_files, scene_learner


class _DCGAN(nn.Sequential):
    """One of DCGAN's networks (A. Radford et al., ICLR 2016, arXiv:1511.06434), with what a SceneLearner asks for."""

    noise = 100

    def rgb(self, z: Tensor) -> Tensor:
        return (torch.tanh(self(z[:, :, None, None]).float()) + 1) / 2

    def project(self, rgb: Tensor) -> list[Tensor]:
        return [2 * rgb - 1]

    def judge(self, maps: list[Tensor]) -> Tensor:
        return self(maps[0]).flatten(1)


def dcgan_learner(pictures: Tensor) -> SceneLearner:
    """DCGAN's generator and discriminator, to be trained on uint8 pictures ``(n, 3, 64, 64)``."""
    up, down = [nn.ConvTranspose2d(_DCGAN.noise, 512, 4)], [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    for wide, narrow in pairwise((512, 256, 128, 64, 3)):
        up += [nn.BatchNorm2d(wide), nn.ReLU(), nn.ConvTranspose2d(wide, narrow, 4, 2, 1)]
    for narrow, wide in pairwise((64, 128, 256, 512)):
        down += [nn.Conv2d(narrow, wide, 4, 2, 1), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2)]
    down.append(nn.Conv2d(512, 1, 4))
    for layer in (layer for layer in (*up, *down) if hasattr(layer, "kernel_size")):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    config = change(SCENE_TRAINING, objective="non_saturating", learning_rate=2e-4, augment=False, ema=0.0)
    return SceneLearner(_DCGAN(*up), _DCGAN(*down), pictures, config, (0.5, 0.999))


def neighborhoods(found: Tensor, real: Tensor, k: int = 5) -> dict[str, Tensor]:
    """Precision, recall and coverage by picture, of features ``(n, d)``; balls reach to the k-th of the same kind."""
    reach_found, reach_real = (torch.cdist(x, x).kthvalue(k + 1).values for x in (found, real))
    near, around = torch.cdist(found, real) <= reach_real, torch.cdist(found, real) <= reach_found[:, None]
    return {"precision": near.any(1), "recall": around.any(0), "coverage": near.any(0)}


def evaluate_generation(root: Path, run: Run, baselines: Path, minutes: float = 4.0) -> list[Number]:
    """Measure as many scenes as there are val pictures of sea and mountains, and keep the numbers.

    DCGAN and our recipe are first trained in ``baselines``, for so many minutes of computing each, or go on there.
    DataError: no such pictures. WeightsError: no weights. ConfigError: they cannot generate.
    """
    real, learned = (center_crops(load_images(scene_files(root, split), 64), 64) for split in ("val", "train"))
    model, n, (network, judge) = ColorStyle.load(run.weights), len(real), perceptual_network()
    scenes = model.generate(n).images
    rgb = {"real": real, run.method: torch.stack([to_tensor(scene) for scene in scenes])}
    rgb["recolored"] = torch.stack([to_tensor(model.colorize(scene).image) for scene in scenes])
    noise = torch.randn(n, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    spectra = torch.fft.fft2(learned[spread(len(learned), n)])  # as in photographs, phases shifted at random
    rgb["noise"] = torch.fft.ifft2(spectra * torch.exp(1j * torch.fft.fft2(1 + noise).angle())).real.clamp(0, 1)
    pictures, known = (255 * learned).round().byte(), torch.cat((learned, learned.flip(3)))
    for name, learner in (("dcgan", dcgan_learner(pictures)), ("scenes", scene_learner(learned))):
        trained = train_for(learner, baselines / name, 60 * minutes)
        rgb[name] = trained.rgb(noise.view(n, -1)[:, : trained.noise]).clamp(0, 1)
    lite, rows, numbers = pretrained_efficientnet_lite0(), {}, []
    with torch.no_grad():
        maps = {name: torch.cat([judge(y)[-1].float() for y in x.split(16)]).mean((2, 3)) for name, x in rgb.items()}
        plain = {name: nnf.normalize(pooled_features(x, lite)) for name, x in {**rgb, "known": known}.items()}
    nearest = {name: torch.cdist(x, plain["known"]).amin(1) for name, x in plain.items()}
    for name in list(rgb)[1:]:
        shares = neighborhoods(maps[name], maps["real"])
        rows[name] = {f"{what}_{network}": mean_of(share.float()) for what, share in shares.items()}
        rows[name][kernel := f"kernel_{network}"] = pair_mean_of(kernel_pairs(maps[name], maps["real"]))
        rows[name]["nearest_efficientnet_lite0"] = ratio_of(nearest[name], nearest["real"])
    for name, rival in ((run.method, "noise"), ("recolored", run.method), ("scenes", "dcgan")):
        rows[name][f"{kernel}_minus_{rival}"] = difference_of(rows[name][kernel], rows[rival][kernel])
    for name, found in rows.items():
        method = ColorMethod(name, None, weights=model.weights_hash if name in (run.method, "recolored") else None)
        noted = {f"generate_{key}": (value, NOTES["generation"][key.split("_")[0]]) for key, value in found.items()}
        numbers += numbers_of([noted], method, "sea_mountain", n, run.provenance(" --generation"))
    merge_results(numbers, run.output)
    return numbers
