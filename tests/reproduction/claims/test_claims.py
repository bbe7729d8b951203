"""The paper's claims: whole, pointing at what exists, and judged by numbers alone."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from unicodedata import east_asian_width

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_numbers import number_of

from colorstyle_lib import paths
from colorstyle_lib.inference.colorstyle import released_card
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, COMPARISONS, LONG, SMALL
from colorstyle_lib.reproduction.ablations.effects import METRICS
from colorstyle_lib.reproduction.claims.recheck import check_claims
from colorstyle_lib.reproduction.claims.table import NARROWEST, as_facts, as_markdown, as_text, details, opponent, shown
from colorstyle_lib.reproduction.claims.verdict import (
    CANNOT_TELL,
    CLAIMS,
    MET,
    MISSED,
    NOT_HERE,
    NOT_SUPPORTED,
    NOT_YET,
    OPEN,
    SUPPORTED,
    Claim,
    Condition,
    Judgement,
    judge_claims,
)
from colorstyle_lib.reproduction.results.store import Number, Provenance, read_results

RECORDED = read_results()
HERE = Provenance("colorstyle evaluate --data ROOT", "full", "abc1234", "CPU")


def made(key: str, value: float, low: float, high: float, **facts) -> Number:
    data, method, metric = key.split("/")
    return number_of(metric, method, data, Estimate(float(value), float(low), float(high), 9), HERE, **facts)


def judge_claim(claim: Claim, numbers: dict[str, Number]) -> Judgement:
    return judge_claims(numbers, [claim])[0]


def fitting(condition: Condition, *, met: bool) -> Number:
    """A number that meets a condition, or misses it, with room to spare."""
    ends = [end for end in (condition.low, condition.high) if abs(end) != float("inf")]
    inside = sum(ends) / len(ends) if len(ends) == 2 else ends[0] + (1.0 if condition.low == ends[0] else -1.0)
    outside = ends[0] + (-1.0 if condition.low == ends[0] else 1.0)
    value = inside if met else outside
    key = condition.keys[0].replace("*", "x")
    return made(key, value, value - 0.01, value + 0.01, seeds=tuple(range(condition.seeds)))


def together(*numbers: Number) -> dict[str, Number]:
    return {number.key: number for number in numbers}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_row_is_whole(claim: Claim):
    assert claim.quotes
    assert claim.decides
    assert claim.title.endswith(".")
    assert claim.test.endswith(".")
    assert re.fullmatch(r"\d\(\d\)(, \d\(\d\))*", claim.section)
    for condition in claim.decides:
        assert condition.low > -float("inf") or condition.high < float("inf")
        for key in condition.keys:
            assert key.count("/") == 2
    notebook, _, cell = claim.cell.partition("#")
    path = paths.NOTEBOOKS / f"{notebook}.ipynb"
    if cell:
        assert cell in [one["id"] for one in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def test_all_twelve_are_there():
    assert [claim.id for claim in CLAIMS] == [f"C{i}" for i in range(1, 13)]


def test_quotes_are_the_papers_own_words():
    paper = os.environ.get("COLORSTYLE_PAPER")
    if not paper:
        pytest.skip("needs the paper's text: set COLORSTYLE_PAPER to its file")
    text = Path(paper).read_text(encoding="utf-8")
    assert [quote for claim in CLAIMS for quote in claim.quotes if quote not in text] == []


def test_numbers_are_asked_for_by_names_that_the_measuring_code_gives():
    """Nobody would ever answer a mistyped address: the claim would stay 'not yet tested'."""
    small, long = SMALL.method, LONG.method
    sides = [(method, c) for c in COMPARISONS.values() for method in (small, long)]
    sides = [(method, c) for method, c in sides if method == small or c.one[0] in (*LONG.members, "gray")]
    named = {f"all/{method}{c.name}/{metric}_minus_{c.other[0]}" for metric in METRICS for method, c in sides}
    named |= {f"all/{small}{name}/{metric}" for metric in METRICS for name in ABLATIONS}
    named |= {f"all/{long}{name}/{metric}" for metric in METRICS for name in LONG.members}
    known = [*named, *RECORDED]
    later = re.compile(
        r"style_pairs/|sea_mountain/|\w+/training\.|all/released/(inpaint|enhance|generate)_|all/attention\."
    )
    for claim in CLAIMS:
        controls = [condition.control for condition in claim.decides if condition.control]
        for key in (*(key for condition in claim.decides for key in condition.keys), *claim.beside, *controls):
            assert later.match(key) or any(fnmatchcase(one, key) for one in known), f"{claim.id}: {key}"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_verdict_follows_its_numbers(claim: Claim):
    good = [fitting(condition, met=True) for condition in claim.decides]
    bad = [fitting(condition, met=False) for condition in claim.decides]
    controls = [fitting(replace(e, keys=(e.control,)), met=True) for e in claim.decides if e.control]
    assert judge_claim(claim, together(*good)).verdict == SUPPORTED
    assert judge_claim(claim, {}).verdict == (NOT_HERE if claim.beyond else NOT_YET)
    for i in range(len(good)):
        one_bad = together(*good[:i], bad[i], *good[i + 1 :], *controls)
        found = judge_claim(claim, one_bad)
        assert found.verdict == NOT_SUPPORTED
        assert claim.decides[i].says in found.why
    if len(good) > 1:
        assert judge_claim(claim, together(*good[1:])).verdict == (NOT_HERE if claim.beyond else NOT_YET)
        assert judge_claim(claim, together(bad[0], *controls)).verdict == NOT_SUPPORTED


ONE = Condition(
    "it is small", ("all/ablation.x/error_minus_base", "all/ablation.y/error_minus_base"), high=0.0, seeds=2
)
CLAIM = Claim("C0", "t.", ("q",), "q", "1(1)", "t.", "m", (ONE,), "05_evaluation", command="colorstyle try")


def outcome(*numbers: Number) -> tuple[str, str]:
    (finding,) = judge_claim(CLAIM, together(*numbers)).findings
    return finding.outcome, finding.why


def ablated(value: float, low: float, high: float, name: str = "x", by_seed=(), seeds=(0, 1)) -> Number:
    return made(f"all/ablation.{name}/error_minus_base", value, low, high, seeds=seeds, by_seed=by_seed)


def test_a_condition_is_met_missed_or_open():
    assert outcome(ablated(-2, -3, -1)) == (MET, "")
    assert outcome(ablated(2, 1, 3)) == (MISSED, "")
    assert outcome(ablated(-2, -5, 1)) == (OPEN, "the interval holds both answers")
    assert outcome(ablated(-2, -3, -1, seeds=(0,))) == (OPEN, "1 of 2 trainings")
    assert outcome(ablated(-2, -3, -1, by_seed=(-4.1, 0.1))) == (OPEN, "trainings disagree")
    assert outcome(ablated(2, 1, 3, by_seed=(-0.1, 4.1))) == (OPEN, "trainings disagree")
    assert outcome(ablated(-2, -3, -1, by_seed=(-2.1, -1.9))) == (MET, "")
    assert outcome(replace(ablated(-2, -3, -1), interval=None)) == (OPEN, "it has no interval")


def test_one_of_two_addresses_is_enough_and_the_better_one_counts():
    assert outcome(ablated(2, 1, 3), ablated(-2, -3, -1, "y"))[0] == MET
    assert outcome(ablated(2, 1, 3), ablated(-2, -3, 1, "y"))[0] == OPEN
    assert outcome(ablated(2, 1, 3), ablated(2, 1, 3, "y"))[0] == MISSED


def test_a_miss_counts_only_where_our_own_recipe_meets_the_bound():
    level = Condition("it colors", ("all/ablation.x/ratio",), low=0.5, control="all/ablation.base/ratio")
    claim, small = replace(CLAIM, decides=(level,)), made("all/ablation.x/ratio", 0.4, 0.3, 0.45)

    def found(*numbers: Number) -> tuple[str, str]:
        (finding,) = judge_claim(claim, together(*numbers)).findings
        return finding.outcome, finding.why

    assert found(small) == (OPEN, "missed, but our own recipe was not measured")
    pale = made("all/ablation.base/ratio", 0.2, 0.1, 0.3)
    assert found(small, pale) == (OPEN, "missed, but our own recipe has 0.20 [0.10, 0.30]")
    assert found(small, made("all/ablation.base/ratio", 0.8, 0.7, 0.9)) == (MISSED, "")
    assert found(made("all/ablation.x/ratio", 0.6, 0.55, 0.7), pale) == (MET, "")
    long = made("all/ablation_long.x/ratio", 0.4, 0.3, 0.45)  # has a control of its own
    (finding,) = judge_claim(claim, together(small, pale, long)).findings
    assert finding.heard == OPEN
    (finding,) = judge_claim(
        claim, together(small, pale, long, made("all/ablation_long.base/ratio", 0.8, 0.7, 0.9))
    ).findings
    assert (finding.outcome, finding.heard) == (OPEN, MISSED)


def heard(small: Number, *long: Number) -> tuple[str, str, str]:
    (finding,) = judge_claim(CLAIM, together(small, *long)).findings
    assert finding.longer == long
    return finding.outcome, finding.heard, finding.why


def longer(value: float, low: float, high: float, name: str = "x") -> Number:
    return made(f"all/ablation_long.{name}/error_minus_base", value, low, high, seeds=(0,))


def test_a_longer_training_is_a_witness_that_takes_certainty_away_and_gives_none():
    met, missed, unclear = (-2, -3, -1), (2, 1, 3), (-2, -5, 1)
    contradicted = "a longer training contradicts"
    assert heard(ablated(*met)) == (MET, "", "")
    assert heard(ablated(*met), longer(*met)) == (MET, "agrees", "")
    assert heard(ablated(*missed), longer(*missed)) == (MISSED, "agrees", "")
    assert heard(ablated(*met), longer(*missed)) == (OPEN, "contradicts", contradicted)
    assert heard(ablated(*missed), longer(*met)) == (OPEN, "contradicts", contradicted)
    assert heard(ablated(*met), longer(*unclear)) == (MET, "open", "")
    assert heard(ablated(*unclear), longer(*met))[:2] == (OPEN, "met")
    assert heard(ablated(*unclear), longer(*missed))[:2] == (OPEN, "missed")
    assert outcome(longer(*met)) == ("missing", "")  # alone it is no condition
    judgement = judge_claim(CLAIM, together(ablated(*met), longer(*missed)))
    assert judgement.verdict == CANNOT_TELL
    assert {n.method for n in judgement.numbers} == {"ablation.x", "ablation_long.x"}
    for text in (as_text([judgement], 200), details(judgement, 200), as_markdown([judgement])):
        assert contradicted in text
    assert "; longer: contradicts, 2.0 [1.0, 3.0] against base, n = 9, 1 training" in as_markdown([judgement])
    (condition,) = as_facts([judgement])[0]["findings"]
    assert (condition["heard"], condition["longer"][0]["value"]) == ("contradicts", 2)


def test_of_longer_trainings_too_the_better_address_counts():
    numbers = together(ablated(2, 1, 3), longer(2, 1, 3), longer(-2, -3, -1, "y"))
    (finding,) = judge_claim(CLAIM, numbers).findings
    assert (finding.outcome, finding.heard) == (OPEN, "contradicts")
    assert [n.method for n in finding.longer] == ["ablation_long.y"]


def test_all_numbers_at_an_address_with_a_star_must_hold():
    stars = replace(CLAIM, decides=(Condition("all are small", ("all/ablation.*/error_minus_base",), high=0.0),))
    both = judge_claim(stars, together(ablated(-2, -3, -1), ablated(2, 1, 3, "y")))
    assert both.verdict == NOT_SUPPORTED
    assert len(both.numbers) == 2
    spread = made("all/ablation.z/error_minus_base_seed_sd", 9.0, 9.0, 9.0)
    assert judge_claim(stars, together(ablated(-2, -3, -1), spread)).verdict == SUPPORTED


def test_a_band_around_the_value_may_lose_at_both_ends():
    band = replace(CLAIM, decides=(Condition("as colorful", ("all/released/ratio",), 0.9, 1.1),))
    assert judge_claim(band, together(made("all/released/ratio", 1.0, 0.8, 1.2))).verdict == CANNOT_TELL
    assert judge_claim(band, together(made("all/released/ratio", 1.2, 0.8, 1.3))).verdict == CANNOT_TELL


def test_numbers_of_different_weights_prove_nothing_of_one_model():
    unified = CLAIMS[0]
    good = [replace(fitting(e, met=True), weights=w) for e, w in zip(unified.decides, "ab", strict=True)]
    assert judge_claim(unified, together(*good)).verdict == CANNOT_TELL
    assert "2 different files" in judge_claim(unified, together(*good)).why


@settings(max_examples=12)
@given(st.integers(20, 200))
def test_no_line_is_wider_than_the_terminal(width: int):
    judgements = judge_claims(RECORDED)
    text = "\n".join([as_text(judgements, width), *(details(one, width) for one in judgements)])
    for line in text.splitlines():
        columns = sum(2 if east_asian_width(sign) in "WF" else 1 for sign in line)
        assert columns <= max(width, NARROWEST), line


def test_a_notebook_gets_the_text_too(monkeypatch: pytest.MonkeyPatch):
    judgement = judge_claims(RECORDED)[3]
    in_a_terminal = details(judgement, 100)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert details(judgement, 100) == in_a_terminal != ""


def test_nothing_is_lost_in_wrapping():
    judgement = judge_claims(RECORDED)[3]
    assert "".join(judgement.claim.quotes[0].split()) in "".join(details(judgement, 60).split())
    assert judgement.why.replace(" ", "") in "".join(details(judgement, 60).split())


def test_markdown_has_a_line_a_claim_and_json_every_number():
    judgements = judge_claims(RECORDED)
    lines = as_markdown(judgements).splitlines()
    assert len(lines) == len(CLAIMS) + 2
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    facts = json.loads(json.dumps(as_facts(judgements)))
    assert [one["claim"]["id"] for one in facts] == [claim.id for claim in CLAIMS]
    (gray, *_) = (n for c in facts[3]["findings"] for n in c["numbers"])
    kept = RECORDED["/".join(gray[part] for part in ("data", "method", "metric"))]
    assert opponent(kept) == "gray"
    assert gray["value"] == kept.value
    assert tuple(gray["interval"]) == kept.interval
    assert "Infinity" not in json.dumps(facts)  # which is no JSON


def test_who_is_compared_with_and_how_many_digits():
    assert opponent(made("all/released/psnr_ab_minus_gray", 1, 0, 2)) == "gray"
    assert opponent(made("all/released/hints_error_over_automatic", 1, 0, 2)) == "automatic"
    assert opponent(made("all/released/psnr_ab", 1, 0, 2)) == ""
    assert shown(made("a/b/c", 0.12345, 0.1, 0.15)) == "0.123 [0.100, 0.150]"
    assert shown(made("a/b/c", 348.68, 304.9, 397.6)) == "349 [305, 398]"


def differing(recorded: dict[str, Number], now: dict[str, Number], *ids: str) -> list[str]:
    return [" ".join(one.lines) for one in check_claims(recorded, now, ids) if one.problems]


def test_a_number_that_left_its_interval_differs():
    key = "demo/released/psnr_ab"
    kept = RECORDED[key]
    (same,) = [one for one in check_claims(RECORDED, together(kept)) if not one.skipped]
    assert same.lines[0].startswith(f"C4: {key}: agrees: {kept.value:.6g} now")
    (gone,) = differing(RECORDED, together(replace(kept, value=kept.interval[1] + 0.1)))
    assert "outside its interval" in gone
    bare = {**RECORDED, key: replace(kept, interval=None)}
    (off,) = differing(bare, together(replace(kept, value=kept.value * 1.02)))
    assert "outside 1% of it" in off
    assert not differing(bare, together(replace(kept, value=kept.value * 1.02)), "C1")


def test_numbers_of_other_weights_than_the_released_ones_are_stale():
    # Today's are of today's: whoever releases other weights has to measure them.
    assert differing(RECORDED, {}) == []
    stale = {key: replace(n, weights="f" * 64) if n.method == "released" else n for key, n in RECORDED.items()}
    lines = differing(stale, {})
    assert lines
    assert all(f"but {released_card()['sha256'][:8]} are released" in line for line in lines)


def test_what_was_not_computed_again_is_named_by_its_command():
    checks = check_claims(RECORDED, {key: n for key, n in RECORDED.items() if n.data == "demo"})
    left = [one.name for one in checks if one.skipped]
    assert "colorstyle evaluate --data ROOT" in left
    assert "colorstyle evaluate --demo" not in left


def test_a_verdict_that_fresh_numbers_would_change_is_told():
    key = "all/released/colorfulness_ratio"
    better = replace(RECORDED[key], value=1.0, interval=(0.95, 1.05))
    worse = replace(better, value=0.5, interval=(0.4, 0.6))
    lines = differing({**RECORDED, key: worse}, together(better))
    assert "C4: DIFFERS: 'not supported' as recorded   'supported' with the numbers of now" in lines
