"""`stylize` on pictures of any size: what it must keep it keeps, what it must change it changes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.example_pictures import photograph, style
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import open_picture, to_picture, to_tensor
from colorstyle_lib.inference import stylizer as stylizing
from colorstyle_lib.inference.colorizer import is_gray
from colorstyle_lib.inference.stylizer import remove_checkerboard
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.training.state import new_generator


@pytest.fixture(scope="module")
def model():
    """A tiny generator whose restyling levels have something to say."""
    generator = new_generator(get_preset("tiny"))
    torch.manual_seed(1)
    for weight in generator.restyling.parameters():
        nn.init.normal_(weight, std=0.1)
    return ColorStyle(generator, "abc", torch.device("cpu"))


@pytest.fixture(scope="module")
def photo():
    return photograph("astronaut").open().resize((203, 150))


@pytest.fixture(scope="module")
def painting():
    return to_picture(style("waves", 128).image)


def lab(picture):
    return rgb_to_lab(to_tensor(picture))


def distance(one, other):
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_strength_zero_gives_the_picture_back_and_more_changes_more(model, photo, painting):
    moved = [distance(model.stylize(photo, painting, strength=s).image, photo) for s in (0.0, 0.3, 0.7, 1.0, 1.4)]
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[3] > 2


def test_keep_color_and_color_only_keep_what_they_say(model, photo, painting):
    whole, kept, recolored = (
        model.stylize(photo, painting, **how).image for how in ({}, {"keep_color": True}, {"color_only": True})
    )
    # 8 bits and the gamut take a little; what the other one takes is far more.
    assert (lab(recolored)[0] - lab(photo)[0]).abs().mean() < 0.5
    assert (lab(kept)[1:] - lab(photo)[1:]).abs().median() < 1
    assert (lab(kept)[0] - lab(photo)[0]).abs().mean() > 2
    assert distance(whole, kept) > 1


def test_a_mask_says_where(model, photo, painting):
    mask = Image.new("L", (40, 30))
    mask.paste(255, (20, 0, 40, 30))
    result, whole = (np.asarray(model.stylize(photo, painting, mask=m).image) for m in (mask, None))
    assert np.array_equal(result[:, :90], np.asarray(photo)[:, :90])
    assert np.array_equal(result[:, -90:], whole[:, -90:])
    assert not np.array_equal(whole[:, :90], result[:, :90])


def test_a_gray_picture_is_colored_first(model, photo, painting):
    result = model.stylize(photo.convert("L"), painting, strength=0.001)
    assert result.provenance["colored_first"]
    assert distance(result.image, model.colorize(photo.convert("L")).image) < 1
    assert not model.stylize(photo, painting).provenance["colored_first"]


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_style_s_weight_is_a_number(model, photo, painting, weight):
    with pytest.raises(ConfigError, match="styles want one weight each"):
        model.stylize(photo, [(painting, weight)])


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_transparent_content_stays_transparent(model, photo, painting, tmp_path, ending):
    alpha = Image.linear_gradient("L").resize(photo.size)
    layer = photo.copy()
    layer.putalpha(alpha)
    layer.save(tmp_path / "in.png")
    for made in (model.stylize(tmp_path / "in.png", painting, strength=0.0), model.colorize(layer)):
        assert made.image.mode == "RGB"
        path = made.save(tmp_path / f"out.{ending}", quality=100)
        with Image.open(path) as written:
            assert written.mode == "RGBA"
            assert np.array_equal(np.asarray(written.getchannel("A")), np.asarray(alpha))
        # Where the input was opaque; elsewhere no more color shows than alpha lets through.
        apart = np.abs(np.asarray(open_picture(path), int) - np.asarray(made.image, int))
        assert apart[np.asarray(alpha) == 255].max() <= 1
    kept = model.stylize(layer, painting, strength=0.0).save(tmp_path / f"same.{ending}", quality=100)
    with Image.open(kept) as written:  # where little shows, 8 bits on white hold little of the color
        seen = np.asarray(alpha) > 127
        assert np.abs(np.asarray(written, int) - np.asarray(layer, int))[seen].max() <= 2
    model.colorize(layer).save(tmp_path / "out.jpg")
    assert open_picture(tmp_path / "out.jpg").size == photo.size


def test_at_strength_0_nothing_changes(model, photo, painting):
    for picture in (photo, photo.convert("L"), photo.convert("L").convert("RGB")):
        result = model.stylize(picture, painting, strength=0.0)
        assert np.array_equal(np.asarray(result.image), np.asarray(picture.convert("RGB")))
        assert not result.provenance["colored_first"]


def chroma(picture):
    return np.ptp(np.asarray(picture, int), axis=2).max()


def test_a_gray_style_can_give_a_gray_result(model, photo, painting):
    gray = painting.convert("L").convert("RGB")
    for picture in (photo.convert("L"), photo):
        result = model.stylize(picture, gray)
        assert chroma(result.image) <= 2
        assert distance(result.image, picture.convert("L").convert("RGB")) > 1  # and it is restyled
    assert chroma(model.stylize(photo, gray, keep_color=True).image) > 50
    assert chroma(model.stylize(photo, [(gray, 1.0), (painting, 1.0)]).image) > 50


def sepia(gray):
    return np.stack([1.351 * gray, 1.203 * gray, 0.937 * gray], -1)


@pytest.mark.parametrize("name", ["chelsea", "china", "rocket"])
def test_what_is_gray(tmp_path, name):
    whole = photograph(name).open()
    gray = np.asarray(whole.convert("L"), float)
    dotted = np.stack([gray] * 3, -1)
    dotted[50, 40:42] = (255, 0, 0)
    old = {
        "plain": np.stack([gray] * 3, -1),
        "cast": np.stack([gray + 1, gray, gray], -1),
        "dotted": dotted,
        "sepia": sepia(gray),
        "dark sepia": sepia(0.7 * gray),
        "cyanotype": np.stack([0.8 * gray, 0.95 * gray, 0.9 * gray + 25], -1),
    }
    for kind, values in old.items():
        picture = Image.fromarray(values.clip(0, 255).round().astype(np.uint8))
        assert is_gray(picture), kind
        assert is_gray(picture, toned=False) == (kind in ("plain", "cast", "dotted")), kind
        picture.save(tmp_path / "a.jpg", quality=85)
        # Whites that a tone drives beyond 255 lose their curve where JPEG halves color's resolution.
        assert is_gray(open_picture(tmp_path / "a.jpg")) or kind == "sepia", kind
    assert not is_gray(whole)
    assert not is_gray(Image.new("RGB", (40, 40), (200, 40, 40)))


def test_styles_blend_by_their_weights(model, photo, painting):
    other = to_picture(style("brush", 128).image)
    first, second = (model.stylize(photo, s).image for s in (painting, other))
    assert distance(model.stylize(photo, [(painting, 2.0), (other, 0.0)]).image, first) == 0
    mixed = model.stylize(photo, [(painting, 1.0), (other, 1.0)])
    assert 0 < distance(mixed.image, first) < distance(second, first)
    assert [weight for _, weight in mixed.provenance["styles_sha256"]] == [1.0, 1.0]


def test_attention_is_told_and_can_be_overridden(model, photo, painting):
    plain = model.stylize(photo, painting)
    assert sum(plain.attention["4"].values()) == pytest.approx(1, abs=1e-4)
    only = model.stylize(photo, painting, attention={"texture": 1.0})
    assert only.attention["4"] == {"color": 0, "texture": 1, "shape": 0}
    assert distance(only.image, plain.image) > 0


def test_what_gets_no_weight_is_not_taken(model, photo, painting):
    """As with keep_color and color_only: a modality that is left out changes nothing in the picture."""

    def in_lab(**how):
        return rgb_to_lab(to_tensor(model.stylize(photo, painting, **how).image)[None])[0]

    own = rgb_to_lab(to_tensor(photo)[None])[0]
    assert (in_lab(attention={"color": 1.0}) - own)[0].abs().max() < 1
    for name in ("texture", "shape"):
        off = (in_lab(attention={name: 1.0}) - own)[1:].norm(dim=0)
        assert off.median() < 1
    assert (in_lab(attention={"color": 1.0, "shape": 1.0}) - own)[1:].norm(dim=0).median() > 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"strength": 2.0}, "strength is 0"),
        ({"keep_color": True, "color_only": True}, "leave nothing to take"),
        ({"working_size": 8}, "working_size is 64 to 1536"),
        ({"keep_color": True, "attention": {"color": 1.0}}, "nothing is left to take"),
        ({"style": []}, "at least one style"),
    ],
)
def test_what_cannot_be_done_is_refused(model, photo, painting, how, said):
    with pytest.raises(ConfigError, match=said):
        model.stylize(photo, **({"style": painting} | how))


def test_files_from_the_command_line(model, photo, painting, tmp_path, capsys):
    save_generator(model.generator, tmp_path / "w.safetensors", preset="tiny")
    (tmp_path / "in").mkdir()
    photo.save(tmp_path / "in/a.png")
    (tmp_path / "in/b.png").write_bytes(b"no picture")
    painting.save(tmp_path / "s.png")
    options = ["--style", f"{tmp_path / 's.png'}:0.5", "--weights", str(tmp_path / "w.safetensors")]
    assert main(["stylize", str(tmp_path / "in"), "-o", str(tmp_path / "out"), *options]) == 1
    said = capsys.readouterr()
    assert "1 restyled, 0 already there, 1 failed" in said.out
    assert "b.png" in said.err
    assert open_picture(tmp_path / "out/a.png").size == photo.size
    assert main(["stylize", str(tmp_path / "in/a.png"), *options, "--strength", "0"]) == 0
    assert distance(open_picture(tmp_path / "in/a-style.png"), photo) == 0
    assert main(["stylize", str(tmp_path / "in/a.png"), "--style", "s.png:much", *options[2:]]) == 2
    assert "PICTURE:WEIGHT" in capsys.readouterr().err


# The checkerboard of the drawing: only the faint pattern of its own grid goes

SIDE = 64
_INNER = (..., slice(16, -16), slice(16, -16))


def tiles(seed: int, strength: float, period: int = 4) -> torch.Tensor:
    """A pattern that repeats, of mean 0."""
    tile = torch.rand(1, 3, period, period, generator=torch.Generator().manual_seed(seed))
    return strength * (tile - tile.mean((2, 3), keepdim=True)).repeat(1, 1, SIDE // period, SIDE // period)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.005, 0.05))
def test_a_faint_pattern_of_four_pixels_goes(seed, strength):
    drawn = 0.5 + tiles(seed, strength)
    torch.testing.assert_close(
        remove_checkerboard(drawn)[_INNER], torch.full_like(drawn, 0.5)[_INNER], atol=1e-4, rtol=0
    )


def test_another_period_is_no_pattern_of_the_grid():
    drawn = 0.5 + torch.cos(torch.arange(SIDE) * 2 * torch.pi / 5.7).mul(0.03).expand(1, 3, SIDE, SIDE)
    kept = remove_checkerboard(drawn) - 0.5
    assert kept.square().mean() > 0.9 * (drawn - 0.5).square().mean()


def test_what_is_smooth_stays():
    across = torch.linspace(0, 1, SIDE)
    ramp = (across[:, None] + across).expand(1, 3, SIDE, SIDE) / 2
    torch.testing.assert_close(remove_checkerboard(ramp)[_INNER], ramp[_INNER], atol=1e-4, rtol=0)


def test_an_edge_hardly_echoes():
    drawn = torch.zeros(1, 3, SIDE, SIDE)
    drawn[..., 30:] = 1
    drawn[..., 10:12, :] = 1
    assert (remove_checkerboard(drawn) - drawn).abs().max() < 0.04


def test_of_a_plain_sky_most_of_the_grid_goes(monkeypatch):
    model, look, sky = ColorStyle.load(), style("brush").image, (..., slice(10, 70), slice(200, 260))
    drawn = {}
    for name in ("filtered", "raw"):
        if name == "raw":
            monkeypatch.setattr(stylizing, "remove_checkerboard", lambda change: change)
        drawn[name] = model.stylizer(look).change(photograph("rocket").open()).difference[sky]
    assert repeated(drawn["raw"], 4) > 3 * repeated(drawn["raw"], 5), "these weights draw no grid: delete the filter"
    assert repeated(drawn["filtered"], 4) < 0.5 * repeated(drawn["raw"], 4)


def repeated(change: torch.Tensor, period: int) -> float:
    """How strong the mean over all tiles of so many pixels is."""
    tile = change.unflatten(-1, (-1, period)).unflatten(-3, (-1, period)).mean((-4, -2))
    return float((tile - tile.mean((-2, -1), keepdim=True)).square().mean().sqrt())


@pytest.mark.parametrize("size", [(17, 16), (1, 1), (700, 16)])
def test_small_and_narrow_pictures_are_still_restyled(size):
    picture = photograph("coffee").open().resize(size)
    assert ColorStyle.load().stylize(picture, style("ink").image).image.size == size


@pytest.mark.parametrize("size", [(56, 3), (3, 56), (1, 1)])
def test_a_picture_of_a_few_pixels_is_restyled(model, painting, size):
    assert model.stylize(Image.new("RGB", size, "teal"), painting).image.size == size
