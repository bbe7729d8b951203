"""Coloring a picture: a usual one, a large one and its memory, and one from a standing start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from side_by_side import alternate

from colorstyle_lib import ColorStyle
from colorstyle_lib.data.demo import photograph

pytestmark = pytest.mark.benchmark

LARGE = (6000, 4000)
MOST_MEMORY = 2e9  # bytes, torch and all


@pytest.fixture
def usual() -> Image.Image:
    """A photograph of 512 x 512 pixels."""
    picture = photograph("astronaut").open()
    assert picture.size == (512, 512)
    return picture


def test_a_usual_photograph(usual):
    color = pytest.importorskip("skimage.color")
    model = ColorStyle.load(device="cpu")
    array = np.asarray(usual)
    timing = alternate(
        {
            "colorize": lambda: model.colorize(usual),
            "scikit-image to Lab and back": lambda: color.lab2rgb(color.rgb2lab(array)),
        }
    )
    timing.show("coloring 512 x 512 on the CPU, model loaded", yardstick="scikit-image to Lab and back")


# Not getrusage, whose peak a new process takes over from its parent.
_LARGE_ALONE = """
import json, pathlib, re, sys, time
import torch
from colorstyle_lib import ColorStyle
from colorstyle_lib.images import open_picture

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

def seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started

path = sys.argv[1]
torch.set_num_threads(2)
model = ColorStyle.load(device="cpu")
facts = {"peak loaded": peak()}
facts["decode"] = seconds(lambda: open_picture(path))
facts["peak decoded"] = peak()
facts["colorize"] = seconds(lambda: model.colorize(path))
facts["peak colored"] = peak()
print(json.dumps(facts))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_a_large_photograph(tmp_path):
    path = tmp_path / "large.jpg"
    photograph("china").open().resize(LARGE).save(path, quality=95)
    command = [sys.executable, "-c", _LARGE_ALONE, str(path)]
    facts = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    decode, whole = facts["decode"], facts["colorize"]
    print(f"\ncoloring {LARGE[0]} x {LARGE[1]} on the CPU: {whole - decode:.1f} s, without decoding")
    print(f"  {(whole - decode) / decode:.1f} times as long as decoding, which took {decode:.1f} s")
    for moment in ("loaded", "decoded", "colored"):
        print(f"  peak memory, {moment + ':':9} {facts[f'peak {moment}'] / 1e9:.2f} GB")
    assert facts["peak colored"] < MOST_MEMORY


def test_from_a_standing_start(tmp_path, usual):
    source, result = tmp_path / "photo.png", tmp_path / "colored.png"
    usual.save(source)

    def run(*command: str | Path) -> None:
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)

    timing = alternate(
        {
            "colorstyle colorize": lambda: run("-m", "colorstyle_lib.cli", "colorize", source, "-o", result),
            "import torch": lambda: run("-c", "import torch"),
        },
        rounds=3,
    )
    timing.show("a new process, from file to file, 512 x 512", yardstick="import torch")
    with Image.open(result) as colored:
        assert colored.size == (512, 512)
