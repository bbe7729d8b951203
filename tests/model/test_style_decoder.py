"""Another look: strength 0 changes nothing, what is not taken has no say, and coloring stays what it was."""

import pytest
import torch
from small_run import small_preset
from torch import nn
from torch.nn import functional as nnf

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.attention import AttentionOverride
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.style_decoder import (
    blend,
    convolution_by_fours,
    instance_norm,
    reflection_pad,
    upsampled_convolution,
)
from colorstyle_lib.training.state import TrainState

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model():
    """A tiny generator whose restyling levels have something to say."""
    generator = TrainState.new(small_preset(), 0, CPU).generator.eval()
    torch.manual_seed(1)
    for weight in generator.restyling.parameters():
        nn.init.normal_(weight, std=0.1)
    return generator


@pytest.fixture(scope="module")
def pictures():
    rgb = scenes(4, 64, seed=3).rgb
    return rgb[:2], rgb[2:]


def restyled(model, photo, look, **options):
    with torch.no_grad():
        return model.restyle(photo, maps_of(model, photo), look, **options)


def maps_of(model, photo):
    return model.encoder(gray_content(rgb_to_lab(photo)[:, :1]))


def encode_style(model, picture):
    return model.describe_style(rgb_to_lab(picture))


def test_strength_zero_changes_nothing_and_more_changes_more(model, pictures):
    photo, style = pictures
    look = encode_style(model, style)
    moved = [
        (restyled(model, photo, look, strength=torch.full((2,), s))[0] - photo).abs().mean().item()
        for s in (0.0, 0.25, 0.5, 1.0)
    ]
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[-1] > 0.01


def test_attention_is_a_choice_among_what_is_taken(model, pictures):
    photo, style = pictures
    look = encode_style(model, style)
    _, alpha = restyled(model, photo, look)
    torch.testing.assert_close(alpha.sum(1), torch.ones_like(alpha[:, 0]))
    assert alpha.flatten(2).std(2).max() > 1e-4  # place by place
    _, without = restyled(model, photo, look.select(("texture", "shape")))
    assert not without[:, 0].any()
    _, fixed = restyled(model, photo, look, override=AttentionOverride(fix={"shape": 1.0}))
    assert torch.equal(fixed[:, 2], torch.ones_like(fixed[:, 2]))


def test_what_is_not_taken_has_no_say(model, pictures):
    photo, style = pictures
    gray = style.mean(1, keepdim=True).expand_as(style)
    colored, colorless = encode_style(model, style), encode_style(model, gray)
    same = colored._replace(codes=(colorless.codes[0], *colored.codes[1:]))
    kept = [restyled(model, photo, look.select(("texture", "shape")))[0] for look in (colored, same)]
    assert torch.equal(*kept)
    assert not torch.equal(restyled(model, photo, colored)[0], restyled(model, photo, same)[0])


def test_styles_blend(model, pictures):
    photo, style = pictures
    first, second = encode_style(model, style), encode_style(model, photo)
    torch.testing.assert_close(blend([first, second], [2.0, 0.0]).codes, first.codes)
    halves = blend([first, second], [1.0, 1.0]).codes[0]
    torch.testing.assert_close(halves, (first.codes[0] + second.codes[0]) / 2)
    for weights in ([1.0], [1.0, -1.0], [0.0, 0.0]):
        with pytest.raises(ConfigError, match="styles want one weight each"):
            blend([first, second], weights)


def test_what_cannot_be_restyled_is_refused(model, pictures):
    photo, style = pictures
    maps = maps_of(model, photo)
    with pytest.raises(ConfigError, match="multiples of 4"):
        model.restyle(photo[..., :62], maps, encode_style(model, style))
    preset = get_preset("tiny")
    plain = change(preset, generator=change(preset.generator, restyling=0))
    with pytest.raises(ConfigError, match="these weights only color"):
        TrainState.new(plain, 0, CPU).generator.restyle(photo, maps, encode_style(model, style))
    with pytest.raises(ConfigError, match="no restyling levels that could learn"):
        TrainState.new(change(plain, training=change(plain.training, trainable="restyling")), 0, CPU)
    with pytest.raises(ConfigError, match="restyling levels learn alone by stylize alone"):
        TrainState.new(change(preset, training=change(preset.training, trainable="restyling")), 0, CPU)


def test_the_norms_backward_step_is_group_norms():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64).contiguous(memory_format=torch.channels_last).requires_grad_()
    assert torch.autograd.gradcheck(instance_norm, x)
    (slope,) = torch.autograd.grad((instance_norm(x) ** 3).sum(), x)
    (plain,) = torch.autograd.grad((nnf.group_norm(x, 3) ** 3).sum(), x)
    torch.testing.assert_close(slope, plain)
    (slope,) = torch.autograd.grad((instance_norm(x) ** 3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(instance_norm(x), nnf.group_norm(x, 3))


def test_shortcuts_convolve_as_the_plain_way_does():
    torch.manual_seed(0)
    x, layer, last = torch.randn(2, 6, 8, 12), nn.Conv2d(6, 5, 3, bias=False), nn.Conv2d(6, 3, 5)
    doubled = nnf.interpolate(x, scale_factor=2, mode="nearest")
    plain = layer(nnf.pad(doubled, (1, 1, 1, 1), mode="reflect"))
    torch.testing.assert_close(upsampled_convolution(x, layer), plain, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(reflection_pad(x, 2), nnf.pad(x, (2, 2, 2, 2), mode="reflect"))
    torch.testing.assert_close(convolution_by_fours(x, last), last(x), rtol=1e-5, atol=1e-5)
    plain.sum().backward()
    wanted, layer.weight.grad = layer.weight.grad, None
    upsampled_convolution(x, layer).sum().backward()
    torch.testing.assert_close(layer.weight.grad, wanted, rtol=1e-4, atol=1e-3)
