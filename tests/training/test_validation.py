"""Warnings of a training that goes wrong."""

from dataclasses import replace

from colorstyle_lib.training.validation import Evaluation, warnings_of


def test_warnings_say_what_to_do():
    fine = Evaluation(9, 25.0, 0.9, 1.0, {"8": {"texture": 0.4, "shape": 0.6}}, {"8": 0.1})
    assert warnings_of(fine, 0.7, step=900, steps=1000) == []
    lost = warnings_of(fine, 0.99, step=1, steps=1000)
    assert len(lost) == 1
    assert "99 % of pairs" in lost[0]
    assert "discriminator_learning_rate" in lost[0]
    brown = replace(fine, colorfulness_ratio=0.3)
    assert "too pale" in warnings_of(brown, step=900, steps=1000)[0]
    assert warnings_of(brown, step=100, steps=1000) == []  # too early to tell
    collapsed = replace(fine, attention={"8": {"texture": 0.001, "shape": 0.999}})
    assert "collapsed to shape" in warnings_of(collapsed, step=900, steps=1000)[0]
    constant = replace(fine, attention_spread={"8": 0.0})
    assert "same for every picture" in warnings_of(constant, step=900, steps=1000)[0]
    alone = replace(constant, attention={"8": {"color": 0.0, "texture": 1.0}})
    assert warnings_of(alone, step=900, steps=1000) == []
