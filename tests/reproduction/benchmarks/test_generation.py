"""The generation benchmark: its measures by hand, DCGAN, and a whole run on a small root."""

import pytest
import torch

from colorstyle_lib.config import change, get_preset
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.reproduction.benchmarks import generation
from colorstyle_lib.reproduction.benchmarks.generation import dcgan_learner, neighborhoods
from colorstyle_lib.reproduction.benchmarks.runner import Run
from colorstyle_lib.reproduction.results.store import read_results
from colorstyle_lib.training.loop import training_loop


def test_neighborhoods_by_hand():
    real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])  # reach to the nearest other: 1, 1, 1, 8
    found = torch.tensor([[0.5], [1.5], [3.5], [20.0]])  # reach: 1, 1, 2, 16.5
    shares = neighborhoods(found, real, k=1)
    assert shares["precision"].tolist() == [True, True, True, False]  # 3.5 is within reach of the one at 10
    assert shares["recall"].tolist() == [True, True, True, True]  # 10 is within reach of the one at 20
    assert shares["coverage"].tolist() == [True, True, True, True]
    one_mode = neighborhoods(torch.tensor([[0.5], [0.51], [0.52], [0.53]]), real, k=1)
    assert one_mode["precision"].all()
    assert not one_mode["recall"].any()
    assert one_mode["coverage"].tolist() == [True, True, False, False]


def test_dcgan_learns():
    torch.manual_seed(0)
    learner = dcgan_learner(torch.full((8, 3, 64, 64), 200, dtype=torch.uint8))
    losses = [float(found.means()["discriminator"]) for _, _, found in training_loop(learner, 3)]
    assert losses[-1] < losses[0]
    rgb = learner.state.average.rgb(torch.randn(2, 100))
    assert rgb.shape == (2, 3, 64, 64)
    assert 0 <= rgb.min() <= rgb.max() <= 1


@pytest.fixture
def root(tmp_path):
    random = torch.Generator().manual_seed(0)
    for split, count in (("train", 10), ("val", 8)):
        for name in ("sea", "mountain", "street"):
            for i in range(count):
                path = tmp_path / "root/scenes" / split / name / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                to_picture(torch.rand(3, 1, 1, generator=random) * torch.rand(3, 64, 64, generator=random)).save(path)
    return tmp_path / "root"


def test_a_whole_run_gives_every_number(root, tmp_path, monkeypatch):
    torch.manual_seed(0)
    lite = generation.pretrained_efficientnet_lite0()
    monkeypatch.setattr(generation, "perceptual_network", lambda: ("other", lambda rgb: lite(rgb)[:2]))
    read = []
    load = generation.load_images
    monkeypatch.setattr(generation, "load_images", lambda paths, side: read.append(paths) or load(paths, side))
    save_generator(Generator(change(get_preset("tiny").generator, scenes=8)), tmp_path / "mine.safetensors")
    run = Run(tmp_path / "results.json", tmp_path / "mine.safetensors")
    numbers = generation.evaluate_generation(root, run, tmp_path / "opponents", minutes=1e-6)
    assert [(len(paths), {p.parent.name for p in paths}) for paths in read] == [
        (16, {"sea", "mountain"}),
        (20, {"sea", "mountain"}),
    ]
    assert {n.key: n for n in numbers} == read_results(tmp_path / "results.json")
    per_method = {"nearest_efficientnet_lite0", "kernel_other", "precision_other", "recall_other", "coverage_other"}
    per_method = {f"generate_{one}" for one in per_method}
    others = {"mine": "noise", "scenes": "dcgan"}
    by_key = {n.key: n.value for n in numbers}
    for method in ("mine", "scenes", "dcgan", "noise"):
        rival = others.get(method)
        kernels = {one for one in per_method if "kernel" in one}
        differences = {f"{one}_minus_{rival}" for one in kernels if rival}
        assert {n.metric for n in numbers if n.method == method} == per_method | differences
        for one in kernels if rival else ():
            apart = by_key[f"sea_mountain/{method}/{one}"] - by_key[f"sea_mountain/{rival}/{one}"]
            assert by_key[f"sea_mountain/{method}/{one}_minus_{rival}"] == pytest.approx(apart)
    assert all(n.interval and n.n == 16 and n.note for n in numbers)
    assert sorted(path.name for path in (tmp_path / "opponents").iterdir()) == ["dcgan", "scenes"]
    again = generation.evaluate_generation(root, run, tmp_path / "opponents", minutes=1e-6)  # nothing left to train
    assert [(n.key, n.value) for n in again] == [(n.key, pytest.approx(n.value)) for n in numbers]
