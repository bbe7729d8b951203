"""What people complain about in colorizers, each with a picture that would show it, on the released weights.

The photographs are the demo ones. Bounds are about half of what the photographs themselves have, or what a picky eye
lets pass; where the weights miss one, the test says so (xfail) rather than move it.
"""

import json
import math
import re
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from PIL import Image

from colorstyle_lib import ColorStyle
from colorstyle_lib.color import luma_to_gray, rgb_to_lab
from colorstyle_lib.data.example_pictures import photograph
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.inference import guided_upsampling as upsampling
from colorstyle_lib.metrics.coloring import colorfulness

SHOWN = ("astronaut", "chelsea", "coffee", "rocket", "china", "flower")


def lab_of(picture):
    return rgb_to_lab(to_tensor(picture)[None])[0]


@pytest.fixture(scope="module")
def model():
    return ColorStyle.load()


@pytest.fixture(scope="module")
def colored(model):
    """Each demo photograph as the model colors it."""
    return {name: model.colorize(photograph(name).open()) for name in SHOWN}


def color_within(picture, box):
    """Hue in degrees and chroma of the mean color within left, top, right, bottom."""
    left, top, right, bottom = box
    a, b = lab_of(picture)[1:, top:bottom, left:right].mean(dim=(1, 2)).tolist()
    return math.degrees(math.atan2(b, a)), math.hypot(a, b)


# Brown or gray output


def test_not_gray(colored):
    ours, truth = (
        sum(colorfulness(to_tensor(picture)[None]).item() for picture in pictures)
        for pictures in ((r.image for r in colored.values()), (photograph(name).open() for name in SHOWN))
    )
    assert ours > 0.5 * truth


def test_not_all_brown(colored):
    """Of all the color in six photographs, some of each: reddish, yellowish, greenish, bluish."""
    amount = torch.zeros(4)
    for result in colored.values():
        a, b = lab_of(result.image)[1:]
        quarter = ((torch.rad2deg(torch.atan2(b, a)) + 30) % 360 // 90).long()  # -30..60, 60..150, 150..240, 240..330
        amount += torch.stack([torch.hypot(a, b)[quarter == i].sum() for i in range(4)])
    share = amount / amount.sum()
    assert share[:2].sum() < 0.85
    assert share[3] > 0.1


@pytest.mark.parametrize(
    ("name", "box", "hues", "least"),
    [
        ("rocket", (100, 60, 300, 250), (-130, -50), 10),  # evening sky
        ("china", (420, 350, 640, 427), (80, 170), 5),  # trees
        ("china", (200, 360, 400, 427), (80, 170), 5),  # bushes
        ("chelsea", (150, 100, 300, 200), (30, 90), 10),  # a tabby's face
        ("flower", (240, 120, 400, 270), (0, 110), 20),  # a dahlia is anything but blue or gray
    ],
)
def test_things_have_their_colors(colored, name, box, hues, least):
    hue, chroma = color_within(colored[name].image, box)
    assert hues[0] < hue < hues[1]
    assert chroma > least


def test_a_bright_sky_is_not_yellow(colored):
    left, top, right, bottom = 330, 10, 620, 150
    assert lab_of(colored["china"].image)[2, top:bottom, left:right].mean() < 0


# Uncolored faces


def test_a_face_has_skin(colored):
    hue, chroma = color_within(colored["astronaut"].image, (190, 75, 250, 165))
    assert 20 < hue < 80
    assert chroma > 10


# Red blobs and other stains


def stain(picture, box=None):
    """How far a place of 9 x 9 pixels lies from the mean color of its flat surroundings, Lab units."""
    ab = lab_of(picture)[1:]
    if box:
        left, top, right, bottom = box
        ab = ab[:, top:bottom, left:right]
    smooth = nnf.avg_pool2d(ab[None], 9, 1)[0]
    return (smooth - smooth.mean(dim=(1, 2), keepdim=True)).norm(dim=0).max().item()


@pytest.mark.parametrize(
    ("name", "box"),
    [("china", (330, 10, 620, 150)), ("rocket", (100, 60, 300, 250)), ("astronaut", (265, 30, 330, 120))],
)
def test_flat_parts_of_photographs_have_no_stains(colored, name, box):
    assert stain(colored[name].image, box) < 15


def drawn(name):
    y, x = torch.meshgrid(torch.linspace(-1, 1, 240), torch.linspace(-1, 1, 320), indexing="ij")
    lightness = {
        "bright wall": torch.full_like(x, 80.0),
        "gray wall": torch.full_like(x, 50.0),
        "ramp": 50 + 30 * x,
        "vignette": 75 - 15 * (x**2 + y**2),
    }[name]
    return to_picture(luma_to_gray(lightness[None]))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("bright wall", marks=pytest.mark.xfail(reason="a corner is 31 Lab units off", strict=False)),
        "gray wall",
        pytest.param("ramp", marks=pytest.mark.xfail(reason="the weights paint 70 Lab units", strict=False)),
        pytest.param("vignette", marks=pytest.mark.xfail(reason="the weights paint 44 Lab units", strict=False)),
    ],
)
def test_empty_walls_have_no_stains(model, name):
    assert stain(model.colorize(drawn(name)).image) < 15


# Bleeding over edges: what upsampling makes of a step is in test_guided_upsampling.py


def test_chroma_changes_where_lightness_does(model, colored, monkeypatch):
    """At the strongest edges of L, chroma steps at least twice as steeply as if it were merely enlarged."""
    monkeypatch.setattr(upsampling, "guided_coefficients", lambda light, ab: (torch.zeros_like(ab), ab))
    for name in ("china", "astronaut"):
        ours, enlarged = lab_of(colored[name].image), lab_of(model.colorize(photograph(name).open()).image)
        step = ours[0].diff(dim=1).abs()
        edges = step > step.quantile(0.99)
        steep, flat = (made[1:].diff(dim=2).norm(dim=0)[edges].mean() for made in (ours, enlarged))
        assert steep > 2 * flat


# Checkerboard


@pytest.mark.parametrize("name", SHOWN)
def test_no_checkerboard(model, name):
    """Color is predicted at half the working size; the finest stripes it could have are no stronger than coarser."""
    picture = photograph(name).open()
    picture = picture.resize(model.working_sides(picture.size))
    result = model.colorize(picture)
    ab = lab_of(result.image)[1:]
    for planes in (ab, result.uncertainty[None]):
        for axis in (-2, -1):
            power = torch.fft.rfft(planes - planes.mean(dim=(1, 2), keepdim=True), dim=axis).abs().square()
            power = power.movedim(axis, 0).flatten(1).mean(dim=1)
            at = planes.shape[axis] // 4  # four pixels a period: every other one of those predicted
            finest = power[at - 1 : at + 2].max()
            assert finest < 2 * power[at // 2 : at - 4].mean()


# Out of memory on big photographs

_PEAK = """
import pathlib, re, sys, torch
from PIL import Image
from colorstyle_lib import ColorStyle
torch.set_num_threads(1)
model = ColorStyle.load(device="cpu")
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
peaks = []
for path in sys.argv[1:]:
    model.colorize(path)
    peaks.append(peak())
print(peaks)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_hardly_grows_with_the_picture(tmp_path):
    """From 6 to 24 megapixels: what Pillow holds of the picture and of the result, 4 bytes a pixel each."""
    # So far apart that the tens of MB by which peaks differ from run to run are a small part of the difference.
    sizes = [(3000, 2000), (6000, 4000)]
    for i, size in enumerate(sizes):
        photograph("china").open().resize(size).save(tmp_path / f"{i}.jpg")
    command = [sys.executable, "-c", _PEAK, *(str(tmp_path / f"{i}.jpg") for i in range(2))]
    small, large = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    pixels = [width * height for width, height in sizes]
    assert (large - small) / (pixels[1] - pixels[0]) < 16  # bytes; in float32, Lab alone takes 12 more


# No batch: test_batch.py. No hints


def moved(model, name, hint):
    picture = photograph(name).open()
    before, after = (lab_of(model.colorize(picture, hints=hints).image) for hints in ([], [hint]))
    truth = lab_of(picture)
    error = [(made - truth)[1:].square().sum(dim=0).mean().item() for made in (before, after)]
    return (after - before)[1:].norm(dim=0), truth, error


@pytest.mark.parametrize(
    ("name", "hint", "thing"),
    [
        ("flower", (330, 180, "#e0603a"), lambda light, a, b, y: (light > 35) & (a > 8)),
        ("astronaut", (170, 310, "#d0502a"), lambda light, a, b, y: (a > 30) & (b > 30) & (y > 180)),
        ("coffee", (136, 249, "#921d06"), lambda light, a, b, y: (light < 50) & (a > 30) & (b > 25)),
    ],
)
def test_one_hint_colors_its_thing_and_hardly_the_rest(model, name, hint, thing):
    distance, truth, error = moved(model, name, hint)
    inside = thing(*truth, torch.arange(truth.shape[1])[:, None])
    assert distance[inside].mean() > 4 * distance[~inside].mean()
    assert distance[inside].mean() > 5
    assert distance[~inside].mean() < 4
    assert error[1] < error[0]


def test_a_hint_has_its_own_color_where_it_stands(model):
    made = lab_of(model.colorize(photograph("flower").open(), hints=[(330, 180, "#e0603a")]).image)
    asked = rgb_to_lab(torch.tensor([0xE0, 0x60, 0x3A]).view(1, 3, 1, 1) / 255)[0, 1:, 0, 0]
    assert (made[1:, 176:185, 326:335].mean(dim=(1, 2)) - asked).norm() < 12


# Dead weight links


def test_weights_come_without_a_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("there is no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    made = ColorStyle.load().colorize(Image.fromarray(np.full((40, 40), 90, np.uint8)))
    assert re.fullmatch(r"[0-9a-f]{64}", made.provenance["weights_sha256"])
