"""The repair benchmark: holes of four kinds against other fills, damage of ten kinds against filters of scikit-image.

Pictures go through the public calls, with 8 bits. Errors are of sRGB in [0, 1], inside holes alone where there are any.
"""

from collections.abc import Callable, Mapping
from unittest.mock import patch

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw, ImageFont
from skimage import exposure, filters, metrics, restoration
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from colorstyle_lib.data.damage import damage
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics import difference_of, mean_of, perceptual_distances, perceptual_network, ratio_of
from colorstyle_lib.model.content import fill_smoothly
from colorstyle_lib.model.repair_decoder import DAMAGES
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.runner import Rows, Run, Squares, numbers_of, with_all
from colorstyle_lib.reproduction.results.store import Columns, Number, cached, merge_results

SIDE = 128  # pixels, of the squares
HOLES = ("scratches", "text", "blots", "quarter")

Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From a picture ``(h, w, 3)`` in [0, 1], and where it is unknown, to the filled picture."""


def hole(kind: str, size: int, seed: int) -> Bool[np.ndarray, "size size"]:
    """A hole: six thin lines, words, three blots of a tenth of the side, or a rectangle of a quarter of the area."""
    rng, image = np.random.default_rng(seed), Image.new("1", (size, size))
    pen = ImageDraw.Draw(image)
    if kind == "scratches":
        for width in rng.integers(1, 4, 6).tolist():
            pen.line(rng.integers(0, size, 6).tolist(), fill=1, width=width)
    elif kind == "text":
        for y in range(size // 16, size - size // 8, size // 5):
            pen.text((size // 16, y), "a photograph of 1921", fill=1, font=ImageFont.load_default(size / 9))
    elif kind == "blots":
        for x, y in rng.integers(size // 8, size - size // 8, (3, 2)).tolist():
            pen.circle((x, y), size / 10, fill=1)
    else:
        top, left = rng.integers(0, size // 2, 2).tolist()
        pen.rectangle((left, top, left + size // 2 - 1, top + size // 2 - 1), fill=1)
    return np.asarray(image).copy()


def fills() -> dict[str, Fill]:
    """Other fills: smooth, biharmonic, and, where OpenCV is installed, Telea's and by Navier-Stokes' equations."""

    def smooth(rgb: np.ndarray, unknown: np.ndarray) -> np.ndarray:
        planes = torch.from_numpy(rgb).movedim(-1, 0)[None]
        return fill_smoothly(planes, torch.from_numpy(~unknown)[None, None])[0].movedim(0, -1).numpy()

    def biharmonic(rgb: np.ndarray, unknown: np.ndarray) -> np.ndarray:
        # scikit-image 0.26 leaves the end of its index arrays as the memory was; with zeros there it is right.
        with patch("skimage.restoration.inpaint.np.empty", np.zeros):
            return restoration.inpaint_biharmonic(np.float64(rgb), unknown, channel_axis=-1)

    ways: dict[str, Fill] = {"smooth_fill": smooth, "biharmonic": biharmonic}
    try:
        import cv2
    except ImportError:
        return ways
    for name, flag in (("telea", cv2.INPAINT_TELEA), ("navier_stokes", cv2.INPAINT_NS)):
        ways[name] = lambda rgb, unknown, flag=flag: (
            cv2.inpaint(np.rint(rgb * 255).astype(np.uint8), unknown.astype(np.uint8), 3, flag) / 255
        )
    return ways


FILTERS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "clahe": lambda rgb: exposure.equalize_adapthist(rgb, clip_limit=0.01),
    "unsharp mask": lambda rgb: filters.unsharp_mask(rgb, 1.0, 1.0, channel_axis=-1),
    "gray world": lambda rgb: rgb * (rgb.mean() / rgb.mean((0, 1)).clip(1e-3)),
    "nonlocal means": lambda rgb: restoration.denoise_nl_means(rgb, h=0.06, fast_mode=True, channel_axis=-1),
    "total variation": lambda rgb: restoration.denoise_tv_chambolle(rgb, 0.05, channel_axis=-1),
}


def damaged(kind: str, rgb: Float[Tensor, "3 h w"], seed: int) -> Float[Tensor, "3 h w"]:
    """One kind of damage at half its strength, all at a third; or a kind that training never shows."""
    if kind == "large blur":
        return gaussian_blur(rgb, [15, 15], [2.5, 2.5])
    if kind == "salt and pepper":
        random = torch.rand(rgb.shape[-2:], generator=torch.Generator().manual_seed(seed))
        return torch.where(random < 0.02, 0.0, torch.where(random > 0.98, 1.0, rgb))
    if kind == "dark":
        return rgb**1.8
    amounts = torch.tensor([[0.33 if kind == "all" else 0.5 * (kind == name) for name in DAMAGES]])
    return damage(rgb[None], amounts, [seed])[1][0]


KINDS = (*DAMAGES, "all", "large blur", "salt and pepper", "dark")


@torch.no_grad()
def fill_errors(model: ColorStyle, rgb: Float[Tensor, "n 3 h w"], kind: str) -> Columns:
    """Of one kind of holes, columns for each fill: ``error/NAME`` and ``ssim/NAME`` inside, ``perceptual/NAME`` of all.

    The error is squared; the perceptual distance is one of whole pictures, which differ in the hole alone.
    """
    rows, (_, judge) = [], perceptual_network()
    for i, picture in enumerate(rgb):
        unknown, true = hole(kind, rgb.shape[-1], i), np.asarray(to_picture(picture)) / np.float32(255)
        given = np.where(unknown[..., None], np.float32(1), true)
        mine = model.inpaint(np.rint(given * 255).astype(np.uint8), unknown).image
        made = {"released": np.asarray(mine) / np.float32(255)}
        made |= {name: np.float32(fill(given, unknown).clip(0, 1)) for name, fill in fills().items()}
        levels = judge(torch.from_numpy(np.float32([*made.values(), true])).movedim(-1, 1))
        *maps, wanted = (list(one) for one in zip(*(level.split(1) for level in levels), strict=True))
        rows.append({f"error/{name}": np.square(one - true)[unknown].mean() for name, one in made.items()})
        for (name, one), features in zip(made.items(), maps, strict=True):
            _, map_of = metrics.structural_similarity(one, true, channel_axis=-1, data_range=1, full=True)
            rows[-1][f"ssim/{name}"] = map_of[unknown].mean()
            rows[-1][f"perceptual/{name}"] = perceptual_distances(features, wanted)
    return {name: torch.tensor([float(row[name]) for row in rows]) for name in rows[0]}


@torch.no_grad()
def enhance_errors(model: ColorStyle, rgb: Float[Tensor, "n 3 h w"], kind: str) -> Columns:
    """Mean squared error of pictures with one kind of damage, or ``clean``: given, enhanced, and by each filter."""
    rows = []
    for i, picture in enumerate(rgb):
        given = picture if kind == "clean" else damaged(kind, picture, i)
        image, true = to_picture(given), np.asarray(to_picture(picture)) / np.float32(255)
        made = {"given": np.asarray(image) / np.float32(255), "released": np.asarray(model.enhance(image).image) / 255}
        made |= {name: filtered(made["given"]).clip(0, 1) for name, filtered in FILTERS.items()}
        rows.append({name: float(np.square(one - true).mean()) for name, one in made.items()})
    return {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}


def decibels(errors: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """PSNR; at most 60 dB."""
    return -10 * errors.clamp_min(1e-6).log10()


def repair_rows(by_kind: Mapping[str, Columns]) -> Rows:
    """The metrics of both tasks from the columns of each kind."""
    rows: dict = {}
    holes = {kind: by_kind[kind] for kind in HOLES}
    total = {name: sum(one[name] for one in holes.values()) for name in holes[HOLES[0]]}
    others = [name.removeprefix("error/") for name in total if name.startswith("error/") and name != "error/released"]
    for other in others:
        note = "squared error inside holes of four kinds, ratio of means"
        rows[f"inpaint_error_over_{other}"] = ratio_of(total["error/released"], total[f"error/{other}"]), note
        for kind, columns in holes.items():
            mine, theirs = (mean_of(decibels(columns[f"error/{name}"])) for name in ("released", other))
            rows[f"inpaint_psnr_{kind}_minus_{other}"] = difference_of(mine, theirs), "dB inside holes"
            mine, theirs = (mean_of(columns[f"ssim/{name}"]) for name in ("released", other))
            rows[f"inpaint_ssim_{kind}_minus_{other}"] = difference_of(mine, theirs), "inside holes"
            mine, theirs = (columns[f"perceptual/{name}"] for name in ("released", other))
            rows[f"inpaint_perceptual_{kind}_over_{other}"] = ratio_of(mine, theirs), "of the picture, ratio of means"
    for kind, columns in holes.items():
        rows[f"inpaint_psnr_{kind}"] = mean_of(decibels(columns["error/released"])), "dB inside holes"
    error, before = (sum(by_kind[kind][name] for kind in DAMAGES) for name in ("released", "given"))
    rows["enhance_error_over_damaged"] = ratio_of(error, before), "squared error over the six kinds, ratio of means"
    for kind in KINDS:
        slug, columns = kind.replace(" ", "_"), by_kind[kind]
        mine, given = mean_of(decibels(columns["released"])), mean_of(decibels(columns["given"]))
        rows[f"enhance_psnr_{slug}_minus_damaged"] = difference_of(mine, given), "dB"
        best = max(FILTERS, key=lambda name: float(decibels(columns[name]).mean()))
        note = f"dB; the best filter here: {best}"
        rows[f"enhance_psnr_{slug}_minus_best_filter"] = difference_of(mine, mean_of(decibels(columns[best]))), note
    clean = decibels(by_kind["clean"]["released"])
    rows["enhance_psnr_clean"] = mean_of(clean), "dB from a picture that nothing was done to; at most 60"
    rows["enhance_clean_above_40"] = mean_of((clean >= 40).float()), "share of pictures"
    return rows


def evaluate_repair(squares: Squares, run: Run) -> list[Number]:
    """Measure and keep both tasks, by data set and of all. WeightsError: no weights. ConfigError: none for repair."""
    model, provenance, measured = ColorStyle.load(run.weights), run.provenance(" --repair"), {}
    ways = dict.fromkeys(HOLES, fill_errors) | dict.fromkeys((*KINDS, "clean"), enhance_errors)
    for data, rgb in squares.items():
        print(f"{data}: {len(rgb)} pictures")
        measured[data] = {
            kind: cached(lambda m=measure, k=kind, p=rgb: m(model, p, k), rgb, model.weights_hash, kind, measure)
            for kind, measure in ways.items()
        }
    numbers, method = [], ColorMethod(run.method, None, weights=model.weights_hash)
    for data, by_kind in with_all(measured, run.together).items():
        numbers += numbers_of([repair_rows(by_kind)], method, data, len(by_kind["clean"]["given"]), provenance)
    merge_results(numbers, run.output)
    return numbers
