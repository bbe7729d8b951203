"""Several processes that train one model: what ``torchrun`` starts, each on its share of every batch.

Gradients are averaged over the processes after each backward pass, and batch statistics within it, so that N processes
take the steps that one with the same batch would take. Both are sums that every process waits for; networks of a few
million weights leave little to hide behind them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as nnf
from torch import Tensor, nn

Facts = TypeVar("Facts")


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run.

    Attributes:
        rank: this one's number; 0 alone writes files.
        size: how many there are.
        device: where this one computes.
        restarted: this process takes the place of one that was lost.
    """

    rank: int
    size: int
    device: torch.device
    restarted: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            dist.barrier()

    def any(self, flag: bool) -> bool:
        """Whether it is so in some process; all get the same answer."""
        return any(self.gather(flag))

    def gather(self, facts: Facts) -> list[Facts]:
        """What each process has to say, in the order of their numbers."""
        if self.size == 1:
            return [facts]
        everyone: list[Any] = [None] * self.size
        dist.all_gather_object(everyone, facts)
        return everyone

    @torch.no_grad()
    def average_gradients(self, weights: Iterable[Tensor]) -> None:
        """Replace each gradient by its mean over the processes, in one message."""
        if self.size == 1:
            return
        learning = [w for w in weights if w.requires_grad]
        for weight in learning:
            if weight.grad is None:  # a task that no picture of this process has
                weight.grad = torch.zeros_like(weight)
        gradients = [w.grad for w in learning]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))


@contextmanager
def world(device: torch.device | None = None) -> Iterator[ProcessGroup]:
    """The processes that ``torchrun`` started, or this one alone.

    Args:
        device: where a single process computes; by default a GPU where there is one. Of several, each has its own GPU,
            or all share the CPU.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    if size == 1:
        yield ProcessGroup(0, 1, device or torch.device("cuda" if cuda else "cpu"))
        return
    chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        restarted = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), chosen, restarted)
    finally:
        dist.destroy_process_group()


class _Total(torch.autograd.Function):
    """A sum over the processes, and over what each of them learns about it."""

    @staticmethod
    def forward(ctx: Any, here: Tensor) -> Tensor:
        total = here.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        total = slope.contiguous().clone()
        dist.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics are those of all processes' pictures together.

    ``torch.nn.SyncBatchNorm`` does so on GPUs only; this is its definition in two sums, on any device. Processes must
    have equally many pictures of one size.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As :class:`torch.nn.BatchNorm2d`."""
        if not self.training:
            return super().forward(x)
        # In half precision a mean of squares less a square of means has no digits left.
        moments = torch.stack((x.float().mean((0, 2, 3)), x.float().square().mean((0, 2, 3))))
        moments = _Total.apply(moments) / dist.get_world_size()
        mean, variance = moments[0], moments[1] - moments[0].square()
        with torch.no_grad():
            count = x.numel() / x.shape[1] * dist.get_world_size()
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        return nnf.batch_norm(
            (x.float() - mean[:, None, None]) * (variance.clamp_min(0) + self.eps).rsqrt()[:, None, None],
            torch.zeros_like(self.running_mean),
            torch.ones_like(self.running_var),
            self.weight,
            self.bias,
            eps=0.0,
        ).to(x.dtype)


def share_batch_norm(network: nn.Module) -> None:
    """Let a network's batch norms use all processes' statistics; weights and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
