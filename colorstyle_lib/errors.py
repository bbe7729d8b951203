"""Errors that a user can mend, each with one clear line that names the thing and the way out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class ColorStyleError(Exception):
    """Base of every mistake that a user can mend; the command line prints it and exits with status 2."""


class ConfigError(ColorStyleError):
    """A preset, mode, option or parameter that does not exist or cannot be combined."""


class ImageError(ColorStyleError):
    """A picture that cannot be opened, is not a picture, or cannot be written."""


class DataError(ColorStyleError):
    """A data root, split or manifest that is missing or holds nothing usable."""


class WeightsError(ColorStyleError):
    """Weights that are missing, damaged, or made for another preset."""


class MissingExtraError(ColorStyleError):
    """An optional package is not installed; the message says which extra brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; get it with: pip install 'colorstyle[{extra}]'")


@contextmanager
def needs_extra(package: str, extra: str) -> Iterator[None]:
    """Turn a failed import in the ``with`` block into a MissingExtraError that names the extra."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(package, extra) from error


def require(condition: bool, message: str, error: type[ColorStyleError] = ConfigError) -> None:
    """Raise an error with this message where the condition does not hold."""
    if not condition:
        raise error(message)


def check_known(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones by a ConfigError that names the nearest."""
    if name not in (names := list(known)):
        raise ConfigError(f"no {what} {name!r}{nearest(name, names)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """End of a message about a mistyped name: the known one that is closest, or all.

    >>> nearest("colour", ["color", "shape"]), nearest("z", ["color", "shape"])
    ("; did you mean 'color'?", "; known: 'color', 'shape'")
    """
    names = sorted(known)
    if close := get_close_matches(name, names, n=1):
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(map(repr, names))}"
