"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time

import pytest

from colorstyle_lib.errors import ColorStyleError
from colorstyle_lib.files import atomic_write, tidy
from colorstyle_lib.images.read import find_pictures


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ZeroDivisionError, ValueError])
def test_an_interrupted_write_leaves_no_trace(tmp_path, interruption):
    path = tmp_path / "a.json"
    path.write_text("before")

    def write() -> None:
        with atomic_write(path, "w") as file:
            file.write("half of")
            file.flush()
            raise interruption

    with pytest.raises(interruption):
        write()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_write_leaves_no_half_file(tmp_path):
    code = (
        "import os, signal; from colorstyle_lib.files import atomic_write\n"
        f"with atomic_write({str(tmp_path / 'a.json')!r}, 'w') as file:\n"
        "    file.write('half of'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    assert not (tmp_path / "a.json").exists()
    assert not find_pictures(tmp_path)


def test_atomic_write_is_an_ordinary_write(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic_write(path, "w") as file:
        file.write("λ\n")
        assert not path.exists()  # not before it is complete
    assert path.read_bytes() == "λ\n".encode()
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    with atomic_write(tmp_path / "link") as file:
        file.write(b"through the link")
    assert path.read_bytes() == b"through the link"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(ColorStyleError, match="is a folder"), atomic_write(tmp_path):
        pass


def test_atomic_write_loads_no_torch():
    code = "import sys, colorstyle_lib.files; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_killed_call_left_is_removed_by_a_later_one(tmp_path):
    names = (".0123456789abcdef.part", ".fedcba9876543210.part", ".mine.part", "a.part")
    for name in names:
        (tmp_path / name).write_text("half")
    an_hour_ago = time.time() - 3700
    for name in names[:1] + names[2:]:
        os.utime(tmp_path / name, (an_hour_ago, an_hour_ago))
    with atomic_write(tmp_path / "new.txt", "w") as file:
        file.write("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted((*names[1:], "new.txt"))  # others' and a fresh one stay
    (tmp_path / "colorstyle-run-x").mkdir()
    os.utime(tmp_path / "colorstyle-run-x", (an_hour_ago, an_hour_ago))
    tidy(tmp_path, "colorstyle-run-*", 24.0)
    assert (tmp_path / "colorstyle-run-x").is_dir()
    tidy(tmp_path, "colorstyle-run-*", 0.5)
    assert not (tmp_path / "colorstyle-run-x").exists()
