"""Inpainting of pictures of any size (the paper's section 6), and a mask of the damage of an old photograph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from PIL import Image
from scipy import ndimage
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import Photo, Source, open_mask, open_photo, open_picture, to_picture, to_tensor
from colorstyle_lib.inference.colorizer import Result, Tool
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.model.repair_decoder import LEVEL, STEP

_TILE, _CONTEXT = 256, 48  # side of what the network sees, and how much of it is left around the part that it fills
_THICKEST = 40  # pixels across a hole that are filled at one scale; a thicker hole is filled at a smaller one
_SCRATCH = 3.0  # half of a scratch's largest width, in thousandths of the picture's shorter side, at least 2 pixels
_CONTRAST, _RARE, _BEYOND = 15.0, 8.0, 12.0  # L units; times the usual response nearby; L units beyond its lightest
_LONG, _CALM = 0.2, 0.8  # of the shorter side; L units of the usual response around a speck


@dataclass(kw_only=True, eq=False)
class Inpainter(Tool):
    """Fills holes in pictures. Options and errors are those of :meth:`.ColorStyle.inpaint`."""

    mask: Source = "auto"

    def __post_init__(self) -> None:
        if not self.model.generator.config.repairing:
            raise ConfigError("these weights cannot repair: inpaint needs weights with repairing levels")
        self._mask = None if isinstance(self.mask, str) and self.mask == "auto" else read_mask(self.mask)
        super().__post_init__()

    @torch.inference_mode()
    def __call__(self, picture: Source) -> Result:
        """Fill the holes of one picture."""
        photo = open_photo(picture)
        opened = photo.picture
        hole = find_damage(opened) if self._mask is None else self._mask
        if hole.shape != opened.size[::-1]:
            size, other = ("{} x {}".format(*one) for one in (opened.size, hole.shape[::-1]))
            raise ConfigError(f"the mask has {other} pixels and the picture {size}; give a mask of the picture's size")
        if hole.all():
            raise ConfigError("the mask covers the whole picture, so nothing says what to fill it with")
        if not hole.any() and self._mask is not None:
            raise ConfigError("the mask is empty: paint what is to be filled in white, or take mask='auto'")
        pixels, alphas = self._fill(np.array(opened), hole)
        given = "auto" if self._mask is None else "given"
        provenance = self._told("inpaint", opened, mask=given, filled=round(float(hole.mean()), 6))
        maps = {LEVEL: dict(zip(MODALITIES, torch.stack(alphas).mean(0)[:, None, None], strict=True))} if alphas else {}
        stages = {"damage": Image.fromarray(hole)}
        return Result(Image.fromarray(pixels), provenance, maps, source=Photo(opened, kept=photo.kept), stages=stages)

    def _fill(self, pixels: np.ndarray, hole: Bool[np.ndarray, "h w"]) -> tuple[np.ndarray, list[Tensor]]:
        """The picture with its holes filled, the thickest first, at the smallest scale; and attention by tile."""
        gray, alphas = bool(np.ptp(pixels[~hole], axis=1).max() <= 2), []
        parts, count = ndimage.label(hole, np.ones((3, 3)))
        deepest = ndimage.maximum(ndimage.distance_transform_edt(np.pad(hole, 1))[1:-1, 1:-1], parts, range(count + 1))
        halvings = np.ceil(np.log2(np.maximum(2 * np.asarray(deepest) / _THICKEST, 1))).astype(int)
        hole = hole.copy()
        for halved in sorted(set(halvings[1:].tolist()), reverse=True):
            wanted = (halvings[parts] == halved) & hole
            for outer, inner in tiles(wanted, 2**halved):
                found, alpha = self._fill_tile(pixels[outer], hole[outer], 2**halved, gray=gray)
                alphas.append(alpha)
                pixels[inner][wanted[inner]] = found[inside(outer, inner)][wanted[inner]]
                hole[inner] &= ~wanted[inner]
        return pixels, alphas

    def _fill_tile(self, pixels: np.ndarray, hole: np.ndarray, factor: int, *, gray: bool) -> tuple[np.ndarray, Tensor]:
        """A tile as it is where nothing is unknown, filled at 1 / ``factor`` of its size."""
        rgb = to_tensor(Image.fromarray(pixels))[None].to(self.model.device)
        lab, unknown = rgb_to_lab(rgb), torch.from_numpy(hole)[None, None].to(rgb)
        if gray:
            lab = torch.cat((lab[:, :1], torch.zeros_like(lab[:, 1:])), 1)
        height, width = hole.shape
        over = (0, -width % (STEP * factor), 0, -height % (STEP * factor))
        # Beyond a picture's end nothing is known.
        known = nnf.avg_pool2d(nnf.pad(1 - unknown, over), factor)
        small = nnf.avg_pool2d(nnf.pad(lab * (1 - unknown), over), factor) / known.clamp_min(1e-6)
        filled, said = self.model.generator.repair(small, (known < 0.5).float(), override=self._override)
        new = torch.where(known < 0.5, filled + said.change, small)
        if factor > 1:
            new = nnf.interpolate(new, scale_factor=factor, mode="bilinear")
        new = new[..., :height, :width]
        if factor > 1:  # what is coarser than the rim differs from it: the difference at the nearest known pixel fades
            distance, (rows, columns) = ndimage.distance_transform_edt(hole, return_indices=True)
            fading = torch.from_numpy(1 - distance / (4 * factor)).clamp_min(0).to(new)
            new = new + (lab - new)[..., torch.from_numpy(rows), torch.from_numpy(columns)] * fading
        if gray:
            new = torch.cat((new[:, :1], torch.zeros_like(new[:, 1:])), 1)
        made = to_picture(lab_to_rgb(fit_gamut(new.clamp(-128, 128))))
        return np.asarray(made), said.alpha[0].mean((1, 2)).cpu()


Window = tuple[slice, slice]


def tiles(wanted: Bool[np.ndarray, "h w"], factor: int = 1) -> Iterator[tuple[Window, Window]]:
    """Tiles of a picture that hold all that is wanted: each with its context, and the part of it that counts.

    A tile has up to 256 pixels a side at 1 / ``factor`` of the size. What counts lies 48 pixels inside, but at the
    picture's own borders, and no two tiles' parts overlap.
    """
    tile, context, (height, width) = _TILE * factor, _CONTEXT * factor, wanted.shape
    left_over = wanted.copy()
    while left_over.any():
        y = int(left_over.any(1).argmax())
        x = int(left_over[y : y + tile - 2 * context].any(0).argmax())
        outer, inner = [], []
        for at, side in ((y, height), (x, width)):
            start = min(max(0, at - context), max(0, side - tile))
            end = min(start + tile, side)
            outer.append(slice(start, end))
            inner.append(slice(at, end if end == side else end - context))
        yield tuple(outer), tuple(inner)
        left_over[tuple(inner)] = False


def inside(outer: Window, inner: Window) -> Window:
    """Where a tile's part lies in the tile."""
    return tuple(slice(i.start - o.start, i.stop - o.start) for o, i in zip(outer, inner, strict=True))


def read_mask(mask: Source) -> Bool[np.ndarray, "h w"]:
    """Where a mask is white, or opaque where its color is plain; ImageError where it cannot be opened."""
    if isinstance(mask, np.ndarray) and mask.dtype == bool and mask.ndim == 2:
        return mask
    return np.asarray(open_mask(mask)) > 127


def find_damage(picture: Source) -> Bool[np.ndarray, "h w"]:
    """Scratches, dust and tears of an old photograph: thin places brighter, or darker, than all that surrounds them.

    Lines and specks that a morphological opening (bright) or closing (dark) of L removes: much more than it removes
    nearby, so that hair and grass are no damage, beyond the usual light or dark of the surround, and long, or alone in
    a calm place. What is faint or wide is missed: look at the mask. ImageError where a picture cannot be opened.
    """
    light = rgb_to_lab(to_tensor(open_picture(picture))[None])[0, 0].numpy()
    radius = max(2, round(_SCRATCH * min(light.shape) / 1000))
    window = 2 * radius + 1
    found = np.zeros(light.shape, bool)
    for sign in (1, -1):
        removed = sign * light - ndimage.grey_opening(sign * light, window)
        usual, outer = _nearby(removed, 50), _nearby(sign * light, 85)
        strong = removed > np.maximum(_CONTRAST, _RARE * usual)
        parts, count = ndimage.label(strong, np.ones((3, 3)))
        if not count:
            continue
        numbers = range(1, count + 1)
        area, calm = ndimage.sum_labels(strong, parts, numbers), ndimage.mean(usual, parts, numbers) < _CALM
        length = np.array([np.hypot(*(s.stop - s.start for s in box)) for box in ndimage.find_objects(parts)])
        beyond = ndimage.mean(sign * light - outer, parts, numbers)
        line = (length >= _LONG * min(light.shape)) & (area <= 2.5 * window * length) & (beyond > _BEYOND)
        speck = (area >= 4) & (area <= window**2) & calm & (beyond > _BEYOND / 2)
        found |= np.concatenate(([False], line | speck))[parts]
    return ndimage.binary_dilation(found, np.ones((3, 3)), iterations=max(1, radius // 2))


def _nearby(plane: Float[np.ndarray, "h w"], percentile: int) -> Float[np.ndarray, "h w"]:
    """A percentile of the 42 x 42 pixels around each place, from every second one."""
    at = ndimage.percentile_filter(plane[::2, ::2], percentile, 21)
    return at.repeat(2, 0).repeat(2, 1)[: plane.shape[0], : plane.shape[1]]
