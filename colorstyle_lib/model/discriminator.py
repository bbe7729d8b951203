"""The discriminator: a color picture goes in, evidence of its realness comes out (the paper's section 3(2)).

Multi-modal attention (section 3(3), equation (2)) weighs what color, texture and shape each have to say. The paper
prints the weights only; that they weigh evidence, and how the energies come about, is this companion's reading.
"""

from itertools import pairwise

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from colorstyle_lib.config import ATTENTIONS, DiscriminatorConfig
from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model.attention import Override, multimodal_attention, zero_init
from colorstyle_lib.model.modalities import (
    MAP_CHANNELS,
    MODALITIES,
    REDUCTION,
    VECTOR_SIZES,
    Modalities,
    ModalityEncoder,
)

_SLOPE = 0.2  # of the leaky rectifier, which lets a discriminator's gradient through on both sides
_HIDDEN = 32  # channels in which features and a modality meet
_HALVINGS_TO_MAPS = REDUCTION.bit_length() - 1


class WeighedEvidence(nn.Module):
    """Evidence of one level: what each modality says for or against realness, weighed by attention.

    ``logit = sum_i alpha_i s_i`` at each place, alpha from equation (2). Score and energy are both linear in
    ``h_i = leaky_relu(W x + U_i map_i + V_i vector_i)``, which joins the features x with what modality i measured; an
    energy of this form is D. Bahdanau et al.'s additive attention (ICLR 2015, arXiv:1409.0473).

    At the start all energies are 0: alpha is uniform over what is present. Energies, which may have to tell modalities
    apart sharply, get no spectral norm. Maps of ``channels`` are ``2 ** halvings``, at least 8, times smaller.
    """

    def __init__(self, channels: int, halvings: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.modalities, self.plain = config.modalities, config.attention == "plain"
        self.cell = 2 ** (halvings - _HALVINGS_TO_MAPS)
        self._at = tuple(MODALITIES.index(m) for m in self.modalities)
        norm = spectral_norm if config.spectral_norm else nn.Identity()  # the layer itself
        self.from_features = norm(nn.Conv2d(channels, _HIDDEN, 1, bias=False))
        channels_in = (MAP_CHANNELS[m] for m in self.modalities)
        self.from_map = nn.ModuleList(norm(nn.Conv2d(count, _HIDDEN, 1, bias=False)) for count in channels_in)
        self.from_vector = nn.ModuleList(norm(nn.Linear(VECTOR_SIZES[m], _HIDDEN)) for m in self.modalities)
        self.score = nn.ModuleList(norm(nn.Conv2d(_HIDDEN, 1, 1)) for _ in self.modalities)
        self.energy = nn.ModuleList(zero_init(nn.Conv2d(_HIDDEN, 1, 1)) for _ in self.modalities)

    def forward(
        self, x: Float[Tensor, "n c h w"], described: Modalities, override: Override = None
    ) -> tuple[Float[Tensor, "n 1 h w"], Float[Tensor, "n m _ _"]]:
        """Judge places by features and :func:`.describe`: float32 logits and alpha, ``(N, M, 1, 1)`` where plain."""
        features = self.from_features(x)
        scores, energies = [], []
        for j, i in enumerate(self._at):
            whole = self.from_vector[j](described.vectors[i])[:, :, None, None]
            # Rounded down at odd sizes, as the features are.
            places = self.from_map[j](nnf.avg_pool2d(described.maps[i], self.cell))
            hidden = nnf.leaky_relu(features + places + whole, _SLOPE)
            scores.append(self.score[j](hidden))
            energies.append(self.energy[j](nnf.leaky_relu(whole, _SLOPE) if self.plain else hidden))
        # A flat crop has no modality at all and must not end a training: it gets zeros, and nobody waits to look.
        energy, present = torch.cat(energies, dim=1).float(), described.present[:, self._at]
        alpha = multimodal_attention(energy, present, override=override, modalities=self.modalities, checked=False)
        return (alpha * torch.cat(scores, dim=1).float()).sum(1, keepdim=True), alpha


class Discriminator(nn.Module):
    """Convolutions that halve the size level by level; the coarsest levels give weighed evidence.

    It normalises nothing over a batch or a picture: a gradient penalty needs each picture judged by itself, and a
    picture's overall tint is evidence. Gradients are per Lab unit, so such a penalty wants a far larger gamma than on
    pictures in [-1, 1]. ConfigError: an unknown attention or modality, none, or a level finer than modalities' maps.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        check_known("attention", config.attention, ATTENTIONS)
        for name in config.modalities:
            check_known("modality", name, MODALITIES)
        if config.attention != "none" and not config.modalities:
            raise ConfigError("attention needs modalities to weigh; name some, or set attention to 'none'")
        finest = config.depth - config.scales + 1
        if config.scales < 1 or finest < _HALVINGS_TO_MAPS:
            allowed = f"depth {config.depth} allows 1 to {config.depth - _HALVINGS_TO_MAPS + 1} scales"
            raise ConfigError(f"evidence starts {_HALVINGS_TO_MAPS} halvings down: {allowed}, not {config.scales}")
        norm = spectral_norm if config.spectral_norm else nn.Identity()  # the layer itself
        widths = [3, *(min(config.width * 2**i, config.max_width) for i in range(config.depth))]
        self.levels = nn.ModuleList()
        size, stride = (3, 1) if config.pooling else (4, 2)
        for inputs, outputs in pairwise(widths):
            convolution = nn.Conv2d(inputs, outputs, size, stride, padding=1)
            # The variance of what passes stays the same, so that a network without any norm learns from the first step.
            nn.init.kaiming_normal_(convolution.weight, a=_SLOPE)
            nn.init.zeros_(convolution.bias)
            self.levels.append(norm(convolution))
        judging = {}
        for i in range(finest, config.depth + 1):
            plain = config.attention == "none"
            judging[str(2**i)] = norm(nn.Conv2d(widths[i], 1, 1)) if plain else WeighedEvidence(widths[i], i, config)
        self.evidence = nn.ModuleDict(judging)
        self.describe = ModalityEncoder()
        # Lab to about unit size; L around its middle.
        self.register_buffer("center", torch.tensor([50.0, 0.0, 0.0]).view(3, 1, 1), persistent=False)
        self.register_buffer("unit", torch.tensor([25.0, 20.0, 20.0]).view(3, 1, 1), persistent=False)

    def forward(self, lab: Float[Tensor, "n 3 h w"], *, override: Override = None) -> Float[Tensor, "n p"]:
        """Judge pictures; see :meth:`weigh`."""
        return self.weigh(lab, override=override)[0]

    def weigh(
        self, lab: Float[Tensor, "n 3 h w"], *, described: Modalities | None = None, override: Override = None
    ) -> tuple[Float[Tensor, "n p"], dict[str, Float[Tensor, "n m _ _"]]]:
        """Judge pictures, and say what the judgement rests on.

        L is in [0, 100], a and b in about [-110, 110], sides are multiples of 8 and at least ``2 ** depth``.
        ``described`` is what :attr:`describe` says of the same pictures, where that is known already.

        Returns logits, float32, above 0 for real: P places of all scales, the finest first, row by row; or one for each
        picture where the configuration has no patches. 0, undecided, where attention has no modality to weigh (a flat
        gray). And alpha, float32, by how often smaller than the picture the level is: ``(N, M, h, w)``, or
        ``(N, M, 1, 1)`` where plain; empty without attention. ConfigError: a side or an override that does not fit.
        """
        size, least = tuple(lab.shape[-2:]), 2**self.config.depth
        if size[0] % REDUCTION or size[1] % REDUCTION or min(size) < least:
            wanted = f"multiples of {REDUCTION} and at least {least}"
            raise ConfigError(f"the discriminator wants sides that are {wanted}, not {size}")
        if self.config.attention == "none":
            if override is not None:
                raise ConfigError("this discriminator has no attention to override")
        elif described is None:
            described = self.describe(lab)
        x = (lab - self.center) / self.unit
        logits, alphas = [], {}
        for halvings, level in enumerate(self.levels, start=1):
            x = nnf.leaky_relu(level(x), _SLOPE)
            if self.config.pooling:
                x = nnf.max_pool2d(x, 2)
            scale = str(2**halvings)
            if scale not in self.evidence:
                continue
            if self.config.attention == "none":
                logit = self.evidence[scale](x).float()
            else:
                logit, alphas[scale] = self.evidence[scale](x, described, override)
            logits.append(logit.flatten(1) if self.config.patches else logit.mean((2, 3)))
        every = torch.cat(logits, dim=1)
        return (every if self.config.patches else every.mean(1, keepdim=True)), alphas
