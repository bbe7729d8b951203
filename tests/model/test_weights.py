"""Weights files: their configuration, and damage that is noticed."""

import pytest
import torch
from safetensors.torch import save_file

from colorstyle_lib.config import get_preset
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator, load_generator, save_generator


def test_weights_carry_their_configuration_and_damage_is_noticed(tmp_path):
    generator = Generator(get_preset("tiny").generator).eval()
    path = tmp_path / "w.safetensors"
    digest = save_generator(generator, path)
    loaded = load_generator(path, expected_hash=digest)
    assert digest == file_hash(path)
    assert loaded.config == generator.config
    x = gray_content(torch.rand(1, 1, 16, 16) * 100)
    with torch.no_grad():
        assert torch.allclose(loaded(x), generator(x), atol=0.1)  # Lab units, from half precision
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        load_generator(path, expected_hash="0" * 64)
    with pytest.raises(WeightsError, match="no weights at"):
        load_generator(tmp_path / "none.safetensors")
    damaged = tmp_path / "d.safetensors"
    damaged.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"d\.safetensors holds no generator"):
        load_generator(damaged)
    save_file({"a": torch.zeros(1)}, damaged)
    with pytest.raises(WeightsError, match="holds no generator"):
        load_generator(damaged)
