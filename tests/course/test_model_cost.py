"""Parameters and multiply-adds: counted by running, checked against counting layer by layer by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from colorstyle_lib.config import DiscriminatorConfig, GeneratorConfig, Preset, change, get_preset
from colorstyle_lib.course import model_cost
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.generator import Generator

PLAIN = GeneratorConfig(width=4, max_width=8, depth=3, attention="none")


@contextmanager
def layer_by_layer(network: nn.Module) -> Iterator[list[int]]:
    """Multiply-adds of every convolution and linear layer that is called: outputs times inputs of each output."""
    counts: list[int] = []

    def hook(layer: nn.Module, given: tuple[torch.Tensor, ...], made: torch.Tensor) -> None:
        counts.append(made.numel() * layer.weight[0].numel())

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(hook) for layer in layers]
    yield counts
    for handle in handles:
        handle.remove()


def test_one_convolution_by_hand():
    # 3 x 3 on 5 planes makes the first block's 4 channels, at each of 16 x 16 pixels.
    generator = Generator(PLAIN).eval()
    with layer_by_layer(generator) as counts:
        generator(gray_content(torch.zeros(1, 1, 16, 16)))
    assert counts[0] == 16 * 16 * 4 * 5 * 9


def test_a_generator_without_attention_costs_what_its_layers_cost():
    generator = Generator(PLAIN).eval()
    with layer_by_layer(generator) as counts:
        generator(gray_content(torch.zeros(1, 1, 64, 64)))
    counted = model_cost.count(generator, 64, "mine")
    assert counted.multiply_adds == sum(counts)
    assert counted.attention == 0
    assert (counted.preset, counted.network, counted.size) == ("mine", "generator", 64)


def test_attention_is_what_a_generator_costs_more_with_it():
    with_attention = model_cost.count(Generator(change(PLAIN, attention="places", attention_at=(2, 4))), 64)
    without = model_cost.count(Generator(PLAIN), 64)
    assert with_attention.attention == with_attention.multiply_adds - without.multiply_adds > 0


def test_a_discriminators_attention_holds_measuring_and_weighing():
    config = DiscriminatorConfig(width=4, max_width=8, depth=3, scales=1)
    weighing, bare = Discriminator(config), Discriminator(change(config, attention="none"))
    counted, without = model_cost.count(weighing, 64), model_cost.count(bare, 64)
    last = 8 * 8 * 8  # without attention, a 1 x 1 convolution of 8 channels judges 8 x 8 places
    assert counted.multiply_adds - counted.attention == without.multiply_adds - last
    assert without.attention == 0
    assert counted.network == "discriminator"


def test_four_times_the_pixels_cost_four_times():
    generator = Generator(PLAIN)
    assert model_cost.count(generator, 128).multiply_adds == 4 * model_cost.count(generator, 64).multiply_adds


def test_frozen_parameters_stand_apart():
    generator = Generator(PLAIN)
    every = sum(p.numel() for p in generator.parameters())
    generator.encoder.requires_grad_(False)
    counted = model_cost.count(generator, 64)
    assert counted.frozen == sum(p.numel() for p in generator.encoder.parameters())
    assert counted.learned + counted.frozen == every


def test_the_table_has_both_players_of_a_preset_at_its_own_size_and_at_256():
    rows = model_cost.cost_table({"tiny": get_preset("tiny")})
    assert [(r.network, r.size) for r in rows] == [
        ("generator", 64),
        ("generator", 256),
        ("discriminator", 64),
        ("discriminator", 256),
    ]
    lines = model_cost.as_markdown(rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert f"| {rows[1].multiply_adds / 1e6:,.0f} M |" in lines[3]
    assert all(line.count("|") == 8 for line in lines)


def test_the_companions_encoder_is_frozen_and_no_other_presets():
    rows = model_cost.cost_table({n: get_preset(n) for n in ("paper", "companion")}, sizes=[64])
    frozen = {(row.preset, row.network): row.frozen for row in rows}
    assert frozen.pop(("companion", "generator")) > 2_000_000
    assert set(frozen.values()) == {0}


def test_refusals():
    with pytest.raises(ConfigError, match="at least one size"):
        model_cost.cost_table(sizes=[])
    with pytest.raises(ConfigError, match="multiples of"):
        model_cost.cost_table({"mine": Preset("mine", PLAIN)}, sizes=[60])
