"""Runs one notebook in a process of its own, so that its memory is its own and its death harms nobody.

This process starts a worker (the second half of this file); the worker runs papermill, which starts the
kernel. The worker says how far it is in lines of JSON on its standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from colorstyle_lib import paths
from colorstyle_lib.errors import ConfigError, MissingExtraError
from colorstyle_lib.files import atomic_write

try:
    import nbformat
    import papermill
    import psutil
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or "papermill", "tutorial") from error

SAMPLE_SECONDS = 0.2
"""How often a kernel's memory is looked at."""


@dataclass(frozen=True)
class Job:
    """One notebook to run.

    Attributes:
        name: what it is called in messages, and its output's name without ending.
        source: the notebook.
        parameters: values of its ``parameters`` cell, already of the right types.
        timeout: seconds that one cell may take.
    """

    name: str
    source: str
    parameters: dict[str, Any]
    timeout: int


@dataclass(frozen=True)
class NotebookResult:
    """What became of one notebook.

    Attributes:
        notebook: its name without ending; solutions are ``solutions/NAME``.
        result: ``ok``, ``failed``, ``timed out`` or ``kernel died``; ``not kept`` of one that others are not shown.
        seconds: wall clock, the kernel's start included.
        peak_memory: most resident memory of the kernel and its child processes together, in bytes, looked at
            every ``SAMPLE_SECONDS``; memory that processes share counts once for each.
        output: the executed notebook: ``NAME.ipynb`` or, up to an error, ``NAME.failed.ipynb``.
        error: for a reader: the cell, its last lines and the end of the traceback. Empty if all went well.
    """

    notebook: str
    result: str
    seconds: float
    peak_memory: int
    output: Path | None
    error: str = ""


def run_one(job: Job, output: Path, environment: Mapping[str, str], title: str) -> NotebookResult:
    """Run one notebook to its end, watch its memory, and keep what it wrote.

    Args:
        job: what to run.
        output: folder of the executed notebook, which appears there only when it is complete.
        environment: variables for the kernel, on top of this process's own.
        title: what a progress bar on a terminal begins with.

    Raises:
        ConfigError: the executed notebook cannot be written to ``output``.
    """
    start = time.monotonic()
    cells = len(nbformat.read(job.source, as_version=4).cells)
    # Everything on the way is written here, so an interrupted run leaves nothing behind elsewhere: not half a
    # notebook, not the kernel's connection file, and no line in the user's IPython history.
    with tempfile.TemporaryDirectory(prefix="colorstyle-run-", ignore_cleanup_errors=True) as scratch:
        executed, log = Path(scratch, "executed.ipynb"), Path(scratch, "log.txt")
        with log.open("w") as stderr:
            worker = psutil.Popen(
                [
                    sys.executable,
                    "-m",
                    "colorstyle_lib.notebook_runner.worker",
                    json.dumps(asdict(job)),
                    str(executed),
                    str(cells),
                ],
                stdin=subprocess.PIPE,  # never written to; it ends when this process does, in whatever way
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, **environment, "IPYTHONDIR": f"{scratch}/ipython"},
                cwd=paths.PACKAGE.parent,
                start_new_session=True,  # Ctrl-C reaches only this process, which then ends the whole tree
            )
        with worker:
            try:
                end, peak = _watch(worker, cells, title)
            finally:
                _end([worker, *_children(worker)])
        if "result" not in end:  # the worker itself came to grief: its own last words are all there is
            words = log.read_text(errors="replace").splitlines()[-8:]
            end |= {"result": "failed", "error": "\n".join([f"exit status {worker.returncode}", *words])}
        ok = end["result"] == "ok"
        target = output / (f"{job.name}.ipynb" if ok else f"{job.name}.failed.ipynb")
        kept = _publish(executed, target) if executed.exists() else None
    seconds = time.monotonic() - start
    if ok:
        (output / f"{job.name}.failed.ipynb").unlink(missing_ok=True)
        return NotebookResult(job.name, "ok", seconds, peak, kept)
    place = f"{job.name}, cell {end['cell']} of {cells}" if "cell" in end else job.name
    seen = f"\nexecuted up to there: {kept}" if kept else ""
    return NotebookResult(job.name, end["result"], seconds, peak, kept, f"{place}: {end['error']}{seen}")


def _watch(worker: psutil.Popen, cells: int, title: str) -> tuple[dict[str, Any], int]:
    """Follow a worker to its end: its last message, and the kernel's peak memory in bytes."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in worker.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    last: dict[str, Any] = {}
    peak = 0
    with tqdm(total=cells, desc=title, unit="cell", leave=False, disable=None, mininterval=0) as bar:
        while True:
            peak = max(peak, sum(_resident(process) for process in _children(worker)))
            try:
                line = lines.get(timeout=SAMPLE_SECONDS)
            except queue.Empty:
                bar.refresh()  # the seconds go on counting during a long cell
                continue
            if not line:
                worker.wait()
                return last, peak
            last = json.loads(line)
            bar.update(last["cell"] - 1 - bar.n)


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return process.memory_info().rss
    return 0


def _end(processes: Iterable[psutil.Process]) -> None:
    """Kill at once; a kernel has a session of its own and would outlive its worker."""
    processes = list(processes)
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=5)


def _publish(executed: Path, target: Path) -> Path:
    """Give an executed notebook its place, without what GitHub cannot show or only this machine knows."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("widgets", None)
    for key in ("input_path", "output_path"):
        notebook.metadata.get("papermill", {}).pop(key, None)
    for cell in notebook.cells:
        for shown in list(cell.get("outputs", [])):
            data = shown.get("data", {})
            if data.pop("application/vnd.jupyter.widget-view+json", None) and set(data) <= {"text/plain"}:
                cell.outputs.remove(shown)  # without a picture in its stead only a widget's name would be left
    with atomic_write(target, "w", ConfigError) as file:
        nbformat.write(notebook, file)
    return target


# From here on: the worker.


def _work(job: Job, executed: str, cells: int) -> None:
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    messages = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the kernel or a library prints must not mix with the messages
    threading.Thread(target=_end_with_parent, daemon=True).start()
    at: dict[str, Any] = {"cell": 0}
    source = ""

    def tell(**message: str) -> None:
        print(json.dumps(at | message), file=messages, flush=True)

    def begin(cell: Any, cell_index: int) -> None:
        nonlocal source
        source = cell.source
        if "injected-parameters" not in cell.metadata.get("tags", []):  # papermill's own cell: not in the source
            at["cell"] += 1
        tell()

    # With no folder to search, "python3" is this interpreter and no kernel that a user once registered.
    kernel = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(Path(executed).with_name("kernel.json")),
    )
    try:
        papermill.execute_notebook(
            job.source,
            executed,
            job.parameters,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(Path(job.source).parent),  # as nbmake and JupyterLab do
            execution_timeout=job.timeout,
            km=kernel,
            on_cell_start=begin,
        )
    except papermill.PapermillExecutionError as error:
        trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).splitlines()  # no colors
        tell(result="failed", error=_explain(f"{error.ename}: {error.evalue}", source, trace))
    except CellTimeoutError:
        limit = f"took longer than {job.timeout} s, the limit for one cell; --timeout SECONDS sets another"
        tell(result="timed out", error=_explain(limit, source))
    except DeadKernelError:
        tell(result="kernel died", error=_explain(_cause_of_death(kernel), source))
    else:
        asyncio.run(kernel.shutdown_kernel())
        if at["cell"] < cells:  # papermill takes sys.exit() for success
            tell(result="failed", error=_explain("sys.exit() ended the notebook early", source))
        else:
            tell(result="ok", error="")
    finally:
        _end(_children(psutil.Process()))


def _explain(message: str, source: str, trace: Sequence[str] = ()) -> str:
    """An error, then the last lines of its cell, then those of its traceback."""
    cell = [f"    {line}" for line in source.rstrip().splitlines()[-5:]]
    return "\n".join([message, *cell, *(f"  | {line}" for line in trace[-8:])])


def _cause_of_death(kernel: Any) -> str:
    status = asyncio.run(kernel.provisioner.poll()) or 0
    if status == -signal.SIGKILL:
        return "the kernel was killed (SIGKILL): most often because the machine ran out of memory"
    if status < 0:
        return f"the kernel crashed ({signal.Signals(-status).name})"
    return f"the kernel ended by itself (exit status {status})"


def _end_with_parent() -> None:
    """Wait for the end of standard input: the parent is gone, even by kill -9, and the kernel must go too."""
    while os.read(0, 1):
        pass
    _end(_children(psutil.Process()))
    os._exit(1)


if __name__ == "__main__":
    _work(Job(**json.loads(sys.argv[1])), sys.argv[2], int(sys.argv[3]))
