"""What pictures in another one's look are made from and descend on."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.color_transfer import transfer_statistics
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.reconstruction import attention_collapse, content_distance, style_distance, style_statistics
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.modalities import describe
from colorstyle_lib.training.tasks import TaskBatch

_LEAST_WAY = 0.1  # from one picture's vector to another's: usually 0.3 in color, 1.5 in texture, 0.4 in shape


def restyle(
    generator: Generator,
    examples: TaskBatch,
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
    examples: TaskBatch,
    contents: Float[Tensor, "k 3 h w"],
    made: Float[Tensor, "k 3 h w"],
    choices: Float[Tensor, "k 3 _ _"],
    config: TrainingConfig,
    network: nn.Module | None,
) -> dict[str, Float[Tensor, ""]]:
    """What redrawn pictures shall be: as their content in features, as their style in the features' statistics.

    Args:
        examples: what was asked.
        contents: the pictures as they were given to :func:`restyle`.
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
        styles = examples.other[styled]
        # Both in the colors asked for: the style's where color is taken, else the content's.
        recolored = torch.lerp(contents, transfer_statistics(contents, styles, keep_lightness=True), _each(strength))
        plain = torch.where(_each(taken[:, 0]), recolored, contents)
        styles = torch.where(_each(taken[:, 0]), styles, transfer_statistics(styles, contents, keep_lightness=True))
        certain = ~taken[:, 1:].any(1)  # where color alone is taken there is a right answer
        right = torch.where(_each(certain), recolored, contents)
        contained = network(right)
        wanted = wanted_looks(network, styles, plain, taken)
    found = network(made)
    looks = style_distance(style_statistics(found), wanted, per_image=True)
    terms = {
        "content": config.content_weight * content_distance(found, contained),
        "style": config.style_weight * (strength.square() * looks).mean(),
        "outside": (made - made.clamp(0, 1)).abs().mean(),
        "identity": config.identity_weight * (_each(certain) * (made - right)).abs().mean(),
        "words": config.modality_weight
        * modality_distance(made, contents, examples.other[styled], strength[:, None] * taken),
    }
    if config.attention_weight:
        terms["collapse"] = config.attention_weight * attention_collapse(choices, config.attention_floor)
    return terms


def wanted_looks(
    network: nn.Module,
    styles: Float[Tensor, "k 3 h w"],
    plain: Float[Tensor, "k 3 h w"],
    taken: Bool[Tensor, "k 3"],
) -> list[Float[Tensor, "k 2 _"]]:
    """The statistics to come to: fine layers have the style's where texture is taken, coarse ones where shape is.

    Fine layers see grain and contrast, coarse ones strokes and motifs (L. Gatys et al., 2015, arXiv:1508.06576,
    figure 3). What is not taken stays the photograph's.

    Args:
        network: frozen features, finest layer first.
        styles: in the colors asked for.
        plain: the photographs, in the colors asked for.
        taken: which of color, texture and shape.
    """
    wanted = style_statistics(network(styles))
    some = ~taken[:, 1:].all(1)
    if bool(some.any()):
        for i, kept in enumerate(style_statistics(network(plain[some]))):
            asked = taken[some, 1 if i < len(wanted) // 2 else 2]
            wanted[i][some] = torch.where(asked[:, None, None], wanted[i][some], kept)
    return wanted


def modality_distance(
    made: Float[Tensor, "k 3 h w"],
    contents: Float[Tensor, "k 3 h w"],
    styles: Float[Tensor, "k 3 h w"],
    told: Float[Tensor, "k 3"],
) -> Float[Tensor, ""]:
    """How far color, texture and shape of pictures are from where they shall be, over the way from content to style.

    Only where not the whole look is taken: there is nothing to be told apart where all is.

    Args:
        made: sRGB that may leave [0, 1].
        contents: what they were.
        styles: whose look they take.
        told: how much of each modality is to be taken.

    Returns:
        A mean over modalities and pictures, those that take the whole look counted as 0.
    """
    some = ~(told > 0).all(1)
    if not bool(some.any()):
        return made.new_zeros(())
    described = [describe(rgb_to_lab(rgb[some].clamp(0, 1))) for rgb in (made, contents, styles)]
    told_of = told[some] * described[-1].present  # what a style does not have cannot be taken from it
    shares = []
    for share, found, own, other in zip(told_of.unbind(1), *(d.vectors for d in described), strict=True):
        goal = torch.lerp(own, other, share[:, None])
        way = (other - own).norm(dim=1).clamp_min(_LEAST_WAY)
        shares.append((found - goal).norm(dim=1) / way)
    return torch.stack(shares).mean(0).sum() / len(told)


def _each(numbers: Tensor) -> Tensor:
    """One for each picture, beside its planes and pixels."""
    return numbers[:, None, None, None]
