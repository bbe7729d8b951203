"""Adversarial losses: the paper's equation (1) and its successors, all on the discriminator's logits.

``D(x) = sigmoid(logit)`` is never formed: ``log D = -softplus(-logit)`` and ``log(1 - D) = -softplus(logit)`` stay
finite, value and gradient, where D rounds to 0 or 1. Each network descends on its loss. Logits are of any shape (one an
image, or a map of patches); the mean is taken over all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

from colorstyle_lib.color import full_precision
from colorstyle_lib.errors import ConfigError, check_known, require


def minimax_value(real_logits: Float[Tensor, "*r"], fake_logits: Float[Tensor, "*f"]) -> Float[Tensor, ""]:
    """Value that both networks fight over, the paper's equation (1): ``V = E[log D(x)] + E[log(1 - D(G(z)))]``.

    I. Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014 (arXiv:1406.2661). At most 0; at equilibrium, with
    D = 1/2 everywhere, it is ``-log 4``.

    >>> minimax_value(torch.zeros(8), torch.zeros(8))
    tensor(-1.3863)
    """
    return nnf.logsigmoid(full_precision(real_logits)).mean() + nnf.logsigmoid(-full_precision(fake_logits)).mean()


def minimax_discriminator(real_logits: Float[Tensor, "*r"], fake_logits: Float[Tensor, "*f"]) -> Float[Tensor, ""]:
    """``L_D = -V``: the discriminator ascends on equation (1), so it descends on its negative."""
    return -minimax_value(real_logits, fake_logits)


@dataclass(frozen=True)
class Objective:
    """Losses of the two networks, under a name of :data:`OBJECTIVES`; real and fake are logits, the means float32."""

    name: str
    discriminator: Callable[[Tensor, Tensor], Tensor]  # of real and fake, these detached
    generator: Callable[..., Tensor]  # of fake; where paired, of fake and real
    paired: bool = False  # the generator's loss compares with real pictures, so its step needs their logits too

    def discriminator_loss(self, real: Float[Tensor, "*r"], fake: Float[Tensor, "*f"]) -> Float[Tensor, ""]:
        """Loss of the discriminator; a ConfigError where the objective is paired and the two do not pair up."""
        return self.discriminator(full_precision(real), full_precision(fake))

    def generator_loss(self, fake: Float[Tensor, "*f"], real: Float[Tensor, "*r"] | None = None) -> Float[Tensor, ""]:
        """Loss of the generator; a ConfigError where the objective is paired and there are no real logits."""
        if not self.paired:
            return self.generator(full_precision(fake))
        require(real is not None, f"the {self.name!r} objective compares with real pictures: give real_logits too")
        return self.generator(full_precision(fake), full_precision(real))


def _above(lower: Tensor, upper: Tensor) -> Tensor:
    """``E[softplus(lower - upper)]``: a network wants its upper logits above the lower ones at the same places."""
    if lower.shape != upper.shape:
        sizes = f"{tuple(upper.shape)} and {tuple(lower.shape)} logits do not pair"
        raise ConfigError(f"the relativistic objective pairs real with generated pictures: {sizes}")
    return nnf.softplus(lower - upper).mean()


_OBJECTIVES = (
    # L_G = E[log(1 - D(G(z)))], the generator's half of equation (1) as printed. Its gradient in each logit is
    # -D(G(z)): where the discriminator is sure of a fake, the generator learns nothing.
    Objective("saturating", minimax_discriminator, lambda fake: nnf.logsigmoid(-fake).mean()),
    # L_G = -E[log D(G(z))] (Goodfellow et al. 2014, section 3). Its gradient in each logit is -(1 - D(G(z))): the same
    # equilibrium as equation (1), but strongest where the generator is worst.
    Objective("non_saturating", minimax_discriminator, lambda fake: -nnf.logsigmoid(fake).mean()),
    # L_D = E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2 and L_G = E[(D(G(z)) - 1)^2] / 2, with D the logit itself: X. Mao et
    # al., Least Squares GAN, ICCV 2017 (arXiv:1611.04076), equation 9.
    Objective(
        "least_squares",
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda fake: (fake - 1).square().mean() / 2,
    ),
    # L_D = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] and L_G = -E[D(G(z))], with D the logit: sure enough is enough.
    # J. Lim and J. Ye, Geometric GAN, 2017 (arXiv:1705.02894); T. Miyato et al., ICLR 2018 (arXiv:1802.05957).
    Objective(
        "hinge", lambda real, fake: nnf.relu(1 - real).mean() + nnf.relu(1 + fake).mean(), lambda fake: -fake.mean()
    ),
    # L_D = E[softplus(D(G(z)) - D(x))], D the logit: a real picture must look more real than its fake; L_G with the
    # roles exchanged. A. Jolicoeur-Martineau, ICLR 2019 (arXiv:1807.00734), the pairing form. With
    # zero_centered_penalty on both sides it is N. Huang et al.'s R3GAN, NeurIPS 2024 (arXiv:2501.05441).
    Objective(
        "relativistic", lambda real, fake: _above(fake, real), lambda fake, real: _above(real, fake), paired=True
    ),
)
OBJECTIVES: dict[str, Objective] = {objective.name: objective for objective in _OBJECTIVES}


def get_objective(name: str) -> Objective:
    """Look up an objective; a ConfigError that names the nearest where there is none of this name."""
    check_known("objective", name, OBJECTIVES)
    return OBJECTIVES[name]


def zero_centered_penalty(
    logits: Float[Tensor, "n ..."], images: Float[Tensor, "n ..."], *, gamma: float
) -> Float[Tensor, ""]:
    """``gamma / 2 * E[|grad_x D(x)|^2]``: the discriminator should be flat where the pictures are.

    On real pictures this is R1, on generated ones R2: L. Mescheder et al., Which Training Methods for GANs do actually
    Converge?, ICML 2018 (arXiv:1801.04406), equations 9 and 10. D(x) is the mean of a picture's logits, so that the
    penalty does not grow with the number of patches.

    It can be differentiated again. A ConfigError where ``requires_grad_()`` was not called on the images before.
    """
    require(images.requires_grad, "a gradient penalty needs images.requires_grad_() before the discriminator sees them")
    evidence = full_precision(logits).flatten(1).mean(dim=1) if logits.ndim > 1 else full_precision(logits)
    # A picture's evidence depends on it alone, so one pass over the sum gives every picture's gradient.
    (gradient,) = torch.autograd.grad(evidence.sum(), images, create_graph=True)
    return gamma / 2 * full_precision(gradient).square().flatten(1).sum(dim=1).mean()
