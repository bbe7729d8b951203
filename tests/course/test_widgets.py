"""The panels without a browser: a session gives the calls' own pictures, and each panel's buttons do what they say."""

import base64
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageOps

from colorstyle_lib import ColorStyle
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.course.widgets import (
    AttentionPanel,
    ClaimRow,
    ClaimsPanel,
    ColorizePanel,
    PointGanPanel,
    RepairPanel,
    ScenesPanel,
    Sliders,
    StylePanel,
    panel,
)
from colorstyle_lib.course.widgets.session import Session
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import photograph, style
from colorstyle_lib.images.read import read_text, to_picture
from colorstyle_lib.inference.inpainter import find_damage
from colorstyle_lib.model.generator import Generator

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


def brushed(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> bytes:
    """A mask as the browser sends it: opaque in boxes."""
    mask = Image.new("RGBA", size)
    for box in boxes:
        mask.paste((213, 94, 0, 255), box)
    return panel.png(mask)


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


def test_a_session_restores_as_the_model_does_and_once(
    model: ColorStyle, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
):
    gray = photo.convert("L").convert("RGB")
    session, mask = Session(model, gray), Image.new("L", gray.size)
    mask.paste(255, (20, 20, 40, 30))
    cases = [{}, {"skip": ("color", "tones")}, {"skip": ("fill",)}, {"skip": ("details", "tones", "color")}]
    cases += [{"mask": mask}, {"mask": mask, "strength": 0.5, "skip": ("color",)}]
    made = []
    for options in cases:
        plain, kept = model.restore(gray, **options), session.restore(**options)
        assert np.array_equal(kept.image, plain.image), options
        assert kept.provenance == plain.provenance
        made.append(kept)
    for name in ("repair", "encode"):
        monkeypatch.setattr(model.generator, name, None)  # all stages are kept
    for options, one in zip(cases, made, strict=True):
        assert np.array_equal(session.restore(**options).image, one.image)


def test_a_session_encodes_once_and_forgets(model: ColorStyle, photo: Image.Image, monkeypatch: pytest.MonkeyPatch):
    calls = []
    encode = model.generator.encode
    monkeypatch.setattr(model.generator, "encode", lambda *given: calls.append(1) or encode(*given))
    session = Session(model, photo)
    for seed in range(60):
        session.colorize(seed=seed, saturation=1.2)
    assert len(calls) == 1  # what is used again and again is not forgotten
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
    assert "fits by" in StylePanel(model, photo).told.value
    made = ColorizePanel(model, photo)
    assert "fits" not in made.told.value
    automatic = made.view.after
    made.reference.value = "china"
    assert "another scene, so it is left out" in made.told.value
    assert (made.view.after, "reference" in made.python()) == (automatic, False)
    made.careful.value = False
    assert "another scene, so its colors may be wrong" in made.told.value
    assert made.view.after != automatic
    width, height = photo.size
    made.reference.add(panel.named(ImageOps.mirror(photo.crop((width // 5, height // 5, width, height)))))
    assert "the same scene" in made.told.value
    made.reference.value = ""
    assert "fits" not in made.told.value


def test_uploads_join_the_choice_and_damaged_ones_are_refused_in_the_panel(
    model: ColorStyle, photo: Image.Image, folder: Path
):
    made = ColorizePanel(model, photo)
    stream = io.BytesIO()
    photograph("china").open().save(stream, "PNG")
    upload = panel.Upload(made, made.reference.add)
    upload._keep({"name": "mine.png", "content": memoryview(stream.getvalue())})
    assert made.reference.chosen.name == "mine"
    made.careful.value = False
    assert "mine.png" in made.python()
    upload._keep({"name": "../../bad.png", "content": memoryview(b"no picture")})
    assert 'role="alert"' in made.told.value
    assert sorted(path.name for path in folder.rglob("*.png")) == ["bad.png", "mine.png"]


def test_an_own_photograph_is_shown_at_once_and_a_panorama_smaller(model: ColorStyle, photo: Image.Image):
    made = RepairPanel(model, photo)
    photos = made.children[1].children[1].children[0].children[0]
    taken, take = [], made.take
    made.take = lambda chosen: (taken.append(chosen.name), take(chosen))
    photos.add(panel.Named("wide", photo.resize((2000, 100)), "photo"))
    assert taken == ["wide"]  # and no other on the way
    assert made.session.picture.size == (760, 38)
    assert made.view.size == [2000, 100]
    assert Image.open(io.BytesIO(base64.b64decode(made._repr_mimebundle_()["image/jpeg"]))).width < 2000


def test_another_photograph_drops_hints_and_history(model: ColorStyle, photo: Image.Image):
    made = ColorizePanel(model, photo)
    made.view.hints = [list(HINT)]
    made.take(panel.named("cat" if "cat" in panel.PHOTOGRAPHS else "chelsea"))
    assert made.view.hints == []
    made._undo()
    assert made.view.hints == []
    assert tuple(made.view.size) == made.photo.picture.size


def test_a_brushed_hole_is_filled_and_the_rest_stays(model: ColorStyle, photo: Image.Image, folder: Path):
    made, box = RepairPanel(model, photo), (30, 30, 50, 45)
    made.put(mask=brushed(photo.size, box), details=False, tones=False, color=False)
    change = np.abs(pixels_of(made.view.after).astype(int) - np.asarray(photo)).max(2)
    assert np.median(change[30:45, 30:50]) > 2
    change[30:45, 30:50] = 0
    assert not change.any()
    assert made.stages.labels == ["result", "given", "damage", "fill"]
    made.stages.value = 2
    shown = pixels_of(made.view.after)[..., 0] > 0
    assert shown.sum() == shown[30:45, 30:50].sum() == 300
    made._save()
    (picture,), (mask,) = folder.glob("*.png"), folder.glob("masks/*.png")
    line = json.loads(read_text(picture)["colorstyle"])["python"]
    assert line == made.python()
    assert mask.as_posix() in line
    assert mask.name in made.told.value
    assert np.array_equal(Image.open(picture), eval(line, {"ColorStyle": ColorStyle, "photo": photo}).image)
    mask.unlink()
    sent = []
    made.view.send = sent.append
    made._copy_line()
    assert sent == [{"copy": line}]
    assert mask.exists()  # what the copied line names is there


def test_scratches_that_are_found_are_a_mask_to_add_to(model: ColorStyle):
    photo = shrink(photograph("astronaut").open(), 400)
    ImageDraw.Draw(photo).line((20, 60, 380, 300), fill="white", width=2)
    made = RepairPanel(model, photo)
    assert made.view.mode == "look"
    made._find(None)
    assert made.view.mode == "brush"
    mask, found = Image.open(io.BytesIO(made.view.mask)).getchannel("A"), find_damage(photo)
    grown = np.asarray(mask.resize(photo.size, Image.Resampling.NEAREST)) > 127
    assert found.any()
    assert grown[found].all()  # smaller, and no found pixel is lost
    assert grown.sum() < 3 * found.sum()
    assert "mask='" in made.python()
    made._undo()
    assert made.view.mask == b""


def test_every_stage_left_out_is_said_and_undo_brings_them_back(model: ColorStyle, photo: Image.Image):
    made = RepairPanel(model, photo)
    first = made.view.after
    made.stages.value = len(made.stages.labels) - 1
    made.put(**dict.fromkeys(made.switches, False))
    assert 'role="alert"' in made.told.value
    made._undo()
    assert "alert" not in made.told.value
    made._undo()
    assert made.view.after == first


def test_a_clicked_scene_is_gone_on_from_and_the_walk_leads_to_the_next(model: ColorStyle, folder: Path):
    made = ScenesPanel(model, seed=5)
    new = made.grid.thumbnails
    assert len(set(new)) == 6
    made.grid.value = 2
    assert (made.seed.value, made.grid.value) == (7, 0)
    assert made.grid.thumbnails[0] == new[2]
    assert not set(made.grid.thumbnails[1:]) & set(new)
    names = {"ColorStyle": type("Loaded", (), {"load": staticmethod(lambda: model)}), "photograph": photograph}
    for _ in range(2):
        made.grid.value += 1
        assert made.walk.thumbnails[2] == made.grid.thumbnails[made.grid.value]  # the near one is on the way
        made.palette.value = "coffee"
        line = made.python()
        assert f"toward={7 + made.grid.value}" in line
        assert eval(line, names).image.tobytes() == made.result.image.tobytes()
        assert made.view.after != made.view.before
        made.palette.value = ""
    made._save()
    (saved,) = folder.glob("*.png")
    assert json.loads(read_text(saved)["colorstyle"])["toward"] == 9
    end = made.walk.thumbnails[6]
    made.walk.value = 6
    assert (made.seed.value, made.walk.value, made.grid.thumbnails[0]) == (9, 0, end)
    assert made.view.after == made.view.before
    for _ in range(8):
        made._undo()
    assert (made.seed.value, made.grid.value, made.grid.thumbnails) == (5, -1, new)


def test_weights_that_cannot_do_it_say_so_in_one_line():
    config = change(get_preset("tiny").generator, repairing=0, scenes=0)
    bare = ColorStyle(Generator(config), "", torch.device("cpu"))
    made = ScenesPanel(bare)
    assert "cannot generate new scenes" in made.told.value
    assert made._repr_mimebundle_()["text/html"] == made.told.value
    assert "cannot repair" in RepairPanel(bare, Image.new("RGB", (64, 64))).told.value


@pytest.mark.parametrize("kind", [ColorizePanel, StylePanel, AttentionPanel, RepairPanel])
def test_without_a_kernel_a_sheet_and_sliders_stand_for_a_panel(model: ColorStyle, photo: Image.Image, kind: type):
    made = kind(model, photo)
    before = made.view.after, made.python()
    bundle = made._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert len(bundle["image/jpeg"]) < 150_000
    assert len(bundle["text/html"]) < 100_000
    page = html.unescape(bundle["text/html"])
    assert page.count('class="after"') >= 5
    assert not re.search("https?://", page)
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


def test_the_gan_on_points_collapses_with_a_slow_discriminator_and_not_with_a_fast_one():
    panel = PointGanPanel(steps=900, seed=0)
    step, pace, *_ = panel.kwargs_widgets
    step.value = step.max
    slow = panel.shown.value
    pace.value = 1.0
    fast = panel.shown.value
    assert slow.startswith('<img alt="step 900, pace 0.1')
    assert fast.startswith('<img alt="step 900, pace 1.0')
    assert slow != fast
    assert panel.told.value == ""
    covered = [int(re.search(r"(\d) of 8 modes", title)[1]) for title in titles_of(panel)]
    assert covered[0] < covered[1]


def titles_of(panel: PointGanPanel) -> list[str]:
    """Titles of the figures at the end of a slow and of a fast discriminator."""
    return [panel.f(step=900, pace=pace).axes[0].get_title() for pace in (0.1, 1.0)]


def test_claims_are_filtered_by_verdict_and_unfold_to_text_and_figure(tmp_path):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "c2.png")
    rows = [
        ClaimRow("C1", "supported", "One model <does> both", "numbers & commands"),
        ClaimRow("C2", "not supported", "Attention helps", "other numbers", tmp_path / "c2.png"),
        ClaimRow("C3", "supported", "Colors matter", "third", tmp_path / "none.png"),
    ]
    panel = ClaimsPanel(rows)
    verdict, figures = panel.kwargs_widgets
    assert verdict.options == ("all", "supported", "not supported")
    assert panel.sheet["text/html"].count("<details>") == 3
    assert "One model &lt;does&gt; both" in panel.sheet["text/html"]
    assert "numbers &amp; commands" in panel.sheet["text/html"]
    verdict.value = "not supported"
    assert panel.shown.value.count("<details>") == 1
    assert "<img" not in panel.shown.value
    figures.value = True
    assert panel.shown.value.count("<img") == 1
    verdict.value = "supported"
    assert "<img" not in panel.shown.value
