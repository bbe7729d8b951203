import dataclasses
import importlib
import inspect
import json

import pytest

from colorstyle_lib import paths
from colorstyle_lib.config import PRESETS
from colorstyle_lib.course.deviations import DEVIATIONS, Deviation, as_markdown
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.losses.adversarial import OBJECTIVES
from colorstyle_lib.model.modalities import MODALITIES

ROWS = {row.topic: row for row in DEVIATIONS}


def find(place):
    """What a row points at: a preset, a module, or a name in a module."""
    if place.startswith("preset "):
        return PRESETS[place.removeprefix("preset ")]
    module, _, name = f"colorstyle_lib.{place}".rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:  # an attribute of a class
        module, _, owner = module.rpartition(".")
        return getattr(getattr(importlib.import_module(module), owner), name)


@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: row.topic)
def test_every_row_is_whole_and_points_at_something_that_exists(row):
    assert row.where
    for place in row.where:
        assert find(place) is not None
    for sentence in (row.paper, row.ours, row.why):
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_what_does_not_exist_is_not_found():
    with pytest.raises(KeyError):
        find("preset papier")
    with pytest.raises(ModuleNotFoundError):
        find("losses.adversarial.no_such_loss")


def test_topics_are_unique_and_rows_frozen():
    assert len(ROWS) == len(DEVIATIONS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEVIATIONS[0].topic = "x"


def test_markdown_has_a_line_a_row():
    rows = (Deviation("a", "b.", "one | two.", "d.", ("color",)), Deviation("e", "f.", "g.", "h.", ("bins",)))
    head, rule, first, second = as_markdown(rows).splitlines()
    assert head.count("|") == rule.count("|") == second.count("|") == 6
    assert first == "| a | b. | one \\| two. | d. | `color` |"
    assert len(as_markdown().splitlines()) == len(DEVIATIONS) + 2


def test_the_calls_that_rows_speak_of_are_there():
    assert {"stylize", "inpaint", "enhance"} <= set(dir(ColorStyle))
    assert "seed" in inspect.signature(ColorStyle.colorize).parameters


# Facts that a row states in words.
def test_the_paper_is_the_paper_and_the_others_are_what_the_table_says():
    paper, companion, tiny = (PRESETS[name] for name in ("paper", "companion", "tiny"))
    assert "Plain SGD in `paper`; AdamW in" in ROWS["optimizer"].ours
    assert [p.training.optimizer for p in (paper, companion, tiny)] == ["sgd", "adamw", "adamw"]
    assert [p.generator.colors for p in (paper, companion, tiny)] == ["regression", "bins", "regression"]
    assert [p.training.objective for p in (paper, companion, tiny)] == ["saturating", "hinge", "hinge"]
    assert paper.training.supervised == paper.training.catch_up == 0
    assert paper.discriminator.pooling
    assert not paper.discriminator.patches
    assert not companion.discriminator.pooling
    assert companion.discriminator.patches
    assert companion.discriminator.spectral_norm
    assert "color and texture in `paper`, color, texture and shape in `companion`" in ROWS["which modalities"].ours
    assert [p.discriminator.modalities for p in (paper, companion)] == [MODALITIES[:2], MODALITIES]
    assert "learned from nothing in `paper` and has frozen ImageNet features in `companion`" in ROWS["G's network"].ours
    assert [p.generator.encoder for p in (paper, companion)] == ["convolutions", "efficientnet_lite0"]


def test_every_objective_is_named():
    successors = [name.replace("_", "-") for name in OBJECTIVES if name != "saturating"]
    said = ROWS["objective"].ours.replace("least squares", "least-squares")
    assert all(name in said for name in successors)
    assert "four successors" in said
    assert len(successors) == 4


def test_the_released_weights_learned_what_the_table_says():
    trained = json.loads((paths.WEIGHTS / "companion.json").read_text(encoding="utf-8"))["trained"]
    assert trained["hardware"] in ROWS["hardware"].ours
    assert f"{trained['images']:,}" in ROWS["data"].ours
