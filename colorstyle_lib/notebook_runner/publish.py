"""``figures/executed/``: the notebooks with their outputs, for readers who run none; by ``colorstyle run --keep``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError
from colorstyle_lib.files import atomic_write
from colorstyle_lib.notebook_runner.clean_outputs import clean_outputs, local_places, shrink_pictures

FOLDER = paths.FIGURES / "executed"
INDEX = "README.md"

MOST_BYTES = 1_000_000
"""Of one notebook: GitHub shows larger ones late or not at all."""

MOST_BYTES_TOGETHER = 8_000_000

_HEAD = """# The notebooks, executed

For reading without running: the course's notebooks with all their outputs, as one run left them. They show the demo
photographs (credits: [data card](../../data/README.md)) and our own drawings; no other picture took part.

Written by the commands below, this page too; do not edit. `colorstyle run --mode quick --keep` makes all of them anew,
and `colorstyle figures check` says which no longer has the code of its notebook in [notebooks/](../../notebooks).

| notebook | mode | seconds | peak memory | hardware | versions | commit | command |
|---|---|---|---|---|---|---|---|
"""


def command(name: str, mode: str) -> str:
    """What makes a kept notebook."""
    return f"colorstyle run {name} --mode {mode} --keep"


def keep_notebook(executed: Path, source: Path, facts: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Give the outputs of a run to a copy of its notebook, small and fit for any reader, and renew the index.

    Args:
        executed: the notebook that has run to its end.
        source: the notebook that was run.
        facts: what a reader must know about the run: ``mode``, ``seconds`` ... They stand in the index.
        folder: where it goes.

    Raises:
        DataError: the notebook was edited while it ran, an output is an error or names a place on this machine, or
            it is too large.
    """
    notebook, ran = read_notebook(source), read_notebook(executed)
    outputs = {cell.id: cell for cell in ran.cells if cell.cell_type == "code"}
    for number, cell in enumerate(code_cells(notebook), start=1):
        if cell.id not in outputs or outputs[cell.id].source != cell.source:
            raise DataError(f"{source.name} was edited while it ran: {command(source.stem, facts['mode'])}")
        cell.outputs, cell.execution_count = outputs[cell.id].outputs, number
        clean_outputs(cell)
        for shown in cell.outputs:
            if shown.output_type == "execute_result":
                shown.execution_count = number
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _links_from(cell.source, source.parent, folder)
    notebook.metadata["colorstyle"] = facts
    shrink_pictures(notebook, MOST_BYTES)
    if problems := output_problems(notebook):
        raise DataError(f"{source.name} is not kept: {problems[0]}")
    with atomic_write(folder / source.name, "w", DataError) as file:
        file.write(nbformat.writes(notebook) + "\n")
    with atomic_write(folder / INDEX, "w", DataError) as file:
        file.write(index(folder))
    return folder / source.name


def read_notebook(path: Path) -> NotebookNode:
    """A notebook as it is; ``nbformat.read`` would mend it.

    Raises:
        DataError: it is none.
    """
    try:
        notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        nbformat.validate(notebook)
    except (OSError, ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
        raise DataError(f"{path.name} is not a notebook that can be read: {str(error).splitlines()[0]}") from error
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Those that can run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def output_problems(notebook: NotebookNode) -> list[str]:
    """What must not be in the outputs that others are shown, a line for each."""
    problems = [f"an output names {place}" for place in local_places(notebook)]
    for number, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != number:
            problems.append(f"code cell {number} has not run in its place")
        problems += [
            f"code cell {number} ends in {shown.ename}" for shown in cell.outputs if shown.output_type == "error"
        ]
        if any("jupyter.widget" in kind for shown in cell.outputs for kind in shown.get("data", {})):
            problems.append(f"code cell {number} shows a widget, which GitHub does not")
    if "widgets" in notebook.metadata:
        problems.append("it holds widgets' states, with which GitHub shows nothing")
    return problems


def index(folder: Path = FOLDER) -> str:
    """The page that lists the notebooks of a folder, from what they say themselves.

    Raises:
        DataError: one was not kept by :func:`keep_notebook`.
    """
    rows = []
    for path in sorted(folder.glob("*.ipynb")):
        facts = read_notebook(path).metadata.get("colorstyle")
        if not facts:
            raise DataError(f"{path.name} does not say how it was made: {command(path.stem, 'quick')}")
        versions = ", ".join(f"{package} {facts[package]}" for package in ("python", "torch", "numpy", "colorstyle"))
        rows.append(
            f"| [{path.stem}]({path.name}) | {facts['mode']} | {facts['seconds']:.0f} | {facts['peak_memory_mib']} MiB "
            f"| {facts['hardware']} | {versions} | {facts['commit']} | `{facts['command']}` |\n"
        )
    return _HEAD + "".join(rows)


def _links_from(text: str, old: Path, new: Path) -> str:
    """Links of a markdown cell, told from another folder on; neighbours stay neighbours."""

    def moved(match: re.Match[str]) -> str:
        link = match[1]
        if "/" not in link or re.match(r"[a-z]+:|#|/", link):
            return match[0]
        return f"]({Path(os.path.relpath(old / link, new)).as_posix()})"

    return re.sub(r"\]\(([^)\s]+)\)", moved, text)
