"""Numbers in texts: right, rounded, and found out where they drift; and those of the repository's own texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from colorstyle_lib import paths
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.figures.check import check_texts
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results
from colorstyle_lib.reproduction.results.text_numbers import drifted_numbers

HERE = Provenance("colorstyle evaluate", "full", "abc1234", "CPU")
KEY = "all/released/error_ratio"


def known(value: float = 0.3853, low: float = 0.3354, high: float = 0.4378, **facts) -> dict[str, Number]:
    return {KEY: Number.of("error_ratio", "released", "all", Estimate(value, low, high, 442), HERE, **facts)}


@pytest.mark.parametrize(
    "text",
    [
        f"a ratio of 0.39<!-- = {KEY} -->",
        f"**0.385**<!-- = {KEY} --> and 0.4<!-- = {KEY} -->",
        f"takes away 61 %<!-- = 100 - 100 * {KEY} -->, leaves 39%<!-- = 100 * {KEY} -->",
        f"[0.34<!-- = low of {KEY} -->, 0.44<!-- = high of {KEY} -->], n = 442<!-- = n of {KEY} -->",
        f"| 62.3 %<!-- = 100 - 100 * {KEY} --> |".replace("62.3", "61.5"),
        "no mark at all, 0.9",
    ],
)
def test_right_numbers_pass(text: str):
    marks, problems = drifted_numbers(text, known())
    assert problems == []
    assert marks == text.count("<!--")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"0.38<!-- = {KEY} -->", "0.38: all/released/error_ratio is 0.39"),
        (f"0.3850<!-- = {KEY} -->", "is 0.3853"),
        (f"62 %<!-- = 100 - 100 * {KEY} -->", "is 61"),
        (f"n = 441<!-- = n of {KEY} -->", "is 442"),
        ("0.39<!-- = all/released/error_ration -->", "did you mean 'all/released/error_ratio'?"),
        (f"about a third<!-- = {KEY} -->", "no number stands before"),
        (f"0.39\n<!-- = {KEY} -->", "no number stands before"),
    ],
)
def test_drifted_numbers_are_told(text: str, said: str):
    _, (problem,) = drifted_numbers(text, known())
    assert said in problem


def test_an_end_of_no_interval_is_told():
    _, (problem,) = drifted_numbers(f"0.3<!-- = low of {KEY} -->", known(sure=False))
    assert "has no interval" in problem


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
@example(0.225, 2)
def test_what_python_prints_passes_and_the_next_number_does_not(value: float, digits: int):
    numbers = known(value, value - 1, value + 1)
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.replace("-", "")
    assert drifted_numbers(f"{shown}<!-- = {KEY} -->", numbers) == (1, [])
    other = f"{float(shown) + 2 * 10**-digits:.{digits}f}"
    assert drifted_numbers(f"{other}<!-- = {KEY} -->", numbers)[1]
    if abs(value) >= 1000:
        assert drifted_numbers(f"{value:,.{digits}f}<!-- = {KEY} -->", numbers) == (1, [])


def test_every_number_among_the_readmes_results_is_marked():
    readme = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    _, found, section = readme.partition("## What was measured\n")
    if not found:
        pytest.skip("README has no section 'What was measured'")
    section = section.partition("\n## ")[0].replace("95 %", "")
    without_marked = re.sub(r"[-−]?[\d.,]+(?: ?(?:%|dB))?\**<!-- = .*? -->", "", section)
    assert re.findall(r"\d+\.\d+|\d+ %", without_marked) == []
    assert drifted_numbers(section, read_results())[0] >= 10


def test_texts_of_the_repository_say_what_was_measured(tmp_path):
    for one in check_texts():
        assert one.problems == (), "\n".join(one.lines)
    drifted = tmp_path / "README.md"
    drifted.write_text("99.9<!-- = all/released/psnr_ab -->", encoding="utf-8")
    (found,) = check_texts([drifted])
    assert found.problems
    assert found.lines[0].startswith("README.md: DIFFERS")
