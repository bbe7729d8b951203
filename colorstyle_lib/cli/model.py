"""The commands that use a model or train one: `colorstyle colorize`, `stylize`, `inpaint` and so on."""

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_command, keywords, number, positive
from colorstyle_lib.config import TrainOptions, get_mode
from colorstyle_lib.errors import ConfigError

_TYPES = {Path | None: Path, int: positive, int | None: positive}


def add_model_commands(commands: Any) -> None:
    """Add them to the command line; an option is named as the argument that it becomes."""
    add = add_command(commands, "colorize", _make("colorize"), "color photographs, one or whole folders")
    _add_common(add, "color", "color is predicted, 32 to 1536")
    add("--reference", type=Path, metavar="R", help="a color picture to color by")
    what = "a color at a point, in pixels; may be repeated"
    add("--hint", dest="hints", action="append", default=[], metavar="X,Y,#RRGGBB", help=what)
    add("--seed", type=int, metavar="N", help="another plausible coloring for each number")
    to_3 = number(float, 0.0, 3.0, "a number from 0 (gray) to 3")
    add("--only-gray", action="store_true", help="leave pictures alone that are in color already")
    add("--saturation", type=to_3, default=1.0, help="1 as predicted, 0 gray, up to 3")

    add = add_command(commands, "stylize", _make("stylize"), "redraw pictures in the style of another")
    size = (
        "it is redrawn, 64 to 1536: half as many make strokes twice as large; by default the picture's own, up to 320"
    )
    _add_common(add, "style", size)
    what = "a picture whose style is taken; several are blended by their weights"
    add("--style", action="append", required=True, metavar="S[:WEIGHT]", help=what)
    to_1_5 = number(float, 0.0, 1.5, "a number from 0 (the picture itself) to 1.5")
    add("--strength", type=to_1_5, default=1.0, help="0 changes nothing, 1 the whole style, up to 1.5")
    add("--keep-color", action="store_true", help="texture and shape of the style, the picture's colors")
    add("--color-only", action="store_true", help="the style's colors, the picture's lightness")
    add("--mask", type=Path, metavar="M", help="where to redraw: white yes, black no")

    masks = "white, or opaque, in holes; default: scratches and dust that are found"
    strength = {"type": to_1_5, "default": 1.0, "help": "0 changes nothing, 1 as learned, up to 1.5"}
    stages = "also write what was found and made on the way, as OUT-0-damage.png and so on"
    add = add_command(commands, "inpaint", _make("inpaint"), "fill scratches and holes")
    _add_common(add, "inpaint")
    add("--mask", default="auto", metavar="M", help=masks)
    add("--color", action="store_true", help="also color a gray picture")
    add("--stages", action="store_true", help=stages)

    add = add_command(commands, "enhance", _make("enhance"), "make pictures clearer and more vivid")
    _add_common(add, "enhance")
    add("--strength", **strength)

    add = add_command(commands, "restore", _make("restore"), "repair, color and enhance old photographs in one go")
    _add_common(add, "restore")
    add("--mask", default="auto", metavar="M", help=masks)
    add("--skip", nargs="+", default=(), metavar="STAGE", help="of fill, details, tones, color")
    add("--strength", **strength)
    add("--stages", action="store_true", help=stages)

    add = add_command(commands, "generate", _generate, "make new scenes, 64 pixels a side, from seeds")
    add("-n", type=positive, default=1, metavar="N", help="how many; default: 1")
    add("--seed", type=int, default=0, metavar="N", help="other scenes for each number; default: 0")
    add("--toward", type=int, metavar="N", help="another seed: the scenes go step by step from the one to the other")
    add("--truncation", type=float, default=1.0, metavar="F", help="0 to 1: below 1 less variety, fewer failures")
    add("-o", "--output", metavar="OUT", type=Path, default=Path("scenes"), help="a folder; default: scenes")
    add("--weights", type=Path, help="a .safetensors file; default: the released weights")

    add = add_command(commands, "explore", _explore, "play with a photograph in notebook 09, in JupyterLab")
    add("photo", metavar="PHOTO", nargs="?", type=Path, help="default: a demo photograph")
    add("--voila", action="store_true", help="serve it by Voila, without code; Voila must be installed")

    add = add_command(commands, "gallery", "course.gallery:write_gallery", "write one web page of before and after")
    add("folder", metavar="FOLDER", nargs="?", type=Path, help="with photographs; default: the demo photographs")
    add("-o", "--output", metavar="OUT.html", type=Path, default=Path("gallery.html"), help="default: gallery.html")

    add = add_command(commands, "export", "cli.onnx_export:export_onnx", "write the network as an ONNX file")
    add("path", metavar="OUT.onnx", type=Path)
    add("--weights", dest="model", type=Path, help="a .safetensors file; default: the released weights")

    add = add_command(commands, "info", _info, "versions, device, weights and where things are")
    add("--weights", type=Path, help="a .safetensors file; default: the released weights")

    add = add_command(commands, "train", _train, "train a generator on a folder of photographs")
    tables = tomllib.loads(Path(__file__).with_name("train.toml").read_text(encoding="utf-8"))
    for option in fields(TrainOptions):
        about = {"dest": option.name, "default": option.default} | tables[option.name]
        if option.type is bool:
            about["action"] = "store_true"
        elif option.type == tuple[str, ...]:
            about["nargs"] = "+"
        elif option.type in _TYPES:
            about["type"] = int if option.name == "seed" else _TYPES[option.type]
        add(about.pop("flag", "--" + option.name.replace("_", "-")), **about)


def _add_common(add: Callable[..., Any], ending: str, size: str = "") -> None:
    add("inputs", metavar="IN", nargs="+", type=Path, help="pictures, folders, patterns such as 'album/*.jpg'")
    what = f"file, or folder for many; default: NAME-{ending}.png or FOLDER-{ending} beside IN"
    add("-o", "--output", metavar="OUT", type=Path, help=what)
    add("--weights", type=Path, help="a .safetensors file; default: the released weights")
    add("-r", "--recursive", action="store_true", help="also take the folders within folders")
    add("--overwrite", action="store_true", help="replace results that are there; by default they are left alone")
    add("--format", choices=("png", "jpg", "webp", "tif"), help="of the results; default: as IN, or png")
    to_100 = number(int, 1.0, 100.0, "a whole number from 1 to 100")
    add("--quality", type=to_100, help="of JPEG and WebP, 1 to 100 (WebP: without loss); default: 95, or as IN's WebP")
    add("--strict", action="store_true", help="refuse also a JPEG that lacks its last bytes but no pixel")
    add("--keep-gps", action="store_true", help="keep the place where a picture was taken; by default left out")
    if size:
        what = (
            "1, the default of animations: colors and strokes stay on things, against flicker; 0, the "
            "default of pages and folders: each by itself; above 0 a folder's pictures are frames, in order of names"
        )
        to_1 = number(float, 0.0, 1.0, "a number from 0 (each frame by itself) to 1")
        add("--smooth", type=to_1, metavar="F", help=what)
        add("--working-size", type=positive, help=f"pixels of the shorter side at which {size}")


def _make(task: str) -> Callable[[argparse.Namespace], int]:
    def call(arguments: argparse.Namespace) -> int:
        from colorstyle_lib.cli.folders import make_files
        from colorstyle_lib.inference import parse_hint

        options = keywords(arguments)
        for name, read in (("hints", parse_hint), ("style", _style)):
            options |= {name: [read(text) for text in options[name]]} if name in options else {}
        return make_files(task=task, **options)

    return call


def _generate(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from colorstyle_lib.inference.colorstyle import ColorStyle, make_scenes

    given = keywords(arguments)
    if (folder := given.pop("output")).exists():
        raise ConfigError(f"{str(folder)!r} is there already; choose another -o")
    scenes = make_scenes(ColorStyle.load(given.pop("weights")), **given)
    for result in tqdm(scenes, total=given["n"], unit="picture", disable=not sys.stderr.isatty()):
        result.save(folder / f"scene-{result.provenance['number']:04d}.png")
    print(f"{given['n']} generated in {str(folder)!r}")


def _style(text: str) -> tuple[Path, float]:
    """``painting.jpg`` or ``painting.jpg:0.3``."""
    path, colon, weight = text.rpartition(":")
    if not colon or Path(text).exists():
        return Path(text), 1.0
    try:
        return Path(path), float(weight)
    except ValueError:
        raise ConfigError(f"--style wants a picture, or PICTURE:WEIGHT, not {text!r}") from None


def _explore(arguments: argparse.Namespace) -> int:
    from colorstyle_lib import paths
    from colorstyle_lib.images.read import size_of_file
    from colorstyle_lib.notebook_runner.run import load_notebook_node, nbformat, parameterize_notebook, select_notebooks

    if arguments.voila and find_spec("voila") is None:
        raise ConfigError("Voila is not installed; get it with: pip install voila")
    path = select_notebooks(["09"])["09_explore"]
    if arguments.photo:
        size_of_file(arguments.photo)  # its errors come now, not in the browser
        photo = {"photo": arguments.photo.expanduser().resolve().as_posix()}
        notebook = parameterize_notebook(load_notebook_node(str(path)), photo, language="python")
        path = paths.RUNS / "explore" / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    return subprocess.call([sys.executable, "-m", *(["voila"] if arguments.voila else ["jupyter", "lab"]), str(path)])


def _info(arguments: argparse.Namespace) -> None:
    import torch

    from colorstyle_lib import __version__, paths
    from colorstyle_lib.files import file_hash
    from colorstyle_lib.inference.colorstyle import RELEASED, released_card
    from colorstyle_lib.model.generator import load_generator

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    path = arguments.weights or paths.WEIGHTS / f"{RELEASED}.safetensors"
    card = released_card() if arguments.weights is None else None
    generator = load_generator(path, expected_hash=card["sha256"] if card else None)
    learned = sum(p.numel() for p in generator.parameters())
    rows = {
        "colorstyle": __version__,
        "torch": torch.__version__,
        "device": device,
        "mode": get_mode().name,
        "data root": paths.data_root() or "none (set COLORSTYLE_DATA)",
        "notebooks": paths.NOTEBOOKS if paths.IS_CHECKOUT else "not installed: clone the repository",
        "weights": path,
        "  sha256": file_hash(path),
        "  size": f"{path.stat().st_size / 1e6:.1f} MB, {learned / 1e6:.1f} M parameters",
        "  encoder": generator.config.encoder,
        "  working size": f"{generator.config.working_size} px",
    }
    for name, m in (card["measured"] if card else {}).items():
        value = f"PSNR ab {m['psnr_ab']:.1f} dB, colorfulness {100 * m['colorfulness_ratio']:.0f} % of real"
        rows[f"  {name} (n = {m['n']})"] = value
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        print(f"{name:{width}}  {value}")


def _train(arguments: argparse.Namespace) -> None:
    from colorstyle_lib.training.train_on_folder import train_on_folder

    given = keywords(arguments)
    train_on_folder(TrainOptions(**{n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}))
