import dataclasses
import re

import pytest

from colorstyle_lib import config, paths
from colorstyle_lib.errors import ConfigError, DataError


def test_presets_are_frozen_and_named_after_their_keys():
    for name, preset in config.PRESETS.items():
        assert preset.name == name
        with pytest.raises(dataclasses.FrozenInstanceError):
            preset.generator.width = 1
    assert set(config.PRESETS) == {"paper", "companion", "tiny"}


def test_paper_preset_is_the_paper_taken_literally():
    paper = config.get_preset("paper")
    assert paper.generator.encoder == "convolutions"
    assert paper.training.optimizer == "sgd"


def test_sizes_fit_the_number_of_halvings():
    for preset in config.PRESETS.values():
        step = 2**preset.generator.depth
        assert preset.generator.working_size % step == 0
        assert preset.training.crop % step == 0


def test_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="no preset 'compainon'; did you mean 'companion'"):
        config.get_preset("compainon")
    with pytest.raises(ConfigError, match="known: 'companion', 'paper', 'tiny'"):
        config.get_preset("zzz")


def test_unknown_key_names_the_nearest_and_known_ones_change():
    training = config.get_preset("tiny").training
    with pytest.raises(ConfigError, match="TrainingConfig has no 'learning_rat'; did you mean 'learning_rate'"):
        config.change(training, learning_rat=1.0)
    assert config.change(training, learning_rate=0.5).learning_rate == 0.5
    assert training.learning_rate != 0.5


@pytest.mark.parametrize(
    "odd",
    [
        *({"width": wrong} for wrong in ("16", -16, 1.5, True, None)),
        *(
            {"vividness": float("nan")},
            {"modalities": "color"},
            {"attention_at": (4, -8)},
            {"noise": True},
            {"depth": 10**9},
        ),
    ],
)
def test_fields_of_another_kind_are_named(odd):
    ((key, value),) = odd.items()
    with pytest.raises(ConfigError, match=f"GeneratorConfig's {key} is {re.escape(repr(value))}"):
        config.change(config.get_preset("tiny").generator, **odd)


def test_missing_data_root_says_where_the_name_came_from(monkeypatch, tmp_path):
    with pytest.raises(DataError, match=r"the data root .*nowhere"):
        paths.data_root(tmp_path / "nowhere")
    monkeypatch.setenv("COLORSTYLE_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"COLORSTYLE_DATA .*gone"):
        paths.data_root()
    monkeypatch.delenv("COLORSTYLE_DATA")
    assert paths.data_root() is None


def test_mode_given_beats_variable_and_variable_beats_default(monkeypatch):
    monkeypatch.setenv("COLORSTYLE_MODE", "smoke")
    assert config.get_mode().name == "smoke"
    assert config.get_mode("quick").name == "quick"
    monkeypatch.delenv("COLORSTYLE_MODE")
    monkeypatch.delenv("COLORSTYLE_DATA", raising=False)
    assert config.get_mode().name == "quick"


def test_full_with_a_gpu_and_a_data_root_only(monkeypatch, tmp_path):
    monkeypatch.delenv("COLORSTYLE_MODE", raising=False)
    monkeypatch.setenv("COLORSTYLE_DATA", str(tmp_path))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert config.get_mode().name == "full"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert config.get_mode().name == "quick"
    assert config.get_mode("full").name == "full"
    monkeypatch.delenv("COLORSTYLE_DATA")
    with pytest.raises(ConfigError, match="mode 'full' needs real images"):
        config.get_mode("full")
    assert config.get_mode("full", tmp_path).name == "full"


def test_wrong_mode_is_named(monkeypatch):
    with pytest.raises(ConfigError, match="no mode 'quik'; did you mean 'quick'"):
        config.get_mode("quik")
    monkeypatch.setenv("COLORSTYLE_MODE", "fast")
    with pytest.raises(ConfigError, match="no mode 'fast'"):
        config.get_mode()


def test_modes_do_the_same_with_less():
    smoke, quick, full = (config.MODES[name] for name in ("smoke", "quick", "full"))
    for key in ("image_size", "max_images", "max_samples", "repeats", "train_steps"):
        assert 0 < getattr(smoke, key) <= getattr(quick, key) <= getattr(full, key)
