"""The figures made of demo photographs, which everybody has: what the released weights make of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.color_transfer import gray
from colorstyle_lib.course import plots
from colorstyle_lib.course.plots import Captioned, captioned_grid, picture_grid
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.demo_photos import PHOTOGRAPHS
from colorstyle_lib.errors import MissingExtraError
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.hints import Hint
from colorstyle_lib.metrics.bootstrap import bootstrap, ratio_of
from colorstyle_lib.metrics.coloring import psnr_ab
from colorstyle_lib.reproduction.benchmarks.calibration import calibration, uncertainty_cells
from colorstyle_lib.reproduction.benchmarks.steering import HINTS
from colorstyle_lib.reproduction.figures.sidecar import KeptFigure
from colorstyle_lib.training.validation_samples import demo_squares

_SIDE = 300
_PARTS = 10


def first_light() -> KeptFigure:
    """Demo photographs in gray, colored by the released weights, and as they were."""
    model = ColorStyle.load()
    names = ["chelsea", "rocket", "coffee", "china", "flower"]
    real = [shrink(PHOTOGRAPHS[name].open(), _SIDE) for name in names]
    ours = [model.colorize(p).image for p in real]
    rows = [[_gray(p) for p in real], ours, real]
    figure = picture_grid(rows, row_titles=["given", "colored by this model", "real"], height=1.8)
    facts = {f"psnr_ab of {name}": _psnr(*pair) for name, *pair in zip(names, ours, real, strict=True)}
    return KeptFigure(figure, _PSNR, len(names), facts, weights=model.weights_hash, about=_credits(names))


def contact_sheet() -> KeptFigure:
    """All demo photographs: given, colored, two other guesses, told ten colors, real."""
    model = ColorStyle.load()
    real = {name: shrink(photograph.open(), _SIDE) for name, photograph in PHOTOGRAPHS.items()}
    random = np.random.default_rng(0)
    told = {name: _true_colors(picture, random) for name, picture in real.items()}
    answers = {
        "colored": {name: model.colorize(p).image for name, p in real.items()},
        "seed 1": {name: model.colorize(p, seed=1).image for name, p in real.items()},
        "seed 2": {name: model.colorize(p, seed=2).image for name, p in real.items()},
        "ten hints": {name: model.colorize(p, hints=told[name]).image for name, p in real.items()},
    }
    facts = {
        f"psnr_ab of {name}, {way}": _psnr(ours[name], real[name]) for way, ours in answers.items() for name in real
    }
    rows = [
        [Captioned(_gray(p)) for p in real.values()],
        *(
            [
                Captioned(
                    ours[name], "", f"{facts[f'psnr_ab of {name}, {way}']:.1f} dB", told[name] if "hints" in way else ()
                )
                for name in real
            ]
            for way, ours in answers.items()
        ),
        [Captioned(p) for p in real.values()],
    ]
    figure = captioned_grid(rows, row_titles=["given", *answers, "real"], height=1.1)
    about = _credits(list(real))
    return KeptFigure(figure, _PSNR, len(real), facts, weights=model.weights_hash, about=about)


def demo_calibration() -> KeptFigure:
    """How far off the released weights say they are on the demo photographs, and how far they are."""
    model = ColorStyle.load()
    squares = demo_squares(model.generator.config.working_size)
    if squares is None:
        raise MissingExtraError("a package with demo photographs", "tutorial")
    unsure, wrong = (cells.cpu() for cells in uncertainty_cells(model.generator, squares))
    predicted, actual = calibration(unsure, wrong, _PARTS).T.numpy()
    interval = _over_photographs(unsure, wrong)
    each = [calibration(unsure[i : i + 1], wrong[i : i + 1], _PARTS).T.numpy() for i in range(len(squares))]
    figure = plots.calibration(predicted, actual, interval, [(p, a) for p, a in each])
    facts = {
        "predicted spread, by tenth of the cells": predicted.tolist(),
        "actual error, by tenth": actual.tolist(),
        "lower end, by tenth": interval[0].tolist(),
        "upper end, by tenth": interval[1].tolist(),
    }
    metric = "root mean square ab error in cells of 4 x 4 px, Lab units; interval over photographs, 95 %"
    return KeptFigure(
        figure, metric, len(squares), facts, weights=model.weights_hash, about=_credits(list(PHOTOGRAPHS))
    )


_PSNR = f"PSNR ab, dB, against the real photograph, {_SIDE} px of shorter side, 8 bits"


def _over_photographs(unsure: Tensor, wrong: Tensor) -> np.ndarray:
    """95 % interval of the error in each part of all cells, photographs drawn: (2, parts)."""
    rank = torch.empty_like(unsure).flatten()
    rank[unsure.flatten().argsort()] = torch.arange(unsure.numel(), dtype=unsure.dtype)
    part = (rank * _PARTS / unsure.numel()).long().view_as(unsure)
    ends = []
    for k in range(_PARTS):
        inside = part == k
        estimate = bootstrap(ratio_of((wrong * inside).sum(1), inside.sum(1).float()), len(unsure))
        ends.append((estimate.low**0.5, estimate.high**0.5))
    return np.array(ends).T


def _gray(picture: Image.Image) -> Image.Image:
    return to_picture(gray(to_tensor(picture)[None])[0])


def _psnr(ours: Image.Image, real: Image.Image) -> float:
    one, other = (rgb_to_lab(to_tensor(p)[None])[:, 1:] for p in (ours, real))
    return psnr_ab(one, other).item()


def _true_colors(picture: Image.Image, random: np.random.Generator) -> list[Hint]:
    """The real color at random points, as a person would tell it."""
    points = (random.random((HINTS, 2)) * picture.size).astype(int).tolist()
    return [(x, y, "#" + bytes(picture.getpixel((x, y))).hex()) for x, y in points]


def _credits(names: Sequence[str]) -> dict[str, list[str]]:
    return {"photographs": [f"{name}: {PHOTOGRAPHS[name].author}, {PHOTOGRAPHS[name].licence}" for name in names]}
