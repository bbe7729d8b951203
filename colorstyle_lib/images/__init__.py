"""Reading and writing of people's pictures, safely. The package itself loads nothing heavy."""

import lazy_loader

_READ = ["Source", "find_pictures", "open_picture", "read_text", "resize", "shorter_side", "to_picture", "to_tensor"]

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"read": _READ, "write": ["save_picture"]})
