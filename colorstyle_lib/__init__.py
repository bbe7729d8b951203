"""colorstyle: one GAN that colors grayscale images and transfers style, taught and measured.

Importing this package loads nothing heavy: torch comes in with the first name that needs it.
"""

import lazy_loader

__version__ = "0.1.0"

_HOMES = {"errors": ["ColorStyleError"], "inference.colorstyle": ["ColorStyle", "Result"]}

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs=_HOMES)
