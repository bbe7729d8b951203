"""The style decoder's operations, each equal to a line of plain torch that its docstring names, and faster on a CPU."""

from typing import Any

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def instance_norm(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """``nnf.instance_norm(x)``: each image's channels at mean 0 and deviation 1. Differentiable once."""
    # One group a channel: instance_norm leaves channels-last memory and is ten times as slow on a CPU.
    if x.requires_grad and not torch.compiler.is_compiling():
        return _InstanceNorm.apply(x)
    return nnf.group_norm(x, x.shape[1])


class _InstanceNorm(torch.autograd.Function):
    """The same, with a backward step of its own: group_norm's walks channels-last memory in the wrong order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        normed, _, scale = torch.native_group_norm(x, None, None, n, c, h * w, c, 1e-5)
        ctx.save_for_backward(normed, scale)
        return normed

    @staticmethod
    @once_differentiable  # a second derivative would need how the deviation moves
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # dx = (g - mean g - y mean(g y)) / deviation: S. Ioffe and C. Szegedy, ICML 2015 (arXiv:1502.03167), section 3.
        normed, scale = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        y, g = (t.permute(0, 2, 3, 1).flatten(1, 2) for t in (normed, gradient))  # (n, places, c)
        mean = g.new_full((len(g), 1, g.shape[1]), 1 / g.shape[1])
        x = (g - mean @ g - y * (mean @ (g * y))) * scale[:, None]
        return x.unflatten(1, normed.shape[2:]).permute(0, 3, 1, 2)


def reflection_pad(x: Float[Tensor, "n c h w"], rim: int) -> Float[Tensor, "n c _ _"]:
    """``nnf.pad(x, (rim, rim, rim, rim), mode="reflect")``: at the rim zeros would draw a frame."""
    # Autocast has nnf.pad computed in float32, which with the copies takes longer than convolving.
    x = torch.cat((x[:, :, 1 : rim + 1].flip(2), x, x[:, :, -rim - 1 : -1].flip(2)), 2)
    return torch.cat((x[..., 1 : rim + 1].flip(3), x, x[..., -rim - 1 : -1].flip(3)), 3)


def upsampled_convolution(x: Float[Tensor, "n c h w"], layer: nn.Conv2d) -> Float[Tensor, "n _ 2*h 2*w"]:
    """``layer(reflection_pad(nnf.interpolate(x, scale_factor=2), 1))``, in 16 multiplications instead of 36.

    Of a doubled picture's 3 x 3 pixels several are the same, so four 2 x 2 kernels do, one for each of the four.
    """
    same = layer.weight.new_tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])
    kernels = torch.einsum("oiyx,pay,qbx->pqoiab", layer.weight, same, same)
    x = torch.cat((x[:, :, :1], x, x[:, :, -1:]), 2)
    x = torch.cat((x[..., :1], x, x[..., -1:]), 3)
    height, width = x.shape[-2] - 1, x.shape[-1] - 1
    rows = []
    for i in range(2):
        parts = [nnf.conv2d(x[:, :, i : i + height, j : j + width], kernels[i, j]).movedim(1, -1) for j in range(2)]
        rows.append(torch.stack(parts, 3).flatten(2, 3))
    return torch.stack(rows, 2).flatten(1, 2).movedim(-1, 1)


def convolution_by_fours(x: Float[Tensor, "n c h w"], layer: nn.Conv2d) -> Float[Tensor, "n _ _ _"]:
    """``layer(x)``, 2 x 2 pixels at a time: three output channels would leave most of a processor's lanes empty."""
    kernels = torch.cat([nnf.pad(layer.weight, (j, 1 - j, i, 1 - i)) for i in range(2) for j in range(2)])
    fours = nnf.conv2d(x, kernels, layer.bias.repeat(4), stride=2)
    return nnf.pixel_shuffle(fours.unflatten(1, (4, -1)).transpose(1, 2).flatten(1, 2), 2)
