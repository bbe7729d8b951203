"""The engine of the exercises' checkers: each takes a reader's function and answers "yes: ..." or "not yet: ...".

A checker is a generator of rows, each a condition and the hint that is said where it does not hold. The first row that
does not hold ends it; a word of praise is returned where all hold. A checker never raises, so that a notebook with
empty exercises runs through.
"""

from collections.abc import Callable, Generator, Mapping
from functools import wraps
from typing import Any

import torch
from torch import Tensor

Attempt = Callable[..., Any]
Row = tuple[bool | Tensor, str]

CHECKERS: dict[str, Callable[[Attempt], str]] = {}  # all that :func:`checker` made, by name


def checker(rows_of: Callable[[Attempt], Generator[Row, None, str]]) -> Callable[[Attempt], str]:
    """Turn rows, and any exception of the reader's own function, into one line."""

    @wraps(rows_of)
    def answer(attempt: Attempt) -> str:
        rows = rows_of(attempt)
        try:
            while True:
                holds, hint = next(rows)
                if not bool(holds):
                    return f"not yet: {hint}"
        except StopIteration as end:
            return f"yes: {end.value}"
        except Exception as error:  # whatever a half-written function may do
            return f"not yet: it stopped with {type(error).__name__}: {error}"

    CHECKERS[rows_of.__name__] = answer
    return answer


def is_tensor(result: Any, like: Tensor, name: str) -> Generator[Row, None, None]:
    """Rows: the result is a tensor, of the shape of another."""
    yield isinstance(result, Tensor), f"it returns {type(result).__name__}; return a tensor like {name}"
    yield result.shape == like.shape, f"it returns shape {tuple(result.shape)}, not {tuple(like.shape)}"


def is_pair(result: Any, what: str) -> Generator[Row, None, None]:
    """Rows: the result holds two things."""
    yield result is not None, f"it returns None; return {what}"
    yield isinstance(result, tuple | list) and len(result) == 2, f"return two {what}"


def is_close(result: Any, wanted: Any, within: float = 1e-4) -> bool:
    """Whether all numbers agree; never where one is NaN."""
    result, wanted = (torch.as_tensor(one).detach().double() for one in (result, wanted))
    return result.shape == wanted.shape and torch.allclose(result, wanted, rtol=0, atol=within)


def matches(
    result: Any, wanted: Any, hint: str, mistakes: Mapping[str, Any] | None = None, within: float = 1e-4
) -> Generator[Row, None, None]:
    """Rows: the result is the wanted one; where it is a known mistake, that one's hint is said instead."""
    right = is_close(result, wanted, within)
    for other, wrong in (mistakes or {}).items():
        yield right or not is_close(result, wrong, within), other
    yield right, hint
