"""Inpainting of pictures of any size (the paper's section 6), and a mask of the damage of an old photograph."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from PIL import Image
from scipy import ndimage
from torch import Tensor

from colorstyle_lib.color import fit_gamut, lab_to_rgb, rgb_to_lab
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import Photo, Source, open_mask, open_photo, open_picture
from colorstyle_lib.inference.colorizer import Result, Tool
from colorstyle_lib.inference.damage_finder import load_damage_finder
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.model.repair_decoder import LEVEL, STEP

_RIM = 16  # of 255: more of a mask is a hole
_TILE, _CONTEXT = 256, 48  # side of what the network sees, and how much of it is left around the part that it fills
_BAND, _BLOCK = 1_000_000, 256  # pixels, and pixels a side, at full size in floating point at one time
_THICKEST = 40  # pixels across a hole that are filled at one scale; a thicker hole is filled at a smaller one
_FINEST = 1600  # pixels of the shorter side at which damage is looked for
_SURE, _LIKELY, _SMALLEST = 4.0, 1.0, 4  # logits of damage; pixels of a speck


Window = tuple[slice, slice]


@dataclass(kw_only=True, eq=False)
class Inpainter(Tool):
    """Fills holes in pictures. Options and errors are those of :meth:`.ColorStyle.inpaint`."""

    mask: Source = "auto"
    uncertainty: bool = False

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
        pixels, deep, alpha = np.array(opened), photo.deep, photo.alpha
        gray = bool(np.ptp(np.ascontiguousarray(pixels[~hole].T), axis=0).max() <= 2)
        values = pixels if deep is None else levels_of(photo).copy()
        alphas = self._fill(values, hole, gray=gray)
        spread = self._spread(values, hole, gray=gray) if self.uncertainty else None
        pixels[hole] = in_8_bits(values[hole])
        if alpha is not None:  # a hole becomes as opaque as what is nearest to it
            nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
            alpha = Image.fromarray(np.asarray(alpha)[tuple(nearest)])
        given = "auto" if self._mask is None else "given"
        provenance = self._told("inpaint", opened, mask=given, filled=round(float(hole.mean()), 6))
        maps = {LEVEL: dict(zip(MODALITIES, torch.stack(alphas).mean(0)[:, None, None], strict=True))} if alphas else {}
        made = {"source": replace(photo, alpha=alpha, deep=None), "deep": None if deep is None else lambda: values}
        made |= {"stages": {"damage": Image.fromarray(hole)}, "uncertainty": spread}
        return Result(Image.fromarray(pixels), provenance, maps, **made)

    def _spread(self, filled: np.ndarray, hole: Bool[np.ndarray, "h w"], *, gray: bool) -> Float[Tensor, "h w"]:
        """Standard deviation of a picture's fill and those of its three mirror images, Lab units; 0 outside holes."""
        fills = [filled[hole]]
        for axes in (0, 1, (0, 1)):
            mirrored = np.flip(filled, axes).copy()
            self._fill(mirrored, np.flip(hole, axes), gray=gray)  # which does not look at what is in holes
            fills.append(np.flip(mirrored, axes)[hole])
        spread = torch.zeros(hole.shape)
        spread[torch.from_numpy(hole)] = to_lab(np.stack(fills))[0].var(1, correction=0).sum(0).sqrt()
        return spread

    def _fill(self, pixels: np.ndarray, hole: Bool[np.ndarray, "h w"], *, gray: bool) -> list[Tensor]:
        """Fill a picture's holes in place, the thickest first, at the smallest scale; attention by tile."""
        parts, count = ndimage.label(hole, np.ones((3, 3)))
        # Whole numbers: as distances, those of a large picture would take a gigabyte.
        away = ndimage.distance_transform_edt(np.pad(hole, 1), return_distances=False, return_indices=True)
        for axis, place in zip(away, np.ogrid[tuple(map(slice, away.shape[1:]))], strict=True):
            axis -= place
        deepest = np.zeros(count + 1)
        np.maximum.at(deepest, parts[hole], np.sqrt(np.square(away[:, 1:-1, 1:-1][:, hole]).sum(0)))
        del away
        halvings = np.ceil(np.log2(np.maximum(2 * deepest / _THICKEST, 1))).astype(np.int8)
        hole, alphas = hole.copy(), []
        for halved in sorted(set(halvings[1:].tolist()), reverse=True):
            wanted = (halvings[parts] == halved) & hole
            for outer, inner in tiles(wanted, 2**halved):
                here = np.zeros_like(hole[outer])
                here[inside(outer, inner)] = wanted[inner]
                alphas.append(self._fill_tile(pixels[outer], hole[outer], here, 2**halved, gray=gray))
                hole[inner] &= ~wanted[inner]
        return alphas

    def _fill_tile(
        self, pixels: np.ndarray, hole: np.ndarray, wanted: np.ndarray, factor: int, *, gray: bool
    ) -> Float[Tensor, " 3"]:
        """Fill what is wanted of a tile in place, at 1 / ``factor`` of its size; its attention."""
        small, known = self._shrink(pixels, hole, factor, gray=gray)
        filled, said = self.model.generator.repair(small, (known < 0.5).float(), override=self._override)
        new = torch.where(known < 0.5, filled + said.change, small)
        side, rim = max(_BLOCK, 8 * factor), 4 * factor if factor > 1 else 0
        for corner in product(*(range(0, length, side) for length in hole.shape)):  # a large tile never at once
            block = tuple(slice(at, at + side) for at in corner)
            if not wanted[block].any():
                continue
            near = tuple(
                slice(max(0, at - rim), min(at + side + rim, length))
                for at, length in zip(corner, hole.shape, strict=True)
            )
            made = _enlarge(new, near, factor)
            if rim and not hole[near].all():
                # What is coarser than the rim differs from it: the difference at the nearest known pixel fades.
                distance, (rows, columns) = ndimage.distance_transform_edt(hole[near], return_indices=True)
                fading = torch.from_numpy(1 - distance / rim).clamp_min(0).to(made)
                off = self._lab(pixels[near], gray=gray) - made
                made = made + off[..., torch.from_numpy(rows), torch.from_numpy(columns)] * fading
            if gray:
                made = torch.cat((made[:, :1], torch.zeros_like(made[:, 1:])), 1)
            pixels[block][wanted[block]] = to_levels(made, pixels.dtype)[inside(near, block)][wanted[block]]
        return said.alpha[0].mean((1, 2)).cpu()

    def _shrink(
        self, pixels: np.ndarray, hole: np.ndarray, factor: int, *, gray: bool
    ) -> tuple[Float[Tensor, "1 3 _ _"], Float[Tensor, "1 1 _ _"]]:
        """Means of what is known of a tile, in Lab, at 1 / ``factor`` of its size, and how much of each is known."""
        smaller, width = [], hole.shape[1]
        for rows in bands(hole.shape, factor):
            lab, known = self._lab(pixels[rows], gray=gray), torch.from_numpy(~hole[rows])[None, None]
            planes = torch.cat((lab * known.to(lab), known.to(lab)), 1)
            smaller.append(nnf.avg_pool2d(nnf.pad(planes, (0, -width % factor, 0, -planes.shape[2] % factor)), factor))
        planes = torch.cat(smaller, 2)
        # Beyond a picture's end nothing is known.
        planes = nnf.pad(planes, (0, -planes.shape[3] % STEP, 0, -planes.shape[2] % STEP))
        return planes[:, :3] / planes[:, 3:].clamp_min(1e-6), planes[:, 3:]

    def _lab(self, pixels: np.ndarray, *, gray: bool) -> Float[Tensor, "1 3 h w"]:
        lab = to_lab(pixels, self.model.device)
        return torch.cat((lab[:, :1], torch.zeros_like(lab[:, 1:])), 1) if gray else lab


def levels_of(photo: Photo) -> np.ndarray:
    """A photograph's sRGB ``(H, W, 3)``, of 8 bits, or of the 16 that it has; not to be written to."""
    pixels = np.asarray(photo.picture)
    return pixels if photo.deep is None else np.broadcast_to(photo.deep.reshape(*pixels.shape[:2], -1), pixels.shape)


def in_8_bits(levels: np.ndarray) -> np.ndarray:
    """The nearest of 8 bits to levels of 8 or 16."""
    return levels if levels.dtype == np.uint8 else (levels // 257 + (levels % 257 > 128)).astype(np.uint8)


def to_lab(levels: np.ndarray, device: torch.device | None = None) -> Float[Tensor, "1 3 h w"]:
    """Levels ``(H, W, 3)`` of 8 or 16 bits in Lab."""
    planes = torch.from_numpy(np.float32(levels)).permute(2, 0, 1).contiguous().div_(np.iinfo(levels.dtype).max)
    return rgb_to_lab(planes[None].to(device))


def to_levels(lab: Float[Tensor, "1 3 h w"], kind: np.dtype) -> np.ndarray:
    """Lab as levels ``(H, W, 3)`` of 8 or 16 bits, within the sRGB gamut."""
    rgb = lab_to_rgb(fit_gamut(lab.clamp(-128, 128)))[0]
    return rgb.mul(np.iinfo(kind).max).round().permute(1, 2, 0).cpu().numpy().astype(kind)


def bands(shape: tuple[int, int], multiple: int = 1) -> Iterator[slice]:
    """Rows of a picture, as many at one time as have about a million pixels, a multiple of this."""
    rows = max(1, _BAND // shape[1] // multiple) * multiple
    return (slice(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows))


def _enlarge(small: Float[Tensor, "1 3 _ _"], window: Window, factor: int) -> Float[Tensor, "1 3 h w"]:
    """A window, that begins at a multiple of ``factor``, of what is ``factor`` times as large."""
    if factor > 1:
        first = [max(0, side.start // factor - 1) for side in window]
        rows, columns = (slice(f, -(-side.stop // factor) + 1) for f, side in zip(first, window, strict=True))
        small = nnf.interpolate(small[..., rows, columns], scale_factor=factor, mode="bilinear")
        window = tuple(slice(s.start - f * factor, s.stop - f * factor) for s, f in zip(window, first, strict=True))
    return small[(..., *window)]


def tiles(wanted: Bool[np.ndarray, "h w"], factor: int = 1, side: int = _TILE) -> Iterator[tuple[Window, Window]]:
    """Tiles of a picture that hold all that is wanted: each with its context, and the part of it that counts.

    A tile has up to ``side`` pixels a side at 1 / ``factor`` of the size. What counts lies 48 pixels inside, but at the
    picture's own borders, and no two tiles' parts overlap.
    """
    tile, context, (height, width) = side * factor, _CONTEXT * factor, wanted.shape
    left_over, rows = wanted.copy(), wanted.any(1)
    while rows.any():
        y = int(rows.argmax())
        x = int(left_over[y : y + tile - 2 * context].any(0).argmax())
        outer, inner = [], []
        for at, length in ((y, height), (x, width)):
            start = min(max(0, at - context), max(0, length - tile))
            end = min(start + tile, length)
            outer.append(slice(start, end))
            inner.append(slice(at, end if end == length else end - context))
        yield tuple(outer), tuple(inner)
        left_over[tuple(inner)] = False
        rows[inner[0]] = left_over[inner[0]].any(1)


def inside(outer: Window, inner: Window) -> Window:
    """Where a tile's part lies in the tile."""
    return tuple(slice(i.start - o.start, i.stop - o.start) for o, i in zip(outer, inner, strict=True))


def read_mask(mask: Source) -> Bool[np.ndarray, "h w"]:
    """Where a mask is white, or opaque where its color is plain; ImageError where it cannot be opened.

    The soft rim of a brush counts, for what shines through it is damage too; the faint noise of a JPEG does not.
    """
    if isinstance(mask, np.ndarray) and mask.dtype == bool and mask.ndim == 2:
        return mask
    return np.asarray(open_mask(mask)) > _RIM


def find_damage(picture: Source) -> Bool[np.ndarray, "h w"]:
    """Scratches, dust, hairs and tears of an old photograph, as :class:`.DamageFinder` sees them.

    What is sure counts, with what is likely and touches it, and a pixel around. Where the shorter side is over 1,600
    pixels a smaller copy is looked at. Thin things may pass for damage, and what is faint or wider than about 10 pixels
    is missed: look at the mask. ImageError where a picture cannot be opened, WeightsError without the finder's weights.
    """
    opened = open_picture(picture)
    scale = min(1, _FINEST / min(opened.size))
    pixels = np.asarray(opened.resize([round(scale * side) for side in opened.size], Image.Resampling.BOX))
    seen, finder = np.empty(pixels.shape[:2], np.float32), load_damage_finder()
    with torch.inference_mode():
        for outer, inner in tiles(np.ones(seen.shape, bool), side=2 * _TILE):
            seen[inner] = finder(to_lab(pixels[outer])[:, :1])[0, 0].numpy()[inside(outer, inner)]
    parts, count = ndimage.label(seen > _LIKELY, np.ones((3, 3)))
    found = np.zeros(count + 1, bool)
    found[parts[seen > _SURE]] = True
    found &= np.bincount(parts.ravel(), minlength=count + 1) >= _SMALLEST
    mask = Image.fromarray(ndimage.binary_dilation(found[parts], np.ones((3, 3))))
    return np.asarray(mask.resize(opened.size, Image.Resampling.NEAREST))
