"""The scene generator: every part of it counts, a scene depends on its own z alone, older weights stay as they are."""

import pytest
import torch

from colorstyle_lib.config import GeneratorConfig, change, get_preset
from colorstyle_lib.errors import WeightsError
from colorstyle_lib.model.generator import Generator, load_generator, save_generator
from colorstyle_lib.model.scene_generator import SceneGenerator

TINY = get_preset("tiny").generator


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    made = SceneGenerator(8)
    for layer in made.modulation:
        torch.nn.init.normal_(layer.weight, std=0.3)
    return made


def test_every_weight_is_learned(generator):
    generator.train().zero_grad()
    generator.rgb(torch.randn(4, 8)).square().mean().backward()
    assert [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_scene_depends_on_its_own_z_alone(generator):
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together, alone = generator.eval()(z), generator(z[1:2])
    assert together.shape == (3, 3, 64, 64)
    assert torch.allclose(together[1:2], alone, atol=1e-3)
    assert (together[0] - together[1]).abs().mean() > 0.1


def test_lab_is_within_its_range_however_large_z_is(generator):
    with torch.no_grad():
        lab = generator.eval()(100 * torch.randn(4, 8))
    assert lab.dtype == torch.float32
    assert 0 <= lab[:, 0].min() <= lab[:, 0].max() <= 100
    assert lab[:, 1:].abs().max() <= 110


def test_color_outside_the_screens_range_still_has_a_gradient():
    generator = SceneGenerator(8).train()
    with torch.no_grad():
        generator.head.bias.copy_(torch.tensor([1.0, 0.9, -0.9]))  # far outside sRGB
    rgb = generator.rgb(torch.randn(4, 8))
    assert rgb.max() > 1 or rgb.min() < 0
    rgb.mean().backward()
    assert (generator.head.bias.grad != 0).all()


def test_weights_carry_it_and_those_without_it_load_as_before(tmp_path):
    torch.manual_seed(0)
    plain = Generator(TINY)
    save_generator(plain, tmp_path / "plain.safetensors")
    assert GeneratorConfig().scenes == 0
    assert not hasattr(load_generator(tmp_path / "plain.safetensors"), "scenes")
    whole = Generator(change(TINY, scenes=8))
    whole.load_state_dict(plain.state_dict(), strict=False)
    save_generator(whole, tmp_path / "whole.safetensors")
    loaded, z = load_generator(tmp_path / "whole.safetensors"), torch.randn(2, 8)
    assert {n for n in loaded.state_dict() if n not in plain.state_dict()} == {
        n for n in loaded.state_dict() if n.startswith("scenes.")
    }
    with torch.no_grad():
        assert (loaded.scenes(z) - whole.eval().scenes(z)).abs().max() < 0.5  # half precision
    plain.config = change(TINY, scenes=8)
    save_generator(plain, tmp_path / "torn.safetensors")
    with pytest.raises(WeightsError, match="scenes"):  # its part is missing
        load_generator(tmp_path / "torn.safetensors")
