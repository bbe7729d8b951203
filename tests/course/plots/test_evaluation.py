"""The figures of notebook 05: what is drawn is looked up in the figure."""

import torch
from figure_texts import house_style, texts  # noqa: F401
from matplotlib.colors import to_hex

from colorstyle_lib.course.plots import bootstrap_samples, feature_histograms, metric_ranks, training_intervals
from colorstyle_lib.metrics.bootstrap import Estimate


def test_crowds_share_one_scale():
    real, far = torch.linspace(-1, 1, 50), torch.linspace(8, 9, 50)
    figure = feature_histograms(
        real, {"near": real, "far": far}, {"near": ("kernel 0", "Fréchet 0"), "far": ("kernel 9", "x")}
    )
    near_axes, far_axes = figure.axes
    assert near_axes.get_xlim() == far_axes.get_xlim()
    assert near_axes.get_xlim()[1] >= 9
    assert {"near", "far", "kernel 0\nFréchet 0", "real", "results"} <= set(texts(figure))


def test_an_interval_lies_under_its_samples():
    figure = bootstrap_samples({"paired": (torch.linspace(0, 1, 100), Estimate(0.5, 0.1, 0.9, 7))}, "dB")
    line, value, _ = figure.axes[0].lines
    assert list(line.get_xdata()) == [0.1, 0.9]
    assert list(value.get_xdata()) == [0.5]
    assert "dB" in texts(figure)


def test_a_training_whose_interval_misses_the_recipe_is_marked():
    found = [Estimate(28.0, 27.8, 28.2, 9), Estimate(28.6, 28.4, 28.8, 9)]
    figure = training_intervals(found, 28.1)
    _, _, hit, _, miss = figure.axes[0].lines
    assert (hit.get_marker(), miss.get_marker()) == ("o", "s")
    assert to_hex(hit.get_color()) != to_hex(miss.get_color())
    assert any("recipe" in text for text in texts(figure))


def test_agreement_lies_on_the_diagonal():
    eye = ["cup", "cat", "sky"]
    figure = metric_ranks(eye, {"same": eye, "reversed": eye[::-1]}, {"same": "ρ 1", "reversed": "ρ -1"})
    same, other = (ax.lines[1] for ax in figure.axes)
    assert list(same.get_xdata()) == list(same.get_ydata()) == [1, 2, 3]
    assert list(other.get_xdata()) == [3, 2, 1]
    assert {"cup 1", "sky 3", "rank by the metric\nρ -1"} <= set(texts(figure))
