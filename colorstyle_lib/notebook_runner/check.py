"""Check of ``figures/executed/``: the course's present code, and outputs fit for any reader."""

from pathlib import Path

from colorstyle_lib import paths
from colorstyle_lib.errors import DataError
from colorstyle_lib.notebook_runner import publish
from colorstyle_lib.reproduction.results.store import CheckResult

MOST_BYTES_TOGETHER = 8_000_000


def check_executed(folder: Path = publish.FOLDER, notebooks: Path = paths.NOTEBOOKS) -> list[CheckResult]:
    """Compare each notebook of the course with its published copy in ``folder``, and all copies with their index."""
    course = {path.name: path for path in sorted(notebooks.glob("*.ipynb"))}
    kept = sorted(folder.glob("*.ipynb"))
    problems = [f"{path.name} is no notebook of the course: remove it" for path in kept if path.name not in course]
    if (size := sum(path.stat().st_size for path in kept)) > MOST_BYTES_TOGETHER:
        problems.append(f"{size:,} bytes together, {MOST_BYTES_TOGETHER:,} allowed")
    page = folder / publish.INDEX
    try:
        if kept and not (page.is_file() and page.read_text(encoding="utf-8") == publish.index(folder)):
            problems.append(f"{page.name} is not the index of these notebooks: {publish.command('NAME', 'quick')}")
    except DataError as error:
        problems.append(str(error))
    together = CheckResult("executed", f"{len(kept)} of {len(course)} notebooks with outputs", tuple(problems))
    return [*(_check(path, folder / name) for name, path in course.items()), together]


def _check(source: Path, kept: Path) -> CheckResult:
    name, again = f"executed/{source.stem}", publish.command(source.stem, "quick")
    if not kept.is_file():
        return CheckResult(name, f"not kept yet: {again}", skipped=True)
    try:
        ours, theirs = publish.read_notebook(source), publish.read_notebook(kept)
    except DataError as error:
        return CheckResult(name, str(error), (f"{error}; make it again: {again}",))
    problems, code = publish.output_problems(theirs), publish.code_cells(theirs)
    if [cell.source for cell in publish.code_cells(ours)] != [cell.source for cell in code]:
        problems.insert(0, f"its code is no longer that of the notebook: {again}")
    if (size := kept.stat().st_size) > publish.MOST_BYTES:
        problems.append(f"{size:,} bytes, {publish.MOST_BYTES:,} allowed: {again}")
    return CheckResult(name, f"{len(code)} code cells, {size / 1000:.0f} kB", tuple(problems))
