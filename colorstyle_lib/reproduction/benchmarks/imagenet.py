"""ImageNet's protocol: coloring its first 5,000 validation images, as the field's tables do, beside published rows."""

import os
import pickle
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from colorstyle_lib import metrics
from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.data import center_crops, decode_images, list_images
from colorstyle_lib.data.layouts import Listing
from colorstyle_lib.errors import DataError, WeightsError, needs_extra
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, load_method, load_peer
from colorstyle_lib.reproduction.benchmarks import runner
from colorstyle_lib.reproduction.results.store import Columns, merge_results

NAME, SIDE, IMAGES = "imagenet-val5k", 256, 5000

_TABLE = tomllib.loads(Path(__file__).with_name("imagenet_val5k.toml").read_text(encoding="utf-8"))
_REAL = ColorMethod("the real pictures", lambda rgb: rgb_to_lab(rgb)[:, 1:])
Networks = Sequence[Callable[..., Tensor]]  # features of uint8 pictures; distances of two batches in [0, 1]


def field_networks() -> Networks:
    """The standard networks of FID and LPIPS, by torchmetrics, which fetches their weights into torch's cache.

    MissingExtraError: torchmetrics or torch-fidelity is not installed. WeightsError: they cannot be had, or hold code.
    """
    with needs_extra("torchmetrics with torch-fidelity", "bench"):
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        try:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
            inception = FrechetInceptionDistance(feature=2048).inception
            return inception, LearnedPerceptualImagePatchSimilarity(net_type="alex").net
        except (OSError, pickle.UnpicklingError) as error:
            reason = str(error).partition("\n")[0]
            raise WeightsError(f"FID and LPIPS need a network once, to fetch their weights: {reason}") from error


def first_images(root: Path) -> Listing:
    """ImageNet's first validation images by name, whatever folders they are in. DataError: there are none."""
    listing = list_images(root, "val")
    numbers = {Path(name).name: i for i, name in enumerate(listing.names)}
    chosen = sorted(name for name in numbers if re.fullmatch(r"ILSVRC2012_val_\d{8}\.JPEG", name))[:IMAGES]
    if not chosen:
        raise DataError(f"no ILSVRC2012_val_*.JPEG in {str(root)!r}; unpack ImageNet's validation images below val/")
    return listing.take([numbers[name] for name in chosen])


def colorfulness(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """:func:`.metrics.colorfulness` with absolute differences, as it is usually programmed (DDColor's code, too)."""
    red, green, blue = (255 * rgb).flatten(2).unbind(dim=1)
    planes = torch.stack(((red - green).abs(), ((red + green) / 2 - blue).abs()))
    return planes.std(dim=2, correction=0).norm(dim=0) + 0.3 * planes.mean(dim=2).norm(dim=0)


@torch.no_grad()
def measure(methods: Sequence[ColorMethod], rgb: Float[Tensor, "n 3 h w"], networks: Networks) -> dict[str, Columns]:
    """The columns of methods by name, of colorings rounded to 8 bits, as files have them."""
    inception, lpips = networks
    parts: dict[str, list[Columns]] = {method.name: [] for method in methods}
    for batch in tqdm(rgb.split(8), disable=None, leave=False):
        for method in methods:
            lab = torch.cat((rgb_to_lab(batch)[:, :1], method.color(batch)), dim=1)
            levels = (255 * lab_to_rgb(fit_gamut(lab))).round().byte()
            shown = levels / 255
            beside = {"psnr_rgb": metrics.psnr_rgb(shown, batch), "lpips": lpips(shown, batch, normalize=True).view(-1)}
            parts[method.name].append({"fid": inception(levels), "colorfulness": colorfulness(shown), **beside})
    return {name: runner.joined(columns) for name, columns in parts.items()}


def evaluate_imagenet(root: Path, run: runner.Run) -> None:
    """Measure weights, gray and peers on ImageNet's first images; keep the numbers, and print them by published rows.

    Errors are those of :func:`.load_method`, :func:`.load_peer`, :func:`field_networks` and :func:`first_images`.
    """
    listing, methods = first_images(root), [load_method(run.method, run.weights), GRAY, *map(load_peer, run.peers)]
    some, networks = listing.take(range(len(listing))[: run.limit]), field_networks()
    rgb = center_crops(decode_images(some.read, some.names, some.groups(), SIDE), SIDE)
    columns = measure([_REAL, *methods], (255 * rgb).round() / 255, networks)
    real, numbers, provenance = columns[_REAL.name], [], run.provenance(f" --protocol {NAME}")
    for method in methods:
        mine = columns[method.name]
        means = {name: metrics.mean_of(mine[name]) for name in ("colorfulness", "psnr_rgb", "lpips")}
        gap = metrics.difference_of(means["colorfulness"], metrics.mean_of(real["colorfulness"]))
        fid = metrics.frechet_distance(mine["fid"], real["fid"])
        values = {"fid": fid, **means, "colorfulness_gap": lambda counts, gap=gap: gap(counts).abs()}
        rows = {metric: (values[metric], note) for metric, note in _TABLE["notes"].items()}
        numbers += runner.numbers_of([rows], method, NAME, len(rgb), provenance)
    merge_results(numbers, run.output)
    runner.print_table(numbers, _TABLE["columns"])
    for name, row in _TABLE["published"].items():
        print(f"{name + ', published':24}" + "".join(f"  {value:>26.2f}" for value in row))
    print(_TABLE["told"])
