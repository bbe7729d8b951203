"""What the frozen encoder says of fixed windows, computed once and kept on disk."""

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.model.encoders import PretrainedEncoder
from colorstyle_lib.model.generator import Generator, Measured
from colorstyle_lib.model.modalities import Modalities


class KeptMaps:
    """Encoder maps and descriptions of the fixed windows of batches, in one memory-mapped file of bfloat16 records.

    A record (0.26 MB at 128 px) is written when its window is first drawn, and read from then on; so a run needs no
    pass over the images before it, and the next run over the same images starts with all that the last one computed.
    In ``folder`` is a file for each set of images, windows and encoder; any of them can be deleted. ConfigError: the
    encoder learns, or the windows change. DataError: the disk has no room.
    """

    def __init__(self, folder: Path, batches: Batches, generator: Generator) -> None:
        if not (batches.fixed and isinstance(generator.encoder, PretrainedEncoder)):
            raise ConfigError("maps can be kept of fixed windows by a frozen encoder alone, such as companion's")
        crop, store = batches.crop, batches.store
        with torch.no_grad():
            sample = _flat(generator.measure(torch.zeros(1, 3, crop, crop)))
        self._shapes = [part.shape[1:] for part in sample]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        # Windows are numbered one set after the other, so that more of them go on where fewer ended.
        facts = (crop, batches.covers, batches.seed, len(store), *store.names, *self._shapes)
        key = hashlib.sha256(repr(facts).encode())
        for weights in generator.encoder.state_dict().values():
            key.update(weights.cpu().contiguous().numpy().tobytes())
        path = folder / f"{key.hexdigest()[:16]}.bf16"
        shape = (batches.fixed * len(store), sum(self._sizes))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._records = _memory_map(path, np.int16, shape)
            self._ready = _memory_map(path.with_suffix(".ready"), np.uint8, shape[:1])
        except OSError as error:
            raise DataError(
                f"no room for {2e-9 * math.prod(shape):.0f} GB of maps in {str(folder)!r}: {error}"
            ) from error

    def touch(self, numbers: Int[Tensor, "..."]) -> None:
        """Read these windows' records into the system's cache, in a thread that prepares batches."""
        self._records[numbers.numpy(), ::2048].sum()

    @torch.no_grad()
    def __call__(self, generator: Generator, lab: Float[Tensor, "n 3 h w"], numbers: Int[Tensor, " n"]) -> Measured:
        """:meth:`.Generator.measure` of these windows, read where it is kept, else computed from ``lab`` and kept."""
        rows = numbers.numpy()
        if missing := np.flatnonzero(self._ready[rows] == 0).tolist():
            new = torch.cat([part.flatten(1).bfloat16() for part in _flat(generator.measure(lab[missing]))], 1)
            self._records[rows[missing]] = new.contiguous().view(torch.int16).numpy()
            self._ready[rows[missing]] = 1
        parts = torch.from_numpy(self._records[rows]).view(torch.bfloat16).split(self._sizes, dim=1)
        parts = [part.unflatten(1, shape) for part, shape in zip(parts, self._shapes, strict=True)]
        *maps, present = (part.movedim(-1, 1) if part.dim() == 4 else part for part in parts)
        vectors, places = maps[-6:-3], maps[-3:]
        maps = [part.contiguous(memory_format=torch.channels_last) for part in maps[:-6]]
        described = Modalities(*(tuple(part.float() for part in group) for group in (vectors, places)), present > 0)
        return Measured(maps, described)


def _flat(measured: Measured) -> list[Tensor]:
    """All tensors of it, planes last, as a channels-last network wants them back."""
    vectors, maps, present = measured.described
    planes = [part.movedim(1, -1) for part in (*measured.maps, *maps)]
    return [*planes[:-3], *vectors, *planes[-3:], present]


def _memory_map(path: Path, kind: type, shape: tuple[int, ...]) -> np.memmap:
    """An array in a file, which is made or made longer where it has to be; what was never written is 0."""
    with path.open("ab") as file:
        file.truncate(max(path.stat().st_size, math.prod(shape) * np.dtype(kind).itemsize))
    return np.memmap(path, kind, "r+", shape=shape)
