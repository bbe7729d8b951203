"""Generator: sizes, frozen parts, attention and noise."""

import pytest
import torch
from safetensors.torch import save_file

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import PRESETS, change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator, load_generator, save_generator


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_colors_any_multiple_of_its_step(name):
    generator = Generator(get_preset(name).generator).eval()
    step = 2 ** get_preset(name).generator.depth
    lightness = torch.rand(2, 1, 2 * step, 3 * step) * 100
    with torch.no_grad():
        ab = generator(gray_content(lightness))
    assert tuple(ab.shape) == (2, 2, 2 * step, 3 * step)
    assert ab.abs().max() <= 110
    with pytest.raises(ConfigError, match=f"multiples of {step}"):
        generator(gray_content(torch.rand(1, 1, step + 1, step)))


def test_frozen_encoder_gets_no_gradient_and_stays_frozen_in_training():
    generator = Generator(get_preset("companion").generator).train()
    assert not generator.encoder.training
    generator(gray_content(torch.rand(2, 1, 64, 64) * 100)).sum().backward()
    assert all(p.grad is None for p in generator.encoder.parameters())
    assert next(generator.head.parameters()).grad is not None


@pytest.mark.parametrize(
    ("key", "wrong", "right"), [("encoder", "efficientnet", "efficientnet_lite0"), ("colors", "bin", "bins")]
)
def test_unknown_parts_name_the_nearest(key, wrong, right):
    with pytest.raises(ConfigError, match=f"did you mean '{right}'"):
        Generator(change(get_preset("companion").generator, **{key: wrong}))


@pytest.mark.parametrize("name", PRESETS)
def test_a_gray_picture_gives_color_no_attention_and_a_reference_does(name):
    generator = Generator(get_preset(name).generator).eval()
    scenes = rgb_to_lab(synthetic.scenes(2, 64, seed=5).rgb)
    content = gray_content(scenes[:, :1].clone())
    color = generator.config.modalities.index("color")
    with torch.no_grad():
        _, alone = generator.forward_features(content)
        _, guided = generator.forward_features(content, generator.describe_reference(scenes))
    assert set(alone) == {str(at) for at in generator.config.attention_at}
    for level in alone:
        assert alone[level][:, color].abs().max() == 0
        assert guided[level][:, color].min() > 0
        for alpha in (alone[level], guided[level]):
            assert torch.allclose(alpha.sum(1), torch.ones_like(alpha[:, 0]))
    if name == "paper":
        # Two modalities, and color is absent: the paper's own experiment leaves attention nothing to decide.
        assert all(torch.equal(alpha[:, 1], torch.ones_like(alpha[:, 1])) for alpha in alone.values())


def test_unknown_attention_and_missing_levels_are_named():
    config = get_preset("tiny").generator
    with pytest.raises(ConfigError, match="no attention 'place'; did you mean 'places'"):
        Generator(change(config, attention="place"))
    with pytest.raises(ConfigError, match="no decoder level at 1/16; there are 1/2, 1/4"):
        Generator(change(config, attention_at=(4, 16)))


def test_z_changes_the_coloring_where_there_is_noise():
    generator = Generator(change(get_preset("tiny").generator, noise=4)).eval()
    torch.nn.init.normal_(generator.from_noise.weight)  # it starts at 0
    content = gray_content(torch.rand(1, 1, 16, 16) * 100)
    with torch.no_grad():
        one, two = (generator(content, z=torch.randn(1, 4, generator=torch.Generator().manual_seed(s))) for s in (0, 1))
    assert not torch.equal(one, two)


def test_equal_weights_and_facts_are_equal_files(tmp_path):
    """The order of safetensors' metadata is another each time."""
    generator, facts = Generator(get_preset("tiny").generator), {"preset": "tiny", "steps": "4", "release": "all"}
    digests = {save_generator(generator, tmp_path / f"{i}.safetensors", **facts) for i in range(8)}
    assert len(digests) == 1
    assert load_generator(tmp_path / "0.safetensors").config == generator.config


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
    for bad in (float("nan"), float("inf")):
        next(generator.parameters()).data[0] = bad
        save_generator(generator, damaged)
        with pytest.raises(WeightsError, match="no numbers"):
            load_generator(damaged)
