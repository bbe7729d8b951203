"""Each player's turn in a step: what it looks at, and what it descends on."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.augmentation import differentiable_augmentation
from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.distributed import World
from colorstyle_lib.objectives import get_objective, zero_centered_penalty
from colorstyle_lib.players import Players
from colorstyle_lib.tasks import Examples
from colorstyle_lib.terms import answer, supervised_terms

_PENALTY_UNIT = 100.0  # a penalty's gamma is meant for pictures whose values span about 1


@dataclass(frozen=True)
class Rules:
    """What a step needs beside the players and the pictures."""

    config: TrainingConfig
    world: World
    balance: Float[Tensor, " q"] | None = None
    network: nn.Module | None = None

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """Bfloat16 where it is faster: it has float32's range, so no loss needs scaling."""
        if not self.config.half_precision:
            return contextlib.nullcontext()
        return torch.autocast(self.world.device.type, torch.bfloat16)

    def shown(self, lab: Float[Tensor, "n 3 h w"], chances: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 h w"]:
        """What the discriminator sees of pictures."""
        return differentiable_augmentation(lab, chances) if self.config.augment else lab


def discriminator_step(players: Players, parts: list[Examples], rules: Rules) -> dict[str, Tensor]:
    """Descend once on the discriminator's loss; the generator only supplies pictures.

    Returns:
        The loss, how often a real picture was thought more real than the generated one beside it, and what weight each
        modality's evidence had on real pictures.
    """
    config, objective = rules.config, get_objective(rules.config.objective)
    players.discriminator_optimizer.zero_grad(set_to_none=True)
    sums: Counter[str] = Counter()
    for part in parts:
        with torch.no_grad(), rules.precision():
            generated = answer(players.generator, part, rules.balance, config, whole=True).lab
        # The factor makes slopes, and with them gamma, those of pictures with values of about 1.
        real = (rules.shown(part.lab, part.chances[:, 1]) / _PENALTY_UNIT).requires_grad_(config.penalty > 0)
        with rules.precision() if not config.penalty else contextlib.nullcontext():
            real_logits, alphas = players.discriminator.weigh(real * _PENALTY_UNIT)
            fake_logits = players.discriminator(rules.shown(generated, part.chances[:, 0]))
        loss = objective.discriminator_loss(real_logits, fake_logits)
        if config.penalty:
            loss = loss + zero_centered_penalty(real_logits, real, gamma=config.penalty)
        (loss / len(parts)).backward()
        sums["discriminator"] += loss.detach() / len(parts)
        for level, alpha in alphas.items():
            means = alpha.detach().mean((0, 2, 3)).unbind()
            for name, weight in zip(players.discriminator.config.modalities, means, strict=True):
                sums[f"weight_in_d/{level}/{name}"] += weight / len(parts)
        sums["told_apart"] += (real_logits.mean(1) > fake_logits.mean(1)).float().mean() / len(parts)
    rules.world.average_gradients(players.discriminator.parameters())
    players.discriminator_optimizer.step()
    return dict(sums)


def generator_step(players: Players, parts: list[Examples], rules: Rules, *, adversarial: bool) -> dict[str, Tensor]:
    """Descend once on the generator's loss: the terms that compare with the truth, and the discriminator's verdict.

    Returns:
        The loss and its terms.
    """
    config = rules.config
    players.generator_optimizer.zero_grad(set_to_none=True)
    sums: Counter[str] = Counter()
    for part in parts:
        whole = adversarial or rules.network is not None
        with rules.precision():
            answered = answer(players.generator, part, rules.balance, config, whole=whole)
            terms = supervised_terms(players.generator, part, answered, config, rules.balance, rules.network)
            if adversarial:
                terms["adversarial"] = config.adversarial_weight * _verdict(players, part, answered.lab, rules)
        loss = torch.stack(tuple(terms.values())).sum()
        (loss / len(parts)).backward()
        for name, term in {"loss": loss, **terms}.items():
            sums[name] += term.detach() / len(parts)
    rules.world.average_gradients(players.generator.parameters())
    nn.utils.clip_grad_norm_(players.generator.parameters(), 1.0)
    players.generator_optimizer.step()
    return dict(sums)


def _verdict(players: Players, part: Examples, generated: Float[Tensor, "n 3 h w"], rules: Rules) -> Tensor:
    """The generator's half of the objective."""
    objective = get_objective(rules.config.objective)
    players.discriminator.requires_grad_(False)  # it is judging now, not learning
    fake_logits = players.discriminator(rules.shown(generated, part.chances[:, 0]))
    real_logits = None
    if objective.paired:
        with torch.no_grad():
            real_logits = players.discriminator(rules.shown(part.lab, part.chances[:, 1]))
    players.discriminator.requires_grad_(True)
    return objective.generator_loss(fake_logits, real_logits)
