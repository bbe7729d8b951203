"""Square windows of images, cut on the CPU as 8-bit numbers and made into crops of one size on any device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor


def scaled(window: UInt8[Tensor, "3 _ _"], size: int) -> Float[Tensor, "3 {size} {size}"]:
    """A square window at one size, in [0, 1]: antialiased bilinear, so that shrinking does not alias."""
    window = window.float() / 255
    if window.shape[1:] == (size, size):
        return window
    return nnf.interpolate(window[None], (size, size), mode="bilinear", antialias=True)[0].clamp(0, 1)


@dataclass(frozen=True)
class Windows:
    """Windows before they are scaled: a quarter of a float batch's bytes to move, and no arithmetic done yet.

    Attributes:
        pixels: each window in its image's own pixels, in the upper left corner; what lies beyond is ignored.
        sides: of each window, in pixels.
        mirrored: which are turned left to right.
        size: side of the crops to make, in pixels.
    """

    pixels: UInt8[Tensor, "n 3 s s"]
    sides: Int[Tensor, " n"]
    mirrored: Bool[Tensor, " n"]
    size: int

    def to(self, device: torch.device | str) -> Windows:
        """The same windows on another device; from pinned memory the copy does not hold up the caller."""
        moved = (part.to(device, non_blocking=True) for part in (self.pixels, self.sides, self.mirrored))
        return Windows(*moved, self.size)

    def pin_memory(self) -> Windows:
        """The same windows where a GPU can fetch them by itself."""
        return Windows(self.pixels.pin_memory(), self.sides.pin_memory(), self.mirrored.pin_memory(), self.size)

    def crops(self) -> Float[Tensor, "n 3 size size"]:
        """Scale, and mirror where it is due: crops in [0, 1] on the windows' device."""
        if self.pixels.device.type == "cpu":
            each = zip(self.pixels, self.sides.tolist(), self.mirrored.tolist(), strict=True)
            crops = ((scaled(window[:, :side, :side], self.size), mirrored) for window, side, mirrored in each)
            return torch.stack([crop.flip(-1) if mirrored else crop for crop, mirrored in crops])
        return self.crops_at_once()

    def crops_at_once(self) -> Float[Tensor, "n 3 size size"]:
        """:meth:`crops` in a handful of operations, as a GPU wants it; a CPU is faster one by one.

        Antialiased bilinear scaling is a triangle filter along each axis, so a crop is ``Y x X^T`` with matrices that
        differ from window to window: two batched products, however many sizes there are.
        """
        with torch.autocast(self.pixels.device.type, enabled=False):  # 8 bits need more than bfloat16's precision
            vertical = self._filter()
            horizontal = torch.where(self.mirrored[:, None, None], vertical.flip(1), vertical)
            crops = vertical[:, None] @ (self.pixels.float() / 255) @ horizontal[:, None].mT
            return crops.clamp(0, 1)

    def _filter(self) -> Float[Tensor, "n size s"]:
        """How much each pixel of a window counts for each pixel of its crop, along one axis."""
        device = self.pixels.device
        place = torch.arange(self.pixels.shape[-1], device=device) + 0.5
        scale = self.sides[:, None, None] / self.size
        center = scale * (torch.arange(self.size, device=device) + 0.5)[:, None]
        weight = (1 - (place - center).abs() / scale.clamp(min=1)).clamp(min=0)
        weight = weight * (place < self.sides[:, None, None])
        return weight / weight.sum(-1, keepdim=True)
