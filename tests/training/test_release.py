"""One command trains all tasks, phase by phase, survives being cut, and merges what each phase learned."""

import json
from dataclasses import replace

import pytest
import torch
from random_vgg import vgg

from colorstyle_lib import ColorStyle
from colorstyle_lib.config import TrainOptions
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.images.write import save_picture
from colorstyle_lib.model.generator import load_generator
from colorstyle_lib.training import saved_run, state
from colorstyle_lib.training import train_on_folder as release
from colorstyle_lib.training.train_on_folder import train_release


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A root with two classes of drawn scenes, and VGG-19 of nobody's weights."""
    folder = tmp_path_factory.mktemp("release")
    for i, picture in enumerate(synthetic.scenes(12, 64, seed=1).rgb):
        home = folder / "root/scenes" / ("val" if i < 4 else "train") / ("sea", "mountain")[i % 2]
        save_picture(to_picture(picture), home / f"{i}.png")
    with pytest.MonkeyPatch.context() as patched:
        for module in (release, state):
            patched.setattr(module, "load_vgg19", vgg)
        patched.setattr(release, "scene_learner", lambda *given: _small(release_learner(*given)))
        yield TrainOptions("tiny", (str(folder / "root"),), steps=8, output=folder / "out", release=True)


@pytest.fixture(scope="module")
def finished(options):
    return train_release(options)


release_learner = release.scene_learner


def _small(learner):
    learner.config = replace(learner.config, batch_size=4)
    return learner


def test_one_file_does_every_task_and_each_part_is_its_phases(finished):
    output, model = finished.parent, ColorStyle.load(finished)
    photo = to_picture(synthetic.scenes(1, 64, seed=5).rgb[0])
    assert model.colorize(photo).image.size == model.stylize(photo, photo).image.size == photo.size
    assert model.enhance(photo).image.size == photo.size
    assert model.generate(1).images[0].size == (64, 64)
    whole, phases = load_generator(finished), {}
    for number, name in enumerate(("color", "restyling", "repairing"), start=1):
        phases[name] = load_generator(output / f"{number}-{name}/generator.safetensors").state_dict()
    for key, value in whole.state_dict().items():
        part = key.split(".")[0]
        if part != "scenes":
            assert torch.equal(value, phases[part if part in phases else "color"][key]), key
    card = json.loads(finished.with_suffix(".json").read_text())
    assert card["sha256"] == file_hash(finished)
    assert card["trained"]["command"] == "colorstyle train --preset tiny --data ROOT --steps 8 --seed 0 --release"
    log = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(line["phase"] for line in log)) == ["color", "restyling", "repairing"]
    assert [line["seconds"] for line in log] == sorted(line["seconds"] for line in log)
    assert card["trained"]["seconds"] == round(log[-1]["seconds"])


def test_a_release_that_was_cut_goes_on_and_ends_the_same(options, finished, tmp_path):
    def killed(*given, **more):
        raise KeyboardInterrupt

    options = replace(options, output=tmp_path / "out", resume=True)
    for module, name in ((saved_run, "save_generator"), (release, "_train_scenes")):  # in a phase, and between two
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, name, killed)
            with pytest.raises(KeyboardInterrupt):
                train_release(options)
    done = (tmp_path / "out/1-color/generator.safetensors").stat().st_mtime_ns
    cut = train_release(options)
    assert (tmp_path / "out/1-color/generator.safetensors").stat().st_mtime_ns == done
    one, other = (load_generator(path).state_dict() for path in (finished, cut))
    assert all(torch.equal(one[key], other[key]) for key in one if not key.startswith("scenes."))  # these count seconds


def test_a_finished_release_is_not_replaced_unasked_and_torchrun_is_refused(options, finished, monkeypatch):
    before = finished.read_bytes()
    with pytest.raises(ConfigError, match="add --overwrite"):
        train_release(options)
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(ConfigError, match="without torchrun"):
        train_release(options)
    assert finished.read_bytes() == before


def test_without_sea_and_mountains_there_are_no_scenes(options, tmp_path, capsys):
    save_picture(to_picture(synthetic.scenes(1, 64, seed=1).rgb[0]), tmp_path / "root/photos/train/0.png")
    away = replace(options, data=(str(tmp_path / "root"),))
    assert release._train_scenes(away, tmp_path / "out", 1.0, torch.device("cpu")) == {}
    assert "no data set has folders sea and mountain" in capsys.readouterr().out
