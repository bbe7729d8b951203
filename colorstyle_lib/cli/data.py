"""The commands `colorstyle data ...`: known sets, downloads, manifests, shards. Heavy imports wait for their use."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SHOWN = 20


def add_data_commands(commands: Any) -> None:
    """Add ``data`` and its actions to a command line.

    Args:
        commands: what ``ArgumentParser.add_subparsers`` returned.
    """
    data = commands.add_parser("data", help="data sets: list, download, check, make manifests and shards")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)

    known = actions.add_parser("list", help="data sets that can be named, with sizes and terms")
    known.set_defaults(command=_list)

    download = actions.add_parser("download", help="fetch a data set that can be named")
    download.add_argument("name", metavar="NAME", help="see: colorstyle data list")
    download.set_defaults(command=_download)

    get = actions.add_parser("get", help="rebuild the validation images from their public sources; again, to go on")
    get.add_argument("folder", metavar="FOLDER", type=Path, help="becomes a data root; made where it is missing")
    get.add_argument("--manifest", metavar="FILE", type=Path, help="default: data/manifests/validation.csv")
    get.add_argument("--datasets", nargs="+", default=(), metavar="NAME", help="only these of the manifest")
    get.add_argument("--from", dest="host", metavar="ADDRESS", help="a server with the same paths; default: GitHub")
    get.set_defaults(command=_get)

    check = actions.add_parser("check", help="compare a folder with a manifest of names and SHA-256")
    check.add_argument("root", metavar="ROOT", type=Path)
    check.add_argument("--manifest", metavar="FILE", type=Path, help="default: CHECKSUMS.csv or MANIFEST.csv in ROOT")
    check.set_defaults(command=_check)

    manifest = actions.add_parser("manifest", help="write the names and SHA-256 of a folder's files")
    manifest.add_argument("root", metavar="ROOT", type=Path)
    manifest.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: ROOT/CHECKSUMS.csv")
    manifest.add_argument("--split", choices=("train", "val"), help="only this one; default: both")
    manifest.set_defaults(command=_manifest)

    shard = actions.add_parser("shard", help="pack images into WebDataset shards; again, to go on after a stop")
    shard.add_argument("source", metavar="SRC", help="a data root, or the name of a data set")
    shard.add_argument("destination", metavar="DST", type=Path, help="a folder; made where it is missing")
    shard.add_argument("--shorter-side", type=int, default=256, help="pixels; smaller images stay; default: 256")
    shard.add_argument("--quality", type=int, default=95, help="of the JPEG files, 1 to 100; default: 95")
    shard.add_argument("--per-shard", type=int, default=1000, help="images in a shard; default: 1000")
    shard.add_argument("--datasets", nargs="+", default=(), metavar="NAME", help="only these data sets of SRC")
    shard.set_defaults(command=_shard)


def _list(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.downloads import KNOWN, downloads

    for name, one in KNOWN.items():
        there = ", is there" if (downloads() / name).is_dir() else ""
        print(f"{name:<12}{one.title}: {one.train:,} train and {one.val:,} val images, {one.size}{there}")
        print(f"{'':<12}{one.terms}; {one.home}")
        print(f"{'':<12}" + (f"by hand: {one.by_hand}" if one.by_hand else f"colorstyle data download {name}"))
    print(f"downloads go to {downloads()} (COLORSTYLE_DOWNLOADS); any folder of images is a data root, too")
    return 0


def _download(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.downloads import fetch

    print(fetch(arguments.name))
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.provenance.rebuild import HOST, VALIDATION, read_entries, rebuild

    entries = read_entries(arguments.manifest or VALIDATION, arguments.datasets)
    for terms in dict.fromkeys(entry.terms for entry in entries):
        print(f"terms of {sum(entry.terms == terms for entry in entries)} images: {terms}", flush=True)
    results = rebuild(entries, arguments.folder, arguments.host or HOST)
    for verdict in ("wrong", "not fetched"):
        _name(verdict, [f"{one.path}: {one.reason}" for one in results if one.verdict == verdict])
    counts = Counter(one.verdict for one in results)
    print(
        f"{len(results)} images: {counts['same']} as ours, pixel for pixel; {counts['alike']} alike, made a little "
        f"differently; {counts['wrong']} wrong; {counts['not fetched']} not fetched"
    )
    if counts["alike"]:
        print("alike: the same picture, scaled or encoded by another version; numbers move a little with it")
    return 0 if all(one.usable for one in results) else 1


def _check(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.manifest import check

    result = check(arguments.root, arguments.manifest)
    for what in ("missing", "changed", "extra"):
        _name(what, getattr(result, what))
    counts = f"{len(result.missing)} missing, {len(result.changed)} changed, {len(result.extra)} extra"
    print(f"{len(result.same)} files are as the manifest says; {counts}")
    return 0 if result.agrees else 1


def _name(what: str, names: Sequence[str]) -> None:
    for name in names[:_SHOWN]:
        print(f"{what}: {name}")
    if len(names) > _SHOWN:
        print(f"{what}: ... and {len(names) - _SHOWN} more")


def _manifest(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.manifest import write_manifest

    splits = (arguments.split,) if arguments.split else ("train", "val")
    print(write_manifest(arguments.root, arguments.output, splits))
    return 0


def _shard(arguments: argparse.Namespace) -> int:
    from colorstyle_lib.data.downloads import find_root
    from colorstyle_lib.data.write_shards import write_shards

    write_shards(
        find_root(arguments.source),
        arguments.destination,
        shorter_side=arguments.shorter_side,
        quality=arguments.quality,
        per_shard=arguments.per_shard,
        datasets=arguments.datasets,
    )
    return 0
