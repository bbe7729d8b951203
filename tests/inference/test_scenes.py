"""`generate`, the call and the command: seeds, walks, truncation, provenance, and bad input in one line."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import open_picture, read_text, to_tensor
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.model.modalities import describe


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    generator = Generator(change(get_preset("tiny").generator, scenes=8))
    torch.nn.init.normal_(generator.scenes.head.weight, std=0.2)
    for norm in (part for part in generator.scenes.modules() if isinstance(part, torch.nn.BatchNorm2d)):
        norm.momentum = None  # a plain mean over the batches below
    for batch in range(5):  # statistics of its batch norms, as training would leave them
        generator.scenes.train()(torch.randn(32, 8, generator=torch.Generator().manual_seed(batch)))
    path = tmp_path_factory.mktemp("weights") / "scenes.safetensors"
    save_generator(generator, path)
    return path


@pytest.fixture(scope="module")
def model(weights):
    return ColorStyle.load(weights)


def apart(one, other):
    return np.abs(np.asarray(one, int) - np.asarray(other, int)).mean()


def test_a_seed_means_the_same_scenes_for_every_n(model):
    three, forty = model.generate(3, 5).images, model.generate(40, 5).images
    assert [image.size for image in three] == [(64, 64)] * 3
    assert [image.tobytes() for image in three] == [image.tobytes() for image in forty[:3]]
    assert min(apart(one, other) for one, other in pairwise(forty)) > 1
    assert apart(three[0], model.generate(1, 6).images[0]) > 1


def test_a_walk_goes_from_one_seeds_scene_to_the_others(model):
    walk = model.generate(9, 5, toward=6).images
    assert apart(walk[0], model.generate(1, 5).images[0]) < 0.05
    assert apart(walk[-1], model.generate(1, 6).images[0]) < 0.05
    steps = [apart(one, other) for one, other in pairwise(walk)]
    assert max(steps) < apart(walk[0], walk[-1])
    assert min(steps) > 0


def test_truncation_takes_variety_away_down_to_none(model):
    def variety(truncation):
        images = model.generate(16, 1, truncation=truncation).images
        return np.stack([np.asarray(image, float) for image in images]).std(0).mean()

    assert variety(0.0) == 0
    assert 0 < variety(0.5) < variety(1.0)


def test_provenance_tells_how_to_make_a_scene_again(model, tmp_path):
    results = model.generate(3, 7, truncation=0.8).results
    path = results[2].save(tmp_path / "scene.png")
    told = json.loads(read_text(path)["colorstyle"])
    assert told["task"] == "generate"
    assert told["weights_sha256"] == model.weights_hash
    again = model.generate(told["n"], told["seed"], toward=told["toward"], truncation=told["truncation"])
    assert again.images[told["number"] - 1].tobytes() == open_picture(path).tobytes()


@pytest.mark.parametrize("guide", ["palette", "sketch"])
def test_scenes_follow_a_palette_and_a_sketch(guide, tmp_path):
    """Of the released weights; the target is a scene of another seed, so it can be reached."""
    model = ColorStyle.load()
    target = model.generate(1, 9).images[0]
    target.save(tmp_path / "target.png")

    def distance(images):
        found = describe(rgb_to_lab(torch.stack([to_tensor(image) for image in [target, *images]])))
        if guide == "palette":
            return (found.vectors[0][1:] - found.vectors[0][0]).square().sum(1)
        return (found.maps[2][1:] - found.maps[2][0]).square().mean((1, 2, 3))

    plain, guided = model.generate(3, 5), model.generate(3, 5, **{guide: tmp_path / "target.png"})
    before, after = distance(plain.images), distance(guided.images)
    assert bool((after < before).all())
    assert after.mean() < 0.6 * before.mean()
    assert guided.results[0].provenance["guided_by"] == [{"palette": "color", "sketch": "shape"}[guide]]
    assert guided.images[0].tobytes() == model.generate(1, 5, **{guide: target}).images[0].tobytes()
    assert apart(*guided.images[:2]) > 1  # each stays a scene of its own


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n": 0}, "n is 1 to"),
        ({"n": -3}, "n is 1 to"),
        ({"n": 10**6}, "n is 1 to"),
        ({"seed": -1}, "a seed is"),
        ({"seed": 2**63}, "a seed is"),
        ({"toward": -1}, "a seed is"),
        ({"truncation": -0.1}, "truncation is"),
        ({"truncation": 1.5}, "truncation is"),
        ({"truncation": float("nan")}, "truncation is"),
    ],
)
def test_bad_input_is_one_clear_line(model, options, says):
    with pytest.raises(ConfigError, match=says) as caught:
        model.generate(**options)
    assert "\n" not in str(caught.value)


def test_weights_without_this_part_say_so(tmp_path, capsys):
    save_generator(Generator(get_preset("tiny").generator), tmp_path / "plain.safetensors")
    with pytest.raises(ConfigError, match="cannot generate"):
        ColorStyle.load(tmp_path / "plain.safetensors").generate()
    assert main(["generate", "--weights", str(tmp_path / "plain.safetensors"), "-o", str(tmp_path / "out")]) == 2
    assert "cannot generate" in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_folder_and_replaces_nothing(weights, isolated, capsys):
    command = ["generate", "-n", "3", "--seed", "1", "-o", "out", "--weights", str(weights)]
    assert main(command) == 0
    assert "3 generated in 'out'" in capsys.readouterr().out
    assert sorted(p.name for p in Path("out").iterdir()) == [f"scene-000{i}.png" for i in (1, 2, 3)]
    first = Path("out/scene-0001.png").read_bytes()
    assert json.loads(read_text(Path("out/scene-0001.png"))["colorstyle"])["seed"] == 1
    assert main([*command, "--truncation", "0.5"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("out/scene-0001.png").read_bytes() == first
    for wrong in (["-n", "-2"], ["--truncation", "2"], ["--seed", "-1"]):
        assert main_status(["generate", "--weights", str(weights), "-o", "other", *wrong]) == 2
    assert not Path("other").exists()


def main_status(command):
    try:
        return main(command)
    except SystemExit as stop:  # argparse's own
        return stop.code
