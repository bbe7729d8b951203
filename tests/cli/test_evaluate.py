"""`colorstyle opponents` and `colorstyle evaluate`, from the command line to the file of numbers."""

from pathlib import Path

import pytest
import torch
from made_numbers import number_of

from colorstyle_lib import paths
from colorstyle_lib.cli.main import parser
from colorstyle_lib.config import get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.metrics import feature_distance as metrics_perceptual
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.reproduction.baselines import recipes
from colorstyle_lib.reproduction.benchmarks import unified_vs_specialists
from colorstyle_lib.reproduction.results.store import Provenance, read_results


def run(*arguments: object) -> int:
    parsed = parser().parse_args([str(a) for a in arguments])
    return parsed.command(parsed)


@pytest.fixture
def root(tmp_path: Path, isolated: Path, monkeypatch) -> Path:
    """Drawn pictures as a data root; results of their own."""
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)
    monkeypatch.setattr(metrics_perceptual.torch.hub, "get_dir", lambda: str(tmp_path))
    for split, count in (("train", 6), ("val", 3)):
        for i, picture in enumerate(synthetic.scenes(count, 48, seed=1).rgb):
            file = tmp_path / "data" / "drawn" / split / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            to_picture(picture).save(file)
    return tmp_path / "data"


def test_weights_and_opponents_become_numbers_and_a_table(root: Path, tmp_path: Path, capsys):
    torch.manual_seed(0)
    for path in (tmp_path / "mine.safetensors", tmp_path / "rivals" / "l1" / "l1.safetensors"):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_generator(Generator(get_preset("tiny").generator).eval(), path)
    asked = ("--weights", tmp_path / "mine.safetensors", "--data", root, "--opponents", tmp_path / "rivals")
    assert run("evaluate", *asked, "--limit", 2) == 0
    found = read_results(paths.RUNS / "results.json")
    assert {n.method for n in found.values()} == {"mine", "gray", "l1"}
    one = found["drawn/mine/psnr_ab_minus_l1"]
    assert one.command == "colorstyle evaluate --weights mine.safetensors --name mine --data ROOT --limit 2"
    assert (one.mode, one.n) == ("quick", 2)
    assert "drawn/mine/reference_error_over_automatic" in found
    told = capsys.readouterr().out
    assert "drawn, n = 2" in told
    assert found["drawn/gray/psnr_ab"].text(2) in told


def test_a_peer_is_measured_beside(root: Path, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "somebody.py").write_text("def color(gray):\n    return gray // 2\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert run("evaluate", "--data", root, "--limit", 2, "--peer", "somebody:color") == 0
    found = read_results(paths.RUNS / "results.json")
    one = found["drawn/somebody:color/psnr_ab"]
    assert one.value == pytest.approx(found["drawn/gray/psnr_ab"].value, abs=0.05)  # gray, but for rounding
    assert one.command == "colorstyle evaluate --data ROOT --limit 2 --peer somebody:color"
    assert "drawn/released/psnr_ab_minus_somebody:color" in found
    assert one.text(2) in capsys.readouterr().out
    with pytest.raises(ConfigError, match="--style does not go with --peer"):
        run("evaluate", "--style", "--data", root, "--peer", "somebody:color")


def test_opponents_are_trained_one_after_the_other(root: Path, tmp_path: Path, monkeypatch, capsys):
    asked = []

    def train(recipe, store, folder, *, seconds, seed, styles):
        asked.append((recipe.name, len(store), folder.name, seconds, seed))
        assert styles == ("styles" if recipe.name == "joint" else None)
        return folder / f"{recipe.name}.safetensors"

    monkeypatch.setattr(recipes, "train_baseline", train)
    monkeypatch.setattr(recipes, "style_store", lambda at, names, side: "styles" if at == root else None)
    assert run("opponents", "--data", root, "--minutes", "0.5", "--seed", 3) == 0
    assert asked == [(name, 6, name, 30.0, 3) for name in ("l1", "pix2pix", "bins", "ours")]
    assert str(paths.RUNS / "opponents" / "ours" / "ours.safetensors") in capsys.readouterr().out
    asked.clear()
    assert run("opponents", "joint", "--data", root, "--minutes", "0.5") == 0
    assert asked == [("joint", 6, "joint", 60.0, 0)]  # it learns the work of two


def test_one_model_and_two_specialists_are_measured_and_printed(root: Path, monkeypatch, capsys):
    metrics = {"all": "colorfulness_over_color_specialist", "style_pairs": "style_style_minus_style_specialist"}
    here = Provenance("colorstyle evaluate --specialists --data ROOT", "full", "abc", "CPU")
    numbers = [
        number_of(metric, "joint", data, Estimate(0.97, 0.96, 0.98, 9), here) for data, metric in metrics.items()
    ]
    monkeypatch.setattr(unified_vs_specialists, "evaluate_specialists", lambda *folders, **options: numbers)
    assert run("evaluate", "--specialists", "--data", root) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("all/joint/colorfulness_over_color_specialist")
    assert second.startswith("style_pairs/joint/style_style_minus_style_specialist")
    assert "0.9700 [0.9600, 0.9800]" in second


def test_what_cannot_be_measured_is_refused(root: Path, capsys):
    with pytest.raises(ConfigError, match="needs real images"):
        run("evaluate")
    with pytest.raises(ConfigError, match="at least 2"):
        run("evaluate", "--data", root, "--limit", 1)
    with pytest.raises(ConfigError, match="did you mean 'bins'"):
        run("opponents", "bin", "--data", root)
    with pytest.raises(SystemExit):
        run("opponents", "--minutes", "0")
    assert "minutes above 0" in capsys.readouterr().err
