"""Small changes of the code that tests should notice: how many of them they catch.

    python tests/mutants.py [--count 160] [--seed 0] [color attention losses images]

Each mutant is one change: another comparison, operator or number, a condition turned round, a call left out. Drawn are
as many from each part as it has of all, at random. Only tests that reach the changed line are run, quick ones first, in
a process that has torch loaded already. A mutant is caught where a test fails, or takes ten times as long as before.
What survives is printed: some change nothing that anybody could see, others want a test. Exit status 1: less than 80 %
are caught.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PARTS = {  # files of the library, and the tests that are theirs
    "color": (["color.py"], ["tests/test_color.py"]),
    "attention": (["model/attention.py"], ["tests/model/test_attention.py"]),
    "losses": (["losses/*.py"], ["tests/losses"]),
    "images": (["images/*.py"], ["tests/images"]),
}
LEAST = 0.8
OTHER = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult},
    **{ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
    **{ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitXor: ast.BitAnd},
}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Other nodes in the place of one."""
    match node:
        case ast.Compare(left, [operator], right) if type(operator) in OTHER:
            yield ast.Compare(left, [OTHER[type(operator)]()], right)
        case ast.BinOp(left, operator, right) if type(operator) in OTHER:
            yield ast.BinOp(left, OTHER[type(operator)](), right)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(OTHER[type(operator)](), values)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Expr(ast.Call()):
            yield ast.Pass()


def conditions(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Conditions of statements and comprehensions, each turned round."""
    tests = [node.test] if isinstance(node, ast.If | ast.While) else getattr(node, "ifs", [])
    return ((test, ast.UnaryOp(ast.Not(), test)) for test in tests)


def mutants(source: str) -> Iterator[tuple[range, str, str, str]]:
    """Lines of the statement, code before and after, and the whole source of each mutant."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree, text = ast.parse(source), source.encode()
    left_out = {"annotation", "returns", "decorator_list"}

    def walk(node: ast.AST, lines: range) -> Iterator[tuple[range, ast.AST, ast.AST]]:
        if isinstance(node, ast.stmt):
            last = node.body[0].lineno - 1 if getattr(node, "body", None) else node.end_lineno
            lines = range(node.lineno, max(node.lineno, last) + 1)
        yield from ((lines, node, other) for other in changes(node))
        yield from ((lines, *pair) for pair in conditions(node))
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and name not in left_out and not isinstance(child, ast.JoinedStr):
                    yield from walk(child, lines)

    for lines, node, other in walk(tree, range(0)):
        first, last = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        new = ast.unparse(ast.fix_missing_locations(other))
        new = new if isinstance(other, ast.Pass) else f"({new})"
        yield lines, text[first:last].decode(), new, (text[:first] + new.encode() + text[last:]).decode()


class Chosen:
    """A plugin of pytest: keeps the tests of some names, quick ones first, and takes their times."""

    def __init__(
        self, names: set[str] | None = None, times: dict[str, float] | None = None, watcher: Any = None
    ) -> None:
        self.names, self.times, self.watcher, self.found = names, times, watcher, {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose and sort."""
        name = {item: f"{item.module.__name__}.{item.originalname}" for item in items if hasattr(item, "module")}
        self.name_of = {item.nodeid: name.get(item, "") for item in items}
        if self.names is not None:
            items[:] = [item for item in items if name.get(item) in self.names]
            items.sort(key=lambda item: self.times.get(name[item], 0.0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Tell the watcher which test runs; what fixtures reach, and imports, counts for all tests."""
        if self.watcher:
            self.watcher.switch_context(self.name_of[item.nodeid])
        try:
            return (yield)
        finally:
            if self.watcher:
                self.watcher.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the time of a function's tests."""
        key = self.name_of[report.nodeid]
        self.found[key] = self.found.get(key, 0.0) + report.duration


def forked(work: Callable[[], int], seconds: float = 3600.0) -> int:
    """Exit status of work in a process of its own that says nothing; -9 where it takes longer."""
    if (process := os.fork()) == 0:
        os.setpgid(0, 0)
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        try:
            status = int(work())
        except BaseException:
            status = 99
        os._exit(status)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run_pytest(words: list[str], plugin: Chosen) -> int:
    """Run pytest."""
    loaded = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what was imported before
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", *loaded, *words], plugins=[plugin])


def reached(part: str, folder: Path) -> tuple[dict[str, dict[int, list[str]]], dict[str, float]]:
    """By file and line the tests that reach it, and by test its seconds."""
    import coverage  # which only this script needs

    data, times = folder / f"{part}.coverage", folder / f"{part}.times"

    def watch() -> int:
        watcher = coverage.Coverage(data_file=str(data), include=[f"{folder}/colorstyle_lib/*"])
        watcher.start()
        status = run_pytest(PARTS[part][1], plugin := Chosen(watcher=watcher))
        watcher.stop()
        watcher.save()
        times.write_text("\n".join(f"{name} {seconds}" for name, seconds in plugin.found.items()))
        return status

    if status := forked(watch):
        sys.exit(f"the tests of {part} fail without a change (exit status {status})")
    (known := coverage.CoverageData(str(data))).read()
    lines = {file: known.contexts_by_lineno(file) for file in known.measured_files()}
    rows = (line.rsplit(" ", 1) for line in times.read_text().splitlines())
    return lines, {name: float(seconds) for name, seconds in rows}


def main() -> int:
    """Draw mutants, run tests on each, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--count", type=int, default=160, help="mutants in all; default: 160")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    parts = asked.parts or list(PARTS)
    # Loaded once, for all processes; the library itself is loaded anew by each.
    for name in ("torchvision.transforms.functional", "safetensors.torch", "hypothesis.strategies", "skimage.color"):
        __import__(name)
    for name in ("scipy.ndimage", "tifffile", "PIL.ImageCms", "tqdm", "jaxtyping", "beartype"):
        __import__(name)
    all_of = {}
    for part in parts:
        for path in sorted(file for pattern in PARTS[part][0] for file in (ROOT / "colorstyle_lib").glob(pattern)):
            name = str(path.relative_to(ROOT))
            all_of |= {(part, name, number): one for number, one in enumerate(mutants(path.read_text()))}
    chosen = sorted(random.Random(asked.seed).sample(sorted(all_of), min(asked.count, len(all_of))))
    counts, survivors, clock = Counter(), [], 1_000_000_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / "copy"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv", "runs"))
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(folder)
        sys.path.insert(0, str(folder))
        known = {part: reached(part, folder) for part in parts}
        for key in chosen:
            part, name, _ = key
            span, before, after, source = all_of[key]
            lines, times = known[part]
            file = folder / name
            whole = file.read_text()
            names = {test for line in span for test in lines.get(str(file), {}).get(line, [])}
            file.write_text(source)
            clock += 2
            os.utime(file, (clock, clock))  # a compiled file of another mutant does not pass for this one's
            chosen_tests = Chosen(None if "" in names else names, times)
            limit = 60 + 10 * sum(times.values())
            status = (
                forked(lambda plugin=chosen_tests, part=part: run_pytest(PARTS[part][1], plugin), limit) if names else 0
            )
            if status == pytest.ExitCode.NO_TESTS_COLLECTED:
                sys.exit(f"no tests by these names: {names}")
            caught = status != 0
            counts[part, caught] += 1
            file.write_text(whole)
            clock += 2
            os.utime(file, (clock, clock))
            if not caught:
                survivors.append(f"{name}:{span[0]}: {before!r} -> {after!r}{'' if names else ' (reached by no test)'}")
                print(f"survives: {survivors[-1]}", flush=True)
    print("| part | mutants drawn, of all | caught |\n|---|---|---|")
    for part in parts:
        drawn, whole = counts[part, True] + counts[part, False], sum(key[0] == part for key in all_of)
        print(
            f"| {part} | {drawn} of {whole} | {counts[part, True]} ({100 * counts[part, True] / max(drawn, 1):.0f} %) |"
        )
    caught = sum(number for (_, was_caught), number in counts.items() if was_caught)
    print(f"\nseed {asked.seed}: {caught} of {len(chosen)} caught ({100 * caught / len(chosen):.0f} %)")
    return int(caught < LEAST * len(chosen))


if __name__ == "__main__":
    sys.exit(main())
