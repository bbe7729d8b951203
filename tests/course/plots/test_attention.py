"""The figures of notebook 03: what is drawn is looked up in the figure, and each can be written."""

import numpy as np
import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.course import plots
from colorstyle_lib.model.modalities import MODALITIES, describe


def stripes(across: tuple[float, float], side: int = 64) -> torch.Tensor:
    """Waves of 8 pixels that run in the direction given (x, y), in Lab: (1, 3, side, side)."""
    y, x = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
    L = 50 + 20 * torch.cos(2 * torch.pi / 8 * (across[0] * x + across[1] * y))
    return torch.stack((L, torch.full_like(L, 30.0), torch.full_like(L, 10.0)))[None]


def gray_square() -> torch.Tensor:
    return torch.full((3, 16, 16), 0.5)


def test_what_each_modality_sees_stands_below_its_picture():
    lab = torch.cat((stripes((1.0, 0.0)), stripes((1.0, 0.0)) * torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1)))
    pictures = {"one": gray_square(), "other": gray_square()}
    notes = {"one": ("c", "t", "s"), "other": ("c2", "t2", "s2")}
    figure = plots.modality_maps(pictures, describe(lab), notes)
    axes = np.array(figure.axes).reshape(4, 2)
    colors = [rgb_to_lab(torch.from_numpy(np.asarray(ax.images[0].get_array())).permute(2, 0, 1)) for ax in axes[1]]
    assert colors[0][1:].mean((1, 2)).tolist() == pytest.approx([30, 10], abs=0.5)
    assert colors[1][1:].mean((1, 2)).tolist() == pytest.approx([-30, -10], abs=0.5)
    for row in (2, 3):  # the same L, on one scale
        left, right = (ax.images[0] for ax in axes[row])
        assert np.allclose(left.get_array(), right.get_array())
        assert left.get_clim() == right.get_clim()
    assert {"one", "other", "picture", *MODALITIES, "c", "t", "s", "c2", "t2", "s2"} <= set(texts(figure))


def test_overrides_show_the_distance_from_the_first():
    pictures = {"own": gray_square(), "equal": gray_square()}
    figure = plots.override_maps(pictures, {"own": torch.zeros(4, 4), "equal": torch.full((4, 4), 2.5)})
    own, equal = figure.axes[2:4]
    assert not own.images
    assert np.allclose(equal.images[0].get_array(), 2.5)
    assert {"own", "equal", "mean 2.5", "Lab units"} <= set(texts(figure))


def test_pictures_that_do_not_change_can_be_drawn():
    pictures = {"own": gray_square(), "same": gray_square()}
    assert "mean 0.0" in texts(plots.override_maps(pictures, dict.fromkeys(pictures, torch.zeros(4, 4))))
