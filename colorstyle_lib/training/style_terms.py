"""The ``stylize`` task: restyled pictures and their losses."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab, transfer_statistics
from colorstyle_lib.errors import require
from colorstyle_lib.losses.reconstruction import attention_collapse, content_distance, style_distance, style_statistics
from colorstyle_lib.model import Generator, describe
from colorstyle_lib.training.state import StepContext
from colorstyle_lib.training.tasks import TaskBatch

Pictures = Float[Tensor, "k 3 h w"]  # those to restyle, sRGB

STYLE_LOSSES = ("content", "style", "identity", "outside", "modality")

_LEAST_DISTANCE = 0.1  # from one picture's vector to another's: usually 0.3 in color, 1.5 in texture, 0.4 in shape


def restyle(
    generator: Generator, batch: TaskBatch, rows: Bool[Tensor, " n"], source: Pictures, maps: list[Tensor]
) -> tuple[Pictures, Float[Tensor, "k 3 _ _"]]:
    """Restyle the pictures of these rows: ``source`` in sRGB with the encoder's ``maps``; and the attention weights."""
    style = generator.describe_style(rgb_to_lab(batch.other[rows]))
    style = style._replace(present=style.present & (batch.taken[rows] > 0))
    return generator.restyle(source, maps, style, batch.strength[rows])


def style_losses(
    batch: TaskBatch, source: Pictures, restyled: Pictures, alpha: Float[Tensor, "k 3 _ _"], context: StepContext
) -> dict[str, Float[Tensor, ""]]:
    """Losses of restyled pictures: content and style in VGG-19 features, and three in the pictures themselves.

    Every loss, weighted, by name; means over the restyled pictures, which may leave [0, 1]. ConfigError: no features.
    """
    config, features = context.config, context.features
    require(features is not None, "learning to restyle needs frozen features to compare looks with")
    rows = batch.has_task("stylize")
    strength, taken = batch.strength[rows], batch.taken[rows] > 0
    takes_color, only_color = _each(taken[:, 0]), _each(~taken[:, 1:].any(1))
    with torch.no_grad():
        styles = batch.other[rows]
        # Both in the target colors: the style's where color is taken, else the content's.
        recolored = torch.lerp(source, transfer_statistics(source, styles, keep_lightness=True), _each(strength))
        plain = torch.where(takes_color, recolored, source)
        styles = torch.where(takes_color, styles, transfer_statistics(styles, source, keep_lightness=True))
        target = torch.where(only_color, recolored, source)  # where color alone is taken there is a right answer
        target_features = features(target)
        targets = target_statistics(features, styles, plain, taken)
    found = features(restyled)
    distance = style_distance(style_statistics(found), targets, per_image=True)
    shares = strength[:, None] * taken
    losses = {
        "content": config.content_weight * content_distance(found, target_features),
        "style": config.style_weight * (strength.square() * distance).mean(),
        "outside": (restyled - restyled.clamp(0, 1)).abs().mean(),
        "identity": config.identity_weight * (only_color * (restyled - target)).abs().mean(),
        "modality": config.modality_weight * modality_distance(restyled, source, batch.other[rows], shares),
    }
    if config.attention_weight:
        losses["collapse"] = config.attention_weight * attention_collapse(alpha, config.attention_floor)
    return losses


def target_statistics(
    features: nn.Module, styles: Pictures, plain: Pictures, taken: Bool[Tensor, "k 3"]
) -> list[Float[Tensor, "k 2 _"]]:
    """Target feature statistics: the style's in fine layers where texture is taken, in coarse ones where shape is.

    Fine layers respond to grain and contrast, coarse ones to strokes and motifs (L. Gatys et al., 2015,
    arXiv:1508.06576, figure 3). What is not taken keeps the photograph's statistics. Both are in the target colors.
    """
    targets = style_statistics(features(styles))
    partial = ~taken[:, 1:].all(1)
    if bool(partial.any()):
        for i, own in enumerate(style_statistics(features(plain[partial]))):
            from_style = taken[partial, 1 if i < len(targets) // 2 else 2]
            targets[i][partial] = torch.where(from_style[:, None, None], targets[i][partial], own)
    return targets


def modality_distance(
    restyled: Pictures, source: Pictures, styles: Pictures, shares: Float[Tensor, "k 3"]
) -> Float[Tensor, ""]:
    """Distance of color, texture and shape from their targets, relative to the distance from content to style.

    A mean over modalities and pictures; ``shares`` is how much of each is to be taken. A picture that takes all is 0.
    """
    partial = ~(shares > 0).all(1)
    if not bool(partial.any()):
        return restyled.new_zeros(())
    described = [describe(rgb_to_lab(rgb[partial].clamp(0, 1))) for rgb in (restyled, source, styles)]
    present = shares[partial] * described[-1].present  # what a style does not have cannot be taken from it
    distances = []
    for share, found, own, other in zip(present.unbind(1), *(d.vectors for d in described), strict=True):
        target = torch.lerp(own, other, share[:, None])
        whole = (other - own).norm(dim=1).clamp_min(_LEAST_DISTANCE)
        distances.append((found - target).norm(dim=1) / whole)
    return torch.stack(distances).mean(0).sum() / len(shares)


def _each(numbers: Tensor) -> Tensor:
    """One number for each picture, broadcast over its planes and pixels."""
    return numbers[:, None, None, None]
