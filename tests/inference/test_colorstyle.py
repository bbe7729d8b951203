import json

import numpy as np
import pytest
import torch
from PIL import Image

from colorstyle_lib import ColorStyle, paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ConfigError, WeightsError
from colorstyle_lib.images.read import read_text, to_picture, to_tensor
from colorstyle_lib.metrics.coloring import colorfulness
from colorstyle_lib.model.generator import Generator, save_generator


@pytest.fixture(scope="module")
def model():
    return ColorStyle.load()


@pytest.fixture(scope="module")
def china():
    return photograph("china").open().resize((160, 107))


def lightness(picture):
    return rgb_to_lab(to_tensor(picture)[None])[:, 0]


@pytest.mark.parametrize("size", [(1, 1), (7, 400), (33, 65), (160, 107), (501, 333)])
def test_any_size_keeps_its_size_and_lightness(model, size):
    picture = photograph("coffee").open().resize(size)
    image = model.colorize(picture).image
    assert image.size == size
    assert image.mode == "RGB"
    assert (lightness(image) - lightness(picture)).abs().mean() < 0.5


def test_colors_are_real_and_the_inputs_own_are_ignored(model, china):
    from_color = model.colorize(china).image
    gray = Image.fromarray(np.asarray(from_color.convert("L")))
    assert colorfulness(to_tensor(from_color)[None]).item() > 10
    assert colorfulness(to_tensor(model.colorize(gray).image)[None]).item() > 10
    # The same L under opposite colors gives the same result, but for the rounding of that L to 8 bits.
    lab = rgb_to_lab(to_tensor(china)[None])
    turned = to_picture(lab_to_rgb(fit_gamut(torch.cat((lab[:, :1], -lab[:, 1:]), 1)))[0])
    difference = np.abs(np.asarray(model.colorize(turned).image, int) - np.asarray(from_color, int))
    assert difference.mean() < 2


def test_same_picture_same_result_bitwise(model, china):
    first, second = model.colorize(china), model.colorize(china)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.provenance == second.provenance


def test_doubling_the_size_keeps_the_mean_color(model, china):
    double = china.resize((china.width * 2, china.height * 2), Image.Resampling.BICUBIC)
    one, two = (rgb_to_lab(to_tensor(model.colorize(p).image)[None]).mean((0, 2, 3)) for p in (china, double))
    assert (one - two).abs().max() < 1.5


def test_saturation_scales_chroma_and_zero_is_gray(model, china):
    chroma = [
        rgb_to_lab(to_tensor(model.colorize(china, saturation=s).image)[None])[:, 1:].square().mean().sqrt().item()
        for s in (0.0, 0.5, 1.0)
    ]
    assert chroma[0] < 0.2
    assert chroma[1] == pytest.approx(chroma[2] / 2, rel=0.1)


def test_strips_leave_no_seams(model, china, monkeypatch):
    whole = model.colorize(china).image
    monkeypatch.setattr("colorstyle_lib.inference.guided_upsampling._STRIP_PIXELS", 160 * 13)
    assert np.abs(np.asarray(model.colorize(china).image, int) - np.asarray(whole, int)).max() <= 1


def test_bad_arguments_are_named(model, china):
    with pytest.raises(ConfigError, match="saturation is 0"):
        model.colorize(china, saturation=-1.0)
    with pytest.raises(ConfigError, match="working_size is 32 to"):
        model.colorize(china, working_size=7)


def test_result_carries_its_provenance(model, china, tmp_path):
    path = model.colorize(china).save(tmp_path / "out.png")
    facts = json.loads(read_text(path)["colorstyle"])
    assert facts["weights_sha256"] == model.weights_hash
    assert facts["task"] == "colorize"
    assert len(facts["input_sha256"]) == 64


def test_released_weights_are_checked_against_their_card(monkeypatch, tmp_path):
    for name in ("companion.safetensors", "companion.json"):
        (tmp_path / name).write_bytes((paths.WEIGHTS / name).read_bytes())
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    ColorStyle.load()
    with (tmp_path / "companion.safetensors").open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\x00\x01")
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        ColorStyle.load()
    (tmp_path / "companion.json").unlink()
    with pytest.raises(WeightsError, match="card is missing or damaged"):
        ColorStyle.load()
    for card in ('{"sha256": null}', '{"sha256": "so"}', "{}", "[]", '{"sha256": 5}'):
        (tmp_path / "companion.json").write_text(card)
        with pytest.raises(WeightsError, match="card is missing or damaged"):
            ColorStyle.load()


def test_command_colors_one_file_and_says_where(tmp_path, china, capsys):
    china.save(tmp_path / "in.jpg")
    assert main(["colorize", str(tmp_path / "in.jpg")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "in-color.png")
    with Image.open(tmp_path / "in-color.png") as made:
        assert made.size == china.size


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["colorize", "nowhere.jpg"], "nowhere.jpg"),
        (["colorize", "in.png", "-o", "out.xyz"], ".xyz"),
        (["colorize", "in.png", "-o", "in.png"], "would replace"),
        (["colorize", "in.png", "in.png"], "add -o FOLDER"),
        (["colorize", "in.png", "--weights", "none.safetensors"], "no weights at"),
        (["train", "--preset", "tinny", "--data", "."], "did you mean 'tiny'"),
        (["train", "--preset", "tiny"], "give --data ROOT"),
        (["info", "--weights", "none.safetensors"], "no weights at"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments, says, tmp_path, monkeypatch, china, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLORSTYLE_DATA", raising=False)
    china.save("in.png")
    before = sorted(tmp_path.iterdir())
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("colorstyle: ")
    assert says in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "option",
    [["--saturation", "hi"], ["--working-size", "big"], ["--saturation", "9"], ["--working-size", "0"], ["--nonsense"]],
)
def test_bad_options_exit_with_2(option, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["colorize", "in.png", *option])
    assert exit_info.value.code == 2


def test_info_prints_what_a_question_needs(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in ("torch", "device", "sha256", "PSNR ab"):
        assert word in out


@pytest.fixture(scope="module")
def steered(tmp_path_factory):
    """A generator with attention, before training."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    torch.manual_seed(0)
    save_generator(Generator(get_preset("tiny").generator).eval(), path)
    return ColorStyle.load(path)


def test_attention_can_be_read_and_overridden(steered, china):
    result = steered.colorize(china, working_size=64)
    assert set(result.attention) == {"2", "4"}
    for level, weights in result.attention.items():
        assert weights["color"] == 0
        assert sum(weights.values()) == pytest.approx(1, abs=1e-5)
        assert result.attention_maps[level]["shape"].ndim == 2
    only = steered.colorize(china, working_size=64, attention={"texture": 1.0, "shape": 0.0})
    assert all(weights["texture"] == pytest.approx(1) for weights in only.attention.values())
    assert only.provenance["attention"] == {"texture": 1.0, "shape": 0.0}
    both = steered.colorize(china, working_size=64, reference=photograph("coffee").path)
    assert all(weights["color"] > 0 for weights in both.attention.values())


def test_attention_that_leaves_nothing_is_refused(steered, china):
    with pytest.raises(ConfigError, match="leaves nothing"):
        steered.colorize(china, working_size=64, attention={"color": 1.0})
    with pytest.raises(ConfigError, match="did you mean 'texture'"):
        steered.colorize(china, working_size=64, attention={"textur": 1.0})


@pytest.mark.parametrize("seed", [-1, 2**63, 2**70])
def test_a_seed_out_of_range_is_refused(model, china, seed):
    with pytest.raises(ConfigError, match="a seed is a whole number from 0"):
        model.colorize(china, seed=seed)
