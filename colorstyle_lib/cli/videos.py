"""Video files, read and written frame by frame by ffmpeg, a program of its own."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from colorstyle_lib.errors import ConfigError, ImageError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.header import MAX_PIXELS
from colorstyle_lib.inference.colorizer import Result

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Of results, by ending."""

ENDINGS = (*CONTAINERS, ".avi", ".webm")
"""Of the videos that are read."""

# Of ffmpeg's readers only those of these files, for a playlist could name any file or address.
_SAFE = ["-protocol_whitelist", "file", "-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"]
# Half the colors at even sides, as players expect it, of a matrix that the file names.
_CODE = ["-c:v", "libx264", "-crf", "17", "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-c:a", "copy"]
_CODE += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709"]


class Video:
    """A video to be read: ``rate`` is in frames a second, ``size`` width and height, upright; ImageError if damaged."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ImageError(f"{str(path)!r} not found")
        self.path, self._input = path, [*_SAFE, "-i", f"file:{path.absolute()}"]
        with _ffmpeg([*self._input, "-frames:v", "1", "-f", "yuv4mpegpipe", "-"], path, stdout=-1) as process:
            head, _, _ = process.stdout.read().partition(b"\n")  # such as b"YUV4MPEG2 W640 H360 F30:1"
        facts = {word[:1]: word[1:] for word in head.decode().split()}
        self.size, self.rate = (int(facts["W"]), int(facts["H"])), facts["F"].replace(":", "/")
        if self.size[0] * self.size[1] > MAX_PIXELS:
            raise ImageError(f"{str(path)!r} has frames of {self.size} pixels; make it smaller first")

    def frames(self) -> Iterator[Image.Image]:
        """Frames one after the other; where they are not equally long, some twice, so that the sound goes along."""
        size, raw = 3 * self.size[0] * self.size[1], ["-vf", f"fps={self.rate}", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        with _ffmpeg([*self._input, *raw, "-"], self.path, stdout=-1) as process:
            while len(pixels := process.stdout.read(size)) == size:
                yield Image.frombytes("RGB", self.size, pixels)

    def write(self, results: Iterator[Result], place: Path, **_: Any) -> None:
        """Write results of the frames, whole or not at all, with this video's sound; errors of making are passed on."""
        if (container := CONTAINERS.get(place.suffix.lower())) is None:
            raise ConfigError(f"a video is written as {', '.join(CONTAINERS)}, not as {str(place)!r}; change -o")
        first = next(results)
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*self.size), "-r", self.rate, "-i", "-"]
        about = ["-map_metadata", "1", "-metadata", f"comment={json.dumps(first.provenance)}", "-f", container]
        with atomic_write(place, error=ImageError) as file:
            words = [*raw, *self._input, "-map", "0:v", "-map", "1:a?", *_CODE, *about]
            with _ffmpeg([*words, "-y", f"file:{Path(file.name).absolute()}"], place, stdin=-1) as process:
                process.stdin.write(first.image.tobytes())
                for result in results:
                    process.stdin.write(result.image.tobytes())
                process.stdin.close()


@contextmanager
def _ffmpeg(words: list[str], path: Path, **pipes: int) -> Iterator[Any]:
    """ffmpeg at work for the ``with`` block; ImageError, with the last line that it said, where it fails."""
    program = shutil.which("ffmpeg")
    if program is None and find_spec("imageio_ffmpeg"):  # its reader and writer hide it when ffmpeg fails
        from imageio_ffmpeg import get_ffmpeg_exe

        program = get_ffmpeg_exe()
    if program is None:
        raise ConfigError("videos need ffmpeg: install it, or pip install 'colorstyle[video]'")
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
        if failed:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip().splitlines()[-1:] or [f"exit status {failed}"]
            raise ImageError(f"{str(path)!r}: ffmpeg says: {reason[0]}")


def is_video(source: Path) -> bool:
    """Whether a file is read as a video, by its ending."""
    return source.suffix.lower() in ENDINGS


def ending(source: Path) -> str:
    """Of the result of a video, its own or mp4; empty for other files."""
    own = source.suffix.lower()
    return (own if own in CONTAINERS else ".mp4")[1:] if own in ENDINGS else ""
