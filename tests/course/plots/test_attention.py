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


def test_every_image_is_a_dot_and_the_mean_a_bar():
    weights = {"gray": {"1/8": torch.tensor([[0.0, 0.2, 0.8], [0.0, 0.6, 0.4]])}}
    figure = plots.weights_by_image(weights, MODALITIES)
    (ax,) = figure.axes
    xs = [line.get_xdata() for line in ax.lines]
    assert np.allclose(xs[2], [0.2, 0.6])
    assert np.allclose(xs[3], [0.4, 0.4])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # color at the top
    assert {"1/8", "gray", *MODALITIES} <= set(texts(figure))


def test_weight_stands_against_change():
    alpha, change = torch.tensor([0.1, 0.9]), torch.tensor([1.0, 3.0])
    figure = plots.weight_against_change({"A": {"gray\nρ 1": ("texture", alpha, change)}})
    (ax,) = figure.axes
    assert np.allclose(ax.lines[0].get_xydata(), [[0.1, 1], [0.9, 3]])
    assert {"weight of texture", "gray\nρ 1", "A\nchange of ab when removed"} <= set(texts(figure))


def test_panels_above_each_other_share_their_weights():
    alpha, change = torch.tensor([0.1, 0.3]), torch.tensor([1.0, 3.0])
    row = {"gray": ("texture", alpha, change), "guided": ("shape", alpha + 0.5, change)}
    figure = plots.weight_against_change({"A": row, "B": row})
    (above, _), (below, right) = figure.axes[:2], figure.axes[2:]
    assert above.get_xlim() == below.get_xlim() != right.get_xlim()
    assert below.get_xlim()[1] < 0.5
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "", "weight of texture", "weight of shape"]


def test_evidence_is_a_bar_for_each_modality_and_one_for_the_verdict():
    figure = plots.discriminator_scores(
        {"gray": gray_square()}, {"gray": [None, -2.0, 1.0]}, {"gray": [0.0, 0.75, 0.25]}, {"gray": -1.25}
    )
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert bars == pytest.approx([0, -2, 1, -1.25])
    assert {"absent", "α 0.75", "α 0.25", "verdict"} <= set(texts(figure))
