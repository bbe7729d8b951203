"""Runs the notebooks one after the other and says what each took: ``colorstyle run``."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from colorstyle_lib import paths
from colorstyle_lib.errors import ConfigError, DataError, nearest
from colorstyle_lib.notebook_runner.publish import command, keep_notebook
from colorstyle_lib.notebook_runner.worker import Job, NotebookResult, papermill, run_one
from colorstyle_lib.run_mode import Mode, get_mode

READ_VALUE = {"str": str, "int": int, "float": float, "bool": {"true": True, "false": False}.__getitem__}
"""How a parameter's value is read from text, by the type that its notebook declares."""


def run_notebooks(
    names: Sequence[str] = (),
    *,
    mode: str = "auto",
    data: str | os.PathLike[str] = "",
    parameters: Mapping[str, str] | None = None,
    output: Path | None = None,
    timeout: int | None = None,
    keep: Path | None = None,
    notebooks_folder: Path = paths.NOTEBOOKS,
) -> list[NotebookResult]:
    """Execute notebooks, each in a fresh kernel of this very Python.

    Everything that can be refused is refused before the first notebook starts; a notebook that fails does not
    stop those after it. The data root reaches a notebook through ``COLORSTYLE_DATA`` and not as a parameter,
    because an executed notebook shows its parameters, and no path of this machine belongs there.

    Args:
        names: ``01``, ``01_data`` or ``01_data.ipynb``; none means the whole course, without the solutions
            (which are ``solutions/NAME``).
        mode: as in :func:`.get_mode`; resolved once, here.
        data: a data root, or empty for ``COLORSTYLE_DATA``.
        parameters: values for the notebooks' ``parameters`` cells, as text, read by the types declared there.
        output: folder for the executed notebooks; by default ``runs/executed``, in ``smoke`` a scratch folder.
        timeout: seconds that one cell may take; by default 300 in ``smoke``, else 1800.
        keep: folder for a second, small copy that others are shown, as the repository's ``figures/executed``.
        notebooks_folder: where the notebooks are.

    Raises:
        ConfigError: no such notebook, mode or parameter, a value that is not of the parameter's type, or a run whose
            notebooks cannot be kept.
        DataError: the data root is not a folder.
    """
    root = paths.data_root(data)
    chosen = get_mode(mode, data)
    sources = select_notebooks(names, notebooks_folder)
    if keep:
        _refuse_to_keep(sources, chosen, root, parameters)
    if timeout is None:
        timeout = 300 if chosen.name == "smoke" else 1800
    if timeout <= 0:
        raise ConfigError(f"timeout is {timeout} s; give at least 1")
    jobs = [
        Job(name, str(path), read_parameters(path, name, parameters or {}, chosen), timeout)
        for name, path in sources.items()
    ]
    output = output or output_folder(chosen)
    # The variables reach notebooks without parameters too, which is what the solutions are.
    environment = {"COLORSTYLE_MODE": chosen.name} | ({"COLORSTYLE_DATA": str(root)} if root else {})
    where = f", images from {root}" if root and chosen.source == "folder" else ""
    shown = f", small copies to {keep}" if keep else ""
    print(f"mode {chosen.name}{where}; executed notebooks go to {output}{shown}", flush=True)
    results = []
    for number, job in enumerate(jobs, start=1):
        title = f"[{number}/{len(jobs)}] {job.name}"
        if not sys.stderr.isatty():  # else a progress bar stands here
            print(f"{title} ...", flush=True)
        results.append(run_one(job, output, environment, title))
        if keep and not results[-1].error:
            results[-1] = _keep(results[-1], Path(job.source), chosen, keep)
        print(f"{title}: {results[-1].result}, {results[-1].seconds:.1f} s", flush=True)
    return results


def _refuse_to_keep(
    sources: Mapping[str, Path], mode: Mode, root: Path | None, parameters: Mapping[str, str] | None
) -> None:
    if root or mode.source != "demo":
        raise ConfigError("--keep shows no pictures but the demo's: give --mode quick, no --data, no COLORSTYLE_DATA")
    if parameters:
        raise ConfigError("--keep takes notebooks as they stand: leave --parameter out")
    for name in sources:
        if name.startswith("solutions/"):
            raise ConfigError(f"--keep is for the course: leave {name} out")


def _keep(result: NotebookResult, source: Path, mode: Mode, folder: Path) -> NotebookResult:
    """Keep a notebook that went well; the result says so where that cannot be done."""
    from colorstyle_lib.environment import versions
    from colorstyle_lib.reproduction.results.store import Provenance

    facts = {
        **asdict(Provenance.here(command(source.stem, mode.name), mode.name)),
        "seconds": round(result.seconds, 1),
        "peak_memory_mib": round(result.peak_memory / 2**20),
        **versions(),
    }
    try:
        keep_notebook(result.output, source, facts, folder)
    except DataError as error:
        return replace(result, result="not kept", error=str(error))
    return result


def select_notebooks(names: Sequence[str], folder: Path = paths.NOTEBOOKS) -> dict[str, Path]:
    """Find notebooks by number, name or file name; none given means the course.

    Raises:
        ConfigError: there is no such notebook, or the folder has none at all.
    """
    course = {path.stem: path.resolve() for path in sorted(folder.glob("*.ipynb"))}
    if not course:
        raise ConfigError(f"no notebooks in {str(folder)!r}; run this in a checkout of the repository")
    solutions = {f"solutions/{p.stem}": p.resolve() for p in sorted(folder.glob("solutions/*.ipynb"))}
    known = course | solutions
    by_number = {name.split("_")[0]: name for name in course}
    chosen = {}
    for given in names:
        name = given.removeprefix("notebooks/").removesuffix(".ipynb")
        name = by_number.get(name, name)
        if name not in known:
            raise ConfigError(f"no notebook {given!r}{nearest(name, [*known, *by_number])}")
        chosen[name] = known[name]
    return chosen or course


def read_parameters(path: Path, name: str, given: Mapping[str, str], mode: Mode) -> dict[str, Any]:
    """Read the values of a notebook's parameters from text, by the types its ``parameters`` cell declares.

    Raises:
        ConfigError: the notebook has no such parameter (papermill only warns), or the value's type is wrong.
    """
    try:
        declared = papermill.inspect_notebook(path)
    except ValueError as error:
        raise ConfigError(f"{name} is not a Python notebook that can be run: {error}") from error
    values: dict[str, Any] = {"mode": mode.name} if "mode" in declared else {}
    for key, text in given.items():
        if key in ("mode", "data"):
            raise ConfigError(f"give {key!r} as --{key}, not as a parameter")
        if key not in declared:
            raise ConfigError(f"{name} has no parameter {key!r}{nearest(key, declared)}")
        kind = declared[key]["inferred_type_name"].split("[")[0]
        if kind == "None":  # not annotated: the default's type it is
            kind = type(ast.literal_eval(declared[key]["default"])).__name__
        try:
            # A notebook runs in its own folder, where a path given relative to the caller's would lead elsewhere.
            here = Path(text).expanduser()
            there = str(here.resolve()) if kind == "str" and text and here.exists() else text
            values[key] = READ_VALUE.get(kind, ast.literal_eval)(there)
        except (ValueError, KeyError, SyntaxError):
            values[key] = None
        if type(values[key]).__name__ != kind:
            raise ConfigError(f"{name}: parameter {key!r} is of type {kind}, which {text!r} is not")
    return values


def output_folder(mode: Mode) -> Path:
    """Choose where the executed notebooks of a mode go: never where the repository shows some."""
    if mode.name == "smoke":
        return Path(tempfile.mkdtemp(prefix="colorstyle-smoke-"))
    return paths.RUNS / "executed"


def print_table(results: Sequence[NotebookResult]) -> None:
    """Print a line for each notebook: name, seconds, the kernel's peak memory, result; then all seconds."""
    width = max(len("notebook"), *(len(result.notebook) for result in results))
    print(f"\n{'notebook':{width}}  seconds  peak memory  result")
    for result in results:
        memory = f"{result.peak_memory / 2**20:.0f} MiB"
        print(f"{result.notebook:{width}}  {result.seconds:7.1f}  {memory:>11}  {result.result}")
    print(f"{'all':{width}}  {sum(result.seconds for result in results):7.1f}", flush=True)


def main_run(
    names: Sequence[str] = (),
    *,
    mode: str = "auto",
    data: str | os.PathLike[str] = "",
    parameters: Mapping[str, str] | None = None,
    output: str | os.PathLike[str] = "",
    timeout: int | None = None,
    keep: Path | None = None,
    notebooks_folder: Path = paths.NOTEBOOKS,
) -> int:
    """Do what ``colorstyle run`` does: run, print a table, and last of all what went wrong.

    Args:
        names: as in :func:`run_notebooks`, like all that follow.
        mode: how much work.
        data: the data root.
        parameters: values for the notebooks' ``parameters`` cells.
        output: folder for the executed notebooks; empty for the mode's own.
        timeout: seconds for one cell.
        keep: folder for copies that others are shown.
        notebooks_folder: where the notebooks are.

    Returns:
        The exit status: 0; 1 where a notebook failed; 130 after Ctrl-C.

    Raises:
        ColorStyleError: a mistake of the user's, before any notebook has started.
    """
    try:
        results = run_notebooks(
            names,
            mode=mode,
            data=data,
            parameters=parameters,
            output=Path(output).absolute() if output else None,
            timeout=timeout,
            keep=keep,
            notebooks_folder=notebooks_folder,
        )
    except KeyboardInterrupt:
        print("stopped; the notebook that was running left nothing behind", file=sys.stderr)
        return 130
    print_table(results)
    for result in results:
        if result.error:
            print(f"\n{result.error}", file=sys.stderr)
    return int(any(result.error for result in results))
