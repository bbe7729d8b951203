"""What pictures in another one's look are made from and descend on."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.generator import Generator
from colorstyle_lib.losses import attention_collapse, content_distance, style_distance, style_statistics
from colorstyle_lib.opponents import transfer_statistics
from colorstyle_lib.tasks import Examples


def restyle(
    generator: Generator,
    examples: Examples,
    rows: Bool[Tensor, " n"],
    rgb: Float[Tensor, "k 3 h w"],
    maps: list[Tensor],
) -> tuple[Float[Tensor, "k 3 h w"], Float[Tensor, "k 3 _ _"]]:
    """Redraw pictures as their task says.

    Args:
        generator: with restyling levels.
        examples: what it is asked.
        rows: which of them are asked for another look.
        rgb: those, in their own colors or in those that the generator gave them.
        maps: the encoder's of those.

    Returns:
        sRGB that may leave [0, 1] a little, and the attention.
    """
    look = generator.describe_style(rgb_to_lab(examples.other[rows]))
    look = look._replace(present=look.present & (examples.taken[rows] > 0))
    return generator.restyle(rgb, maps, look, examples.strength[rows])


def restyling_terms(
    examples: Examples,
    made: Float[Tensor, "k 3 h w"],
    choices: Float[Tensor, "k 3 _ _"],
    config: TrainingConfig,
    network: nn.Module | None,
) -> dict[str, Float[Tensor, ""]]:
    """What redrawn pictures shall be: as their content in features, as their style in the features' statistics.

    Args:
        examples: what was asked.
        made: from :func:`restyle`.
        choices: the attention.
        config: weights of the terms.
        network: frozen features.

    Returns:
        Every term, weighed, by name; means over the restyled pictures alone.

    Raises:
        ConfigError: there is no network.
    """
    if network is None:
        raise ConfigError("learning to restyle needs frozen features to compare looks with")
    styled = examples.asked("stylize")
    strength, taken = examples.strength[styled], examples.taken[styled] > 0
    with torch.no_grad():
        contents, styles = examples.rgb[styled], examples.other[styled]
        # Where color alone is taken there is a right answer, where it is not taken the style has the content's colors.
        certain = ~taken[:, 1:].any(1)
        recolored = torch.lerp(contents, transfer_statistics(contents, styles, keep_lightness=True), _each(strength))
        styles = torch.where(_each(taken[:, 0]), styles, transfer_statistics(styles, contents, keep_lightness=True))
        contents = torch.where(_each(certain), recolored, contents)
        contained = network(contents)
        wanted = style_statistics(network(torch.where(_each(certain), recolored, styles)))
    found = network(made)
    looks = style_distance(style_statistics(found), wanted, per_image=True)
    terms = {
        "content": config.content_weight * content_distance(found, contained),
        "style": config.style_weight * (strength.square() * looks).mean(),
        "outside": (made - made.clamp(0, 1)).abs().mean(),
        "identity": config.identity_weight * (_each(certain) * (made - contents)).abs().mean(),
    }
    if config.attention_weight:
        terms["collapse"] = config.attention_weight * attention_collapse(choices, config.attention_floor)
    return terms


def _each(numbers: Tensor) -> Tensor:
    """One for each picture, beside its planes and pixels."""
    return numbers[:, None, None, None]
