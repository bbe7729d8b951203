"""The file of numbers: merged by address, whole or not at all, and read back as it was."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from made_numbers import number_of

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError
from colorstyle_lib.metrics.bootstrap import Estimate
from colorstyle_lib.reproduction.results import store as results
from colorstyle_lib.reproduction.results.store import Number, Provenance, merge_results, read_results

HERE = Provenance("colorstyle evaluate --data ROOT", "full", "abc1234+", "2 CPU cores, 1 thread")


def made(metric: str = "psnr_ab", method: str = "released", value: float = 28.634, **options) -> Number:
    estimate = Estimate(value, value - 0.5, value + 0.25, 300)
    return number_of(metric, method, "scenes", estimate, HERE, weights="37", seeds=(0,), **options)


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")


def test_numbers_come_back_as_they_were(tmp_path: Path):
    file = tmp_path / "new" / "results.json"
    assert read_results(file) == {}
    numbers = [made(), made("kernel", sure=False, note="of features"), made(method="gray", value=20.0)]
    merge_results(numbers, file)
    assert read_results(file) == {one.key: one for one in numbers}
    found = read_results(file)["scenes/released/psnr_ab"]
    assert found == numbers[0]
    assert found.command == HERE.command
    assert found.interval == (28.134, 28.884)
    assert read_results(file)["scenes/released/kernel"].interval is None


def test_merging_replaces_one_address_and_leaves_the_others(tmp_path: Path):
    file = tmp_path / "results.json"
    merge_results([made(), made(method="gray", value=20.0)], file)
    merge_results([made(value=29.0)], file)
    assert {key: n.value for key, n in read_results(file).items()} == {
        "scenes/gray/psnr_ab": 20.0,
        "scenes/released/psnr_ab": 29.0,
    }
    assert list(json.loads(file.read_text())) == ["scenes/gray/psnr_ab", "scenes/released/psnr_ab"]
    assert not list(tmp_path.glob(".*"))


def test_writers_at_once_lose_nothing(tmp_path: Path):
    file = tmp_path / "results.json"
    code = (
        "import sys, json; from pathlib import Path; from colorstyle_lib import paths\n"
        "from colorstyle_lib.reproduction.results import store as results\n"
        "paths.RUNS = Path(sys.argv[2]); given = json.loads(sys.argv[3])\n"
        "given['interval'] = tuple(given['interval']); given['seeds'] = tuple(given['seeds'])\n"
        "for i in range(20):\n"
        "    one = results.Number(**(given | {'metric': f\"{given['metric']}{i}\"}))\n"
        "    results.merge_results([one], Path(sys.argv[1]))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, file, paths.RUNS, json.dumps(asdict(made(metric=m)))])
        for m in ("a", "b")
    ]
    assert [writer.wait(timeout=240) for writer in writers] == [0, 0]
    assert len(read_results(file)) == 40


def test_texts_show_a_number_with_its_interval():
    assert made().text() == "28.63 [28.13, 28.88]"
    assert made("colorfulness_ratio", value=0.87).text(0, scale=100.0) == "87 [37, 112]"
    assert replace(made(), interval=None).text(1) == "28.6"


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": {"metric": "b"}}'])
def test_a_damaged_file_is_refused_and_stays(content: str, tmp_path: Path):
    file = tmp_path / "results.json"
    file.write_text(content)
    with pytest.raises(DataError, match=r"results.json is damaged"):
        merge_results([made()], file)
    assert file.read_text() == content


def test_provenance_of_this_process():
    here = Provenance.here("colorstyle evaluate", "quick")
    assert here.mode == "quick"
    assert here.hardware
    if (paths.ROOT / ".git").exists():
        head = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=paths.ROOT, capture_output=True, text=True, check=True
        )
        assert here.commit.rstrip("+") == head.stdout.strip()


def test_outside_a_checkout_the_commit_is_unknown(monkeypatch):
    monkeypatch.setattr(paths, "IS_CHECKOUT", False)
    assert results.commit() == "unknown"
