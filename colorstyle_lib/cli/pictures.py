"""`colorstyle colorize` and `colorstyle stylize`: pictures, folders and patterns."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from colorstyle_lib.errors import ConfigError


def _colorize(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.inference import colorize_files, parse_hint

    return colorize_files(**_options(arguments) | {"hints": [parse_hint(text) for text in arguments.hints]})


def _stylize(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.inference import stylize_files

    return stylize_files(**_options(arguments) | {"styles": [_style(text) for text in arguments.styles]})


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(arguments).items() if name != "command"}


def _style(text: str) -> tuple[Path, float]:
    """``painting.jpg`` or ``painting.jpg:0.3``."""
    path, colon, weight = text.rpartition(":")
    if not colon or Path(text).exists():
        return Path(text), 1.0
    try:
        return Path(path), float(weight)
    except ValueError:
        raise ConfigError(f"--style wants a picture, or PICTURE:WEIGHT, not {text!r}") from None


def positive(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _up_to(most: float, zero: str) -> Callable[[str], float]:
    """Reads a number from 0, which has a meaning, to the most."""

    def number(text: str) -> float:
        try:
            if 0 <= float(text) <= most:
                return float(text)
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 ({zero}) to {most:g}")

    return number


def add_picture_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add them to the command line. An option is named as the argument of :mod:`.inference.batch` that it becomes."""
    colorize = commands.add_parser("colorize", help="color photographs, one or whole folders")
    colorize.set_defaults(command=_colorize)
    add = _add_common(colorize, "color", "color is predicted, 32 to 1536")
    add("--reference", type=Path, metavar="R", help="a color picture to color by")
    what = "a color at a point, in pixels; may be repeated"
    add("--hint", dest="hints", action="append", default=[], metavar="X,Y,#RRGGBB", help=what)
    add("--seed", type=int, metavar="N", help="another plausible coloring for each number")
    add("--saturation", type=_up_to(3.0, "gray"), default=1.0, help="1 as predicted, 0 gray, up to 3")

    stylize = commands.add_parser("stylize", help="redraw pictures in the style of another")
    stylize.set_defaults(command=_stylize)
    size = (
        "it is redrawn, 64 to 1536: half as many make strokes twice as large; by default the picture's own, up to 320"
    )
    add = _add_common(stylize, "style", size)
    what = "a picture whose style is taken; several are blended by their weights"
    add("--style", dest="styles", action="append", required=True, metavar="S[:WEIGHT]", help=what)
    what = "0 changes nothing, 1 the whole style, up to 1.5"
    add("--strength", type=_up_to(1.5, "the picture itself"), default=1.0, help=what)
    add("--keep-color", action="store_true", help="texture and shape of the style, the picture's colors")
    add("--color-only", action="store_true", help="the style's colors, the picture's lightness")
    add("--mask", type=Path, metavar="M", help="where to redraw: white yes, black no")
    what = (
        "a folder's pictures are frames of a clip, in the order of their names; 1: what is drawn stays on the things "
        "it is drawn on, against flicker; 0, the default: each picture by itself"
    )
    add("--smooth", type=_up_to(1.0, "each frame by itself"), default=0.0, metavar="F", help=what)


def _add_common(command: argparse.ArgumentParser, ending: str, size: str) -> Callable[..., argparse.Action]:
    """Add the options that both commands have; what adds the others is returned."""
    add = command.add_argument
    add("inputs", metavar="IN", nargs="+", type=Path, help="pictures, folders, patterns such as 'album/*.jpg'")
    what = f"file, or folder for many; default: NAME-{ending}.png or FOLDER-{ending} beside IN"
    add("-o", "--output", metavar="OUT", type=Path, help=what)
    add("--weights", type=Path, help="a .safetensors file; default: the released weights")
    add("-r", "--recursive", action="store_true", help="also take the folders within folders")
    add("--overwrite", action="store_true", help="replace results that are there; by default they are left alone")
    add("--working-size", type=positive, help=f"pixels of the shorter side at which {size}")
    return add
