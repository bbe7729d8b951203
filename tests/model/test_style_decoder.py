"""Another look: strength 0 changes nothing, what is not taken has no say, and coloring stays what it was."""

import copy

import pytest
import torch
from small_run import drawn_store, small_preset
from torch import nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import change, get_preset
from colorstyle_lib.data.batches import Batches
from colorstyle_lib.data.scenes import scenes
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.reconstruction import style_statistics
from colorstyle_lib.model.attention_override import AttentionOverride
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.style_decoder import blend
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import StepContext, train_step
from colorstyle_lib.training.generator_pass import answer, supervised_terms
from colorstyle_lib.training.state import TrainState
from colorstyle_lib.training.style_terms import modality_distance, wanted_looks
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
    with pytest.raises(ConfigError, match="by the task stylize alone"):
        TrainState.new(change(preset, training=change(preset.training, trainable="restyling")), 0, CPU)


def styled_examples(preset, index=0):
    return draw(Batches(drawn_store(), 4, 48), index, preset.training, preset.generator.noise).on(CPU)


def test_restyling_learns_and_leaves_coloring_alone():
    preset = small_preset(tasks=(("stylize", 1.0),), trainable="restyling", learning_rate=1e-2, **PLAIN)
    players = TrainState.new(preset, 0, CPU)
    for group in players.generator_optimizer.param_groups:
        group["lr"] = 1e-2
    before = copy.deepcopy(players.generator.state_dict())
    rules = StepContext(preset.training, ProcessGroup(0, 1, CPU), network=RandomFeatures())
    some = styled_examples(preset)
    said = [train_step(players, [some], rules, "supervised") for _ in range(20)]
    assert {"content", "style", "identity", "outside", "words"} <= set(said[0])
    assert said[-1]["style"] < 0.8 * said[0]["style"]
    changed = {name for name, now in players.generator.state_dict().items() if not torch.equal(now, before[name])}
    assert changed
    assert all(name.startswith("restyling.") for name in changed)


def test_without_features_to_compare_looks_with_it_is_refused():
    preset = small_preset(tasks=(("stylize", 1.0),), **PLAIN)
    generator = TrainState.new(preset, 0, CPU).generator
    some = styled_examples(preset)
    with pytest.raises(ConfigError, match="needs frozen features"):
        supervised_terms(generator, some, answer(generator, some, None, preset.training, judged=True), preset.training)


def test_where_only_color_is_taken_there_is_a_right_answer():
    """The photograph with its colors moved; where texture or shape is taken there is none, and no such term."""
    preset = small_preset(tasks=(("stylize", 1.0),), **PLAIN)
    generator = TrainState.new(preset, 0, CPU).generator
    drawn = (styled_examples(preset, i) for i in range(50))
    some = next(e for e in drawn if (e.taken[:, 1:] == 0).all(1).any())
    terms = supervised_terms(
        generator,
        some,
        answer(generator, some, None, preset.training, judged=True),
        preset.training,
        None,
        RandomFeatures(),
    )
    assert terms["identity"] > 0
    object.__setattr__(some, "taken", torch.ones_like(some.taken))
    rest = supervised_terms(
        generator,
        some,
        answer(generator, some, None, preset.training, judged=True),
        preset.training,
        None,
        RandomFeatures(),
    )
    assert rest["identity"] == 0


def test_fine_layers_carry_texture_and_coarse_ones_shape():
    styles, plain = scenes(8, 32, seed=3).rgb.split(4)
    taken = torch.tensor([[1, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0]]).bool()
    network = RandomFeatures()
    wanted = wanted_looks(network, styles, plain, taken)
    for layer, (theirs, ours) in enumerate(zip(*(style_statistics(network(x)) for x in (styles, plain)), strict=True)):
        for picture in range(4):
            expected = theirs if taken[picture, 1 + layer] else ours
            assert torch.equal(wanted[layer][picture], expected[picture]), (layer, picture)


def test_a_picture_is_off_the_words_by_what_it_should_have_taken_and_by_what_it_should_not():
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


def test_what_nobody_judges_is_not_decided_on(monkeypatch):
    """A joint batch without a discriminator: only gray pictures that are restyled need colors first."""
    preset = small_preset(tasks=(("automatic", 1.0), ("stylize", 1.0)), noise_fraction=0.0, **PLAIN)
    generator = TrainState.new(preset, 0, CPU).generator.eval()
    decided = []
    colors = generator.colors
    monkeypatch.setattr(generator, "colors", lambda features: decided.append(len(features)) or colors(features))
    for index in range(4):
        some = styled_examples(preset, index)
        decided.clear()
        alone = answer(generator, some, None, preset.training, judged=False)
        gray = some.asked("stylize") & ~some.known[:, 1:].flatten(1).any(1)
        assert alone.lab is None
        assert sum(decided) == int(gray.sum())
        if bool(gray.any()):  # what is restyled, and compared with what comes of it, is its own coloring
            pairs = zip(alone.before, some.rgb[some.asked("stylize")], gray[some.asked("stylize")], strict=True)
            assert all(torch.equal(before, true) != bool(colored_first) for before, true, colored_first in pairs)
        judged = answer(generator, some, None, preset.training, judged=True)
        if alone.restyled is not None:
            torch.testing.assert_close(alone.restyled, judged.restyled)


def test_one_tasks_steep_slopes_do_not_slow_the_other():
    """The weights that color and those that restyle are clipped apart; here on a frozen encoder, so they share none."""
    preset = small_preset(tasks=(("automatic", 1.0), ("stylize", 1.0)), **PLAIN)

    def coloring_after_a_step(style_weight: float) -> torch.Tensor:
        config = change(preset.training, style_weight=style_weight)
        players = TrainState.new(change(preset, training=config), 0, CPU)
        players.generator.encoder.requires_grad_(False)
        rules = StepContext(config, ProcessGroup(0, 1, CPU), network=RandomFeatures())
        train_step(players, [styled_examples(preset)], rules, "supervised")
        return players.generator.head.weight.grad

    torch.testing.assert_close(coloring_after_a_step(1.0), coloring_after_a_step(1e4))
