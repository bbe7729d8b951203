"""The runner, with real kernels: notebooks that succeed, fail, are killed, hang and are interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from colorstyle_lib import paths
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.notebook_runner import run

PARAMETERS = """mode: str = "auto"  # how much work
data: str = ""  # a data root
seed: int = 0  # start of every random generator
rate: float = 0.1  # a number
fast: bool = False  # a switch
sizes: list[int] = [1, 2]  # several numbers"""


def write_notebook(path: Path, *code: str, kernel: str = "python3") -> Path:
    """Write a notebook of a title, a parameters cell and the code given, one cell each."""
    cells = [
        new_markdown_cell("# A throwaway"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        *map(new_code_cell, code),
    ]
    metadata = {
        "kernelspec": {"name": kernel, "display_name": "Python 3", "language": "python"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=metadata), str(path))
    return path


def printed(path: Path) -> str:
    """All that an executed notebook's cells have printed."""
    cells = nbformat.read(str(path), as_version=4).cells
    return "".join(o.text for c in cells for o in c.get("outputs", []) if o.output_type == "stream")


def run_and_report(*names: str, **options) -> int:
    """What ``colorstyle run`` does: run the notebooks, print the table and the errors."""
    return run.report(run.run_notebooks(names, **options))


@pytest.fixture
def folder(isolated: Path) -> Path:
    """An empty folder for notebooks, with no variable of ours set."""
    (isolated / "nb").mkdir()
    return isolated / "nb"


def test_a_notebook_runs_here_with_this_python_and_its_parameters(
    folder: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    # A kernel of the same name that a user registered elsewhere must not be taken for this environment's.
    spec = folder.parent / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["/nonexistent", "{connection_file}"], "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(folder.parent / "jupyter"))
    monkeypatch.setenv("COLORSTYLE_MODE", "smoke")
    data = folder.parent / "pictures"
    data.mkdir()
    write_notebook(
        folder / "01_fine.ipynb",
        "import os, sys\nprint(sys.executable, os.getcwd(), sep='\\n')",
        "print(mode, os.environ['COLORSTYLE_MODE'], repr(data), os.environ['COLORSTYLE_DATA'], sep='\\n')",
        "print(seed, rate, fast, sizes, flush=True)\nos.system('echo loud')",
        "filled = bytearray(b'x') * 200_000_000\nimport time; time.sleep(0.5)",
        "from ipywidgets import IntSlider\nIntSlider()",
        "view = {'application/vnd.jupyter.widget-view+json': {'model_id': '1'}}\n"
        "display({'image/jpeg': 'AAAA', 'text/html': '<iframe>', **view}, raw=True)",
        kernel="somewhere-else",
    )
    write_notebook(folder / "02_other.ipynb", "raise SystemError")
    out = folder.parent / "out"
    (out / "01_fine.failed.ipynb").parent.mkdir()
    (out / "01_fine.failed.ipynb").write_text("of the last run")
    values = {"seed": "7", "rate": "2", "fast": "true", "sizes": "[3, 4]"}
    status = run_and_report("01", data="pictures", parameters=values, output="out", folder=folder, timeout=60)
    told = capsys.readouterr()
    assert status == 0, told.err
    assert [p.name for p in out.iterdir()] == ["01_fine.ipynb"]
    assert printed(out / "01_fine.ipynb").splitlines()[:7] == [
        *(sys.executable, str(folder), "smoke", "smoke", "''", str(data)),
        "7 2.0 True [3, 4]",
    ]
    text = (out / "01_fine.ipynb").read_text()
    assert "widget-state" not in text
    assert 'widget-view+json"' not in text
    assert "IntSlider(value" not in text, "a widget's name without a widget"
    assert "AAAA" in text, "what stands in a widget's stead"
    ran = nbformat.read(str(out / "01_fine.ipynb"), as_version=4)
    # two outputs, for a page shows the first of an output's kinds that it knows, and GitHub no frame
    assert [list(shown.data) for shown in ran.cells[-1].outputs] == [["image/jpeg"], ["text/html"]]
    facts = ran.metadata.papermill
    assert facts.duration > 0
    assert not {"input_path", "output_path"} & set(facts)
    row = re.search(r"^01_fine +([\d.]+) +(\d+) MiB  ok$", told.out, re.MULTILINE)
    assert row
    assert 0 < float(row[1]) < 60
    assert 200 < int(row[2]) < 500  # the 191 MiB array and a kernel


def test_errors_come_last_and_do_not_stop_other_notebooks(folder: Path, capsys):
    write_notebook(folder / "01_fails.ipynb", "def half():\n    return 1 / 0", "a = 1\nhalf()", "print('no')")
    write_notebook(folder / "02_killed.ipynb", "print('before')", "import os\nos.kill(os.getpid(), 9)")
    write_notebook(folder / "03_hangs.ipynb", "import time\ntime.sleep(30 if mode == 'smoke' else 0)")
    write_notebook(folder / "04_leaves.ipynb", "import sys\nsys.exit(0)", "print('no')")
    write_notebook(folder / "05_fine.ipynb", "import os\nos.environ['COLORSTYLE_MODE']")
    out = folder.parent / "out"
    out.mkdir()
    (out / "01_fails.ipynb").write_text("of the last run")
    assert run_and_report(mode="smoke", output=out, folder=folder, timeout=4) == 1
    told = capsys.readouterr()
    results = re.findall(r"^(\d\d)\w+ +[\d.]+ +\d+ MiB  (.*)$", told.out, re.MULTILINE)
    assert results == [
        ("01", "failed"), ("02", "kernel died"), ("03", "timed out"), ("04", "failed"), ("05", "ok"),
    ]  # fmt: skip
    failed, killed, hung, left = told.err.strip().split("\n\n0")
    assert failed.startswith("01_fails, cell 4 of 5: ZeroDivisionError: division by zero\n    a = 1\n    half()")
    assert "----> 2     return 1 / 0" in failed
    assert "\x1b" not in failed
    assert killed.startswith("2_killed, cell 4 of 4: the kernel died (exit status -9): most often because")
    assert killed.endswith(f"executed up to there: {out}/02_killed.failed.ipynb")
    assert hung.startswith("3_hangs, cell 3 of 3: took longer than 4 s, the limit for one cell; --timeout")
    assert left.startswith("4_leaves, cell 3 of 4: sys.exit() ended the notebook early")
    assert (out / "01_fails.ipynb").read_text() == "of the last run"
    assert printed(out / "02_killed.failed.ipynb") == "before\n"
    assert sorted(p.name for p in out.glob("*")) == [
        *("01_fails.failed.ipynb", "01_fails.ipynb", "02_killed.failed.ipynb"),
        *("03_hangs.failed.ipynb", "04_leaves.failed.ipynb", "05_fine.ipynb"),
    ]


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_an_interrupted_run_leaves_no_output_and_no_process(folder: Path, name: str):
    number = getattr(signal, name)
    started = folder / "started"
    write_notebook(
        folder / "01_long.ipynb",
        f"import os, pathlib\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))",
        "import time\ntime.sleep(60)",
    )
    # A shell that starts a test in the background lets it ignore SIGINT; the child must not inherit that.
    code = (
        "import pathlib, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from colorstyle_lib import paths; paths.NOTEBOOKS = pathlib.Path('nb'); "
        "from colorstyle_lib.cli.main import main; sys.exit(main(['run', '--mode', 'smoke', '--output', 'out']))"
    )
    temporary = folder.parent / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder.parent,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as runner:
        try:
            await_true(lambda: started.exists() and started.read_text())
            tree = psutil.Process(runner.pid).children(recursive=True)
            assert int(started.read_text()) in [process.pid for process in tree]
            os.killpg(runner.pid, number)  # as a terminal does: to all processes of the group
            _, told = runner.communicate(timeout=20)
        finally:
            runner.kill()
    # After kill -9 each process must notice for itself; after Ctrl-C the runner sees to it before it ends.
    _, alive = psutil.wait_procs(tree, timeout=0.1 if name == "SIGINT" else 5)
    assert not alive
    assert not (folder.parent / "out").exists()
    assert runner.returncode == (130 if name == "SIGINT" else -number)
    if name == "SIGINT":
        assert "interrupted" in told
        assert "Traceback" not in told
        assert not list(temporary.iterdir())


def await_true(condition) -> None:
    """Wait until something has happened, for at most 30 s."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_notebooks_are_chosen_by_number_name_or_file_name(folder: Path):
    for name in ("00_start_here", "01_data", "solutions/01_data"):
        write_notebook(folder / f"{name}.ipynb")

    def chosen(*names: str) -> list[str]:
        return list(run.select_notebooks(names, folder))

    assert chosen() == ["00_start_here", "01_data"]
    assert chosen("01") == chosen("01_data") == chosen("01_data.ipynb") == chosen("notebooks/01_data.ipynb")
    assert chosen("01", "00", "01_data") == ["01_data", "00_start_here"]
    assert chosen("solutions/01_data") == ["solutions/01_data"]
    with pytest.raises(ConfigError, match=r"no notebook '01_dat'; did you mean '01_data'\?"):
        chosen("01_dat")
    with pytest.raises(ConfigError, match="run this in a checkout"):
        run.select_notebooks((), folder / "solutions" / "none")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("sed=1", r"01_a has no parameter 'sed'; did you mean 'seed'\?"),
        ("seed=1.5", "01_a: parameter 'seed' is of type int, which '1.5' is not"),
        ("rate=fast", "parameter 'rate' is of type float, which 'fast' is not"),
        ("fast=1", "parameter 'fast' is of type bool, which '1' is not"),
        ("sizes=3", "parameter 'sizes' is of type list, which '3' is not"),
        ("sizes=open('x')", "parameter 'sizes' is of type list"),
        ("mode=full", "give 'mode' as --mode"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(folder: Path, given: str, message: str, capsys):
    write_notebook(folder / "01_a.ipynb", "print('ran')")
    with pytest.raises(ConfigError, match=message):
        run_and_report(mode="smoke", parameters=dict([given.split("=", 1)]), output="out", folder=folder)
    assert capsys.readouterr().out == ""
    assert not Path("out").exists()


def test_a_wrong_mode_timeout_or_data_root_is_refused(folder: Path):
    write_notebook(folder / "01_a.ipynb")
    with pytest.raises(ConfigError, match=r"no mode 'smok'; did you mean 'smoke'\?"):
        run.run_notebooks(mode="smok", folder=folder)
    with pytest.raises(ConfigError, match="give at least 1"):
        run.run_notebooks(mode="smoke", timeout=0, folder=folder)
    with pytest.raises(DataError, match="is not a folder"):
        run.run_notebooks(mode="smoke", data="nowhere", folder=folder)


def test_no_run_writes_where_the_repository_shows_notebooks(folder: Path, monkeypatch):
    write_notebook(folder / "01_a.ipynb")
    monkeypatch.delenv("COLORSTYLE_DATA", raising=False)
    monkeypatch.setattr(run, "run_one", lambda *given: run.NotebookResult("01_a", "ok", 0.0, 0, given[3]))
    outputs = [run.run_notebooks(mode=mode, folder=folder)[0].output for mode in ("smoke", "quick")]
    assert outputs[1] == paths.RUNS / "executed"
    assert outputs[0].is_dir()
    assert not outputs[0].is_relative_to(paths.ROOT)
    outputs[0].rmdir()


def test_a_kernel_that_does_not_start_says_why(folder: Path):
    source = write_notebook(folder / "01_a.ipynb")
    (folder / "ipykernel_launcher.py").write_text("raise SystemExit('this kernel does not start')")
    result = run.run_one("01_a", source, {}, folder / "out", 60, {"PYTHONPATH": str(folder)}, "01_a")
    assert result.result == "failed"
    assert result.error.startswith("01_a: Kernel died before replying to kernel_info\nthis kernel does not start\n")
