"""The coloring benchmark: equal to what training measures, paired, and not measured twice."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.metrics import feature_distance as metrics_perceptual
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.reproduction.baselines.method import GRAY, ColorMethod, load_method
from colorstyle_lib.reproduction.benchmarks import coloring as benchmark_colorize
from colorstyle_lib.reproduction.benchmarks.coloring import (
    FRECHET,
    KERNEL,
    KNOB,
    KNOB_SETTINGS,
    evaluate_methods,
    methods_at_settings,
)
from colorstyle_lib.reproduction.benchmarks.runner import ALL, load_squares
from colorstyle_lib.reproduction.results import store
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results
from colorstyle_lib.training.validation import evaluate

HERE = Provenance("colorstyle evaluate", "quick", "abc", "CPU")
OWN = "mine, temperature 0.5, gain 0.028, vividness 0"
CONFIG = change(get_preset("tiny").generator, colors="bins", temperature=0.5, gain=0.028)
TURNED = "gain (numbers at the marks), temperature 0.25"
TRUTH = ColorMethod("truth", lambda rgb: rgb_to_lab(rgb)[:, 1:])


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch):
    """Results of their own, and features of the network that is always there."""
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)
    monkeypatch.setattr(metrics_perceptual.torch.hub, "get_dir", lambda: str(tmp_path))


@pytest.fixture(scope="module")
def squares() -> dict[str, torch.Tensor]:
    return {"land": synthetic.scenes(5, 64, seed=1).rgb, "sea": synthetic.scenes(4, 64, seed=2).rgb}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A generator that knows nothing and colors all the same."""
    torch.manual_seed(0)
    generator = Generator(get_preset("tiny").generator).eval()
    with torch.no_grad():
        generator.head.weight.mul_(3)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_generator(generator, path)
    return path


def saved(path: Path, config=CONFIG) -> Path:
    torch.manual_seed(0)
    save_generator(Generator(config).eval(), path)
    return path


def by_key(numbers: list[Number]) -> dict[str, Number]:
    assert len({n.key for n in numbers}) == len(numbers)
    return {n.key: n for n in numbers}


def test_numbers_are_those_of_training_and_of_all_sets_together(squares, weights: Path):
    method = load_method("tiny", weights)
    found = by_key(evaluate_methods([method, GRAY], squares, HERE))
    for data, rgb in (*squares.items(), (ALL, torch.cat(list(squares.values())))):
        measured = evaluate(method.generator, rgb)
        assert found[f"{data}/tiny/psnr_ab"].value == pytest.approx(measured.psnr_ab, rel=1e-5)
        assert found[f"{data}/tiny/colorfulness_ratio"].value == pytest.approx(measured.colorfulness_ratio, rel=1e-4)
        assert found[f"{data}/tiny/psnr_ab"].n == len(rgb)
        assert found[f"{data}/gray/colorfulness_ratio"].value == pytest.approx(0, abs=1e-3)
    assert found["land/tiny/psnr_ab"].weights == file_hash(weights)
    assert found[f"land/gray/{FRECHET}"].interval is None
    difference = found["all/tiny/psnr_ab_minus_gray"]
    assert difference.value == pytest.approx(found["all/tiny/psnr_ab"].value - found["all/gray/psnr_ab"].value)
    assert difference.interval[0] <= difference.value <= difference.interval[1]
    assert not any("minus" in n.metric for n in found.values() if n.method == "gray")


def test_the_truth_is_perfect_by_every_metric_and_gray_is_not(squares):
    found = by_key(evaluate_methods([TRUTH, GRAY], {"land": squares["land"]}, HERE))
    perfect = {
        "colorfulness_ratio": 1.0,
        "ssim": 1.0,
        "ciede2000": 0.0,
        "ab_histogram": 0.0,
        KERNEL: 0.0,
        FRECHET: 0.0,
        "perceptual_efficientnet_lite0": 0.0,
    }
    for metric, value in perfect.items():
        assert found[f"land/truth/{metric}"].value == pytest.approx(value, abs=2e-3), metric
        assert abs(found[f"land/gray/{metric}"].value - value) > 5e-3 or metric == "ssim", metric
    assert found["land/gray/psnr_rgb"].value > found["land/gray/psnr_ab"].value - 60


def test_what_was_measured_is_not_measured_again(squares, weights: Path, monkeypatch):
    methods = [load_method("tiny", weights), GRAY]
    first = evaluate_methods(methods, squares, HERE)
    seen = []
    measure = benchmark_colorize.measure

    def watched(methods, rgb, **options):
        seen.append([m.name for m in methods])
        return measure(methods, rgb, **options)

    monkeypatch.setattr(benchmark_colorize, "measure", watched)
    monkeypatch.setattr(store, "cache_key", _same_source(store.cache_key, watched, measure))
    assert evaluate_methods(methods, squares, HERE) == first
    assert seen == []
    evaluate_methods([*methods, TRUTH], squares, HERE)
    assert seen == [["truth"], ["truth"]]
    seen.clear()
    other = replace(methods[0], weights="other")
    evaluate_methods([other], {"land": 0.9 * squares["land"]}, HERE)
    assert seen == [["tiny"]]


def _same_source(cache_key, watched, measure):
    return lambda *parts: cache_key(*(measure if part is watched else part for part in parts))


def test_two_methods_of_one_name_and_no_pictures_are_refused(squares):
    with pytest.raises(ConfigError, match="the same name"):
        evaluate_methods([GRAY, GRAY], squares, HERE)
    with pytest.raises(ConfigError, match="no val pictures"):
        evaluate_methods([GRAY], {}, HERE)


def test_squares_of_a_data_root(tmp_path: Path):
    for i, picture in enumerate(synthetic.scenes(5, 48, seed=1).rgb):
        for split in ("train", "val"):
            file = tmp_path / "drawn" / split / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            to_picture(picture).save(file)
    every, some = load_squares(tmp_path, 32), load_squares(tmp_path, 32, limit=3)
    assert list(every) == ["drawn"]
    assert every["drawn"].shape == (5, 3, 32, 32)
    torch.testing.assert_close(some["drawn"], every["drawn"][[0, 2, 4]])
    other = tmp_path / "other_root"
    shutil.copytree(tmp_path / "drawn", other / "more")
    shutil.copytree(tmp_path / "drawn", other / "third")
    assert list(load_squares([tmp_path, other], 32)) == ["drawn", "more", "third"]
    assert list(load_squares([tmp_path, other], 32, names=["third", "drawn"])) == ["third", "drawn"]
    with pytest.raises(ConfigError, match="third"):
        load_squares([tmp_path, other], 32, names=["thirt"])


def test_what_is_not_kept_is_measured_in_every_run(squares):
    calls = []

    def color(rgb):
        calls.append(len(rgb))
        return torch.full_like(rgb[:, :2], 10.0 * len(calls))

    peer = ColorMethod("peer", color, keep=False)
    first, second = (by_key(evaluate_methods([GRAY, peer], {"sea": squares["sea"]}, HERE)) for _ in range(2))
    assert calls == [4, 4]
    assert first["sea/peer/psnr_ab"].value != second["sea/peer/psnr_ab"].value
    assert first["sea/gray/psnr_ab"] == second["sea/gray/psnr_ab"]


@torch.no_grad()
def test_all_settings_share_one_forward_pass_and_its_own_answers_as_ever(tmp_path: Path, monkeypatch):
    method = load_method("mine", saved(tmp_path / "mine.safetensors"))
    pictures = synthetic.scenes(2, 96, seed=1).rgb.split(1)  # not the side that the weights work at
    usual = [method.color(rgb) for rgb in pictures]
    passes, forward = [], method.generator.forward_features
    monkeypatch.setattr(method.generator, "forward_features", lambda content: passes.append(1) or forward(content))
    methods = methods_at_settings(method)
    settings = {f"mine, {one}" for way in KNOB_SETTINGS.values() for one in way}
    assert sorted(m.name for m in methods) == sorted(settings)
    chroma = {}
    for rgb, answer in zip(pictures, usual, strict=True):
        answers = {m.name: m.color(rgb) for m in methods}
        torch.testing.assert_close(answers[OWN], answer, rtol=0, atol=0)
        chroma = {name: ab.norm(dim=1).mean() for name, ab in answers.items()}
    assert len(passes) == 2
    assert method.generator.config == CONFIG
    for way in (TURNED, "vividness 0 to 1 (most colorful), gain 0"):
        turned = [chroma[f"mine, {setting}"] for setting in KNOB_SETTINGS[way]]
        assert turned == sorted(turned), way
        assert turned[-1] > 1.1 * turned[0], way
    for way in list(KNOB_SETTINGS)[:2]:
        cold, *_, warm = (chroma[f"mine, {setting}"] for setting in KNOB_SETTINGS[way])
        assert cold > warm


def test_weights_that_predict_no_bins_are_refused(tmp_path: Path):
    weights = saved(tmp_path / "plain.safetensors", change(CONFIG, colors="regression"))
    for method in (load_method("plain", weights), GRAY):
        with pytest.raises(ConfigError, match="predict ab bins"):
            methods_at_settings(method)


def test_settings_gray_and_the_baseline_become_numbers(tmp_path: Path, capsys):
    for i, picture in enumerate(synthetic.scenes(6, 48, seed=1).rgb):
        file = tmp_path / "data" / f"set{i % 2}" / "val" / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        to_picture(picture).save(file)
    (tmp_path / "rivals" / "l1").mkdir(parents=True)
    saved(tmp_path / "rivals" / "l1" / "l1.safetensors", change(CONFIG, colors="regression"))
    mine, output = saved(tmp_path / "mine.safetensors"), tmp_path / "numbers.json"
    asked = ["evaluate", "--knob", "--weights", mine, "--data", tmp_path / "data", "--opponents", tmp_path / "rivals"]
    assert main([str(one) for one in (*asked, "--limit", 2, "--output", output)]) == 0
    assert "knob, n = 4" in capsys.readouterr().out
    found = read_results(output)
    assert {one.data for one in found.values()} == {KNOB}
    assert {"mine", "gray", "l1"} < {one.method for one in found.values()}
    for setting in KNOB_SETTINGS[TURNED]:
        for metric in ("psnr_ab", "ciede2000", KERNEL, "colorfulness_ratio"):
            one = found[f"{KNOB}/mine, {setting}/{metric}"]
            assert one.interval[0] <= one.value <= one.interval[1]
            assert (one.n, one.weights, one.mode) == (4, file_hash(mine), "quick")
            told = "colorstyle evaluate --knob --weights mine.safetensors --name mine --data ROOT --limit 2"
            assert one.command == told
    for other in ("gray", f"mine, {KNOB_SETTINGS[TURNED][0]}"):
        apart = found[f"{KNOB}/mine/psnr_ab"].value - found[f"{KNOB}/{other}/psnr_ab"].value
        assert found[f"{KNOB}/mine/psnr_ab_minus_{other}"].value == pytest.approx(apart)
    own = found[f"{KNOB}/{OWN}/ciede2000"].value
    assert found[f"{KNOB}/mine/ciede2000"].value == pytest.approx(own)
