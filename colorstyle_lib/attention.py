"""Multi-modal attention, the paper's equation (2): how much each modality counts, and what that changes.

The paper prints the softmax and leaves the energies open (sections 3(3) and 4(2)). Here an energy comes
from the features at a place and from what the modality says about content and reference; the weights then
steer how strongly each modality scales and shifts the features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.modalities import MAP_CHANNELS, MODALITIES, VECTOR_SIZES, Modalities


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
        looked for
            within ``torch.compile`` or an export; such an image gets zeros there.
    """
    if not torch.compiler.is_compiling() and not bool(present.any(dim=1).all()):
        raise ConfigError("attention needs at least one modality in every image; give a reference, or color or L")
    return _softmax_of_present(energies, present, temperature)


def _softmax_of_present(energies: Tensor, present: Tensor, temperature: float) -> Tensor:
    """Equation (2); zeros for an image without any modality."""
    if not (math.isfinite(temperature) and temperature > 0):
        raise ConfigError(f"an attention temperature is a positive number, not {temperature}")
    flags = present.view(*present.shape, *[1] * (energies.ndim - 2))
    scaled = torch.where(flags, energies.float() / temperature, -torch.inf)
    # Subtracting the largest changes nothing in exact numbers and keeps exp from overflowing.
    peak = scaled.amax(dim=1, keepdim=True).detach().clamp_min(torch.finfo(torch.float32).min)
    weights = torch.where(flags, (scaled - peak).exp(), 0.0)
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)


@dataclass(frozen=True)
class AttentionOverride:
    """A change of energies and presence before equation (2), which then holds as ever: sums stay 1, absent
    stays 0.

    What is given applies in the order below. Where nothing is left in an image, its weights are all 0 and a
    :class:`MultiModalAttention` neither scales nor shifts.

    Attributes:
        remove: modalities treated as absent, as if the picture did not have them.
        permute: for each modality of :data:`MODALITIES` the one whose energy it takes; one whose partner is
            absent keeps its own. Where both are present their weights are swapped.
        equalise: the same weight for all that are present.
        fix: a weight for each modality, in any unit, shared out over those present; one not named gets 0.
            It takes the place of whatever energies there were.
    """

    remove: tuple[str, ...] = ()
    permute: Mapping[str, str] | None = None
    equalise: bool = False
    fix: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        swapped = self.permute or {}
        for name in (*self.remove, *swapped, *swapped.values(), *(self.fix or {})):
            check_known("modality", name, MODALITIES)
        if set(swapped) != set(swapped.values()):
            raise ConfigError(
                "permute must give each modality's energy to exactly one, such as color and shape swapped"
            )
        if self.fix is not None:
            _check_weights(self.fix)

    def apply(
        self,
        energies: Float[Tensor, "n m *places"],
        present: Bool[Tensor, "n m"],
        modalities: Sequence[str] = MODALITIES,
    ) -> tuple[Float[Tensor, "n m *places"], Bool[Tensor, "n m"]]:
        """Change energies and presence as said above.

        Args:
            energies: for a temperature of 1.
            present: what the images have.
            modalities: the names along ``m``.

        Returns:
            What equation (2) shall see.
        """
        kept = torch.tensor([m not in self.remove for m in modalities], device=present.device)
        present = present & kept
        if self.permute:
            order = [_index(modalities, self.permute.get(m, m), i) for i, m in enumerate(modalities)]
            partner = present[:, order].view(*present.shape, *[1] * (energies.ndim - 2))
            energies = torch.where(partner, energies[:, order], energies)
        if self.equalise:
            energies = torch.zeros_like(energies)
        if self.fix is not None:
            weights = [float(self.fix.get(m, 0.0)) for m in modalities]
            present = present & torch.tensor([w > 0 for w in weights], device=present.device)
            # exp of the logarithm: equation (2) then gives the weights back, shared out over what is present.
            logs = torch.tensor([math.log(w) if w > 0 else 0.0 for w in weights], device=energies.device)
            energies = torch.zeros_like(energies) + logs.view(1, -1, *[1] * (energies.ndim - 2))
        return energies, present


def _index(modalities: Sequence[str], name: str, otherwise: int) -> int:
    return list(modalities).index(name) if name in modalities else otherwise


def _check_weights(weights: Mapping[str, float]) -> None:
    for name, weight in weights.items():
        number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight < 0:
            raise ConfigError(f"the attention weight of {name!r} is a number from 0 up, not {weight!r}")
    if not any(weights.values()):
        raise ConfigError("at least one attention weight must be above 0; to switch modalities off, use remove")


def parse_override(weights: Mapping[str, float]) -> AttentionOverride:
    """Read what a user writes, such as ``{"texture": 1.0, "shape": 0.0}``: fixed weights; one not named
    gets 0.

    Raises:
        ConfigError: an unknown modality (the message names the nearest), a weight that is negative or no
        number, or
            none above 0.
    """
    return AttentionOverride(fix=dict(weights))


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
                (:func:`lay_over`).
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
        alpha = _softmax_of_present(energies, present, temperature)
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


def lay_over(reference: Modalities, content: Modalities, *, sharpness: float = 10.0) -> Modalities:
    """Carry a reference's maps to the content's places: each place takes what similar places of the
    reference have.

    Similar in texture and shape, by cosine, as a softmax over the reference's places; the idea is M. He et
    al.'s (SIGGRAPH 2018, arXiv:1807.06587), here on fixed descriptions. Vectors and presence stay.

    Args:
        reference: of any size.
        content: its maps give the places. Where it knows no L, every place takes the reference's average.
        sharpness: of the softmax; 0 averages.

    Returns:
        The reference, its maps of the content's size.
    """
    # Each channel against its own picture's usual value, so that brightness or contrast alone makes no
    # likeness.
    query, key = (_likeness(m) for m in (content, reference))
    size = content.maps[0].shape[-2:]
    values = torch.cat(reference.maps, dim=1).flatten(2).mT[:, None]
    carried = nnf.scaled_dot_product_attention(query, key, values, scale=sharpness)
    planes = carried[:, 0].mT.unflatten(2, tuple(size)).split([m.shape[1] for m in reference.maps], dim=1)
    return Modalities(reference.vectors, tuple(planes), reference.present)


def _likeness(modalities: Modalities) -> Tensor:
    """``(N, 1, places, channels)``: unit vectors of texture and shape."""
    planes = torch.cat([modalities.maps[MODALITIES.index(m)] for m in ("texture", "shape")], dim=1).flatten(2)
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
