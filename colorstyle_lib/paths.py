"""Paths of the repository, found from this file: notebooks, papermill and nbmake all run in different folders."""

import os
from pathlib import Path

from colorstyle_lib.errors import ConfigError, DataError

PACKAGE = Path(__file__).resolve().parent
_PARENT = PACKAGE.parent
STYLE_FILE = PACKAGE / "course" / "plots" / "colorstyle.mplstyle"  # matplotlib's style of all figures
IS_CHECKOUT = (_PARENT / "pyproject.toml").is_file() and (_PARENT / "notebooks").is_dir()

# The repository in a checkout; the current folder where the package was installed from a wheel.
ROOT = _PARENT if IS_CHECKOUT else Path.cwd()
NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
RUNS = ROOT / "runs"

# The released weights: ``data/weights`` in a checkout, inside the package where a wheel was installed.
WEIGHTS = ROOT / "data" / "weights" if IS_CHECKOUT else PACKAGE / "weights"
STYLES = WEIGHTS.with_name("styles")  # the gallery's style pictures, beside the weights


def data_root(given: str | os.PathLike[str] | None = None, *, needed_for: str = "") -> Path | None:
    """Find the folder of real images that a run works on: the one given, else ``COLORSTYLE_DATA``, else None.

    DataError: the folder does not exist. ConfigError: none is named, and ``needed_for`` names work that needs one.
    """
    name = given or os.environ.get("COLORSTYLE_DATA")
    if not name and needed_for:
        raise ConfigError(f"{needed_for} needs real images: give --data ROOT or set COLORSTYLE_DATA")
    if not name:
        return None
    root = Path(name).expanduser()
    if not root.is_dir():
        source = "the data root" if given else "COLORSTYLE_DATA"
        raise DataError(f"{source} {str(root)!r} is not a folder; give one with images, or leave it out")
    return root.resolve()
