"""The metric atlas: each pair of measures by hand, where they must part, and the command from pictures to numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from colorstyle_lib import paths
from colorstyle_lib.cli.main import parser
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.batches import ImageStore
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab
from colorstyle_lib.metrics.feature_distance import frechet_distance, kernel_distance
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.model.pretrained import pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod
from colorstyle_lib.reproduction.benchmarks import coloring
from colorstyle_lib.reproduction.benchmarks.coloring import (
    REAL,
    colorfulness_rows,
    measure,
    psnr_rows,
    size_rows,
    sizes_of,
    square_rows,
    stretch,
)
from colorstyle_lib.reproduction.benchmarks.runner import numbers_of
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results


def numbers(rows, n: int = 2) -> dict[str, Number]:
    here = Provenance("colorstyle evaluate --atlas --data ROOT", "full", "abc", "CPU")
    return {number.metric: number for number in numbers_of([rows], GRAY, "drawn", n, here)}


def values(rows, n: int = 2) -> dict[str, float]:
    return {metric: number.value for metric, number in numbers(rows, n).items()}


def drawn(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, 16, generator=torch.Generator().manual_seed(seed))


def test_a_perfect_method_is_perfect_and_gray_is_gray():
    rgb = synthetic.scenes(4, 32, seed=1).rgb
    perfect = ColorMethod("perfect", lambda rgb: rgb_to_lab(rgb)[:, 1:])
    columns = measure([perfect, GRAY], rgb, pooling=pretrained_efficientnet_lite0(), perceptual=lambda rgb: [rgb])
    found, gray, real = (columns[name] for name in ("perfect", "gray", REAL))
    torch.testing.assert_close(found["colorfulness"], colorfulness(rgb), rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(found["features"], real["features"], rtol=1e-2, atol=1e-2)
    assert found["psnr_rgb"].min() > 60
    torch.testing.assert_close(gray["psnr_ab"], psnr_ab(torch.zeros(4, 2, 32, 32), rgb_to_lab(rgb)[:, 1:]))
    assert list(values(colorfulness_rows(found, real), 4).values()) == pytest.approx([1] * 4, abs=1e-3)


def test_differences_and_aggregations_are_told_apart():
    found = {"colorfulness": torch.tensor([10.0, 25.0]), "colorfulness_absolute": torch.tensor([4.0, 20.0])}
    real = {"colorfulness": torch.tensor([5.0, 50.0]), "colorfulness_absolute": torch.tensor([4.0, 40.0])}
    assert values(colorfulness_rows(found, real)) == pytest.approx(
        {
            "colorfulness_signed_ratio_of_means": 35 / 55,
            "colorfulness_signed_mean_of_ratios": 1.25,
            "colorfulness_absolute_ratio_of_means": 24 / 44,
            "colorfulness_absolute_mean_of_ratios": 0.75,
        }
    )


def test_psnr_stands_beside_that_of_gray():
    found = {"psnr_ab": torch.tensor([28.0, 30.0]), "psnr_rgb": torch.tensor([24.0, 25.0])}
    ours, gray = psnr_rows(found, {"psnr_ab": torch.tensor([25.0, 26.0]), "psnr_rgb": torch.tensor([22.0, 22.0])})
    assert values(ours) == pytest.approx(
        {"psnr_ab": 29.0, "psnr_ab_minus_gray": 3.5, "psnr_rgb": 24.5, "psnr_rgb_minus_gray": 2.5}
    )
    assert values(gray) == pytest.approx({"psnr_ab": 25.5, "psnr_rgb": 22.0})


def test_few_pictures_inflate_the_frechet_distance_alone():
    ours, real = drawn(60, 1) + 0.5, drawn(60, 2)
    measured = numbers(size_rows(ours, real, 10, 60), 60)
    found = {metric: number.value for metric, number in measured.items()}
    assert found["kernel_n60"] == pytest.approx(kernel_distance(ours, real))
    assert found["frechet_n60"] == pytest.approx(frechet_distance(ours, real))
    assert found["kernel_n10"] == pytest.approx(found["kernel_n60"], rel=0.25)
    assert found["frechet_n10"] > 1.5 * found["frechet_n60"]
    assert measured["kernel_n10"].interval[0] < found["kernel_n60"] < measured["kernel_n10"].interval[1]
    assert measured["frechet_n10"].interval[0] > found["frechet_n60"]
    assert [measured[f"{metric}_n10"].n for metric in ("kernel", "frechet")] == [10, 10]
    assert "rank-deficient: n = 10 pictures for 16 dimensions" in measured["frechet_n10"].note
    assert "rank-deficient" not in measured["frechet_n60"].note + measured["kernel_n10"].note


def test_sizes_are_100_and_300_where_there_are_as_many():
    assert [sizes_of(n) for n in (300, 442, 100, 6)] == [(100, 300), (100, 300), (33, 100), (2, 6)]


def test_stretching_keeps_everything_and_squeezes_it():
    wide = torch.zeros(3, 4, 8, dtype=torch.uint8)
    wide[:, :, :2] = 255  # a quarter of the width, which a crop would cut off
    squares = stretch(ImageStore([wide], ["a"]), 4)
    assert squares.shape == (1, 3, 4, 4)
    assert squares.mean().item() == pytest.approx(0.25, abs=0.01)
    assert squares[0, 0, 0, 0] > 0.8 > 0.01 > squares[0, 0, 0, 3]


def test_crop_and_stretch_are_compared_pairwise():
    cropped = {
        "colorfulness": torch.tensor([10.0, 20.0, 30.0]),
        "psnr_ab": torch.tensor([20.0, 30.0, 40.0]),
        "features": drawn(3, 1),
    }
    real = {"colorfulness": torch.tensor([20.0, 20.0, 20.0]), "features": drawn(3, 2)}
    stretched = cropped | {"psnr_ab": cropped["psnr_ab"] + 0.5, "features": drawn(3, 1) + 1}
    measured = numbers(square_rows((cropped, real), (stretched, real)), 3)
    assert measured["crop_psnr_ab"].value == pytest.approx(30)
    assert measured["stretch_psnr_ab"].value == pytest.approx(30.5)
    paired = measured["stretch_minus_crop_psnr_ab"]
    assert (paired.interval[0], paired.value, paired.interval[1]) == pytest.approx((0.5, 0.5, 0.5))
    assert measured["crop_colorfulness_ratio"].value == pytest.approx(1)
    expected = kernel_distance(stretched["features"], real["features"])
    assert measured["stretch_kernel"].value == pytest.approx(expected)


# The command.
@pytest.fixture
def root(tmp_path: Path, isolated: Path, monkeypatch) -> Path:
    """Drawings of two data sets, one of which is not square; results of their own."""
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(coloring, "_SUBSETS", 5)
    for i, picture in enumerate(synthetic.scenes(7, 48, seed=1).rgb):
        for name, shown in (("square", picture), ("wide", picture[:, :40])):
            file = tmp_path / "data" / name / "val" / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            to_picture(shown).save(file)
    return tmp_path / "data"


def run(*arguments: object) -> int:
    parsed = parser().parse_args(["evaluate", "--atlas", *map(str, arguments)])
    return parsed.command(parsed)


def test_pictures_become_numbers_at_addresses_of_their_own(root: Path, tmp_path: Path, capsys):
    weights = tmp_path / "mine.safetensors"
    torch.manual_seed(0)
    save_generator(Generator(get_preset("tiny").generator).eval(), weights)
    assert run("--weights", weights, "--data", root, "--limit", 6) == 0
    found = read_results(paths.RUNS / "results.json")
    assert all(n.metric.startswith("atlas.") for n in found.values())
    assert {(n.data, n.method) for n in found.values()} == {
        (data, method) for data in ("square", "wide") for method in ("mine", "gray")
    }
    one = found["wide/mine/atlas.stretch_minus_crop_psnr_ab"]
    assert one.command == "colorstyle evaluate --atlas --weights mine.safetensors --name mine --data ROOT --limit 6"
    assert (one.n, one.mode) == (6, "quick")
    assert one.weights
    assert found["wide/gray/atlas.psnr_ab"].weights is None
    assert not [key for key in found if key.startswith("square") and "stretch" in key]
    few = found["square/mine/atlas.frechet_n2"]
    assert few.n == 2
    assert "rank-deficient: n = 2 pictures for 320 dimensions" in few.note
    assert found["square/mine/atlas.frechet_n6"].interval is None
    told = capsys.readouterr().out
    assert "frechet_n2" in told
    assert few.text(4) in told


def test_what_does_not_go_together_is_refused(root: Path):
    with pytest.raises(ConfigError, match="needs real images"):
        run()
    with pytest.raises(ConfigError, match="leave --demo and --opponents out"):
        run("--demo")
    with pytest.raises(ConfigError, match="at least 2"):
        run("--data", root, "--limit", 3, "--output", root / "r.json")
