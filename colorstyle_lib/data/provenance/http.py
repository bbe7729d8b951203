"""One file from a web server, asked for again where that may help."""

from __future__ import annotations

import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from colorstyle_lib.errors import DataError

_TRIES = 4
_PAUSE = 1.0  # seconds before the second try; then twice as long each time
_LONGEST_PAUSE = 60.0
_SECONDS = 30  # without an answer
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class Unreachable(DataError):
    """No server answers at an address: most often, there is no network."""


def fetch(address: str) -> bytes:
    """Download a file; a server that is busy, or an answer that is cut off, is given three more chances.

    Args:
        address: begins with ``http://`` or ``https://``.

    Raises:
        Unreachable: there is no answer at all. DataError: the server says no, such as 404.
    """
    for left in reversed(range(_TRIES)):
        pause = _PAUSE * 2 ** (_TRIES - 1 - left)
        try:
            with urlopen(Request(address, headers={"User-Agent": "colorstyle"}), timeout=_SECONDS) as answer:
                return answer.read()
        except HTTPError as error:
            with error:  # it holds the connection
                if error.code not in _PASSING or not left:
                    raise DataError(f"{address}: {error.code} {error.reason}") from error
                asked = error.headers.get("Retry-After", "")
            pause = min(float(asked), _LONGEST_PAUSE) if asked.isdecimal() else pause
        except (OSError, HTTPException, ValueError) as error:
            if not left or isinstance(error, ValueError):
                reason = " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())
                kind = DataError if isinstance(error, HTTPException | ValueError) else Unreachable
                raise kind(f"{address}: {reason}") from error
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")
