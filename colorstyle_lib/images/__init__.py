"""Reading, decoding and writing people's pictures safely. Decoding alone does not load torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"read": ["open_picture", "resize", "shorter_side", "to_picture", "to_tensor"]},
)
