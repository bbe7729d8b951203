"""The commands `colorstyle data ...` that print what they find."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from colorstyle_lib.data.datasets import check_manifest
from colorstyle_lib.data.downloads import KNOWN, downloads
from colorstyle_lib.reproduction.validation_images import HOST, VALIDATION, read_entries, rebuild


def list_sets() -> None:
    """Print the data sets that can be named."""
    for name, one in KNOWN.items():
        there = ", is there" if (downloads() / name).is_dir() else ""
        print(f"{name:<12}{one['title']}: {one['train']:,} train and {one['val']:,} val images, {one['size']}{there}")
        print(f"{'':<12}{one['terms']}; {one['home']}")
        print(f"{'':<12}" + (f"by hand: {one['by_hand']}" if "by_hand" in one else f"colorstyle data download {name}"))
    print(f"downloads go to {downloads()} (COLORSTYLE_DOWNLOADS); any folder of images is a data root, too")


def get_validation(folder: Path, manifest: Path | None, datasets: Sequence[str], host: str | None) -> int:
    """Rebuild the validation images in a folder; 1 where one is not the same."""
    entries = read_entries(manifest or VALIDATION, datasets)
    for terms, count in Counter(entry.terms for entry in entries).items():
        print(f"terms of {count} images: {terms}", flush=True)
    results = rebuild(entries, folder, host or HOST)
    for verdict in ("differs", "not fetched"):
        _name(verdict, [f"{one.path}: {one.reason}" for one in results if one.verdict == verdict])
    counts = Counter(one.verdict for one in results)
    others = f"{counts['differs']} differ; {counts['not fetched']} not fetched"
    print(f"{len(results)} images: {counts['same']} same as ours, pixel for pixel; {others}")
    if counts["differs"]:
        print("differs: scaled or encoded by other versions of the codec, or another file; numbers move with it")
    return 0 if counts["same"] == len(results) else 1


def check_folder(root: Path, manifest: Path | None) -> int:
    """Print where a folder differs from its manifest; 1 if it does."""
    result = check_manifest(root, manifest)
    for what in ("missing", "changed", "extra"):
        _name(what, getattr(result, what))
    counts = f"{len(result.missing)} missing, {len(result.changed)} changed, {len(result.extra)} extra"
    print(f"{len(result.same)} files are as the manifest says; {counts}")
    return 0 if result.agrees else 1


def _name(what: str, names: Sequence[str]) -> None:
    more = [f"... and {len(names) - 20} more"] if len(names) > 20 else []
    for name in [*names[:20], *more]:
        print(f"{what}: {name}")
