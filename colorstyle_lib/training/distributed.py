"""Training with several processes, which ``torchrun`` starts, each on its share of every batch.

Gradients are averaged after each backward pass, batch statistics within it: N processes take the steps of one.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

Value = TypeVar("Value")


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run; by default one, on the CPU."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    restarted: bool = False  # this process takes the place of one that was lost

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def gather(self, value: Value) -> list[Value]:
        """The values of all processes, in the order of their numbers."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    @torch.no_grad()
    def average_gradients(self, weights: Iterable[Tensor]) -> None:
        """Replace each gradient by its mean over the processes, in one message."""
        if self.size == 1:
            return
        learned = [weight for weight in weights if weight.requires_grad]
        # A process that has no picture of some task has no gradient of its weights.
        flat = torch.cat([(torch.zeros_like(w) if w.grad is None else w.grad).flatten() for w in learned])
        dist.all_reduce(flat)
        for weight, mean in zip(learned, (flat / self.size).split([w.numel() for w in learned]), strict=True):
            weight.grad = torch.empty_like(weight).copy_(mean.view_as(weight))


def this_process() -> ProcessGroup:
    """This process alone, on a GPU where there is one."""
    return ProcessGroup(device=torch.device("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def process_group() -> Iterator[ProcessGroup]:
    """The processes that ``torchrun`` started, each on its own GPU or all on the CPU; or :func:`this_process` alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield this_process()
        return
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        restarted = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), device, restarted)
    finally:
        dist.destroy_process_group()


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm with the statistics of all processes' pictures, equally many in each.

    ``torch.nn.SyncBatchNorm`` does so on GPUs only; this is its definition in two sums, on any device.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As :class:`torch.nn.BatchNorm2d`."""
        if not self.training:
            return super().forward(x)
        # In half precision a mean of squares less a square of means has no digits left.
        moments = torch.stack((x.float().mean((0, 2, 3)), x.float().square().mean((0, 2, 3))))
        moments = all_reduce(moments) / dist.get_world_size()
        mean, variance = moments[0], moments[1] - moments[0].square()
        with torch.no_grad():
            count = x.numel() / x.shape[1] * dist.get_world_size()
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        normed = (x.float() - mean[:, None, None]) * (variance.clamp_min(0) + self.eps).rsqrt()[:, None, None]
        if self.affine:
            normed = normed * self.weight[:, None, None] + self.bias[:, None, None]
        return normed.to(x.dtype)
