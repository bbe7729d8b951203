"""The repair benchmark: an untrained decoder is its base fill, and rows are what their names say."""

import pytest
import torch

from colorstyle_lib import ColorStyle
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.images.read import to_tensor
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.reproduction.benchmarks.repair import HOLES, KINDS, fill_errors, fills, hole, repair_rows


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_generator(Generator(change(get_preset("tiny").generator, repairing=8)), path)
    return ColorStyle.load(path)


@pytest.fixture(scope="module")
def squares():
    return torch.stack([to_tensor(photograph(name).open().resize((96, 96))) for name in ("chelsea", "coffee")])


@pytest.mark.parametrize("kind", ["scratches", "text"])
def test_an_untrained_decoder_fills_thin_holes_as_a_biharmonic_fill_does(untrained, squares, kind):
    found = fill_errors(untrained, squares, kind)
    assert torch.allclose(found["error/released"], found["error/biharmonic"], rtol=0.1)
    assert bool((found["error/released"] < 0.95 * found["error/smooth_fill"]).all())
    assert bool((found["perceptual/released"] > 0).all())
    assert torch.allclose(found["perceptual/released"], found["perceptual/biharmonic"], rtol=0.1)


def test_holes_are_of_their_kind():
    areas = {kind: hole(kind, 128, 0).mean() for kind in HOLES}
    assert areas["quarter"] == 0.25
    assert areas["scratches"] < 0.1
    assert set(fills()) >= {"smooth_fill", "biharmonic"}


def test_rows_compare_with_each_other_fill_and_with_what_was_given():
    ones = torch.ones(4)
    holes = {"error/released": 0.01 * ones, "error/biharmonic": 0.1 * ones}
    holes |= {"ssim/released": 0.9 * ones, "ssim/biharmonic": 0.7 * ones}
    holes |= {"perceptual/released": 0.2 * ones, "perceptual/biharmonic": 0.4 * ones}
    filters = ("clahe", "unsharp mask", "gray world", "nonlocal means", "total variation")
    damaged = {"given": 0.1 * ones, "released": 0.01 * ones} | dict.fromkeys(filters, 0.2 * ones)
    clean = damaged | {"released": 1e-5 * ones}
    rows = repair_rows(dict.fromkeys(HOLES, holes) | dict.fromkeys(KINDS, damaged) | {"clean": clean})
    values = {name: row[0](torch.ones(1, 4, dtype=torch.float64)).item() for name, row in rows.items()}
    assert values["inpaint_error_over_biharmonic"] == pytest.approx(0.1)
    assert values["inpaint_psnr_text_minus_biharmonic"] == pytest.approx(10)
    assert values["inpaint_ssim_blots_minus_biharmonic"] == pytest.approx(0.2)
    assert values["inpaint_perceptual_quarter_over_biharmonic"] == pytest.approx(0.5)
    assert values["enhance_psnr_dark_minus_damaged"] == pytest.approx(10)
    assert values["enhance_psnr_clean"] == pytest.approx(50)
    assert values["enhance_clean_above_40"] == 1
