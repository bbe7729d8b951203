"""The generator: what is known of a picture goes in, its ab planes come out (the paper's section 3(1)).

Multi-modal attention (section 3(3), equation (2)) steers its decoder by the picture's and a reference's modalities.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from colorstyle_lib.config import ATTENTIONS, GeneratorConfig, change
from colorstyle_lib.errors import ConfigError, WeightsError, check_known, require
from colorstyle_lib.files import atomic_write, file_hash
from colorstyle_lib.model.attention import MultiModalAttention, Override, zero_init
from colorstyle_lib.model.color_bins import ab_bins, ab_spread, annealed_mean
from colorstyle_lib.model.content import AB_RANGE, CONTENT_PLANES, fill_thin_plate, gray_content
from colorstyle_lib.model.encoders import ConvolutionEncoder, PretrainedEncoder, double_convolution
from colorstyle_lib.model.guided_filter import smooth_where_unsure
from colorstyle_lib.model.modalities import REDUCTION, Modalities, ModalityEncoder, likeness, match_reference
from colorstyle_lib.model.repair_decoder import RepairDecoder, Repaired
from colorstyle_lib.model.scene_generator import SceneGenerator
from colorstyle_lib.model.style_decoder import Maps, Pictures, Strength, StyleCode, StyleDecoder, encode_style

Content = Float[Tensor, "n 5 h w"]  # from content_planes
Noise = Float[Tensor, "n d"] | None

_NOISE_SIDE = 4  # z says something of each of 4 x 4 regions: where there is no content, places need a difference
_LEAST_LIKENESS = 0.25  # cosine below which a place rather takes nothing from a hint
_NEARNESS = 5.0  # a hint half a picture away must lie in a place rather more alike than one nearby
_FULL_GAIN = 15.0  # Lab units: where colors differ by more, chroma is added as if by this
_UNREAD = "num_batches_tracked"  # counts steps of batch norm; nothing reads it
_RETIRED = ("lightness", "light.")  # a setting and weights of files written before there was a repair decoder


class Reference(NamedTuple):
    """A described color picture."""

    described: Modalities
    alike: Tensor  # (N, 1, places, channels), what its places look like, for :func:`.match_reference`
    rows: Tensor | None = None  # (contents,) bool, which of the contents have it, where only some do


class Measured(NamedTuple):
    """What the parts of a generator that do not learn say of color pictures: it may be kept and used again."""

    maps: list[Tensor]  # of the encoder, from L alone
    described: Modalities


class Encoded(NamedTuple):
    """The encoder's half of the work, the same for every z."""

    content: Tensor
    maps: list[Tensor]
    own: Modalities | None  # the content's; None where nothing steers
    offered: Modalities | None  # the reference's, at the content's places

    def pick(self, chosen: Tensor) -> Encoded:
        """The chosen images' alone: by flags, or by their numbers, any of them several times."""
        own, offered = (m.pick(chosen) if m is not None else None for m in (self.own, self.offered))
        return Encoded(self.content[chosen], [m[chosen] for m in self.maps], own, offered)


class Generator(nn.Module):
    """Encoder, then a decoder that doubles the size level by level and looks back at the encoder's maps (U-Net:
    O. Ronneberger et al., MICCAI 2015, arXiv:1505.04597). A ConfigError for parts or levels that do not exist.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        check_known("encoder", config.encoder, ("convolutions", "efficientnet_lite0"))
        check_known("colors", config.colors, ("bins", "regression"))
        check_known("attention", config.attention, ATTENTIONS)
        self.config = config
        pretrained = config.encoder == "efficientnet_lite0"
        self.encoder: nn.Module = PretrainedEncoder() if pretrained else ConvolutionEncoder(config)
        self._sharpness = 20.0 if pretrained else 10.0
        channels = self.encoder.channels
        self.step = 2 ** len(channels)  # what the sides must be multiples of
        widths = [min(config.width * 2**i, config.max_width) for i in range(len(channels))]
        self.bottom = nn.Sequential(nn.Conv2d(channels[-1], widths[-1], 1, bias=False), nn.BatchNorm2d(widths[-1]))
        # The finest level also sees the content itself, four pixels folded into one: hints and masks survive exactly.
        skips = [channels[0] + 4 * CONTENT_PLANES, *channels[1:-1]]
        # Level by level from coarse to fine: what comes from below, beside the encoder's map of the same size.
        self.decoder = nn.ModuleList(
            double_convolution(widths[i + 1] + skips[i], widths[i]) for i in reversed(range(len(channels) - 1))
        )
        self.describe = ModalityEncoder()
        levels = {2 ** (i + 1): width for i, width in enumerate(widths[:-1])}
        steered = () if config.attention == "none" else config.attention_at
        if unknown := set(steered) - set(levels):
            raise ConfigError(f"no decoder level at 1/{min(unknown)}; there are {', '.join(f'1/{n}' for n in levels)}")
        options = {"modalities": config.modalities, "plain": config.attention == "plain"}
        self.steering = nn.ModuleDict({str(at): MultiModalAttention(levels[at], **options) for at in steered})
        if config.noise:
            # Starts at 0: a generator that learned without z goes on from what it knew.
            self.from_noise = zero_init(nn.Linear(config.noise, widths[-1] * _NOISE_SIDE**2, bias=False))
        if config.restyling:
            self.restyling = StyleDecoder(config.restyling, channels)
        if config.repairing:
            self.repairing = RepairDecoder(config.repairing)
        if config.scenes:
            self.scenes = SceneGenerator(config.scenes)
        if config.colors == "bins":
            self.head = nn.Sequential(nn.Conv2d(widths[0], 64, 1), nn.ReLU(), nn.Conv2d(64, len(ab_bins()), 1))
        else:
            self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(
        self, content: Content, reference: Reference | None = None, z: Noise = None, *, override: Override = None
    ) -> Float[Tensor, "n 2 h w"]:
        """Predict a and b, Lab units within [-110, 110]. L is not among the outputs: it stays the input's.

        Color, texture and shape of a ``reference``, from :meth:`describe_reference`, join the content's own, carried to
        the places that look alike. ``z`` is noise, one vector an image; without it the generator answers with its
        most usual coloring. ConfigError: a side is no multiple of ``2 ** depth``.
        """
        return self.colors(self.forward_features(content, reference, z, override=override)[0], content)

    def forward_features(
        self, content: Content, reference: Reference | None = None, z: Noise = None, *, override: Override = None
    ) -> tuple[Float[Tensor, "n c h/2 w/2"], dict[str, Float[Tensor, "n m _ _"]]]:
        """Features at half the size, from which the head reads colors, and alpha by level (``"8"``: at 1/8)."""
        return self.decode(self.encode(content, reference), z, override=override)

    def encode(self, content: Content, reference: Reference | None = None, measured: Measured | None = None) -> Encoded:
        """Encode a content and what steers its decoding; ``measured`` is :meth:`measure`'s of these pictures."""
        if content.shape[-1] % self.step or content.shape[-2] % self.step:
            size = tuple(content.shape[-2:])
            raise ConfigError(f"the generator wants sides that are multiples of {self.step}, not {size}")
        maps = measured.maps if measured else self.encoder(content)
        described = measured.described if measured else None
        own = self.describe_content(content, maps, described) if self.steering else None
        if own is None or reference is None:
            return Encoded(content, maps, own, None)
        rows = reference.rows  # contents without a reference get nothing
        mine, at = (own, maps) if rows is None else (own.pick(rows), [m[rows] for m in maps])
        alike = (self._likeness(mine, at), reference.alike)
        offered = match_reference(reference.described, mine, alike=alike, sharpness=self._sharpness)
        return Encoded(content, maps, own, offered if rows is None else offered.spread(rows))

    def decode(
        self, encoded: Encoded, z: Noise = None, *, override: Override = None
    ) -> tuple[Float[Tensor, "n c _ _"], dict[str, Float[Tensor, "n m _ _"]]]:
        """Decode to what :meth:`forward_features` returns."""
        *skips, x = encoded.maps
        folded = nnf.pixel_unshuffle(encoded.content, 2)
        if folded.dtype != skips[0].dtype:  # else all of the largest map would be converted
            folded = folded.to(skips[0].dtype, memory_format=torch.channels_last)
        skips[0] = torch.cat((skips[0], folded), dim=1)
        x = self.bottom(x)
        if z is not None and self.config.noise:
            regions = self.from_noise(z).unflatten(1, (-1, _NOISE_SIDE, _NOISE_SIDE))
            x = x + nnf.interpolate(regions, size=x.shape[-2:], mode="bilinear")
        alphas = {}
        for i, (block, skip) in enumerate(zip(self.decoder, reversed(skips), strict=True)):
            x = block(torch.cat((nnf.interpolate(x, scale_factor=2, mode="nearest"), skip), dim=1))
            level = str(2 ** (len(skips) - i))
            if encoded.own is not None and level in self.steering:
                x, alphas[level] = self.steering[level](x, encoded.own, encoded.offered, override=override)
        return x, alphas

    def colors(self, features: Float[Tensor, "n c _ _"], content: Content | None = None) -> Float[Tensor, "n 2 _ _"]:
        """a and b from features at half the size; with a content, and if so configured, smoothed along its edges."""
        return self.colors_and_spread(features, content, wanted=False)[0]

    def colors_and_spread(
        self, features: Float[Tensor, "n c _ _"], content: Content | None = None, *, wanted: bool = True
    ) -> tuple[Float[Tensor, "n 2 _ _"], Float[Tensor, "n 1 _ _"] | None]:
        """:meth:`colors`, and where ``wanted`` the spread of those held possible, Lab units; None for regression."""
        prediction, config, spread = self.head(features), self.config, None
        if config.colors == "bins":
            ab = annealed_mean(prediction, temperature=config.temperature, vividness=config.vividness)
            if wanted or config.gain or config.smoothing:
                spread = ab_spread(prediction)
            if config.gain:  # where it is sure, as at a hint, nothing is added
                ab = ab * (1 + config.gain * spread.clamp(max=_FULL_GAIN))
            if config.smoothing and content is not None:
                light = 100 * nnf.avg_pool2d(content[:, :1].float(), 2)
                ab = smooth_where_unsure(ab, spread, light, config.smoothing)
        else:
            ab = AB_RANGE * torch.tanh(prediction.float())
        # Chroma is smooth where L is sharp: half the size is enough, as JPEG's 4:2:0 has long assumed.
        enlarge = partial(nnf.interpolate, scale_factor=2, mode="bilinear")
        return enlarge(ab), None if spread is None else enlarge(spread)

    def repair(
        self, lab: Pictures, unknown: Float[Tensor, "n 1 h w"], *, override: Override = None
    ) -> tuple[Pictures, Repaired]:
        """Pictures in Lab, holes filled by :func:`.fill_thin_plate`, and what :class:`.RepairDecoder` would change.

        ``unknown`` is 1 in holes, 0 elsewhere; a ConfigError where these weights cannot repair.
        """
        if not self.config.repairing:
            raise ConfigError("these weights only color: repairing needs a generator with repairing levels")
        known = unknown < 0.5
        filled = fill_thin_plate(lab, known)
        return filled, self.repairing(filled, unknown, self.describe(filled, known, known), override=override)

    def restyle(
        self, rgb: Pictures, maps: Maps, style: StyleCode, strength: Strength = None, *, override: Override = None
    ) -> tuple[Pictures, Float[Tensor, "n 3 _ _"]]:
        """Redraw in a style, as :meth:`.StyleDecoder.forward` does; a ConfigError where these weights cannot."""
        if not self.config.restyling:
            raise ConfigError("these weights only color: another look needs a generator with restyling levels")
        return self.restyling(rgb, maps, style, strength, override=override)

    def describe_style(self, lab: Float[Tensor, "n 3 h2 w2"]) -> StyleCode:
        """Describe a style picture, of any size as in :meth:`describe_reference`."""
        return encode_style(self.describe(lab), self.encoder(gray_content(lab[:, :1]), StyleDecoder.encoder_levels))

    def describe_reference(self, lab: Float[Tensor, "n 3 h2 w2"]) -> Reference:
        """Describe a color picture of any size whose sides are multiples of ``2 ** depth`` and of 8."""
        return self.as_reference(self.measure(lab))

    def measure(self, lab: Float[Tensor, "n 3 h w"]) -> Measured:
        """Compute what does not depend on weights that learn; sizes as in :meth:`describe_reference`."""
        maps = self.encoder(gray_content(lab[:, :1])) if isinstance(self.encoder, PretrainedEncoder) else []
        return Measured(maps, self.describe(lab))

    def as_reference(self, measured: Measured) -> Reference:
        """A measured picture as a reference."""
        return Reference(measured.described, self._likeness(measured.described, measured.maps))

    def describe_content(self, content: Content, maps: list[Tensor], described: Modalities | None = None) -> Modalities:
        """Describe the picture itself, with the encoder's maps of it: a grayscale photograph has no color.

        ``described`` is the description of the color picture whose L all of the content knows, where there is one.
        """
        scale = content.new_tensor([100, AB_RANGE, AB_RANGE]).view(3, 1, 1)
        known = content[:, 3:] > 0.5
        described = self.describe(content[:, :3] * scale, known[:, :1], known[:, 1:], described)
        cells = nnf.max_pool2d(known[:, 1:].float(), REDUCTION) > 0
        # Without hints the rest changes nothing. A branch on values cannot be compiled or exported: all is computed.
        if torch.compiler.is_compiling():
            color = self._spread_hints(described, maps, cells)
        else:
            hinted = known[:, 1:].flatten(1).any(1) & ~known[:, 1:].flatten(1).all(1)
            if not bool(hinted.any()):
                return described
            spread = self._spread_hints(described.pick(hinted), [m[hinted] for m in maps], cells[hinted])
            color = described.maps[0].index_put((hinted,), spread)
        return described._replace(maps=(color, *described.maps[1:]))

    def _spread_hints(self, described: Modalities, maps: list[Tensor], cells: Tensor) -> Tensor:
        """The color map, where a hint says little of where it stands and much of what looks like that place."""
        alike = (self._likeness(described, maps),) * 2
        limits = {"known": cells, "nearness": _NEARNESS, "least": _LEAST_LIKENESS}
        carried = match_reference(described, described, alike=alike, **limits)
        return torch.where(cells, described.maps[0], carried.maps[0])

    def _likeness(self, described: Modalities, maps: list[Tensor]) -> Tensor:
        """By what a place of one picture is found in another: pretrained features, else texture and shape."""
        if isinstance(self.encoder, PretrainedEncoder):
            return self.encoder.likeness(maps)
        return likeness(torch.cat(described.maps[1:], dim=1))

    def train(self, mode: bool = True) -> Generator:
        """Switch to training; what is frozen stays in evaluation mode."""
        super().train(mode)
        for part in self.children():
            if not any(w.requires_grad for w in part.parameters()):
                part.eval()
        return self


def save_generator(generator: Generator, path: Path, **facts: str) -> str:
    """Write a generator's weights in half precision to a ``.safetensors`` file, replaced whole or not at all.

    Its configuration goes inside, with facts such as the preset; equal ones give equal files. Returns the SHA-256.
    """
    tensors = {
        name: (value.detach().to("cpu", torch.float16) if value.is_floating_point() else value.cpu()).contiguous()
        for name, value in generator.state_dict().items()
        if not name.endswith(_UNREAD)
    }
    content = save(tensors, {"generator": json.dumps(asdict(generator.config)), **facts})
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))  # safetensors' own order is random
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as stream:
        stream.write(len(text).to_bytes(8, "little") + text + content[8 + size :])
    return file_hash(path)


def load_generator(path: Path, *, expected_hash: str | None = None) -> Generator:
    """Build the generator that a file of :func:`save_generator` describes (evaluation mode, float32, CPU).

    WeightsError: the file is missing, damaged, not ours, or has another SHA-256 than expected.
    """
    require(path.is_file(), f"no weights at {str(path)!r}; train some with: colorstyle train", WeightsError)
    if expected_hash is not None and file_hash(path) != expected_hash:
        raise WeightsError(f"{path.name} is not the file its card describes (SHA-256 differs); get it again")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = [name for name in file.keys() if not name.startswith(_RETIRED)]  # noqa: SIM118
            tensors = {name: file.get_tensor(name) for name in names}
        stored = json.loads(metadata["generator"]).items()  # JSON knows no tuples
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in stored if k not in _RETIRED}
        generator = Generator(change(GeneratorConfig(), **settings))
        missing, unknown = generator.load_state_dict(tensors, strict=False)
    except (SafetensorError, KeyError, json.JSONDecodeError, ConfigError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{path.name} holds no generator of this version of colorstyle: {reason}") from error
    if wrong := [*(name for name in missing if not name.endswith(_UNREAD)), *unknown]:
        raise WeightsError(f"{path.name} does not fit this version of colorstyle: {wrong[0]!r} differs")
    if not all(weight.isfinite().all() for weight in generator.state_dict().values()):
        raise WeightsError(f"{path.name} holds weights that are no numbers; train or get it again")
    return generator.float().eval().requires_grad_(False)
