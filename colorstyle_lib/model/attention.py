"""Multi-modal attention, the paper's equation (2): how much each modality counts, and what that changes.

The paper prints the softmax and leaves the energies open (sections 3(3) and 4(2)). Here an energy comes from the
features at a place and from the modality; the weights steer how strongly each modality scales and shifts the features.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model.modalities import MAP_CHANNELS, MODALITIES, VECTOR_SIZES, Modalities

Features = Float[Tensor, "n c h w"]
Weights = Float[Tensor, "n m *places"]  # or energies: of m modalities, in each image and place
Present = Bool[Tensor, "n m"]
Names = Sequence[str]  # of modalities


@dataclass(frozen=True)
class AttentionOverride:
    """A change of energies and presence before equation (2), which then holds as ever: sums stay 1, absent stays 0.

    What is given applies in the order below. Where nothing is left in an image, its weights are all 0 and a
    :class:`.MultiModalAttention` neither scales nor shifts. ConfigError: an unknown modality (the message names the
    nearest), a permutation that is none, a weight that is negative or no number, or none above 0.
    """

    remove: tuple[str, ...] = ()  # modalities treated as absent, as if the picture did not have them
    # for each modality the one whose energy it takes; one whose partner is absent keeps its own
    permute: Mapping[str, str] | None = None
    equalise: bool = False  # the same weight for all that are present
    # such as {"texture": 1.0, "shape": 0.0}: weights in the place of energies, shared over those present; others get 0
    fix: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        swapped = self.permute or {}
        for name in (*self.remove, *swapped, *swapped.values(), *(self.fix or {})):
            check_known("modality", name, MODALITIES)
        if set(swapped) != set(swapped.values()):
            raise ConfigError("permute gives each modality's energy to exactly one, such as color and shape swapped")
        for name, weight in (self.fix or {}).items():
            number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
            if not number or not math.isfinite(weight) or weight < 0:
                raise ConfigError(f"the attention weight of {name!r} is a number from 0 up, not {weight!r}")
        if self.fix is not None and not any(self.fix.values()):
            raise ConfigError("at least one attention weight must be above 0; to switch modalities off, use remove")

    def apply(self, energies: Weights, present: Present, names: Names = MODALITIES) -> tuple[Weights, Present]:
        """Change energies and presence of these modalities to what equation (2) shall see."""
        places = [1] * (energies.ndim - 2)
        present = present & torch.tensor([m not in self.remove for m in names], device=present.device)
        if self.permute:
            partners = [self.permute.get(m, m) for m in names]
            order = [names.index(p) if p in names else i for i, p in enumerate(partners)]
            energies = torch.where(present[:, order].view(*present.shape, *places), energies[:, order], energies)
        if self.equalise:
            energies = torch.zeros_like(energies)
        if self.fix is not None:
            weights = [float(self.fix.get(m, 0.0)) for m in names]
            present = present & torch.tensor([w > 0 for w in weights], device=present.device)
            # exp of the logarithm: equation (2) then gives the weights back, shared out over what is present.
            logs = torch.tensor([math.log(w) if w > 0 else 0.0 for w in weights], device=energies.device)
            energies = torch.zeros_like(energies) + logs.view(1, -1, *places)
        return energies, present


Override = AttentionOverride | None


def multimodal_attention(
    energies: Weights,
    present: Present,
    *,
    override: Override = None,
    modalities: Names = MODALITIES,
    checked: bool = True,
) -> Weights:
    """Attention weight of each modality at each place: the paper's equation (2).

    ``alpha_i = exp(E_i) / sum_j exp(E_j)``, the sum over the modalities that are present.

    >>> multimodal_attention(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[True, True, False]]))
    tensor([[0.7311, 0.2689, 0.0000]])

    Energies are any finite numbers, no unit; ``present`` is whether an image has the modality at all (a grayscale photo
    has no color). An ``override`` changes both before, for these ``modalities``. An image without any modality is a
    ConfigError where that is ``checked``, which waits for a GPU to answer; else it gets zeros, as a network wants it.

    Returns weights in [0, 1], float32, that sum to 1 over ``m``; 0, as is their gradient, where one is absent.
    """
    if override is not None:
        energies, present = override.apply(energies, present, modalities)
    if checked and not bool(present.any(dim=1).all()):
        raise ConfigError("attention needs at least one modality in every image; give a reference, or color or L")
    flags = present.view(*present.shape, *[1] * (energies.ndim - 2))
    scaled = torch.where(flags, energies.float(), -torch.inf)
    # Subtracting the largest changes nothing in exact numbers and keeps exp from overflowing.
    peak = scaled.amax(dim=1, keepdim=True).detach().clamp_min(torch.finfo(torch.float32).min)
    weights = torch.where(flags, (scaled - peak).exp(), 0.0)
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)


class MultiModalAttention(nn.Module):
    """Modulation of one decoder level by what the modalities say, each as strongly as attention lets it.

    ``y = norm(x) (1 + sum_i alpha_i gamma_i) + sum_i alpha_i beta_i``, alpha from equation (2) at each place. Scaling
    and shifting normalised features by a style's statistics is X. Huang and S. Belongie's (ICCV 2017,
    arXiv:1703.06868), doing so place by place T. Park et al.'s (CVPR 2019, arXiv:1903.07291). The energy is a scaled
    product of the features and the modality, ``E_i = (<W_q norm(x), k_i> + e_i) / sqrt(width)``, k_i and e_i linear in
    the modality's hidden state, which joins vector and map of content and of reference.

    At the start k, e, gamma and beta are 0: alpha is uniform over what is present, and y is norm(x).

    ``channels`` are the features', ``width`` each hidden state's; ``modalities`` of :data:`.MODALITIES` are weighed, a
    ConfigError for an unknown one. ``plain``, as the paper prints it: one energy a whole image, from vectors alone.
    """

    def __init__(self, channels: int, *, modalities: Names = MODALITIES, width: int = 16, plain: bool = False) -> None:
        super().__init__()
        for name in modalities:
            check_known("modality", name, MODALITIES)
        self.modalities, self.plain = tuple(modalities), plain
        self._at = tuple(MODALITIES.index(m) for m in modalities)
        self.norm = nn.BatchNorm2d(channels, affine=False)
        # Content's and reference's side by side, and which of the two there is.
        self.from_vector = nn.ModuleList(nn.Linear(2 * VECTOR_SIZES[m] + 2, width) for m in modalities)
        self.energy = nn.ModuleList(zero_init(nn.Conv2d(width, 1 if plain else width + 1, 1)) for _ in modalities)
        # One convolution over all alpha_i h_i is the sum over i; the alphas themselves carry the biases.
        self.modulation = zero_init(nn.Conv2d(len(modalities) * (width + 1), 2 * channels, 1, bias=False))
        if not plain:
            self.from_map = nn.ModuleList(nn.Conv2d(2 * MAP_CHANNELS[m], width, 1, bias=False) for m in modalities)
            self.query = nn.Conv2d(channels, width, 1)

    def forward(
        self, x: Features, content: Modalities, reference: Modalities | None = None, *, override: Override = None
    ) -> tuple[Features, Float[Tensor, "n m ..."]]:
        """Modulate by what the picture itself offers, and a reference laid at its places by :func:`.match_reference`.

        Returns features, and float32 alpha ``(N, M, h, w)``, or ``(N, M, 1, 1)`` where plain; without any modality
        these are norm(x) and zeros.
        """
        if reference is None:
            reference = content.without(*MODALITIES)
        x = self.norm(x)
        hidden = [self._hidden(j, i, content, reference, x.shape[-2:]) for j, i in enumerate(self._at)]
        keys = [layer(h).float() for layer, h in zip(self.energy, hidden, strict=True)]
        energies = torch.cat(keys, dim=1) if self.plain else product_energies(self.query(x).float(), keys)
        present = (content.present | reference.present)[:, self._at]
        alpha = multimodal_attention(energies, present, override=override, modalities=self.modalities, checked=False)
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


def product_energies(query: Float[Tensor, "n k h w"], keys: Sequence[Tensor]) -> Float[Tensor, "n m h w"]:
    """Energies ``E_i = (<q, k_i> + e_i) / sqrt(k)`` of each modality at each place; e_i is a key's last channel."""
    products = [(query * key[:, :-1]).sum(1, keepdim=True) + key[:, -1:] for key in keys]
    return torch.cat(products, dim=1) / math.sqrt(query.shape[1])


def zero_init(layer: nn.Module) -> nn.Module:
    """Set a layer's weights to 0, so that training starts from no effect."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer


def attention_spread(alpha: Weights) -> Float[Tensor, " m"]:
    """Dependence of attention on the image: each weight's standard deviation over images, of their means; [0, 0.5].

    0 where every image gets the same weights. Compare images that have the same modalities.
    """
    return alpha.reshape(*alpha.shape[:2], -1).mean(2).std(0, correction=0)
