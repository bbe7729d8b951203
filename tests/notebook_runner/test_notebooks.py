"""The notebooks as files: what readers, GitHub, papermill and nbmake need of them. Nothing is run here."""

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
import papermill
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
COURSE = sorted(FOLDER.glob("*.ipynb"))
ALL = COURSE + sorted(FOLDER.glob("solutions/*.ipynb"))

Check = Callable[[NotebookNode, Path], Iterator[str]]


def read(path: Path) -> NotebookNode:
    """A notebook as it is: nbformat.read would mend ids on the way."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def of_type(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def parse(cell: NotebookNode) -> ast.Module:
    """A code cell as a syntax tree; lines for IPython alone (magics, shell) become blank."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE))


def format_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        yield "a cell has no id, or two have the same"
        return  # validation would mend them
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"not valid: {error}"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"
    if notebook.metadata.get("kernelspec", {}).get("language") != "python":
        yield "the kernel's language is not named, which papermill needs"


def output_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    if "widgets" in notebook.metadata:
        yield "holds widget state, with which GitHub shows nothing"
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.get("outputs") or cell.get("execution_count") is not None:
            yield f"cell {number} holds an output or a number"


def length_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    lines = [len(cell.source.splitlines()) for cell in of_type(notebook, "code")]
    if lines and max(lines) > 40:
        yield f"a cell of {max(lines)} lines; 40 is the most"
    if lines and statistics.median(lines) > 12:
        yield f"code cells have a median of {statistics.median(lines)} lines; 12 is the most"


def import_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Few lines, from packages' faces, so that a reader sees at a glance what a cell needs."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        imports = [node for node in parse(cell).body if isinstance(node, ast.Import | ast.ImportFrom)]
        lines = cell.source.splitlines()[imports[0].lineno - 1 : imports[-1].end_lineno] if imports else []
        if len(lines) > 10:
            yield f"cell {number} has {len(lines)} lines of imports; 10 is the most"
        if any(len(line) > 100 for line in lines):
            yield f"cell {number} imports in a line of more than 100 characters"


def parameter_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged 'parameters'"
        return
    values = {}
    for line in filter(None, tagged[0].source.splitlines()):
        try:
            (statement,) = ast.parse(line).body
            assert isinstance(statement, ast.AnnAssign)
            values[statement.target.id] = ast.literal_eval(statement.value)
        except (SyntaxError, ValueError, AttributeError, TypeError, AssertionError):
            yield f"not 'name: type = literal  # comment': {line}"
            continue
        comment = line[statement.end_col_offset :].strip()
        if not re.fullmatch(r"# \S.*", comment):
            yield f"no comment: {line}"
    if missing := {"mode", "data", "seed"} - set(values):
        yield f"no parameter {', '.join(sorted(missing))}"
    if values.get("mode", "auto") != "auto":
        yield "mode is not 'auto'"
    # What its regular expression cannot read (a type such as `str | None`), papermill silently passes over.
    if path.exists() and set(papermill.inspect_notebook(path)) != set(values):
        yield "papermill reads other parameters than are written"


def figure_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """A notebook draws on axes that the library made (``plots.new_figure``), so that all figures look alike."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        for node in ast.walk(parse(cell)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] in ("matplotlib", "seaborn", "plotly") for name in imported):
                yield f"cell {number} imports {imported[0]}: draw it with a function of the library"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "plt":
                yield f"cell {number} calls plt.{node.attr}: draw it with a function of the library"


def anchors(notebook: NotebookNode) -> set[str]:
    """What a link to a notebook may end with: headings, as JupyterLab and as GitHub write them, and ids."""
    found = set()
    for cell in of_type(notebook, "markdown"):
        text = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
        for heading in re.findall(r"^#{1,6} +(.+?)\s*#*$", text, re.MULTILINE):
            found.add(heading.replace(" ", "-"))
            found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
        found.update(re.findall(r"""<a[^>]*\b(?:id|name)=["']([^"']+)""", text))
    return found


def link_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    for cell in of_type(notebook, "markdown"):
        text = re.sub(r"`[^`]*`", "", re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL))
        links = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"""\b(?:src|href)=["']([^"']+)""", text)
        for link in links:
            if re.match(r"[a-z]+:", link):
                continue  # the web, an attachment
            name, _, anchor = unquote(link).partition("#")
            target = (path.parent / name).resolve() if name else path
            if name and not target.exists():
                yield f"the link {link} leads nowhere"
            elif anchor and (not name or target.suffix == ".ipynb"):
                there = read(target) if name else notebook
                if anchor not in anchors(there):
                    yield f"the link {link} leads to no heading"


def course_problems(notebook: NotebookNode, path: Path) -> Iterator[str]:
    card = notebook.cells[0]
    if card.cell_type != "markdown" or not card.source.startswith("# "):
        yield "does not begin with a title"
    for words in ("You will learn", "You need", "Time"):
        if words not in card.source:
            yield f"the card at the top does not say {words!r}"
    text = "\n".join(cell.source for cell in of_type(notebook, "markdown")[-3:])
    if not re.search(r"^#+ .*Recap", text, re.MULTILINE):
        yield "does not end with a recap"
    if not re.search(r"\bNext\b", text):
        yield "does not name the next step"


FOR_ALL = [format_problems, output_problems, length_problems, import_problems, figure_problems, link_problems]
FOR_COURSE = [parameter_problems, course_problems]


def name_of(value: object) -> str:
    return value.relative_to(FOLDER).as_posix() if isinstance(value, Path) else value.__name__


@pytest.mark.parametrize("check", FOR_ALL, ids=name_of)
@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_notebook(path: Path, check: Check):
    assert not list(check(read(path), path))


@pytest.mark.parametrize("check", FOR_COURSE, ids=name_of)
@pytest.mark.parametrize("path", COURSE, ids=name_of)
def test_course_notebook(path: Path, check: Check):
    assert not list(check(read(path), path))


def test_every_notebook_opens_on_colab_and_installs_what_is_missing_in_the_same_way():
    notebooks = [read(path) for path in COURSE]
    assert all("colab-badge.svg" in notebook.cells[0].source for notebook in notebooks)
    (cell,) = {of_type(notebook, "code")[0].source for notebook in notebooks}
    assert 'find_spec("colorstyle_lib")' in cell
    assert '("torch", "torchvision") if find_spec(p)' in cell  # which pip then leaves as they are


CARD = "# A title\nYou will learn: little. You need: none. Time: 0.\n\n[Below](#What-is-x?), [it](01.ipynb)."
PARAMETERS = 'mode: str = "auto"  # how much\ndata: str = ""  # where\nseed: int = 0  # start'


def good_notebook() -> NotebookNode:
    return new_notebook(
        cells=[
            new_markdown_cell(CARD),
            new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            new_markdown_cell("## What is x?\n`[a](b)` and [its name](#what-is-x)"),
            new_code_cell("%matplotlib inline\nx = 1"),
            new_markdown_cell("## Recap\nx is 1.\n\nNext: y."),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


@pytest.mark.parametrize("check", FOR_ALL + FOR_COURSE, ids=name_of)
def test_a_check_accepts_a_good_notebook(check: Check, tmp_path: Path):
    path = tmp_path / "01.ipynb"
    path.write_text(nbformat.v4.writes(good_notebook()), encoding="utf-8")
    assert not list(check(read(path), path))


SPOILED = {
    "another kernel": (format_problems, lambda n: n.metadata.kernelspec.update(name="mine")),
    "the same id": (format_problems, lambda n: n.cells[1].update(id=n.cells[0].id)),
    "not the format": (format_problems, lambda n: n.cells[2].update(outputs=[])),
    "an output": (
        output_problems,
        lambda n: n.cells[1].update(outputs=[new_output("stream", name="stdout", text="1")]),
    ),
    "a number": (output_problems, lambda n: n.cells[1].update(execution_count=1)),
    "widget state": (output_problems, lambda n: n.metadata.update(widgets={})),
    "a long cell": (length_problems, lambda n: n.cells[1].update(source="x = 1\n" * 41)),
    "long cells": (length_problems, lambda n: [c.update(source="x = 1\n" * 13) for c in n.cells]),
    "many imports": (
        import_problems,
        lambda n: n.cells[3].update(source="\n".join(f"import module_{i}" for i in range(11))),
    ),
    "a long import": (import_problems, lambda n: n.cells[3].update(source=f"from x import {'a' * 100}")),
    "no parameters": (parameter_problems, lambda n: n.cells[1].metadata.clear()),
    "no seed": (parameter_problems, lambda n: n.cells[1].update(source=PARAMETERS.rsplit("\n", 1)[0])),
    "no type": (parameter_problems, lambda n: n.cells[1].update(source=PARAMETERS + "\nn = 1  # many")),
    "no comment": (parameter_problems, lambda n: n.cells[1].update(source=PARAMETERS + "\nn: int = 1")),
    "derived": (
        parameter_problems,
        lambda n: n.cells[1].update(source=PARAMETERS + "\nn: int = 2 * seed  # x"),
    ),
    "a fixed mode": (
        parameter_problems,
        lambda n: n.cells[1].update(source=PARAMETERS.replace("auto", "full")),
    ),
    "unread by papermill": (
        parameter_problems,
        lambda n: n.cells[1].update(source=PARAMETERS + "\nn: int | None = None  # many"),
    ),
    "own figure": (figure_problems, lambda n: n.cells[3].update(source="import matplotlib.pyplot as plt")),
    "pyplot": (figure_problems, lambda n: n.cells[3].update(source="fig, ax = plt.subplots()")),
    "no such file": (link_problems, lambda n: n.cells[2].update(source="[x](nowhere.md)")),
    "no such picture": (link_problems, lambda n: n.cells[2].update(source="![x](nowhere.png)")),
    "no such heading": (link_problems, lambda n: n.cells[2].update(source="[x](#nowhere)")),
    "no such heading there": (link_problems, lambda n: n.cells[2].update(source="[x](01.ipynb#nowhere)")),
    "no card": (course_problems, lambda n: n.cells.pop(0)),
    "no time": (course_problems, lambda n: n.cells[0].update(source=CARD.replace("Time", "x"))),
    "no recap": (course_problems, lambda n: n.cells[4].update(source="Next: y.")),
    "no next step": (course_problems, lambda n: n.cells[4].update(source="## Recap")),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_check_notices_a_spoiled_notebook(name: str, tmp_path: Path):
    check, spoil = SPOILED[name]
    notebook, path = good_notebook(), tmp_path / "01.ipynb"
    spoil(notebook)
    path.write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    assert list(check(notebook, path))
