"""`colorstyle claims` as people call it: the table, one claim, and numbers that are computed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.reproduction.claims import recheck as claims_check
from colorstyle_lib.reproduction.claims.verdict import CLAIMS
from colorstyle_lib.reproduction.results.store import RESULTS


@pytest.fixture
def edited(tmp_path: Path):
    """A copy of the recorded numbers with some fields of one of them replaced."""

    def edit(key: str, **fields) -> Path:
        stored = json.loads(RESULTS.read_text(encoding="utf-8"))
        stored[key] |= fields
        path = tmp_path / "results.json"
        path.write_text(json.dumps(stored), encoding="utf-8")
        return path

    return edit


def test_the_table_has_every_claim(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert main(["claims"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines() if line.startswith("C")] == [c.id for c in CLAIMS]
    assert max(map(len, told.split("\n\n")[0].splitlines())) <= 72


def test_a_verdict_comes_from_the_file(edited, capsys):
    file = edited("all/released/colorfulness_ratio", value=1.0, interval=[0.98, 1.02])
    assert main(["claims", "c4", "--results", str(file)]) == 0
    assert "C4           supported: " in capsys.readouterr().out
    assert main(["claims", "C4", "--json", "--results", str(file)]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["claim"]["id"], one["verdict"]) == ("C4", "supported")
    assert main(["claims", "--markdown", "--results", str(file)]) == 0
    assert "| **supported**: every condition is met |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["C13"], "no claim 'C13'"),
        (["--data", "x"], "--data is for --check"),
        (["--results", "nowhere.json"], "no file 'nowhere.json'"),
        (["--check", "--data", "nowhere"], "is not a folder"),
    ],
)
def test_mistakes_are_one_line(asked: list[str], said: str, capsys):
    assert main(["claims", *asked]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_numbers_are_computed_again_and_a_drift_fails(edited, capsys, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    now = claims_check.recompute()  # once for both
    assert not (tmp_path / "runs").exists()  # what was measured before is not looked at, and nothing is kept
    monkeypatch.setattr(claims_check, "recompute", lambda root: now)
    assert main(["claims", "--check"]) == 0
    told = capsys.readouterr().out
    assert "C4: demo/released/psnr_ab: " in told
    assert " checked, 0 differ, " in told
    assert "colorstyle evaluate --data ROOT: not checked: " in told
    file = edited("demo/released/psnr_ab", value=40.0, interval=[39.0, 41.0])
    assert main(["claims", "--check", "--results", str(file)]) == 1
    (drifted,) = [line for line in capsys.readouterr().out.splitlines() if "DIFFERS" in line]
    assert drifted.startswith("C4: demo/released/psnr_ab: ")
