"""Maps of the frozen encoder that are kept: a step from them is the step without them, and they outlive a run."""

from dataclasses import replace

import pytest
import torch
from small_run import TASKS, drawn_store

from colorstyle_lib.config import GeneratorConfig, get_preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.training.loop import GanLearner


def frozen_preset():
    """A small decoder on the pretrained encoder, in bfloat16, with every task that needs no feature network."""
    preset = get_preset("companion")
    shape = {"encoder": "efficientnet_lite0", "width": 8, "max_width": 16, "depth": 5, "attention": "places"}
    generator = GeneratorConfig(colors="bins", noise=4, repairing=8, **shape)
    return replace(preset, generator=generator, training=replace(preset.training, tasks=TASKS, batch_size=8))


def learner(folder, *, kept, fixed=3, preset=None):
    learns = GanLearner(preset or frozen_preset(), Batches(drawn_store(), 8, 64, fixed=fixed), maps=folder)
    if not kept:
        learns.context = replace(learns.context, kept=None)
    return learns


def test_losses_from_kept_maps_are_those_of_maps_computed_anew(tmp_path, monkeypatch):
    from_disk, anew = learner(tmp_path, kept=True), learner(tmp_path / "other", kept=False)
    measured = []
    monkeypatch.setattr(
        Generator, "measure", lambda self, lab, real=Generator.measure: measured.append(len(lab)) or real(self, lab)
    )
    for step in (0, 1, 0, 1):  # the second time everything is there
        losses = [one.gradient_step(one.draw(step), step, 0, 100) for one in (from_disk, anew)]
        assert losses[0].keys() == losses[1].keys()
        for name, loss in losses[0].items():
            assert float(loss) == pytest.approx(float(losses[1][name]), rel=2e-2, abs=1e-3), name
    whole = learner(tmp_path, kept=True)  # another run over the same images
    measured.clear()
    whole.gradient_step(whole.draw(0), 0, 0, 100)
    assert measured == []


def test_more_windows_go_on_where_fewer_ended(tmp_path):
    few, numbers = learner(tmp_path, kept=True, fixed=2), torch.arange(24)
    lab = torch.rand(24, 3, 64, 64) * 100
    first = few.context.kept(few.state.generator, lab, numbers)
    more = learner(tmp_path, kept=True, fixed=3)
    again = more.context.kept(more.state.generator, 0 * lab, numbers)
    assert torch.equal(first.maps[0], again.maps[0])
    assert torch.equal(first.described.vectors[1], again.described.vectors[1])
    assert not more.context.kept._ready[24:].any()


def test_other_crops_have_maps_of_their_own(tmp_path):
    learner(tmp_path, kept=True)
    GanLearner(frozen_preset(), Batches(drawn_store(), 8, 96, fixed=3), maps=tmp_path)
    GanLearner(frozen_preset(), Batches(drawn_store(), 8, 64, seed=1, fixed=3), maps=tmp_path)
    assert len(list(tmp_path.glob("*.bf16"))) == 3


def test_maps_of_an_encoder_that_learns_cannot_be_kept(tmp_path):
    with pytest.raises(ConfigError, match="frozen encoder"):
        learner(tmp_path, kept=True, preset=get_preset("tiny"))


def test_a_full_disk_is_one_clear_line(tmp_path, monkeypatch):
    def full(*arguments, **settings):
        raise RuntimeError("unable to resize file: No space left on device (28)")

    monkeypatch.setattr(torch, "from_file", full)
    with pytest.raises(DataError, match=r"no room for 0 GB of maps in .*No space left"):
        learner(tmp_path, kept=True)
