"""How much work a run does: which mode is chosen, and what it promises."""

import pytest

from colorstyle_lib import run_mode as modes
from colorstyle_lib.errors import ConfigError


def test_mode_given_beats_variable_and_variable_beats_default(monkeypatch):
    monkeypatch.setenv("COLORSTYLE_MODE", "smoke")
    assert modes.get_mode().name == "smoke"
    assert modes.get_mode("quick").name == "quick"
    monkeypatch.delenv("COLORSTYLE_MODE")
    monkeypatch.delenv("COLORSTYLE_DATA", raising=False)
    assert modes.get_mode().name == "quick"


def test_full_with_a_gpu_and_a_data_root_only(monkeypatch, tmp_path):
    monkeypatch.delenv("COLORSTYLE_MODE", raising=False)
    monkeypatch.setenv("COLORSTYLE_DATA", str(tmp_path))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert modes.get_mode().name == "full"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert modes.get_mode().name == "quick"
    assert modes.get_mode("full").name == "full"
    monkeypatch.delenv("COLORSTYLE_DATA")
    with pytest.raises(ConfigError, match="mode 'full' needs real images"):
        modes.get_mode("full")
    assert modes.get_mode("full", tmp_path).name == "full"


def test_wrong_mode_is_named(monkeypatch):
    with pytest.raises(ConfigError, match="no mode 'quik'; did you mean 'quick'"):
        modes.get_mode("quik")
    monkeypatch.setenv("COLORSTYLE_MODE", "fast")
    with pytest.raises(ConfigError, match="no mode 'fast'"):
        modes.get_mode()


def test_modes_do_the_same_with_less():
    smoke, quick, full = (modes.MODES[name] for name in ("smoke", "quick", "full"))
    for key in ("image_size", "max_images", "max_samples", "repeats", "train_steps"):
        assert 0 < getattr(smoke, key) <= getattr(quick, key) <= getattr(full, key)
