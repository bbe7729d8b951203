"""Coloring a picture: a usual one, a large one and its memory, and one from a standing start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from side_by_side import alternate

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.folders import make_files
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.model.content import gray_content

pytestmark = pytest.mark.benchmark

LARGE = {(6000, 4000): 1.5e9, (12000, 8400): 2.2e9}
"""Sizes, and how many bytes coloring them may take, torch and all."""


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
from colorstyle_lib.images.read import open_picture

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
before = time.process_time()
facts["colorize"] = seconds(lambda: model.colorize(path))
facts["processor"] = time.process_time() - before
facts["peak colored"] = peak()
print(json.dumps(facts))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
@pytest.mark.parametrize("size", LARGE)
def test_a_large_photograph(tmp_path, size):
    path = tmp_path / "large.jpg"
    photograph("china").open().resize(size).save(path, quality=95)
    command = [sys.executable, "-c", _LARGE_ALONE, str(path)]
    facts = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    decode, whole = facts["decode"], facts["colorize"]
    print(f"\ncoloring {size[0]} x {size[1]} on the CPU: {whole - decode:.1f} s, without decoding")
    print(f"  {(whole - decode) / decode:.1f} times as long as decoding, which took {decode:.1f} s")
    print(f"  processor time of all threads: {facts['processor']:.1f} s, with decoding")
    for moment in ("loaded", "decoded", "colored"):
        print(f"  peak memory, {moment + ':':9} {facts[f'peak {moment}'] / 1e9:.2f} GB")
    assert facts["peak colored"] < LARGE[size]


def test_batches_of_one_size():
    """Whether the network does several pictures faster at once than one by one."""
    model = ColorStyle.load(device="cpu")
    content = gray_content(100 * torch.rand(8, 1, 160, 224))
    step = torch.inference_mode()(model.generator)
    timing = alternate(
        {"one by one": lambda: [step(one) for one in content.split(1)], "all 8 at once": lambda: step(content)},
        rounds=5,
    )
    timing.show("the network on 8 pictures of 224 x 160 on the CPU", yardstick="one by one")


def test_files_side_by_side(tmp_path, capsys):
    """A folder, each picture with a thread of its own, against one after the other with all threads."""
    (tmp_path / "in").mkdir()
    for i in range(8):
        photograph("china").open().rotate(i).save(tmp_path / "in" / f"{i}.png")
    model = ColorStyle.load()

    def one_by_one() -> None:
        for path in sorted((tmp_path / "in").iterdir()):
            model.colorize(path).save(tmp_path / "out" / path.name)

    ways = {
        "one by one": one_by_one,
        "make_files": lambda: make_files([tmp_path / "in"], tmp_path / "out", overwrite=True),
    }
    timing = alternate(ways, rounds=5)
    with capsys.disabled():
        timing.show(f"8 files of 640 x 427, {torch.get_num_threads()} threads", yardstick="one by one")


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
