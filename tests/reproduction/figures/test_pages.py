"""Generated parts of pages: right numbers, as many digits as asked for; and drifted ones are reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_numbers import number_of

from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.figures.pages import (
    PAGES,
    check_pages,
    generate,
    parts,
    table_of_numbers,
    write_pages,
)
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results

HERE = Provenance("colorstyle evaluate", "full", "abc1234", "CPU")
KEY = "all/released/error_ratio"


def known(value: float = 0.3853, low: float = 0.3354, high: float = 0.4378, **facts) -> dict[str, Number]:
    return {KEY: number_of("error_ratio", "released", "all", Estimate(value, low, high, 442), HERE, **facts)}


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (f"{{{KEY}:2}}", "0.39 [0.34, 0.44]"),
        (f"{{100 * {KEY}:0}}", "39 [34, 44]"),
        (f"{{100 - 100 * {KEY}:1}}", "61.5 [56.2, 66.5]"),
        (f"ratio: {{{KEY}:1}}", "ratio: 0.4 [0.3, 0.4]"),
        ("no number", "no number"),
    ],
)
def test_a_cell_shows_the_number_of_its_address(cell: str, shown: str):
    head, rule, row, _, below = table_of_numbers(["what", "value"], [["x", cell]], known()).splitlines()
    assert (head, row) == ("| what | value |", f"| x | {shown} |")
    assert head.count("|") == rule.count("|")
    assert below == ("*n = 442; measured by `colorstyle evaluate`*" if "{" in cell else "*n = ; measured by *")


def test_a_number_without_an_interval_stands_alone_and_no_zero_is_negative():
    assert "| 0.39 |" in table_of_numbers(["value"], [[f"{{{KEY}:2}}"]], known(sure=False))
    assert "| 0.0 [−0.1, 0.0] |" in table_of_numbers(["value"], [[f"{{{KEY}:1}}"]], known(-0.01, -0.12, -0.001))


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
@example(0.225, 2)
def test_numbers_are_rounded_as_python_prints_them(value: float, digits: int):
    table = table_of_numbers(["value"], [[f"{{{KEY}:{digits}}}"]], known(value, sure=False))
    (shown,) = re.findall(r"^\| ([−\d.]+) \|$", table, re.MULTILINE)
    printed = f"{value:.{digits}f}"
    assert float(shown.replace("−", "-")) == float(printed)
    assert len(shown.rpartition(".")[2]) == len(printed.rpartition(".")[2]) or float(printed) == 0


def test_a_number_that_is_not_recorded_is_reported():
    with pytest.raises(DataError, match="did you mean 'all/released/error_ratio'"):
        table_of_numbers(["value"], [["{all/released/error_ration:2}"]], known())


def test_a_page_is_renewed_between_its_markers_and_nowhere_else(tmp_path: Path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- generated: clips -->\nold\n<!-- end -->\n\nText.\n", encoding="utf-8")
    (found,) = check_pages([page])
    assert found.lines == [
        "page.md: DIFFERS: 1 generated parts",
        "  'clips' is not what results.json gives: colorstyle figures pages",
    ]
    write_pages([page])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# A\n\n<!-- generated: clips -->\n| camera moves by |")
    assert text.endswith("*\n<!-- end -->\n\nText.\n")
    assert check_pages([page])[0].problems == ()
    write_pages([page])
    assert capsys.readouterr().out == "page.md: renewed\npage.md: unchanged\n"


def test_a_marker_without_its_part_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'clips'"):
        generate("<!-- generated: clip -->\n<!-- end -->", {"clips": "x"})


def test_pages_of_the_repository_are_what_results_json_gives():
    assert not [line for one in check_pages() if one.problems for line in one.lines]


def test_every_part_stands_on_a_page_and_no_marker_is_left_open():
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    named = [name for text in texts for name in re.findall(r"<!-- generated: (.+?) -->", text)]
    assert set(named) == set(parts(read_results()))
    assert len(named) == sum(text.count("<!-- end -->") for text in texts)
    assert len(named) == sum(int(one.said.split()[0]) for one in check_pages())
