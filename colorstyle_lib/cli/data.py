"""The commands `colorstyle data ...`: known sets, downloads, manifests. Heavy imports wait for their use."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colorstyle_lib.cli.options import add_actions, add_command


def add_data_commands(commands: Any) -> None:
    """Add ``data`` and its actions to what ``ArgumentParser.add_subparsers`` returned."""
    actions = add_actions(commands, "data", "data sets: list, download, check, make manifests")
    add_command(actions, "list", _list, "data sets that can be named, with sizes and terms")

    add = add_command(actions, "download", "data.downloads:fetch", "fetch a data set that can be named")
    add("name", metavar="NAME", help="see: colorstyle data list")

    add = add_command(actions, "get", _get, "rebuild the validation images from their public sources; again, to go on")
    add("folder", metavar="FOLDER", type=Path, help="becomes a data root; made where it is missing")
    add("--manifest", metavar="FILE", type=Path, help="default: data/manifests/validation.csv")
    add("--datasets", nargs="+", default=(), metavar="NAME", help="only these of the manifest")
    add("--from", dest="host", metavar="ADDRESS", help="a server with the same paths; default: GitHub")

    add = add_command(actions, "check", _check, "compare a folder with a manifest of names and SHA-256")
    add("root", metavar="ROOT", type=Path)
    add("--manifest", metavar="FILE", type=Path, help="default: CHECKSUMS.csv or MANIFEST.csv in ROOT")

    add = add_command(
        actions, "manifest", "data.manifest:write_manifest", "write the names and SHA-256 of a folder's files"
    )
    add("root", metavar="ROOT", type=Path)
    add("-o", "--output", metavar="FILE", type=Path, help="default: ROOT/CHECKSUMS.csv")
    both = ["train", "val"]
    add("--split", dest="splits", nargs=1, choices=both, default=both, help="only this one; default: both")


def _list(_: argparse.Namespace) -> None:
    from colorstyle_lib.data.downloads import KNOWN, downloads

    for name, one in KNOWN.items():
        there = ", is there" if (downloads() / name).is_dir() else ""
        print(f"{name:<12}{one['title']}: {one['train']:,} train and {one['val']:,} val images, {one['size']}{there}")
        print(f"{'':<12}{one['terms']}; {one['home']}")
        print(f"{'':<12}" + (f"by hand: {one['by_hand']}" if "by_hand" in one else f"colorstyle data download {name}"))
    print(f"downloads go to {downloads()} (COLORSTYLE_DOWNLOADS); any folder of images is a data root, too")


def _get(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.reproduction.validation_images import HOST, VALIDATION, read_entries, rebuild

    entries = read_entries(arguments.manifest or VALIDATION, arguments.datasets)
    for terms, count in Counter(entry.terms for entry in entries).items():
        print(f"terms of {count} images: {terms}", flush=True)
    results = rebuild(entries, arguments.folder, arguments.host or HOST)
    for verdict in ("differs", "not fetched"):
        _name(verdict, [f"{one.path}: {one.reason}" for one in results if one.verdict == verdict])
    counts = Counter(one.verdict for one in results)
    others = f"{counts['differs']} differ; {counts['not fetched']} not fetched"
    print(f"{len(results)} images: {counts['same']} same as ours, pixel for pixel; {others}")
    if counts["differs"]:
        print("differs: scaled or encoded by other versions of the codec, or another file; numbers move with it")
    return 0 if counts["same"] == len(results) else 1


def _check(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.manifest import check

    result = check(arguments.root, arguments.manifest)
    for what in ("missing", "changed", "extra"):
        _name(what, getattr(result, what))
    counts = f"{len(result.missing)} missing, {len(result.changed)} changed, {len(result.extra)} extra"
    print(f"{len(result.same)} files are as the manifest says; {counts}")
    return 0 if result.agrees else 1


def _name(what: str, names: Sequence[str]) -> None:
    more = [f"... and {len(names) - 20} more"] if len(names) > 20 else []
    for name in [*names[:20], *more]:
        print(f"{what}: {name}")
