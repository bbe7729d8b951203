"""Clips: smoothing lowers flicker, keeps what is still still, smears nothing, and frames on disk are frames."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import photograph, style
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import open_picture, to_picture, to_tensor
from colorstyle_lib.inference.video import Smoother, next_frame
from colorstyle_lib.model.generator import save_generator
from colorstyle_lib.reproduction.benchmarks.flicker import flicker, pan
from colorstyle_lib.training.state import new_generator

STEP = (1.3, 0.7)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Those of a tiny generator whose restyling levels have something to say."""
    generator = new_generator(get_preset("tiny"))
    torch.manual_seed(1)
    for weight in generator.restyling.parameters():
        nn.init.normal_(weight, std=0.1)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_generator(generator, path, preset="tiny")
    return path


@pytest.fixture(scope="module")
def model(weights):
    return ColorStyle.load(weights)


@pytest.fixture(scope="module")
def stylizer(model):
    return model.stylizer(to_picture(style("waves", 128).image))


@pytest.fixture(scope="module")
def frames():
    return pan(photograph("coffee").open().resize((210, 140)), 5, STEP, 96)


def stylize_frames(stylizer, frames, smooth):
    smoother = Smoother(smooth)
    return [next_frame(stylizer, smoother, stylizer.change(frame)) for frame in frames]


def stack(results) -> torch.Tensor:
    return torch.stack([to_tensor(getattr(one, "image", one)) for one in results])


def test_smoothing_lowers_flicker(stylizer, frames):
    calm, plain = (flicker(stack(stylize_frames(stylizer, frames, smooth)), STEP) for smooth in (0.8, 0.0))
    assert calm < 0.4 * plain


def test_without_smoothing_each_frame_is_as_by_itself(stylizer, model, frames):
    results = list(stylize_frames(stylizer, frames[:2], 0.0))
    alone = model.stylize(frames[1], to_picture(style("waves", 128).image))
    assert np.array_equal(results[1].image, alone.image)
    assert results[1].provenance == alone.provenance | {"smooth": 0.0}


def test_at_strength_0_the_frames_come_back(model, frames):
    nothing = model.stylizer(to_picture(style("waves", 128).image), strength=0.0)
    for frame, result in zip(frames, stylize_frames(nothing, frames, 0.9), strict=True):
        assert np.array_equal(result.image, frame)


def test_a_still_clip_is_still(stylizer, frames):
    first, *_, last = stylize_frames(stylizer, [frames[0]] * 4, 0.9)
    off = np.abs(np.asarray(first.image, int) - np.asarray(last.image, int))
    assert off.max() <= 1  # rounding to 8 bits may fall either way
    assert (off > 0).mean() < 1e-3


def test_a_cut_starts_afresh(stylizer, frames):
    other = photograph("astronaut").open().resize((96, 96))
    *_, before, after = stack(stylize_frames(stylizer, [*frames[:3], other], 1.0))
    alone = stack(stylize_frames(stylizer, [other], 1.0))[0]
    assert (after - alone).abs().mean() < 0.1 * (before - alone).abs().mean()


def test_a_restyled_pan_flickers_no_more_than_its_input():
    """The promise, with the released weights: by parts of a pixel, new things coming in all the time."""
    scene = shrink(photograph("coffee").open(), 176)
    clip, model = pan(scene, 8, STEP, 128), ColorStyle.load()
    looks = to_picture(style("brush", 256).image)
    own, calm, plain = (
        flicker(stack(one), STEP)
        for one in (clip, model.stylize_clip(clip, looks), model.stylize_clip(clip, looks, smooth=0.0))
    )
    assert calm <= own < plain / 2


def test_a_pan_by_whole_pixels_does_not_flicker_at_all(stylizer):
    step = (2.0, 1.0)
    clip = pan(photograph("coffee").open().resize((210, 140)), 4, step, 96)
    calm, plain = (flicker(stack(stylize_frames(stylizer, clip, smooth)), step) for smooth in (1.0, 0.0))
    assert calm < 0.2 / 255 < plain / 10


def test_a_drawing_stays_on_the_thing_that_moves():
    """A square moves over a ground, each with a drawing of its own: none is left behind, none goes along."""
    generator = torch.Generator().manual_seed(0)
    ground, square = 0.2 * torch.rand(1, 3, 64, 64, generator=generator), torch.rand(1, 3, 20, 20, generator=generator)
    smoother, shown = Smoother(1.0), []
    for t in range(4):
        frame, drawing = ground.clone(), torch.zeros(1, 3, 64, 64)
        frame[..., 20:40, 10 + 8 * t : 30 + 8 * t] = 0.5 + square / 2
        drawing[..., 20:40, 10 + 8 * t : 30 + 8 * t] = 0.3
        shown.append(smoother(frame, drawing))
    assert shown[3][..., 24:36, 10:26].abs().mean() < 0.05  # where the square was at first
    assert shown[3][..., 24:36, 38:50].mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("faint", [0.1, -0.1])
def test_a_faint_thing_leaves_no_trail(faint: float):
    """The drawing tells where a shadow or a light is; where it was, it is forgotten."""
    scene = to_tensor(photograph("coffee").open().resize((210, 140)))[None, :, :96, :96] * 0.7 + 0.15
    smoother = Smoother(1.0)
    for x in (4, 40, 60):
        frame, drawing = scene.clone(), torch.zeros_like(scene)
        frame[..., 30:62, x : x + 32] += faint
        drawing[..., 30:62, x : x + 32] = 0.5
        shown = smoother(frame, drawing)
    assert shown[..., 34:58, 8:32].mean() < 0.1
    assert shown[..., 36:56, 66:86].mean() > 0.4


def test_what_is_drawn_stays_though_each_drawing_is_another():
    """Nothing in view changes, so nothing that is shown does, whatever the network draws."""
    frame, smoother = torch.rand(1, 3, 48, 48), Smoother(1.0)
    first = smoother(frame, torch.rand(1, 3, 48, 48))
    for _ in range(4):
        assert (smoother(frame, torch.rand(1, 3, 48, 48)) - first).abs().max() < 1e-3


def test_what_came_in_little_by_little_is_drawn_in_one_piece():
    """Drawing t is gray t / 40 all over: what a pan brings in shows no staircase of all of them."""
    scene = to_tensor(photograph("coffee").open().resize((300, 200)))[None, :, :64]
    smoother = Smoother(1.0)
    for t in range(40):
        shown = smoother(scene[..., 2 * t : 2 * t + 96], torch.full((1, 3, 64, 96), t / 40))
    columns = shown[0].mean((0, 1))
    assert columns[:14].max() < 0.05  # drawn at first, and still there
    assert (
        columns[:80].diff().abs() < 2e-3
    ).float().mean() > 0.6  # else each would be a hundredth above the one before


def test_a_drawing_is_no_finer_than_its_frame():
    rough, smooth = torch.rand(1, 3, 48, 48), torch.linspace(0, 1, 48).expand(1, 3, 48, 48)
    assert Smoother(1.0)(smooth, rough).diff().abs().mean() < 0.5 * rough.diff().abs().mean()
    assert torch.allclose(Smoother(1.0)(rough, smooth), smooth)
    assert torch.equal(Smoother(0.0)(smooth, rough), rough)


def test_a_frame_of_another_size_starts_afresh():
    smoother, new = Smoother(1.0), torch.rand(1, 3, 48, 32)
    smoother(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))
    frame = torch.rand(1, 3, 48, 32)
    assert torch.equal(smoother(frame, new), Smoother(1.0)(frame, new))


def test_a_clip_is_made_frame_by_frame_and_refused_at_once(model, frames):
    looks, taken = to_picture(style("waves", 128).image), []

    def film():
        for number, frame in enumerate(frames):
            taken.append(number)
            yield frame

    results = model.stylize_clip(film(), looks, keep_color=True, attention={"texture": 1.0})
    assert not taken
    assert next(results).provenance["keep_color"]
    assert taken == [0]
    with pytest.raises(ConfigError, match="smooth is 0"):
        model.stylize_clip(frames, looks, smooth=2.0)
    with pytest.raises(ConfigError, match="strength is 0"):
        model.stylize_clip(frames, looks, strength=9.0)


@pytest.mark.parametrize("smooth", [-0.1, 1.1, float("nan")])
def test_what_cannot_be_done_is_refused(smooth: float):
    with pytest.raises(ConfigError, match="smooth is 0"):
        Smoother(smooth)


def test_frames_on_disk(weights, stylizer, frames, tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number, frame in zip((1, 2, 10, 11), frames, strict=False):
        frame.save(source / f"f{number}.png")
    (source / "f3.png").write_bytes(b"no picture")
    to_picture(style("waves", 128).image).save(tmp_path / "s.png")
    command = ["stylize", str(source), "-o", str(out), "--style", str(tmp_path / "s.png")]
    command += ["--weights", str(weights), "--smooth"]
    assert main([*command, "0.8"]) == 1
    said = capsys.readouterr()
    assert "4 restyled, 0 already there, 1 failed" in said.out
    assert "f3.png" in said.err

    wanted = [result.image for result in stylize_frames(stylizer, frames[:4], 0.8)]  # 10 comes after 2
    for number, one in zip((1, 2, 10, 11), wanted, strict=True):
        assert np.array_equal(open_picture(out / f"f{number}.png"), one)
    before = (out / "f2.png").stat().st_mtime_ns
    (out / "f11.png").unlink()  # as if it had been stopped
    assert main([*command, "0.8"]) == 1
    assert "1 restyled, 3 already there, 1 failed" in capsys.readouterr().out
    assert np.array_equal(open_picture(out / "f11.png"), wanted[3])
    assert (out / "f2.png").stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main([*command, "1.5"])
    assert "from 0 (each frame by itself) to 1" in capsys.readouterr().err


def test_each_folder_is_a_clip_of_its_own(weights, model, frames, tmp_path):
    for folder, frame in zip("ab", frames, strict=False):
        (tmp_path / "in" / folder).mkdir(parents=True)
        frame.save(tmp_path / "in" / folder / "1.png")
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "s.png")
    command = ["stylize", str(tmp_path / "in"), "-r", "--style", str(tmp_path / "s.png")]
    assert main([*command, "--weights", str(weights), "--smooth", "0.9"]) == 0
    alone = next(model.stylize_clip(frames[1:], Image.new("RGB", (64, 64), "teal"), smooth=0.9))
    assert np.array_equal(open_picture(tmp_path / "in-style/b/1.png"), alone.image)
