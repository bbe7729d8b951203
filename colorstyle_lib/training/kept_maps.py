"""What the frozen encoder says of fixed windows, computed once and kept on disk."""

import hashlib
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from colorstyle_lib.data.batches import Batches
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.model import Generator, Measured, Modalities, PretrainedEncoder


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
            self._shapes = [part.shape[1:] for part in _parts(generator.measure(torch.zeros(1, 3, crop, crop)))]
        self._sizes = [shape.numel() for shape in self._shapes]
        # Windows are numbered one set after the other, so that more of them go on where fewer ended.
        facts = (crop, batches.covers, batches.seed, len(store), *store.names, *self._shapes)
        key = hashlib.sha256(repr(facts).encode())
        for weights in generator.encoder.state_dict().values():
            key.update(weights.cpu().contiguous().numpy().tobytes())
        path, count, size = folder / f"{key.hexdigest()[:16]}.bf16", batches.fixed * len(store), sum(self._sizes)
        ready = path.with_suffix(".ready")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for file, length in ((path, 2 * count * size), (ready, count)):
                with file.open("ab") as stream:  # made, or made longer, where it has to be: what was never written is 0
                    stream.truncate(max(file.stat().st_size, length))
            self._records = torch.from_file(str(path), True, count * size, dtype=torch.bfloat16).view(count, size)
            self._ready = torch.from_file(str(ready), True, count, dtype=torch.bool)
        except (OSError, RuntimeError) as error:
            raise DataError(f"no room for {2e-9 * count * size:.0f} GB of maps in {str(folder)!r}: {error}") from error

    def touch(self, numbers: Int[Tensor, "..."]) -> None:
        """Read these windows' records into the system's cache, in a thread that prepares batches."""
        self._records[numbers, ::2048].sum()

    @torch.no_grad()
    def __call__(self, generator: Generator, lab: Float[Tensor, "n 3 h w"], numbers: Int[Tensor, " n"]) -> Measured:
        """:meth:`.Generator.measure` of these windows, read where it is kept, else computed from ``lab`` and kept."""
        if len(missing := (~self._ready[numbers]).nonzero()[:, 0]):
            new = [part.flatten(1).bfloat16() for part in _parts(generator.measure(lab[missing]))]
            self._records[numbers[missing]] = torch.cat(new, 1)
            self._ready[numbers[missing]] = True
        parts = zip(self._records[numbers].split(self._sizes, dim=1), self._shapes, strict=True)
        shaped = [part.unflatten(1, shape) for part, shape in parts]
        *maps, present = (part.movedim(-1, 1) if part.dim() == 4 else part for part in shaped)
        vectors, places = (tuple(part.float() for part in group) for group in (maps[-6:-3], maps[-3:]))
        maps = [part.contiguous(memory_format=torch.channels_last) for part in maps[:-6]]
        return Measured(maps, Modalities(vectors, places, present > 0))


def _parts(measured: Measured) -> list[Tensor]:
    """All tensors of it, planes last, as a channels-last network wants them back."""
    vectors, places, present = measured.described
    parts = (*measured.maps, *vectors, *places, present)
    return [part.movedim(1, -1) if part.dim() == 4 else part for part in parts]
