"""The numbers of clips: what is measured, how it is summed up, and the command that measures it."""

import pytest
import torch

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.config import get_preset
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.benchmarks.flicker import PANS, WHOLE_PANS, Pan, clip_numbers, measured_pan, slope
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
    pan = measured_pan(model, "coffee", "waves", (1.3, 0.7), frames=3)
    alone = measured_pan(model, "coffee", "waves", (1.3, 0.7), frames=3, smooth=0.0)
    assert pan.own < pan.plain
    assert pan.smooth < 0.5 * pan.plain
    assert alone.smooth == alone.plain
    assert alone.sharpness == 1


def test_what_is_sharper_has_the_greater_slope():
    picture = torch.rand(3, 20, 30)
    assert slope(picture / 2) == pytest.approx(slope(picture) / 2)
    assert slope(torch.full((3, 8, 8), 0.3)) == 0


def test_means_are_of_ratios_and_failures_are_counted():
    pans = [Pan(0.01, 0.1, 0.008, 0.02, 0.9), Pan(0.02, 0.1, 0.03, 0.02, 0.7)]
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
