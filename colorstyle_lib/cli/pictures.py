"""`colorstyle colorize` and `colorstyle stylize`: what people do with pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from colorstyle_lib.errors import ConfigError


def _colorize(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.inference.batch import colorize_files
    from colorstyle_lib.inference.hints import parse_hint

    return colorize_files(
        arguments.inputs,
        arguments.output,
        weights=arguments.weights,
        recursive=arguments.recursive,
        overwrite=arguments.overwrite,
        reference=arguments.reference,
        hints=[parse_hint(text) for text in arguments.hint],
        seed=arguments.seed,
        saturation=arguments.saturation,
        working_size=arguments.working_size,
    )


def _stylize(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.inference.batch import stylize_files

    return stylize_files(
        arguments.inputs,
        arguments.output,
        styles=[_style(text) for text in arguments.style],
        weights=arguments.weights,
        recursive=arguments.recursive,
        overwrite=arguments.overwrite,
        strength=arguments.strength,
        keep_color=arguments.keep_color,
        color_only=arguments.color_only,
        mask=arguments.mask,
        working_size=arguments.working_size,
        smooth=arguments.smooth,
    )


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


def _number(text: str, most: float, zero: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 ({zero}) to {most:g}")
    return number


def _saturation(text: str) -> float:
    return _number(text, 3.0, "gray")


def _strength(text: str) -> float:
    return _number(text, 1.5, "the picture itself")


def _smooth(text: str) -> float:
    return _number(text, 1.0, "each frame by itself")


def add_picture_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add them to the command line."""
    colorize = commands.add_parser("colorize", help="color photographs, one or whole folders")
    _add_places(colorize, "color")
    colorize.add_argument("--reference", type=Path, metavar="R", help="a color picture to color by")
    colorize.add_argument(
        "--hint",
        action="append",
        default=[],
        metavar="X,Y,#RRGGBB",
        help="a color at a point, in pixels; may be repeated",
    )
    colorize.add_argument("--seed", type=int, metavar="N", help="another plausible coloring for each number")
    colorize.add_argument("--saturation", type=_saturation, default=1.0, help="1 as predicted, 0 gray, up to 3")
    colorize.add_argument(
        "--working-size", type=positive, help="pixels of the shorter side at which color is predicted, 32 to 1536"
    )
    colorize.set_defaults(command=_colorize)

    stylize = commands.add_parser("stylize", help="redraw pictures in the look of another")
    _add_places(stylize, "style")
    stylize.add_argument(
        "--style",
        action="append",
        required=True,
        metavar="S[:WEIGHT]",
        help="a picture whose look is taken; several are blended by their weights",
    )
    stylize.add_argument(
        "--strength", type=_strength, default=1.0, help="0 changes nothing, 1 the whole look, up to 1.5"
    )
    stylize.add_argument(
        "--keep-color", action="store_true", help="texture and shape of the style, the picture's colors"
    )
    stylize.add_argument("--color-only", action="store_true", help="the style's colors, the picture's lightness")
    stylize.add_argument("--mask", type=Path, metavar="M", help="where to redraw: white yes, black no")
    stylize.add_argument(
        "--working-size",
        type=positive,
        help="pixels of the shorter side at which it is redrawn, 64 to 1536: half as many make strokes twice as large; "
        "by default the picture's own, up to 320",
    )
    stylize.add_argument(
        "--smooth",
        type=_smooth,
        default=0.0,
        metavar="F",
        help="a folder's pictures are frames of a clip, in the order of their names; 1: what is drawn stays on the "
        "things it is drawn on, against flicker; 0, the default: each picture by itself",
    )
    stylize.set_defaults(command=_stylize)


def _add_places(command: argparse.ArgumentParser, ending: str) -> None:
    command.add_argument(
        "inputs", metavar="IN", nargs="+", type=Path, help="pictures, folders, patterns such as 'album/*.jpg'"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        help=f"file, or folder for many; default: NAME-{ending}.png or FOLDER-{ending} beside IN",
    )
    command.add_argument("--weights", type=Path, help="a .safetensors file; default: the released weights")
    command.add_argument("-r", "--recursive", action="store_true", help="also take the folders within folders")
    command.add_argument(
        "--overwrite", action="store_true", help="replace results that are there; by default they are left alone"
    )
