"""Running of the notebooks, one after the other, each in a kernel process of its own: ``colorstyle run``."""

import ast
import asyncio
import atexit
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from colorstyle_lib import paths
from colorstyle_lib.config import Mode, get_mode
from colorstyle_lib.errors import ConfigError, DataError, MissingExtraError, check_known, nearest, require
from colorstyle_lib.files import atomic_write, tidy
from colorstyle_lib.notebook_runner.publish import FOLDER, command, keep_notebook

try:
    import nbformat
    import papermill
    import psutil
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or "papermill", "tutorial") from error

SAMPLE_SECONDS = 0.2  # time between two readings of a kernel's memory

_READ = {"str": str, "int": int, "float": float, "bool": {"true": True, "false": False}.__getitem__}


@dataclass(frozen=True)
class NotebookResult:
    """The result of one notebook's run."""

    notebook: str  # its name without ending; solutions are ``solutions/NAME``
    result: str  # ``ok``, ``failed``, ``timed out``, ``kernel died``; ``not kept`` where ``--keep`` refused it
    seconds: float  # wall clock, the kernel's start included
    peak_memory: int  # of the kernel with its child processes, bytes; what these share counts once for each
    output: Path  # the executed notebook: ``NAME.ipynb`` or, up to an error, ``NAME.failed.ipynb``
    error: str = ""  # the cell, its last lines and the end of the traceback; empty if all went well


def run_notebooks(
    names: Sequence[str] = (),
    *,
    mode: str = "auto",
    data: str | os.PathLike[str] = "",
    parameters: Mapping[str, str] | None = None,
    output: str | os.PathLike[str] = "",
    timeout: int | None = None,
    keep: Path | None = None,
    folder: Path = paths.NOTEBOOKS,
) -> list[NotebookResult]:
    """Execute notebooks, each in a fresh kernel of this very Python, and print a line for each.

    All is checked before the first notebook starts. A notebook that fails does not stop the others. Mode and data root
    are those of :func:`.get_mode`; both reach the notebooks as variables, so that an executed notebook shows no path of
    this machine.

    Args:
        names: of :func:`select_notebooks`.
        parameters: values for the notebooks' ``parameters`` cells, as text, read by the types declared there.
        output: folder for the executed notebooks; by default ``runs/executed``, in ``smoke`` a scratch folder.
        timeout: seconds that one cell may take; by default 300 in ``smoke``, else 1800.
        keep: folder for a second, small copy to publish, such as ``figures/executed``.

    ConfigError: no such notebook, mode or parameter, a value of another type, or a run that cannot be published.
    DataError: the data root is not a folder.
    """
    root, chosen = paths.data_root(data), get_mode(mode, data)
    sources = select_notebooks(names, folder)
    if keep:
        demo = not root and chosen.source == "demo"
        require(demo, "--keep shows no pictures but the demo's: give --mode quick, no --data, no COLORSTYLE_DATA")
        require(not parameters, "--keep takes notebooks as they stand: leave --parameter out")
        for name in sources:
            require(not name.startswith("solutions/"), f"--keep is for the course: leave {name} out")
    timeout = (300 if chosen.name == "smoke" else 1800) if timeout is None else timeout
    require(timeout > 0, f"timeout is {timeout} s; give at least 1")
    values = {name: read_parameters(path, name, parameters or {}, chosen) for name, path in sources.items()}
    # Executed notebooks never go where the repository shows some.
    scratch = tempfile.mkdtemp(prefix="colorstyle-smoke-") if chosen.name == "smoke" and not output else ""
    target = Path(output or scratch or paths.RUNS / "executed").absolute()
    # Variables reach notebooks without parameters too, which is what the solutions are.
    environment = {"COLORSTYLE_MODE": chosen.name} | ({"COLORSTYLE_DATA": str(root)} if root else {})
    where = f", images from {root}" if root and chosen.source == "folder" else ""
    copies = f", small copies to {keep}" if keep else ""
    print(f"mode {chosen.name}{where}; executed notebooks go to {target}{copies}", flush=True)
    results = []
    for number, (name, path) in enumerate(sources.items(), start=1):
        title = f"[{number}/{len(sources)}] {name}"
        if not sys.stderr.isatty():  # else a progress bar stands here
            print(f"{title} ...", flush=True)
        result = run_one(name, path, values[name], target, timeout, environment, title)
        if keep and not result.error:
            from colorstyle_lib.environment import versions
            from colorstyle_lib.reproduction.results.store import Provenance

            origin = asdict(Provenance.here(command(path.stem, chosen.name), chosen.name))
            measured = {"seconds": round(result.seconds, 1), "peak_memory_mib": round(result.peak_memory / 2**20)}
            try:
                keep_notebook(result.output, path, origin | measured | versions(), keep)
            except DataError as error:
                result = replace(result, result="not kept", error=str(error))
        print(f"{title}: {result.result}, {result.seconds:.1f} s", flush=True)
        results.append(result)
    return results


def run_one(
    name: str, source: Path, parameters: Mapping[str, Any], output: Path, timeout: int, environment: Any, title: str
) -> NotebookResult:
    """Run one notebook to its end, follow its memory, and write what it computed to ``output``.

    The notebook is executed in a second thread. This one stays free: Ctrl-C reaches it at once, and it ends the kernel
    with all its child processes. ``environment`` is for the kernel, on top of this process's own variables.
    ConfigError: the executed notebook cannot be written.
    """
    start, peak, processes, begun = time.monotonic(), 0, [], []
    notebook = load_notebook_node(str(source))
    cells = len(notebook.cells)
    if parameters:
        notebook = parameterize_notebook(notebook, dict(parameters), kernel_name="python3", language="python")
    bar = tqdm(total=cells, desc=title, unit="cell", leave=False, disable=None, mininterval=0)

    def begin(cell: Any, cell_index: int) -> None:
        if "injected-parameters" not in cell.metadata.tags:  # papermill's own cell is not in the source
            bar.update(bool(begun))
            begun.append(cell.source)

    tidy(Path(tempfile.gettempdir()), "colorstyle-run-*", 24.0)
    with tempfile.TemporaryDirectory(prefix="colorstyle-run-", ignore_cleanup_errors=True) as scratch:
        log = Path(scratch, "kernel.log")
        kernel = AsyncKernelManager(
            kernel_name="python3",
            # With no folder to search, "python3" is this interpreter and no kernel that a user once registered.
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            connection_file=f"{scratch}/kernel.json",
        )
        client = NotebookClient(notebook, km=kernel, timeout=timeout, on_cell_start=begin, shutdown_kernel="immediate")
        variables = {**os.environ, **environment, "IPYTHONDIR": f"{scratch}/ipython"}
        with log.open("w") as words, ThreadPoolExecutor(1) as thread, bar:
            # The folder is the notebook's own, as with nbmake and JupyterLab.
            settings = {"cwd": str(source.parent), "env": variables, "stdout": words, "stderr": words}
            run = thread.submit(lambda: asyncio.run(client.async_execute(cleanup_kc=True, **settings)))
            try:
                while not run.done():
                    wait([run], SAMPLE_SECONDS)
                    processes = _processes(kernel) or processes
                    with suppress(psutil.Error):  # one has just ended
                        peak = max(peak, sum(process.memory_info().rss for process in processes))
                    bar.refresh()  # the seconds go on counting during a long cell
            finally:
                ended = False
                while not ended:  # after Ctrl-C the kernel may be about to start
                    for process in processes + _processes(kernel):
                        with suppress(psutil.Error):
                            process.kill()
                    ended = bool(wait([run], SAMPLE_SECONDS).done)
                atexit.unregister(client._cleanup_kernel)  # left behind where the kernel did not start
        result, error = _explain(run.exception(), kernel, log, timeout)
    seconds = notebook.metadata.papermill["duration"] = time.monotonic() - start
    failed = output / f"{name}.failed.ipynb"
    target = failed if error else output / f"{name}.ipynb"
    _write(notebook, target)
    if not error:
        failed.unlink(missing_ok=True)
    else:
        place = f"{name}, cell {len(begun)} of {cells}" if begun else name
        last = [f"    {line}" for line in (begun or [""])[-1].rstrip().splitlines()[-5:]]
        error = [f"{place}: {error[0]}", *last, *error[1:], f"executed up to there: {target}"]
    return NotebookResult(name, result, seconds, peak, target, "\n".join(error))


def _explain(error: BaseException | None, kernel: AsyncKernelManager, log: Path, timeout: int) -> tuple[str, list[str]]:
    """The result's name, and for a reader the message and the last lines of the traceback; none where all went well."""
    if error is None:
        return "ok", []
    if isinstance(error, CellTimeoutError):
        return "timed out", [f"took longer than {timeout} s, the limit for one cell; --timeout SECONDS sets another"]
    if isinstance(error, DeadKernelError):
        status = getattr(kernel.provisioner.process, "returncode", None)
        memory = ": most often because the machine ran out of memory" if status == -signal.SIGKILL else ""
        return "kernel died", [f"the kernel died (exit status {status}){memory}"]
    if isinstance(error, CellExecutionError) and error.ename == "SystemExit":
        return "failed", ["sys.exit() ended the notebook early"]
    if isinstance(error, CellExecutionError):
        lines = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback).splitlines()  # no colors
        return "failed", [f"{error.ename}: {error.evalue}", *(f"  | {line}" for line in lines[-8:])]
    return "failed", [str(error), *log.read_text(errors="replace").splitlines()[-8:]]  # the kernel did not start


def _processes(kernel: AsyncKernelManager) -> list[psutil.Process]:
    """A kernel's process and its child processes; none before its start and after its end."""
    with suppress(psutil.Error, AttributeError):
        process = psutil.Process(kernel.provisioner.process.pid)
        return [process, *process.children(recursive=True)]
    return []


def _write(notebook: Any, target: Path) -> None:
    """Write an executed notebook without what GitHub cannot show."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for shown in list(cell.get("outputs", [])):
            data = shown.get("data", {})
            if not data.pop("application/vnd.jupyter.widget-view+json", None):
                continue
            if set(data) <= {"text/plain"}:
                cell.outputs.remove(shown)  # without a picture in its stead only a widget's name would be left
            elif "image/jpeg" in data and "text/html" in data:  # GitHub shows the one, other pages the other
                sliders = nbformat.v4.new_output("display_data", {"text/html": data.pop("text/html")})
                cell.outputs.insert(cell.outputs.index(shown) + 1, sliders)
    with atomic_write(target, "w", ConfigError) as file:
        nbformat.write(notebook, file)


def select_notebooks(names: Sequence[str], folder: Path = paths.NOTEBOOKS) -> dict[str, Path]:
    """Find notebooks: ``01``, ``01_data``, ``01_data.ipynb`` or ``solutions/NAME``; by default all but solutions.

    ConfigError: there is no such notebook, or the folder has none at all.
    """
    course = {path.stem: path.resolve() for path in sorted(folder.glob("*.ipynb"))}
    require(bool(course), f"no notebooks in {str(folder)!r}; run this in a checkout of the repository")
    known = course | {f"solutions/{p.stem}": p.resolve() for p in sorted(folder.glob("solutions/*.ipynb"))}
    by_number = {name.split("_")[0]: name for name in course}
    chosen = {}
    for given in names:
        name = given.removeprefix("notebooks/").removesuffix(".ipynb")
        name = by_number.get(name, name)
        check_known("notebook", name, [*known, *by_number])
        chosen[name] = known[name]
    return chosen or course


def read_parameters(path: Path, name: str, given: Mapping[str, str], mode: Mode) -> dict[str, Any]:
    """Read the values of a notebook's parameters from text, by the types its ``parameters`` cell declares.

    ConfigError: the notebook has no such parameter (papermill only warns), or the value's type is wrong.
    """
    try:
        declared = papermill.inspect_notebook(path)
    except ValueError as error:
        raise ConfigError(f"{name} is not a Python notebook that can be run: {error}") from error
    values: dict[str, Any] = {"mode": mode.name} if "mode" in declared else {}
    for key, text in given.items():
        require(key not in ("mode", "data"), f"give {key!r} as --{key}, not as a parameter")
        if key not in declared:
            raise ConfigError(f"{name} has no parameter {key!r}{nearest(key, declared)}")
        kind = declared[key]["inferred_type_name"].split("[")[0]
        with suppress(ValueError, KeyError, SyntaxError):
            values[key] = _READ.get(kind, ast.literal_eval)(text)
        fits = type(values.get(key)).__name__ == kind
        require(fits, f"{name}: parameter {key!r} is of type {kind}, which {text!r} is not")
        if kind == "str" and text and Path(text).expanduser().exists():
            # A notebook runs in its own folder, where a path given relative to the caller's would lead elsewhere.
            values[key] = str(Path(text).expanduser().resolve())
    return values


def report(results: Sequence[NotebookResult]) -> int:
    """Print a table of seconds, peak memory and result, and last what went wrong; 1 where a notebook failed, else 0."""
    width = max(len("notebook"), *(len(result.notebook) for result in results))
    print(f"\n{'notebook':{width}}  seconds  peak memory  result")
    for result in results:
        mebibytes = result.peak_memory / 2**20
        print(f"{result.notebook:{width}}  {result.seconds:7.1f}  {mebibytes:7.0f} MiB  {result.result}")
    print(f"{'all':{width}}  {sum(result.seconds for result in results):7.1f}", flush=True)
    for result in results:
        if result.error:
            print(f"\n{result.error}", file=sys.stderr)
    return int(any(result.error for result in results))


def run_and_report(parameters: Sequence[str], keep: bool, **options: Any) -> int:
    """Run notebooks, with NAME=VALUE parameters, and report; the options are those of :func:`.run_notebooks`."""
    pairs = {}
    for item in parameters:
        name, equals, value = item.partition("=")
        require(bool(name and equals), f"--parameter wants NAME=VALUE, not {item!r}")
        pairs[name] = value
    return report(run_notebooks(parameters=pairs, keep=FOLDER if keep else None, **options))
