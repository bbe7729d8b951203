"""One photograph under many settings, of which only what changed is computed again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from colorstyle_lib.inference.album import fit_of, places_of
from colorstyle_lib.inference.colorizer import Colorizer, Result, pixels_hash
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.inference.stylizer import Stylizer

_MOST_KEPT = 24  # results of parts, a few megabytes each at 256 pixels


class Session:
    """The calls of :class:`.ColorStyle` for one picture, with the same results; encodings and predictions are kept.

    A new saturation uses the last prediction, a new seed or other attention weights the last encoding, another strength
    or blend the descriptions of the styles, a repair the stages before the first that changed.
    """

    def __init__(self, model: ColorStyle, picture: Image.Image) -> None:
        self.model, self.picture = model, picture
        self._kept: dict[tuple[Any, ...], Any] = {}

    def colorize(self, **options: Any) -> Result:
        """:meth:`.ColorStyle.colorize` of the session's picture, with its options and errors."""
        return _KeepingColorizer(session=self, model=self.model, **options)(self.picture)

    def stylize(self, style: Any, **options: Any) -> Result:
        """:meth:`.ColorStyle.stylize` of the session's picture, with its options and errors."""
        return _KeepingStylizer(session=self, model=self.model, style=style, **options)(self.picture)

    def restore(self, *, mask: Any = "auto", strength: float = 1.0, **options: Any) -> Result:
        """:meth:`.ColorStyle.restore` of the session's picture, with its options and errors; a mask has any size."""
        mask = mask if isinstance(mask, str) else mask.resize(self.picture.size)
        hashed = mask if isinstance(mask, str) else pixels_hash(mask)

        def keep(key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
            depends = (hashed if "fill" in key else None, strength if {"details", "tones"} & {*key} else None)
            return self.keep((repr(options.get("attention")), *depends, *key), make)

        return self.model.restore(self.picture, mask, strength=strength, keep=keep, **options)

    def fit(self, reference: Image.Image) -> float:
        """:func:`.fit_of` the session's picture to a reference."""
        own = self.keep(("places",), lambda: places_of(self.model, self.picture))
        key = ("fit", pixels_hash(reference))
        return self.keep(key, lambda: fit_of(own, places_of(self.model, reference)))

    def keep(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What ``make`` returned for this key before, or now; what was not asked for lately is forgotten."""
        kept = self._kept.pop(key) if key in self._kept else make()
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = kept
        return kept


@dataclass(kw_only=True, eq=False)
class _KeepingColorizer(Colorizer):
    """Colorizer that looks into its session before it computes."""

    session: Session

    def _key(self, content: torch.Tensor) -> tuple[Any, ...]:
        hints = tuple(map(tuple, self.hints)) if content[:, 4:].any() else ()
        return hints, self._provenance["reference_sha256"], self.working_size

    def _facts(self, picture: Image.Image) -> dict[str, Any]:
        return self.session.keep(("facts",), lambda: Colorizer._facts(self, picture))

    def _encode(self, content: torch.Tensor) -> Any:
        return self.session.keep(("encode", *self._key(content)), lambda: Colorizer._encode(self, content))

    def _predict(self, content: torch.Tensor) -> Any:
        key = ("predict", *self._key(content), self.seed, self.attention and tuple(self.attention.items()))
        return self.session.keep(key, lambda: Colorizer._predict(self, content))


@dataclass(kw_only=True, eq=False)
class _KeepingStylizer(Stylizer):
    """Stylizer that looks into its session before it describes a style."""

    session: Session

    def _describe(self, style: Image.Image) -> Any:
        return self.session.keep(("style", pixels_hash(style)), lambda: Stylizer._describe(self, style))
