"""Inpainting, enhancement and restoration of pictures of any size, by a decoder that has learned nothing yet."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorstyle_lib.config import get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import Photo, to_picture
from colorstyle_lib.inference import enhancer, inpainter
from colorstyle_lib.inference.colorstyle import STAGES, ColorStyle
from colorstyle_lib.inference.inpainter import find_damage, inside, tiles, to_lab
from colorstyle_lib.model.generator import Generator

SCENE = to_picture(synthetic.scenes(1, 320, seed=3).rgb[0])


def new_model(**changes):
    torch.manual_seed(0)
    generator = Generator(replace(get_preset("tiny").generator, **changes)).eval().requires_grad_(False)
    if generator.config.repairing:
        torch.nn.init.normal_(generator.repairing.last.weight, std=0.01)
    return ColorStyle(generator, "none", torch.device("cpu"))


MODEL = new_model()


def holed(size, *, color="white", width=5):
    picture, mask = SCENE.resize(size), Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    pen.line((3, 5, size[0] - 9, size[1] - 4), fill=255, width=width)
    return Image.composite(Image.new("RGB", size, color), picture, mask), mask


@pytest.mark.parametrize("size", [(97, 61), (320, 128), (31, 700), (700, 320)])
def test_holes_are_filled_and_every_other_pixel_stays(size):
    given, mask = holed(size)
    result = MODEL.inpaint(given, mask)
    unknown = np.asarray(mask) > 0
    before, after = np.asarray(given), np.asarray(result.image)
    assert np.array_equal(before[~unknown], after[~unknown])
    assert np.abs(after[unknown].astype(int) - 255).mean() > 30  # no longer white
    assert result.provenance["filled"] == pytest.approx(unknown.mean(), abs=1e-5)
    assert sum(result.attention["8"].values()) == pytest.approx(1, abs=1e-5)


def test_a_large_hole_is_filled_near_its_surround():
    true = SCENE.resize((512, 400))
    unknown = np.zeros((400, 512), bool)
    unknown[90:300, 120:380] = True  # more than a quarter
    given = np.where(unknown[..., None], np.uint8(255), np.asarray(true))
    filled = np.asarray(new_model().inpaint(given, unknown).image).astype(int)
    error = np.abs(filled - np.asarray(true))[unknown].mean()
    assert error < 0.5 * np.abs(255 - np.asarray(true).astype(int))[unknown].mean()


def test_a_large_hole_is_filled_in_parts_as_at_once(monkeypatch):
    unknown = np.zeros((400, 512), bool)
    unknown[20:390, 60:500] = True  # more than the network's own side: at 1/16 of the size
    unknown[100:200, 100:140] = unknown[0:3, 0:40] = False
    filled = []
    for band, block in ((10**7, 4096), (20_000, 64)):
        monkeypatch.setattr(inpainter, "_BAND", band)
        monkeypatch.setattr(inpainter, "_BLOCK", block)
        filled.append(np.asarray(MODEL.inpaint(SCENE.resize((512, 400)), unknown).image))
    assert np.array_equal(*filled)


@pytest.mark.parametrize("gray", [True, False])
def test_16_bits_are_kept(gray, monkeypatch):
    picture, mask = holed((160, 128))
    unknown = np.asarray(mask) > 0
    spread = np.random.default_rng(0).integers(-128, 129, unknown.shape)  # within what 8 bits round off
    if gray:
        picture, deep = picture.convert("L").convert("RGB"), np.asarray(picture.convert("L"), int)
    else:
        deep, spread = np.asarray(picture, int), spread[..., None]
    photo = Photo(picture, deep=(deep * 257 + spread).clip(0, 65535).astype(np.uint16))
    true = np.broadcast_to(photo.deep.reshape(128, 160, -1), (128, 160, 3))
    filled = MODEL.inpaint(photo, mask)
    assert np.array_equal(filled.photo().deep[~unknown], true[~unknown])
    assert np.array_equal(np.asarray(filled.image)[~unknown], np.asarray(picture)[~unknown])
    for result in (filled, MODEL.inpaint(photo, mask, color=True), MODEL.enhance(photo), MODEL.restore(photo, mask)):
        levels = result.photo().deep
        assert levels.dtype == np.uint16
        assert np.abs(levels / 257 - np.asarray(result.image)).max() <= 2  # the same picture
        assert len(np.unique(levels[unknown] % 257)) > 50
    monkeypatch.setattr(enhancer, "_FROM", 1.0)
    monkeypatch.setattr(enhancer, "_TO", 1.1)  # as if no damage were seen
    assert np.array_equal(MODEL.enhance(photo).photo().deep, photo.deep)


def test_a_hole_is_as_opaque_as_what_is_nearest():
    given, mask = holed((160, 128))
    alpha = np.full((128, 160), 255, np.uint8)
    alpha[:, 80:] = 7
    erased = np.where(np.asarray(mask) > 0, np.uint8(0), alpha)
    photo = Photo(given, Image.fromarray(erased), kept={"dpi": (300, 300)})
    for result in (MODEL.inpaint(photo, mask), MODEL.restore(photo, mask), MODEL.inpaint(photo, mask, color=True)):
        found = np.asarray(result.photo().alpha)
        assert np.array_equal(found[:, :76], alpha[:, :76])
        assert np.array_equal(found[:, 84:], alpha[:, 84:])
        assert result.photo().kept == {"dpi": (300, 300)}
    assert np.array_equal(np.asarray(MODEL.enhance(photo).photo().alpha), erased)


def test_the_uncertainty_of_a_fill_is_how_far_those_of_mirror_images_differ():
    given, mask = holed((160, 128), width=9)
    unknown = np.asarray(mask) > 0
    result = MODEL.inpaint(given, mask, uncertainty=True)
    assert np.array_equal(np.asarray(result.image), np.asarray(MODEL.inpaint(given, mask).image))
    spread = result.uncertainty.numpy()
    assert spread.shape == unknown.shape
    assert (spread[~unknown] == 0).all()
    labs = []
    for turn in (lambda a: a, np.flipud, np.fliplr, lambda a: a[::-1, ::-1]):
        filled = MODEL.inpaint(turn(np.asarray(given)), turn(unknown)).image
        labs.append(to_lab(turn(np.asarray(filled)).copy())[0].numpy())
    assert np.allclose(spread, np.sqrt(np.var(labs, axis=0).sum(0)), atol=1e-3)
    assert spread[unknown].max() > 0.1
    assert MODEL.inpaint(given, mask).uncertainty is None


def test_a_gray_picture_is_filled_gray_and_colored_on_request():
    given, mask = (one.convert("L") for one in holed((160, 128)))
    gray = np.asarray(MODEL.inpaint(given, mask).image)
    assert np.ptp(gray, axis=2).max() <= 1
    colored = MODEL.inpaint(given, mask, color=True)
    assert np.ptp(np.asarray(colored.image), axis=2).max() > 3
    assert list(colored.stages) == ["damage", "fill"]


def test_scratches_and_dust_are_found_and_things_are_not():
    clean = SCENE.resize((300, 300))
    scratched, mask = clean.copy(), Image.new("1", clean.size)
    for image, color in ((scratched, "white"), (mask, 1)):
        pen = ImageDraw.Draw(image)
        pen.line((20, 10, 90, 280), fill=color, width=2)
        pen.line((200, 30, 190, 260), fill=color, width=1)
    found, true = find_damage(scratched), np.asarray(mask)
    assert found[true].mean() > 0.8
    assert found[~true].mean() < 0.05
    result = MODEL.inpaint(scratched)
    assert np.array_equal(np.asarray(result.stages["damage"]), found)


def test_scratches_of_a_large_picture_are_found_as_in_a_small_one():
    found = []
    for scale in (1, 4):
        scratched, mask = SCENE.resize((300 * scale, 300 * scale)), Image.new("1", (300 * scale, 300 * scale))
        for image, color in ((scratched, "white"), (mask, 1)):
            ImageDraw.Draw(image).line([scale * x for x in (20, 10, 90, 280)], fill=color, width=2 * scale)
        found.append(find_damage(scratched)[np.asarray(mask)].mean())
    assert min(found) > 0.8


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((60, 80), bool), "empty"),
        (np.ones((60, 80), bool), "covers the whole picture"),
        (np.ones((6, 8), bool), "8 x 6 pixels and the picture 80 x 60"),
    ],
)
def test_masks_that_cannot_be_are_refused(mask, said):
    with pytest.raises(ConfigError, match=said):
        MODEL.inpaint(SCENE.resize((80, 60)), mask)


def test_weights_that_only_color_say_so():
    plain = new_model(repairing=0)
    for call in (plain.inpaint, plain.enhance, plain.restore):
        with pytest.raises(ConfigError, match="cannot repair"):
            call(SCENE)


@pytest.mark.parametrize("shape", [(1, 1), (40, 700), (600, 600), (257, 256)])
@pytest.mark.parametrize("factor", [1, 2])
def test_tiles_hold_every_pixel_once(shape, factor):
    count = np.zeros(shape, int)
    for outer, inner in tiles(np.ones(shape, bool), factor):
        count[inner] += 1
        assert np.zeros(shape)[outer][inside(outer, inner)].shape == np.zeros(shape)[inner].shape
        assert max(s.stop - s.start for s in outer) <= 256 * factor
    assert count.min() == count.max() == 1


def test_enhancing_tells_the_damage_and_leaves_a_good_picture(monkeypatch):
    picture = SCENE.resize((300, 260))
    result = MODEL.enhance(picture)
    assert list(result.provenance["damage"]) == ["fade", "contrast", "haze", "blur", "noise", "blocks"]
    assert result.image.size == picture.size
    assert not np.array_equal(np.asarray(result.image), np.asarray(picture))
    assert np.array_equal(np.asarray(MODEL.enhance(picture, 0.0).image), np.asarray(picture))
    monkeypatch.setattr(enhancer, "_FROM", 1.0)
    monkeypatch.setattr(enhancer, "_TO", 1.1)  # as if no damage were seen
    assert np.array_equal(np.asarray(MODEL.enhance(picture).image), np.asarray(picture))
    with pytest.raises(ConfigError, match="strength is 0"):
        MODEL.enhance(picture, 2.0)


def test_each_tile_is_looked_at_once(monkeypatch):
    looked, look = [], enhancer.Enhancer._look
    monkeypatch.setattr(enhancer.Enhancer, "_look", lambda self, pixels: looked.append(0) or look(self, pixels))
    monkeypatch.setattr(enhancer, "_TILE", 256)
    assert MODEL.enhance(SCENE.resize((300, 260))).provenance["applied"]["details"] > 0
    assert len(looked) == len(list(tiles(np.ones((260, 300), bool)))) == 4


def test_tiles_of_one_picture_meet_without_a_step(monkeypatch):
    """What a network changes in a tile depends on what is far away only a little: here a flat picture in four tiles."""
    monkeypatch.setattr(enhancer, "_TILE", 256)
    flat = Image.new("RGB", (400, 400), (90, 120, 60))
    made = np.asarray(MODEL.enhance(flat, tones=False).image).astype(int)
    assert (
        np.abs(np.diff(made[100:300, 100:300], axis=0)).max()
        <= 2 + np.abs(np.diff(made[110:140, 110:140], axis=0)).max()
    )


def test_a_restoration_shows_its_stages_and_each_can_be_skipped():
    given, _ = (one.convert("L") for one in holed((160, 128), width=2))
    result = MODEL.restore(given)
    assert list(result.stages) == ["given", "damage", "fill", "details", "tones", "color"]
    assert list(result.provenance["stages"]) == list(STAGES)
    assert np.ptp(np.asarray(result.image), axis=2).max() > 3
    gray = MODEL.restore(given, skip=["color", "tones"])
    assert list(gray.stages) == ["given", "damage", "fill", "details"]
    assert MODEL.enhance(gray.image).provenance["damage"]["fade"] == 0
    in_color = MODEL.restore(SCENE, skip=["fill"])
    assert "color" not in in_color.stages
    untouched = MODEL.restore(SCENE, skip=["fill", "details", "tones"])  # nothing is left to do for a color picture
    assert np.array_equal(np.asarray(untouched.image), np.asarray(SCENE))
    assert untouched.provenance["weights_sha256"] == "none"
    with pytest.raises(ConfigError, match="did you mean 'color'"):
        MODEL.restore(given, skip=["colour"])
    with pytest.raises(ConfigError, match="nothing is left"):
        MODEL.restore(given, skip=STAGES)


def test_the_soft_rim_of_a_brush_is_filled_too():
    """Words of a smooth font, drawn over a picture: no ghost of them stays."""
    true = SCENE.resize((320, 240))
    mask = Image.new("L", true.size)
    ImageDraw.Draw(mask).text((20, 80), "soft letters", fill=255, font_size=48)
    given = Image.composite(Image.new("RGB", true.size, "white"), true, mask)
    rim = (np.asarray(mask) > 24) & (np.asarray(mask) < 128)
    assert rim.sum() > 100
    before, after = (
        np.abs(np.asarray(one, float) - np.asarray(true, float))[rim]
        for one in (given, MODEL.inpaint(given, mask).image)
    )
    assert after.mean() < 0.5 * before.mean()
