"""One folder with all that colorstyle needs on a machine without a network: wheels, code, weights, an installer.

``make offline-kit PYTHON=3.12`` runs this with the Python that it packs for, on a machine that has a network. Only that
Python knows which packages its version needs; which builds of them suit an older Linux, pip can be told.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

# What a cluster with a torch of its own has beside it; the rest of what torch needs is small and does no harm.
_TORCH = re.compile(r"(torch|torchvision|triton|nvidia-.*|cuda-.*)==")
_GLIBC = 28  # 2.28, which torch's own wheels ask for; older Linux has no torch to run


def platforms(machine: str) -> list[str]:
    """The names of builds that run on a Linux with glibc 2.28 or newer: pip takes each name literally."""
    names = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC, 4, -1)]
    return [*names, *(f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1", "linux"))]


def only_wheels(machine: str) -> list[str]:
    """Options of pip: nothing that would have to be built, and nothing that is too new for the other machine."""
    return ["--only-binary=:all:", *(f"--platform={name}" for name in platforms(machine))]


def requirements(wheel: Path, root: Path = ROOT) -> list[str]:
    """What is installed, and what the installation itself needs.

    Our own wheel is named by its path: what a registry has under our name is none of ours.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return [f"{wheel}[test]", *project["build-system"]["requires"], "editables"]


def pins(report: dict[str, Any], *, torch: bool) -> list[str]:
    """From pip's report of what it would install to ``name==version``; without torch and its libraries if so asked."""
    packages = [item["metadata"] for item in report["install"] if not item["is_direct"]]
    every = sorted(f"{re.sub(r'[-_.]+', '-', p['name']).lower()}=={p['version']}" for p in packages)
    return [pin for pin in every if torch or not _TORCH.match(pin)]


def files_of_repository(root: Path = ROOT) -> list[Path]:
    """Every file that git has or would take, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in sorted(listed.split("\0")) if name and (root / name).is_file()]


def copy_files(files: Iterable[Path], root: Path, folder: Path) -> None:
    """Copy files with the folders they are in."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, folder / file)


def write_installer(folder: Path, version: str = VERSION) -> None:
    """Put ``install.sh`` into the kit."""
    text = (ROOT / "tools" / "install_offline.sh").read_text(encoding="utf-8")
    installer = folder / "install.sh"
    installer.write_text(text.replace("@PYTHON@", version), encoding="utf-8")
    installer.chmod(0o755)


def collect_wheels(folder: Path, *, torch: bool) -> None:
    """Build our own wheel and download all others."""
    machine = only_wheels(platform.machine())
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, "-m", "venv", f"{scratch}/venv"], check=True)
        pip = [f"{scratch}/venv/bin/python", "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True)
        subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
        # Two steps, so that torch is not downloaded only to be thrown away.
        needed = requirements(next(folder.glob("colorstyle-*.whl")))
        report = Path(scratch) / "report.json"
        plan = ["install", "--quiet", "--dry-run", "--ignore-installed", f"--target={scratch}/none"]
        constraints = f"--constraint={ROOT / 'constraints.txt'}"
        subprocess.run([*pip, *plan, f"--report={report}", constraints, *machine, *needed], check=True)
        chosen = pins(json.loads(report.read_text(encoding="utf-8")), torch=torch)
        print(f"offline-kit: {len(chosen)} packages", flush=True)
        subprocess.run([*pip, "download", "--no-deps", f"--dest={folder}", *machine, *chosen], check=True)


def make_kit(folder: Path, *, torch: bool) -> None:
    """Make the whole kit; a folder of this name is replaced once the new one is complete."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "wheels").mkdir(parents=True)
    copy_files(files_of_repository(), ROOT, part / "colorstyle")
    if vgg19 := os.environ.get("COLORSTYLE_VGG19"):
        shutil.copy2(vgg19, part / "vgg19.safetensors")
    write_installer(part)
    collect_wheels(part / "wheels", torch=torch)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", choices=("default", "none"), default="default", help="none: the other machine's own")
    parser.add_argument("--output", type=Path, help="folder; default: dist/offline-kit-pyVERSION")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error("a kit is made on Linux, for Linux")
    folder = arguments.output or ROOT / "dist" / f"offline-kit-py{VERSION.replace('.', '')}"
    make_kit(folder, torch=arguments.torch == "default")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"offline-kit: {folder}, {size / 1e9:.1f} GB; copy it over, then: sh {folder.name}/install.sh")


if __name__ == "__main__":
    main()
