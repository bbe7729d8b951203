"""Opening notebook 09 for a photograph: ``colorstyle explore``."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat

from colorstyle_lib import paths
from colorstyle_lib.errors import ConfigError
from colorstyle_lib.images.read import size_of_file
from colorstyle_lib.notebook_runner.run import load_notebook_node, parameterize_notebook, select_notebooks

EXPLORE = "09_explore"


def explore(photo: Path | None = None, *, voila: bool = False) -> int:
    """Open the notebook of panels in JupyterLab, and wait until the server ends.

    Args:
        photo: what to begin with; the notebook is then a copy in ``runs/explore``.
        voila: serve the panels by Voila, without code.

    Returns:
        The server's exit status.

    Raises:
        ConfigError: no checkout of the repository, or Voila is not installed. ImageError: no such photograph.
    """
    if voila and find_spec("voila") is None:
        raise ConfigError("Voila is not installed; get it with: pip install voila")
    path = select_notebooks([EXPLORE])[EXPLORE]
    if photo is not None:
        size_of_file(photo)  # its errors come now, not in the browser
        given = {"photo": photo.expanduser().resolve().as_posix()}
        notebook = parameterize_notebook(load_notebook_node(str(path)), given, language="python")
        path = paths.RUNS / "explore" / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    return subprocess.call([sys.executable, "-m", *(["voila"] if voila else ["jupyter", "lab"]), str(path)])
