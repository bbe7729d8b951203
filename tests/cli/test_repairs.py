"""The commands that repair: a folder of masks, stages, and what results keep of files."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw

from colorstyle_lib.cli.folders import find_mask
from colorstyle_lib.cli.main import main
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import open_photo, read_text

SMALL = photograph("china").open().resize((72, 48))


def hole(x: int) -> Image.Image:
    mask = Image.new("L", SMALL.size)
    ImageDraw.Draw(mask).rectangle((x, 20, x + 5, 25), fill=255)
    return mask


def changed_columns(result: str) -> set[int]:
    """Columns in which a result differs from the photograph."""
    return set(np.nonzero((np.asarray(Image.open(result)) != np.asarray(SMALL)).any((0, 2)))[0].tolist())


def test_each_picture_of_a_folder_gets_its_own_mask(isolated, capsys):
    for folder in ("album/deep", "masks/deep"):
        Path(folder).mkdir(parents=True)
    for name, mask, x in (("a.png", "a.png", 4), ("b.bmp", "b.webp", 24), ("deep/a.png", "deep/a.png.tif", 44)):
        SMALL.save(f"album/{name}")
        hole(x).save(f"masks/{mask}", **({"lossless": True} if mask.endswith("webp") else {}))
    SMALL.save("album/c.png")
    assert main(["inpaint", "album", "--mask", "masks", "-r"]) == 1
    said = capsys.readouterr()
    assert "3 inpainted, 0 already there, 1 failed" in said.out
    assert said.err.count("\n") == 1
    assert "no mask of 'c.png' in 'masks'; name it 'c.png'" in said.err
    for result, x in (("a.png", 4), ("b.bmp.png", 24), ("deep/a.png", 44)):
        assert (found := changed_columns(f"album-inpaint/{result}"))
        assert found <= set(range(x, x + 6)), result
    assert main(["restore", "album/c.png", "--mask", "masks", "--skip", "color"]) == 2
    assert "no mask of 'c.png'" in capsys.readouterr().err


def test_a_mask_is_found_by_the_picture_s_name(isolated):
    Path("in/deep").mkdir(parents=True)
    Path("masks/deep").mkdir(parents=True)
    for name in ("a.png", "a-0-damage.png", "ab.png", "deep/a.png", "x[1].jpg"):
        hole(3).save(f"masks/{name}")
    masks = Path("masks")
    assert find_mask(masks, Path("in/a.jpg"), [Path("in")]) == masks / "a-0-damage.png"  # not a result beside it
    for given in (["in"], ["in/**/*.jpg"], ["elsewhere", "in/deep/../../in"]):
        assert find_mask(masks, Path("in/deep/a.jpg"), list(map(Path, given))) == masks / "deep/a.png", given
    assert find_mask(masks, Path("in/deep/a.jpg"), [Path("in/deep/a.jpg")]) == masks / "a-0-damage.png"
    assert find_mask(masks, Path("x[1].png"), [Path("x[1].png")]) == masks / "x[1].jpg"
    with pytest.raises(ConfigError, match=r"no mask of 'b\.jpg'"):
        find_mask(masks, Path("in/b.jpg"), [Path("in")])


def test_what_was_found_is_written_edited_and_given_again(isolated):
    Path("in").mkdir()
    scratched = SMALL.resize((144, 96)).point(lambda level: level // 2)
    ImageDraw.Draw(scratched).line((10, 4, 120, 90), fill="white", width=2)
    scratched.save("in/a.png")
    assert main(["inpaint", "in", "--stages"]) == 0
    found = Image.open("in-inpaint/a-0-damage.png").convert("L")
    assert np.asarray(found).any()
    found.paste(0, (0, 0, 72, 96))  # the left half is none
    found.save("in-inpaint/a-0-damage.png")
    assert main(["inpaint", "in", "--mask", "in-inpaint", "-o", "again"]) == 0
    same = np.asarray(Image.open("again/a.png")) == np.asarray(scratched)
    assert same[:, :72].all()
    assert not same[:, 72:].all()


def test_a_folder_of_scans_is_restored_with_its_captions(isolated, capsys):
    """A gray TIFF of 16 bits that lies on its side, and a PNG; each upright, in color, with its 16 bits and caption."""
    Path("in").mkdir()
    gray = np.asarray(SMALL.convert("L").resize((96, 64)), np.uint16) * 257 + 3
    about = [(270, 2, 0, "Grandmother", True), (315, 2, 0, "her brother", True), (274, 3, 1, 6, True)]
    tifffile.imwrite("in/scan.tif", np.rot90(gray), photometric="minisblack", metadata=None, extratags=about)
    SMALL.save("in/b.png")
    assert main(["restore", "in", "--stages"]) == 0
    assert "2 restored, 0 already there, 0 failed" in capsys.readouterr().out
    photo = open_photo("in-restore/scan.tif")
    assert photo.picture.size == (96, 64)
    assert (photo.kept["exif"][270], photo.kept["exif"][315]) == ("Grandmother", "her brother")
    assert photo.deep.shape == (64, 96, 3)
    assert len(np.unique(photo.deep % 257)) > 50  # not 8 bits made wide
    assert np.ptp(np.asarray(photo.picture), axis=2).max() > 3
    upright = np.asarray(photo.picture.convert("L"), float)
    assert np.corrcoef(upright.ravel(), gray.ravel())[0, 1] > 0.9
    assert '"task": "restore"' in read_text("in-restore/scan.tif")["colorstyle"]
    stages = ["given", "damage", "fill", "details", "tones", "color"]
    made = sorted(path.name for path in Path("in-restore").glob("scan*"))
    assert made == [*(f"scan-{i}-{name}.png" for i, name in enumerate(stages)), "scan.tif"]


def test_a_transparent_picture_stays_so(isolated):
    alpha = Image.new("L", SMALL.size, 255)
    ImageDraw.Draw(alpha).rectangle((0, 0, 20, 47), fill=0)
    ImageDraw.Draw(alpha).rectangle((40, 20, 45, 25), fill=0)  # a hole that somebody erased, and wants filled
    layer = SMALL.copy()
    layer.putalpha(alpha)
    layer.save("a.png")
    hole(40).save("m.png")
    wanted = np.asarray(alpha).copy()
    assert main(["enhance", "a.png"]) == 0
    assert np.array_equal(np.asarray(Image.open("a-enhance.png").getchannel("A")), wanted)
    wanted[20:26, 40:46] = 255
    for task in ("inpaint", "restore"):
        assert main([task, "a.png", "--mask", "m.png"]) == 0
        assert np.array_equal(np.asarray(Image.open(f"a-{task}.png").getchannel("A")), wanted), task
