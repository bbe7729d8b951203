"""What only its color, only its texture and only its shape are worth in numbers."""

import pytest
import torch
from small_run import small_preset

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import DataError
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.model.modalities import MODALITIES, describe
from colorstyle_lib.reproduction.benchmarks.modality_only import distances_to_styles, modality_numbers
from colorstyle_lib.reproduction.results.store import Provenance
from colorstyle_lib.training.state import TrainState

HERE = Provenance("colorstyle evaluate --style --data ROOT", "full", "abc1234", "CPU")

CPU = torch.device("cpu")


def test_shares_and_their_differences_are_what_the_distances_say():
    start = torch.tensor([[1.0, 2.0, 4.0]] * 3)
    distances = {"photograph": start, "": start * 0.25}
    for k, modality in enumerate(MODALITIES):
        distances[f"only {modality}"] = start * torch.tensor([0.4 if i == k else 0.9 for i in range(3)])
    numbers = {n.key: n for n in modality_numbers(distances, "ours", "pairs", HERE)}
    assert numbers["pairs/ours/went_shape"].value == pytest.approx(0.75)
    assert numbers["pairs/ours, only shape/went_shape"].value == pytest.approx(0.6)
    assert numbers["pairs/ours, only shape/went_color"].value == pytest.approx(0.1)
    farther = numbers["pairs/ours, only texture/went_texture_minus_only_color"]
    assert (farther.value, farther.n) == (pytest.approx(0.5), 3)
    assert len(numbers) == 4 * 3 + 3 * 2


def test_a_model_that_leaves_pictures_alone_goes_nowhere(monkeypatch):
    contents, styles = scenes(4, 64, seed=4).rgb.split(2)
    gray = styles[:1].mean(1, keepdim=True).expand(1, 3, 64, 64)
    # Of a gray style no color can be taken alone: its pair is left out.
    pairs = contents[[0, 1, 0]], torch.cat((styles, gray))[[1, 0, 2]]
    model = ColorStyle(TrainState.new(small_preset(), 0, CPU).generator.eval(), "", CPU)
    asked = []
    stylize = model.stylize

    def faint(*given, attention):
        asked.append(attention)
        return stylize(*given, attention=attention, strength=0.0)

    monkeypatch.setattr(model, "stylize", faint)
    distances = distances_to_styles(model, *pairs)
    assert asked[::2] == [None, *({name: 1.0} for name in MODALITIES)]
    for k in range(3):
        there, here = (describe(rgb_to_lab(rgb)).vectors[k] for rgb in (styles[[1, 0]], contents))
        torch.testing.assert_close(distances["photograph"][:, k], (here - there).norm(dim=1))
    with pytest.raises(DataError, match="nothing can be taken alone"):
        distances_to_styles(model, pairs[0], gray.expand(3, -1, -1, -1))
    for taken in ("", *(f"only {name}" for name in MODALITIES)):
        torch.testing.assert_close(distances[taken], distances["photograph"], atol=0.02, rtol=0.05)
