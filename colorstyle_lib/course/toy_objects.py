"""24-pixel pictures of one object whose color is a toss-up, and whether answers to them are true.

They are cut out of :mod:`.scenes`'s scenes, so all colors that an object could have had are known, and "does it pick a
true color, and does z pick all of them?" has a number for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from skimage.measure import label, regionprops
from skimage.segmentation import expand_labels
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.scenes import KINDS, scenes
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.metrics.coloring import mode_coverage

SIZE = 24
NEAR = 15.0  # Lab units; the true colors of a kind lie at least 54 apart
_SCENE = 64  # side of the scenes that the pictures are cut from


@dataclass(frozen=True)
class ToyObjects:
    """Pictures of one ambiguous object each, on a ground whose color is certain."""

    lab: Float[Tensor, "n 3 24 24"]  # L in [0, 100], a and b in Lab units
    inside: Bool[Tensor, "n 24 24"]  # whether a pixel lies wholly inside the object
    kinds: Int[Tensor, " n"]  # index into :data:`.KINDS`
    mean_ab: Float[Tensor, "n 2 24 24"]  # expected ab given the gray picture


def draw_objects(n_scenes: int, seed: int = 0) -> ToyObjects:
    """Cut the ambiguous objects that stand alone out of drawn scenes of 64 pixels, about five from four scenes.

    Raises:
        ConfigError: not one object stands alone in these scenes.
    """
    drawn = scenes(n_scenes, _SCENE, seed)
    lab, found = rgb_to_lab(drawn.rgb), []
    for i in range(n_scenes):
        parts = label(drawn.labels[i].numpy() > 0, connectivity=2)
        ground = ((drawn.labels[i] == 0) & drawn.interior[i]).numpy()
        with_edges = expand_labels(parts, distance=1.5)
        for part in regionprops(parts):
            row, column = (min(max(round(c) - SIZE // 2, 0), _SCENE - SIZE) for c in part.centroid)
            window = (slice(row, row + SIZE), slice(column, column + SIZE))
            mask = torch.from_numpy(parts[window] == part.label)
            alone = (ground | (with_edges == part.label))[window].all()
            kind = int(drawn.labels[i][window][mask].mode().values)
            if alone and KINDS[kind].ambiguous:
                crop = (slice(None), *window)
                found.append((lab[i][crop], mask & drawn.interior[i][window], kind, drawn.mean_ab[i][crop]))
    if not found:
        raise ConfigError(f"no ambiguous object stands alone in {n_scenes} scenes: draw more")
    lab_planes, inside, kinds, mean_ab = zip(*found, strict=True)
    return ToyObjects(torch.stack(lab_planes), torch.stack(inside), torch.tensor(kinds), torch.stack(mean_ab))


def object_colors(ab: Float[Tensor, "z n 2 24 24"], inside: Bool[Tensor, "n 24 24"]) -> Float[Tensor, "z n 2"]:
    """The mean (a, b) inside each object, Lab units."""
    weights = inside[:, None].float()
    return (ab * weights).sum(dim=(3, 4)) / weights.sum(dim=(2, 3))


@dataclass(frozen=True)
class ColorScore:
    """How one way of coloring answers an ambiguous question."""

    from_mean: float  # average distance, in Lab units, of an object's color from the conditional mean
    true_share: float  # share of answers within :data:`NEAR` of one of the object's true colors
    coverage: float  # share of an object's true colors that at least one of its draws comes :data:`NEAR`
    shares: dict[str, list[float]]  # for each kind, the share of its answers NEAR each of its true colors


def score_colors(colors: Float[Tensor, "z n 2"], kinds: Int[Tensor, " n"]) -> ColorScore:
    """Compare z draws of each object's color with the colors that its kind can have; every kind counts alike."""
    from_mean, covered, shares = [], [], {}
    for kind in kinds.unique().tolist():
        answers, known = colors[:, kinds == kind], KINDS[kind]
        from_mean.append((answers - torch.tensor(known.mean)).norm(dim=2).mean())
        colors_of_kind = torch.tensor(known.colors)
        covered.append(mode_coverage(answers, colors_of_kind, NEAR).mean())
        near = (answers[:, :, None] - colors_of_kind).norm(dim=3) < NEAR  # (z, n, colors)
        shares[known.name] = near.float().mean(dim=(0, 1)).tolist()
    true = sum(sum(share) for share in shares.values()) / len(shares)
    return ColorScore(float(torch.stack(from_mean).mean()), true, float(torch.stack(covered).mean()), shares)
