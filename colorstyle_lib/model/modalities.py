"""Color, texture and shape of a picture: three descriptions, each made to see one thing only.

The paper's sections 2(2) and 3(3) name the modalities and leave open what they measure. Here they are fixed
measurements without learned weights, so that what attention weighs can be looked at and tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Bool, Float
from torch import Tensor, nn

from colorstyle_lib.errors import ConfigError, check_known

MODALITIES = ("color", "texture", "shape")
REDUCTION = 8  # a modality's map has one place for each cell of this many pixels squared
SCALES = 3  # texture and shape are measured at 1/1, 1/2 and 1/4 of the size
ORIENTATIONS = 4  # texture is measured in so many directions
_RINGS = ((0.0, 1), (20.0, 6), (45.0, 10), (80.0, 12))  # chroma, hues: finer near gray, where most pixels lie
# Centers in the ab plane that pixels are softly assigned to.
PALETTE = tuple(
    (chroma * math.cos(2 * math.pi * i / hues), chroma * math.sin(2 * math.pi * i / hues))
    for chroma, hues in _RINGS
    for i in range(hues)
)
_PALETTE_WIDTH = 12.0  # standard deviation of a centre's reach, Lab units

MAP_CHANNELS = {"color": len(PALETTE) + 3, "texture": SCALES * ORIENTATIONS + 2, "shape": SCALES * 5}
VECTOR_SIZES = {"color": len(PALETTE) + 5, "texture": SCALES * ORIENTATIONS * 2 + 2, "shape": SCALES * 10}

# Below these a picture does not have the modality. A just noticeable color difference is about 2.3 Lab units
# (M. Mahy et al., Color Research & Application 19(2), 1994); one 8-bit step of gray is about 0.4 in L.
_LEAST_CHROMA = 1.0  # root mean square over the pixels known
_LEAST_CONTRAST = 0.1  # root mean square response, L units


class Modalities(NamedTuple):
    """Descriptions by :func:`describe`, one entry for each of :data:`MODALITIES` in that order, float32."""

    vectors: tuple[Tensor, ...]  # (N, VECTOR_SIZES[name]), the whole picture
    maps: tuple[Tensor, ...]  # (N, MAP_CHANNELS[name], H / 8, W / 8), place by place
    present: Tensor  # (N, 3) bool; where it is False, vector and map are exactly 0

    def without(self, *names: str) -> Modalities:
        """The same, with some modalities absent; a ConfigError where there is no such modality."""
        for name in names:
            check_known("modality", name, MODALITIES)
        flags = zip(MODALITIES, self.present.unbind(1), strict=True)
        present = torch.stack([torch.zeros_like(p) if name in names else p for name, p in flags], dim=1)
        return _only_present(self.vectors, self.maps, present)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Modalities:
        return Modalities(tuple(map(change, self.vectors)), tuple(map(change, self.maps)), change(self.present))

    def pick(self, chosen: Tensor) -> Modalities:
        """The chosen images' alone: by flags, or by their numbers, any of them several times."""
        return self._each(lambda values: values[chosen])

    def spread(self, rows: Bool[Tensor, " n"]) -> Modalities:
        """The reverse of :meth:`pick`: these images at their places among all, which have nothing."""
        return self._each(lambda values: _spread(values, rows))

    def detach(self) -> Modalities:
        """The same, without a gradient."""
        return self._each(Tensor.detach)


def _only_present(vectors: tuple[Tensor, ...], maps: tuple[Tensor, ...], present: Tensor) -> Modalities:
    """Set what is absent to exactly 0, in value and in gradient."""
    flags = present.unbind(1)
    vectors = tuple(torch.where(p[:, None], v, 0.0) for p, v in zip(flags, vectors, strict=True))
    maps = tuple(torch.where(p[:, None, None, None], m, 0.0) for p, m in zip(flags, maps, strict=True))
    return Modalities(vectors, maps, present)


def _spread(values: Tensor, rows: Bool[Tensor, " n"]) -> Tensor:
    """0 everywhere but in these rows."""
    return values.new_zeros(len(rows), *values.shape[1:]).index_put((rows,), values)


Lab, Known = Float[Tensor, "n 3 h w"], Bool[Tensor, "n 1 h w"] | None


def describe(lab: Lab, known_lightness: Known = None, known_color: Known = None) -> Modalities:
    """Describe pictures by color, texture and shape (the paper's sections 2(2) and 3(3)).

    :class:`ModalityEncoder` says what each measures. A modality is present where enough is known and there is something
    to see: color from a root mean square chroma of 1 Lab unit, texture and shape from a root mean square response of
    0.1 in L. A gray picture has no color, a flat one neither texture nor shape.

    >>> describe(torch.full((1, 3, 8, 8), 50.0)).present  # one flat color
    tensor([[ True, False, False]])

    L is in [0, 100], a and b in about [-110, 110]; where they are not known (everywhere they are, if nothing is given),
    values make no difference. What comes out is float32 whatever the input or autocast, and differentiable in ``lab``.
    ConfigError: a side is no multiple of 8.
    """
    return ModalityEncoder().to(lab.device)(lab, known_lightness, known_color)


class ModalityEncoder(nn.Module):
    """The three descriptions of a batch. Filters, no weights: nothing enters a state dict.

    **color** reads only a and b: a soft histogram over :data:`PALETTE` (shares that sum to 1), the mean of a, b and
    chroma; the vector also has the standard deviations of a and b. Its pixels may come in any order.

    **texture** reads only L: at three scales and four orientations the local amplitude of a Gabor pair (the root of its
    second moment over a cell, as ``log(1 + amplitude)``); the mean and standard deviation of L. The vector has each
    amplitude's mean and its unevenness over the picture. It grows with contrast.

    **shape** reads only L, in units of the picture's own mean squared gradient: at three scales the share of edges,
    ``g^2 / (g^2 + mean g^2)``, and the structure tensor's coherence in four directions (J. Bigün and G. Granlund, ICCV
    1987). The vector has means and standard deviations. ``p L + q`` is L to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("palette", torch.tensor(PALETTE), persistent=False)
        self.register_buffer("filters", _filter_bank(), persistent=False)
        tap = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("blur", (tap[:, None] * tap)[None, None], persistent=False)

    def forward(
        self, lab: Lab, known_lightness: Known = None, known_color: Known = None, measured: Modalities | None = None
    ) -> Modalities:
        """See :func:`describe`; texture and shape are ``measured``'s, where those of the same L are known."""
        if lab.shape[-1] % REDUCTION or lab.shape[-2] % REDUCTION:
            raise ConfigError(f"modalities want sides that are multiples of {REDUCTION}, not {tuple(lab.shape[-2:])}")
        # bf16 would lose the squares of small numbers. Entered only where needed: exporters dislike it.
        if torch.is_autocast_enabled(lab.device.type):
            with torch.autocast(lab.device.type, enabled=False):
                return self(lab.float(), known_lightness, known_color, measured)
        lab = lab.float()
        light, color = (None if known is None else known.float() for known in (known_lightness, known_color))
        if measured is None:
            of_lightness = self._texture_and_shape(lab[:, :1], light)
        else:
            of_lightness = [*zip(measured.vectors, measured.maps, measured.present.unbind(1), strict=True)][1:]
        vectors, maps, present = zip(self._color(lab[:, 1:], color), *of_lightness, strict=True)
        return _only_present(vectors, maps, torch.stack(present, dim=1))

    def _color(self, ab: Tensor, known: Tensor | None) -> tuple[Tensor, ...]:
        # Most pictures of a training are gray. A branch on values cannot be compiled or exported.
        if known is not None and not torch.compiler.is_compiling() and not (rows := known.flatten(1).any(1)).all():
            return tuple(_spread(values, rows) for values in self._color(ab[rows], known[rows]))
        pixels = _by_cell(ab)
        # softmax over -|ab - c|^2 / 2 s^2, without the term |ab|^2 that all centres share. Nothing has to be taken off
        # for safety: gray's own exponent is 0, and no a and b up to 128 bring one near 88, where exp would overflow.
        own, shared = self.palette.square().sum(1) / (-2 * _PALETTE_WIDTH**2), self.palette.T / _PALETTE_WIDTH**2
        nearer = torch.addmm(own, pixels.clamp(-128, 128).flatten(0, -2), shared)
        likely = nearer.exp_().view(*pixels.shape[:-1], len(self.palette))
        squares = (pixels / 110).square()
        chroma = (squares.sum(-1, keepdim=True) + 1e-9).sqrt()
        weight = pixels.new_ones(1, 1, 1, 1, REDUCTION**2) if known is None else _by_cell(known).mT
        weight = weight.expand(*pixels.shape[:3], 1, -1)
        # Sums over each cell; the last plane counts its known pixels.
        each = torch.cat((pixels / 110, chroma, squares, torch.ones_like(chroma)), -1)
        shares = (weight / likely.sum(-1)[..., None, :]) @ likely
        sums = torch.cat((shares, weight @ each), -1).squeeze(-2).permute(0, 3, 1, 2)
        sums, count = sums[:, :-1], sums[:, -1:]
        places = sums / count.clamp_min(1)
        whole = sums.sum((-2, -1)) / count.sum((-2, -1)).clamp_min(1)
        spread = _root(whole[:, -2:] - whole[:, -5:-3].square())
        present = whole[:, -2:].sum(1) * 110**2 > _LEAST_CHROMA**2
        return torch.cat((whole[:, :-2], spread), dim=1), places[:, :-2], present

    def _texture_and_shape(self, lightness: Tensor, known: Tensor | None) -> list[tuple[Tensor, ...]]:
        tones = torch.cat((lightness / 100, (lightness / 100).square()), 1)
        (mean, square), tone = (t.chunk(2, dim=1) for t in _Cells(known, REDUCTION).means(tones))
        textures, shapes = [torch.cat((mean, _root(square - mean.square())), 1)], []
        texture_vectors, shape_vectors = [torch.cat((tone[0], _root(tone[1] - tone[0].square())), 1)], []
        contrast, slope = [], []
        for scale in range(SCALES):
            # Only pixels whose whole neighbourhood is known count: the rim of a hole is no edge.
            cells = _Cells(_all_known(known, 7, 1), REDUCTION // 2**scale)
            responses = nnf.conv2d(nnf.pad(lightness, (3, 3, 3, 3), mode="replicate"), self.filters)
            waves, gradient = responses.split((2 * ORIENTATIONS, 2), dim=1)
            even, odd = waves.square().chunk(2, dim=1)
            energy, whole = cells.means(even + odd)
            contrast.append(whole.sum(1))
            textures.append(torch.log1p(_root(energy)))
            texture_vectors += cells.moments(textures[-1])
            shapes.append(_directions(gradient, cells))
            shape_vectors += cells.moments(shapes[-1])
            slope.append(cells.means(gradient.square())[1].sum(1))
            if scale + 1 < SCALES:
                lightness = nnf.conv2d(nnf.pad(lightness, (1, 1, 1, 1), mode="replicate"), self.blur, stride=2)
                known = _all_known(known, 4, 2)
        return [
            (torch.cat(vectors, 1), torch.cat(maps, 1), torch.stack(seen).amax(0) > _LEAST_CONTRAST**2)
            for vectors, maps, seen in ((texture_vectors, textures, contrast), (shape_vectors, shapes, slope))
        ]


def _filter_bank() -> Float[Tensor, "filters 1 7 7"]:
    """``(2 * ORIENTATIONS + 2, 1, 7, 7)``: Gabor pairs (even, then odd), then a Gaussian's slopes.

    A Gabor pair is one wave of 4 pixels under a Gaussian of 1.6 (J. Daugman, JOSA A 2(7), 1985). Even and odd squared
    and summed do not depend on where in its wave a pattern starts. All are blind to a constant, the pairs also to an
    even slope, which is shading and no texture.
    """
    axis = torch.arange(-3.0, 4.0, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    gaussian = torch.exp(-(x.square() + y.square()) / (2 * 1.6**2))
    even, odd = [], []
    for k in range(ORIENTATIONS):
        angle = math.pi * k / ORIENTATIONS
        along = x * math.cos(angle) + y * math.sin(angle)
        phase = 2 * math.pi / 4 * along
        for pair, wave, blind_to in ((even, phase.cos(), torch.ones_like(x)), (odd, phase.sin(), along)):
            wave = gaussian * wave
            wave = wave - gaussian * blind_to * (wave * blind_to).sum() / (gaussian * blind_to.square()).sum()
            pair.append(wave / wave.abs().sum())
    narrow = torch.exp(-(x.square() + y.square()) / 2)
    slopes = [across * narrow / (across.square() * narrow).sum() for across in (x, y)]  # a ramp of slope 1 answers 1
    return torch.stack([*even, *odd, *slopes])[:, None].float()


class _Cells:
    """Means over the known pixels (all, where known is None): of each cell, and of the whole picture."""

    def __init__(self, known: Tensor | None, size: int) -> None:
        self.known, self.size = known, size
        self.share = None if known is None else nnf.avg_pool2d(known, size)  # (N, 1, h, w)

    def means(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, C, h, w)`` of each cell, 0 where none of it is known, and ``(N, C)`` of all."""
        if self.share is None:
            cells = nnf.avg_pool2d(planes, self.size)
            return cells, cells.mean((-2, -1))
        sums = nnf.avg_pool2d(planes * self.known, self.size)
        return sums / self.share.clamp_min(1e-6), sums.sum((-2, -1)) / self.share.sum((-2, -1)).clamp_min(1e-6)

    def moments(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over the picture of values that each cell has, and their standard deviation."""
        share = torch.ones_like(cells[:, :1]) if self.share is None else self.share
        total = share.sum((-2, -1)).clamp_min(1e-6)
        mean, square = ((c * share).sum((-2, -1)) / total for c in (cells, cells.square()))
        return mean, _root(square - mean.square())


def _root(x: Tensor) -> Tensor:
    """Square root with a finite slope at 0, and exactly 0 there."""
    return (x.clamp_min(0) + 1e-6).sqrt() - 1e-3


def _by_cell(planes: Tensor) -> Tensor:
    """``(N, C, H, W)`` to ``(N, h, w, 64, C)``: a cell's pixels side by side, which a CPU walks faster."""
    n, c, h, w = planes.shape
    cells = planes.view(n, c, h // REDUCTION, REDUCTION, w // REDUCTION, REDUCTION)
    return cells.permute(0, 2, 4, 3, 5, 1).reshape(n, h // REDUCTION, w // REDUCTION, REDUCTION**2, c)


def _all_known(known: Tensor | None, size: int, stride: int) -> Tensor | None:
    """Where a whole window of ``size`` pixels is known; beyond the rim counts as known."""
    return None if known is None else -nnf.max_pool2d(-known, size, stride, (size - 1) // 2)


def _directions(gradient: Tensor, cells: _Cells) -> Tensor:
    """``(N, 5, h, w)`` in [0, 1]: share of edges, then how clearly they stand upright, lie, rise and fall."""
    gx, gy = gradient.chunk(2, dim=1)
    strength = gx.square() + gy.square()
    usual = cells.means(strength)[1][..., None, None] + 1e-6
    planes = torch.cat((strength / (strength + usual), gx.square() - gy.square(), 2 * gx * gy, strength), 1)
    edges, difference, cross, energy = cells.means(planes)[0].split(1, dim=1)
    # Angles are doubled, so that a gradient and its opposite are one direction. Faint places count less.
    doubled = torch.cat((difference, -difference, cross, -cross), 1) / (energy + 0.1 * usual)
    return torch.cat((edges, doubled.relu()), dim=1)


def likeness(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 _ c"]:
    """Unit vectors of places, whose products say how similar two places are, from any planes that describe them.

    Each channel counts against its own picture's usual value and spread: brightness or contrast alone make no likeness.
    """
    planes = planes.float().flatten(2)
    centred = planes - planes.mean(2, keepdim=True)
    scaled = centred / (centred.square().mean(2, keepdim=True) + 1e-6).sqrt()
    return nnf.normalize(scaled, dim=1).mT[:, None]


def match_reference(
    reference: Modalities,
    content: Modalities,
    *,
    alike: tuple[Tensor, Tensor] | None = None,
    known: Known = None,
    sharpness: float = 10.0,
    nearness: float = 0.0,
    least: float | None = None,
) -> Modalities:
    """Carry a reference's maps to the content's places and size: each takes what similar places of the reference have.

    Similar by cosine, as a softmax over the reference's places; the idea is M. He et al.'s (SIGGRAPH 2018,
    arXiv:1807.06587). Vectors and presence stay. Where the content knows no L, every place takes the average.

    ``alike`` are unit vectors ``(N, 1, places, channels)`` of the content's and the reference's places that say what is
    similar, by default their texture and shape (:func:`likeness`). The softmax, of some ``sharpness`` (0 averages), is
    over the reference's ``known`` cells, by default all; where an image has none its maps are 0. Where both are one
    picture, ``nearness`` is taken off the exponent for the longer side's length, growing with the distance's square. A
    likeness of ``least`` competes with the places' and gives 0: what is unlike all of them takes little.
    """
    query, key = alike or (likeness(torch.cat(m.maps[1:], 1)) for m in (content, reference))
    size = content.maps[0].shape[-2:]
    values, added = torch.cat(reference.maps, dim=1).flatten(2).mT[:, None], None  # added to the exponents
    if known is not None:
        cells = known.flatten(2)[:, :, None]  # (N, 1, 1, places)
        values = values * cells.mT
        # Where nothing is known all may give, and what they give is 0: a softmax over nothing is no number.
        giving = cells | ~cells.any(-1, keepdim=True)
        added = torch.zeros_like(giving, dtype=query.dtype).masked_fill(~giving, -torch.inf)
    if nearness:
        longer = torch.sym_max(*size)  # max() would fix in an export which side that is
        axes = (torch.arange(side, device=query.device, dtype=values.dtype) / longer for side in size)
        places = torch.cartesian_prod(*axes)
        far = -nearness * (places[:, None] - places).square().sum(-1)[None, None]
        added = far if added is None else far + added
    if least is not None:
        # One more place, at no angle to any: its exponent is the mask's alone.
        key, values = (nnf.pad(t, (0, 0, 0, 1)) for t in (key, values))
        added = query.new_zeros(1, 1, 1, key.shape[2] - 1) if added is None else added
        added = nnf.pad(added, (0, 1), value=least * sharpness)
    carried = nnf.scaled_dot_product_attention(query, key, values, attn_mask=added, scale=sharpness)
    planes = carried[:, 0].mT.unflatten(2, tuple(size)).split([m.shape[1] for m in reference.maps], dim=1)
    return Modalities(reference.vectors, tuple(planes), reference.present)
