"""Pictures to show things with: seven real photographs, free to show, and fifteen styles of our own drawing."""

import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.errors import MissingExtraError, check_known, require
from colorstyle_lib.images.read import open_picture, to_tensor

_DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Photograph:
    """One demo photograph: where it was published, and the installed package that carries it, with its path there."""

    name: str
    title: str
    author: str
    licence: str
    source: str
    package: str
    file: str

    @property
    def path(self) -> Path:
        """The file on this machine; a MissingExtraError where the package that carries it is not installed."""
        if (spec := find_spec(self.package)) is None or spec.origin is None:
            raise MissingExtraError({"skimage": "scikit-image", "sklearn": "scikit-learn"}[self.package], "tutorial")
        return Path(spec.origin).parent / self.file

    def open(self) -> Image.Image:
        """The photograph as 8-bit sRGB."""
        return open_picture(self.path)


PHOTOGRAPHS: dict[str, Photograph] = {row["name"]: Photograph(**row) for row in _DATA["photographs"]}
STYLES: tuple[str, ...] = tuple(_DATA["styles"])  # names of all style pictures, in their order
# How often each style's subject was drawn, and of which training learns; the last is held out.
VARIANTS, TRAINING_VARIANTS = 4, (0, 1, 2)


def photograph(name: str) -> Photograph:
    """Look up a demo photograph; of an unknown name, a ConfigError names the nearest one."""
    check_known("demo photograph", name, PHOTOGRAPHS)
    return PHOTOGRAPHS[name]


def credits() -> str:
    """One line of credit for each demo photograph, to stand under a figure."""
    return "\n".join(f"{p.name}: {p.title}, {p.author}, {p.licence} ({p.source})" for p in PHOTOGRAPHS.values())


@dataclass(frozen=True)
class StylePicture:
    """A picture whose style is to be taken: sRGB in [0, 1], with a name for code and a title for people."""

    name: str
    title: str
    image: Float[Tensor, "3 size size"]


def style(name: str, size: int = 256, seed: int = 0) -> StylePicture:
    """Load one style picture, resampled (Lanczos) from 256 to ``size`` pixels, 32 to 1024; anybody may show them.

    The seed chooses the variant, modulo :data:`VARIANTS`. ConfigError: no style has this name, or size out of range.
    """
    check_known("style", name, STYLES)
    require(32 <= size <= 1024, f"a style picture has a size from 32 to 1024 pixels, not {size}")
    picture = open_picture(paths.STYLES / f"{name}-{seed % VARIANTS}.jpg")
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return StylePicture(name, _DATA["styles"][name], to_tensor(picture))
