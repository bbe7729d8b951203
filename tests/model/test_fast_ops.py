"""Fast operations are equal to plain torch, forwards and backwards."""

import pytest
import torch
from torch import nn
from torch.nn import functional as nnf

from colorstyle_lib.model.style_decoder import (
    convolution_by_fours,
    instance_norm,
    reflection_pad,
    upsampled_convolution,
)


def test_the_norms_backward_step_is_group_norms():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64).contiguous(memory_format=torch.channels_last).requires_grad_()
    assert torch.autograd.gradcheck(instance_norm, x)
    (slope,) = torch.autograd.grad((instance_norm(x) ** 3).sum(), x)
    (plain,) = torch.autograd.grad((nnf.group_norm(x, 3) ** 3).sum(), x)
    torch.testing.assert_close(slope, plain)
    (slope,) = torch.autograd.grad((instance_norm(x) ** 3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(instance_norm(x), nnf.group_norm(x, 3))


def test_shortcuts_convolve_as_the_plain_way_does():
    torch.manual_seed(0)
    x, layer, last = torch.randn(2, 6, 8, 12), nn.Conv2d(6, 5, 3, bias=False), nn.Conv2d(6, 3, 5)
    doubled = nnf.interpolate(x, scale_factor=2, mode="nearest")
    plain = layer(nnf.pad(doubled, (1, 1, 1, 1), mode="reflect"))
    torch.testing.assert_close(upsampled_convolution(x, layer), plain, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(reflection_pad(x, 2), nnf.pad(x, (2, 2, 2, 2), mode="reflect"))
    torch.testing.assert_close(convolution_by_fours(x, last), last(x), rtol=1e-5, atol=1e-5)
    plain.sum().backward()
    wanted, layer.weight.grad = layer.weight.grad, None
    upsampled_convolution(x, layer).sum().backward()
    torch.testing.assert_close(layer.weight.grad, wanted, rtol=1e-4, atol=1e-3)
