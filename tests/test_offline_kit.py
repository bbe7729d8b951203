"""The kit for machines without a network: what it asks pip for, what it holds, and that its installer installs."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.tags import sys_tags

ROOT = Path(__file__).resolve().parent.parent
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

_spec = importlib.util.spec_from_file_location("offline_kit", ROOT / "tools" / "offline_kit.py")
kit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kit)


def item(name: str, version: str, direct: bool = False) -> dict:
    return {"metadata": {"name": name, "version": version}, "is_direct": direct}


REPORT = {
    "install": [
        item("colorstyle", "0.1.0", direct=True),
        item("torch", "2.15.0"),
        item("torchvision", "0.29.2"),
        item("triton", "3.9.0"),
        item("nvidia-nccl-cu13", "2.30.7"),
        item("cuda_bindings", "13.5.0"),
        item("Jinja2", "3.1.6"),
        item("torch-like", "1.0"),
    ]
}


def test_pins_are_what_pip_reports_but_our_own_wheel():
    assert kit.pins(REPORT, torch=True) == [
        "cuda-bindings==13.5.0",
        "jinja2==3.1.6",
        "nvidia-nccl-cu13==2.30.7",
        "torch-like==1.0",
        "torch==2.15.0",
        "torchvision==0.29.2",
        "triton==3.9.0",
    ]


def test_torch_and_its_libraries_can_be_left_out_and_nothing_else():
    assert kit.pins(REPORT, torch=False) == ["jinja2==3.1.6", "torch-like==1.0"]


def test_builds_run_on_glibc_2_28_and_are_known_by_name():
    names = kit.platforms("x86_64")
    assert "manylinux_2_29_x86_64" not in names
    assert {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"} <= set(names)
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        assert set(names) <= {tag.platform for tag in sys_tags()}
    assert kit.only_wheels("x86_64")[0] == "--only-binary=:all:"


def test_requirements_name_our_wheel_by_its_path_and_what_builds_it():
    needed = kit.requirements(Path("here/colorstyle-0.1.0-py3-none-any.whl"))
    assert needed[0] == "here/colorstyle-0.1.0-py3-none-any.whl[test]"
    assert needed[1].startswith("hatchling")
    assert "editables" in needed


def test_code_weights_and_notebooks_are_copied_and_nothing_that_git_ignores(tmp_path: Path):
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    files = kit.files_of_repository()
    names = {str(file) for file in files}
    wanted = {"Makefile", "pyproject.toml", "data/weights/companion.safetensors", "notebooks/00_start_here.ipynb"}
    assert wanted | {"tests/conftest.py", "colorstyle_lib/cli/main.py", "tools/offline_kit.py"} <= names
    assert not [name for name in names if re.match(r"(\.venv|\.git|runs|dist)/", name)]
    few = [Path("Makefile"), Path("tools/offline_kit.py")]
    kit.copy_files(few, ROOT, tmp_path)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()) == few
    assert (tmp_path / "Makefile").read_bytes() == (ROOT / "Makefile").read_bytes()


def make(*arguments: str) -> str:
    done = subprocess.run(["make", "--dry-run", "offline-kit", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_make_takes_a_version_or_an_interpreter_and_leaves_torch_out_when_told():
    assert "python3.12 tools/offline_kit.py --torch default" in make("PYTHON=3.12")
    assert "/some/python tools/offline_kit.py --torch none" in make("PYTHON=/some/python", "TORCH=none")


@pytest.fixture
def empty_kit(tmp_path: Path) -> Path:
    """A kit whose only package is a stand-in for ours, which needs no other."""
    folder = tmp_path / "a kit"
    (folder / "wheels").mkdir(parents=True)
    project = folder / "colorstyle"
    project.mkdir()
    # A backend of a few lines: building needs no package, and so the installer can be run as it is.
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n', encoding="utf-8"
    )
    (project / "backend.py").write_text(BACKEND, encoding="utf-8")
    kit.write_installer(folder, VERSION)
    return folder


BACKEND = """
import zipfile

NAME = "colorstyle-0.1.0-py3-none-any.whl"

def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "colorstyle-0.1.0.dist-info/"
    files = {
        "stand_in.py": "def main():\\n    print('stand-in ran')\\n",
        info + "METADATA": "Metadata-Version: 2.1\\nName: colorstyle\\nVersion: 0.1.0\\nProvides-Extra: test\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\ncolorstyle = stand_in:main\\n",
    }
    with zipfile.ZipFile(f"{folder}/{NAME}", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(info + "RECORD", "".join(f"{name},,\\n" for name in [*files, info + "RECORD"]))
    return NAME
"""


def install(folder: Path, python: str = sys.executable) -> subprocess.CompletedProcess:
    return subprocess.run(["sh", "install.sh", python], cwd=folder, capture_output=True, text=True)


def test_the_installer_makes_an_environment_that_make_takes_for_its_own(empty_kit: Path):
    done = install(empty_kit)
    assert done.returncode == 0, done.stderr
    assert "stand-in ran" in done.stdout
    venv = empty_kit / "colorstyle" / ".venv"
    assert (venv / ".installed").exists()
    # It had no torch of its own, so it sees this Python's, which may itself be a virtual environment's.
    command = [venv / "bin" / "python", "-c", "import importlib.util as u; print(u.find_spec('torch').origin)"]
    seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert seen == importlib.util.find_spec("torch").origin


def test_the_installer_says_what_is_wrong(empty_kit: Path, tmp_path: Path):
    done = install(empty_kit, "no-such-python")
    assert done.returncode == 2
    assert "no Python called no-such-python" in done.stderr

    kit.write_installer(empty_kit, "3.2")
    done = install(empty_kit)
    assert done.returncode == 2
    assert f"for Python 3.2, and {sys.executable} is {VERSION}" in done.stderr

    kit.write_installer(empty_kit, VERSION)
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    done = install(empty_kit, str(bare))
    assert done.returncode == 2
    assert "has no torch" in done.stderr
    assert not (empty_kit / "colorstyle" / ".venv").exists()
