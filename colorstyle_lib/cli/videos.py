"""Video files, read and written frame by frame by ffmpeg, a program of its own."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image

from colorstyle_lib.errors import ImageError, require
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.header import MAX_PIXELS
from colorstyle_lib.inference.colorizer import Result

# Of ffmpeg's readers only those of videos, for a playlist could name any file or address.
_READ = ["-protocol_whitelist", "file", "-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"]
_READ += ["-max_pixels", str(MAX_PIXELS), "-i"]
_RAW = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
# Half the colors at even sides, as players expect it, of a matrix that the file names.
_CODE = ["-c:v", "libx264", "-crf", "17", "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-c:a", "copy"]
_CODE += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709", "-f", "mp4", "-y"]


def is_video(path: Path) -> bool:
    """Whether a file is read as a video, by its ending."""
    return path.suffix.lower() in (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm")


class Video:
    """A video to be read: ``rate`` is in frames a second, ``size`` width and height, upright; ImageError if damaged."""

    def __init__(self, path: Path) -> None:
        require(path.is_file(), f"{str(path)!r} not found", ImageError)
        self.path, self._input = path, [*_READ, f"file:{path.absolute()}"]
        words = [*self._input, "-frames:v", "1", "-fpsmax", "240", "-f", "yuv4mpegpipe", "-"]
        with _ffmpeg(words, path, stdout=subprocess.PIPE) as process:
            head, _, _ = process.stdout.read().partition(b"\n")  # such as b"YUV4MPEG2 W640 H360 F30:1"
        facts = {word[:1]: word[1:] for word in head.decode().split()}
        self.size, self.rate = (int(facts["W"]), int(facts["H"])), facts["F"].replace(":", "/")

    def frames(self, *, strict: bool = False) -> Iterator[Image.Image]:
        """Frames one after the other; where they are not equally long, some twice, so that the sound goes along.

        Where some cannot be read, the others are taken, and a note goes to standard error; ImageError if ``strict``.
        """
        size, words = 3 * self.size[0] * self.size[1], [*self._input, "-vf", f"fps={self.rate}", *_RAW, "-"]
        with _ffmpeg(words, self.path, strict=strict, stdout=subprocess.PIPE) as process:
            while len(pixels := process.stdout.read(size)) == size:
                yield Image.frombytes("RGB", self.size, pixels)

    def write(self, results: Iterator[Result], place: Path, *, gps: bool = False, **_: Any) -> None:
        """Write results of the frames, whole or not at all, with this video's sound, title and date.

        The provenance stands as the encoder. The place where it was taken is kept only for ``gps``. Errors of making
        the results are passed on.
        """
        require(place.suffix.lower() == ".mp4", f"a video is written as .mp4, not as {str(place)!r}; change -o")
        first = next(results)
        about = ["-map_metadata", "1", "-metadata", f"encoding_tool={json.dumps(first.provenance)}"]
        about += [] if gps else ["-metadata", "location="]
        words = [*_RAW, "-s", "{}x{}".format(*self.size), "-r", self.rate, "-i", "-", *self._input]
        words += ["-map", "0:v", "-map", "1:a?", *about, *_CODE]
        with (
            atomic_write(place, error=ImageError) as file,
            _ffmpeg([*words, f"file:{file.name}"], place, stdin=subprocess.PIPE) as process,
        ):
            for result in chain([first], results):
                process.stdin.write(result.image.tobytes())
            process.stdin.close()


@contextmanager
def _ffmpeg(words: list[str], path: Path, *, strict: bool | None = None, **pipes: int) -> Iterator[Any]:
    """ffmpeg at work for the ``with`` block; ImageError, with what it said first, where it fails.

    What it says otherwise is an ImageError if ``strict``, a note on standard error if not, and left out if None.
    """
    program = shutil.which("ffmpeg")
    if program is None and find_spec("imageio_ffmpeg"):  # its reader and writer hide it when ffmpeg fails
        from imageio_ffmpeg import get_ffmpeg_exe

        program = get_ffmpeg_exe()
    require(program is not None, "videos need ffmpeg: install it, or pip install 'colorstyle[video]'")
    with tempfile.TemporaryFile() as said:
        command = [program, "-nostdin", "-v", "error", *words]
        process = subprocess.Popen(command, stderr=said, **({"stdin": subprocess.DEVNULL} | pipes))
        try:
            with suppress(BrokenPipeError):  # it has ended early, and says why
                yield process
            failed = process.wait()
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()
        said.seek(0)
        first, _, _ = said.read().decode(errors="replace").strip().partition("\n")
        reason = re.sub(r"\[[^]]*\] ", "", first) or f"exit status {failed}"
        require(not (failed or (first and strict)), f"{str(path)!r}: ffmpeg says: {reason}", ImageError)
        if first and strict is not None:
            print(f"note: {str(path)!r} is damaged; what can be read is taken. ffmpeg says: {reason}", file=sys.stderr)
