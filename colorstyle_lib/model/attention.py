"""Multi-modal attention, the paper's equation (2): how much each modality counts, and what that changes.

The paper prints the softmax and leaves the energies open (sections 3(3) and 4(2)). Here an energy comes
from the features at a place and from what the modality says about content and reference; the weights then
steer how strongly each modality scales and shifts the features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model.attention_override import AttentionOverride
from colorstyle_lib.model.modalities import MAP_CHANNELS, MODALITIES, VECTOR_SIZES, Modalities


def multimodal_attention(
    energies: Float[Tensor, "n m *places"], present: Bool[Tensor, "n m"], temperature: float = 1.0
) -> Float[Tensor, "n m *places"]:
    """Attention weight of each modality at each place: the paper's equation (2).

    ``alpha_i = exp(E_i / T) / sum_j exp(E_j / T)``, the sum over the modalities that are present; T = 1 in
    the paper.

    >>> multimodal_attention(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[True, True, False]]))
    tensor([[0.7311, 0.2689, 0.0000]])

    Args:
        energies: one energy per modality and place (or per modality alone), any finite number, no unit.
        present: whether an image has the modality at all (a grayscale photo has no color).
        temperature: towards 0 the largest energy takes all, towards infinity all present get the same.

    Returns:
        Weights in [0, 1], float32, that sum to 1 over ``m``; exactly 0, as is their gradient, where one is
        absent.

    Raises:
        ConfigError: an image has no modality at all, or the temperature is not positive. The first is not
            looked for within ``torch.compile`` or an export; such an image gets zeros there.
    """
    if not torch.compiler.is_compiling() and not bool(present.any(dim=1).all()):
        raise ConfigError("attention needs at least one modality in every image; give a reference, or color or L")
    return masked_softmax(energies, present, temperature)


def masked_softmax(
    energies: Float[Tensor, "n m *places"], present: Bool[Tensor, "n m"], temperature: float = 1.0
) -> Float[Tensor, "n m *places"]:
    """Equation (2) as :func:`multimodal_attention`, without its check: an image without any modality gets zeros.

    Nothing here waits for a GPU to answer, so that a network may call it at every level.

    Raises:
        ConfigError: the temperature is not positive.
    """
    if not (math.isfinite(temperature) and temperature > 0):
        raise ConfigError(f"an attention temperature is a positive number, not {temperature}")
    flags = present.view(*present.shape, *[1] * (energies.ndim - 2))
    scaled = torch.where(flags, energies.float() / temperature, -torch.inf)
    # Subtracting the largest changes nothing in exact numbers and keeps exp from overflowing.
    peak = scaled.amax(dim=1, keepdim=True).detach().clamp_min(torch.finfo(torch.float32).min)
    weights = torch.where(flags, (scaled - peak).exp(), 0.0)
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)


class MultiModalAttention(nn.Module):
    """Modulate one decoder level by what the modalities say, each as strongly as attention lets it.

    ``y = norm(x) (1 + sum_i alpha_i gamma_i) + sum_i alpha_i beta_i``, alpha from equation (2) at each
    place. Scaling and shifting normalised features by a style's statistics is X. Huang and S. Belongie's
    (ICCV 2017, arXiv:1703.06868), doing so place by place T. Park et al.'s (CVPR 2019, arXiv:1903.07291).
    The energy is a scaled product of the features and the modality, ``E_i = (<W_q norm(x), k_i> + e_i) /
    sqrt(width)``, k_i and e_i linear in the modality's hidden state, which joins vector and map of
    content and of reference.

    At the start k, e, gamma and beta are 0: alpha is uniform over what is present, and y is norm(x).

    Args:
        channels: of the features.
        modalities: which of :data:`MODALITIES` it weighs.
        width: channels of each modality's hidden state.
        plain: the paper's own reading, for its preset: one energy for a whole image, from the vectors alone.
        per_image: normalise each image by itself (as Huang and Belongie) rather than over the batch (as
            Park).

    Raises:
        ConfigError: an unknown modality.
    """

    def __init__(
        self,
        channels: int,
        *,
        modalities: Sequence[str] = MODALITIES,
        width: int = 16,
        plain: bool = False,
        per_image: bool = False,
    ) -> None:
        super().__init__()
        for name in modalities:
            check_known("modality", name, MODALITIES)
        self.modalities, self.width, self.plain = tuple(modalities), width, plain
        self._at = tuple(MODALITIES.index(m) for m in modalities)
        self.norm = nn.InstanceNorm2d(channels) if per_image else nn.BatchNorm2d(channels, affine=False)
        # Content's and reference's side by side, and which of the two there is.
        self.from_vector = nn.ModuleList(nn.Linear(2 * VECTOR_SIZES[m] + 2, width) for m in modalities)
        self.energy = nn.ModuleList(_zeros(nn.Conv2d(width, 1 if plain else width + 1, 1)) for _ in modalities)
        # One convolution over all alpha_i h_i is the sum over i; the alphas themselves carry the biases.
        self.modulation = _zeros(nn.Conv2d(len(modalities) * (width + 1), 2 * channels, 1, bias=False))
        if not plain:
            self.from_map = nn.ModuleList(nn.Conv2d(2 * MAP_CHANNELS[m], width, 1, bias=False) for m in modalities)
            self.query = nn.Conv2d(channels, width, 1)

    def forward(
        self,
        x: Float[Tensor, "n c h w"],
        content: Modalities,
        reference: Modalities | None = None,
        *,
        temperature: float = 1.0,
        override: AttentionOverride | None = None,
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n m ..."]]:
        """Modulate features.

        Args:
            x: features of a decoder level.
            content: what the picture itself offers.
            reference: what a reference or style offers, its maps laid over the content's places
                (:func:`match_reference`).
            temperature: of equation (2).
            override: a change of attention that the caller asks for.

        Returns:
            The features, and alpha ``(N, M, h, w)`` float32, or ``(N, M, 1, 1)`` where plain. An image
            without any modality gets norm(x) and zeros.
        """
        if reference is None:
            reference = content.without(*MODALITIES)
        x = self.norm(x)
        hidden = [self._hidden(j, i, content, reference, x.shape[-2:]) for j, i in enumerate(self._at)]
        present = (content.present | reference.present)[:, self._at]
        energies = self._energies(x, hidden)
        if override is not None:
            energies, present = override.apply(energies / temperature, present, self.modalities)
            temperature = 1.0
        alpha = masked_softmax(energies, present, temperature)
        weights = alpha.to(hidden[0].dtype)
        steered = [weights[:, j : j + 1] * h for j, h in enumerate(hidden)]
        gamma, beta = self.modulation(torch.cat((*steered, weights), dim=1)).chunk(2, dim=1)
        return x * (1 + gamma) + beta, alpha

    def _hidden(self, j: int, i: int, content: Modalities, reference: Modalities, size: torch.Size) -> Tensor:
        """``(N, width, h, w)``, or ``(N, width, 1, 1)`` where plain: what modality i says."""
        there = torch.stack((content.present[:, i], reference.present[:, i]), dim=1)
        vector = torch.cat((content.vectors[i], reference.vectors[i], there.float()), dim=1)
        hidden = self.from_vector[j](vector)[:, :, None, None]
        if self.plain:
            return nnf.gelu(hidden)
        maps = self.from_map[j](torch.cat((content.maps[i], reference.maps[i]), dim=1))
        # Rectified at the map's own size, which is the smaller at the levels that cost most.
        return nnf.interpolate(nnf.gelu(hidden + maps), size=size, mode="bilinear")

    def _energies(self, x: Tensor, hidden: list[Tensor]) -> Tensor:
        """``(N, M, h, w)`` float32, or ``(N, M, 1, 1)`` where plain."""
        keys = [layer(h).float() for layer, h in zip(self.energy, hidden, strict=True)]
        if self.plain:
            return torch.cat(keys, dim=1)
        query = self.query(x).float()
        products = [(query * k[:, :-1]).sum(1, keepdim=True) + k[:, -1:] for k in keys]
        return torch.cat(products, dim=1) / math.sqrt(self.width)


def _zeros(layer: nn.Conv2d) -> nn.Conv2d:
    """Start a layer at 0, so that training starts from no effect."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


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
    """Carry a reference's maps to the content's places: each place takes what similar places of the
    reference have.

    Similar by cosine, as a softmax over the reference's places; the idea is M. He et al.'s (SIGGRAPH 2018,
    arXiv:1807.06587). Vectors and presence stay.

    Args:
        reference: of any size.
        content: its maps give the places. Where it knows no L, every place takes the reference's average.
        alike: unit vectors ``(N, 1, places, channels)`` of the content's and the reference's places that say what
            is similar; by default their texture and shape (:func:`likeness`).
        known: the reference's cells that have something to give; all, if not given. The softmax is over
            these alone. Where an image has none, its maps are 0. What is usual in the reference, against
            which likeness is measured, is still that of all its cells.
        sharpness: of the softmax; 0 averages.
        nearness: how much less far places count, where reference and content are one picture: taken off the
            exponent for the longer side's length, growing with the distance's square.
        least: a likeness that competes with the places', and gives 0: what is unlike all of them takes little.

    Returns:
        The reference, its maps of the content's size.
    """
    if alike is None:
        of = (torch.cat([m.maps[MODALITIES.index(n)] for n in ("texture", "shape")], 1) for m in (content, reference))
        query, key = map(likeness, of)
    else:
        query, key = alike
    size = content.maps[0].shape[-2:]
    values, giving = torch.cat(reference.maps, dim=1).flatten(2).mT[:, None], None
    if known is not None:
        cells = known.flatten(2)[:, :, None]  # (N, 1, 1, places)
        # Where nothing is known all may give, and what they give is 0: a softmax over nothing is no number.
        values, giving = values * cells.mT, cells | ~cells.any(-1, keepdim=True)
    if nearness:
        far = -nearness * _squared_distances(size, values)
        giving = far if giving is None else far.masked_fill(~giving, -torch.inf)
    if least is not None:
        # One more place, at no angle to any: its exponent is the mask's alone.
        key, values = (nnf.pad(t, (0, 0, 0, 1)) for t in (key, values))
        giving = query.new_zeros(1, 1, 1, key.shape[2] - 1) if giving is None else giving
        if giving.dtype == torch.bool:
            giving = torch.zeros_like(giving, dtype=query.dtype).masked_fill(~giving, -torch.inf)
        giving = nnf.pad(giving, (0, 1), value=least * sharpness)
    carried = nnf.scaled_dot_product_attention(query, key, values, attn_mask=giving, scale=sharpness)
    planes = carried[:, 0].mT.unflatten(2, tuple(size)).split([m.shape[1] for m in reference.maps], dim=1)
    return Modalities(reference.vectors, tuple(planes), reference.present)


def _squared_distances(size: torch.Size, like: Tensor) -> Tensor:
    """``(1, 1, places, places)``, in units of the longer side."""
    longer = torch.sym_max(*size)  # max() would fix in an export which side that is
    axes = [torch.arange(side, device=like.device, dtype=like.dtype) / longer for side in size]
    places = torch.cartesian_prod(*axes)
    return (places[:, None] - places).square().sum(-1)[None, None]


def likeness(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 _ c"]:
    """Unit vectors of places, whose products say how similar two places are.

    Each channel counts against its own picture's usual value and spread, so that brightness or contrast alone makes no
    likeness.

    Args:
        planes: any description of places.
    """
    planes = planes.float().flatten(2)
    centred = planes - planes.mean(2, keepdim=True)
    scaled = centred / (centred.square().mean(2, keepdim=True) + 1e-6).sqrt()
    return nnf.normalize(scaled, dim=1).mT[:, None]


def attention_entropy(alpha: Float[Tensor, "n m *places"]) -> Float[Tensor, " n"]:
    """How undecided attention is, ``-sum_i alpha_i log alpha_i``, averaged over an image's places.

    Returns:
        In nats: 0 where one modality has all the weight, log(k) where k share it evenly.
    """
    return torch.special.entr(alpha).sum(1).flatten(1).mean(1) if alpha.ndim > 2 else torch.special.entr(alpha).sum(1)


def attention_spread(alpha: Float[Tensor, "n m *places"]) -> Float[Tensor, " m"]:
    """How much attention depends on the image: each weight's standard deviation over images, of their means.

    Compare images that have the same modalities; presence itself would spread the weights.

    Returns:
        In [0, 0.5]; 0 where every image gets the same weights (a constant in attention's clothes).
    """
    return (alpha.flatten(2).mean(2) if alpha.ndim > 2 else alpha).std(0, correction=0)
