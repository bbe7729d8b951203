"""The exercises: their checkers say no to the stubs, yes to the solutions, and never raise."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import torch

from colorstyle_lib.course import exercises

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
WITH_SOLUTIONS = sorted(path.name for path in (NOTEBOOKS / "solutions").glob("*.ipynb"))


def exercises_of(path: Path) -> dict[str, Callable]:
    """A notebook's functions by the name of their checker, after its imports and nothing else of it."""
    every = nbformat.read(str(path), as_version=4).cells
    cells = [c for c in every if c.cell_type == "code" and c.id != "install"]  # which has lines for IPython alone
    space: dict[str, object] = {}
    for cell in cells:
        imports = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), cell.id, "exec"), space)
    found = {}
    for cell in cells:
        if cell.id.startswith("exercise-"):
            *definition, call = ast.parse(cell.source).body
            exec(compile(ast.Module(definition, []), cell.id, "exec"), space)
            checker, function = ast.unparse(call).removesuffix(")").split("(")
            found[checker.removeprefix("exercises.")] = space[function]
    return found


def answers(path: Path) -> list[str]:
    """What a notebook's exercises answer."""
    return [getattr(exercises, name)(function) for name, function in exercises_of(path).items()]


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
    assert "stopped with" not in answer, "the function did not stop; its result is of no use"


@pytest.mark.parametrize("check", ALL)
def test_an_attempt_that_raises_is_named(check):
    def attempt(*given):
        raise ZeroDivisionError("oh")

    assert check(attempt) == "not yet: it stopped with ZeroDivisionError: oh"


def test_an_error_of_several_lines_becomes_one():
    def attempt(*given):
        raise ValueError("one\n  two")

    assert exercises.haze(attempt) == "not yet: it stopped with ValueError: one two"


def test_an_attempt_that_takes_other_arguments():
    assert exercises.best_guess(lambda lab: lab).startswith("not yet: it stopped with TypeError")


@pytest.mark.parametrize("name", WITH_SOLUTIONS)
def test_the_courses_page_names_every_exercise(name: str):
    (row,) = (line for line in (NOTEBOOKS / "README.md").read_text().splitlines() if f"({name})" in line)
    in_italics = re.findall(r"\*([^*]+)\*", row.split("|")[3])
    assert sum(len(some.split(";")) for some in in_italics) == len(exercises_of(NOTEBOOKS / name)), in_italics


SOLUTIONS = {}
for name in WITH_SOLUTIONS:
    SOLUTIONS |= exercises_of(NOTEBOOKS / "solutions" / name)
OWN_TESTS = {"hinted_dataset", "update_average", "count_modes"}  # what they return is not one or two arrays of numbers


def test_every_checker_has_an_exercise():
    assert {SOLUTIONS[check.__name__] for check in ALL} == set(SOLUTIONS.values())


def spoil(result, change):
    """The same change at every number of a result."""
    if isinstance(result, tuple | list):
        return type(result)(spoil(one, change) for one in result)
    changed = change(torch.as_tensor(result))
    return changed.item() if isinstance(result, float) else changed


def last_is_nan(numbers):
    flat = numbers.flatten().clone()
    flat[-1] = torch.nan
    return flat.view(numbers.shape)


@pytest.mark.parametrize("name", sorted(set(SOLUTIONS) - OWN_TESTS))
@pytest.mark.parametrize(
    "change",
    [
        lambda numbers: numbers * torch.nan,
        last_is_nan,
        lambda numbers: numbers * torch.inf,
        lambda numbers: numbers * 2,
        lambda numbers: -numbers,
        lambda numbers: numbers + 1,
        lambda numbers: numbers.long(),
        lambda numbers: numbers > 0,
    ],
    ids=["NaN", "one NaN", "infinite", "twice", "other sign", "one more", "whole", "truth"],
)
def test_a_spoilt_solution_is_not_yet(name, change):
    answer = getattr(exercises, name)(lambda *given: spoil(SOLUTIONS[name](*given), change))
    assert answer.startswith("not yet: ")
    assert "stopped with" not in answer


WITHOUT_TENSORS = {"saturation_for", "lab_lightness", "look_ahead"}


@pytest.mark.parametrize("name", sorted(set(SOLUTIONS) - OWN_TESTS - WITHOUT_TENSORS | {"count_modes"}))
def test_a_solution_that_changes_what_it_is_given_is_not_yet(name):
    def attempt(*given):
        result = SOLUTIONS[name](*given)
        next(one for one in given if isinstance(one, torch.Tensor)).data.mul_(2)
        return result

    assert getattr(exercises, name)(attempt) == "not yet: it changes what it was given; work on a copy"


def test_a_list_of_what_is_given_is_watched_too():
    def attempt(x, maps, W, U, v):
        result = SOLUTIONS["additive_energies"](x, maps, W, U, v)
        maps[-1].zero_()
        return result

    assert "work on a copy" in exercises.additive_energies(attempt)
