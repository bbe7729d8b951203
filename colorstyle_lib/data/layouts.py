"""What a data root is, told from what lies in it: shards, ImageNet, COCO, LSUN, torchvision's sets, or any folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from colorstyle_lib.data import published_layouts as official
from colorstyle_lib.data import shards
from colorstyle_lib.data.folder import Split, dataset_of, find_split, has_manifest
from colorstyle_lib.data.image_list import Listing, joined, of_files
from colorstyle_lib.data.published_layouts import NoSplitError
from colorstyle_lib.errors import DataError

# Each tells from a name or two whether a folder is its own: None where it is not.
LAYOUTS: tuple[Callable[[Path, Split], Listing | None], ...] = (
    shards.find,
    official.imagenet,
    official.coco,
    official.lsun,
    official.flowers102,
    official.stl10,
    official.places365,
)


def list_images(root: Path, split: Split, datasets: Sequence[str] = ()) -> Listing:
    """List the images of one split of a data root, whatever its layout.

    A root's own ``MANIFEST.csv`` comes first; then one of :data:`LAYOUTS`, in the root or in folders directly below
    it; then any folder, by the rules of :func:`.find_split`.

    Args:
        root: the folder.
        split: ``train`` or ``val``.
        datasets: only these; by default all.

    Raises:
        DataError: no folder, no images in this split, no such data set, or a layout that lacks something.
        MissingExtraError: a package is needed to read it.
    """
    if not root.is_dir():
        raise DataError(f"data root {str(root)!r} is not a folder")
    found = None if has_manifest(root) else _official(root, split) or _below(root, split)
    if found is None:
        found = of_files(root, find_split(root, split), lambda file: dataset_of(file, root))
    return found.only(datasets)


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _official(root: Path, split: Split) -> Listing | None:
    for layout in LAYOUTS:
        if (found := layout(root, split)) is not None:
            return found
    return None


def _below(root: Path, split: Split) -> Listing | None:
    """Data sets in folders of their own, of which at least one has an official layout; else None."""
    parts: list[Listing] = []
    absent: NoSplitError | None = None
    plain: list[Path] = []
    for home in _folders(root):
        try:
            found = _official(home, split)
        except NoSplitError as error:  # of several data sets one may well have no validation images
            absent = error
            continue
        if found is not None:
            parts.append(found)
        elif (home / split).is_dir():
            plain.append(home)
    if not parts and absent is None:
        return None
    parts += [of_files(home, find_split(home, split), home.name) for home in plain]
    if not parts and absent is not None:
        raise absent
    return joined(root, sorted(parts, key=lambda part: part.root))
