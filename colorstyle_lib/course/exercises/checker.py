"""The engine of the exercises' checkers: each takes a reader's function and answers "yes: ..." or "not yet: ...".

A checker is a generator of rows, each a condition and the hint that is said where it does not hold. The first row that
does not hold ends it; where all hold, a word of praise is said. A checker never raises, so that a notebook with
empty exercises runs through, and says no to a function that changes the tensors that it is given.
"""

from collections.abc import Callable, Generator, Mapping
from functools import partial, wraps
from typing import Any

import torch
from torch import Tensor

Attempt = Callable[..., Any]
Row = tuple[bool | Tensor, str]

CHECKERS: dict[str, Callable[[Attempt], str]] = {}  # all that :func:`checker` made, by name


def checker(praise: str = "") -> Callable[[Callable[[Attempt], Generator]], Callable[[Attempt], str]]:
    """Make a function that turns rows, and any exception of the reader's own function, into one line.

    Praise that depends on the reader's results is returned by the rows.
    """
    return partial(_checker, praise)


def _checker(praise: str, rows_of: Callable[[Attempt], Generator[Row, None, str | None]]) -> Callable[[Attempt], str]:
    @wraps(rows_of)
    def answer(attempt: Attempt) -> str:
        changed = []

        def watched(*given: Any) -> Any:
            given = [one.clone() if isinstance(one, Tensor) else one for one in given]
            flat = [one for part in given for one in (part if isinstance(part, list) else [part])]
            tensors = [one for one in flat if isinstance(one, Tensor)]
            before = [one.detach().clone() for one in tensors]
            result = attempt(*given)
            changed.append(not all(map(torch.equal, before, tensors)))
            return result

        rows = rows_of(watched)
        try:
            while True:
                holds, hint = next(rows)
                if any(changed):
                    return "not yet: it changes what it was given; work on a copy"
                if not bool(holds):
                    return f"not yet: {hint}"
        except StopIteration as end:
            return f"yes: {praise or end.value}"
        except Exception as error:  # whatever a half-written function may do
            said = " ".join(str(error).split())
            said += "; change it under torch.no_grad()" if "leaf Variable" in said else ""
            return f"not yet: it stopped with {type(error).__name__}: {said}"

    CHECKERS[rows_of.__name__] = answer
    return answer


def draw(seed: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    """Tensors of normal numbers, the same at every call."""
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=random) for shape in shapes]


# Each of these gives the rows that a result is of a type, and then returns the result.


def a_tensor(result: Any, like: Tensor, name: str, nan: str = "some of it is NaN or infinite") -> Generator:
    """A tensor of finite real numbers, of the shape of another."""
    yield isinstance(result, Tensor), f"it returns {type(result).__name__}; return {name}"
    yield result.shape == like.shape, f"it returns shape {tuple(result.shape)}, not {tuple(like.shape)}; return {name}"
    yield result.is_floating_point(), f"its numbers are {result.dtype}, not {like.dtype}"
    yield result.isfinite().all(), nan
    return result


def a_number(result: Any, what: str) -> Generator:
    """One number, plain or in a tensor, as a float."""
    try:
        return float(result)
    except (TypeError, ValueError, RuntimeError):
        yield False, f"it returns {type(result).__name__}; return {what}"


def a_pair(result: Any, what: str, numbers: bool = False) -> Generator:
    """Two things; or two numbers, plain or in tensors, as floats."""
    pair = isinstance(result, tuple | list) or (numbers and isinstance(result, Tensor) and result.ndim > 0)
    yield pair and len(result) == 2, f"it returns {type(result).__name__}; return two {what}"
    for one in result if numbers else ():
        yield from a_number(one, f"two {what}")
    return [float(one) for one in result] if numbers else result


def close(result: Any, wanted: Any, within: float = 1e-4) -> bool:
    """Whether all numbers agree; never where one is NaN."""
    result, wanted = (torch.as_tensor(one).detach().double() for one in (result, wanted))
    return result.shape == wanted.shape and torch.allclose(result, wanted, rtol=0, atol=within)


def matches(result: Any, wanted: Any, hint: str, mistakes: Mapping[str, Any] = {}, within: float = 1e-4) -> Generator:
    """Rows: the result is the wanted one; where it is a known mistake, that one's hint is said instead."""
    right = close(result, wanted, within)
    for other, wrong in mistakes.items():
        yield right or not close(result, wrong, within), other
    yield right, hint
