"""Correspondence of places: which place of a reference a place of the content looks like, and so takes colors from."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.model.modalities import Modalities


def likeness(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 _ c"]:
    """Unit vectors of places, whose products say how similar two places are, from any planes that describe them.

    Each channel counts against its own picture's usual value and spread: brightness or contrast alone make no likeness.
    """
    planes = planes.float().flatten(2)
    centred = planes - planes.mean(2, keepdim=True)
    scaled = centred / (centred.square().mean(2, keepdim=True) + 1e-6).sqrt()
    return nnf.normalize(scaled, dim=1).mT[:, None]


def match_reference(
    reference: Modalities,
    content: Modalities,
    *,
    alike: tuple[Tensor, Tensor] | None = None,
    known: Bool[Tensor, "n 1 h w"] | None = None,
    sharpness: float = 10.0,
    nearness: float = 0.0,
    least: float | None = None,
) -> Modalities:
    """Carry a reference's maps to the content's places: each place takes what similar places of the reference have.

    Similar by cosine, as a softmax over the reference's places; the idea is M. He et al.'s (SIGGRAPH 2018,
    arXiv:1807.06587). Vectors and presence stay.

    Args:
        reference: of any size.
        content: its maps give the places. Where it knows no L, every place takes the reference's average.
        alike: unit vectors ``(N, 1, places, channels)`` of the content's and the reference's places that say what
            is similar; by default their texture and shape (:func:`likeness`).
        known: the reference's cells that the softmax is over; all, if not given. Where an image has none, its maps
            are 0.
        sharpness: of the softmax; 0 averages.
        nearness: how much less far places count, where reference and content are one picture: taken off the exponent
            for the longer side's length, growing with the distance's square.
        least: a likeness that competes with the places', and gives 0: what is unlike all of them takes little.

    Returns:
        The reference, its maps of the content's size.
    """
    query, key = alike or (likeness(torch.cat(m.maps[1:], 1)) for m in (content, reference))
    size = content.maps[0].shape[-2:]
    values, added = torch.cat(reference.maps, dim=1).flatten(2).mT[:, None], None  # added to the exponents
    if known is not None:
        cells = known.flatten(2)[:, :, None]  # (N, 1, 1, places)
        values = values * cells.mT
        # Where nothing is known all may give, and what they give is 0: a softmax over nothing is no number.
        giving = cells | ~cells.any(-1, keepdim=True)
        added = torch.zeros_like(giving, dtype=query.dtype).masked_fill(~giving, -torch.inf)
    if nearness:
        longer = torch.sym_max(*size)  # max() would fix in an export which side that is
        places = torch.cartesian_prod(
            *(torch.arange(side, device=query.device, dtype=values.dtype) / longer for side in size)
        )
        far = -nearness * (places[:, None] - places).square().sum(-1)[None, None]
        added = far if added is None else far + added
    if least is not None:
        # One more place, at no angle to any: its exponent is the mask's alone.
        key, values = (nnf.pad(t, (0, 0, 0, 1)) for t in (key, values))
        added = query.new_zeros(1, 1, 1, key.shape[2] - 1) if added is None else added
        added = nnf.pad(added, (0, 1), value=least * sharpness)
    carried = nnf.scaled_dot_product_attention(query, key, values, attn_mask=added, scale=sharpness)
    planes = carried[:, 0].mT.unflatten(2, tuple(size)).split([m.shape[1] for m in reference.maps], dim=1)
    return Modalities(reference.vectors, tuple(planes), reference.present)
