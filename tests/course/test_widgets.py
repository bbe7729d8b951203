"""The panels without a browser: a session gives the calls' own pictures, and each panel's buttons do what they say."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import psutil
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from colorstyle_lib import ColorStyle
from colorstyle_lib.course.widgets import AttentionPanel, ColorizePanel, Sliders, StylePanel, panel
from colorstyle_lib.course.widgets.session import Session
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import photograph, style
from colorstyle_lib.images.read import read_text, to_picture

HINT = (30, 40, "#b5302a")


@pytest.fixture(scope="module")
def model() -> ColorStyle:
    return ColorStyle.load(device="cpu")


@pytest.fixture
def photo() -> Image.Image:
    return shrink(photograph("coffee").open(), 96)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(panel, "FOLDER", tmp_path / "explore")
    return tmp_path / "explore"


def pixels_of(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_session_colors_as_the_model_does_in_whatever_order(model: ColorStyle, photo: Image.Image):
    session, reference = Session(model, photo), shrink(photograph("china").open(), 96)
    weights = {"color": 0.5, "texture": 0.5}
    changes = [{}, {"saturation": 1.5}, {"seed": 3}, {"hints": [HINT]}, {"hints": [HINT], "seed": 3}]
    changes += [{"reference": reference}, {"reference": reference, "attention": weights}, {"attention": weights}, {}]
    for options in changes:
        kept, plain = session.colorize(**options), model.colorize(photo, **options)
        assert np.array_equal(kept.image, plain.image), options
        assert kept.provenance == plain.provenance


def test_a_session_restyles_as_the_model_does(model: ColorStyle, photo: Image.Image):
    session = Session(model, photo)
    first, second = (to_picture(style(name).image) for name in ("waves", "ink"))
    for given in (first, second, first, [(first, 0.7), (second, 0.3)]):
        for options in ({}, {"strength": 0.5}, {"keep_color": True}):
            kept, plain = session.stylize(given, **options), model.stylize(photo, given, **options)
            assert np.array_equal(kept.image, plain.image)


def test_a_session_encodes_once_and_forgets(model: ColorStyle, photo: Image.Image, monkeypatch: pytest.MonkeyPatch):
    calls = []
    encode = model.generator.encode
    monkeypatch.setattr(model.generator, "encode", lambda *given: calls.append(1) or encode(*given))
    session = Session(model, photo)
    for seed in range(60):
        session.colorize(seed=seed, saturation=1.2)
    assert len(calls) <= 3  # the encoding is forgotten with the oldest, and made again
    assert len(session._kept) <= 24


def test_a_panel_makes_what_its_line_of_python_makes(model: ColorStyle, photo: Image.Image, folder: Path):
    made = ColorizePanel(model, photo)
    made.seed.value, made.saturation.value = 2, 1.4
    made.view.hints = [list(HINT)]
    expected = eval(made.python(), {"ColorStyle": ColorStyle, "photo": photo})
    made._save()
    (saved,) = folder.glob("*.png")
    assert np.array_equal(Image.open(saved), expected.image)
    assert json.loads(read_text(saved)["colorstyle"])["seed"] == 2
    assert "saved" in made.told.value
    restyled = StylePanel(model, photo)
    restyled.gallery.value, restyled.share.value, restyled.keep_color.value = 6, 0.25, True
    names = {"ColorStyle": ColorStyle, "photo": photo, "style": style}
    assert np.array_equal(eval(restyled.python(), names).image, pixels_of(restyled.view.after))
    two = restyled.view.after
    restyled.put(third=3, third_share=0.4)
    assert [share for _, share in restyled.settings()["style"]] == [0.35, 0.25, 0.4]
    assert np.array_equal(eval(restyled.python(), names).image, pixels_of(restyled.view.after))
    assert restyled.view.after != two
    restyled.put(share=0.0, third_share=1.0)
    assert restyled.settings()["style"] is restyled.styles[3]


def test_undo_goes_back_step_by_step(model: ColorStyle, photo: Image.Image):
    made = AttentionPanel(model, photo)
    first = made.view.after
    made.sliders["color"].value = 0.0
    assert not made.learned.value
    second = made.view.after
    made.put(learned=False, color=1.0, texture=1.0, shape=1.0)
    assert first != second != made.view.after
    made._undo()
    assert made.view.after == second
    made._undo()
    assert made.view.after == first
    assert made.learned.value
    made._undo()  # nothing left to take back
    assert made.view.after == first


def test_a_mistake_is_one_line_and_the_next_change_takes_it_away(model: ColorStyle, photo: Image.Image):
    made = AttentionPanel(model, photo)
    before = made.view.after
    made.put(learned=False, color=0.0, texture=0.0, shape=0.0)
    assert 'role="alert"' in made.told.value
    assert "\n" not in made.told.value
    assert made.view.after == before
    assert not made.view.busy
    made.sliders["shape"].value = 0.5
    assert "alert" not in made.told.value


def test_a_reference_is_said_to_show_the_same_scene_or_another(model: ColorStyle, photo: Image.Image):
    made = ColorizePanel(model, photo)
    assert made.told.value == ""
    made.reference.value = "china"
    assert "another scene" in made.told.value
    width, height = photo.size
    made.reference.add(panel.named(ImageOps.mirror(photo.crop((width // 5, height // 5, width, height)))))
    assert "the same scene" in made.told.value
    made.reference.value = ""
    assert made.told.value == ""


def test_uploads_join_the_choice_and_damaged_ones_are_refused_in_the_panel(
    model: ColorStyle, photo: Image.Image, folder: Path
):
    made = ColorizePanel(model, photo)
    stream = io.BytesIO()
    photograph("china").open().save(stream, "PNG")
    upload = panel.Upload(made, made.reference.add)
    upload._keep({"name": "mine.png", "content": memoryview(stream.getvalue())})
    assert made.reference.chosen.name == "mine"
    assert "mine.png" in made.python()
    upload._keep({"name": "../../bad.png", "content": memoryview(b"no picture")})
    assert 'role="alert"' in made.told.value
    assert sorted(path.name for path in folder.rglob("*.png")) == ["bad.png", "mine.png"]


def test_another_photograph_drops_hints_and_history(model: ColorStyle, photo: Image.Image):
    made = ColorizePanel(model, photo)
    made.view.hints = [list(HINT)]
    made.take(panel.named("cat" if "cat" in panel.PHOTOGRAPHS else "chelsea"))
    assert made.view.hints == []
    made._undo()
    assert made.view.hints == []
    assert tuple(made.view.size) == made.photo.picture.size


@pytest.mark.parametrize("kind", [ColorizePanel, StylePanel, AttentionPanel])
def test_without_a_kernel_a_contact_sheet_stands_for_a_panel(model: ColorStyle, photo: Image.Image, kind: type):
    made = kind(model, photo)
    before = made.view.after, made.python()
    bundle = made._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert len(bundle["image/jpeg"]) < 300_000
    assert (made.view.after, made.python()) == before


def test_memory_is_flat_over_200_changes(model: ColorStyle):
    made = ColorizePanel(model, shrink(photograph("coffee").open(), 64))

    def change(times: int) -> None:
        for step in range(times):
            made.saturation.value = 1 + step % 7 / 10

    change(40)
    early = psutil.Process().memory_info().rss
    change(160)
    assert psutil.Process().memory_info().rss - early < 20e6


def bars(height: int = 1, color: str = "red", works: bool = True) -> Figure:
    if not works:
        raise ValueError("no <bars>\nand a second line")
    figure = Figure(figsize=(2, 1))
    figure.subplots().bar([0], [height], color=color)
    return figure


def test_sliders_draw_anew_for_each_value_and_say_an_error_in_one_line():
    made = Sliders(bars, height=(0, 5, 1), color=["red", "blue"], works=True)
    height, color, works = made.kwargs_widgets
    assert (height.value, color.value, works.value) == (1, "red", True)  # the function's defaults
    assert not height.continuous_update
    pictures = [made.shown.value]
    for control, value in ((height, 3), (color, "blue"), (height, 1)):
        control.value = value
        pictures.append(made.shown.value)
    assert len({picture.partition("src=")[2] for picture in pictures}) == 4
    assert 'alt="height 1, color blue, works True"' in pictures[-1]
    works.value = False
    assert made.told.value.endswith("ValueError: no &lt;bars&gt;</b>")
    assert made.shown.value == pictures[-1]
    works.value = True
    assert made.told.value == ""


def test_sliders_without_a_kernel_are_a_sheet_of_settings_or_the_text_at_the_start():
    bundle = Sliders(bars, [{}, {"height": 3}, {"color": "blue"}], height=(0, 5, 1))._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    sheet = pixels_of(base64.b64decode(bundle["image/png"])).astype(int)
    tiles = [sheet[22:, 200 * number : 200 * (number + 1)] for number in range(3)]
    assert sheet.shape[:2] == (122, 600)
    assert (sheet[:22, :200] < 128).any()  # a caption
    assert (tiles[0] != tiles[1]).any()
    for tile, color in ((tiles[0], (255, 0, 0)), (tiles[2], (0, 0, 255))):
        assert (tile == color).all(axis=2).sum() > 1000
    with pytest.raises(ValueError, match="bars"):
        Sliders(bars, [{"works": False}], works=True)
    words = Sliders(lambda draw="a": f"<b>{draw}</b>", draw=["a", "b"])  # a control may have any name
    words.kwargs_widgets[0].value = "b"
    assert (words.shown.value, words._repr_mimebundle_()["text/html"]) == ("<b>b</b>", "<b>a</b>")
