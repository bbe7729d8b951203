"""Damaged pictures, weights and states by the thousand: each gives a result or one clear line, and nothing is left.

    python tests/trust.py [--pictures 2000] [--weights 400] [--states 200] [--seed 0]

A table of what happened goes to standard output. The exit status is 1 where anything else happened: another exception,
a message of several lines, a file that is not whole, more than 10 seconds, or more than 2 GB. Small untrained weights
do the work, since what is tested is what surrounds them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from safetensors.torch import save_file

from colorstyle_lib import ColorStyle
from colorstyle_lib.config import get_preset
from colorstyle_lib.errors import ColorStyleError
from colorstyle_lib.images.read import open_picture
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.training.saved_run import load_state

SECONDS, MEBIBYTES = 10, 2000
ODD = ("16", -1, 1.5, True, None, [], {}, float("nan"), 10**9, "x" * 1000)


def mutate(content: bytes, random: np.random.Generator) -> bytes:
    """Flip bytes, cut, fill, repeat or swap parts: at the beginning, where headers are, as often as elsewhere."""
    data = bytearray(content)
    reach = len(data) if random.random() < 0.5 else min(len(data), 200)
    for _ in range(random.integers(1, 4)):
        at, length = int(random.integers(reach)), int(random.integers(1, 40))
        match random.integers(6):
            case 0 | 1:
                for place in random.integers(reach, size=random.integers(1, 8)):
                    data[min(place, len(data) - 1)] = int(random.integers(256))
            case 2:
                del data[max(1, at) :]
            case 3:
                data[at : at + length] = bytes([int(random.choice([0, 255, 127]))]) * length
            case 4:
                data[at:at] = data[at : at + length]
            case _:
                del data[at : at + length]
        reach = min(reach, len(data))
        if reach < 2:
            break
    return bytes(data) or b"\0"


def pictures(folder: Path) -> list[Path]:
    """Whole small files of every kind that is read."""
    random = np.random.default_rng(0)
    color = random.integers(0, 256, (40, 56, 3), dtype=np.uint8)
    color[8:30] = np.linspace(0, 255, 56).astype(np.uint8)[None, :, None]
    exif = Image.Exif()
    exif[270], exif[274] = "a caption", 6
    for ending in ("jpg", "png", "webp", "bmp", "gif", "jp2", "ppm", "avif", "tga"):
        Image.fromarray(color).save(
            folder / f"a.{ending}", **({"exif": exif} if ending in ("jpg", "png", "webp") else {})
        )
    Image.fromarray(color).save(folder / "progressive.jpg", progressive=True)
    Image.fromarray(color).convert("CMYK").save(folder / "ink.jpg")
    Image.fromarray(color).quantize(16).save(folder / "palette.png")
    Image.fromarray(color[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    frames = [Image.fromarray(np.roll(color, 5 * i, 1)) for i in range(3)]
    for ending in ("gif", "webp", "png", "tif"):
        frames[0].save(folder / f"frames.{ending}", save_all=True, append_images=frames[1:])
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        Image.fromarray(color).save(folder / f"{compression}.tif", compression=compression)
    tifffile.imwrite(folder / "deep.tif", color.astype(np.uint16) * 257, photometric="rgb")
    tifffile.imwrite(folder / "float.tif", (color / 255).astype(np.float32), photometric="rgb", compression="deflate")
    return sorted(path for path in folder.iterdir() if path.is_file())


class Trial:
    """Calls, and what became of each, by kind."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.counts, self.faults = folder, Counter(), []

    def __call__(self, kind: str, name: str, call: Callable[[], object]) -> None:
        started, said = time.monotonic(), io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                call()
            what = "result"
        except ColorStyleError as error:
            what = "one line" if "\n" not in str(error) and len(str(error)) < 2000 else "several lines"
        except Exception as error:
            what = f"{type(error).__name__}: {error}"[:120]
        seconds = time.monotonic() - started
        if seconds > SECONDS:
            what = f"{seconds:.0f} s"
        if left := [path.name for path in self.folder.rglob(".*.part")]:
            what = f"left {left[0]}"
        good = what in ("result", "one line")
        self.counts[kind, what if good else "fault"] += 1
        if not good:
            self.faults.append(f"{kind} {name}: {what}")


def main() -> int:
    """Run the trials and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("pictures", 2000), ("weights", 400), ("states", 200), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number, metavar="N", help=f"default: {number}")
    asked = parser.parse_args()
    random, started = np.random.default_rng(asked.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "whole").mkdir()
        sources = pictures(folder / "whole")
        trial, config = Trial(folder), get_preset("tiny").generator
        generator = Generator(config).eval()
        model = ColorStyle(generator, "", torch.device("cpu"))
        stylizer = model.stylizer(Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)))
        for number in range(asked.pictures):
            source = sources[number % len(sources)]
            damaged = folder / f"damaged{source.suffix}"
            damaged.write_bytes(mutate(source.read_bytes(), random))
            ending = (".png", ".jpg", ".tif", ".webp")[number % 4]

            def color(damaged: Path = damaged, ending: str = ending) -> None:
                place = model.colorize(damaged).save(folder / f"colored{ending}")
                open_picture(place, strict=True)

            def style(damaged: Path = damaged, ending: str = ending) -> None:
                open_picture(stylizer(damaged).save(folder / f"styled{ending}"), strict=True)

            trial("pictures, colorize", f"{number} {source.name}", color)
            trial("pictures, stylize", f"{number} {source.name}", style)
        whole = folder / "whole.safetensors"
        save_generator(generator, whole, preset="tiny")
        tensors, fields = generator.state_dict(), asdict(config)
        for number in range(asked.weights):
            damaged = folder / "damaged.safetensors"
            if number % 2:
                damaged.write_bytes(mutate(whole.read_bytes(), random))
            else:
                odd = fields | {list(fields)[number // 2 % len(fields)]: ODD[number // 2 // len(fields) % len(ODD)]}
                save_file({k: v.contiguous() for k, v in tensors.items()}, damaged, {"generator": json.dumps(odd)})
            trial("weights", str(number), lambda damaged=damaged: ColorStyle.load(damaged))
        state = {
            "preset": {},
            "steps": 9,
            "step": 3,
            "seconds": 1.0,
            "version": "0",
            "train_state": {"a": torch.ones(99)},
        }
        torch.save(state, folder / "whole.pt")
        for number in range(asked.states):
            if number % 4:
                content = mutate((folder / "whole.pt").read_bytes(), random)
                (folder / "state.pt").write_bytes(content)
            else:
                torch.save({k: v for k, v in state.items() if random.random() < 0.7}, folder / "state.pt")
            trial("states", str(number), lambda: load_state(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
    print("| kind | calls | result | one clear line | faults |\n|---|---|---|---|---|")
    for kind in dict.fromkeys(kind for kind, _ in trial.counts):
        row = [trial.counts[kind, what] for what in ("result", "one line", "fault")]
        print(f"| {kind} | {sum(row)} | {' | '.join(map(str, row))} |")
    print(f"\nseed {asked.seed}, {time.monotonic() - started:.0f} s, at most {peak} MiB of memory")
    print("\n".join(f"fault: {fault}" for fault in trial.faults))
    return int(bool(trial.faults) or peak > MEBIBYTES)


if __name__ == "__main__":
    sys.exit(main())
