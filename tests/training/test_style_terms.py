"""The task stylize: restyling learns and leaves coloring alone; what is taken of a style is what the losses ask for."""

import copy

import pytest
import torch
from small_run import drawn_store, small_preset
from torch import nn

from colorstyle_lib.config import change
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.reconstruction import style_statistics
from colorstyle_lib.training.gan_step import generate, supervised_losses, train_step
from colorstyle_lib.training.state import StepContext, TrainState
from colorstyle_lib.training.style_terms import modality_distance, target_statistics
from colorstyle_lib.training.tasks import draw

PLAIN = {"half_precision": False, "objective": "none"}
CPU = torch.device("cpu")


class RandomFeatures(nn.Module):
    """Frozen features that no training made: two convolutions, as good as any to see a loss go down."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, padding=1)])
        self.requires_grad_(False)

    def forward(self, rgb):
        fine = torch.relu(self.layers[0](rgb))
        return [fine, torch.relu(self.layers[1](fine))]


def styled_batch(preset, index=0):
    return draw(Batches(drawn_store(), 4, 48), index, preset.training, preset.generator.noise).on(CPU)


def losses_of(preset, generator, batch, features=None):
    context = StepContext(preset.training, features=features)
    return supervised_losses(generator, batch, generate(generator, batch, context, pictures=True), context)


def test_restyling_learns_and_leaves_coloring_alone():
    preset = small_preset(tasks=(("stylize", 1.0),), trainable="restyling", **PLAIN)
    state = TrainState.new(preset, 0, CPU)
    for group in state.generator_optimizer.param_groups:
        group["lr"] = 1e-3  # ten times more, and the loss jumps a hundredfold from step to step: rounding decides
    before = copy.deepcopy(state.generator.state_dict())
    context, batch = StepContext(preset.training, features=RandomFeatures()), styled_batch(preset)
    losses = [train_step(state, [batch], context, "supervised") for _ in range(20)]
    assert {"content", "style", "identity", "outside", "modality"} <= set(losses[0])
    assert losses[-1]["style"] < 0.6 * losses[0]["style"]
    changed = {name for name, now in state.generator.state_dict().items() if not torch.equal(now, before[name])}
    assert changed
    assert all(name.startswith("restyling.") for name in changed)


def test_without_features_to_compare_styles_with_it_is_refused():
    preset = small_preset(tasks=(("stylize", 1.0),), **PLAIN)
    with pytest.raises(ConfigError, match="needs frozen features"):
        losses_of(preset, TrainState.new(preset, 0, CPU).generator, styled_batch(preset))


def test_where_only_color_is_taken_there_is_a_right_answer():
    """The photograph with its colors moved; where texture or shape is taken there is none, and no such loss."""
    preset = small_preset(tasks=(("stylize", 1.0),), **PLAIN)
    generator = TrainState.new(preset, 0, CPU).generator
    drawn = (styled_batch(preset, i) for i in range(50))
    batch = next(one for one in drawn if (one.taken[:, 1:] == 0).all(1).any())
    assert losses_of(preset, generator, batch, RandomFeatures())["identity"] > 0
    object.__setattr__(batch, "taken", torch.ones_like(batch.taken))
    assert losses_of(preset, generator, batch, RandomFeatures())["identity"] == 0


def test_fine_layers_carry_texture_and_coarse_ones_shape():
    styles, plain = scenes(8, 32, seed=3).rgb.split(4)
    taken = torch.tensor([[1, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0]]).bool()
    network = RandomFeatures()
    wanted = target_statistics(network, styles, plain, taken)
    for layer, (theirs, ours) in enumerate(zip(*(style_statistics(network(x)) for x in (styles, plain)), strict=True)):
        for picture in range(4):
            expected = theirs if taken[picture, 1 + layer] else ours
            assert torch.equal(wanted[layer][picture], expected[picture]), (layer, picture)


def test_the_modality_distance_counts_what_should_have_been_taken_and_what_should_not():
    style, content = scenes(2, 64, seed=4).rgb.split(1)
    only_texture, all_of_it = torch.tensor([[0.0, 1, 0]]), torch.ones(1, 3)
    assert modality_distance(content, content, style, only_texture).item() == pytest.approx(1 / 3, abs=1e-3)
    assert modality_distance(style, content, style, only_texture).item() == pytest.approx(2 / 3, abs=1e-3)
    assert modality_distance(content, content, style, only_texture / 2).item() == pytest.approx(1 / 6, abs=1e-3)
    assert modality_distance(content, content, style, all_of_it) == 0
    both = [torch.cat(pair) for pair in ((content, content), (content, content), (style, style))]
    assert modality_distance(*both, torch.cat((only_texture, all_of_it))).item() == pytest.approx(1 / 6, abs=1e-3)


def test_a_gray_style_has_no_color_to_take():
    style, content = scenes(2, 64, seed=4).rgb.split(1)
    gray = style.mean(1, keepdim=True).expand_as(style)
    only_color = torch.tensor([[1.0, 0, 0]])
    assert modality_distance(content, content, gray, only_color) == 0
    assert modality_distance(content.mean(1, keepdim=True).expand_as(content), content, gray, only_color) > 0.1


def test_colors_that_no_discriminator_sees_are_not_decoded(monkeypatch):
    """A joint batch without a discriminator: only gray pictures that are restyled need colors first."""
    preset = small_preset(tasks=(("automatic", 1.0), ("stylize", 1.0)), noise_fraction=0.0, **PLAIN)
    generator = TrainState.new(preset, 0, CPU).generator.eval()
    context, decoded = StepContext(preset.training), []
    colors = generator.colors
    monkeypatch.setattr(generator, "colors", lambda features: decoded.append(len(features)) or colors(features))
    for index in range(4):
        batch = styled_batch(preset, index)
        decoded.clear()
        alone, stylized = generate(generator, batch, context, pictures=False), batch.has_task("stylize")
        gray = stylized & ~batch.known[:, 1:].flatten(1).any(1)
        assert alone.lab is None
        assert sum(decoded) == int(gray.sum())
        if bool(gray.any()):  # what is restyled, and compared with the result, is the generator's own coloring
            pairs = zip(alone.source, batch.rgb[stylized], gray[stylized], strict=True)
            assert all(torch.equal(source, true) != bool(colored_first) for source, true, colored_first in pairs)
        seen = generate(generator, batch, context, pictures=True)
        if alone.restyled is not None:
            torch.testing.assert_close(alone.restyled, seen.restyled)


def test_steep_gradients_of_one_task_do_not_slow_the_other():
    """The weights that color and those that restyle are clipped apart; here on a frozen encoder, so they share none."""
    preset = small_preset(tasks=(("automatic", 1.0), ("stylize", 1.0)), **PLAIN)

    def coloring_after_a_step(style_weight: float) -> torch.Tensor:
        config = change(preset.training, style_weight=style_weight)
        state = TrainState.new(change(preset, training=config), 0, CPU)
        state.generator.encoder.requires_grad_(False)
        train_step(state, [styled_batch(preset)], StepContext(config, features=RandomFeatures()), "supervised")
        return state.generator.head.weight.grad

    torch.testing.assert_close(coloring_after_a_step(1.0), coloring_after_a_step(1e4))
