"""The exercises: their checkers say no to the stubs, yes to the solutions, and never raise."""

import ast
from pathlib import Path

import nbformat
import pytest
import torch

from colorstyle_lib.course import exercises

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
WITH_SOLUTIONS = sorted(path.name for path in (NOTEBOOKS / "solutions").glob("*.ipynb"))


def answers(path: Path) -> list[str]:
    """What a notebook's exercises answer in their last line, after its imports and nothing else of it."""
    every = nbformat.read(str(path), as_version=4).cells
    cells = [c for c in every if c.cell_type == "code" and c.id != "install"]  # which has lines for IPython alone
    space: dict[str, object] = {}
    for cell in cells:
        imports = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), cell.id, "exec"), space)
    found = []
    for cell in cells:
        if cell.id.startswith("exercise-"):
            *definition, call = ast.parse(cell.source).body
            exec(compile(ast.Module(definition, []), cell.id, "exec"), space)
            found.append(str(eval(ast.unparse(call), space)))
    return found


@pytest.mark.parametrize("name", WITH_SOLUTIONS)
def test_a_stub_is_not_yet_and_a_solution_is(name: str):
    stubs, solutions = answers(NOTEBOOKS / name), answers(NOTEBOOKS / "solutions" / name)
    assert len(stubs) == len(solutions) >= 2
    assert all(answer.startswith("not yet: ") for answer in stubs), stubs
    assert all(answer.startswith("yes: ") for answer in solutions), solutions


ALL = [check for check in vars(exercises).values() if callable(check)]
SHAPES = [(2,), (5,), (2, 3), (3, 2), (3, 5, 7), (3, 3, 48, 48)]
OTHERS = [None, "L", float("nan"), [], (1, 2), (1, 2, 3), (None, None), [None, None], [(1, 2, 3)] * 3]


@pytest.mark.parametrize(
    "result", [*OTHERS, *(torch.full(shape, fill) for shape in SHAPES for fill in (0.0, 1 / 3, 2.0))]
)
@pytest.mark.parametrize("check", ALL)
def test_a_wrong_result_of_any_type_is_not_yet(check, result):
    answer = check(lambda *given: result)
    assert answer.startswith("not yet: ")
    assert "\n" not in answer


@pytest.mark.parametrize("check", ALL)
def test_an_attempt_that_raises_is_named(check):
    def attempt(*given):
        raise ZeroDivisionError("oh")

    assert check(attempt) == "not yet: it stopped with ZeroDivisionError: oh"


def test_an_attempt_that_takes_other_arguments():
    assert exercises.best_guess(lambda lab: lab).startswith("not yet: it stopped with TypeError")
