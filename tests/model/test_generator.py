import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import PRESETS, change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.batches import ImageStore
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.files import file_hash
from colorstyle_lib.inference.guided_upsampling import guided_coefficients, rows_at_size
from colorstyle_lib.metrics.coloring import colorfulness, psnr_ab
from colorstyle_lib.model.content import content_planes, gray_content
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.weights import load_generator, save_generator


def drawn_store(n=12, size=56):
    images = (synthetic.scenes(n, size, seed=3).rgb * 255).round().byte()
    return ImageStore(list(images), [str(i) for i in range(n)], [], [0] * n)


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


def test_content_says_what_is_known_and_hides_what_is_not():
    lab = torch.tensor([50.0, 60.0, -70.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    light = torch.tensor([[True, True], [False, False]])[None, None]
    color = torch.tensor([[True, False], [True, False]])[None, None]
    planes = content_planes(lab, light, color)
    assert planes[0, 0].flatten().tolist() == [0.5, 0.5, 0, 0]
    assert planes[0, 1].flatten().tolist() == pytest.approx([60 / 110, 0, 60 / 110, 0])
    assert torch.equal(planes[:, 3:], torch.cat((light, color), 1).float())
    gray = gray_content(lab[:, :1].clone())
    assert gray[0, 1:3].abs().max() == 0
    assert gray[0, 3].min() == 1
    assert gray[0, 4].max() == 0


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


@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40), st.data())
def test_rows_equal_those_of_the_whole(small_height, small_width, height, width, data):
    planes = torch.rand(1, 2, small_height, small_width, generator=torch.Generator().manual_seed(small_height))
    top = data.draw(st.integers(0, height - 1))
    bottom = data.draw(st.integers(top + 1, height))
    whole = nnf.interpolate(planes, size=(height, width), mode="bilinear", align_corners=False)
    assert torch.allclose(rows_at_size(planes, top, bottom, height, width), whole[..., top:bottom, :], atol=1e-5)


def test_guided_filter_keeps_chroma_on_its_side_of_an_edge():
    guide = torch.full((1, 1, 16, 16), 20.0)
    guide[..., 8:] = 80
    chroma = torch.where(guide > 50, 40.0, -40.0)
    slope, offset = guided_coefficients(guide, chroma)
    assert torch.allclose(slope * guide + offset, chroma, atol=2.5)
    blurred = nnf.avg_pool2d(chroma, 7, 1, 3, count_include_pad=False)
    assert (slope * guide + offset - chroma).abs().max() < 0.1 * (blurred - chroma).abs().max()


def test_guided_filter_smooths_where_lightness_is_flat():
    chroma = torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    slope, offset = guided_coefficients(torch.full((1, 1, 32, 32), 50.0), chroma)
    assert slope.abs().max() < 1e-3
    assert offset.std() < 0.3 * chroma.std()


def test_metrics_by_hand():
    off_by_one = psnr_ab(torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 4, 4))
    assert off_by_one.item() == pytest.approx(48.1308, abs=1e-3)  # 20 log10(255)
    # Half red, half green: rg = +-255, yb = 127.5 in both; spread 255 + 0.3 * |127.5|.
    picture = torch.zeros(1, 3, 1, 2)
    picture[0, 0, 0, 0] = picture[0, 1, 0, 1] = 1
    assert colorfulness(picture).item() == pytest.approx(255 + 0.3 * 127.5, rel=1e-5)
    assert colorfulness(torch.full((1, 3, 4, 4), 0.3)).item() == pytest.approx(0, abs=1e-4)


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
