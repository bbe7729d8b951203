"""Each player's turn in a step: what it looks at, and what it descends on."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.losses.adversarial import get_objective, zero_centered_penalty
from colorstyle_lib.model.discriminator import Discriminator
from colorstyle_lib.model.generator import Generator
from colorstyle_lib.model.modalities import Modalities
from colorstyle_lib.training.augment import differentiable_augmentation
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.generator_pass import Answer, answer, supervised_terms
from colorstyle_lib.training.state import TrainState
from colorstyle_lib.training.tasks import TaskBatch

_PENALTY_UNIT = 100.0  # a penalty's gamma is meant for pictures whose values span about 1


class Evidence(NamedTuple):
    """Pictures as a discriminator is shown them, and their color, texture and shape where it weighs these."""

    lab: Tensor
    described: Modalities | None

    def detach(self) -> Evidence:
        """The same, without a gradient."""
        return Evidence(self.lab.detach(), self.described.detach() if self.described is not None else None)


class Made(NamedTuple):
    """The generator's answer to a part of a step, with its gradient, and those of its pictures that are judged."""

    answered: Answer
    evidence: Evidence


@dataclass(frozen=True)
class StepContext:
    """What a step needs beside the players and the pictures."""

    config: TrainingConfig
    world: ProcessGroup
    balance: Float[Tensor, " q"] | None = None
    network: nn.Module | None = None

    @property
    def judged(self) -> slice:
        """The rows of each part that are judged: as many on every process, so that their mean is that of the step."""
        return slice(None, None, self.config.judge_every)

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """Bfloat16 where it is faster: it has float32's range, so no loss needs scaling."""
        if not self.config.half_precision:
            return contextlib.nullcontext()
        return torch.autocast(self.world.device.type, torch.bfloat16)

    def evidence(
        self, discriminator: Discriminator, lab: Float[Tensor, "n 3 h w"], chances: Float[Tensor, "n 4"]
    ) -> Evidence:
        """Pictures as a discriminator is shown them, and what it measures on them."""
        shown = self.shown(lab, chances)
        return Evidence(shown, discriminator.describe(shown) if discriminator.config.attention != "none" else None)

    def shown(self, lab: Float[Tensor, "n 3 h w"], chances: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 h w"]:
        """What the discriminator sees of pictures."""
        return differentiable_augmentation(lab, chances) if self.config.augment else lab

    def real(self, part: TaskBatch) -> Float[Tensor, "n 3 h w"]:
        """The real pictures that the discriminator judges, as it sees them."""
        return self.shown(part.real[self.judged], part.chances[self.judged, 1])


def train_step(players: TrainState, parts: list[TaskBatch], rules: StepContext, stage: str) -> dict[str, Tensor]:
    """One step: the discriminator's turn, then the generator's, by what the discriminator thinks now.

    The generator works once for both: the discriminator learns from the pictures, and the generator from its verdict on
    the same pictures a moment later. (The other way round the pictures would be those of before the generator's turn,
    and the players would move at once, which goes out where moving in turn goes round.)

    Args:
        players: both.
        parts: the step's pictures, to be worked off one part after the other.
        rules: what else a step needs.
        stage: ``supervised`` (the generator alone), ``catch_up`` (the discriminator alone) or ``joint``.

    Returns:
        What :func:`discriminator_step` and :func:`generator_step` say.
    """
    said, made = {}, None
    if stage == "joint" and len(parts) == 1:  # of several parts, all gradients would have to wait in memory
        made = [make(players, parts[0], rules)]
    if stage != "supervised":
        said |= discriminator_step(players, parts, rules, made)
    if stage != "catch_up":
        said |= generator_step(players, parts, rules, adversarial=stage == "joint", made=made)
    return said


def make(players: TrainState, part: TaskBatch, rules: StepContext) -> Made:
    """Let the generator answer, and measure what the discriminator shall judge of it."""
    with rules.precision():
        answered = answer(players.generator, part, rules.balance, rules.config, judged=True)
        lab, chances = answered.lab[rules.judged], part.chances[rules.judged, 0]
        return Made(answered, rules.evidence(players.discriminator, lab, chances))


def generator_step(
    players: TrainState,
    parts: list[TaskBatch],
    rules: StepContext,
    *,
    adversarial: bool,
    made: list[Made] | None = None,
) -> dict[str, Tensor]:
    """Descend once on the generator's loss: the terms that compare with the truth, and the discriminator's verdict.

    Args:
        players: both.
        parts: the real pictures, and what is asked about them.
        rules: what else a step needs.
        adversarial: whether the discriminator is asked.
        made: the generator's answers, if it has just given them; else it gives them now.

    Returns:
        The loss and its terms.
    """
    config = rules.config
    players.generator_optimizer.zero_grad(set_to_none=True)
    sums: Counter[str] = Counter()
    for i, part in enumerate(parts):
        with rules.precision():
            if made:
                answered, evidence = made[i]
            elif adversarial:
                answered, evidence = make(players, part, rules)
            else:
                answered = answer(players.generator, part, rules.balance, config, judged=False)
            terms = supervised_terms(players.generator, part, answered, config, rules.balance, rules.network)
            if adversarial:
                terms["adversarial"] = config.adversarial_weight * _verdict(players, part, evidence, rules)
        loss = torch.stack(tuple(terms.values())).sum()
        (loss / len(parts)).backward()
        for name, term in {"loss": loss, **terms}.items():
            sums[name] += term.detach() / len(parts)
    rules.world.average_gradients(players.generator.parameters())
    for parameters in _apart(players.generator):
        nn.utils.clip_grad_norm_(parameters, 1.0)
    players.generator_optimizer.step()
    return dict(sums)


def _apart(generator: Generator) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights that color and weights that restyle: a steep slope of one task must not slow down the other."""
    groups: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
    for name, parameter in generator.named_parameters():
        groups[name.startswith("restyling.")].append(parameter)
    return groups


def discriminator_step(
    players: TrainState, parts: list[TaskBatch], rules: StepContext, made: list[Made] | None = None
) -> dict[str, Tensor]:
    """Descend once on the discriminator's loss; the generator only supplies pictures.

    Args:
        players: both.
        parts: the real pictures.
        rules: what else a step needs.
        made: the generator's answers, if it has just given them; else it gives them now.

    Returns:
        The loss, how often a real picture was thought more real than the generated one beside it, and what weight each
        modality's evidence had on real pictures.
    """
    config, objective = rules.config, get_objective(rules.config.objective)
    discriminator = players.discriminator
    players.discriminator_optimizer.zero_grad(set_to_none=True)
    sums: Counter[str] = Counter()
    for i, part in enumerate(parts):
        if made:
            generated = made[i].evidence.detach()
        else:
            with torch.no_grad():
                generated = make(players, part, rules).evidence
        # The factor makes slopes, and with them gamma, those of pictures with values of about 1.
        real = (rules.real(part) / _PENALTY_UNIT).requires_grad_(config.penalty > 0)
        with rules.precision() if not config.penalty else contextlib.nullcontext():
            real_logits, alphas = discriminator.weigh(real * _PENALTY_UNIT)
            fake_logits, _ = discriminator.weigh(generated.lab, described=generated.described)
        loss = objective.discriminator_loss(real_logits, fake_logits)
        if config.penalty:
            loss = loss + zero_centered_penalty(real_logits, real, gamma=config.penalty)
        (loss / len(parts)).backward()
        sums["discriminator"] += loss.detach() / len(parts)
        for level, alpha in alphas.items():
            means = alpha.detach().mean((0, 2, 3)).unbind()
            for name, weight in zip(discriminator.config.modalities, means, strict=True):
                sums[f"weight_in_d/{level}/{name}"] += weight / len(parts)
        sums["discriminator_accuracy"] += (real_logits.mean(1) > fake_logits.mean(1)).float().mean() / len(parts)
    rules.world.average_gradients(discriminator.parameters())
    players.discriminator_optimizer.step()
    return dict(sums)


def _verdict(players: TrainState, part: TaskBatch, generated: Evidence, rules: StepContext) -> Tensor:
    """The generator's half of the objective."""
    objective = get_objective(rules.config.objective)
    players.discriminator.requires_grad_(False)  # it is judging now, not learning
    fake_logits, _ = players.discriminator.weigh(generated.lab, described=generated.described)
    real_logits = None
    if objective.paired:
        with torch.no_grad():
            real_logits = players.discriminator(rules.real(part))
    players.discriminator.requires_grad_(True)
    return objective.generator_loss(fake_logits, real_logits)
