"""colorstyle: one GAN that colors grayscale images and transfers style, taught and measured.

Importing this package loads nothing heavy: torch comes in with the first name that needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colorstyle_lib.errors import ColorStyleError
    from colorstyle_lib.inference.colorstyle import ColorStyle
    from colorstyle_lib.inference.result import Result

__version__ = "0.1.0"

_HOME_OF = {"ColorStyle": "inference.colorstyle", "Result": "inference.result", "ColorStyleError": "errors"}

__all__ = ["ColorStyle", "ColorStyleError", "Result", "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562), so that `colorstyle --help` never waits for torch."""
    if name in _HOME_OF:
        return getattr(import_module(f"colorstyle_lib.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
