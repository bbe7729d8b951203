"""The repository's frame: files that must agree with one another, and what no file may hold."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

# Each written in two halves, or this file would hold it. A path of one machine begins a word.
HOSTS = re.compile("|".join(["pypi" + r"\.org", "pytho" + "nhosted", "download.py" + "torch"]))
MACHINE = re.compile(r"(?<![\w.~}])/(wor" + "k|roo" + r"t|home|Users)/\w")
OUTSIDE = re.compile(r"\.\./shar" + "ed")


def files_of_repository() -> list[Path]:
    """Every file that git has or would take."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [r for r in map(Requirement, lines) if r.name != PROJECT["name"]]


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [(HOSTS, []), (MACHINE, []), (OUTSIDE, [".ci/run"])],
    ids=["hosts", "machine", "outside"],
)
def test_no_file_names_a_registry_or_a_place_on_one_machine(pattern: re.Pattern, allowed: list[str]):
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files_of_repository()
        if str(path.relative_to(ROOT)) not in allowed
        for match in [pattern.search(path.read_text(encoding="utf-8", errors="ignore"))]
        if match
    ]
    assert not found


def test_the_patterns_find_what_they_are_for():
    assert HOSTS.search("https://pypi" + ".org/simple")
    assert MACHINE.search('"/roo' + 't/x"')
    assert MACHINE.search("in /wor" + "k/main")
    assert MACHINE.search("file:///hom" + "e/you")
    assert not MACHINE.search("course/wor" + "k/a and https://example.com/home/a")
    assert OUTSIDE.search("see ../shar" + "ed/data")


def test_constraints_are_plain_versions_that_pyproject_allows():
    pins = {}
    for line in CONSTRAINTS:
        assert re.fullmatch(r"[\w.-]+==[\w.!]+", line), line
        name, version = line.split("==")
        pins[canonicalize_name(name)] = version
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in pins, f"make constraints: {name} is not in constraints.txt"
        assert requirement.specifier.contains(pins[name]), f"{requirement} against {pins[name]}"


def test_every_requirement_has_a_lower_bound_and_nothing_else():
    for requirement in requirements():
        assert [s.operator for s in requirement.specifier] == [">="], requirement


def test_conda_takes_its_versions_from_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"] == ["python=3.12", "pip", {"pip": ["-e .[test]"]}]
    assert "3.12" in " ".join(PROJECT["classifiers"])


def test_citation_agrees_with_pyproject():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]


def test_package_version_agrees_with_pyproject():
    import colorstyle_lib

    assert colorstyle_lib.__version__ == PROJECT["version"]


@pytest.mark.parametrize(
    "code",
    [
        "import colorstyle_lib",
        "from colorstyle_lib import errors, paths, config",
        "from colorstyle_lib.notebook_runner import run",
        "from colorstyle_lib.cli.main import main; main(['--help'])",
        "from colorstyle_lib.cli.main import main; main(['run', '--help'])",
    ],
)
def test_import_and_help_do_not_wait_for_torch(code: str):
    watched = f"""import sys
try:
    {code}
except SystemExit as end:
    assert not end.code
assert 'colorstyle_lib' in sys.modules
assert 'torch' not in sys.modules, 'torch was imported'"""
    done = subprocess.run([sys.executable, "-c", watched], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_make_lists_every_command_it_has():
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^make ([\w-]+)", told, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


def test_make_refuses_an_old_python_in_one_line(tmp_path: Path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # stands in for a Python that fails the comparison of versions
    old.chmod(0o755)
    command = ["make", "tutorial", f"PYTHON={old}", f"VENV={tmp_path}/venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()
