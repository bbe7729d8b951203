"""Seven real photographs that come with scikit-image and scikit-learn, free to show, with their licences."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from colorstyle_lib.errors import MissingExtraError, check_known
from colorstyle_lib.images.read import open_picture


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
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            package = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[self.package]
            raise MissingExtraError(package, "tutorial")
        return Path(spec.origin).parent / self.file

    def open(self) -> Image.Image:
        """The photograph as 8-bit sRGB."""
        return open_picture(self.path)


# As scikit-image's docstrings (skimage.data) and scikit-learn's datasets/images/README.txt state them.
# fmt: off
PHOTOGRAPHS: dict[str, Photograph] = {photo.name: photo for photo in (
    Photograph("astronaut", "Astronaut Eileen Collins", "NASA", "public domain",
               "NASA Great Images database, flic.kr/p/r9qvLn", "skimage", "data/astronaut.png"),
    Photograph("chelsea", "Chelsea the cat", "Stéfan van der Walt", "CC0",
               "by way of scikit-image", "skimage", "data/chelsea.png"),
    Photograph("coffee", "A cup of coffee", "Rachel Michetti", "CC0",
               "Pikolo Espresso Bar, by way of scikit-image", "skimage", "data/coffee.png"),
    Photograph("rocket", "Launch of DSCOVR on a Falcon 9", "SpaceX", "CC0",
               "flickr.com/photos/spacexphotos/16511594820", "skimage", "data/rocket.jpg"),
    Photograph("hubble", "Hubble eXtreme Deep Field", "NASA, ESA and the HUDF09 team", "public domain",
               "HubbleSite news release 2012-37", "skimage", "data/hubble_deep_field.jpg"),
    Photograph("china", "The Summer Palace, Beijing", "danielbuechele", "CC BY 2.0",
               "flickr.com/photos/danielbuechele/6061409035", "sklearn", "datasets/images/china.jpg"),
    Photograph("flower", "A dahlia", "vultilion", "CC BY 2.0",
               "flickr.com/photos/vultilion/6056698931", "sklearn", "datasets/images/flower.jpg"),
)}
# fmt: on


def photograph(name: str) -> Photograph:
    """Look up a demo photograph; of an unknown name, a ConfigError names the nearest one."""
    check_known("demo photograph", name, PHOTOGRAPHS)
    return PHOTOGRAPHS[name]


def credits() -> str:
    """One line of credit for each demo photograph, to stand under a figure."""
    return "\n".join(f"{p.name}: {p.title}, {p.author}, {p.licence} ({p.source})" for p in PHOTOGRAPHS.values())
