"""The baseline pix2pix: a U-Net against a patch discriminator, both as their paper describes them.

P. Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017 (arXiv:1611.07004), in its
recipe for colorization: L goes in, ab comes out, and the discriminator sees both. Nothing is pretrained.
"""

from functools import partial

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data.batches import Batches, ImageStore, Windows
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.losses.adversarial import get_objective
from colorstyle_lib.training import TrainState, this_process
from colorstyle_lib.training.scene_training import descend

BATCH_SIZE = 4  # its paper's, for colorization (section 6.2)
AB_RANGE = 110.0  # Lab units of ab at the ends of the generator's answers, -1 and 1
_L1_WEIGHT = 100.0  # of the L1 term beside the adversarial one (its sections 3.3 and 4)
_WIDTH, _MOST = 64, 512
_DROPPED = 3  # decoder blocks with dropout, from the innermost: all the noise there is


def _convolution(inputs: int, outputs: int, stride: int, *, normed: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 4, stride, padding=1, bias=not normed)
    return [convolution, nn.BatchNorm2d(outputs)] if normed else [convolution]


def _from_gaussian(module: nn.Module) -> None:
    """Start weights as its section 6.2 says: deviation 0.02; a norm's around 1."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
        nn.init.normal_(module.weight, float(isinstance(module, nn.BatchNorm2d)), 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class UNet(nn.Module):
    """Its generator: halve down to one pixel and double back up, with a skip at each size (section 6.1.1).

    Pictures are ``size`` pixels a side, a power of 2: 128 is 7 halvings, 256 is 8 and 54 million weights.
    ConfigError: the size is none of these, or below 32.
    """

    def __init__(self, size: int = 256) -> None:
        super().__init__()
        if size < 32 or size & (size - 1):
            raise ConfigError(f"pix2pix halves a picture down to one pixel: its size must be 32, 64, ..., not {size}")
        halvings = size.bit_length() - 1
        widths = [min(_WIDTH * 2**i, _MOST) for i in range(halvings)]
        self.down = nn.ModuleList()
        for i, (inputs, outputs) in enumerate(zip([1, *widths], widths, strict=False)):
            before = [nn.LeakyReLU(0.2)] if i else []
            # One pixel of one picture is its own mean: a norm at the bottom would leave nothing of it.
            normed = 0 < i < halvings - 1
            self.down.append(nn.Sequential(*before, *_convolution(inputs, outputs, 2, normed=normed)))
        self.up = nn.ModuleList()
        for i, outputs in enumerate(reversed(widths[:-1])):
            inputs = widths[-1 - i] * (2 if i else 1)
            layers = [nn.ConvTranspose2d(inputs, outputs, 4, 2, padding=1, bias=False), nn.BatchNorm2d(outputs)]
            self.up.append(nn.Sequential(nn.ReLU(), *layers, *([nn.Dropout(0.5)] if i < _DROPPED else [])))
        self.last = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * _WIDTH, 2, 4, 2, padding=1), nn.Tanh())
        self.apply(_from_gaussian)

    def forward(self, lightness: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 h w"]:
        """From L in [-1, 1] to ab in [-1, 1]."""
        x, maps = lightness, []
        for block in self.down:
            x = block(x)
            maps.append(x)
        maps.pop()
        for block in self.up:
            x = torch.cat((block(x), maps.pop()), dim=1)
        return self.last(x)


class PatchGAN(nn.Sequential):
    """Its discriminator, a logit a patch of 70 x 70 pixels of Lab in [-1, 1] (section 6.1.2): 2.8 million weights."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for i, stride in enumerate((2, 2, 2, 1)):
            inputs = _WIDTH * 2 ** (i - 1) if i else 3
            layers += [*_convolution(inputs, _WIDTH * 2**i, stride, normed=i > 0), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(_MOST, 1, 4, 1, padding=1))
        self.apply(_from_gaussian)


class Pix2Pix:
    """Both networks and their optimizers, Adam at a constant rate as in its section 3.3; errors as of :class:`UNet`.

    With a store it is a learner in :func:`.training_loop`, on crops of ``size`` pixels a side. Outside an ablation it
    is ``timed``: it computes in bfloat16, and starts dropout's random numbers anew in each step, to be resumed.
    """

    def __init__(self, size: int, store: ImageStore | None = None, *, seed: int = 0, timed: bool = False) -> None:
        torch.manual_seed(seed)
        self.device, self.seed, self.timed = this_process().device, seed, timed
        networks = [one.to(self.device, memory_format=torch.channels_last).train() for one in (UNet(size), PatchGAN())]
        optimizers = [torch.optim.Adam(one.parameters(), lr=2e-4, betas=(0.5, 0.999)) for one in networks]
        self.state = TrainState(networks[0], networks[0], networks[1], *optimizers)  # nothing is averaged
        self.batches = Batches(store, BATCH_SIZE, size, seed) if store else None

    def draw(self, step: int) -> Windows:
        """The crops of a step."""
        return self.batches.windows(step)

    def gradient_step(self, batch: Windows, step: int, at: int, of: int) -> dict[str, Tensor]:
        """One step of both networks, whatever the schedule."""
        if self.timed:
            torch.manual_seed((self.seed << 32) + step)
        return self.step(batch.to(self.device).crops())

    def step(self, rgb: Float[Tensor, "n 3 h w"]) -> dict[str, Float[Tensor, ""]]:
        """Descend with the discriminator, then with the generator, from real pictures, sRGB in [0, 1].

        Returns the losses of ``discriminator`` and ``generator``, and the mean distance of ab (``l1``).
        """
        state, objective = self.state, get_objective("non_saturating")
        precision = partial(torch.autocast, self.device.type, torch.bfloat16, enabled=self.timed)
        lab = rgb_to_lab(rgb.to(self.device))
        lightness, real = lab[:, :1] / 50 - 1, lab[:, 1:] / AB_RANGE
        with precision():
            fake = state.generator(lightness).float()
            real_logits = state.discriminator(torch.cat((lightness, real), dim=1))
            fake_logits = state.discriminator(torch.cat((lightness, fake.detach()), dim=1))
        # Halved, so that it learns slower than the generator.
        discriminator_loss = objective.discriminator_loss(real_logits, fake_logits) / 2
        descend(state.discriminator_optimizer, discriminator_loss)

        with precision():
            fake_logits = state.discriminator(torch.cat((lightness, fake), dim=1))
        distance = nnf.l1_loss(fake, real)
        loss = objective.generator_loss(fake_logits) + _L1_WEIGHT * distance
        descend(state.generator_optimizer, loss)
        return {"discriminator": discriminator_loss.detach(), "generator": loss.detach(), "l1": distance.detach()}
