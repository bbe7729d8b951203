"""Notebooks with outputs: kept by a run, small, fit for any reader, and found out where they are stale."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from colorstyle_lib import paths
from colorstyle_lib.cli.main import main
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.notebook_runner import run
from colorstyle_lib.notebook_runner.publish import (
    INDEX,
    check_executed,
    clean_outputs,
    keep_notebook,
    output_problems,
    read_notebook,
    shrink_pictures,
)

FACTS = {
    "mode": "quick", "seconds": 61.4, "peak_memory_mib": 900, "hardware": "a laptop", "commit": "abc1234",
    "command": "colorstyle run 01_a --mode quick --keep", "python": "3.12", "torch": "2.11", "numpy": "2.0",
    "colorstyle": "0.1.0",
}  # fmt: skip
PLACE = "/ho" + "me/you"  # in two halves, or this file would name one


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    channels = np.random.default_rng(0).integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    return Image.fromarray(channels, mode)


def shown(picture: Image.Image) -> NotebookNode:
    stream = BytesIO()
    picture.save(stream, "PNG")
    return new_output("display_data", {"image/png": base64.b64encode(stream.getvalue()).decode(), "text/plain": "<F>"})


def picture_of(output: NotebookNode) -> Image.Image:
    assert "image/png" not in output.data
    picture = Image.open(BytesIO(base64.b64decode(output.data["image/jpeg"])))
    assert picture.format == "JPEG"
    return picture


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", name=name, text=text)


def save(notebook: NotebookNode, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return path


def run_course(course: Path, kept: Path) -> int:
    return run.report(run.run_notebooks(mode="quick", keep=kept, output="runs", folder=course, timeout=60))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder with a notebook that has no outputs."""
    cells = [
        new_markdown_cell("# A\n[own](solutions/01_a.ipynb), [next](02_b.ipynb), [page](P.md)"),
        new_code_cell("print(1)"),
    ]
    save(new_notebook(cells=[*cells, new_code_cell("2")]), tmp_path / "notebooks" / "01_a.ipynb")
    return tmp_path / "notebooks"


@pytest.fixture
def ran(course: Path) -> Path:
    """The same notebook as papermill leaves it."""
    notebook = read_notebook(course / "01_a.ipynb")
    first, second = notebook.cells[1:]
    first.update(execution_count=2, outputs=[printed("1\n")], metadata={"papermill": {"duration": 1.0}})
    second.update(execution_count=3, outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=3)])
    notebook.cells.insert(1, new_code_cell("mode = 'quick'", metadata={"tags": ["injected-parameters"]}))
    notebook.metadata["papermill"] = {"duration": 2.0}
    return save(notebook, course.parent / "runs" / "01_a.ipynb")


@pytest.fixture
def kept(course: Path, ran: Path) -> Path:
    """The folder where it is kept."""
    folder = course.parent / "figures" / "executed"
    keep_notebook(ran, course / "01_a.ipynb", FACTS, folder)
    return folder


def problems(kept: Path, course: Path) -> str:
    return "\n".join(problem for one in check_executed(kept, course) for problem in one.problems)


def test_the_repositorys_own_are_what_the_course_would_show():
    assert not [line for one in check_executed() if one.problems for line in one.lines]


def test_a_run_keeps_a_notebook(course: Path, isolated: Path, capsys):
    notebook = read_notebook(course / "01_a.ipynb")
    notebook.cells.append(new_code_cell("import os\nprint(os.getcwd(), os.environ['COLORSTYLE_MODE'], mode)"))
    notebook.cells.insert(1, new_code_cell('mode: str = "auto"  # how much', metadata={"tags": ["parameters"]}))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    save(notebook, course / "01_a.ipynb")
    folder = isolated / "kept"
    status = run_course(course, folder)
    assert status == 1
    assert "01_a.ipynb is not kept: an output names /" in capsys.readouterr().err
    assert not folder.exists()
    notebook.cells[-1].source = "import os\nprint(os.environ['COLORSTYLE_MODE'], mode)"
    save(notebook, course / "01_a.ipynb")
    assert run_course(course, folder) == 0
    cells = read_notebook(folder / "01_a.ipynb").cells
    assert [cell.source for cell in cells[1:]] == [cell.source for cell in notebook.cells[1:]]
    assert cells[-1].outputs[0].text == "quick quick\n"
    assert check_executed(folder, course)[0].lines[0].startswith("executed/01_a: agrees: 4 code cells")
    facts = read_notebook(folder / "01_a.ipynb").metadata["colorstyle"]
    assert facts["command"] == "colorstyle run 01_a --mode quick --keep"
    assert 0 < facts["seconds"] < 60
    assert facts["peak_memory_mib"] > 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "smoke"}, "give --mode quick, no --data"),
        ({"mode": "quick", "data": "."}, "no pictures but the demo's"),
        ({"mode": "full", "data": "."}, "no pictures but the demo's"),
        ({"mode": "quick", "parameters": {"seed": "1"}}, "as they stand: leave --parameter out"),
        ({"mode": "quick", "names": ["solutions/01_a"]}, "leave solutions/01_a out"),
    ],
)
def test_what_must_not_be_shown_is_refused_before_anything_runs(
    given: dict, message: str, course: Path, isolated: Path
):
    save(new_notebook(), course / "solutions" / "01_a.ipynb")
    with pytest.raises(ConfigError, match=message):
        run.run_notebooks(**given, keep=isolated / "kept", folder=course)
    assert not (isolated / "kept").exists()


def test_a_data_root_in_the_environment_is_refused_too(course: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLORSTYLE_DATA", str(isolated))
    with pytest.raises(ConfigError, match="no COLORSTYLE_DATA"):
        run.run_notebooks(mode="quick", keep=isolated / "kept", folder=course)


def test_a_kept_notebook_is_its_notebook_with_outputs(course: Path, kept: Path):
    notebook = read_notebook(kept / "01_a.ipynb")
    title, first, second = notebook.cells
    links = "[own](../../notebooks/solutions/01_a.ipynb), [next](02_b.ipynb), [page](../../notebooks/P.md)"
    assert title.source == f"# A\n{links}"
    assert (first.execution_count, first.outputs[0].text, first.metadata) == (1, "1\n", {})
    assert (second.execution_count, second.outputs[0].execution_count) == (2, 2)
    assert notebook.metadata == {"colorstyle": FACTS}
    listed = (kept / INDEX).read_text(encoding="utf-8")
    assert "| [01_a](01_a.ipynb) | quick | 61 | 900 MiB | a laptop | python 3.12, torch 2.11" in listed
    assert problems(kept, course) == ""


def test_one_notebook_is_renewed_at_a_time(course: Path, ran: Path, kept: Path):
    save(read_notebook(course / "01_a.ipynb"), course / "02_b.ipynb")
    assert [one.skipped for one in check_executed(kept, course)] == [False, True, False]
    assert "02_b: not checked: not kept yet: colorstyle run 02_b --mode quick --keep" in str(
        [one.lines for one in check_executed(kept, course)]
    )
    keep_notebook(save(read_notebook(ran), ran.with_name("02_b.ipynb")), course / "02_b.ipynb", FACTS, kept)
    assert [line[:6] for line in (kept / INDEX).read_text(encoding="utf-8").splitlines()[-2:]] == ["| [01_", "| [02_"]
    assert problems(kept, course) == ""


def edit(path: Path, change: Callable[[NotebookNode], object]) -> None:
    notebook = read_notebook(path)
    change(notebook)
    save(notebook, path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n.cells[1].update(source="print(2)"), "no longer that of the notebook: colorstyle run 01_a --mode"),
        (lambda n: n.cells.pop(), "no longer that of the notebook"),
        (lambda n: n.cells[1].outputs.append(printed(f"at {PLACE}/x\n")), f"an output names {PLACE}/x"),
        (lambda n: n.cells[1].outputs.append(printed(f"{paths.ROOT}\n")), f"names {paths.ROOT}"),
        (
            lambda n: n.cells[2].outputs.append(new_output("display_data", {"text/html": f"<a href='{PLACE}/y'>"})),
            f"an output names {PLACE}/y",
        ),
        (
            lambda n: n.cells[1].outputs.append(new_output("error", ename="KeyError", evalue="", traceback=[])),
            "code cell 1 ends in KeyError",
        ),
        (lambda n: n.cells[2].update(execution_count=None), "code cell 2 has not run"),
        (lambda n: n.metadata.update(widgets={}), "widgets' states"),
        (
            lambda n: n.cells[2].outputs[0].data.update({"application/vnd.jupyter.widget-view+json": {}}),
            "code cell 2 shows a widget",
        ),
        (lambda n: n.cells[1].outputs[0].update(text="x" * 1_000_001), "1,000,000 allowed"),
        (lambda n: n.metadata["colorstyle"].update(seconds=99), "README.md is not the index of these notebooks"),
        (lambda n: n.metadata.clear(), "01_a.ipynb does not say how it was made: colorstyle run 01_a"),
    ],
)
def test_what_is_wrong_with_a_kept_notebook_is_told(change: Callable, said: str, course: Path, kept: Path):
    edit(kept / "01_a.ipynb", change)
    assert said in problems(kept, course)


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace('"stream"', '"nothing"')])
def test_a_damaged_notebook_is_told(damage: Callable, course: Path, kept: Path):
    path = kept / "01_a.ipynb"
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert re.search(r"01_a.ipynb is not a notebook .*; make it again: colorstyle run 01_a", problems(kept, course))


def test_what_does_not_belong_there_is_told(course: Path, kept: Path, monkeypatch: pytest.MonkeyPatch):
    save(read_notebook(kept / "01_a.ipynb"), kept / "99_old.ipynb")
    assert "99_old.ipynb is no notebook of the course: remove it" in problems(kept, course)
    monkeypatch.setattr("colorstyle_lib.notebook_runner.publish.MOST_BYTES_TOGETHER", 1000)
    assert re.search(r"[\d,]+ bytes together, 1,000 allowed", problems(kept, course))
    (kept / INDEX).unlink()
    assert "README.md is not the index" in problems(kept, course)


def test_the_command_checks_them(monkeypatch: pytest.MonkeyPatch, capsys):
    """Figures are checked elsewhere: here only that the notebooks are among what is told."""
    monkeypatch.setattr("colorstyle_lib.reproduction.figures.registry.FIGURES", {})
    main(["figures", "check"])
    told = capsys.readouterr().out
    assert all(f"executed/{path.stem}: " in told for path in paths.NOTEBOOKS.glob("*.ipynb"))


def test_a_notebook_that_was_edited_while_it_ran_is_not_kept(course: Path, ran: Path, tmp_path: Path):
    edit(course / "01_a.ipynb", lambda n: n.cells[1].update(source="print(3)"))
    with pytest.raises(DataError, match="was edited while it ran: colorstyle run 01_a --mode quick --keep"):
        keep_notebook(ran, course / "01_a.ipynb", FACTS, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_what_is_printed_is_whole_and_without_progress_bars():
    cell = new_code_cell(outputs=[
        *(printed("one\n"), printed("two\n")),
        printed("  0%|          | 0/2\r 50%|#####     | 1/2 [00:01<00:01,  1.0s/it]\n", "stderr"),
        *(printed("waiting\rdone \r\n"), printed("no newline")),
    ])  # fmt: skip
    clean_outputs(new_notebook(cells=[cell]))
    assert [(one.name, one.text) for one in cell.outputs] == [
        ("stdout", "one\ntwo\n"),
        ("stdout", "done \nno newline"),
    ]


def test_paths_are_told_from_the_repository_on():
    packages = "/us" + "r/lib/python3/dist/site-packages/"
    cell = new_code_cell(outputs=[
        printed(f"{paths.ROOT}/figures/a.png and {paths.ROOT}, {Path.home()}/x, {packages}torch/nn.py:3\n"),
        new_output("display_data", {"text/html": f"<i>{paths.ROOT}/b</i>", "image/png": "AAAA"}),
    ])  # fmt: skip
    clean_outputs(new_notebook(cells=[cell]))
    assert cell.outputs[0].text == "./figures/a.png and ., ~/x, torch/nn.py:3\n"
    assert cell.outputs[1].data == {"text/html": "<i>./b</i>", "image/png": "AAAA"}
    cell.execution_count = 1
    assert output_problems(new_notebook(cells=[cell])) == []


def test_pictures_become_small_jpegs_that_show_the_same():
    smooth = Image.linear_gradient("L").convert("RGB").resize((1500, 500))
    notebook = new_notebook(cells=[new_code_cell(outputs=[shown(smooth)])])
    shrink_pictures(notebook, 1_000_000, 1_000_000)
    picture = picture_of(notebook.cells[0].outputs[0])
    assert picture.size == (1000, 333)
    assert np.abs(np.asarray(picture, float) - np.asarray(smooth.resize(picture.size), float)).mean() < 2
    assert notebook.cells[0].outputs[0].data["text/plain"] == "<F>"


def test_what_is_transparent_becomes_white():
    clear = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    notebook = new_notebook(cells=[new_code_cell(outputs=[shown(clear)])])
    shrink_pictures(notebook, 1_000_000, 1_000_000)
    assert picture_of(notebook.cells[0].outputs[0]).getpixel((5, 5)) == (255, 255, 255)


def test_pictures_are_as_good_as_the_size_allows():
    def size(wanted: int, most: int = 1_000_000) -> int:
        notebook = new_notebook(cells=[new_code_cell(outputs=[shown(noise(300, 300))])])
        shrink_pictures(notebook, wanted, most)
        return len(nbformat.writes(notebook).encode())

    best = size(1_000_000)
    assert 0.5 * best < size(best - 1) < best
    with pytest.raises(DataError, match="quality 45, 2,000 allowed: show fewer"):
        size(1_000, 2_000)
    assert size(1_000) < 0.5 * best  # more than wanted, and allowed
