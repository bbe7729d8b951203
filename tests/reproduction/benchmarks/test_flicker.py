"""Flicker: 0 for what only moves; the numbers of clips, and the command that measures them."""

import pytest
import torch

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.benchmarks.flicker import (
    PANS,
    WHOLE_PANS,
    clip_numbers,
    flicker,
    measured_pan,
    pan,
    slope,
)
from colorstyle_lib.reproduction.results.store import Provenance, read_results
from colorstyle_lib.training.state import new_generator


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    generator = new_generator(get_preset("tiny"))
    torch.manual_seed(1)
    for weight in generator.restyling.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_generator(generator, path, preset="tiny")
    return path


def test_a_pan_is_measured_from_all_sides(weights):
    model = ColorStyle.load(weights)
    one = measured_pan(model, "coffee", "waves", (1.3, 0.7), frames=3)
    alone = measured_pan(model, "coffee", "waves", (1.3, 0.7), frames=3, smooth=0.0)
    assert one["input"] < one["plain"]
    assert one["smooth"] < 0.5 * one["plain"]
    assert alone["smooth"] == alone["plain"]
    assert alone["sharpness"] == 1


def test_what_is_sharper_has_the_greater_slope():
    picture = torch.rand(3, 20, 30)
    assert slope(picture / 2) == pytest.approx(slope(picture) / 2)
    assert slope(torch.full((3, 8, 8), 0.3)) == 0


def test_means_are_of_ratios_and_failures_are_counted():
    names = ("input", "plain", "smooth", "painted_on", "sharpness")
    values = (0.01, 0.1, 0.008, 0.02, 0.9), (0.02, 0.1, 0.03, 0.02, 0.7)
    pans = [dict(zip(names, some, strict=True)) for some in values]
    provenance = Provenance("c", "full", "x", "cpu")
    numbers = {n.metric: n for n in clip_numbers(pans, PANS, "ours", "abc", provenance)}
    assert numbers["flicker_smooth"].value == pytest.approx((0.8 + 1.5) / 2)
    assert numbers["flicker_plain"].value == pytest.approx((10 + 5) / 2)
    assert numbers["flicker_smooth_worst"].value == pytest.approx(1.5)
    assert numbers["flicker_smooth_above"].value == 1
    assert numbers["sharpness_smooth"].value == pytest.approx(0.8)
    assert numbers["flicker_smooth"].interval == pytest.approx((0.8, 1.5))
    levels = {n.metric: n for n in clip_numbers(pans, WHOLE_PANS, "ours", "abc", provenance)}
    assert levels["flicker_smooth"].value == pytest.approx(0.019 * 255)
    assert levels["flicker_input"].value == pytest.approx(0.015 * 255)


def test_the_command_measures_and_keeps(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("colorstyle_lib.reproduction.benchmarks.flicker._FRAMES", 2)
    output = tmp_path / "r.json"
    command = ["evaluate", "--clips", "--weights", str(weights), "--limit", "2", "--output", str(output)]
    assert main(command) == 0
    numbers = read_results(output)
    assert numbers["pans/tiny/flicker_smooth"].n == 2
    assert "--clips --weights tiny.safetensors" in numbers["whole_pans/tiny/flicker_plain"].command
    assert "pans/tiny/flicker_smooth_worst" in capsys.readouterr().out
    assert main([*command, "--demo"]) == 2
    assert "--clips does not go with --demo" in capsys.readouterr().err


@pytest.fixture(scope="module")
def picture():
    return photograph("china").open().resize((240, 160))


def clip(picture, step, frames: int = 4, size: int = 96):
    return torch.stack([to_tensor(frame) for frame in pan(picture, frames, step, size)])


@pytest.mark.parametrize("step", [(2.0, 1.0), (-1.0, 3.0), (0.0, 0.0)])
def test_a_pan_by_whole_pixels_has_none(picture, step):
    frames = clip(picture, step)
    assert flicker(frames, step) < 1e-4
    assert flicker(frames, (step[0] + 1, step[1])) > 0.02  # the wrong motion is not taken back


def test_a_pan_by_parts_of_a_pixel_has_little(picture):
    frames = clip(picture, (1.3, 0.7))
    assert 0 < flicker(frames, (1.3, 0.7)) < 0.3 * flicker(frames, (0.0, 0.0))


def test_what_flickers_is_measured(picture):
    frames = clip(picture, (2.0, 1.0)) * 0.8
    frames[1::2] += 0.1
    assert flicker(frames, (2.0, 1.0)) == pytest.approx(0.1, abs=2e-3)


def test_what_cannot_be_done_is_refused(picture):
    with pytest.raises(ConfigError, match="at least 2 frames"):
        pan(picture, 1)
    with pytest.raises(ConfigError, match="leaves a picture"):
        pan(picture, 50, (3.0, 0.0), 120)
    with pytest.raises(ConfigError, match="at least 2 frames"):
        flicker(torch.rand(1, 3, 20, 20), (1.0, 0.0))
    with pytest.raises(ConfigError, match="nothing in common"):
        flicker(torch.rand(2, 3, 20, 20), (12.0, 0.0))
