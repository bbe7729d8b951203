"""Clips: smoothing lowers flicker, keeps what is still still, smears nothing, and frames on disk are frames."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from colorstyle_lib import ColorStyle
from colorstyle_lib.checkpoint import save_generator
from colorstyle_lib.cli import main
from colorstyle_lib.clips import Smoother, restyled_clip
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.demo import photograph
from colorstyle_lib.data.gallery import style
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images import open_picture, to_picture, to_tensor
from colorstyle_lib.metrics_flicker import flicker, pan
from colorstyle_lib.players import new_generator
from colorstyle_lib.stylizing import Stylizer

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
    return Stylizer(model, to_picture(style("waves", 128).image))


@pytest.fixture(scope="module")
def frames():
    return pan(photograph("coffee").open().resize((210, 140)), 5, STEP, 96)


def stack(results) -> torch.Tensor:
    return torch.stack([to_tensor(getattr(one, "image", one)) for one in results])


def test_smoothing_lowers_flicker(stylizer, frames):
    calm, plain = (flicker(stack(restyled_clip(stylizer, frames, smooth)), STEP) for smooth in (0.8, 0.0))
    assert calm < 0.6 * plain


def test_without_smoothing_each_frame_is_as_by_itself(stylizer, model, frames):
    results = list(restyled_clip(stylizer, frames[:2], 0.0))
    alone = model.stylize(frames[1], to_picture(style("waves", 128).image))
    assert np.array_equal(results[1].image, alone.image)
    assert results[1].provenance == alone.provenance | {"smooth": 0.0}


def test_at_strength_0_the_frames_come_back(model, frames):
    nothing = Stylizer(model, to_picture(style("waves", 128).image), strength=0.0)
    for frame, result in zip(frames, restyled_clip(nothing, frames, 0.9), strict=True):
        assert np.array_equal(result.image, frame)


def test_a_still_clip_is_still(stylizer, frames):
    first, *_, last = restyled_clip(stylizer, [frames[0]] * 4, 0.9)
    off = np.abs(np.asarray(first.image, int) - np.asarray(last.image, int))
    assert off.max() <= 1  # rounding to 8 bits may fall either way
    assert (off > 0).mean() < 1e-3


def test_a_cut_starts_afresh(stylizer, frames):
    other = photograph("astronaut").open().resize((96, 96))
    *_, after = restyled_clip(stylizer, [*frames[:3], other], 0.9)
    alone = stylizer.finish(stylizer.change(other)).image
    before = stylizer.finish(stylizer.change(frames[2])).image
    away = np.abs(np.asarray(after.image, float) - np.asarray(alone, float)).mean()
    assert away < 0.1 * np.abs(np.asarray(before, float) - np.asarray(alone, float)).mean()


def test_a_change_is_carried_with_the_thing_that_moves():
    """A bright square moves over a dark noisy ground, and its change with it: nothing stays where it was."""
    generator = torch.Generator().manual_seed(0)
    ground, square = 0.2 * torch.rand(1, 3, 64, 64, generator=generator), torch.rand(1, 3, 20, 20, generator=generator)
    smoother, shown = Smoother(0.9), []
    for t in range(4):
        frame, change = ground.clone(), torch.zeros(1, 3, 64, 64)
        frame[..., 20:40, 10 + 8 * t : 30 + 8 * t] = 0.5 + square / 2
        change[..., 20:40, 10 + 8 * t : 30 + 8 * t] = 0.3
        shown.append(smoother(frame, change))
    assert shown[3][..., 24:36, 10:28].abs().mean() < 0.05  # where the square was at first
    assert shown[3][..., 24:36, 38:50].mean() == pytest.approx(0.3, abs=0.05)


def test_a_frame_of_another_size_starts_afresh():
    smoother, new = Smoother(0.9), torch.rand(1, 3, 48, 32)
    smoother(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))
    assert torch.equal(smoother(torch.rand(1, 3, 48, 32), new), new)


@pytest.mark.parametrize("smooth", [-0.1, 1.0, float("nan")])
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

    wanted = [result.image for result in restyled_clip(stylizer, frames[:4], 0.8)]  # 10 comes after 2
    for number, one in zip((1, 2, 10, 11), wanted, strict=True):
        assert np.array_equal(open_picture(out / f"f{number}.png"), one)
    before = (out / "f2.png").stat().st_mtime_ns
    (out / "f11.png").unlink()  # as if it had been stopped
    assert main([*command, "0.8"]) == 1
    assert "1 restyled, 3 already there, 1 failed" in capsys.readouterr().out
    assert np.array_equal(open_picture(out / "f11.png"), wanted[3])
    assert (out / "f2.png").stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main([*command, "1"])
    assert "from 0 (each frame by itself) to 0.95" in capsys.readouterr().err


def test_each_folder_is_a_clip_of_its_own(weights, model, frames, tmp_path):
    for folder, frame in zip("ab", frames, strict=False):
        (tmp_path / "in" / folder).mkdir(parents=True)
        frame.save(tmp_path / "in" / folder / "1.png")
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "s.png")
    command = ["stylize", str(tmp_path / "in"), "-r", "--style", str(tmp_path / "s.png")]
    assert main([*command, "--weights", str(weights), "--smooth", "0.9"]) == 0
    alone = model.stylize(frames[1], Image.new("RGB", (64, 64), "teal"))
    assert np.array_equal(open_picture(tmp_path / "in-style/b/1.png"), alone.image)
