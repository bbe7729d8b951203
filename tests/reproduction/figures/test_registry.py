"""The figures of the repository: whole, small, with a sidecar that agrees; and found out where one does not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_texts import house_style, texts  # noqa: F401
from made_numbers import number_of
from PIL import Image

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.errors import DataError
from colorstyle_lib.inference.colorstyle import released_card
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.benchmarks.coloring import KERNEL, KNOB_SETTINGS
from colorstyle_lib.reproduction.figures import from_results
from colorstyle_lib.reproduction.figures.from_results import Panel, intervals
from colorstyle_lib.reproduction.figures.registry import (
    FIGURES,
    KeptFigure,
    check_figures,
    keep_figure,
    make_figures,
    read_sidecar,
)
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results

HERE = Provenance("colorstyle evaluate", "full", "abc1234", "CPU")
LOOKED_UP = ("opponents", "steering", "training")
KEPT = sorted(path.stem for path in paths.FIGURES.glob("*.json") if path.stem in FIGURES)


def made(metric: str, method: str, data: str, value: float) -> Number:
    return number_of(metric, method, data, Estimate(value, value - 1, value + 2, 9), HERE)


def test_the_first_figures_are_kept():
    assert {"first_light", "contact_sheet", "calibration", *LOOKED_UP} <= set(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_figure_is_small_and_knows_what_it_shows(name: str):
    sidecar = read_sidecar(name)
    assert {file.removeprefix(f"{name}.") for file in sidecar["files"]} in ({"jpg"}, {"svg"}, {"png", "pdf"})
    for file in sidecar["files"]:
        assert (paths.FIGURES / file).stat().st_size < 400_000, file
    asked = {"metric", "n", "seed", "command", "mode", "weights_sha256", "commit", "hardware", "torch", "facts"}
    assert asked <= sidecar.keys()
    assert sidecar["command"] == f"colorstyle figures make {name}"
    assert sidecar["facts"]
    assert sidecar["weights_sha256"] in (None, released_card()["sha256"])
    for credit in sidecar.get("photographs", []):
        assert credit.split(":")[0] in PHOTOGRAPHS


def test_no_picture_is_kept_without_a_sidecar():
    pictures = {p.stem for p in paths.FIGURES.iterdir() if p.suffix in (".jpg", ".png", ".pdf")}
    assert pictures <= {p.stem for p in paths.FIGURES.glob("*.json")}


def test_figures_of_recorded_numbers_agree_with_them(tmp_path: Path, capsys):
    assert main(["figures", "check", *LOOKED_UP]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1].strip() for line in told[:-1]] == ["agrees"] * 3
    assert told[-1] == "3 checked, 0 differ, 0 not checked"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda sidecar: sidecar["facts"].update({"all/released/psnr_ab": [30.0, 29.0, 31.0]}), "30 kept, "),
        (
            lambda sidecar: sidecar["facts"].update({"all/released/new": [1.0]}),
            "all/released/new: kept, but not made now",
        ),
        (lambda sidecar: sidecar["facts"].pop("all/released/psnr_ab"), "all/released/psnr_ab: made now, but not kept"),
        (lambda sidecar: sidecar.update(weights_sha256="0" * 64), "weights_sha256: 0000"),
        (lambda sidecar: sidecar["files"].update({"opponents.png": "0" * 64}), "opponents.png is not the file"),
    ],
)
def test_a_figure_that_drifted_is_told(damage, said: str, tmp_path: Path):
    for file in paths.FIGURES.glob("opponents.*"):
        shutil.copy(file, tmp_path)
    assert check_figures(["opponents"], tmp_path)[0].problems == ()
    sidecar = read_sidecar("opponents", tmp_path)
    damage(sidecar)
    (tmp_path / "opponents.json").write_text(json.dumps(sidecar), encoding="utf-8")
    (found,) = check_figures(["opponents"], tmp_path)
    assert said in "\n".join(found.problems)
    assert found.lines[0].startswith("opponents: DIFFERS: ")


def test_photographs_are_colored_again_and_compared():
    (found,) = check_figures(["first_light"])
    assert found.problems == (), found.lines


def test_what_is_not_there_is_told(tmp_path: Path, capsys, monkeypatch):
    (found,) = check_figures(["opponents"], tmp_path)
    assert "make it with: colorstyle figures make opponents" in found.problems[0]
    monkeypatch.setattr(from_results, "read_results", dict)
    (skipped,) = check_figures(["style_pareto"], tmp_path)
    assert (skipped.skipped, skipped.problems) == (True, ())
    with pytest.raises(DataError, match="no numbers of style transfer"):
        make_figures(["style_pareto"], tmp_path)
    assert main(["figures", "check", "first_ligth"]) == 2
    assert "did you mean 'first_light'" in capsys.readouterr().err


def test_a_figure_is_written_in_every_format_the_same_each_time(tmp_path: Path):
    figure = intervals([Panel("dB", {"ours": {"all": made("psnr_ab", "ours", "all", 20.0)}})])
    facts = {"all/ours/psnr_ab": [20.0, 19.0, 22.0]}
    kept = KeptFigure(figure, "PSNR ab, dB", 9, facts, weights="ab", mode="quick")
    for folder in ("one", "two"):
        assert keep_figure("bars", kept, tmp_path / folder).name == "bars.png"
    first, second = (read_sidecar("bars", tmp_path / folder) for folder in ("one", "two"))
    assert first["files"] == second["files"]
    assert (tmp_path / "one" / "bars.pdf").read_bytes().startswith(b"%PDF")
    assert (first["n"], first["mode"], first["facts"]["all/ours/psnr_ab"]) == (9, "quick", [20.0, 19.0, 22.0])
    (tmp_path / "one" / "bars.json").write_text("{")
    with pytest.raises(DataError, match=r"bars.json is damaged"):
        read_sidecar("bars", tmp_path / "one")


def test_figures_are_written_in_the_house_style(tmp_path: Path):
    with plt.style.context("default"):
        (path,) = make_figures(["training"], tmp_path)
    with Image.open(path) as picture:
        assert picture.info["dpi"] == pytest.approx((130, 130), abs=0.1)


def test_ablations_and_style_are_drawn_from_their_numbers(monkeypatch):
    found = [
        replace(made("psnr_ab_minus_base", "ablation.no_attention", "all", 3.0), seeds=(0, 1), by_seed=(2.0, 4.0)),
        made("psnr_ab_minus_base_seed_sd", "ablation.no_attention", "all", 9.0),
        made("style_content", "ours", "style_pairs", 0.4),
        made("style_style", "ours", "style_pairs", 0.1),
        made("style_content", "ours at 0.5", "style_pairs", 0.2),
        made("style_style", "ours at 0.5", "style_pairs", 0.3),
    ]
    found[1] = replace(found[1], interval=None)
    monkeypatch.setattr(from_results, "read_results", lambda: {n.key: n for n in found})
    changed = from_results.ablations()
    assert list(changed.facts) == ["all/ablation.no_attention/psnr_ab_minus_base"]
    assert "C2  no attention" in texts(changed.figure)
    curve = from_results.style_pareto()
    assert len(curve.facts) == 4
    (line,) = [one for one in curve.figure.axes[0].lines if one.get_marker() == "o"]
    assert np.allclose(line.get_xydata(), [[0.2, 0.3], [0.4, 0.1]])


def test_the_knob_is_drawn_against_colorfulness(monkeypatch):
    monkeypatch.setattr(from_results, "read_results", dict)
    with pytest.raises(DataError, match="no numbers of the colorfulness knob"):
        from_results.knob()
    gains = {f"released, {one}": float(one.split()[3][:-1]) for way in KNOB_SETTINGS.values() for one in way}
    levels = {"colorfulness_ratio": 0.5, "psnr_ab": 20.0, "ciede2000": 10.0, KERNEL: 3.0}
    found = [
        replace(made(metric, method, "knob", level + gains.get(method, 0.0)), mode="quick")
        for method in (*gains, "gray")
        for metric, level in levels.items()
    ]
    monkeypatch.setattr(from_results, "read_results", lambda: {one.key: one for one in found})
    kept = from_results.knob()
    assert set(kept.facts) == {one.key for one in found}
    assert (kept.mode, kept.n, len(kept.figure.axes)) == ("quick", 9, 3)
    upper = kept.figure.axes[0]
    (line,) = [one for one in upper.lines if one.get_marker() == "D"]
    swept = [0.0, 0.014, 0.028, 0.056]
    assert np.allclose(line.get_xydata(), [[50 + 100 * gain, 20 + gain] for gain in swept])
    bars = [one.get_xydata().tolist() for one in upper.lines if one.get_color() == line.get_color()][1:]
    assert any(np.allclose(bar, [[-50, 20], [250, 20]]) for bar in bars)
    assert any(np.allclose(bar, [[50, 19], [50, 22]]) for bar in bars)
    written = texts(kept.figure)
    assert {"0.056", "gray: no model at all", "the real photographs"} <= set(written)
    assert not any("L1" in one for one in written)  # it was not measured


def test_recorded_numbers_of_the_demo_are_there():
    """So that a reviewer without a data root can compute something again."""
    assert {"demo/released/psnr_ab", "demo/gray/psnr_ab"} <= read_results().keys()
