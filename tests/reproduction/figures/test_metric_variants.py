"""The figure of the metric atlas: what is drawn is looked up in the figure."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
from figure_texts import house_style, texts  # noqa: F401

from colorstyle_lib.errors import DataError
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.figures.metric_variants import metric_atlas
from colorstyle_lib.reproduction.results.store import Number, Provenance

HERE = Provenance("colorstyle evaluate --atlas --data ROOT", "full", "abc1234", "2 CPU cores")
SCENES = {
    "colorfulness_signed_ratio_of_means": 0.87,
    "colorfulness_signed_mean_of_ratios": 0.99,
    "colorfulness_absolute_ratio_of_means": 0.9,
    "colorfulness_absolute_mean_of_ratios": 1.03,
    "psnr_ab": 28.5,
    "psnr_rgb": 24.5,
    "kernel_n100": 2.0,
    "kernel_n300": 2.5,
    "frechet_n100": 150.0,
    "frechet_n300": 100.0,
}
UNEVEN = {
    "crop_colorfulness_ratio": 0.8,
    "stretch_colorfulness_ratio": 0.85,
    "stretch_minus_crop_colorfulness_ratio": 0.05,
    "crop_psnr_ab": 25.0,
}


def made(data: str, method: str, metric: str, value: float) -> Number:
    n = int(metric.rpartition("_n")[2]) if "_n" in metric else 300 if data == "scenes" else 100
    note = "features; rank-deficient: n = 100" if metric == "frechet_n100" else ""
    estimate = Estimate(value, 0.9 * value, 1.2 * value, n)
    return Number.of(f"atlas.{metric}", method, data, estimate, HERE, sure=metric != "frechet_n300", note=note)


@pytest.fixture
def numbers() -> dict[str, Number]:
    all_of_them = [made("scenes", "released", *item) for item in SCENES.items()]
    all_of_them += [made("scenes", "gray", "psnr_ab", 27.0), made("scenes", "gray", "psnr_rgb", 23.0)]
    all_of_them += [made("imagenet_sample", "released", *item) for item in UNEVEN.items()]
    return {one.key: one for one in all_of_them}


def dots(ax: plt.Axes) -> list[float]:
    """Where marks are, from the top down; and that the lines beside them are intervals."""
    marks = sorted((y, x) for line in ax.lines if line.get_marker() in ("o", "s") for x, y in line.get_xydata())
    return [pytest.approx(x) for _, x in marks]


def intervals(ax: plt.Axes) -> list[list[float]]:
    spans = [line.get_xydata() for line in ax.lines if line.get_marker() == "None" and line.get_linestyle() == "-"]
    return [pytest.approx(span[:, 0].tolist()) for span in sorted(spans, key=lambda span: span[0, 1])]


def test_every_way_to_measure_is_a_row_with_its_number_and_interval(numbers):
    figure = metric_atlas(numbers)
    colorful, psnr, squares, sizes = figure.axes
    assert dots(colorful) == [87, 99, 90, 103]
    assert intervals(colorful)[0] == [0.9 * 87, 1.2 * 87]
    assert dots(psnr) == [28.5, 27, 24.5, 23]
    assert dots(squares) == [80, 85]
    assert dots(sizes) == [80, 100, 150, 100]  # % of the distance of 300 pictures
    assert len(intervals(sizes)) == 3  # none is claimed for the last
    written = set(texts(figure))
    assert {"signed differences,\nratio of means", "ab", "RGB", "gray", "released", "Fréchet,\nn = 100"} <= written
    assert "stretch minus crop, paired: 5.0 [4.5, 6.0]" in written
    assert "the Fréchet distance is rank-deficient at n = 100" in written
    assert "colorfulness, % of the real; imagenet_sample, n = 100" in written
    assert [label.get_text() for label in sizes.get_yticklabels()] == [
        "kernel,\nn = 100", "kernel,\nn = 300", "Fréchet,\nn = 100", "Fréchet,\nn = 300",
    ]  # fmt: skip


def test_a_number_that_is_not_there_is_named_with_its_command(numbers):
    one = numbers.pop("scenes/gray/atlas.psnr_rgb")
    with pytest.raises(
        DataError, match=r"no number 'scenes/gray/atlas.psnr_rgb'; measure it: colorstyle evaluate --at"
    ):
        metric_atlas(numbers)
    metric_atlas(numbers | {one.key: replace(one, value=24.0)})
