"""Whether the model knows where it is guessing: predicted deviation against error, in small cells of pictures."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.errors import needs_extra
from colorstyle_lib.metrics.bootstrap import Statistic, mean_of, ratio_of
from colorstyle_lib.metrics.coloring import square_error_ab
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator

_BATCH = 20
_CELL = 4  # pixels: uncertainty is predicted at half the size, and neighbours tell the same
_QUARTERS = 4


@torch.no_grad()
def uncertainty_cells(
    generator: Generator, rgb: Float[Tensor, "n 3 h w"]
) -> tuple[Float[Tensor, "n cells"], Float[Tensor, "n cells"]]:
    """How unsure the model is in cells of 4 x 4 pixels, and how wrong.

    Args:
        generator: in evaluation mode, of ab bins.
        rgb: real pictures in [0, 1] at the size that the generator works at.

    Returns:
        The predicted standard deviation in the ab plane, Lab units; and the squared error, squared Lab units.
    """
    unsure, wrong = [], []
    for batch in rgb.split(_BATCH):
        lab = rgb_to_lab(batch)
        features, _ = generator.forward_features(gray_content(lab[:, :1]))
        errors = square_error_ab(generator.colors(features), lab[:, 1:])[:, None]
        for planes, cells in ((generator.uncertainty(features), unsure), (errors, wrong)):
            cells.append(nnf.avg_pool2d(planes, _CELL).flatten(1))
    return torch.cat(unsure), torch.cat(wrong)


def calibration(
    unsure: Float[Tensor, "n cells"], wrong: Float[Tensor, "n cells"], parts: int = 10
) -> Float[Tensor, "{parts} 2"]:
    """Predicted against actual error, from the surest part of all cells to the least sure.

    Returns:
        For each part the root mean square of the predicted deviations, and that of the errors, Lab units.
    """
    order = unsure.flatten().argsort()
    pairs = torch.stack((unsure.flatten().square()[order], wrong.flatten()[order]), dim=1)
    return torch.stack([part.mean(0).sqrt() for part in pairs.tensor_split(parts)])


def uncertainty_statistics(unsure: Tensor, wrong: Tensor) -> dict[str, Statistic]:
    """Error in the surest and the least sure quarter of all cells; and, picture by picture, whether ranks agree."""
    ranked = unsure.flatten().sort().values
    edges = torch.stack([ranked[len(ranked) * part // _QUARTERS] for part in range(1, _QUARTERS)])
    quarter = torch.bucketize(unsure, edges)

    def rms(which: int) -> Statistic:
        inside = quarter == which
        square = ratio_of((wrong * inside).sum(1), inside.sum(1).float())
        return lambda counts: square(counts).sqrt()

    sure, guessing = rms(0), rms(_QUARTERS - 1)
    with needs_extra("SciPy", "tutorial"):
        from scipy.stats import ConstantInputWarning, spearmanr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)  # NaN: cells that are all alike have no ranks
        rank_correlations = [spearmanr(*picture).statistic for picture in zip(unsure.cpu(), wrong.cpu(), strict=True)]
    return {
        "error_where_sure": sure,
        "error_where_unsure": guessing,
        "error_unsure_over_sure": lambda counts: guessing(counts) / sure(counts),
        "uncertainty_rank_correlation": mean_of(torch.tensor(rank_correlations)),
    }
