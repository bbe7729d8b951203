"""The figures made of demo photographs, which everybody has, by the released weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from colorstyle_lib.color import gray, rgb_to_lab
from colorstyle_lib.course import plots
from colorstyle_lib.course.plots import Captioned
from colorstyle_lib.data import PHOTOGRAPHS, shrink, style
from colorstyle_lib.errors import DataError
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.metrics import bootstrap, psnr_ab, ratio_of
from colorstyle_lib.reproduction.benchmarks import steering
from colorstyle_lib.reproduction.benchmarks.runner import DEMO, load_squares
from colorstyle_lib.reproduction.figures.from_results import KeptFigure

_SIDE, _STYLED_SIDE = 300, 288
_FIRST = ("chelsea", "rocket", "coffee", "china", "flower")
_STYLED = ("astronaut", "chelsea", "coffee", "rocket", "china", "flower")
_STYLES = ("brush", "night", "ink", "watercolor", "waves", "batik", "mosaic", "facets")
_PARTS = 10
_PSNR = f"PSNR ab, dB, against the real photograph, {_SIDE} px of shorter side, 8 bits"


def first_light() -> KeptFigure:
    """Demo photographs in gray, colored by the released weights, and as they were."""
    model = ColorStyle.load()
    real = [shrink(PHOTOGRAPHS[name].open(), _SIDE) for name in _FIRST]
    ours = [model.colorize(p).image for p in real]
    rows = [[_gray(p) for p in real], ours, real]
    figure = plots.captioned_grid(rows, row_titles=["given", "colored by this model", "real"], height=1.8)
    facts = {f"psnr_ab of {name}": _psnr(*pair) for name, *pair in zip(_FIRST, ours, real, strict=True)}
    return _kept(figure, _PSNR, facts, model, _FIRST)


def contact_sheet() -> KeptFigure:
    """All demo photographs: given, colored, two other guesses, told ten colors, real."""
    model, random = ColorStyle.load(), np.random.default_rng(0)
    rows, facts = {way: [] for way in ("given", "colored", "seed 1", "seed 2", "ten hints", "real")}, {}
    for name, photograph in PHOTOGRAPHS.items():
        real = shrink(photograph.open(), _SIDE)
        points = (random.random((steering.HINTS, 2)) * real.size).astype(int).tolist()
        hints = [(x, y, "#" + bytes(real.getpixel((x, y))).hex()) for x, y in points]
        rows["given"].append(Captioned(_gray(real)))
        rows["real"].append(Captioned(real))
        options = {"colored": {}, "seed 1": {"seed": 1}, "seed 2": {"seed": 2}, "ten hints": {"hints": hints}}
        for way, given in options.items():
            ours = model.colorize(real, **given).image
            psnr = facts[f"psnr_ab of {name}, {way}"] = _psnr(ours, real)
            rows[way].append(Captioned(ours, "", f"{psnr:.1f} dB", given.get("hints", ())))
    figure = plots.captioned_grid(list(rows.values()), row_titles=list(rows), height=1.1)
    return _kept(figure, _PSNR, facts, model, list(PHOTOGRAPHS))


def style_sheet() -> KeptFigure:
    """Six photographs (first row) in eight styles (first column). DataError: the released weights only color."""
    model = ColorStyle.load()
    if not model.generator.config.restyling:
        raise DataError("the released weights only color")
    photographs = [shrink(PHOTOGRAPHS[name].open(), _STYLED_SIDE) for name in _STYLED]
    rows, facts = [[Image.new("RGB", (256, 256), "white"), *photographs]], {}
    for style_name in _STYLES:
        picture = to_picture(style(style_name, 256).image)
        made = [model.stylize(photograph, picture).image for photograph in photographs]
        rows.append([picture, *made])
        for name, one, photograph in zip(_STYLED, made, photographs, strict=True):
            change = (to_tensor(one) - to_tensor(photograph)).abs().mean().item()
            facts[f"mean change of {name}, {style_name}"] = change
    figure = plots.captioned_grid(rows, row_titles=["photographs", *_STYLES], height=0.8)
    metric = (
        f"mean absolute difference from the photograph, sRGB in [0, 1], {_STYLED_SIDE} px of shorter side, strength 1"
    )
    return _kept(figure, metric, facts, model, _STYLED, styles=["drawn by this project's own code"])


def calibration() -> KeptFigure:
    """Predicted spread and actual error of the released weights on the demo photographs."""
    model = ColorStyle.load()
    squares = load_squares(None, model.generator.config.working_size)[DEMO]
    unsure, wrong = (cells.cpu() for cells in steering.uncertainty_cells(model.generator, squares).values())
    predicted, actual = steering.calibration(unsure, wrong, _PARTS).T.numpy()
    rank, ends = unsure.flatten().argsort().argsort(), []
    part = (rank * _PARTS // unsure.numel()).view_as(unsure)
    for inside in (part == k for k in range(_PARTS)):  # of the error in each part of all cells, photographs drawn
        estimate = bootstrap(ratio_of((wrong * inside).sum(1), inside.sum(1).float()), len(unsure))
        ends.append((estimate.low**0.5, estimate.high**0.5))
    interval = np.array(ends).T
    each = [steering.calibration(unsure[i : i + 1], wrong[i : i + 1], _PARTS).T.numpy() for i in range(len(squares))]
    figure = plots.calibration(predicted, actual, interval, [(p, a) for p, a in each])
    names = ("predicted spread, by tenth of the cells", "actual error, by tenth")
    names += ("lower end, by tenth", "upper end, by tenth")
    facts = {name: values.tolist() for name, values in zip(names, (predicted, actual, *interval), strict=True)}
    metric = "root mean square ab error in cells of 4 x 4 px, Lab units; interval over photographs, 95 %"
    return replace(_kept(figure, metric, facts, model, list(PHOTOGRAPHS)), formats=("png", "pdf"))


def _gray(picture: Image.Image) -> Image.Image:
    return to_picture(gray(to_tensor(picture)[None])[0])


def _psnr(ours: Image.Image, real: Image.Image) -> float:
    one, other = (rgb_to_lab(to_tensor(p)[None])[:, 1:] for p in (ours, real))
    return psnr_ab(one, other).item()


def _kept(
    figure: Figure, metric: str, facts: Mapping[str, Any], model: ColorStyle, names: Sequence[str], **about: Any
) -> KeptFigure:
    """A figure with the credits of its photographs."""
    credits = [f"{name}: {PHOTOGRAPHS[name].author}, {PHOTOGRAPHS[name].licence}" for name in names]
    about = {"photographs": credits, **about}
    return KeptFigure(figure, metric, len(names), facts, model.weights_hash, about, ("jpg",), "quick")
