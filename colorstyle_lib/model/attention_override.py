"""Overrides of attention by a caller: its weights fixed, removed, permuted or equalised.

The changes are made to energies and presence, before the paper's equation (2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from colorstyle_lib.errors import ConfigError, check_known
from colorstyle_lib.model.modalities import MODALITIES


@dataclass(frozen=True)
class AttentionOverride:
    """A change of energies and presence before equation (2), which then holds as ever: sums stay 1, absent stays 0.

    What is given applies in the order below. Where nothing is left in an image, its weights are all 0 and a
    :class:`.MultiModalAttention` neither scales nor shifts.

    Attributes:
        remove: modalities treated as absent, as if the picture did not have them.
        permute: for each modality of :data:`MODALITIES` the one whose energy it takes; one whose partner is absent
            keeps its own. Where both are present their weights are swapped.
        equalise: the same weight for all that are present.
        fix: a weight for each modality, in any unit, shared out over those present; one not named gets 0. It takes the
            place of whatever energies there were. Such as ``{"texture": 1.0, "shape": 0.0}``.

    Raises:
        ConfigError: an unknown modality (the message names the nearest), a permutation that is none, a weight that is
            negative or no number, or none above 0.
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
        for name, weight in (self.fix or {}).items():
            number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
            if not number or not math.isfinite(weight) or weight < 0:
                raise ConfigError(f"the attention weight of {name!r} is a number from 0 up, not {weight!r}")
        if self.fix is not None and not any(self.fix.values()):
            raise ConfigError("at least one attention weight must be above 0; to switch modalities off, use remove")

    def apply(
        self,
        energies: Float[Tensor, "n m *places"],
        present: Bool[Tensor, "n m"],
        modalities: Sequence[str] = MODALITIES,
    ) -> tuple[Float[Tensor, "n m *places"], Bool[Tensor, "n m"]]:
        """Change energies, for a temperature of 1, and presence of these modalities to what equation (2) shall see."""
        places = [1] * (energies.ndim - 2)
        present = present & torch.tensor([m not in self.remove for m in modalities], device=present.device)
        if self.permute:
            partners = [self.permute.get(m, m) for m in modalities]
            order = [modalities.index(p) if p in modalities else i for i, p in enumerate(partners)]
            energies = torch.where(present[:, order].view(*present.shape, *places), energies[:, order], energies)
        if self.equalise:
            energies = torch.zeros_like(energies)
        if self.fix is not None:
            weights = [float(self.fix.get(m, 0.0)) for m in modalities]
            present = present & torch.tensor([w > 0 for w in weights], device=present.device)
            # exp of the logarithm: equation (2) then gives the weights back, shared out over what is present.
            logs = torch.tensor([math.log(w) if w > 0 else 0.0 for w in weights], device=energies.device)
            energies = torch.zeros_like(energies) + logs.view(1, -1, *places)
        return energies, present
