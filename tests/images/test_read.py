"""Pictures as arrays, tensors and Pillow's; their sizes; and folders of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pictures import farthest, over_white, pixels, refusal
from PIL import Image

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.images.read import (
    find_pictures,
    open_mask,
    open_picture,
    resize,
    shorter_side,
    to_picture,
    to_tensor,
)

# Arrays, tensors, pictures


def test_arrays_and_tensors_agree(ramp):
    deep, floats = ramp.astype(np.uint16) * 257, (ramp / 255).astype(np.float32)
    planes = torch.from_numpy(ramp).permute(2, 0, 1)
    sources = [
        ramp,
        deep,
        floats,
        floats.astype(np.float64),
        ramp[::-1][::-1],
        np.dstack([ramp, np.full_like(ramp[..., 0], 255)]),
    ]
    sources += [
        planes,
        planes[None],
        planes.float() / 255,
        planes.double() / 255,
        (planes / 255).requires_grad_(),
    ]
    for source in sources:
        assert np.array_equal(pixels(open_picture(source)), ramp)


def test_gray_arrays_and_tensors_agree(ramp):
    gray = ramp[..., 0]
    expected = np.stack([gray] * 3, -1)
    plane = torch.from_numpy(gray.copy())
    for source in (gray, gray[..., None], plane, plane[None], plane[None, None]):
        assert np.array_equal(pixels(open_picture(source)), expected)
    assert np.array_equal(pixels(open_picture(gray > 99)), (expected > 99) * 255)
    assert farthest(open_picture((plane / 255).bfloat16()), expected) <= 1


def test_array_alpha(ramp):
    alpha = ramp[:, ::-1, 0]
    assert farthest(open_picture(np.dstack([ramp, alpha])), over_white(ramp, alpha)) <= 1


def test_the_source_is_left_alone(ramp):
    picture = Image.fromarray(ramp)
    picture.info["icc_profile"] = b"nonsense"
    opened = open_picture(picture)
    opened.paste("black", (0, 0, 9, 9))
    assert picture.info == {"icc_profile": b"nonsense"}
    assert np.array_equal(np.asarray(picture), ramp)
    array = ramp.copy()
    open_picture(array).paste("black", (0, 0, 9, 9))
    assert np.array_equal(array, ramp)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.full((4, 4), 1.01), "[0, 1]"),
        (np.full((4, 4), -0.01), "[0, 1]"),
        (np.full((4, 4), 255.0), "[0, 1]"),
        (np.array([[0.5, np.nan]]), "nan"),
        (torch.tensor([[0.5, torch.nan]]), "nan"),
        (np.zeros((3, 5, 5)), "(3, 5, 5)"),
        (np.zeros((4, 4, 2)), "(4, 4, 2)"),
        (np.zeros((0, 4, 3)), "empty"),
        (np.zeros(7), "(7,)"),
        (np.zeros((4, 4), dtype=np.int64), "int64"),
        (np.zeros((4, 4), dtype=complex), "complex"),
        (torch.zeros(2, 3, 4, 4), "(2, 3, 4, 4)"),
        (torch.zeros(5, 5, 3), "(5, 5, 3)"),
        (torch.zeros(3, 0, 4), "empty"),
        (Image.new("RGB", (0, 3)), "no pixels"),
    ],
)
def test_wrong_arrays_and_tensors(source, words):
    refusal(source, words)


# Tensors


@given(arrays(np.uint8, (5, 4, 3)))
def test_picture_tensor_picture_is_exact(values):
    tensor = to_tensor(Image.fromarray(values))
    assert tensor.shape == (3, 5, 4)
    assert tensor.dtype == torch.float32
    assert np.array_equal(pixels(to_picture(tensor)), values)


@given(arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32)))
def test_tensor_picture_tensor_is_within_half_a_step(values):
    tensor = torch.from_numpy(values)
    assert (to_tensor(to_picture(tensor)) - tensor).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(to_tensor(to_picture(tensor[None])), to_tensor(to_picture(tensor)))


def test_to_tensor_takes_other_modes(ramp):
    assert torch.equal(to_tensor(Image.new("L", (2, 2), 51)), torch.full((3, 2, 2), 0.2))


def test_to_picture_cuts_and_refuses():
    picture = to_picture(torch.tensor([-0.5, 0.5, 1.5]).reshape(3, 1, 1))
    assert picture.getpixel((0, 0)) == (0, 128, 255)
    assert to_picture(torch.full((3, 2, 2), 0.5, dtype=torch.float16).requires_grad_()).size == (2, 2)
    for bad in (torch.zeros(2, 3, 4, 4), torch.zeros(1, 4, 4), torch.full((3, 2, 2), torch.nan)):
        with pytest.raises(ImageError):
            to_picture(bad)


# Sizes


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64), st.sampled_from([1, 8, 32]))
@settings(max_examples=60)
def test_shorter_side(height, width, size, multiple):
    result = shorter_side(torch.rand(1, 3, height, width), size, multiple)
    sides = result.shape[-2:]
    assert min(sides) == max(1, round(size / multiple)) * multiple
    assert all(side % multiple == 0 for side in sides)
    exact = max(height, width) * size / min(height, width)
    assert abs(max(sides) - exact) <= multiple / 2 or max(sides) == multiple
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-6


def test_resizing_is_antialiased_like_pillow(ramp):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    ours = to_picture(shorter_side(to_tensor(Image.fromarray(noise))[None], 15))
    assert farthest(ours, Image.fromarray(noise).resize((20, 15), Image.Resampling.BILINEAR)) <= 1


def test_same_size_is_left_as_it_is():
    batch = torch.rand(2, 3, 8, 12)
    assert shorter_side(batch, 8) is batch
    assert resize(batch, (4, 6)).shape == (2, 3, 4, 6)


def test_sizes_that_make_no_sense():
    with pytest.raises(ImageError, match="long and thin"):
        shorter_side(torch.zeros(1, 3, 1, 9000), 512)
    for size, multiple in ((0, 1), (8, 0)):
        with pytest.raises(ConfigError):
            shorter_side(torch.zeros(1, 3, 4, 4), size, multiple)


# Folders


@given(
    st.sets(
        st.text("abcXYZ019_-. ", min_size=1, max_size=8).map(str.strip).filter(lambda n: n.strip(".")),
        max_size=8,
    )
)
@settings(max_examples=30)
def test_find_pictures_is_sorted_and_complete(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("pictures")
    wanted = []
    for number, name in enumerate(sorted(names)):
        path = root / ("inner" if number % 2 else "") / f"{name}.{('JPG', 'png', 'txt')[number % 3]}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        if path.suffix != ".txt" and not name.startswith("."):
            wanted.append(path)
    assert find_pictures(root) == sorted(wanted)
    assert find_pictures(root, recursive=False) == sorted(p for p in wanted if p.parent == root)


def test_find_pictures_leaves_out_what_is_hidden(tmp_path):
    for name in (".a.png", ".hidden/b.png", "c.png", "d.heic", "e.avif", "png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in find_pictures(tmp_path)] == ["c.png", "d.heic", "e.avif"]
    for bad in (tmp_path / "c.png", tmp_path / "nowhere"):
        with pytest.raises(ImageError, match="not a folder"):
            find_pictures(bad)


@pytest.mark.parametrize("color", ["black", "white", (255, 0, 0)])
def test_a_mask_painted_on_an_empty_layer_is_its_alpha(tmp_path, color):
    alpha = Image.new("L", (40, 30))
    alpha.paste(255, (10, 5, 20, 25))
    alpha.paste(60, (20, 5, 22, 25))  # a soft edge
    layer = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    layer.paste(color, mask=alpha.point(lambda a: 255 * (a > 0)))
    layer.putalpha(alpha)
    layer.save(tmp_path / "mask.png")
    for source in (tmp_path / "mask.png", layer, np.asarray(layer)):
        assert np.array_equal(np.asarray(open_mask(source)), np.asarray(alpha))


def test_other_masks_are_their_lightness(tmp_path, ramp):
    for picture in (Image.fromarray(ramp), Image.fromarray(ramp).convert("RGBA"), Image.new("RGBA", (4, 4), "white")):
        picture.save(tmp_path / "mask.png")
        assert np.array_equal(np.asarray(open_mask(tmp_path / "mask.png")), np.asarray(picture.convert("L")))
