"""Training of the scene generator against a projected discriminator, on few pictures and a small budget."""

import copy
import functools
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from colorstyle_lib.config import TrainingConfig
from colorstyle_lib.data.datasets import find_split
from colorstyle_lib.losses.adversarial import get_objective
from colorstyle_lib.model import EfficientNetLite0, SceneGenerator, pretrained_efficientnet_lite0
from colorstyle_lib.training.state import TrainState
from colorstyle_lib.training.tasks import differentiable_augmentation

SCENE_CLASSES = ("sea", "mountain")  # folders of a data set that scenes are learned from
SCENE_NOISE = 64  # numbers that a released scene is made from
SCENE_TRAINING = TrainingConfig(learning_rate=4e-4, batch_size=32)  # of the rest, objective, augment and ema are read
_MIXED = 64  # channels of each mixed map
_VIEWS = 8  # of each real picture, half of them mirrored, whose maps are kept


def scene_files(root: Path, split: Literal["train", "val"]) -> list[Path]:
    """The photographs of a root that scenes are learned from and compared with: of :data:`SCENE_CLASSES`."""
    return [path for path in find_split(root, split) if path.parent.name in SCENE_CLASSES]


class ProjectedDiscriminator(nn.Module):
    """Four small discriminators on frozen features of RGB (A. Sauer et al., NeurIPS 2021, arXiv:2111.01007).

    Frozen random weights mix the features across channels, and from coarse to fine across sizes. A fifth one sees the
    pictures themselves, for the features hardly notice single pixels. MissingExtraError: their package is missing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = pretrained_efficientnet_lite0()
        channels = EfficientNetLite0.channels[1:]
        self.across_channels = nn.ModuleList(nn.Conv2d(count, _MIXED, 1, bias=False) for count in channels)
        self.across_sizes = nn.ModuleList(nn.Conv2d(_MIXED, _MIXED, 3, padding=1, bias=False) for _ in channels)
        for mixture in (*self.across_channels, *self.across_sizes):
            nn.init.kaiming_normal_(mixture.requires_grad_(False).weight, nonlinearity="linear")
        self.judges = nn.ModuleList([*(_judge(_MIXED, halvings) for halvings in (3, 2, 1, 0)), _judge(3, 5)])

    def project(self, rgb: Float[Tensor, "n 3 64 64"]) -> list[Float[Tensor, "n _ _ _"]]:
        """Mixed maps of scenes, sRGB about [0, 1], the finest first, and behind them the scenes, about [-1, 1]."""
        mixed: list[Tensor] = []
        with torch.autocast(rgb.device.type, enabled=False):  # gradients of grouped convolutions are slower in half
            levels = self.features(rgb.float())[:0:-1], self.across_channels[::-1], self.across_sizes[::-1]
            for one, channels, sizes in zip(*levels, strict=True):
                coarse = nnf.interpolate(mixed[0], scale_factor=2, mode="bilinear") if mixed else 0
                mixed.insert(0, sizes(channels(one) + coarse) / 2**0.5)
        return [*mixed, 2 * rgb - 1]

    def judge(self, maps: list[Float[Tensor, "n _ _ _"]]) -> Float[Tensor, "n p"]:
        """Logits, above 0 for real: of each map 2 x 2 places."""
        return torch.cat([judge(one).flatten(1) for judge, one in zip(self.judges, maps, strict=True)], dim=1)


def _judge(channels: int, halvings: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (channels, *[_MIXED] * 4)[:halvings]:
        convolution = spectral_norm(nn.Conv2d(inputs, _MIXED, 4, 2, 1, bias=False))
        layers += [convolution, nn.BatchNorm2d(_MIXED), nn.LeakyReLU(0.2)]
    last = [spectral_norm(nn.Conv2d(_MIXED, outputs, 3, padding=1)) for outputs in (_MIXED, 1)]
    return nn.Sequential(*layers, last[0], nn.LeakyReLU(0.2), last[1])


class SceneLearner:
    """A generator and a discriminator for :func:`.training_loop`, in turn, on the same generated pictures.

    The generator has ``noise``, how many numbers z has, and ``rgb``, which makes sRGB of z; the discriminator has
    ``project``, from sRGB to maps, and ``judge``, from maps to logits. Pictures are uint8 ``(n, 3, 64, 64)``.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        pictures: Tensor,
        config: TrainingConfig = SCENE_TRAINING,
        betas: tuple[float, float] = (0.0, 0.99),
    ) -> None:
        self.config, self.device, optimizers = config, pictures.device, []
        for network in (generator, discriminator):
            network.to(self.device, memory_format=torch.channels_last).train()
            weights = [weight for weight in network.parameters() if weight.requires_grad]
            optimizers.append(torch.optim.Adam(weights, config.learning_rate, betas))
        average = copy.deepcopy(generator).eval().requires_grad_(False)
        self.pictures, self.state = pictures, TrainState(generator, average, discriminator, *optimizers)

    @functools.cached_property
    @torch.no_grad()
    def _views(self) -> list[Tensor]:
        random, maps = self.draw(-1), []  # once a state is loaded, whose mixtures they hang on, they never change
        for view in range(_VIEWS):
            for rgb in self.pictures.split(self.config.batch_size):
                shown = self._shown((rgb.flip(3) if view % 2 else rgb).float() / 255, random)
                maps.append([one.half() for one in self.state.discriminator.project(shown)])
        return [torch.cat(level) for level in zip(*maps, strict=True)]

    def _shown(self, rgb: Tensor, random: torch.Generator) -> Tensor:
        chances = torch.rand(len(rgb), 4, generator=random).to(self.device)
        return differentiable_augmentation(rgb, chances) if self.config.augment else rgb

    def draw(self, step: int) -> torch.Generator:
        """The random numbers of a step, which depend on the step alone."""
        return torch.Generator().manual_seed(step + 1)

    def gradient_step(self, random: torch.Generator, step: int, at: int, of: int) -> dict[str, Tensor]:
        """One step of the discriminator, then one of the generator by what the discriminator now says."""
        state, objective, size = self.state, get_objective(self.config.objective), self.config.batch_size
        views = torch.randint(len(self._views[0]), (size,), generator=random).to(self.device)
        z, judge = torch.randn(size, state.generator.noise, generator=random), state.discriminator.judge
        with torch.autocast(self.device.type, torch.bfloat16):
            generated = state.discriminator.project(self._shown(state.generator.rgb(z.to(self.device)), random))
            real = judge([level[views].float() for level in self._views])
            fake = judge([level.detach() for level in generated])
            loss = objective.discriminator_loss(real, fake)
            descend(state.discriminator_optimizer, loss)
            mine = objective.generator_loss(judge(generated))
            descend(state.generator_optimizer, mine)
        state.update_average(self.config.ema, step)
        return {"loss": mine, "discriminator": loss, "real_logits": real.mean(), "fake_logits": fake.mean()}


def scene_learner(photographs: Float[Tensor, "n 3 64 64"]) -> SceneLearner:
    """The recipe of the released scenes, for photographs of sRGB in [0, 1]."""
    return SceneLearner(SceneGenerator(SCENE_NOISE), ProjectedDiscriminator(), (255 * photographs).round().byte())


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of an optimizer with one group of weights, from the loss of this step alone."""
    optimizer.zero_grad()
    loss.backward(inputs=optimizer.param_groups[0]["params"])  # the other network's weights get no gradient
    optimizer.step()
