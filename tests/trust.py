"""Damaged pictures, weights and states by the thousand, kills, hostile downloads and archives: results or one line.

    python tests/trust.py [--pictures 2000] [--weights 400] [--states 200] [--kills 100] [--seed 0]

A table of what happened goes to standard output. The exit status is 1 where anything else happened: another exception,
a message of several lines, a file that is not whole, more than 10 seconds of work, or more than 2 GB. Small untrained
weights do the work, since what is tested is what surrounds them. What is killed (folders, trainings on photographs and
on shards, notebooks, figures) is killed at a random moment of the time that it takes; then the same call must go on to
the end, every file must be whole at both times, and results must be those of a call that nobody killed, to the byte.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import resource
import signal
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile
import torch
import torchvision.datasets as tv
from PIL import Image
from safetensors.torch import save_file

from colorstyle_lib import ColorStyle
from colorstyle_lib.cli.main import main as command
from colorstyle_lib.config import get_preset
from colorstyle_lib.data.datasets import list_images
from colorstyle_lib.data.downloads import fetch
from colorstyle_lib.errors import ColorStyleError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import open_pages, open_picture
from colorstyle_lib.model.generator import Generator, load_generator, save_generator
from colorstyle_lib.model.pretrained import load_vgg19
from colorstyle_lib.notebook_runner.run import nbformat, run_and_report
from colorstyle_lib.reproduction.benchmarks.imagenet import field_networks
from colorstyle_lib.reproduction.figures.registry import make_figures
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
        started, said = time.process_time(), io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                call()
            what = "result"
        except ColorStyleError as error:
            what = "one line" if "\n" not in str(error) and len(str(error)) < 2000 else "several lines"
        except Exception as error:
            what = f"{type(error).__name__}: {error}"[:120]
        seconds = time.process_time() - started  # of work: other processes may be busy, too
        if seconds > SECONDS:
            what = f"{seconds:.0f} s"
        unfinished = f".{'[0-9a-f]' * 16}.part"  # what a killed call leaves, later ones remove
        if (left := [path.name for path in self.folder.rglob(unfinished)]) and not kind.startswith("kills"):
            what = f"left {left[0]}"
        good = what in ("result", "one line")
        self.counts[kind, what if good else "fault"] += 1
        if not good:
            self.faults.append(f"{kind} {name}: {what}")


class Fault(Exception):
    """What must not happen."""


def call(work: Callable[[], object], killed_after: float = 0.0) -> int:
    """Exit status of work in a process of its own, which is killed after so many seconds (0: never)."""
    if (process := os.fork()) == 0:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        try:
            status = work()
        except BaseException:
            status = 99
        os._exit(status if isinstance(status, int) else 0)
    if killed_after:
        time.sleep(killed_after)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def check_files(folder: Path) -> dict[str, str]:
    """The hashes of all results of a folder; an exception where a file in sight is not whole."""
    hashes = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix in (".png", ".jpg", ".tif", ".webp", ".gif"):
            list(open_pages(path, strict=True))
        elif path.suffix == ".safetensors":
            load_generator(path)
        elif path.suffix == ".svg":
            ElementTree.parse(path)
        elif path.suffix in (".json", ".ipynb"):
            json.loads(path.read_text())
        elif path.suffix == ".jsonl":
            [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        elif path.name == "state.pt":
            load_state(folder)
        if path.suffix not in (".json", ".jsonl", ".ipynb", ".pt"):  # these tell of time
            hashes[str(path.relative_to(folder))] = file_hash(path)
    return hashes


def kill(
    work: Callable[[Path], object], output: Path, lasts: float, whole: dict[str, str], random: np.random.Generator
) -> None:
    """Kill work at a random moment of the time that it lasts, and let the same call end it."""
    call(partial(work, output), killed_after=lasts * random.random())
    check_files(output)
    if status := call(partial(work, output)):
        raise Fault(f"exit status {status} afterwards")
    if check_files(output) != whole:
        raise Fault("the results are others")


class Bomb:
    """A pickle that, read with its code run, leaves a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


def hostile_cache(folder: Path, load: Callable[[], object], old_format: bool) -> None:
    """Malicious pickles in torch's download cache, by the names that are looked for."""
    os.environ["TORCH_HOME"], mark = str(folder), folder / "the code ran"
    (cache := folder / "hub" / "checkpoints").mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    for name in ("vgg19-dcbb9e9d", "weights-inception-2015-12-05-6726825d", "alexnet-owt-7be5be79"):
        weights = {"features.0.weight": Bomb(mark)}
        torch.save(weights, cache / f"{name}.pth", _use_new_zipfile_serialization=not old_format)
    try:
        load()
    finally:
        if mark.exists():
            raise Fault("code of a file ran")


class Hostile(BaseHTTPRequestHandler):
    """A server whose answers, by address: cut off, of another length, rubbish, an error, none, a way in a circle."""

    archive = b""

    def do_GET(self) -> None:
        """Answer."""
        kind = self.path.strip("/").partition(".")[0]
        if kind == "silent":
            return
        moved = {"missing": 404, "circle": 302}.get(kind, 200)
        self.send_response(moved)
        if moved == 302:
            self.send_header("Location", self.path)
        body = self.archive if kind == "archive" else os.urandom(5000)
        self.send_header("Content-Length", str({"cut": 9_000_000, "negative": -5}.get(kind, len(body))))
        self.end_headers()
        self.wfile.write(body if moved == 200 else b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def hostile_archive(kind: str, outside: Path, mode: str) -> bytes:
    """A tar file that would write to ``outside``, or read what lies there, were its members' names followed."""
    (outside / "secret.jpg").write_bytes(picture := (outside / "whole" / "a.jpg").read_bytes())
    members = {
        "climbing": [("../" * 30 + str(outside / "evil.jpg"), tarfile.REGTYPE, "")],
        "absolute": [(str(outside / "evil.jpg"), tarfile.REGTYPE, "")],
        "link to a folder": [("way", tarfile.SYMTYPE, str(outside)), ("way/evil.jpg", tarfile.REGTYPE, "")],
        "link to a file": [("train/a.jpg", tarfile.SYMTYPE, str(outside / "secret.jpg"))],
        "hard link": [("train/a.jpg", tarfile.LNKTYPE, str(outside / "secret.jpg"))],
        "device": [("train/a.jpg", tarfile.CHRTYPE, "")],
    }[kind]
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=mode) as archive:
        for name, type_, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = type_, target
            member.size = len(picture) if type_ == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(picture))
    return written.getvalue()


def unpack(kind: str, folder: Path, base: str) -> None:
    """Download an archive that has the MD5 sum that is asked for; Fault where something leaves its place."""
    Hostile.archive = hostile_archive(kind, folder, "w:gz")
    try:
        download(folder / "downloads", f"{base}/archive.tgz", hashlib.md5(Hostile.archive).hexdigest())
    finally:
        if (folder / "evil.jpg").exists():
            raise Fault("written outside")


def read_shard(kind: str, folder: Path) -> None:
    """Read all pictures of a shard; Fault where something leaves its place, or what lies outside is read."""
    (root := folder / "shards").mkdir(exist_ok=True)
    (root / "train-0.tar").write_bytes(hostile_archive(kind, folder, "w"))
    listing = list_images(root, "train")
    for number in range(len(listing.names)):
        listing.read(number)
    if (folder / "evil.jpg").exists() or any(name.endswith("a.jpg") for name in listing.names):
        raise Fault("the shard led outside")


def download(folder: Path, address: str, md5: str = "0" * 32) -> None:
    """Fetch a known data set from a hostile place; Fault where something comes of it."""
    os.environ["COLORSTYLE_DOWNLOADS"] = str(folder)
    tv.Imagenette._ARCHIVES = {**tv.Imagenette._ARCHIVES, "320px": (address, md5)}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            fetch("imagenette")
    finally:
        if (folder / "imagenette").exists():
            raise Fault("a data set came of it")


def kills(trial: Trial, folder: Path, weights: Path, count: int, random: np.random.Generator) -> None:
    """Work killed at random: folders, a training, one on shards, a notebook's run, and figures."""
    for name in ("pictures", "photos", "tars", "notebooks"):
        (folder / name).mkdir()
    for i in range(6):
        noise = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((96, 72)).save(folder / "photos" / f"{i}.png")
        with tarfile.open(folder / "tars" / f"{'val' if i == 5 else 'train'}-{i}.tar", "w") as shard:
            shard.add(folder / "photos" / f"{i}.png", f"{i}.png")
    for i, source in enumerate(sorted((folder / "whole").glob("*.???"))[:8]):
        (folder / "pictures" / f"{i}{source.suffix}").write_bytes(source.read_bytes())
    cells = ["import time", *["time.sleep(0.1)"] * 5]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "notebooks" / "00_short.ipynb")

    def train(root: str, output: Path) -> int:
        how = "--resume" if (output / "state.pt").exists() else "--overwrite"
        words = ["train", "--preset", "tiny", "--data", str(folder / root), "--steps", "4", "--every", "1", how]
        return command([*words, "--output", str(output)])

    def color(output: Path) -> int:
        return command(["colorize", str(folder / "pictures"), "-o", str(output), "--weights", str(weights)])

    def run(output: Path) -> int:
        return run_and_report([], False, mode="smoke", output=output, folder=folder / "notebooks")

    works = {"folders": color, "train": partial(train, "photos"), "shards": partial(train, "tars"), "run": run}
    works["figures make"] = partial(make_figures, ("course_map", "generator"))
    for kind, work in works.items():
        whole, started = folder / f"whole {kind}", time.monotonic()
        if status := call(partial(work, whole)):
            raise Fault(f"{kind}: exit status {status}")
        lasts, hashes = time.monotonic() - started, check_files(whole)
        for number in range(-(-count // len(works))):
            output = folder / f"{kind} {number}"
            trial(f"kills, {kind}", str(number), partial(kill, work, output, lasts, hashes, random))


def downloads(trial: Trial, folder: Path) -> None:
    """Hostile answers, and none."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        for kind in ("cut", "negative", "rubbish", "missing", "circle", "silent"):
            trial("downloads", kind, partial(download, folder / "downloads", f"{base}/{kind}.tgz"))
        for kind in ("climbing", "absolute", "link to a folder", "link to a file", "hard link", "device"):
            trial("archives, unpacked", kind, partial(unpack, kind, folder, base))
            trial("archives, as shards", kind, partial(read_shard, kind, folder))
        server.shutdown()
    trial("downloads", "no network", partial(download, folder / "downloads", f"{base}/gone.tgz"))
    for number, load in enumerate((load_vgg19, field_networks) * 2):
        trial("torch's cache", str(number), partial(hostile_cache, folder / "hub", load, number < 2))


def peak_mebibytes() -> int:
    """The most memory that this process had; on Linux a child's ``ru_maxrss`` begins with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


def main() -> int:
    """Run the trials and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("pictures", 2000), ("weights", 400), ("states", 200), ("kills", 100), ("seed", 0)):
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

            def load(cut: bool = not number % 4) -> None:
                if not (loaded := load_state(folder)) or (not cut and str(loaded) != str(state)):
                    raise Fault("another state is read")

            trial("states", str(number), load)
        downloads(trial, folder)
        kills(trial, folder, whole, asked.kills, random)
    peak = peak_mebibytes()
    print("| kind | calls | result | one clear line | faults |\n|---|---|---|---|---|")
    for kind in dict.fromkeys(kind for kind, _ in trial.counts):
        row = [trial.counts[kind, what] for what in ("result", "one line", "fault")]
        print(f"| {kind} | {sum(row)} | {' | '.join(map(str, row))} |")
    print(f"\nseed {asked.seed}, {time.monotonic() - started:.0f} s, at most {peak} MiB of memory")
    print("\n".join(f"fault: {fault}" for fault in trial.faults))
    return int(bool(trial.faults) or peak > MEBIBYTES)


if __name__ == "__main__":
    sys.exit(main())
