import pytest
import torch
from PIL import Image

from colorstyle_lib.cli.main import main
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.hints import parse_hint, rasterize_hints
from colorstyle_lib.model.generator import Generator

LIGHT = torch.full((1, 1, 32, 64), 50.0)


@pytest.fixture
def model():
    """Untrained, of every part that steering needs."""
    torch.manual_seed(0)
    config = change(get_preset("tiny").generator, colors="bins")
    generator = Generator(config)
    torch.nn.init.normal_(generator.from_noise.weight)
    for name, layer in generator.named_modules():
        if name.endswith("modulation") and hasattr(layer, "weight"):
            torch.nn.init.normal_(layer.weight)
    return ColorStyle(generator, "", torch.device("cpu"))


@pytest.fixture
def photograph():
    return Image.effect_noise((128, 64), 60).convert("RGB")


def test_a_hint_stands_where_it_was_put_in_its_own_color():
    ab, known = rasterize_hints([(320, 80, "#b5302a")], (640, 320), LIGHT)
    rows, columns = torch.nonzero(known[0, 0], as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 9, 30, 33)  # around (32, 8) of 64 x 32
    red = rgb_to_lab(torch.tensor([0xB5, 0x30, 0x2A]).view(1, 3, 1, 1) / 255)[0, 1:, 0, 0]
    assert torch.equal(ab[0, :, 8, 32], red)
    assert ab[~known.expand_as(ab)].abs().max() == 0


def test_hints_at_the_rim_stay_whole_and_the_later_of_two_stands():
    _, known = rasterize_hints([(0, 0, "#ffffff"), (639, 319, "000000")], (640, 320), LIGHT)
    assert known.sum() == 2 * 16
    twice, _ = rasterize_hints([(9, 9, "#ff0000"), (9, 9, "#0000ff")], (640, 320), LIGHT)
    assert twice[0, 1].min() < -100  # blue's b


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ((640, 0, "#112233"), "the hint at 640,0 lies outside the picture of 640 x 320 pixels"),
        ((-1, 0, "#112233"), "lies outside the picture"),
        ((float("nan"), 0, "#112233"), "lies outside the picture"),
        ((1, 1, "red"), "written #rrggbb, such as #b5302a, not 'red'"),
    ],
)
def test_bad_hints_are_named(hint, said):
    with pytest.raises(ConfigError, match=said):
        rasterize_hints([hint], (640, 320), LIGHT)


def test_the_command_line_reads_hints(tmp_path, photograph, capsys):
    assert parse_hint("120,80,#b5302a") == (120.0, 80.0, "#b5302a")
    photograph.save(tmp_path / "in.png")
    for wrong in ("120,80", "a,b,#112233", ""):
        with pytest.raises(ConfigError, match="a hint is X,Y,#RRGGBB"):
            parse_hint(wrong)
    assert main(["colorize", str(tmp_path / "in.png"), "--hint", "1,2"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["colorize", str(tmp_path / "in.png"), "--hint", "1,2,#ff0000"]) == 0


def test_hints_references_and_seeds_change_the_picture_and_stand_in_its_provenance(model, photograph):
    red = Image.new("RGB", (64, 64), (200, 30, 30))
    red.paste((20, 60, 200), (0, 0, 32, 32))
    plain = model.colorize(photograph)
    changed = {
        "hints": model.colorize(photograph, hints=[(10, 10, "#ff0000")]),
        "seed": model.colorize(photograph, seed=3),
        "reference_sha256": model.colorize(photograph, reference=red),
    }
    for key, result in changed.items():
        assert result.image.tobytes() != plain.image.tobytes(), key
        assert result.provenance[key]
        assert not plain.provenance[key]
    again = model.colorize(photograph, seed=3)
    assert again.image.tobytes() == changed["seed"].image.tobytes()
    assert model.colorize(photograph, seed=4).image.tobytes() != again.image.tobytes()


def test_uncertainty_is_a_map_in_lab_units(model, photograph):
    unsure = model.colorize(photograph).uncertainty
    assert unsure.ndim == 2
    assert unsure.min() >= 0
    assert 20 < unsure.mean() < 90  # untrained, nearly all bins are alike
    with torch.no_grad():
        model.generator.head[-1].weight.zero_()
        model.generator.head[-1].bias.zero_()
        model.generator.head[-1].bias[7] = 100.0
    assert model.colorize(photograph).uncertainty.max() < 0.1


def test_weights_without_noise_refuse_a_seed(photograph):
    plain = ColorStyle(Generator(change(get_preset("tiny").generator, noise=0)), "", torch.device("cpu"))
    assert plain.colorize(photograph).uncertainty is None  # it regresses
    with pytest.raises(ConfigError, match="these weights have no noise"):
        plain.colorize(photograph, seed=1)
