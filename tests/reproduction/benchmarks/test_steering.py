"""What steering is worth: what each measure compares, on a small generator whose answers can be predicted."""

from pathlib import Path

import pytest
import torch

from colorstyle_lib import paths
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.metrics.bootstrap import bootstrap
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.benchmarks.runner import ALL
from colorstyle_lib.reproduction.benchmarks.steering import (
    calibration,
    evaluate_steering,
    hint_errors,
    reference_errors,
    sample_errors,
    steering_statistics,
    uncertainty_cells,
)
from colorstyle_lib.reproduction.results.store import Provenance

HERE = Provenance("colorstyle evaluate", "quick", "abc", "CPU")


@pytest.fixture(scope="module")
def rgb() -> torch.Tensor:
    return synthetic.scenes(4, 64, seed=1).rgb


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    generator = Generator(change(get_preset("tiny").generator, colors="bins")).eval().requires_grad_(False)
    # What steers starts at 0, and colors start pale: as if it had learned something.
    for weight in (*generator.steering.parameters(), generator.from_noise.weight):
        weight.add_(0.3 * torch.randn(weight.shape))
    generator.head[-1].weight.mul_(30)
    return generator


def test_a_reference_is_the_other_half_and_the_left_half_is_judged(rgb: torch.Tensor, generator: Generator):
    columns = reference_errors(generator, rgb)
    left = rgb_to_lab(rgb[..., :32])
    alone = generator(gray_content(left[:, :1]))
    error = (alone - left[:, 1:]).square().sum(1).mean((1, 2))
    torch.testing.assert_close(columns["automatic"], error)
    assert not torch.allclose(columns["reference"], columns["automatic"], rtol=1e-3)
    # The colors of the right half change only the answer by reference.
    gray_right = torch.cat((rgb[..., :32], rgb[..., 32:].mean(1, keepdim=True).expand(-1, 3, -1, -1)), dim=-1)
    other = reference_errors(generator, gray_right)
    torch.testing.assert_close(other["automatic"], columns["automatic"])
    assert not torch.allclose(other["reference"], columns["reference"], rtol=1e-3)


def test_hints_tell_the_truth_and_are_not_judged_where_they_stand(rgb: torch.Tensor, generator: Generator):
    few, many = (hint_errors(generator, rgb, count=count) for count in (2, 60))
    assert (many["hints"].mean() - many["automatic"].mean()) < 0.9 * (few["hints"].mean() - few["automatic"].mean())
    torch.testing.assert_close(hint_errors(generator, rgb, count=2)["hints"], few["hints"])
    assert not torch.allclose(hint_errors(generator, rgb, count=2, seed=1)["hints"], few["hints"])


def test_jitters_have_the_samples_variance(rgb: torch.Tensor, generator: Generator):
    columns = sample_errors(generator, rgb, count=4)
    assert (columns["spread"] > 0.01).all()
    assert (
        columns["best_sample"]
        <= columns["single"] + columns["spread"] * 4 + 2 * (columns["single"] * 4 * columns["spread"]).sqrt()
    ).all()
    # A generator that does not hear z: all samples are the guess, and so are the jitters.
    deaf = Generator(generator.config).eval().requires_grad_(False)
    silent = sample_errors(deaf, rgb, count=4)
    assert silent["spread"].abs().max() < 1e-6
    torch.testing.assert_close(silent["best_sample"], silent["single"])
    torch.testing.assert_close(silent["best_jitter"], silent["single"], rtol=1e-3, atol=1e-3)


def test_with_one_seed_the_best_jitter_is_a_shift_of_the_samples_size(rgb: torch.Tensor, generator: Generator):
    columns = sample_errors(generator, rgb, count=1)
    z = torch.randn(1, generator.config.noise, generator=torch.Generator().manual_seed(0)).expand(4, -1)
    content, truth = gray_content(rgb_to_lab(rgb)[:, :1]), rgb_to_lab(rgb)[:, 1:]
    guess, sample = generator(content), generator(content, z=z)
    torch.testing.assert_close(columns["spread"], (sample - guess).square().sum(1).mean((1, 2)))
    torch.testing.assert_close(columns["best_sample"], (sample - truth).square().sum(1).mean((1, 2)))
    # |guess + s - truth|^2 = |guess - truth|^2 + 2 s . (mean of guess - truth) + |s|^2, and |s|^2 is the spread.
    mean = (guess - truth).mean((2, 3)).norm(dim=1)
    moved = columns["best_jitter"] - columns["single"] - columns["spread"]
    assert (moved.abs() <= 2 * columns["spread"].sqrt() * mean * 1.001 + 1e-3).all()


def test_who_knows_how_wrong_it_is_is_calibrated():
    unsure = torch.rand(6, 400, generator=torch.Generator().manual_seed(0)) * 20
    right = steering_statistics("uncertainty", {"unsure": unsure, "wrong": unsure.square()})
    found = {name: bootstrap(statistic, 6, resamples=20).value for name, statistic in right.items()}
    surest = unsure[unsure < unsure.quantile(0.25)].square().mean().sqrt()
    assert found["error_where_sure"] == pytest.approx(surest.item(), rel=0.01)
    assert found["error_unsure_over_sure"] == pytest.approx(found["error_where_unsure"] / found["error_where_sure"])
    curve = calibration(unsure, unsure.square())
    torch.testing.assert_close(curve[:, 0], curve[:, 1])
    assert (curve[:, 0].diff() > 0).all()
    blind = steering_statistics("uncertainty", {"unsure": unsure, "wrong": torch.full_like(unsure, 9.0)})
    assert bootstrap(blind["error_unsure_over_sure"], 6, resamples=20).value == pytest.approx(1)


def test_cells_average_pixels(rgb: torch.Tensor, generator: Generator):
    unsure, wrong = uncertainty_cells(generator, rgb).values()
    assert unsure.shape == wrong.shape == (4, 256)
    lab = rgb_to_lab(rgb)
    error = (generator(gray_content(lab[:, :1])) - lab[:, 1:]).square().sum(1)
    torch.testing.assert_close(wrong.mean(1), error.mean((1, 2)))
    assert (unsure > 0).all()


def test_everything_that_can_be_steered_gets_its_numbers(rgb, generator, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    method = ColorMethod("tiny", lambda x: x[:, :2], generator, "hash", (0,))
    squares = {"land": rgb, "sea": rgb.flip(-1)}
    numbers = {n.key: n for n in evaluate_steering(method, squares, squares, HERE)}
    for metric in ("reference_error_over_automatic", "hints_error_over_automatic", "best_of_8_over_jitters"):
        assert [numbers[f"{data}/tiny/{metric}"].n for data in ("land", "sea", ALL)] == [4, 4, 8]
    ratio, above, below = (
        numbers[f"all/tiny/{m}"].value
        for m in ("reference_error_over_automatic", "reference_error", "reference_error_automatic")
    )
    assert ratio == pytest.approx(above / below)
    again = {n.key: n for n in evaluate_steering(method, squares, squares, HERE)}
    assert again == numbers
    assert evaluate_steering(ColorMethod("gray", lambda x: x[:, :2]), squares, squares, HERE) == []
    plain = Generator(change(get_preset("tiny").generator, attention="none", noise=0)).eval()
    assert evaluate_steering(ColorMethod("plain", lambda x: x[:, :2], plain, "p"), squares, squares, HERE) == []
