"""sRGB to Lab and back, beside scikit-image and kornia; the gamut fit beside the same search over whole planes."""

import pytest
import torch
from gamut_search import halving
from side_by_side import alternate

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab

pytestmark = pytest.mark.benchmark

N, SIZE = 16, 256


def test_lab_and_back():
    theirs = pytest.importorskip("skimage.color")
    kornia = pytest.importorskip("kornia.color")
    rgb = torch.rand(N, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    lab = rgb_to_lab(rgb)
    # Everybody gets float32 in the layout they want, made beforehand.
    rgb_last, lab_last = (planes.permute(0, 2, 3, 1).contiguous().numpy() for planes in (rgb, lab))

    there = alternate(
        {
            "colorstyle": lambda: rgb_to_lab(rgb),
            "kornia": lambda: kornia.rgb_to_lab(rgb),
            "scikit-image": lambda: theirs.rgb2lab(rgb_last),
        }
    )
    back = alternate(
        {
            "colorstyle": lambda: lab_to_rgb(lab),
            "kornia": lambda: kornia.lab_to_rgb(lab),
            "scikit-image": lambda: theirs.lab2rgb(lab_last),
        }
    )
    batch = f"{N} x 3 x {SIZE} x {SIZE}, {torch.get_num_threads()} threads of torch"
    there.show(f"sRGB to Lab, {batch}", yardstick="scikit-image")
    back.show(f"Lab to sRGB, {batch}", yardstick="scikit-image")
    # On one thread we are about as fast as scikit-image; this notices a mistake, not a busy core.
    assert there.ratio("colorstyle", "scikit-image") < 1.5
    assert back.ratio("colorstyle", "scikit-image") < 1.5


def test_gamut_fit_of_a_picture_that_is_outside():
    plane = torch.rand(3, 1024, 1024, generator=torch.Generator().manual_seed(0))
    lab = torch.stack((100 * plane[0], 200 * plane[1] - 100, 200 * plane[2] - 100))[None]
    both = alternate(
        {"colorstyle": lambda: fit_gamut(lab), "whole planes": lambda: lab[:, 1:] * halving(lab, 10)}, rounds=5
    )
    both.show("largest chroma in the gamut, 1024 x 1024 random Lab", yardstick="whole planes")
    assert both.ratio("colorstyle", "whole planes") < 0.8
